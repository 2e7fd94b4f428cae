//! The PKI itself: who was certified when and by which CA, what was revoked, and every list.

use super::super::seed;
use super::super::time::Utc;
use super::super::x509::{self, Authority, Certificate, Entry, Usage};
use super::Sample;

// Organisation certificates that deviate in the planted variant.
pub const NO_AUTHORITY_KEY: &str = "ORG-009";
pub const TWELVE_YEARS: &str = "ORG-010";
pub const LONG_ROLE_CODE: &str = "ORG-011";
pub const IN_TEST_POLICY: &str = "ORG-012";
pub const WRONG_SIGNATURE: &str = "ORG-013";
pub const SHORT_IDENTIFIER: &str = "ORG-017";
/// Its key is that of the organisation before it.
pub const BORROWED_KEY: &str = "ORG-031";
/// Issued by the first CA after the end of its usage period.
pub const AFTER_USAGE: &str = "ORG-040";
/// A device whose key identifier is not made of its key.
pub const ODD_KEY_ID: &str = "DEV-0777";
/// A device whose certificate has a subject.
pub const NAMED_DEVICE: &str = "DEV-1234";

const ROLE_CODES: [&str; 6] = ["02", "03", "06", "07", "0E", "8F"];
const CRL_HOURS: i64 = 48;
pub const FIRST_CRL: [u32; 2] = [7400, 1];
/// The first instant at which the second CA issues.
pub const CHANGEOVER: &str = "2022-01-10T00:00:00";
pub const ORGANISATIONS: i64 = 64;
pub const DEVICES: i64 = 2_000;
/// The root and the first issuing CA were made before the policy was in force, the second in the period.
pub const ROOT_MADE: &str = "2019-06-03T10:40:00";
pub const FIRST_MADE: &str = "2019-06-03T14:20:00";
pub const SECOND_MADE: &str = "2021-09-14T14:10:00";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Organisation,
    Device,
}

/// One certificate issued to an end entity.
pub struct Issue {
    pub entity: String,
    pub number: i64,
    pub kind: Kind,
    /// 0 or 1.
    pub ca: usize,
    pub at: Utc,
    /// The subject as the CA log writes it; empty for a device.
    pub subject: String,
    pub serial: Vec<u8>,
    pub der: Vec<u8>,
}

pub struct Revocation {
    pub entity: String,
    pub ca: usize,
    pub at: Utc,
    pub reason: u8,
    pub serial: Vec<u8>,
    /// When a list was made because of it; None: it waited for the next one by the timetable.
    extra: Option<Utc>,
}

/// A list, with where it stands in its bundle.
pub struct List {
    pub ca: Option<usize>,
    pub number: u32,
    pub at: Utc,
    pub sha256: String,
}

pub struct Pki {
    /// In the order of time.
    pub issues: Vec<Issue>,
    pub revocations: Vec<Revocation>,
    pub lists: Vec<List>,
    /// SHA-256 of the public keys of the root and of the two issuing CAs.
    pub public_keys: [String; 3],
    /// SHA-256 of the certificates of the root and of the two issuing CAs.
    pub certificates: [String; 3],
}

/// When the lists of the root were made: the second one comes too late in the planted variant.
pub fn authority_lists(planted: bool) -> [Utc; 3] {
    ["2021-02-10T10:40:00", if planted { "2022-02-22T10:40:00" } else { "2021-11-23T10:40:00" }, "2022-05-31T10:40:00"].map(Utc::at)
}

/// Makes the PKI and adds its certificates and lists.
pub fn build(sample: &mut Sample) -> Pki {
    let root = Authority::new("S1SPKI Sample Root");
    let issuing = [Authority::new("S1SPKI Sample Issuing 1"), Authority::new("S1SPKI Sample Issuing 2")];
    let certificates = add_authorities(sample, &root, &issuing);
    let issues = issues(&issuing, sample.planted);
    add_issues(sample, &issues);
    let revocations = revocations(&issues, sample.planted);
    let mut lists = Vec::new();
    for (ca, authority) in issuing.iter().enumerate() {
        let times = timetable(ca, &revocations, sample.planted);
        add_lists(sample, authority, ca, &times, &revocations, &mut lists);
    }
    let path = "crl/root-arl.pem";
    let mut arls = Vec::new();
    for (number, at) in (6..).zip(authority_lists(sample.planted)) {
        let der = x509::crl(&root, number, at, at.plus_years(1), &[]);
        lists.push(List { ca: None, number, at, sha256: seed::sha256(&der) });
        arls.push(der);
        sample.mark(format!("arl/{number}"), path, arls.len(), None);
    }
    sample.add(path, arls.len(), x509::pem("X509 CRL", &arls));
    lists.sort_by_key(|list| (list.at, list.number));
    let public_keys = [&root, &issuing[0], &issuing[1]].map(|authority| x509::public_key(&authority.key));
    Pki { issues, revocations, lists, public_keys, certificates }
}

