//! `deviations.toml`: what was planted, and which exceptions it must cause.

use super::Sample;
use super::pki;
use super::registration as ra;
use std::fmt::Write as _;

const HEAD: &str = "\
# What was planted in this sample, and every exception it must cause. Written by the generator.
# A certificate also stands in the CERT_CREATION line of the CA log.
";

/// What causes an exception where: control, test, and a mark of the sample, or `stream ` and a log stream.
type Cause = (&'static str, &'static str, String);

pub fn text(sample: &Sample) -> String {
    let mut text = HEAD.to_owned();
    let all = [certificates(), lists(), registration(), logs(), keys(), people(), systems(), device_keys()].concat();
    for ((what, causes), number) in all.iter().zip(1..) {
        let _ = write!(text, "\n[[deviation]]\nid = \"D-{number:02}\"\nwhat = \"{what}\"\ncauses = [\n");
        for (control, test, mark) in causes {
            let at = place(sample, mark).replace('\\', "\\\\").replace('"', "\\\"");
            let _ = writeln!(text, "  {{ control = \"{control}\", test = \"{test}\", at = \"{at}\" }},");
        }
        text += "]\n";
    }
    for (what, mark) in near_misses() {
        let at = place(sample, &mark).replace('"', "\\\"");
        let _ = write!(text, "\n[[near_miss]]\nwhat = \"{what}\"\nwhere = \"{at}\"\n");
    }
    text
}

/// As a report names it.
fn place(sample: &Sample, mark: &str) -> String {
    if mark.starts_with("stream ") {
        return mark.to_owned();
    }
    let place = sample.places.get(mark).unwrap_or_else(|| unreachable!("nothing is marked {mark:?}"));
    let row = place.row;
    let locator = match (&place.sheet, place.evidence.rsplit('.').next()) {
        (Some(sheet), _) => format!("sheet \"{sheet}\", row {row}"),
        (None, Some("pem")) => format!("object {row}"),
        (None, Some("xml")) => format!("entry {row}"),
        _ => format!("line {row}"),
    };
    format!("{}: {locator}", place.evidence)
}

type Planted = Vec<(String, Vec<Cause>)>;

fn one(what: impl Into<String>, control: &'static str, test: &'static str, mark: impl Into<String>) -> (String, Vec<Cause>) {
    (what.into(), vec![(control, test, mark.into())])
}

fn certificates() -> Planted {
    let of = |entity: &str, fault: &str| format!("the certificate of {entity} {fault}");
    let at = |entity: &str| format!("certificate/{entity}");
    let borrowed =
        ("the certificate of ORG-031 holds the key of ORG-030".to_owned(), vec![("PR-15", "one-subject", at(pki::BORROWED_KEY))]);
    vec![
        one(of(pki::NO_AUTHORITY_KEY, "has no authorityKeyIdentifier"), "PR-06", "present", at(pki::NO_AUTHORITY_KEY)),
        one(of(pki::TWELVE_YEARS, "runs for twelve years"), "PR-09", "validity", at(pki::TWELVE_YEARS)),
        one(of(pki::LONG_ROLE_CODE, "has the role code 137"), "PR-08", "role-code", at(pki::LONG_ROLE_CODE)),
        (
            of(pki::IN_TEST_POLICY, "names a test policy"),
            vec![("PR-04", "environment", at(pki::IN_TEST_POLICY)), ("DO-03", "alike", at(pki::IN_TEST_POLICY))],
        ),
        one(of(pki::WRONG_SIGNATURE, "is signed with another key"), "PR-13", "signature", at(pki::WRONG_SIGNATURE)),
        one(of(pki::SHORT_IDENTIFIER, "has a uniqueIdentifier of 7 octets"), "PR-08", "unique-identifier", at(pki::SHORT_IDENTIFIER)),
        one("the basicConstraints of the root are not critical", "PR-11", "constraints", at("root")),
        one(of(pki::ODD_KEY_ID, "has the key identifier of another key"), "PR-05", "recomputed", at(pki::ODD_KEY_ID)),
        one(of(pki::NAMED_DEVICE, "names the device in its subject"), "PR-07", "subject", at(pki::NAMED_DEVICE)),
        one(of(pki::AFTER_USAGE, "was issued by the first CA after its usage period"), "KM-08", "in-time", at(pki::AFTER_USAGE)),
        borrowed,
    ]
}

