//! `deviations.toml`: what was planted, and which exceptions it must cause.

use super::super::time::Utc;
use super::Sample;
use super::pki;
use super::registers;
use std::fmt::Write as _;

const HEAD: &str = "\
# What was planted in this sample, and every exception it must cause. Written by the generator.
# `row` is the line of a text file or the ordinal of an object in a bundle, from 1. A certificate
# also stands in the CERT_CREATION line of the CA log: there it is found by its serial.
# There is no D-21.
";

/// What was planted, the control and test that see it, and where: a mark of the sample, or
/// `stream ` and the name of a log stream.
struct Deviation {
    number: u8,
    what: String,
    control: &'static str,
    test: &'static str,
    at: String,
}

fn planted(number: u8, what: impl Into<String>, control: &'static str, test: &'static str, at: impl Into<String>) -> Deviation {
    Deviation { number, what: what.into(), control, test, at: at.into() }
}

pub fn text(sample: &Sample) -> String {
    let mut text = HEAD.to_owned();
    let mut all = certificates();
    all.extend(issuances());
    all.extend(logs());
    all.extend(lists());
    all.extend(people_and_hosts());
    all.sort_by_key(|deviation| deviation.number);
    for Deviation { number, what, control, test, at } in &all {
        let place = if let Some(stream) = at.strip_prefix("stream ") { format!("stream = \"{stream}\"") } else { position(sample, at) };
        let _ = write!(
            text,
            "\n[[deviation]]\nid = \"D-{number:02}\"\nwhat = \"{what}\"\n\
             causes = [\n  {{ control = \"{control}\", test = \"{test}\", {place} }},\n]\n"
        );
    }
    for (what, at) in near_misses() {
        let place = &sample.places[&at];
        let _ = write!(text, "\n[[near_miss]]\nwhat = \"{what}\"\nwhere = \"{}:{}\"\n", place.evidence, place.row);
    }
    text
}

fn position(sample: &Sample, mark: &str) -> String {
    let place = &sample.places[mark];
    let mut text = format!("evidence = \"{}\", row = {}", place.evidence, place.row);
    if let Some(serial) = &place.serial {
        let _ = write!(text, ", serial = \"{serial}\"");
    }
    text
}

fn certificates() -> Vec<Deviation> {
    let at = |entity: &str| format!("certificate/{entity}");
    let of = |entity: &str, fault: &str| format!("the certificate of {entity} {fault}");
    let (no_key, long) = (pki::NO_AUTHORITY_KEY, pki::TWELVE_YEARS);
    let (role, test) = (pki::LONG_ROLE_CODE, pki::IN_TEST_POLICY);
    let (wrong, short) = (pki::WRONG_SIGNATURE, pki::SHORT_IDENTIFIER);
    vec![
        planted(1, of(no_key, "has no authorityKeyIdentifier"), "PR-06", "present", at(no_key)),
        planted(2, of(long, "runs for twelve years"), "PR-09", "validity", at(long)),
        planted(3, of(role, "has the role code 137"), "PR-08", "role-code", at(role)),
        planted(4, of(test, "names a test policy"), "PR-04", "environment", at(test)),
        planted(5, of(wrong, "is signed with another key"), "PR-13", "signature", at(wrong)),
        planted(20, of(short, "has a uniqueIdentifier of 7 octets"), "PR-08", "unique-identifier", at(short)),
        planted(6, "the basicConstraints of the root are not critical", "PR-11", "constraints", at("root")),
    ]
}

fn issuances() -> Vec<Deviation> {
    let at = |entity: &str| format!("issued/{entity}");
    let to = |entity: &str, fault: &str| format!("a certificate was issued to {entity} {fault}");
    let (none, refused) = (registers::NO_REQUEST, registers::REFUSED);
    let (silent, open) = (registers::NO_APPROVAL, registers::LEFT_OPEN);
    vec![
        planted(7, to(none, "without a request"), "RA-03", "three-way", at(none)),
        planted(8, to(refused, "on a request that was refused"), "RA-03", "three-way", at(refused)),
        planted(9, to(silent, "on a request nobody approved"), "RA-03", "three-way", at(silent)),
        planted(
            10,
            format!("the request for {open}, approved on 2020-09-20, is still pending"),
            "RA-03",
            "outcome",
            format!("request/{open}"),
        ),
    ]
}

fn logs() -> Vec<Deviation> {
    vec![
        planted(11, "three records of ra-01 are missing", "AU-04", "sequence", "node/lost"),
        planted(12, "two different records of ra-01 have one number", "AU-04", "sequence", "node/twice"),
        planted(22, "the log of ca-01 has a hole of 15 hours", "AU-04", "silence", "stream ca-01"),
        planted(17, "the oldest record on ra-01 is of 2020-06-15", "AU-08", "oldest-record", "stream ra-01"),
    ]
}

fn lists() -> Vec<Deviation> {
    vec![
        planted(13, "no CRL for 20 hours", "RV-02", "interval", crl(pki::TWENTY_HOURS)),
        planted(
            14,
            "no CRL for almost 20 hours across the day the policy came into force",
            "RV-02",
            "interval",
            crl(pki::ACROSS_THE_START),
        ),
        planted(15, "no CRL after the first of the last day", "RV-02", "interval", crl(pki::LAST_PLANTED)),
        planted(
            16,
            format!("the revocation of {} was first listed three hours later", pki::LISTED_LATE),
            "RV-02",
            "after-revocation",
            format!("revoked/{}", pki::LISTED_LATE),
        ),
    ]
}

fn people_and_hosts() -> Vec<Deviation> {
    let person = registers::CONFLICTED;
    vec![
        planted(
            18,
            format!("{person} is auditor and registration officer from 2020-10-05 to 2020-10-19"),
            "PE-03",
            "overlap",
            format!("role/{person}/Auditor"),
        ),
        planted(19, "ca-01 lets root log in", "SY-02", "sshd", "root login/ca-01"),
    ]
}

/// What looks like a deviation and is none. Both variants have them.
fn near_misses() -> Vec<(&'static str, String)> {
    vec![
        ("a certificate issued without a request before the policy was in force: look-back", format!("issued/{}", pki::LOOK_BACK)),
        ("a CRL exactly twelve hours after the one before it", crl(pki::TWELVE_HOURS)),
        ("a revocation first listed exactly 60 minutes later", format!("revoked/{}", pki::LISTED_IN_TIME)),
        ("auditor from the first day without the role of registration officer", "role/J. Okafor/Auditor".to_owned()),
        ("system administrator and CA administrator in one person, which is allowed", "role/A. Whitlock/CA administrator".to_owned()),
        ("operator and auditor in one person, which is allowed", "role/C. Abernathy/Operator".to_owned()),
        ("PasswordAuthentication yes, after the line that decides", "password login/ra-01".to_owned()),
    ]
}

fn crl(time: &str) -> String {
    format!("crl/{}", Utc::at(time).iso())
}
