//! The PKI itself: who was certified when, what was revoked, and every CRL.

use super::super::seed;
use super::super::time::Utc;
use super::super::x509::{self, Authority, Certificate, Entry, Usage};
use super::Sample;
use std::collections::BTreeMap;

// The organisation certificates that deviate in the planted variant.
pub const NO_AUTHORITY_KEY: &str = "ORG-09";
pub const TWELVE_YEARS: &str = "ORG-10";
pub const LONG_ROLE_CODE: &str = "ORG-11";
pub const IN_TEST_POLICY: &str = "ORG-12";
pub const WRONG_SIGNATURE: &str = "ORG-13";
pub const SHORT_IDENTIFIER: &str = "ORG-17";
/// Issued on Saturday 2020-09-05, before the policy was in force, with no request.
pub const LOOK_BACK: &str = "ORG-02";

const ROLE_CODES: [&str; 6] = ["02", "03", "06", "07", "0E", "8F"];
const CRL_HOURS: i64 = 48;
const FIRST_CRL: u32 = 1000;

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
    pub at: Utc,
    /// The subject as the CA log writes it; empty for a device.
    pub subject: String,
    pub serial: Vec<u8>,
    pub der: Vec<u8>,
}

pub struct Revocation {
    pub entity: String,
    pub at: Utc,
    pub reason: u8,
    pub serial: Vec<u8>,
    /// When a CRL was made because of it; None: it waited for the next one by the timetable.
    extra: Option<Utc>,
}

pub struct Pki {
    /// In the order of time.
    pub issues: Vec<Issue>,
    pub revocations: Vec<Revocation>,
    /// Number and thisUpdate of every CRL of the issuing CA.
    pub crls: Vec<(u32, Utc)>,
}

/// Makes the PKI and adds its certificates and CRLs.
pub fn build(sample: &mut Sample) -> Pki {
    let root = Authority::new("S1SPKI Sample Root");
    let issuing = Authority::new("S1SPKI Sample Issuing 1");
    add_authorities(sample, &root, &issuing);

    let issues = issues(&issuing, sample.planted);
    for (kind, folder) in [(Kind::Organisation, "organisation"), (Kind::Device, "device")] {
        let path = format!("certificates/{folder}/{folder}-2020.pem");
        let bundle: Vec<&Issue> = issues.iter().filter(|issue| issue.kind == kind).collect();
        for (issue, row) in bundle.iter().zip(1..) {
            sample.mark(format!("certificate/{}", issue.entity), &path, row, Some(&issue.serial));
        }
        let text = x509::pem("CERTIFICATE", bundle.iter().map(|issue| &issue.der));
        sample.add(&path, bundle.len(), text);
    }

    let revocations = revocations(&issues, sample.planted);
    let crls = timetable(&revocations, sample.planted);
    add_crls(sample, &issuing, &crls, &revocations);
    let arl_at = Utc::at("2020-06-03T10:00:00");
    sample.add("crl/root-arl.crl", 1, x509::crl(&root, 7, arl_at, arl_at.plus_years(1), &[]));
    Pki { issues, revocations, crls }
}