fn add_authorities(sample: &mut Sample, root: &Authority, issuing: &[Authority; 2]) -> [String; 3] {
    let made = Utc::at(ROOT_MADE);
    let root_certificate = Certificate {
        serial: seed::serial("year/root"),
        subject: root.name.clone(),
        not_before: made,
        not_after: Some(made.plus_years(50).plus(-1)),
        key: root.key.clone(),
        extensions: vec![
            x509::basic_constraints(!sample.planted, None),
            x509::key_usage(Usage::Authority),
            x509::subject_key_id(&root.key),
        ],
    };
    let below = |authority: &Authority, label: &str, made: Utc| Certificate {
        serial: seed::serial(label),
        subject: authority.name.clone(),
        not_before: made,
        not_after: Some(made.plus_years(25).plus(-1)),
        key: authority.key.clone(),
        extensions: vec![
            x509::basic_constraints(true, Some(0)),
            x509::key_usage(Usage::Authority),
            x509::subject_key_id(&authority.key),
            x509::authority_key_id(&root.key),
            x509::policy(x509::LIVE_POLICY),
        ],
    };
    let first = below(&issuing[0], "year/issuing-1", Utc::at(FIRST_MADE));
    let second = below(&issuing[1], "year/issuing-2", Utc::at(SECOND_MADE));
    [("root", root_certificate), ("issuing-1", first), ("issuing-2", second)].map(|(name, certificate)| {
        let path = format!("certificates/ca/{name}.pem");
        let der = certificate.sign(root, &root.key);
        sample.mark(format!("certificate/{name}"), &path, 1, Some(&certificate.serial));
        sample.add(&path, 1, x509::pem("CERTIFICATE", [&der]));
        seed::sha256(&der)
    })
}

fn issues(issuing: &[Authority; 2], planted: bool) -> Vec<Issue> {
    let organisations = (1..=ORGANISATIONS).map(|number| organisation(number, issuing, planted));
    let devices = (1..=DEVICES).map(|number| device(number, issuing, planted));
    let mut issues: Vec<Issue> = organisations.chain(devices).collect();
    issues.sort_by_key(|issue| issue.at);
    issues
}

fn add_issues(sample: &mut Sample, issues: &[Issue]) {
    let changeover = Utc::at(CHANGEOVER);
    for (kind, folder) in [(Kind::Organisation, "organisation"), (Kind::Device, "device")] {
        for year in ["2021", "2022"] {
            let path = format!("certificates/{folder}/{folder}-{year}.pem");
            let bundle: Vec<&Issue> =
                issues.iter().filter(|issue| issue.kind == kind && (issue.at < changeover) == (year == "2021")).collect();
            for (issue, row) in bundle.iter().zip(1..) {
                sample.mark(format!("certificate/{}", issue.entity), &path, row, Some(&issue.serial));
            }
            let text = x509::pem("CERTIFICATE", bundle.iter().map(|issue| &issue.der));
            sample.add(&path, bundle.len(), text);
        }
    }
}

/// Which CA issues at an instant.
fn serving(at: Utc) -> usize {
    usize::from(at >= Utc::at(CHANGEOVER))
}

