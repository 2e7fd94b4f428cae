//! Real evidence that nobody on this project made. The folder is named by `ASSURE_CORPUS`; without it the
//! tests are skipped and say so, except where `CI` is `true`: there it must be set.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

use crate::world::{Ran, Reading, World, assure_in, copy, files};

pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = env::var_os("ASSURE_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        assert!(env::var("CI").as_deref() != Ok("true"), "ASSURE_CORPUS must be set where CI is true");
        eprintln!("skipped: ASSURE_CORPUS does not name the folder of real evidence");
    }
    folder
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The corpus as a bare folder, and a run on it from a folder beside it.
fn run_on(folder: &Path) -> (World, Ran) {
    let world = World::empty();
    let bare = world.around().join("handed-over");
    copy(folder, &bare);
    let here = world.around().join("here");
    fs::create_dir_all(&here).unwrap();
    let output = assure_in(&here, &["run", "../handed-over"]);
    let run = Ran::at(output, &here.join("assure-handed-over/runs"));
    (world, run)
}

#[test]
fn a_bare_folder_of_real_evidence_ends_in_reports() {
    let Some(folder) = corpus() else { return };
    let (_world, run) = run_on(&folder);
    assert!([1, 4].contains(&run.code), "ended with {}: {}", run.code, run.err);
    let results = run.results();
    assert!(!results.engagement.declared);
    assert!(!results.run.assumptions.is_empty(), "what was assumed is said");
    assert!(run.err.contains("[engagement]"), "the engagement.toml that would settle it is printed");
    for report in ["report.html", "working-papers.html", "workbook.xlsx", "results.json", "exceptions.jsonl", "manifest-sha256.txt"] {
        assert!(run.folder().join(report).is_file(), "no {report}");
    }
}

#[test]
fn every_real_file_is_listed_with_its_hash_and_what_became_of_it() {
    let Some(folder) = corpus() else { return };
    let (_world, run) = run_on(&folder);
    let results = run.results();
    for (path, octets) in files(&folder) {
        let hash = hex(&Sha256::digest(&octets));
        let listed = results.evidence.iter().find(|evidence| evidence.path == path || evidence.also.contains(&path));
        let listed = listed.unwrap_or_else(|| panic!("{path} is not listed"));
        assert_eq!(listed.sha256, hash, "{path}");
        assert_eq!(listed.size, octets.len() as u64, "{path}");
        assert!(["used", "not-recognised", "unreadable"].contains(&listed.status.as_str()), "{path} is {}", listed.status);
        assert_eq!(listed.status != "used", listed.reason.is_some(), "{path}: a file that is not used has a reason, and no other");
    }
}

#[test]
fn every_line_of_a_real_file_is_accounted_for() {
    let Some(folder) = corpus() else { return };
    let (_world, run) = run_on(&folder);
    // What these hold is counted by object, entry or event.
    let others = ["x509", "ejbca-profile", "windows-evtx", "nessus", "nmap", "xccdf"];
    let lines = |format: Option<&str>| !others.contains(&format.unwrap_or_default());
    for evidence in run.results().evidence.iter().filter(|evidence| evidence.status == "used" && lines(evidence.format.as_deref())) {
        let octets = fs::read(folder.join(&evidence.path)).unwrap();
        let lines = octets.split_inclusive(|octet| *octet == b'\n').count() as u64;
        let counted = evidence.records + evidence.rejected + evidence.blank + evidence.passed_over;
        assert_eq!(counted, lines, "{}", evidence.path);
    }
}

