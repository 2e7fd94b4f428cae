//! The server logs of the CA node and of the offline root: audit lines among the lines of other loggers.

use super::super::seed;
use super::super::time::Utc;
use super::Sample;
use super::pki::{FIRST_MADE, Issue, Kind, Pki, ROOT_MADE, SECOND_MADE, authority_lists};
use super::registration::{approver, decided_at, second_officer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The ids EJBCA gives its CAs: the two issuing ones, and the root.
const CA_IDS: [&str; 2] = ["-1371284925", "204418862"];
const ROOT_ID: &str = "1188204016";
const LOGGER: &str = "INFO  [org.cesecore.audit.impl.log4j.Log4jDevice]";

/// The planted hole of fifteen hours: audit lines between the two are left out, although lists were made then.
pub const HOLE: (&str, &str) = ("2021-10-19T23:50:00", "2021-10-20T14:50:00");

/// Changes to the configuration of the CA: when, what was logged, who, and the mark. The last is planted: it has no change.
const CHANGES: [(&str, &str, usize, &str); 6] = [
    (
        "2021-09-13T19:20:10",
        "CERTPROFILE_EDITING;SUCCESS;CERTIFICATEPROFILE;CORE;{};;;;msg=Certificate profile organisation edited.",
        0,
        "edit/profile",
    ),
    (
        "2021-09-14T14:40:30",
        "CA_EDITING;SUCCESS;CA;CORE;{};204418862;;;msg=CA with id 204418862 and name Sample Issuing 2 edited.",
        1,
        "edit/ca",
    ),
    ("2021-12-14T18:35:00", "SYSTEMCONF_EDIT;SUCCESS;GLOBALCONF;CORE;{};;;;msg=Edited global configuration.", 0, "edit/system"),
    (
        "2022-03-15T18:10:44",
        "CERTPROFILE_EDITING;SUCCESS;CERTIFICATEPROFILE;CORE;{};;;;msg=Certificate profile device edited.",
        1,
        "edit/profile-2",
    ),
    ("2022-05-17T18:45:12", "ROLE_ACCESS_USER_ADDITION;SUCCESS;ROLES;CORE;{};;;;msg=Administrator added to role.", 0, "edit/role"),
    (
        "2022-04-20T23:12:37",
        "CERTPROFILE_EDITING;SUCCESS;CERTIFICATEPROFILE;CORE;{};;;;msg=Certificate profile device edited.",
        1,
        "edit/unticketed",
    ),
];

/// The node is restarted in the windows of changes: its tokens are given up before, and taken up after it.
const RESTARTS: [&str; 4] = ["2021-09-14T13:30:00", "2021-12-14T18:00:00", "2022-03-15T18:00:00", "2022-06-14T18:00:00"];

/// What one event wrote.
struct Entry {
    at: Utc,
    lines: Vec<String>,
    audit: bool,
    mark: Option<(String, Vec<u8>)>,
}

pub fn build(sample: &mut Sample, pki: &Pki) {
    let mut entries = Vec::new();
    entries.extend(pki.issues.iter().flat_map(issued));
    for revocation in &pki.revocations {
        let officer = account(second_officer(revocation.at, approver(revocation.at)));
        let fields = format!(
            "CERT_REVOKED;SUCCESS;CERTIFICATE;CORE;{officer};{};{};{};msg=Revoked certificate.;reason={}",
            CA_IDS[revocation.ca],
            seed::lower(&revocation.serial).to_uppercase(),
            revocation.entity,
            revocation.reason,
        );
        let mut entry = audit(revocation.at, &fields);
        entry.mark = Some((format!("revoked/{}", revocation.entity), revocation.serial.clone()));
        entries.push(entry);
    }
    for list in &pki.lists {
        if let Some(ca) = list.ca {
            let fields = format!("CRL_CREATION;SUCCESS;CRL;CORE;ScheduledTask;{};;;msg=CRL number {} created.", CA_IDS[ca], list.number);
            entries.push(audit(list.at, &fields));
        }
    }
    entries.extend((0..365).map(logged_in));
    for at in RESTARTS {
        entries.extend(restart(Utc::at(at)));
    }
    // A token is in use before the period begins.
    entries.push(token(Utc::at("2021-06-30T15:20:00"), "CRYPTOTOKEN_ACTIVATION", "1733120061", 0));
    for (at, text, who, mark) in CHANGES {
        if mark == "edit/unticketed" && !sample.planted {
            continue;
        }
        let mut entry = audit(Utc::at(at), &text.replacen("{}", &administrator(who), 1));
        entry.mark = Some((mark.to_owned(), Vec::new()));
        entries.push(entry);
    }
    let made = Utc::at(SECOND_MADE);
    entries.push(keygen(made.plus(-1500), "issuing2SignKey", "1733120061", 1));
    entries.push(keygen(Utc::at(FIRST_MADE).plus(-2400), "issuing1SignKey", "1733120061", 0));
    entries.extend(other_loggers());
    if sample.planted {
        let (from, to) = (Utc::at(HOLE.0), Utc::at(HOLE.1));
        entries.retain(|entry| {
            let inside = entry.audit && from < entry.at && entry.at < to;
            assert!(!inside || entry.mark.is_none(), "the hole would swallow an issuance");
            !inside
        });
    }
    entries.sort_by_key(|entry| entry.at);
    // The log is rotated at the end of each quarter, by the wall clock of the server.
    for (name, from, to) in [
        ("2019", "", "2020-01-01"),
        ("2021-q3", "2020-01-01", "2021-10-01"),
        ("2021-q4", "2021-10-01", "2022-01-01"),
        ("2022-q1", "2022-01-01", "2022-04-01"),
        ("2022-q2", "2022-04-01", "9999"),
    ] {
        let quarter: Vec<Entry>;
        (quarter, entries) = entries.into_iter().partition(|entry| {
            let local = entry.at.london().0;
            local.as_str() >= from && local.as_str() < to
        });
        add(sample, &format!("ca/server-{name}.log"), quarter);
    }
    root_log(sample);
}

/// The offline root: nothing but what was done at ceremonies. The planted variant has a night of its own.
fn root_log(sample: &mut Sample) {
    let second = Utc::at(SECOND_MADE);
    let [first, arl, last] = authority_lists(sample.planted);
    let mut entries = vec![keygen(Utc::at(ROOT_MADE).plus(-1200), "rootSignKey", "880021735", 0)];
    let mut session = |from: Utc, until: Utc, done: Vec<Entry>| {
        entries.push(audit(
            from.plus(-420),
            "EJBCA_STARTING;SUCCESS;SERVICE;EJBCA;StartServicesServlet.init;;root-01;;msg=Init, EJBCA 7.4.3 startup.",
        ));
        entries.push(token(from, "CRYPTOTOKEN_ACTIVATION", "880021735", 0));
        entries.extend(done);
        entries.push(token(until, "CRYPTOTOKEN_DEACTIVATION", "880021735", 0));
    };
    let issuing = format!(
        "CERT_CREATION;SUCCESS;CERTIFICATE;CORE;{};{ROOT_ID};{};issuing-2;subjectdn=CN=S1SPKI Sample Issuing 2;certprofile=3;issuancerevocationreason=-1",
        administrator(0),
        seed::lower(&seed::serial("year/issuing-2")).to_uppercase(),
    );
    let mut made = audit(second, &issuing);
    made.mark = Some(("issued/issuing-2".to_owned(), seed::serial("year/issuing-2")));
    session(second.plus(-600), second.plus(1500), vec![made]);
    for (at, number) in [(first, 6), (arl, 7), (last, 8)] {
        let fields = format!("CRL_CREATION;SUCCESS;CRL;CORE;{};{ROOT_ID};;;msg=CRL number {number} created.", administrator(0));
        session(at.plus(-900), at.plus(1200), vec![audit(at, &fields)]);
    }
    if sample.planted {
        let night = Utc::at("2022-03-19T22:14:00");
        let mut use_of_root = token(night, "CRYPTOTOKEN_ACTIVATION", "880021735", 1);
        use_of_root.mark = Some(("root/night".to_owned(), Vec::new()));
        entries.push(use_of_root);
        let mut end = token(night.plus(1260), "CRYPTOTOKEN_DEACTIVATION", "880021735", 1);
        end.mark = Some(("root/night end".to_owned(), Vec::new()));
        entries.push(end);
    }
    entries.sort_by_key(|entry| entry.at);
    add(sample, "ca/root-01.log", entries);
}

fn add(sample: &mut Sample, path: &str, entries: Vec<Entry>) {
    let mut lines: Vec<String> = Vec::new();
    let mut records = 0;
    for entry in entries {
        if let Some((what, serial)) = entry.mark {
            sample.mark(what, path, lines.len() + 1, Some(&serial).filter(|serial| !serial.is_empty()).map(Vec::as_slice));
        }
        records += usize::from(entry.audit);
        lines.extend(entry.lines);
    }
    sample.add(path, records, lines.join("\n") + "\n");
}

/// An audit line: the prefix is local time without a zone, the audit time has its offset.
fn audit(at: Utc, fields: &str) -> Entry {
    let (local, offset) = at.london();
    let thread = at.0 % 29 + 1;
    let line = format!("{} {LOGGER} (default task-{thread}) {local}{offset};{fields}", prefix(at));
    Entry { at, lines: vec![line], audit: true, mark: None }
}

fn prefix(at: Utc) -> String {
    format!("{},{:03}", at.london().0, at.0 * 37 % 1000)
}

/// A registration officer of the day, by account.
pub fn officer(at: Utc) -> String {
    account(approver(at))
}

/// The account of a registration officer, see the register of accounts.
fn account(person: &str) -> String {
    let number = match person {
        "P. Marlow" => 1,
        "J. Okafor" => 2,
        _ => 3,
    };
    format!("CN=RA Officer {number},O=Sample,C=GB")
}

fn administrator(number: usize) -> String {
    format!("CN=CA Administrator {},O=Sample,C=GB", number + 1)
}

fn token(at: Utc, event: &str, id: &str, who: usize) -> Entry {
    let verb = if event.ends_with("DEACTIVATION") { "Deactivated" } else { "Activated" };
    audit(at, &format!("{event};SUCCESS;CRYPTOTOKEN;CORE;{};{id};;;msg={verb} CryptoToken.", administrator(who)))
}

fn keygen(at: Utc, alias: &str, id: &str, who: usize) -> Entry {
    let mut entry = audit(
        at,
        &format!("CRYPTOTOKEN_GEN_KEYPAIR;SUCCESS;CRYPTOTOKEN;CORE;{};{id};;;alias={alias};keySpecification=secp256r1", administrator(who)),
    );
    entry.mark = Some((format!("keygen/{alias}"), Vec::new()));
    entry
}

fn restart(at: Utc) -> Vec<Entry> {
    let started = "EJBCA_STARTING;SUCCESS;SERVICE;EJBCA;StartServicesServlet.init;;ca-01;;msg=Init, EJBCA 7.4.3 startup.";
    vec![
        token(at, "CRYPTOTOKEN_DEACTIVATION", "1733120061", 0),
        audit(at.plus(300), started),
        token(at.plus(420), "CRYPTOTOKEN_ACTIVATION", "1733120061", 0),
    ]
}

/// The profile of a certificate, and who had it made.
fn issued(issue: &Issue) -> Vec<Entry> {
    let entity = &issue.entity;
    let id = CA_IDS[issue.ca];
    let (profile, actor) = match issue.kind {
        // Never by the one who approved the request.
        Kind::Organisation => (1_410_865_302, account(second_officer(issue.at, approver(decided_at(issue))))),
        Kind::Device => (1_410_865_307, "CN=Device Gateway,O=Sample,C=GB".to_owned()),
    };
    let serial = seed::lower(&issue.serial).to_uppercase();
    let created = format!(
        "CERT_CREATION;SUCCESS;CERTIFICATE;CORE;{actor};{id};{serial};{entity};subjectdn={};certprofile={profile};issuancerevocationreason=-1;cert={}",
        issue.subject,
        STANDARD.encode(&issue.der),
    );
    let mut creation = audit(issue.at, &created);
    creation.mark = Some((format!("issued/{entity}"), issue.serial.clone()));
    if issue.kind == Kind::Device {
        return vec![creation];
    }
    let added_at = issue.at.plus(-140);
    let added = format!(
        "RA_ADDENDENTITY;SUCCESS;RA;CORE;{actor};{id};;{entity};msg=Added end entity {entity}.;caid={id};cardnumber=;certificateprofileid={profile};endentityprofileid=3;extendedInformation= [version:4.0], [type:0], [subjectdirattributes:], [maxfailedloginattempts:-1];status=10;subjectDN=B64:{};subjectEmail=;timecreated={};tokentype=1;type=1;username={entity}",
        STANDARD.encode(&issue.subject),
        added_at.java(),
    );
    vec![audit(added_at, &added), creation]
}

/// The daily look of an administrator, in the morning.
fn logged_in(day: i64) -> Entry {
    let at = Utc::at("2021-07-01T07:35:00").plus_days(day).plus(seed::below(&format!("year/login/{day}"), 1500));
    let number = usize::try_from(seed::below(&format!("year/administrator/{day}"), 2)).expect("small");
    let fields = format!(
        "ADMINWEB_ADMINISTRATORLOGGEDIN;SUCCESS;ADMINWEB;EJBCA;{};{};{};;remoteip=192.0.2.{}",
        administrator(number),
        CA_IDS[0],
        seed::hex(&format!("administrator's certificate/{number}"), 8).to_uppercase(),
        11 + number,
    );
    audit(at, &fields)
}

/// Lines that are no audit records, a stack trace among them.
fn other_loggers() -> Vec<Entry> {
    let peer = "ERROR [org.ejbca.peerconnector.client.PeerConnectorPool] (EJB default - 1) Failed connection to https://va-01.sample.invalid:8443/ejbca/peer/v1: Connection timed out (Connection timed out)";
    let publisher = [
        "ERROR [org.ejbca.core.model.services.ServiceTimer] (EJB default - 4) Publisher queue service failed",
        "java.lang.IllegalStateException: Could not reach publisher 'va-01'",
        "\tat org.ejbca.core.model.services.workers.PublishQueueProcessWorker.work(PublishQueueProcessWorker.java:112)",
        "Caused by: java.net.ConnectException: Connection refused (Connection refused)",
        "\tat java.net.PlainSocketImpl.socketConnect(Native Method)",
        "\t... 24 more",
    ];
    [("2021-09-08T02:14:55", vec![peer]), ("2021-12-29T03:41:12", publisher.to_vec()), ("2022-04-18T04:55:30", vec![peer])]
        .into_iter()
        .map(|(at, lines)| {
            let at = Utc::at(at);
            let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
            lines[0] = format!("{} {}", prefix(at), lines[0]);
            Entry { at, lines, audit: false, mark: None }
        })
        .collect()
}