fn organisation(number: i64, issuing: &[Authority; 2], planted: bool) -> Issue {
    let entity = format!("ORG-{number:03}");
    let is = |flaw: &str| planted && entity == flaw;
    // Working hours, and never a Sunday or Saturday.
    let day = Utc::at("2021-07-01T08:00:00").plus_days((number - 1) * 364 / 63);
    let at = day.weekday_on().plus_hours(1 + number * 5 % 8).plus(number * 1049 % 3600);
    let ca = if is(AFTER_USAGE) { 0 } else { serving(at) };
    let role = if is(LONG_ROLE_CODE) { "137" } else { ROLE_CODES[usize::try_from(number % 6).expect("small")] };
    let eui_64 = seed::octets(&format!("year/eui-64/{entity}"));
    let identifier = if is(SHORT_IDENTIFIER) { &eui_64[..7] } else { &eui_64[..8] };
    let years = if is(TWELVE_YEARS) { 12 } else { 10 };
    let before = format!("year/ORG-{:03}", number - 1);
    let key = seed::key(&if is(BORROWED_KEY) { before } else { format!("year/{entity}") });
    let mut extensions = vec![x509::key_usage(usage(if is(BORROWED_KEY) { number - 1 } else { number })), x509::subject_key_id(&key)];
    if !is(NO_AUTHORITY_KEY) {
        extensions.push(x509::authority_key_id(&issuing[ca].key));
    }
    extensions.push(x509::policy(if is(IN_TEST_POLICY) { x509::TEST_POLICY } else { x509::LIVE_POLICY }));
    let certificate = Certificate {
        serial: seed::serial(&format!("year/{entity}")),
        subject: x509::name(&[
            ("2.5.4.3", super::super::der::text(&entity)),
            ("2.5.4.11", super::super::der::text(role)),
            ("2.5.4.45", super::super::der::bits(0, identifier)),
        ]),
        not_before: at,
        not_after: Some(at.plus_years(years).plus(-1)),
        key,
        extensions,
    };
    let impostor = seed::key("a key that is not the issuing CA's");
    let signer = if is(WRONG_SIGNATURE) { &impostor } else { &issuing[ca].key };
    Issue {
        subject: format!("CN={entity},OU={role},UID={}", seed::lower(identifier)),
        entity,
        number,
        kind: Kind::Organisation,
        ca,
        at,
        der: certificate.sign(&issuing[ca], signer),
        serial: certificate.serial,
    }
}

/// Devices come in batches of fifty, one every nine days.
pub fn batch(number: i64) -> (i64, Utc) {
    let batch = (number - 1) / 50;
    (batch + 1, Utc::at("2021-07-05T10:00:00").plus_days(batch * 9).weekday_on())
}

fn device(number: i64, issuing: &[Authority; 2], planted: bool) -> Issue {
    let entity = format!("DEV-{number:04}");
    let is = |flaw: &str| planted && entity == flaw;
    let at = batch(number).1.plus((number - 1) % 50 * 7 + 95);
    let ca = serving(at);
    let key = seed::key(&format!("year/{entity}"));
    let odd = seed::key("year/some other key");
    let subject = if is(NAMED_DEVICE) { vec![("2.5.4.3", super::super::der::text(&entity))] } else { Vec::new() };
    let certificate = Certificate {
        serial: seed::serial(&format!("year/{entity}")),
        subject: x509::name(&subject),
        not_before: at,
        not_after: None,
        extensions: vec![
            x509::key_usage(usage(number)),
            x509::hardware_module_name(&seed::octets(&format!("year/device/{entity}"))[..8]),
            x509::subject_key_id(if is(ODD_KEY_ID) { &odd } else { &key }),
            x509::authority_key_id(&issuing[ca].key),
            x509::policy(x509::LIVE_POLICY),
        ],
        key,
    };
    Issue {
        subject: if is(NAMED_DEVICE) { format!("CN={entity}") } else { String::new() },
        entity,
        number,
        kind: Kind::Device,
        ca,
        at,
        der: certificate.sign(&issuing[ca], &issuing[ca].key),
        serial: certificate.serial,
    }
}

fn usage(number: i64) -> Usage {
    if number % 2 == 0 { Usage::Agreement } else { Usage::Signature }
}

/// Listed exactly 60 minutes later; listed three hours later in the planted variant.
pub const LISTED_IN_TIME: &str = "ORG-006";
pub const LISTED_LATE: &str = "ORG-008";
/// Suspended in the planted variant.
pub const ON_HOLD: &str = "ORG-020";
/// Revoked in the planted variant though nobody asked for it.
pub const UNASKED: &str = "DEV-0405";