fn lists() -> Planted {
    let crl = |ca: u8, at: &str| format!("crl/{ca}/{at}Z");
    let lodged = |ca: u8, at: &str| format!("repository/crl/{ca}/{at}Z");
    vec![
        (
            "the second ARL comes a year and twelve days after the first".to_owned(),
            vec![
                ("RV-01", "interval", "arl/7".to_owned()),
                ("RV-01", "lodged", "repository/arl/0/2022-02-22T10:40:00Z".to_owned()),
                ("RV-03", "in-force", "arl/6".to_owned()),
            ],
        ),
        (
            "no CRL for 20 hours".to_owned(),
            vec![("RV-02", "interval", crl(1, pki::TWENTY_HOURS)), ("RV-04", "interval", lodged(1, pki::TWENTY_HOURS))],
        ),
        (
            "no CRL of the second CA on the last day".to_owned(),
            vec![("RV-02", "interval", crl(2, pki::LAST_PLANTED)), ("RV-04", "interval", lodged(2, pki::LAST_PLANTED))],
        ),
        (
            "a CRL was lodged five hours after it was made".to_owned(),
            vec![("RV-04", "latency", crl(2, ra::LODGED_LATE)), ("RV-04", "interval", lodged(2, ra::LODGED_LATE))],
        ),
        one(
            format!("the revocation of {} was first listed three hours later", pki::LISTED_LATE),
            "RV-02",
            "after-revocation",
            format!("revoked/{}", pki::LISTED_LATE),
        ),
        (
            format!("the certificate of {} was suspended", pki::ON_HOLD),
            vec![("RV-09", "lists", crl(1, "2022-01-25T10:32:31")), ("RV-09", "log", format!("revoked/{}", pki::ON_HOLD))],
        ),
    ]
}

fn registration() -> Planted {
    let to = |entity: &str, fault: &str| format!("a certificate was issued to {entity} {fault}");
    let at = |entity: &str| format!("issued/{entity}");
    vec![
        one(to(ra::NO_REQUEST, "without a request"), "RA-03", "three-way", at(ra::NO_REQUEST)),
        one(to(ra::REFUSED, "on a request that was refused"), "RA-03", "three-way", at(ra::REFUSED)),
        one(to(ra::NO_APPROVAL, "on a request nobody approved"), "RA-03", "three-way", at(ra::NO_APPROVAL)),
        one(format!("the request for {} is still pending", ra::LEFT_OPEN), "RA-03", "outcome", format!("requests/{}", ra::LEFT_OPEN)),
        one(
            format!("the request for {} was approved by the one who made it", ra::OWN_REQUEST),
            "RA-07",
            "another-person",
            format!("approvals/{}", ra::OWN_REQUEST),
        ),
        one(format!("{} was revoked and nobody had asked for it", pki::UNASKED), "RV-06", "requested", format!("revoked/{}", pki::UNASKED)),
        one(format!("{} was revoked six days after the request", ra::SLOW), "RV-07", "in-time", format!("revocations/{}", ra::SLOW)),
    ]
}

fn logs() -> Planted {
    vec![
        one("three records of ra-01 are missing", "AU-04", "sequence", "node/lost"),
        one("two different records of ra-01 have one number", "AU-04", "sequence", "node/twice"),
        one("the log of ca-01 has a hole of 15 hours", "AU-04", "silence", "stream ca-01"),
        one("the oldest record on ra-01 is of 2021-10-15", "AU-08", "oldest-record", "stream ra-01"),
        one("three weeks of ra-01 were not reviewed", "AU-05", "coverage", "log-reviews/ra-01/2022-04-25"),
        one("an administrator reviewed the log of hsm-01", "AU-05", "reviewer", "log-reviews/stranger"),
        one("the log of ra-01 was not saved on 2022-01-22", "AU-10", "daily", "stream ra-01"),
        (
            "the log server received nothing from ca-01 for two days".to_owned(),
            vec![
                ("SY-10", "received", "log-deliveries/ca-01/2022-05-03".to_owned()),
                ("SY-10", "received", "log-deliveries/ca-01/2022-05-04".to_owned()),
            ],
        ),
        one("hsm-01 records fewer events, and no change says so", "SY-10", "module-filter", "module/unticketed"),
        (
            "the clock of ra-01 was twelve seconds off".to_owned(),
            vec![("TI-01", "offset", "clock/ra-01".to_owned()), ("AU-14", "difference", "clock/ra-01".to_owned())],
        ),
    ]
}

