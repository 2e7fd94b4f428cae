//! The server log of the CA: cesecore audit lines among the lines of other loggers.

use super::super::seed;
use super::super::time::Utc;
use super::Sample;
use super::pki::{Issue, Kind, Pki};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const CA_ID: &str = "-1371284925";
const LOGGER: &str = "INFO  [org.cesecore.audit.impl.log4j.Log4jDevice]";

/// Administrators who looked at something. The last ones keep the log from being silent where
/// the planted variant makes no CRL, and bound the hole that it has.
const ACCESSES: [&str; 14] = [
    "2020-09-04T13:25:10",
    "2020-09-10T15:02:51",
    "2020-09-16T22:30:04",
    "2020-09-24T10:48:37",
    "2020-09-30T16:31:20",
    "2020-10-02T13:12:09",
    "2020-10-07T15:40:18",
    "2020-10-07T22:05:33",
    "2020-10-15T09:55:42",
    HOLE.0,
    HOLE.1,
    "2020-10-23T14:07:26",
    "2020-10-31T17:20:05",
    "2020-10-31T23:40:11",
];

/// The planted hole of fifteen hours: audit lines between the two are left out, although CRLs
/// were made in that time.
pub const HOLE: (&str, &str) = ("2020-10-19T23:50:00", "2020-10-20T14:50:00");

/// What one event wrote.
struct Entry {
    at: Utc,
    lines: Vec<String>,
    audit: bool,
    mark: Option<(String, Vec<u8>)>,
}

pub fn build(sample: &mut Sample, pki: &Pki) {
    let mut entries = started();
    entries.extend(pki.issues.iter().flat_map(issued));
    for revocation in &pki.revocations {
        let officer = officer(revocation.at.0);
        let fields = format!(
            "CERT_REVOKED;SUCCESS;CERTIFICATE;CORE;{officer};{CA_ID};{};{};msg=Revoked certificate.;reason={}",
            seed::lower(&revocation.serial).to_uppercase(),
            revocation.entity,
            revocation.reason,
        );
        let mut entry = audit(revocation.at, &fields);
        entry.mark = Some((format!("revoked/{}", revocation.entity), revocation.serial.clone()));
        entries.push(entry);
    }
    for (number, at) in &pki.crls {
        let fields = format!("CRL_CREATION;SUCCESS;CRL;CORE;ScheduledTask;{CA_ID};;;msg=CRL number {number} created.");
        entries.push(audit(*at, &fields));
    }
    entries.extend((0..61).map(logged_in));
    entries.extend(ACCESSES.into_iter().map(accessed));
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
    // The log is rotated at midnight, by the wall clock of the server.
    let (september, october): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.at.london().0.as_str() < "2020-10-01");
    add(sample, "ca/server-2020-09.log", september);
    add(sample, "ca/server-2020-10.log", october);
}