fn revocations(issues: &[Issue], planted: bool) -> Vec<Revocation> {
    [
        ("DEV-0002", "2021-07-12T10:31:07", 1),
        ("ORG-003", "2021-08-03T14:02:40", 4),
        (LISTED_IN_TIME, "2021-09-28T15:10:00", 5),
        ("DEV-0105", "2021-10-05T11:47:19", 1),
        (LISTED_LATE, "2021-10-14T13:10:00", 4),
        ("DEV-0229", "2021-11-17T09:26:55", 5),
        ("DEV-0230", "2021-12-16T23:30:00", 1),
        (ON_HOLD, "2022-01-25T10:12:31", if planted { 6 } else { 5 }),
        (UNASKED, "2022-02-03T15:20:11", 1),
        ("ORG-018", "2022-03-08T08:42:20", 4),
        ("DEV-1015", "2022-03-29T13:05:45", 1),
        ("DEV-1411", "2022-05-11T16:44:02", 5),
        ("ORG-049", "2022-06-21T09:09:09", 3),
    ]
    .into_iter()
    .map(|(entity, at, reason)| {
        let at = Utc::at(at);
        // The list of 16:10 is due exactly an hour after the one, three hours after the other.
        let waits = entity == LISTED_IN_TIME || (planted && entity == LISTED_LATE);
        let issue = issues.iter().find(|issue| issue.entity == entity).expect("only what was issued is revoked");
        assert!(issue.at < at, "{entity} is revoked before it is issued");
        let extra = (!waits).then(|| at.plus(20 * 60));
        Revocation { entity: entity.to_owned(), ca: issue.ca, at, reason, serial: issue.serial.clone(), extra }
    })
    .collect()
}

// Where the lists of the first CA leave the timetable.
/// A near miss, in both variants: exactly twelve hours after the list before it.
pub const TWELVE_HOURS: &str = "2021-10-12T12:10:00";
/// Twenty hours after the list before it.
pub const TWENTY_HOURS: &str = "2021-11-08T04:10:00";
/// The last list of the second CA in the planted variant, a day before the end of the period.
pub const LAST_PLANTED: &str = "2022-06-30T00:10:00";

/// Three lists a day.
fn timetable(ca: usize, revocations: &[Revocation], planted: bool) -> Vec<Utc> {
    let (first, end) = match ca {
        0 => (Utc::at("2021-06-30T16:10:00"), Utc::at("2022-07-01T00:10:00")),
        _ => (Utc::at("2021-09-14T16:10:00"), Utc::at("2022-07-01T00:10:00")),
    };
    let mut times: Vec<Utc> = (0..1200).map(|turn| first.plus_hours(8 * turn)).take_while(|at| *at <= end).collect();
    if ca == 0 {
        let mut replace = |due: &[&str], by: &str| {
            times.retain(|at| !due.iter().any(|dropped| Utc::at(dropped) == *at));
            times.push(Utc::at(by));
        };
        replace(&["2021-10-12T08:10:00"], TWELVE_HOURS);
        if planted {
            replace(&["2021-11-07T16:10:00", "2021-11-08T00:10:00"], TWENTY_HOURS);
        }
    } else if planted {
        times.retain(|at| *at <= Utc::at(LAST_PLANTED));
    }
    times.extend(revocations.iter().filter(|revocation| revocation.ca == ca).filter_map(|revocation| revocation.extra));
    times.sort();
    times
}

fn add_lists(sample: &mut Sample, issuing: &Authority, ca: usize, times: &[Utc], revocations: &[Revocation], lists: &mut Vec<List>) {
    let path = format!("crl/issuing-{}.pem", ca + 1);
    let mut bundle: Vec<Vec<u8>> = Vec::new();
    for (number, &at) in (FIRST_CRL[ca]..).zip(times) {
        let entries: Vec<Entry> = revocations
            .iter()
            .filter(|revocation| revocation.ca == ca && revocation.at <= at)
            .map(|revocation| Entry { serial: revocation.serial.clone(), revoked_at: revocation.at, reason: revocation.reason })
            .collect();
        let der = x509::crl(issuing, number, at, at.plus_hours(CRL_HOURS), &entries);
        lists.push(List { ca: Some(ca), number, at, sha256: seed::sha256(&der) });
        bundle.push(der);
        sample.mark(format!("crl/{}/{}", ca + 1, at.iso()), &path, bundle.len(), None);
    }
    sample.add(&path, bundle.len(), x509::pem("X509 CRL", &bundle));
}