#[test]
fn a_real_certificate_profile_is_a_setting_for_each_of_its_entries() {
    let Some(folder) = corpus() else { return };
    const PROFILE: &str = "config-and-scans/certprofile_CaImportProfilesCommandUnitTest-609758752.xml";
    let text = fs::read_to_string(folder.join(PROFILE)).unwrap();
    let world = World::empty();
    world.put(PROFILE, &text);
    let bare = world.folder.to_str().unwrap();
    let rows = |sql: &str| {
        let output = assure_in(world.around(), &["-q", "query", bare, sql, "--format", "jsonl"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    let all = rows("SELECT scope, key, value FROM settings ORDER BY row");
    // Every entry of the map at the top stands two spaces in; its own lists and maps stand deeper.
    let entries = text.lines().filter(|line| *line == "  <void method=\"put\">").count();
    assert!(all.len() >= entries && entries > 50, "{} rows of {entries} entries", all.len());
    assert!(all.iter().all(|row| row["scope"] == "CaImportProfilesCommandUnitTest"));
    let value = |key: &str| all.iter().find(|row| row["key"] == key).map(|row| row["value"].clone());
    assert_eq!(value("encodedvalidity"), Some("2y".into()));
    assert_eq!(value("certificatevalidityoffset"), Some("-10m".into()));
    assert_eq!(value("availablekeyalgorithms"), Some("DSA, ECDSA, RSA, ECGOST3410".into()));
}

#[test]
fn the_ejbca_excerpt_gives_five_events_and_the_certificate_inside_it() {
    let Some(folder) = corpus() else { return };
    const LOG: &str = "ca-logs/ejbca_server_log_excerpt.log";
    let world = World::empty();
    world.put(LOG, fs::read(folder.join(LOG)).unwrap());
    let bare = world.folder.to_str().unwrap();
    let output = assure_in(world.around(), &["run", bare]);
    let run = Ran::at(output, &world.around().join("assure-engagement/runs"));
    let results = run.results();
    let log = results.file(LOG);
    assert_eq!((log.records, log.rejected, log.blank, log.passed_over), (5, 0, 0, 3));

    let rows = |sql: &str| {
        let output = assure_in(world.around(), &["-q", "query", bare, sql, "--format", "jsonl"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(rows("SELECT COUNT(*) AS n FROM ca_events"), "{\"n\":\"5\"}\n");
    let events = rows("SELECT event_type_raw, row FROM ca_events ORDER BY row");
    for event in ["RA_ADDENDENTITY", "CERT_CREATION", "ACCESS_CONTROL", "CERT_REVOKED", "EJBCA_STARTING"] {
        assert!(events.contains(event), "no {event} among {events}");
    }
    let certificates = rows("SELECT serial, not_before FROM certificates");
    assert_eq!(certificates.lines().count(), 1);
    assert!(certificates.contains("4b2387786efc0f2f673336a61ec8e5ac"), "{certificates}");
    assert!(certificates.contains("2020-09-22T12:39:22Z"), "{certificates}");
}

/// The serials of the certificates of a file.
fn serials(octets: &[u8]) -> BTreeSet<String> {
    let pems: Vec<Vec<u8>> = Pem::iter_from_buffer(octets).filter_map(Result::ok).map(|pem| pem.contents).collect();
    // Of a bundle, every place at which a SEQUENCE may begin.
    let within = || octets.windows(2).enumerate().filter(|(_, start)| *start == [0x30, 0x82]).map(|(at, _)| octets[at..].to_vec());
    let objects = if pems.is_empty() { within().collect() } else { pems };
    let read =
        objects.iter().filter_map(|object| X509Certificate::from_der(object).ok().map(|(_, certificate)| hex(certificate.raw_serial())));
    read.collect()
}

#[test]
fn no_exception_on_real_evidence_rests_on_what_was_never_supplied() {
    let Some(folder) = corpus() else { return };
    let (_world, run) = run_on(&folder);
    let exceptions = run.exceptions();
    for exception in &exceptions {
        let octets = fs::read(folder.join(&exception.path)).unwrap_or_else(|_| panic!("{} rests on {}", exception.id, exception.path));
        let place: usize = exception.locator.rsplit(' ').next().unwrap().parse().unwrap();
        let places = if exception.locator.starts_with("object") {
            String::from_utf8_lossy(&octets).matches("-----BEGIN ").count().max(serials(&octets).len()).max(1)
        } else {
            octets.split_inclusive(|octet| *octet == b'\n').count()
        };
        assert!((1..=places).contains(&place), "{}: {} of {}", exception.id, exception.locator, exception.path);
        let absence = exception.values.get("rests_on").is_some_and(Option::is_some);
        assert!(!absence || exception.certainty == "potential", "{} rests on an absence: {}", exception.id, exception.says);
        if let Some(Some(serial)) = exception.values.get("serial")
            && exception.control == "PR-11"
        {
            assert!(serials(&octets).contains(serial), "{}: no certificate {serial} in {}", exception.id, exception.path);
        }
    }
    // What certificates and lists say of themselves, or one of another: nothing else can be said of a bare folder.
    let found: BTreeSet<(&str, &str, &str)> =
        exceptions.iter().map(|exception| (exception.control.as_str(), exception.test.as_str(), exception.certainty.as_str())).collect();
    let expected: BTreeSet<(&str, &str, &str)> = [
        ("AU-15", "numbers", "actual"),
        ("AU-15", "numbers", "potential"),
        ("AU-15", "times", "actual"),
        ("AU-16", "checksums", "actual"),
        ("DO-03", "alike", "actual"),
        ("PR-03", "critical", "actual"),
        ("PR-10", "form", "actual"),
        ("PR-10", "unique", "actual"),
        ("PR-11", "constraints", "actual"),
        ("PR-12", "unique", "potential"),
        ("RV-05", "form", "actual"),
        ("RV-05", "number", "actual"),
        ("RV-06", "listed", "potential"),
        ("RV-06", "series", "actual"),
        ("SY-14", "closed", "potential"),
    ]
    .into();
    let named =
        |control: &str, test: &str, file: &str| exceptions.iter().any(|e| e.control == control && e.test == test && e.path.ends_with(file));
    assert!(named("PR-11", "constraints", "caKeyUsageMissing.pem") && named("PR-11", "constraints", "caKeyUsageNotCrit.pem"));
    assert!(named("RV-05", "form", "rfc_testdata_crl_no_aki.pem"), "the list without an authorityKeyIdentifier");
    assert_eq!(found, expected);
}

/// Files whose certificate answers a question.
fn of(world: &World, asks: impl Fn(&X509Certificate<'_>) -> bool) -> BTreeSet<String> {
    let all = files(&world.folder.join("evidence"));
    let answers = all.into_iter().filter(|(_, octets)| {
        let pem = Pem::iter_from_buffer(octets).next().unwrap().unwrap();
        asks(&pem.parse_x509().unwrap())
    });
    answers.map(|(path, _)| path).collect()
}

const SMART_METERING: &str = r#"schema = 1
[engagement]
title = "Public test certificates of GB smart metering"
kind = "subsequent"
period = { start = 2015-01-01, end = 2026-11-20 }
environment = "test"
[[profile]]
path = "certificates/smart-metering/**"
profile = "organisation"
"#;

#[test]
fn the_smart_metering_certificates_have_the_defects_they_are_known_for() {
    let Some(folder) = corpus() else { return };
    let world = World::empty();
    copy(&folder.join("certificates/smart-metering"), &world.evidence("certificates/smart-metering"));
    fs::write(world.folder.join("engagement.toml"), SMART_METERING).unwrap();
    let has_key_identifier = |certificate: &X509Certificate<'_>| {
        certificate.extensions().iter().any(|extension| matches!(extension.parsed_extension(), ParsedExtension::AuthorityKeyIdentifier(_)))
    };
    let without = of(&world, |certificate| !has_key_identifier(certificate));
    assert_eq!(without.len(), 5, "the corpus is not the one this test was written for");
    let century = of(&world, |certificate| {
        let validity = certificate.validity();
        validity.not_after.timestamp() - validity.not_before.timestamp() > 99 * 365 * 86_400
    });
    assert_eq!(without, century);

    let run = world.run().ends_with(1);
    let (results, exceptions) = (run.results(), run.exceptions());
    let named = |control: &str, test: &str| -> BTreeSet<String> {
        exceptions.iter().filter(|e| e.control == control && e.test == test).map(|e| e.path.clone()).collect()
    };
    assert_eq!(named("PR-06", "present"), without);
    assert_eq!(named("PR-09", "validity"), without);
    let role = named("PR-08", "role-code");
    assert_eq!(role.len(), 1, "{role:?}");
    let odd = exceptions.iter().find(|exception| exception.control == "PR-08" && exception.test == "role-code").unwrap();
    assert!(odd.says.contains("137"), "{}", odd.says);
    assert!(results.control("PR-04").tests.iter().all(|test| test.exceptions == 0), "a test policy is right in a test environment");
    assert_eq!(results.control("PR-13").outcome, "could_not_test");
    let chain = results.notes.iter().find(|note| note.code == "N-CHAIN-001").expect("a note on the chain");
    assert!(chain.what.contains("not in the evidence"), "{}", chain.what);
    assert!(chain.affects.contains(&"PR-13".to_owned()), "{:?}", chain.affects);
}