fn add(sample: &mut Sample, path: &str, entries: Vec<Entry>) {
    let mut lines: Vec<String> = Vec::new();
    let mut records = 0;
    for entry in entries {
        if let Some((what, serial)) = entry.mark {
            sample.mark(what, path, lines.len() + 1, Some(&serial));
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

fn officer(number: i64) -> String {
    format!("CN=RA Officer {},O=Sample,C=GB", number % 3 + 1)
}

fn administrator(number: i64) -> String {
    format!("CN=CA Administrator {},O=Sample,C=GB", number % 2 + 1)
}

fn started() -> Vec<Entry> {
    let at = Utc::at("2020-08-31T15:02:11");
    let token = format!(
        "CRYPTOTOKEN_ACTIVATION;SUCCESS;CRYPTOTOKEN;CORE;{};1804289383;;;msg=Activated crypto token 'Sample Issuing 1' with id 1804289383.",
        administrator(0)
    );
    vec![
        audit(
            at,
            "EJBCA_STARTING;SUCCESS;SERVICE;EJBCA;StartServicesServlet.init;;ca-01;;msg=Init, EJBCA 7.4.1 Enterprise (r35341) startup.",
        ),
        audit(at.plus(204), &token),
    ]
}

fn issued(issue: &Issue) -> Vec<Entry> {
    let entity = &issue.entity;
    let officer = match issue.kind {
        Kind::Organisation => officer(issue.number),
        Kind::Device => "CN=Device Portal,O=Sample,C=GB".to_owned(),
    };
    let profile = match issue.kind {
        Kind::Organisation => 1_410_865_302,
        Kind::Device => 1_410_865_307,
    };
    let added_at = issue.at.plus(-140);
    let added = format!(
        "RA_ADDENDENTITY;SUCCESS;RA;CORE;{officer};{CA_ID};;{entity};msg=Added end entity {entity}.;caid={CA_ID};cardnumber=;certificateprofileid={profile};endentityprofileid=3;extendedInformation= [version:4.0], [type:0], [subjectdirattributes:], [maxfailedloginattempts:-1];status=10;subjectDN=B64:{};subjectEmail=;timecreated={};tokentype=1;type=1;username={entity}",
        STANDARD.encode(&issue.subject),
        added_at.java(),
    );
    let serial = seed::lower(&issue.serial).to_uppercase();
    let created = format!(
        "CERT_CREATION;SUCCESS;CERTIFICATE;CORE;{officer};{CA_ID};{serial};{entity};subjectdn={};certprofile={profile};issuancerevocationreason=-1;cert={}",
        issue.subject,
        STANDARD.encode(&issue.der),
    );
    let mut creation = audit(issue.at, &created);
    creation.mark = Some((format!("issued/{entity}"), issue.serial.clone()));
    vec![audit(added_at, &added), creation]
}

/// The daily look of an administrator, in the morning.
fn logged_in(day: i64) -> Entry {
    let at = Utc::at("2020-09-01T07:35:00").plus_days(day).plus(seed::below(&format!("login/{day}"), 1500));
    let number = seed::below(&format!("administrator/{day}"), 2);
    let fields = format!(
        "ADMINWEB_ADMINISTRATORLOGGEDIN;SUCCESS;ADMINWEB;EJBCA;{};{CA_ID};{};;remoteip=192.0.2.{}",
        administrator(number),
        seed::hex(&format!("administrator's certificate/{number}"), 8).to_uppercase(),
        11 + number,
    );
    audit(at, &fields)
}

fn accessed(at: &str) -> Entry {
    let at = Utc::at(at);
    let fields = format!(
        "ACCESS_CONTROL;SUCCESS;ACCESSCONTROL;CORE;{};;;;resource0=/administrator;resource1=/system_functionality/view_administrator_privileges",
        administrator(at.0)
    );
    audit(at, &fields)
}

/// Lines that are no audit records, a stack trace among them.
fn other_loggers() -> Vec<Entry> {
    let peer = "ERROR [org.ejbca.peerconnector.client.PeerConnectorPool] (EJB default - 1) Failed connection to https://va-01.sample.invalid:8443/ejbca/peer/v1: Connection timed out (Connection timed out)";
    let slow = "WARN  [com.arjuna.ats.arjuna] (Transaction Reaper) ARJUNA012117: TransactionReaper::check processing TX in state RUN";
    let publisher = [
        "ERROR [org.ejbca.core.model.services.ServiceTimer] (EJB default - 4) Publisher queue service failed",
        "java.lang.IllegalStateException: Could not reach publisher 'va-01'",
        "\tat org.ejbca.core.model.services.workers.PublishQueueProcessWorker.work(PublishQueueProcessWorker.java:112)",
        "\tat org.ejbca.core.ejb.services.ServiceSessionBean.executeService(ServiceSessionBean.java:438)",
        "\tat java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1149)",
        "Caused by: java.net.ConnectException: Connection refused (Connection refused)",
        "\tat java.net.PlainSocketImpl.socketConnect(Native Method)",
        "\t... 24 more",
    ];
    [
        ("2020-08-31T15:03:02", vec!["INFO  [org.jboss.as.server] (ServerService Thread Pool -- 41) WFLYSRV0010: Deployed \"ejbca.ear\" (runtime-name : \"ejbca.ear\")"]),
        ("2020-09-08T02:14:55", vec![peer]),
        ("2020-09-25T17:08:26", vec![peer]),
        ("2020-09-29T03:41:12", publisher.to_vec()),
        ("2020-10-06T11:20:47", vec![slow]),
        ("2020-10-18T04:55:30", vec![peer]),
        ("2020-10-20T06:31:09", vec![slow]),
    ]
    .into_iter()
    .map(|(at, lines)| {
        let at = Utc::at(at);
        let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
        lines[0] = format!("{} {}", prefix(at), lines[0]);
        Entry { at, lines, audit: false, mark: None }
    })
    .collect()
}