fn keys() -> Planted {
    vec![
        (
            "the root key was activated one night, outside of any ceremony, by one person alone in the key room".to_owned(),
            vec![
                ("KM-10", "in-ceremony", "root/night".to_owned()),
                ("PE-02", "dual-control", "root/night".to_owned()),
                ("PE-08", "alone", "doors/night".to_owned()),
            ],
        ),
        one("K-ISS-1 signed less than was issued under it", "AU-13", "reconciled", "Counters/first"),
        one("K-ISS-1 is active after its usage period", "KM-11", "in-date", "Keys/first"),
        one("hsm-03 runs firmware that is not the one validated", "KM-02", "validated", "Modules/firmware"),
        one("no share of CS-AUD can be spared", "KM-03", "quorum", "Share sets/weak"),
        one("two custodians where three are needed", "KM-03", "attendance", "Ceremonies/CER-2022-03"),
        one("one provider holds three of six shares of the root", "KM-14", "provider", "Custodians/third of one provider"),
        one("a module came out of a bag nobody had sealed", "KM-16", "bags", "Custody log/CER-2022-03/hsm-02"),
        one("a step of a ceremony is not initialled", "KM-12", "initialled", "Steps/CER-2021-05/4"),
        one("a backup of K-ISS-1 is not encrypted", "KM-04", "copies-encrypted", "Copies/plain"),
        one("K-ISS-2 can be taken out of its module", "KM-19", "attributes", "Attributes/extractable"),
    ]
}

fn people() -> Planted {
    let live = |system: &str| ("PE-07", "at-once", format!("assignments/S. Nakamura/{system}"));
    vec![
        one("T. Brandt is auditor and registration officer at once for two weeks", "PE-03", "overlap", "Roles/T. Brandt/Auditor"),
        one("T. Brandt was trained as an auditor seven weeks after becoming one", "PE-05", "training", "Roles/T. Brandt/Auditor"),
        one("H. Lindqvist was cleared four weeks after beginning", "PE-04", "roles", "Roles/H. Lindqvist/Registration officer"),
        (
            "the clearance of G. Osei had lapsed".to_owned(),
            vec![("PE-04", "roles", "Roles/G. Osei".to_owned()), ("PE-04", "ceremonies", "Ceremonies/CER-2022-03".to_owned())],
        ),
        one("the account of V. Petrov outlasted the leaving by seven weeks", "PE-06", "accounts", "accounts/leaver"),
        (
            "a shared account administers repo-01, and no review knows it".to_owned(),
            vec![("SY-02", "accounts", "accounts/shared".to_owned()), ("SY-12", "interval", "accounts/shared".to_owned())],
        ),
        ("S. Nakamura worked on a live and a user system at once".to_owned(), vec![live("ra-01"), live("hsm-01"), live("hsm-02")]),
        one("H. Lindqvist came from a user system three months before", "PE-07", "cooling-off", "assignments/H. Lindqvist"),
    ]
}

fn systems() -> Planted {
    vec![
        (
            "ca-01 lets root log in".to_owned(),
            vec![("SY-02", "sshd", "root login/ca-01".to_owned()), ("SY-01", "approved", "root login/ca-01".to_owned())],
        ),
        one("a certificate profile was changed at night without a change", "SY-03", "ca-changes", "edit/unticketed"),
        one("the profile of devices is not the approved one at the end", "SY-09", "approved", "profile/changed"),
        one("a change was approved after its window", "SY-03", "approval", "changes/approved late"),
        one("the PMA was not told of an incident", "SY-06", "told", "incidents/untold"),
        one("a hypervisor serves a live and a user system at once", "G2-04", "resource", "assets/hv-01"),
        one("a version of the CPS was in force before the PMA approved it", "DO-01", "approved", "documents/unapproved new"),
    ]
}

fn device_keys() -> Planted {
    vec![
        one("nobody owns the key of a device", "CK-01", "inventory", "device-keys/S1-00133"),
        one("a failed rotation was neither repeated nor escalated", "CK-03", "failed", "key-rotations/failed"),
        one("a device still has the key of its former operator", "CK-04", "migrated", "device-keys/stays"),
        one("two devices share a key", "CK-06", "unique", "device-keys/S1-00077"),
    ]
}

/// What looks like a deviation and is none. Both variants have them.
fn near_misses() -> Vec<(&'static str, String)> {
    vec![
        ("a CRL exactly twelve hours after the one before it", format!("crl/1/{}Z", pki::TWELVE_HOURS)),
        ("a revocation first listed exactly 60 minutes later", format!("revoked/{}", pki::LISTED_IN_TIME)),
        ("auditor from the first day without the role of registration officer", "Roles/J. Okafor/Auditor".to_owned()),
        ("system administrator and CA administrator in one person, which is allowed", "Roles/A. Whitlock/CA administrator".to_owned()),
        ("PasswordAuthentication yes, after the line that decides", "password login/ra-01".to_owned()),
        ("a clearance renewed on the day the former one ended", "Vetting/renewed in time".to_owned()),
        ("a backup that failed and was made again the same night", "backups/failed".to_owned()),
        ("a hypervisor that served a user system until a month before", "assets/former use".to_owned()),
        ("a card refused at a door, three times in a year", "doors/refused".to_owned()),
        ("a change of the audit configuration inside its window", "module/ticketed".to_owned()),
        ("a request for revocation that was refused", "revocations/refused".to_owned()),
    ]
}