fn add_authorities(sample: &mut Sample, root: &Authority, issuing: &Authority) {
    // Both were made before the policy was in force: they are judged as a baseline.
    let made = Utc::at("2019-06-03T10:00:00");
    let root_certificate = Certificate {
        serial: seed::serial("root"),
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
    let made = made.plus_hours(2);
    let issuing_certificate = Certificate {
        serial: seed::serial("issuing"),
        subject: issuing.name.clone(),
        not_before: made,
        not_after: Some(made.plus_years(25).plus(-1)),
        key: issuing.key.clone(),
        extensions: vec![
            x509::basic_constraints(true, Some(0)),
            x509::key_usage(Usage::Authority),
            x509::subject_key_id(&issuing.key),
            x509::authority_key_id(&root.key),
            x509::policy(x509::LIVE_POLICY),
        ],
    };
    for (name, certificate) in [("root", root_certificate), ("issuing-1", issuing_certificate)] {
        let path = format!("certificates/ca/{name}.pem");
        let der = certificate.sign(root, &root.key);
        sample.mark(format!("certificate/{name}"), &path, 1, Some(&certificate.serial));
        sample.add(&path, 1, x509::pem("CERTIFICATE", [&der]));
    }
}

fn issues(issuing: &Authority, planted: bool) -> Vec<Issue> {
    let organisations = (1..=24).map(|number| organisation(number, issuing, planted));
    let devices = (1..=12).map(|number| device(number, issuing));
    let mut issues: Vec<Issue> = organisations.chain(devices).collect();
    issues.sort_by_key(|issue| issue.at);
    issues
}

fn organisation(number: i64, issuing: &Authority, planted: bool) -> Issue {
    let entity = format!("ORG-{number:02}");
    let is = |flaw: &str| planted && entity == flaw;
    let at = if entity == LOOK_BACK {
        Utc::at("2020-09-05T10:20:41")
    } else {
        Utc::at("2020-09-02T09:00:00").plus_days((number - 1) * 57 / 23).plus_hours(number * 5 % 8).plus(number * 1049 % 3600)
    };
    let role = if is(LONG_ROLE_CODE) {
        "137"
    } else {
        ROLE_CODES.iter().copied().cycle().nth(usize::try_from(number).unwrap_or(0)).unwrap_or("02")
    };
    let eui_64 = seed::octets(&format!("eui-64/{entity}"));
    let identifier = if is(SHORT_IDENTIFIER) { &eui_64[..7] } else { &eui_64[..8] };
    let years = if is(TWELVE_YEARS) { 12 } else { 10 };
    let key = seed::key(&entity);
    let mut extensions = vec![x509::key_usage(usage(number)), x509::subject_key_id(&key)];
    if !is(NO_AUTHORITY_KEY) {
        extensions.push(x509::authority_key_id(&issuing.key));
    }
    let test = is(IN_TEST_POLICY);
    extensions.push(x509::policy(if test { x509::TEST_POLICY } else { x509::LIVE_POLICY }));
    let certificate = Certificate {
        serial: seed::serial(&entity),
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
    let signer = if is(WRONG_SIGNATURE) { &impostor } else { &issuing.key };
    Issue {
        subject: format!("CN={entity},OU={role},UID={}", seed::lower(identifier)),
        entity,
        number,
        kind: Kind::Organisation,
        at,
        der: certificate.sign(issuing, signer),
        serial: certificate.serial,
    }
}

fn device(number: i64, issuing: &Authority) -> Issue {
    let entity = format!("DEV-{number:02}");
    let at = Utc::at("2020-09-03T10:00:00").plus_days((number - 1) * 5).plus_hours(number % 6).plus(number * 1217 % 3600);
    let key = seed::key(&entity);
    let certificate = Certificate {
        serial: seed::serial(&entity),
        subject: x509::name(&[]),
        not_before: at,
        not_after: None,
        extensions: vec![
            x509::key_usage(usage(number)),
            x509::hardware_module_name(&seed::octets(&format!("device/{entity}"))[..8]),
            x509::subject_key_id(&key),
            x509::authority_key_id(&issuing.key),
            x509::policy(x509::LIVE_POLICY),
        ],
        key,
    };
    Issue {
        entity,
        number,
        kind: Kind::Device,
        at,
        subject: String::new(),
        der: certificate.sign(issuing, &issuing.key),
        serial: certificate.serial,
    }
}

fn usage(number: i64) -> Usage {
    if number % 2 == 0 { Usage::Agreement } else { Usage::Signature }
}

/// The revocation that a CRL lists exactly 60 minutes later, and the one that waits three hours.
pub const LISTED_IN_TIME: &str = "ORG-06";
pub const LISTED_LATE: &str = "ORG-08";

fn revocations(issues: &[Issue], planted: bool) -> Vec<Revocation> {
    [
        ("DEV-02", "2020-09-12T10:31:07", 1),
        ("ORG-03", "2020-09-22T14:02:40", 4),
        (LISTED_IN_TIME, "2020-09-28T15:10:00", 5),
        ("DEV-05", "2020-10-05T11:47:19", 1),
        (LISTED_LATE, "2020-10-14T13:10:00", 4),
        ("DEV-09", "2020-10-27T09:26:55", 5),
    ]
    .into_iter()
    .map(|(entity, at, reason)| {
        let at = Utc::at(at);
        // The CRL of 16:10 is due exactly an hour after the one, three hours after the other.
        let waits = entity == LISTED_IN_TIME || (planted && entity == LISTED_LATE);
        let issue = issues.iter().find(|issue| issue.entity == entity);
        Revocation {
            entity: entity.to_owned(),
            at,
            reason,
            serial: issue.expect("only what was issued is revoked").serial.clone(),
            extra: (!waits).then(|| at.plus(20 * 60)),
        }
    })
    .collect()
}

// Where the CRLs of the issuing CA leave the timetable.
/// A near miss, in both variants: exactly twelve hours after the CRL before it.
pub const TWELVE_HOURS: &str = "2020-10-12T12:10:00";
/// Twenty hours after the CRL before it.
pub const TWENTY_HOURS: &str = "2020-10-08T04:10:00";
/// The end of a gap that began before the policy was in force.
pub const ACROSS_THE_START: &str = "2020-09-17T12:00:00";
/// The last CRL of the planted variant, a day before the end of the period.
pub const LAST_PLANTED: &str = "2020-10-31T00:10:00";

fn timetable(revocations: &[Revocation], planted: bool) -> Vec<(u32, Utc)> {
    let mut times: Vec<Utc> =
        // Three a day, from 2020-08-31T16:10Z to 2020-11-01T00:10Z.
        (0..=184).map(|turn| Utc::at("2020-08-31T16:10:00").plus_hours(8 * turn)).collect();
    let mut replace = |due: &[&str], by: &str| {
        times.retain(|at| !due.iter().any(|dropped| Utc::at(dropped) == *at));
        times.push(Utc::at(by));
    };
    replace(&["2020-10-12T08:10:00"], TWELVE_HOURS);
    if planted {
        replace(&["2020-10-07T16:10:00", "2020-10-08T00:10:00"], TWENTY_HOURS);
        replace(&["2020-09-17T00:10:00", "2020-09-17T08:10:00"], ACROSS_THE_START);
        times.retain(|at| *at <= Utc::at(LAST_PLANTED));
    }
    times.extend(revocations.iter().filter_map(|revocation| revocation.extra));
    times.sort();
    (FIRST_CRL..).zip(times).collect()
}

fn add_crls(sample: &mut Sample, issuing: &Authority, crls: &[(u32, Utc)], revocations: &[Revocation]) {
    let mut bundles: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let october = Utc::at("2020-10-01T00:00:00");
    for &(number, at) in crls {
        let entries: Vec<Entry> = revocations
            .iter()
            .filter(|revocation| revocation.at <= at)
            .map(|revocation| Entry { serial: revocation.serial.clone(), revoked_at: revocation.at, reason: revocation.reason })
            .collect();
        let month = if at < october { "09" } else { "10" };
        let path = format!("crl/issuing-1-2020-{month}.pem");
        let bundle = bundles.entry(path.clone()).or_default();
        bundle.push(x509::crl(issuing, number, at, at.plus_hours(CRL_HOURS), &entries));
        sample.mark(format!("crl/{}", at.iso()), &path, bundle.len(), None);
    }
    for (path, bundle) in bundles {
        sample.add(&path, bundle.len(), x509::pem("X509 CRL", &bundle));
    }
}
