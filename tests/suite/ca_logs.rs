//! Logs of certification authorities other than that of Windows: from the text of a file to the rows of the tables.

use std::fs;
use std::path::Path;

use assure::report::results::Results;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::corpus::corpus;
use crate::world::{Reading, World, assure_in, copy, files, holds};

/// An engagement with one file, and what is declared of it.
fn one(path: &str, octets: impl AsRef<[u8]>, declared: &str) -> World {
    let world = World::empty();
    world.put(path, octets);
    let head = "schema = 1\n[engagement]\ntitle = \"t\"\nkind = \"subsequent\"\nperiod = { start = 2015-01-01, end = 2026-12-31 }\n";
    fs::write(world.folder.join("engagement.toml"), format!("{head}[[source]]\npath = \"**\"\n{declared}\n")).unwrap();
    world
}

fn of_corpus(folder: &Path, path: &str, declared: &str) -> World {
    one(path, fs::read(folder.join(path)).unwrap(), declared)
}

/// The rows as lines, cells in order of name, empty ones as `-`.
fn lines(world: &World, sql: &str) -> Vec<String> {
    let output = assure_in(world.around(), &["-q", "query", world.folder.to_str().unwrap(), sql, "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let cell = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |row: Value| row.as_object().unwrap().values().map(cell).collect::<Vec<_>>().join(" | ");
    text.lines().map(|row| line(serde_json::from_str(row).unwrap())).collect()
}

/// Records, rejected, blank, passed over.
fn counted(results: &Results, path: &str) -> (u64, u64, u64, u64) {
    let file = results.file(path);
    (file.records, file.rejected, file.blank, file.passed_over)
}

/// Every octet of what a run wrote and kept, so that a secret can be looked for.
fn all_outputs(world: &World) -> Vec<u8> {
    files(world.around()).into_iter().filter(|(path, _)| !path.contains("/evidence/")).flat_map(|(_, octets)| octets).collect()
}

const EVENTS: &str =
    "SELECT row AS a, time AS b, event_type AS c, outcome AS d, actor AS e, serial AS f, request_ref AS g FROM ca_events ORDER BY row";

// Dogtag and Red Hat Certificate System

const DOGTAG: &str = "ca/ca_audit";
const DOGTAG_LOG: &str = "\
0.main - [05/Jan/2021:09:00:00 GMT] [14] [6] [AuditEvent=AUDIT_LOG_STARTUP][SubjectID=$System$][Outcome=Success] audit function startup
0.http-1 - [05/Jan/2021:09:00:01 GMT] [14] [6] [AuditEvent=AUTH][SubjectID=$Unidentified$][Outcome=Failure][AuthMgr=certUserDBAuthMgr] authentication failure
0.http-1 - [05/Jan/2021:09:00:02 GMT] [14] [6] [AuditEvent=CERT_REQUEST_PROCESSED][SubjectID=agent1][Outcome=Success][ReqID=7][CertSerialNum=255] certificate request processed
0.http-1 - [05/Jan/2021:09:00:03 GMT] [14] [6] [AuditEvent=CERT_REQUEST_PROCESSED][SubjectID=agent1][Outcome=Failure][ReqID=8][InfoName=rejectReason][InfoValue=key [too] short] certificate request processed
0.http-1 - [05/Jan/2021:09:00:04 GMT] [14] [6] [AuditEvent=CERT_STATUS_CHANGE_REQUEST_PROCESSED][SubjectID=agent2][Outcome=Success][ReqID=9][CertSerialNum=0xff][RequestType=revoke][RevokeReasonNum=1][Approval=complete] certificate status change request processed
0.http-1 - [05/Jan/2021:09:00:05 GMT] [14] [6] [AuditEvent=CERT_STATUS_CHANGE_REQUEST_PROCESSED][SubjectID=agent2][Outcome=Success][ReqID=10][CertSerialNum=0xff][RequestType=off-hold][RevokeReasonNum=<null>][Approval=complete] certificate status change request processed
0.CRL - [05/Jan/2021:09:00:06 GMT] [14] [6] [AuditEvent=FULL_CRL_GENERATION][SubjectID=$System$][Outcome=Failure][FailureReason=x] Full CRL generation
0.x - [05/Jan/2021:09:00:07 GMT] [14] [6] [AuditEvent=AUDIT_LOG_SIGNING][SubjectID=$System$][Outcome=Success] signature of audit buffer just flushed: sig: AAEC==
";

#[test]
fn a_signed_audit_line_says_what_was_done_by_whom_and_how_it_ended() {
    let world = one(DOGTAG, DOGTAG_LOG, "");
    assert_eq!(
        lines(&world, EVENTS),
        [
            "1 | 2021-01-05T09:00:00Z | ca.started | success | $System$ | - | -",
            "2 | 2021-01-05T09:00:01Z | auth.failure | failure | - | - | -",
            "3 | 2021-01-05T09:00:02Z | cert.issued | success | agent1 | ff | 7",
            "4 | 2021-01-05T09:00:03Z | cert.denied | denied | agent1 | - | 8",
            "5 | 2021-01-05T09:00:04Z | cert.revoked | success | agent2 | ff | 9",
            "6 | 2021-01-05T09:00:05Z | cert.unrevoked | success | agent2 | ff | 10",
            "7 | 2021-01-05T09:00:06Z | crl.failed | failure | $System$ | - | -",
            "8 | 2021-01-05T09:00:07Z | audit.log_signed | success | $System$ | - | -",
        ]
    );
    assert_eq!(lines(&world, "SELECT reason FROM ca_events WHERE reason IS NOT NULL"), ["1"]);
    assert_eq!(counted(&world.run().results(), DOGTAG), (8, 0, 0, 0));
}

#[test]
fn a_name_of_a_zone_is_asked_about_and_must_be_that_of_the_zone_declared() {
    let log = DOGTAG_LOG.lines().next().unwrap().replace("GMT", "EST") + "\n";
    let undated = "SELECT time, time_raw FROM ca_events";
    let world = one(DOGTAG, &log, "");
    assert_eq!(lines(&world, undated), ["- | 05/Jan/2021:09:00:00 EST"]);
    world.run().results().noted("N-TIME-002", DOGTAG);
    let world = one(DOGTAG, &log, "zone = \"UTC\"");
    assert_eq!(lines(&world, undated), ["- | 05/Jan/2021:09:00:00 EST"]);
    world.run().results().noted("N-TIME-008", DOGTAG);
    let world = one(DOGTAG, &log, "zone = \"America/New_York\"");
    assert_eq!(lines(&world, "SELECT time, time_basis FROM ca_events"), ["2021-01-05T14:00:00Z | declared"]);
}

#[test]
fn a_value_that_forges_another_attribute_costs_its_line() {
    let forged = "0.x - [05/Jan/2021:09:00:00 GMT] [14] [6] [AuditEvent=AUTH][SubjectID=me][Outcome=Success][Outcome=Failure] failed\n";
    let cut = "0.x - [05/Jan/2021:09:00:00 GMT] [14] [6] [AuditEvent=AUTH][SubjectID=me\nnot a line\n";
    let world = one(DOGTAG, format!("{DOGTAG_LOG}{forged}\n{cut}"), "");
    let results = world.run().results();
    assert_eq!(counted(&results, DOGTAG), (8, 3, 1, 0));
    results.noted("N-LINE-001", DOGTAG);
}

#[test]
fn a_secret_in_brackets_is_masked_and_the_brackets_after_it_stay() {
    let line = "0.x - [05/Jan/2021:09:00:00 GMT] [14] [6] [AuditEvent=AUTH][password=hunter2][SubjectID=me][Outcome=Success] done\n";
    let world = one(DOGTAG, line, "");
    assert_eq!(lines(&world, "SELECT actor, outcome FROM ca_events"), ["me | success"]);
    world.run();
    assert!(!holds(&all_outputs(&world), b"hunter2"));
}

#[test]
fn the_real_signed_audit_lines_are_seven_issues_and_three_refusals() {
    let Some(folder) = corpus() else { return };
    const LOG: &str = "ca-logs/dogtag_signed_audit_excerpt.log";
    let world = of_corpus(&folder, LOG, "");
    let count = |sql: &str| lines(&world, sql);
    assert_eq!(count("SELECT COUNT(*) AS n FROM ca_events WHERE event_type_raw = 'CERT_REQUEST_PROCESSED'"), ["10"]);
    assert_eq!(count("SELECT COUNT(serial) AS n FROM ca_events WHERE event_type = 'cert.issued' AND outcome = 'success'"), ["7"]);
    assert_eq!(count("SELECT COUNT(*) AS n FROM ca_events WHERE event_type = 'cert.denied' AND serial IS NULL"), ["3"]);
    assert_eq!(count("SELECT serial FROM ca_events WHERE row = 1"), ["0a7a75a7"]);
    assert_eq!(count("SELECT COUNT(time) AS n FROM ca_events"), ["0"], "EST is no offset");
    assert!(count("SELECT details FROM ca_events WHERE row = 8")[0].contains("<null>"));
    assert_eq!(counted(&world.run().results(), LOG), (10, 0, 0, 0));
    let world = of_corpus(&folder, LOG, "zone = \"America/New_York\"");
    assert_eq!(lines(&world, "SELECT time FROM ca_events WHERE row = 1"), ["2018-01-04T04:46:08Z"]);
}

#[test]
fn that_dogtag_logged_no_list_and_no_issue_is_taken_for_nothing() {
    let line = "0.main - [05/Sep/2020:09:00:00 GMT] [14] [6] [AuditEvent=AUDIT_LOG_STARTUP][SubjectID=$System$][Outcome=Success] x\n";
    let world = one(DOGTAG, line, "");
    let clean = World::clean();
    for folder in ["certificates", "crl"] {
        copy(&clean.evidence(folder), &world.evidence(folder));
    }
    // The log is shown to be complete: of a log that logs such events, an absence would then prove something.
    let engagement = r#"schema = 1
[engagement]
title = "t"
kind = "subsequent"
period = { start = 2020-09-01, end = 2020-10-31 }
[[source]]
path = "ca/ca_audit"
obtained = { how = "observed", by = "the assessor", on = 2020-11-01T09:00:00Z, source_count = 1 }
[[expected]]
what = "signed audit log"
path = "ca/ca_audit"
covers = "period"
"#;
    fs::write(world.folder.join("engagement.toml"), engagement).unwrap();
    let results = world.run().results();
    for test in ["issuance", "lists"] {
        let found = results.test("AU-02", test);
        assert!(found.population > 0, "{test}");
        assert_eq!(found.exceptions, 0, "{test}: {}", found.outcome);
        assert!(!["exceptions", "no_exceptions", "nothing_to_test"].contains(&found.outcome.as_str()), "{test}: {}", found.outcome);
    }
}

// EJBCA

fn map(entries: &[(&str, &str)]) -> String {
    let put = |(key, value): &(&str, &str)| {
        format!("  <void method=\"put\">\n   <string>{key}</string>\n   <string>{value}</string>\n  </void>\n")
    };
    let entries: String = entries.iter().map(put).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<java version=\"11\" class=\"java.beans.XMLDecoder\">\n <object class=\"java.util.LinkedHashMap\">\n{entries} </object>\n</java>\n"
    )
}

fn b64(text: &str) -> String {
    format!("B64:{}", STANDARD.encode(text))
}

/// Cells of a record of AuditRecordData in the order in which EJBCA exports them.
fn audit_record(sequence: u64, event: &str, detail: &str, details: &str) -> [(&'static str, String); 14] {
    [
        ("pk", format!("pk{sequence}")),
        ("nodeId", "node-1".to_owned()),
        ("sequenceNumber", sequence.to_string()),
        ("timeStamp", (1_609_837_200_000 + sequence * 1_000).to_string()),
        ("eventType", event.to_owned()),
        ("eventStatus", "SUCCESS".to_owned()),
        ("authToken", "CN=Admin, \"the\" first,O=x".to_owned()),
        ("service", "CORE".to_owned()),
        ("module", "CERTIFICATE".to_owned()),
        ("customId", "-578467253".to_owned()),
        ("searchDetail1", detail.to_owned()),
        ("searchDetail2", "meter-1".to_owned()),
        ("additionalDetails", details.to_owned()),
        ("rowProtection", "1:2:123:4d2f6a".to_owned()),
    ]
}

/// Three records: an issue with a name that is not ASCII, a revocation, and a record without details.
fn audit_records() -> [[(&'static str, String); 14]; 3] {
    let issued = map(&[("subjectdn", &b64("CN=Zähler,O=x")), ("certprofile", "1"), ("password", "hunter2")]);
    let revoked = map(&[("msg", "one;\ttwo"), ("reason", "1")]);
    [
        audit_record(1, "CERT_CREATION", "4B2387786EFC", &issued),
        audit_record(2, "CERT_REVOKED", "4B2387786EFC", &revoked),
        audit_record(3, "CRL_CREATION", "null", "null"),
    ]
}

fn quote(cell: &str) -> String {
    format!("\"{}\"", if cell == "null" { String::new() } else { cell.replace('"', "\"\"") })
}

fn audit_csv() -> String {
    let records = audit_records();
    let heading: Vec<&str> = records[0].iter().map(|(name, _)| *name).collect();
    let row = |record: &[(&str, String); 14]| record.iter().map(|(_, cell)| quote(cell)).collect::<Vec<_>>().join(",") + "\n";
    heading.join(",") + "\n" + &records.iter().map(row).collect::<String>()
}

fn audit_text() -> String {
    let row = |record: &[(&str, String); 14]| record.iter().map(|(_, cell)| cell.as_str()).collect::<Vec<_>>().join("\t") + "\n";
    audit_records().iter().map(row).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn audit_xml() -> String {
    let value = |name: &str, cell: &str| match name {
        _ if cell == "null" => "<null/>".to_owned(),
        "sequenceNumber" | "timeStamp" => format!("<long>{cell}</long>"),
        _ => format!("<string>{}</string>", escaped(cell)),
    };
    let put = |(name, cell): &(&str, String)| {
        format!("  <void method=\"put\">\n   <string>{name}</string>\n   {}\n  </void>\n", value(name, cell))
    };
    let record = |record: &[(&str, String); 14]| {
        format!(" <object class=\"java.util.LinkedHashMap\">\n{}</object>\n", record.iter().map(put).collect::<String>())
    };
    let records: String = audit_records().iter().map(record).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<java version=\"11\" class=\"java.beans.XMLDecoder\">\n{records}</java>\n")
}

const EJBCA_ROWS: &str = "SELECT seq AS a, stream AS b, time AS c, event_type AS d, outcome AS e, actor AS f, serial AS g, entity AS h, subject AS i, \
                          reason AS j, protection AS k, details AS l FROM ca_events ORDER BY seq";

#[test]
fn the_exports_of_the_audit_table_give_the_same_records_however_they_are_written() {
    let expected = [
        "1 | node-1 | 2021-01-05T09:00:01Z | cert.issued | success | CN=Admin, \"the\" first,O=x | 4b2387786efc | meter-1 | CN=Zähler,O=x | - | 1:2:123 | subjectdn=CN=Zähler,O=x;certprofile=1;password=[masked]",
        "2 | node-1 | 2021-01-05T09:00:02Z | cert.revoked | success | CN=Admin, \"the\" first,O=x | 4b2387786efc | meter-1 | - | 1 | 1:2:123 | msg=one;\ttwo;reason=1",
        "3 | node-1 | 2021-01-05T09:00:03Z | crl.generated | success | CN=Admin, \"the\" first,O=x | - | meter-1 | - | - | 1:2:123 | -",
    ];
    for (path, text, format) in [
        ("ca/audit.csv", audit_csv(), "ejbca-audit-csv"),
        ("ca/audit.txt", audit_text(), "ejbca-audit-export-text"),
        ("ca/export-1.xml", audit_xml(), "ejbca-audit-xml"),
    ] {
        let world = one(path, &text, "");
        assert_eq!(lines(&world, EJBCA_ROWS), expected, "{path}");
        let results = world.run().results();
        assert_eq!(results.file(path).format.as_deref(), Some(format));
        let (records, rejected, blank, passed) = counted(&results, path);
        assert_eq!((records, rejected, passed), (3, 0, 0), "{path}");
        if format != "ejbca-audit-xml" {
            assert_eq!(records + blank, text.lines().count() as u64, "{path}: every line is accounted for");
        }
        assert!(!holds(&all_outputs(&world), b"hunter2"), "{path}");
        let windows = lines(&one(path, text.replace('\n', "\r\n"), ""), EJBCA_ROWS);
        assert_eq!(windows, expected, "{path} with other line ends");
    }
}

#[test]
fn what_a_log_and_an_export_both_tell_is_told_once_and_what_they_tell_differently_twice() {
    let line = |event: &str, detail: &str| {
        format!(
            "2021-01-05 09:00:01,345 INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (t) 2021-01-05 09:00:01+00:00;{event};SUCCESS;CA;CORE;CN=a;1;{detail}\n"
        )
    };
    let log = line("CERT_CREATION", "4B;meter-1;subjectdn=CN=x")
        + &line("ACCESS_CONTROL", ";;resource0=/a")
        + &line("ACCESS_CONTROL", ";;resource0=/b")
        + &line("CERT_REVOKED", "4C;meter-2;reason=1");
    let row = |number: u32, event: &str, detail: &str| format!("pk,n,{number},1609837201999,{event},SUCCESS,CN=a,CORE,CA,1,{detail},\n");
    let table = "pk,nodeId,sequenceNumber,timeStamp,eventType,eventStatus,authToken,service,module,customId,searchDetail1,searchDetail2,additionalDetails\n".to_owned()
        + &row(1, "CERT_CREATION", "4B,meter-1")
        + &row(2, "ACCESS_CONTROL", ",")
        + &row(3, "ACCESS_CONTROL", ",")
        + &row(4, "ACCESS_CONTROL", ",")
        + &row(5, "CERT_REVOKED", "4C,meter-2").replace("meter-2,", "meter-2,\"<java><object class=\"\"java.util.LinkedHashMap\"\"><void method=\"\"put\"\"><string>reason</string><int>6</int></void></object></java>\"");
    let world = one("ca/server.log", log, "");
    world.put("ca/audit.csv", table);
    let told =
        "SELECT event_type_raw, retold, COUNT(*) AS turns FROM ca_events GROUP BY event_type_raw, retold ORDER BY event_type_raw, retold";
    let expected = [
        "ACCESS_CONTROL | - | 3",
        "ACCESS_CONTROL | ejbca-audit-csv | 2",
        // The log says the subject, and stands for the row of the table, which does not.
        "CERT_CREATION | - | 1",
        "CERT_CREATION | ejbca-log | 1",
        // One says reason 1 and the other 6: both count.
        "CERT_REVOKED | - | 2",
    ];
    let mut found = lines(&world, told);
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_member_that_is_missing_from_a_rotated_log_is_seen() {
    let world = one("ca/ca_audit", DOGTAG_LOG, "");
    // One with the content of another stands in its own place too; one that is packed was not read.
    world.put("ca/ca_audit.1", DOGTAG_LOG);
    for number in [2, 4] {
        world.put(&format!("ca/ca_audit.{number}"), DOGTAG_LOG.replace("agent1", &format!("agent{number}")));
    }
    world.put("ca/ca_audit.3.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    let sql =
        "SELECT path AS a, rotated_log AS b, rotation AS c, rotation_before AS d FROM evidence WHERE rotation IS NOT NULL ORDER BY path";
    assert_eq!(
        lines(&world, sql),
        ["ca/ca_audit | ca/ca_audit | 1 | 0", "ca/ca_audit.2 | ca/ca_audit | 2 | 1", "ca/ca_audit.4 | ca/ca_audit | 4 | 2"]
    );
    let test = world.run().results().test("AU-16", "members").clone();
    assert_eq!((test.outcome.as_str(), test.population, test.undecided), ("could_not_test", 3, 1), "{}", test.reason);
}

#[test]
fn what_auditverify_says_of_a_signed_log_is_tested() {
    let said = "AuditVerify: Signing algorithm: SHA-256/RSA\n======\nFile: ca_audit\n======\nLine 1: Ignoring first signature of log series\n\
                Line 9: VERIFICATION FAILED: signature of ca_audit:1 to ca_audit:8\nLine 12: verification succeeded: signature of ca_audit:9 to ca_audit:11\n\
                ERROR: log entries after ca_audit:12 are UNSIGNED\n\nVerification process complete.\nValid signatures: 1\nInvalid signatures: 2\n";
    let world = one("ca/verify.txt", said, "host = \"ca-01\"");
    let sql = "SELECT position_in_file AS a, key AS b, value AS c FROM settings WHERE component = 'dogtag-log-verification' ORDER BY row";
    assert_eq!(
        lines(&world, sql),
        [
            "3 | file | ca_audit",
            "6 | failure | VERIFICATION FAILED: signature of ca_audit:1 to ca_audit:8",
            "8 | unsigned | ERROR: log entries after ca_audit:12 are UNSIGNED",
            "10 | ended | Verification process complete.",
            "11 | valid | 1",
            "12 | invalid | 2",
        ]
    );
    let results = world.run().results();
    assert_eq!(counted(&results, "ca/verify.txt"), (6, 0, 1, 5));
    assert_eq!(results.test("AU-18", "found").exceptions, 2);
}

#[test]
fn a_day_that_is_missing_from_a_log_rotated_every_day_is_seen() {
    let world = one("ca/ca_audit.2018-01-03", DOGTAG_LOG, "");
    for day in ["2018-01-04", "2018-01-06"] {
        world.put(&format!("ca/ca_audit.{day}"), DOGTAG_LOG.replace("agent1", &format!("agent{day}")));
    }
    let sql = "SELECT rotated_log AS a, rotation AS b, rotation_before AS c, rotation_missing AS d FROM evidence ORDER BY rotation";
    assert_eq!(
        lines(&world, sql),
        [
            "ca/ca_audit.* | 2018-01-03 | - | -",
            "ca/ca_audit.* | 2018-01-04 | 2018-01-03 | 0",
            "ca/ca_audit.* | 2018-01-06 | 2018-01-04 | 1"
        ]
    );
    let test = world.run().results().test("AU-16", "members").clone();
    assert_eq!((test.outcome.as_str(), test.population, test.undecided), ("could_not_test", 3, 1), "{}", test.reason);
}

#[test]
fn a_line_whose_checksum_does_not_hold_is_an_exception() {
    let text = "Signing cert success: JSON={\"SerialNumber\":\"0a01\"}";
    let line = |checked: &str| {
        let checksum = URL_SAFE_NO_PAD.encode(crc32fast::hash(format!("[AUDIT] {text}").as_bytes()).to_le_bytes());
        format!("2021-01-05T10:00:00Z ca-1 dc 6 boulder-ca[1]: {checksum} [AUDIT] {checked}\n")
    };
    let world = one("ca/boulder.log", line(text) + &line(&text.replace("0a01", "0a02")), "");
    let run = world.run();
    let found: Vec<_> = run.exceptions().into_iter().filter(|found| found.test == "checksums").collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].control.as_str(), found[0].locator.as_str()), ("AU-16", "line 2"));
}

#[test]
fn a_gap_in_the_numbers_of_a_node_is_seen_in_an_export() {
    let text = audit_text();
    let cut: String = text.lines().filter(|line| !line.starts_with("pk2\t")).map(|line| format!("{line}\n")).collect();
    let world = one("ca/audit.txt", cut, "");
    let results = world.run().results();
    // What belonged to the record that is gone hangs on the one before, which then reads as nothing.
    assert!(counted(&results, "ca/audit.txt").1 > 0);
    let without = audit_xml().replacen("CERT_REVOKED", "CERT_REQUEST", 1).replace("<long>2</long>", "<long>20</long>");
    let results = one("ca/audit.xml", without, "").run().results();
    let gaps = results.test("AU-04", "sequence");
    assert!(gaps.exceptions > 0, "{}", gaps.outcome);
}

#[test]
fn a_text_export_that_is_cut_or_whose_details_are_no_map_loses_those_records_alone() {
    let text = audit_text();
    let garbled = text.replacen("</java>", "</jav", 1);
    let results = one("ca/audit.txt", &garbled, "").run().results();
    assert_eq!((results.file("ca/audit.txt").records, results.file("ca/audit.txt").rejected), (2, 1));
    results.noted("N-XML-002", "ca/audit.txt");
    let results = one("ca/audit.txt", &text[..text.len() - 1], "").run().results();
    assert_eq!((results.file("ca/audit.txt").records, results.file("ca/audit.txt").rejected), (2, 1));
    results.noted("N-LINE-003", "ca/audit.txt");
    let moved = text.replacen("CORE\t", "CO\tRE\t", 1);
    let results = one("ca/audit.txt", &moved, "").run().results();
    assert_eq!(results.file("ca/audit.txt").rejected, 1, "a tab inside a cell moves all that follow it");
}

#[test]
fn details_that_are_no_map_leave_a_row_whose_fields_out_of_them_are_not_settled() {
    let csv = audit_csv().replacen("</java>", "</jav", 1);
    let world = one("ca/audit.csv", &csv, "");
    assert_eq!(lines(&world, "SELECT seq, serial, subject FROM ca_events WHERE seq = 1"), ["1 | 4b2387786efc | -"]);
    let results = world.run().results();
    assert_eq!(results.file("ca/audit.csv").records, 3);
    results.noted("N-XML-002", "ca/audit.csv");
}

#[test]
fn an_export_as_xml_that_is_cut_forged_or_of_something_else_is_not_taken_for_whole() {
    const PATH: &str = "ca/export.xml";
    let xml = audit_xml();
    let results = one(PATH, &xml[..xml.len() - 20], "").run().results();
    assert_eq!(results.file(PATH).status, "unreadable");
    assert_eq!(results.file(PATH).records, 2, "what was read before stays counted");
    let twice = xml.replacen("<string>nodeId</string>", "<string>pk</string>", 1);
    let results = one(PATH, &twice, "").run().results();
    assert_eq!((results.file(PATH).records, results.file(PATH).rejected), (2, 1));
    let entity = xml.replacen("<java ", "<!DOCTYPE java [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><java ", 1);
    let results = one(PATH, &entity, "").run().results();
    assert_eq!(results.file(PATH).status, "unreadable");
    results.noted("N-XML-001", PATH);
    let called = xml.replacen("<string>node-1</string>", "<object class=\"java.lang.ProcessBuilder\"><void method=\"start\"/></object>", 1);
    let results = one(PATH, &called, "").run().results();
    assert_eq!((results.file(PATH).records, results.file(PATH).rejected), (2, 1), "nothing in it is made into an object");
}

#[test]
fn a_signed_export_is_listed_with_what_to_do_and_leaves_its_tables_incomplete() {
    const PATH: &str = "ca/export-1.p7m";
    let mut signed = vec![0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02, 0xa0, 0x80, 0x30, 0x80];
    signed.extend([0x24, 0x80, 0x04, 0x82, 0x03, 0xe8]);
    signed.extend(audit_xml().as_bytes());
    signed.extend([0; 40]);
    let world = one(PATH, &signed, "");
    world.put(DOGTAG, DOGTAG_LOG);
    let results = world.run().results();
    let file = results.file(PATH);
    assert_eq!((file.status.as_str(), file.format.as_deref()), ("unreadable", Some("ejbca-audit-xml")));
    let note = results.noted("N-FMT-007", PATH);
    assert!(note.fix.contains("openssl cms -verify"), "{}", note.fix);
    assert!(!note.affects.is_empty(), "a log that was not read touches what rests on it");
}

// boulder

fn boulder(text: &str) -> String {
    let sum = URL_SAFE_NO_PAD.encode(crc32fast::hash(text.as_bytes()).to_le_bytes());
    format!("2021-01-05T09:00:00.000001+00:00 70877f679c72 dc1 6 boulder-ca[1595]: {sum} {text}\n")
}

#[test]
fn a_line_of_boulder_is_a_row_that_says_whether_its_checksum_holds() {
    let log = [
        boulder("[AUDIT] Signing cert: serial=[00ff01] regID=[1] names=[a.example]"),
        boulder("[AUDIT] Signing cert success: serial=[00ff01] regID=[1] names=[a.example] certificate=[00]"),
        boulder("[AUDIT] Signing CRL success: logID=[x] size=[3] hash=[00]"),
        boulder(r#"[AUDIT] Revocation request JSON={"ID":"r1","SerialNumber":"00ff01","Reason":1,"Method":"admin","AdminName":"anna"}"#),
        boulder(r#"[AUDIT] Certificate request - error JSON={"ID":"r2","Requester":7,"Error":"no"}"#),
        boulder(r#"[AUDIT] {"time":"2021-01-05T09:00:00Z","level":"INFO","msg":"Signing cert success","serial":"00ff02","issuer":"CN=I","issuanceRequest":{"a":[1]}}"#),
        boulder("Caught SIGTERM"),
        boulder("[AUDIT] Signing CRL success: logID=[y]").replace("logID=[y]", "logID=[z]"),
    ]
    .concat();
    let world = one("ca/boulder.log", &log, "");
    let sql = "SELECT row AS a, event_type AS b, outcome AS c, serial AS d, actor AS e, request_ref AS f, reason AS g, intact AS h, event_type_raw AS i FROM ca_events ORDER BY row";
    assert_eq!(
        lines(&world, sql),
        [
            "1 | other | pending | ff01 | - | - | - | true | Signing cert",
            "2 | cert.issued | success | ff01 | - | - | - | true | Signing cert success",
            "3 | crl.generated | success | - | - | - | - | true | Signing CRL success",
            "4 | cert.revoked | success | ff01 | anna | r1 | 1 | true | Revocation request",
            "5 | cert.requested | failure | - | 7 | r2 | - | true | Certificate request - error",
            "6 | cert.issued | success | ff02 | - | - | - | true | Signing cert success",
            "7 | other | unknown | - | - | - | - | true | Caught SIGTERM",
            "8 | crl.generated | success | - | - | - | - | false | Signing CRL success",
        ]
    );
    let results = world.run().results();
    assert_eq!(counted(&results, "ca/boulder.log"), (8, 0, 0, 0));
    assert_eq!(results.noted("N-LINE-005", "ca/boulder.log").locator, "line 8");
}

#[test]
fn the_real_lines_of_boulder_are_four_that_hold_and_two_that_do_not() {
    let Some(folder) = corpus() else { return };
    const LOG: &str = "ca-logs/boulder_log_lines.log";
    let world = of_corpus(&folder, LOG, "");
    assert_eq!(
        lines(&world, "SELECT row AS a, intact AS b FROM ca_events ORDER BY row"),
        ["1 | true", "2 | false", "3 | false", "4 | true", "5 | true", "6 | true"]
    );
    let results = world.run().results();
    assert_eq!(counted(&results, LOG), (6, 0, 0, 0));
    let notes: Vec<&str> = results.notes.iter().filter(|note| note.code == "N-LINE-005").map(|note| note.locator.as_str()).collect();
    assert_eq!(notes, ["line 2", "line 3"]);
}

// step-ca

const STEP_JSON: &str = r#"2021/01/05 09:00:00 Serving HTTPS on :9000 ...
{"certificate":"MAA=","duration":"1ms","duration-ns":1,"fields.time":"2021-01-05T09:00:01Z","issuer":"I","level":"info","method":"POST","msg":"","name":"ca","ott":"eyJhbGciOiJub25lIn0.canary","path":"/1.0/sign","protocol":"HTTP/2.0","provisioner":"jwk","remote-address":"10.0.0.1","request-id":"r1","serial":"340282366920938463463374607431768211455","size":1,"status":201,"subject":"leaf.example","time":"2021-01-05T09:00:02Z","user-id":""}
{"duration-ns":1,"error":"token expired","level":"info","method":"POST","name":"ca","path":"/renew","remote-address":"10.0.0.1","request-id":"r2","status":401,"time":"2021-01-05T09:00:02Z"}
{"duration-ns":1,"level":"info","method":"POST","name":"ca","ott":"eyJhbGciOiJub25lIn0.canary","path":"/revoke","reasonCode":1,"remote-address":"10.0.0.1","request-id":"r3","serial":"255","status":200,"time":"2021-01-05T09:00:03Z"}
{"duration-ns":1,"level":"info","method":"POST","name":"ca","path":"/ssh/sign","remote-address":"10.0.0.1","request-id":"r4","serial":"8612","status":201,"time":"2021-01-05T09:00:04Z"}
{"duration-ns":1,"level":"info","method":"GET","name":"ca","path":"/health","remote-address":"10.0.0.1","request-id":"r5","status":200,"time":"2021-01-05T09:00:05Z"}
"#;
const STEP_TEXT: &str = r#"2021/01/05 09:00:00 Serving HTTPS on :9000 ...
INFO[0015]                                               duration="1 ms" duration-ns=1 fields.time="2021-01-05T09:00:01Z" issuer=I method=POST name=ca ott=eyJhbGciOiJub25lIn0.canary path=/1.0/sign provisioner=jwk remote-address=10.0.0.1 request-id=r1 serial=340282366920938463463374607431768211455 status=201 subject=leaf.example user-id=
WARN[0016]                                               duration-ns=1 error="token expired" fields.time="2021-01-05T09:00:02Z" method=POST name=ca path=/renew remote-address=10.0.0.1 request-id=r2 status=401
time="2021-01-05T09:00:03Z" level=info duration-ns=1 method=POST name=ca ott="eyJhbGciOiJub25lIn0.canary" path=/revoke reasonCode=1 remote-address=10.0.0.1 request-id=r3 serial=255 status=200
INFO[0018]  duration-ns=1 fields.time="2021-01-05T09:00:04Z" method=POST name=ca path=/ssh/sign remote-address=10.0.0.1 request-id=r4 serial=8612 status=201
INFO[0019]  duration-ns=1 fields.time="2021-01-05T09:00:05Z" method=GET name=ca path=/health remote-address=10.0.0.1 request-id=r5 status=200
"#;

#[test]
fn step_ca_logs_the_same_as_json_and_as_text_and_its_tokens_are_masked() {
    for (path, log) in [("ca/step.json", STEP_JSON), ("ca/step.log", STEP_TEXT)] {
        let world = one(path, log, "");
        assert_eq!(
            lines(&world, EVENTS),
            [
                "2 | 2021-01-05T09:00:01Z | cert.issued | success | jwk | ffffffffffffffffffffffffffffffff | r1",
                "3 | 2021-01-05T09:00:02Z | cert.renewed | denied | - | - | r2",
                "4 | 2021-01-05T09:00:03Z | cert.revoked | success | - | ff | r3",
                "5 | 2021-01-05T09:00:04Z | other | success | - | - | r4",
                "6 | 2021-01-05T09:00:05Z | other | success | - | - | r5",
            ],
            "{path}"
        );
        let results = world.run().results();
        assert_eq!(counted(&results, path), (5, 0, 0, 1), "{path}");
        assert_eq!(results.noted("N-SEC-002", path).count, 2, "{path}");
        assert!(!holds(&all_outputs(&world), b"canary"), "{path}");
    }
}

// Vault and OpenBao

const VAULT: &str = r#"@cee: {"time":"2021-01-05T09:00:01.000000001Z","type":"request","auth":{"client_token":"hmac-sha256:00","display_name":"anna"},"request":{"id":"q1","operation":"update","mount_type":"pki","path":"pki/issue/meter","data":{"common_name":"hmac-sha256:11"}}}
@cee: {"time":"2021-01-05T09:00:01.1Z","type":"response","auth":{"client_token":"hmac-sha256:00","display_name":"anna"},"request":{"id":"q1","operation":"update","mount_type":"pki","path":"pki/issue/meter","data":{"common_name":"hmac-sha256:11"}},"response":{"data":{"serial_number":"hmac-sha256:08ba","certificate":"hmac-sha256:22"}}}
{"time":"2021-01-05T09:00:02Z","type":"response","auth":{"client_token":"s.canary","display_name":"bob"},"request":{"id":"q2","operation":"update","mount_type":"pki","path":"pki_int/revoke","data":{"serial_number":"00:ff:01"}},"response":{"data":{"revocation_time":1}}}
{"time":"2021-01-05T09:00:03Z","type":"response","auth":{"display_name":"bob"},"request":{"id":"q3","operation":"update","mount_type":"transit","path":"transit/sign/k"},"response":{"data":{}}}
{"time":"2021-01-05T09:00:04Z","type":"response","auth":{"display_name":"bob"},"request":{"id":"q4","operation":"read","mount_type":"pki","path":"pki/roles/meter"},"error":"1 error occurred: permission denied"}
{"time":"2021-01-05T09:00:05Z","type":"response","auth":{"display_name":"bob"},"request":{"id":"q5","operation":"read","mount_type":"pki","path":"pki/crl/rotate"},"response":{"data":{"success":true}}}
"#;

#[test]
fn a_request_to_vault_and_its_response_are_tied_and_a_keyed_hash_is_no_serial() {
    const LOG: &str = "ca/vault.log";
    let world = one(LOG, VAULT, "");
    assert_eq!(
        lines(&world, EVENTS),
        [
            "1 | 2021-01-05T09:00:01Z | other | pending | anna | - | q1",
            "2 | 2021-01-05T09:00:01.1Z | cert.issued | success | anna | - | q1",
            "3 | 2021-01-05T09:00:02Z | cert.revoked | success | bob | ff01 | q2",
            "4 | 2021-01-05T09:00:03Z | other | success | bob | - | q3",
            "5 | 2021-01-05T09:00:04Z | other | denied | bob | - | q4",
            "6 | 2021-01-05T09:00:05Z | crl.generated | success | bob | - | q5",
        ]
    );
    assert_eq!(lines(&world, "SELECT COUNT(entity) AS n FROM ca_events"), ["0"], "a keyed hash is nobody's name");
    let results = world.run().results();
    assert_eq!(counted(&results, LOG), (6, 0, 0, 0));
    let note = results.noted("N-VAL-004", LOG);
    assert!(note.fix.contains("audit_non_hmac_response_keys"), "{}", note.fix);
    assert!(!holds(&all_outputs(&world), b"s.canary"));
    assert_eq!(lines(&world, "SELECT stream, records FROM log_streams"), ["6 | ca/vault.log"]);
}

#[test]
fn the_real_request_to_vault_failed_and_names_no_certificate() {
    let Some(folder) = corpus() else { return };
    const LOG: &str = "ca-logs/vault_audit_line.json";
    let world = of_corpus(&folder, LOG, "");
    assert_eq!(lines(&world, EVENTS), ["1 | 2015-08-05T13:45:46Z | other | failure | testtoken | - | -"]);
    assert_eq!(counted(&world.run().results(), LOG), (1, 0, 0, 0));
}

// CFSSL and the portal

#[test]
fn cfssl_says_of_a_certificate_its_serial_and_needs_a_zone() {
    let log = "2021/01/05 09:00:00 [INFO] generate received request\n\
               2021/01/05 09:00:01 [INFO] signed certificate with serial number 340282366920938463463374607431768211455\n\
               2021/01/05 09:00:02 [ERROR] failed to sign\nsomething else\n";
    let world = one("ca/cfssl.log", log, "zone = \"UTC\"");
    assert_eq!(
        lines(&world, EVENTS),
        [
            "1 | 2021-01-05T09:00:00Z | other | unknown | - | - | -",
            "2 | 2021-01-05T09:00:01Z | cert.issued | success | - | ffffffffffffffffffffffffffffffff | -",
            "3 | 2021-01-05T09:00:02Z | other | failure | - | - | -",
        ]
    );
    assert_eq!(counted(&world.run().results(), "ca/cfssl.log"), (3, 1, 0, 0));
    assert_eq!(lines(&one("ca/cfssl.log", log, ""), "SELECT COUNT(time) AS n FROM ca_events"), ["0"]);
}

#[test]
fn the_result_of_a_batch_is_a_request_through_an_authorised_channel() {
    let register = "Batch reference,Item reference,Submitted at,Submitted by,Device ID,Result,Certificate serial number\n\
                    B1,B1-1,2021-01-05 09:00,aro1,00-DB-12-34-56-78-00-01,Success,00ff\nB1,B1-2,2021-01-05 09:00,aro1,00-DB-12-34-56-78-00-02,Failed,\nB1,B1-3,2021-01-05 09:00,aro1,x,Lost,\n";
    let world = one("ra/batches.csv", register, "zone = \"UTC\"");
    assert_eq!(
        lines(&world, "SELECT request_id AS a, channel AS b, kind AS c, outcome AS d, serial AS e FROM requests ORDER BY row"),
        ["B1-1 | automated | device | issued | ff", "B1-2 | automated | device | rejected | -", "B1-3 | automated | device | - | -"]
    );
    world.run().results().noted("N-VAL-001", "ra/batches.csv");
}

// Whatever is in a JSON line (HOSTILE T17)

#[test]
fn a_json_line_with_a_key_twice_or_too_deep_is_rejected_and_long_numbers_keep_their_digits() {
    let first = VAULT.lines().nth(2).unwrap();
    let twice = first.replacen("\"type\":\"response\"", "\"type\":\"response\",\"type\":\"request\"", 1);
    let deep = format!("{{\"time\":\"x\",\"type\":\"request\",\"request\":{{\"data\":{}}}}}", "[".repeat(10_000));
    let deep_whole =
        format!("{{\"time\":\"x\",\"type\":\"request\",\"request\":{{\"data\":{}{}}}}}", "[".repeat(10_000), "]".repeat(10_000));
    let log = format!("{first}\n{twice}\n{deep}\n{deep_whole}\n");
    let results = one("ca/vault.log", &log, "").run().results();
    assert_eq!(counted(&results, "ca/vault.log"), (1, 3, 0, 0));
    results.noted("N-JSON-001", "ca/vault.log");

    let step = r#"{"duration-ns":1,"method":"POST","name":"ca","path":"/sign","remote-address":"a","request-id":"r","serial":9007199254740993,"status":201,"time":"2021-01-05T09:00:04Z"}"#;
    let twice = step.replacen("\"status\":201", "\"status\":201,\"status\":500", 1);
    let world = one("ca/step.json", format!("{step}\n{twice}\n"), "");
    assert_eq!(lines(&world, "SELECT serial FROM ca_events"), ["20000000000001"]);
    assert_eq!(counted(&world.run().results(), "ca/step.json"), (1, 1, 0, 0));

    let twice = boulder(r#"[AUDIT] Revocation request JSON={"SerialNumber":"01","SerialNumber":"02"}"#);
    let deep = boulder(&format!("[AUDIT] Signing cert JSON={{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)));
    let number = boulder(r#"[AUDIT] Revocation request JSON={"SerialNumber":"01","RequesterID":9007199254740993}"#);
    let world = one("ca/boulder.log", format!("{twice}{deep}{number}"), "");
    assert_eq!(lines(&world, "SELECT actor FROM ca_events"), ["9007199254740993"]);
    assert_eq!(counted(&world.run().results(), "ca/boulder.log"), (1, 2, 0, 0));
}
