//! The log of a module, the clock of a host and the configuration of a CA: from the text of a file to the
//! rows of the tables, by the way every file goes.

use assure::report::results::Results;
use serde_json::Value;

use crate::world::{Reading, World, assure_in};

const OBTAINED: &str = r#"obtained = { how = "observed", by = "the assessor", on = 2021-01-08T09:00:00Z }"#;

/// An engagement with one file, and what is declared of it.
fn one(path: &str, octets: impl AsRef<[u8]>, declared: &str) -> World {
    let world = World::empty();
    world.put(path, octets);
    declare(&world, &format!("[[source]]\npath = \"**\"\n{declared}\n"));
    world
}

fn declare(world: &World, sources: &str) {
    let head = "schema = 1\n[engagement]\ntitle = \"t\"\nkind = \"subsequent\"\nperiod = { start = 2018-01-01, end = 2021-12-31 }\n";
    std::fs::write(world.folder.join("engagement.toml"), format!("{head}{sources}")).unwrap();
}

fn rows(world: &World, sql: &str) -> Vec<Value> {
    let output = assure_in(world.around(), &["-q", "query", world.folder.to_str().unwrap(), sql, "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows as lines, cells in order of name, empty ones as `-`.
fn lines(world: &World, sql: &str) -> Vec<String> {
    let cell = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |row: &Value| row.as_object().unwrap().values().map(cell).collect::<Vec<_>>().join(" | ");
    rows(world, sql).iter().map(line).collect()
}

fn counted(results: &Results, path: &str) -> (u64, u64, u64) {
    let file = results.file(path);
    (file.records, file.rejected, file.blank)
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

/// The same text with other line ends, and in another encoding, gives the same rows.
fn reads_the_same_however_it_is_written(path: &str, text: &str, declared: &str, sql: &str) {
    let plain = lines(&one(path, text, declared), sql);
    assert!(!plain.is_empty());
    assert_eq!(lines(&one(path, text.replace('\n', "\r\n"), declared), sql), plain);
    assert_eq!(lines(&one(path, utf16(text), declared), sql), plain);
}

const HSM: &str = "hsm/audit.log";
const HSM_DECLARED: &str = "host = \"hsm-01\"\nstream = \"hsm-01\"\nzone = \"UTC\"";
const HSM_LOG: &str = "\
14.09.18 12:52:23 [ADMIN] FC:0x083 SFC:0x0E Add User 'COMMISSIONER' (COMMIS~0,0,00000002) [0]
14.09.18 12:52:24 [First~0,Second~0] FC:0x085 SFC:0x01 Do a thing nobody wrote down [b087000f]
14.09.18 12:52:25 [] FC:0x083 SFC:0x20 Set Time from 180914105225Z [0]
14.09.18 12:52:26 'COMMIS~0' authentication(3) failed, failure counter: 1 [b0830013]

14.09.18 12:52:27 POST: all tests passed
14.09.18 12:52:28 [] new ALARM detected: 0x80000080 (ext. erase)
14.09.18 12:52:29 CryptoServer ERASE executed
14.09.18 12:52:30 [ADMIN] FC:0x083 SFC:0x30 Clear Audit Files [00000000]
14.09.18 12:52:31 [ADMIN] FC:0x083 SFC:0x31 change audit config param id:4(Events) from:0x0000073F to:0x00000007 [0]
";
const HSM_ROWS: &str = "SELECT row AS a, time AS b, event_type AS c, outcome AS d, actor AS e, second_actor AS f, raw_code AS g, result_code AS h \
                        FROM key_events WHERE hsm = 'hsm-01' AND stream = 'hsm-01' AND system = 'utimaco' ORDER BY row";

#[test]
fn a_line_of_the_module_says_what_was_done_by_whom_and_how_it_ended() {
    let world = one(HSM, HSM_LOG, HSM_DECLARED);
    assert_eq!(
        lines(&world, HSM_ROWS),
        [
            "1 | 2018-09-14T12:52:23Z | user_add | success | ADMIN | - | FC:0x083 SFC:0x0E | 0",
            "2 | 2018-09-14T12:52:24Z | other | failure | First~0 | Second~0 | FC:0x085 SFC:0x01 | b087000f",
            "3 | 2018-09-14T12:52:25Z | time_set | success | device | - | FC:0x083 SFC:0x20 | 0",
            "4 | 2018-09-14T12:52:26Z | login_failed | failure | - | - | - | b0830013",
            "6 | 2018-09-14T12:52:27Z | selftest | unknown | - | - | - | -",
            "7 | 2018-09-14T12:52:28Z | alarm | unknown | device | - | - | -",
            "8 | 2018-09-14T12:52:29Z | zeroize | unknown | - | - | - | -",
            "9 | 2018-09-14T12:52:30Z | audit_clear | success | ADMIN | - | FC:0x083 SFC:0x30 | 00000000",
            "10 | 2018-09-14T12:52:31Z | audit_config | success | ADMIN | - | FC:0x083 SFC:0x31 | 0",
        ]
    );
    assert_eq!(
        lines(&world, "SELECT details FROM key_events WHERE row = 2"),
        ["FC:0x085 SFC:0x01 Do a thing nobody wrote down"],
        "what is not known is kept as it is written"
    );
    assert_eq!(lines(&world, "SELECT event_type_raw FROM key_events WHERE row = 1"), ["Add User"], "without the name of anybody");
}

#[test]
fn a_name_a_user_chose_cannot_make_one_event_look_like_another() {
    let log = "14.09.18 12:52:23 [ADMIN] FC:0x083 SFC:0x99 Rename 'x' to 'Clear Audit Files' [0]\n\
               14.09.18 12:52:24 'POST:' authentication(3) failed, failure counter: 1 [b0830013]\n";
    assert_eq!(lines(&one(HSM, log, HSM_DECLARED), "SELECT event_type FROM key_events ORDER BY row"), ["other", "login_failed"]);
}

#[test]
fn two_digits_of_a_year_turn_where_the_format_says() {
    let line = |year: &str| format!("31.12.{year} 23:59:59 [A] FC:0x083 SFC:0x0E Add User 'b' (c) [0]\n");
    let log = line("00") + &line("68") + &line("69") + &line("99");
    assert_eq!(
        lines(&one(HSM, log, HSM_DECLARED), "SELECT time FROM key_events ORDER BY row"),
        ["2000-12-31T23:59:59Z", "2068-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "1999-12-31T23:59:59Z"]
    );
}

#[test]
fn the_zone_of_a_module_is_asked_for_and_never_guessed() {
    let world = one(HSM, HSM_LOG, "host = \"hsm-01\"");
    assert_eq!(lines(&world, "SELECT COUNT(*) AS n FROM key_events WHERE time IS NULL AND time_raw IS NOT NULL"), ["9"]);
    let results = world.run().results();
    assert_eq!(results.noted("N-TIME-002", HSM).count, 9);
}

#[test]
fn octets_that_are_no_utf_8_are_read_as_latin_1_and_utf_8_stays_what_it_is() {
    let line = |name: &[u8]| [&b"14.09.18 12:52:23 [ADMIN] FC:0x083 SFC:0x0E Add User '"[..], name, b"' (x) [0]\n"].concat();
    let world = one(HSM, [line(b"M\xfcller"), line("Jürgen".as_bytes())].concat(), HSM_DECLARED);
    let found = lines(&world, "SELECT details FROM key_events ORDER BY row");
    assert!(found[0].contains("'Müller'") && found[1].contains("'Jürgen'"), "{found:?}");
    let results = world.run().results();
    assert_eq!(counted(&results, HSM), (2, 0, 0));
    assert_eq!(results.noted("N-ENC-001", HSM).count, 1);
}

#[test]
fn a_cut_or_garbled_line_of_the_module_is_rejected_and_counted() {
    let cut = &HSM_LOG[..HSM_LOG.len() - 20];
    let world = one(HSM, cut.replace("14.09.18 12:52:24 [", "14.09.18 12:5#"), HSM_DECLARED);
    let results = world.run().results();
    assert_eq!(counted(&results, HSM), (7, 2, 1));
    assert_eq!(results.file(HSM).quality, "truncated");
    results.noted("N-LINE-001", HSM);
    results.noted("N-LINE-003", HSM);
}

#[test]
fn a_log_of_the_module_reads_the_same_however_it_is_written() {
    reads_the_same_however_it_is_written(HSM, HSM_LOG, HSM_DECLARED, HSM_ROWS);
}

#[test]
fn a_secret_in_the_log_of_the_module_is_masked() {
    let world = one(HSM, "14.09.18 12:52:23 [A] FC:0x083 SFC:0x0E Add User 'b' pin=1234 [0]\n", HSM_DECLARED);
    assert_eq!(lines(&world, "SELECT details FROM key_events"), ["FC:0x083 SFC:0x0E Add User 'b' pin=[masked]"]);
}

#[test]
fn a_clock_that_was_ahead_is_set_right_and_its_raw_text_stays() {
    let log = HSM_LOG.lines().next().unwrap().to_owned() + "\n";
    let sql = "SELECT time AS a, time_raw AS b, time_basis AS c FROM key_events";
    let world = one(HSM, &log, &format!("{HSM_DECLARED}\nclock_ahead = \"PT42S\""));
    assert_eq!(lines(&world, sql), ["2018-09-14T12:51:41Z | 14.09.18 12:52:23 | declared, clock corrected"]);
    let results = world.run().results();
    assert_eq!(results.file(HSM).clock_ahead.as_deref(), Some("PT42S"));
    assert_eq!(results.file(HSM).first.as_deref(), Some("2018-09-14T12:51:41Z"));
    let note = results.noted("N-TIME-006", HSM);
    assert!(note.what.contains("PT42S") && note.count == 1 && note.weight == "informs", "{}", note.what);
    // What was kept of the file under another declaration is not taken for this one.
    declare(&world, &format!("[[source]]\npath = \"**\"\n{HSM_DECLARED}\nclock_ahead = \"-PT0.5S\"\n"));
    assert_eq!(lines(&world, sql), ["2018-09-14T12:52:23.5Z | 14.09.18 12:52:23 | declared, clock corrected"]);
    declare(&world, &format!("[[source]]\npath = \"**\"\n{HSM_DECLARED}\n"));
    assert_eq!(lines(&world, sql), ["2018-09-14T12:52:23Z | 14.09.18 12:52:23 | declared"]);
}

#[test]
fn a_date_without_a_time_of_day_is_not_moved_by_a_clock() {
    let register = "person,role,granted_at,revoked_at\na,auditor,2020-01-05,2020-02-05 10:00\n";
    let world = one("roles.csv", register, "zone = \"UTC\"\nclock_ahead = \"PT1H\"");
    let sql = "SELECT granted_at AS a, granted_at_basis AS b, revoked_at AS c FROM roles";
    assert_eq!(lines(&world, sql), ["2020-01-05T00:00:00Z | date | 2020-02-05T09:00:00Z"]);
}

#[test]
fn a_clock_is_off_by_a_length_of_time_and_nothing_else() {
    for wrong in ["42", "P1D", "PT", "42 s", "soon"] {
        let world = one(HSM, HSM_LOG, &format!("clock_ahead = \"{wrong}\""));
        let ran = world.run().ends_with(2);
        assert!(ran.err.contains("clock_ahead"), "{wrong}: {}", ran.err);
    }
}

const CLOCK: &str = "clock/ca-01.log";
const READING: &str = "\
Reference ID    : CB00710F (203.0.113.15)
Stratum         : 3
Ref time (UTC)  : Tue Jan 05 09:58:11 2021
System time     : 0.000012345 seconds slow of NTP time
Last offset     : -0.000002345 seconds
Leap status     : Normal
";
const CLOCK_ROWS: &str = "SELECT row AS a, host AS b, read_at AS c, read_at_basis AS d, reference AS e, stratum AS f, offset_us AS g, leap AS h \
                          FROM time_status ORDER BY row";

fn readings() -> String {
    let unsynchronised = READING
        .replace("CB00710F (203.0.113.15)", "00000000 ()")
        .replace("0.000012345 seconds slow", "0.000000000 seconds fast")
        .replace("Normal", "Not synchronised");
    let ahead = READING.replace("0.000012345 seconds slow", "1.500000000 seconds fast");
    format!(
        "2021-01-05T10:00:00Z\n{READING}2021-01-06T10:00:00Z\n506 Cannot talk to daemon\n\n2021-01-07T10:00:00Z\n{unsynchronised}2021-01-08T10:00:00Z\n{ahead}"
    )
}

#[test]
fn each_reading_of_a_clock_is_a_row_and_one_that_failed_is_rejected() {
    let world = one(CLOCK, readings(), "host = \"ca-01\"");
    assert_eq!(
        lines(&world, CLOCK_ROWS),
        [
            "1 | ca-01 | 2021-01-05T10:00:00Z | explicit | CB00710F (203.0.113.15) | 3 | -12 | Normal",
            "11 | ca-01 | 2021-01-07T10:00:00Z | explicit | 00000000 () | 3 | - | Not synchronised",
            "18 | ca-01 | 2021-01-08T10:00:00Z | explicit | CB00710F (203.0.113.15) | 3 | 1500000 | Normal",
        ],
        "a clock that follows nothing is not one that is off by nothing"
    );
    let results = world.run().results();
    let file = results.file(CLOCK);
    assert_eq!((file.records, file.rejected), (3, 2), "the date without a reading, and the line in its place");
    let physical = readings().lines().count() as u64;
    assert_eq!(file.records + file.rejected + file.blank + file.passed_over, physical);
}

#[test]
fn one_reading_without_a_date_was_made_when_the_file_was_obtained() {
    let world = one(CLOCK, READING, OBTAINED);
    assert_eq!(lines(&world, "SELECT read_at AS a, read_at_basis AS b FROM time_status"), ["2021-01-08T09:00:00Z | declared"]);
    let world = one(CLOCK, READING, &format!("{OBTAINED}\nclock_ahead = \"PT42S\""));
    assert_eq!(lines(&world, "SELECT read_at FROM time_status"), ["2021-01-08T09:00:00Z"], "the engagement is not on that clock");
}

#[test]
fn one_reading_without_a_date_is_not_settled_where_nobody_says_when_it_was_obtained() {
    let world = one(CLOCK, READING, "");
    assert_eq!(lines(&world, "SELECT read_at AS a, unsettled AS b FROM time_status"), ["- | ,host,read_at,"]);
    assert!(world.run().results().noted("N-TIME-007", CLOCK).fix.contains("obtained"));
}

#[test]
fn of_several_readings_none_is_dated_by_the_file() {
    let world = one(CLOCK, format!("{READING}{READING}2021-01-07T10:00:00Z\n{READING}"), OBTAINED);
    assert_eq!(lines(&world, "SELECT read_at FROM time_status"), ["2021-01-07T10:00:00Z"]);
    assert_eq!(counted(&world.run().results(), CLOCK).1, 2);
}

#[test]
fn a_line_among_readings_that_belongs_to_none_is_rejected_and_the_readings_stand() {
    let transcript = format!("root@ca-01:~# chronyc -n tracking\n{READING}root@ca-01:~# exit\n");
    let results = one(CLOCK, transcript, OBTAINED).run().results();
    assert_eq!((results.file(CLOCK).records, results.file(CLOCK).rejected), (1, 2));
}

#[test]
fn a_reading_that_is_cut_or_garbled_is_none() {
    let cut = one(CLOCK, READING.trim_end(), OBTAINED).run().results();
    assert_eq!((cut.file(CLOCK).records, cut.file(CLOCK).quality.as_str()), (0, "truncated"));
    for garbled in [READING.replace("System time     :", "Syst"), READING.replace("Stratum         : 3", "Stratum : 3\nStratum : 4")] {
        let results = one(CLOCK, garbled, OBTAINED).run().results();
        assert_eq!(results.file(CLOCK).records, 0);
        assert!(results.file(CLOCK).rejected > 0);
    }
    let off = one(CLOCK, READING.replace("0.000012345 seconds slow", "about right"), OBTAINED);
    assert_eq!(lines(&off, "SELECT offset_us AS a, unsettled AS b FROM time_status"), ["- | ,host,offset_us,"]);
}

#[test]
fn readings_of_a_clock_read_the_same_however_they_are_written() {
    reads_the_same_however_it_is_written(CLOCK, &readings(), "host = \"ca-01\"", CLOCK_ROWS);
}

const PROFILE: &str = "profiles/certprofile_Device+One-42.xml";
const PROFILE_ROWS: &str =
    "SELECT row AS a, scope AS b, key AS c, value AS d, in_force AS e FROM settings WHERE component = 'ejbca-profile' ORDER BY row";

fn put(key: &str, value: &str) -> String {
    format!("  <void method=\"put\">\n   <string>{key}</string>\n   {value}\n  </void>\n")
}

fn profile(entries: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<java version=\"1.8.0\" class=\"java.beans.XMLDecoder\">\n \
         <object class=\"java.util.LinkedHashMap\">\n{entries} </object>\n</java>\n"
    )
}

fn sample_profile() -> String {
    let list = "<object class=\"java.util.ArrayList\"><void method=\"add\"><int>256</int></void><void method=\"add\"><string>a&amp;b</string></void></object>";
    let map = "<object class=\"java.util.HashMap\"><void method=\"put\"><string>ADD</string><int>7</int></void></object>";
    let entries = [
        put("encodedvalidity", "<string>2y</string>"),
        put("signaturealgorithm", "<null/>"),
        put("bits", list),
        put("approvals", map),
        put("none", "<object class=\"java.util.ArrayList\"/>"),
        put("password", "<string>two words</string>"),
        put("type", "<int>1</int>"),
        put("type", "<int>2</int>"),
    ];
    profile(&entries.concat())
}

#[test]
fn an_entry_of_a_profile_is_a_setting_under_the_name_of_its_file() {
    let world = one(PROFILE, sample_profile(), "host = \"ca-01\"");
    assert_eq!(
        lines(&world, PROFILE_ROWS),
        [
            "1 | Device+One | encodedvalidity | 2y | true",
            "2 | Device+One | signaturealgorithm | - | true",
            "3 | Device+One | bits | 256, a&b | true",
            "4 | Device+One | approvals.ADD | 7 | true",
            "5 | Device+One | none | - | true",
            "6 | Device+One | password | [masked] | true",
            "7 | Device+One | type | 1 | false",
            "8 | Device+One | type | 2 | true",
        ]
    );
    assert_eq!(lines(&world, "SELECT position_in_file FROM settings WHERE key = 'bits'"), ["12"]);
    let results = world.run().results();
    results.noted("N-CFG-004", PROFILE);
    results.noted("N-SEC-002", PROFILE);
}

#[test]
fn two_profiles_of_one_content_are_two_profiles() {
    let world = one(PROFILE, sample_profile(), "");
    world.put("profiles/entityprofile_Other-7.xml", sample_profile());
    assert_eq!(lines(&world, "SELECT DISTINCT scope FROM settings ORDER BY scope"), ["Device+One", "Other"]);
}

#[test]
fn a_profile_in_a_file_of_another_name_belongs_to_nobody_knows_which() {
    let world = one("profiles/copy of it.xml", sample_profile(), "");
    assert_eq!(lines(&world, "SELECT DISTINCT scope AS a, unsettled AS b FROM settings"), ["- | ,scope,"]);
    world.run().results().noted("N-VAL-001", "profiles/copy of it.xml");
}

#[test]
fn nothing_in_a_profile_is_made_into_an_object_and_what_is_no_value_is_rejected() {
    let entries = [
        put("good", "<int>1</int>"),
        put("made", "<object class=\"java.lang.Runtime\" method=\"getRuntime\"/>"),
        put("process", "<object class=\"java.lang.ProcessBuilder\"><void method=\"start\"/></object>"),
        put("elsewhere", "<object idref=\"x\"/>"),
        " <void property=\"x\"><int>1</int></void>\n".to_owned(),
    ];
    let world = one(PROFILE, profile(&entries.concat()), "");
    assert_eq!(lines(&world, "SELECT key FROM settings"), ["good"]);
    let results = world.run().results();
    assert_eq!(counted(&results, PROFILE), (1, 4, 0));
    assert_eq!(results.noted("N-XML-002", PROFILE).locator, "entry 2");
}

#[test]
fn a_profile_with_a_document_type_is_refused_whole() {
    let text =
        sample_profile().replace("<java ", "<!DOCTYPE java [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>\n<java ").replace("2y", "&e;");
    let world = one(PROFILE, text, "");
    assert!(lines(&world, "SELECT key FROM settings").is_empty());
    let results = world.run().results();
    assert_eq!(results.file(PROFILE).status, "unreadable");
    assert!(!results.noted("N-XML-001", PROFILE).affects.is_empty(), "the table it would feed is incomplete without it");
}

#[test]
fn half_a_profile_and_one_that_is_not_well_formed_give_no_row() {
    let whole = sample_profile();
    for (text, quality) in [(whole[..whole.len() / 2].to_owned(), "truncated"), (whole.replacen("</void>", "</viod>", 1), "ok")] {
        let world = one(PROFILE, text, "");
        assert!(lines(&world, "SELECT key FROM settings").is_empty());
        let results = world.run().results();
        assert_eq!((results.file(PROFILE).status.as_str(), results.file(PROFILE).quality.as_str()), ("unreadable", quality));
        results.noted("N-XML-002", PROFILE);
    }
}

#[test]
fn a_profile_reads_the_same_however_it_is_written() {
    reads_the_same_however_it_is_written(PROFILE, &sample_profile(), "", PROFILE_ROWS);
}

const DUMP: &str = "configdump/certification-authorities/Issuing.yml";
const DUMP_ROWS: &str = "SELECT row AS a, component AS b, scope AS c, key AS d, value AS e FROM settings ORDER BY row";
const DUMP_TEXT: &str = "\
# exported
Object Type: Certification Authority
Version: 2
Name: 'Issuing: it''s 1'
CA Token:
    Signature Algorithm: SHA256withECDSA
    Crypto Token: \"Issuing \\u00e9\"
    Keys:
        Sign: signKey
    Properties: {}
Key Usage:
- Digital Signature
- CRL Sign
Approvals:
  - Action: Revoke
    Profile:
      Name: two
  - Action: Add
CRL Expiration Period: 1d # a day
URL: http://crl.example:8080/x
Description: a text without quotes that
  goes on over lines
Authentication Code: foo 123
Curves: [P-256, P-384]
Nothing:
";

#[test]
fn a_key_of_a_dump_is_a_setting_under_the_path_to_it() {
    assert_eq!(
        lines(&one(DUMP, DUMP_TEXT, ""), DUMP_ROWS),
        [
            "2 | ejbca-ca | Issuing: it's 1 | Object Type | Certification Authority",
            "3 | ejbca-ca | Issuing: it's 1 | Version | 2",
            "4 | ejbca-ca | Issuing: it's 1 | Name | Issuing: it's 1",
            "6 | ejbca-ca | Issuing: it's 1 | CA Token.Signature Algorithm | SHA256withECDSA",
            "7 | ejbca-ca | Issuing: it's 1 | CA Token.Crypto Token | Issuing é",
            "9 | ejbca-ca | Issuing: it's 1 | CA Token.Keys.Sign | signKey",
            "10 | ejbca-ca | Issuing: it's 1 | CA Token.Properties | -",
            "11 | ejbca-ca | Issuing: it's 1 | Key Usage | Digital Signature, CRL Sign",
            "15 | ejbca-ca | Issuing: it's 1 | Approvals.0.Action | Revoke",
            "17 | ejbca-ca | Issuing: it's 1 | Approvals.0.Profile.Name | two",
            "18 | ejbca-ca | Issuing: it's 1 | Approvals.1.Action | Add",
            "19 | ejbca-ca | Issuing: it's 1 | CRL Expiration Period | 1d",
            "20 | ejbca-ca | Issuing: it's 1 | URL | http://crl.example:8080/x",
            "21 | ejbca-ca | Issuing: it's 1 | Description | a text without quotes that goes on over lines",
            "23 | ejbca-ca | Issuing: it's 1 | Authentication Code | [masked]",
            "24 | ejbca-ca | Issuing: it's 1 | Curves | P-256, P-384",
            "25 | ejbca-ca | Issuing: it's 1 | Nothing | -",
        ]
    );
}

#[test]
fn an_object_without_a_name_in_its_dump_has_that_of_its_file() {
    let world = one(DUMP, "Object Type: Approval Profile\nVersion: 1\n", "");
    assert_eq!(lines(&world, "SELECT DISTINCT component AS a, scope AS b FROM settings"), ["ejbca-approval-profile | Issuing"]);
    world.run().results().noted("N-CFG-004", DUMP);
}

#[test]
fn what_is_more_yaml_than_a_dump_writes_is_rejected_line_by_line() {
    let cases = [
        ("Text: |\n  one\n  two\n", 1),
        ("Anchor: &a x\n", 1),
        ("Braces: {a: b}\n", 1),
        ("Quote: \"over\n  lines\"\n", 1),
        ("Twice: 1\nTwice: 2\n", 1),
        ("Twice:\n  A: 1\nTwice.A: 2\n", 1),
        ("Twice.A: 2\nTwice:\n  A: 1\n", 1),
        ("List:\n- A: 1\n- A: 1\n  B: 1\n  A: 2\n", 1),
        ("Value: x\n  Below: y\n", 1),
        ("no key\n", 1),
        ("- item of nothing\n", 1),
        ("Map:\n  A: 1\n    B: 2\n", 1),
        ("Map:\n  A: 1\n B: 2\n", 1),
        ("List:\n- a\n- b: c\n", 1),
        ("\tTab: x\n", 1),
        ("Cut: x", 1),
    ];
    for (text, rejected) in cases {
        let text = format!("Object Type: CA\n{text}");
        let results = one(DUMP, &text, "").run().results();
        let file = results.file(DUMP);
        assert_eq!(file.rejected, rejected, "{text:?}: {:?}", results.notes.iter().map(|n| &n.what).collect::<Vec<_>>());
        assert_eq!(file.records + file.rejected + file.blank + file.passed_over, text.lines().count() as u64, "{text:?}");
    }
}

#[test]
fn a_dump_reads_the_same_however_it_is_written() {
    reads_the_same_however_it_is_written(DUMP, DUMP_TEXT, "", DUMP_ROWS);
}

const SETTINGS: &str = "SELECT row AS a, component AS b, key AS c, value AS d, in_force AS e FROM settings ORDER BY row";

#[test]
fn servers_of_chrony_add_up_and_a_key_that_stands_twice_is_decided_by_nobody() {
    let text = "! comment\nserver ntp1.example iburst\nserver ntp2.example\nmakestep 1.0 3\nrtcsync\nmakestep 0.1 1\n";
    let chrony = |text: &str| lines(&one("chrony.conf", text, ""), SETTINGS);
    assert_eq!(
        chrony(text),
        [
            "2 | chrony | server | ntp1.example iburst | true",
            "3 | chrony | server | ntp2.example | true",
            "4 | chrony | makestep | 1.0 3 | -",
            "5 | chrony | rtcsync | - | true",
            "6 | chrony | makestep | 0.1 1 | -",
        ]
    );
    assert_eq!(chrony("rtcsync\nconfdir /etc/chrony/conf.d\n")[0], "1 | chrony | rtcsync | - | -", "another file may decide");
    reads_the_same_however_it_is_written("chrony.conf", text, "", SETTINGS);
}

#[test]
fn the_audit_daemon_its_rules_and_their_absence_are_settings() {
    let daemon = one("auditd.conf", "# x\nlog_file = /var/log/audit/audit.log\nmax_log_file_action = ROTATE\nno value\n", "");
    assert_eq!(
        lines(&daemon, SETTINGS),
        ["2 | auditd | log_file | /var/log/audit/audit.log | true", "3 | auditd | max_log_file_action | ROTATE | true"]
    );
    assert_eq!(counted(&daemon.run().results(), "auditd.conf"), (2, 1, 1));
    let rules = one("rules.txt", "enabled 2\n-w /etc/passwd -p wa -k identity\n-a always,exit -F arch=b64 -S adjtimex -F key=time\n", "");
    assert_eq!(
        lines(&rules, SETTINGS),
        [
            "1 | auditd | enabled | 2 | true",
            "2 | auditd | -w | /etc/passwd -p wa -k identity | true",
            "3 | auditd | -a | always,exit -F arch=b64 -S adjtimex -F key=time | true",
        ]
    );
    assert_eq!(lines(&one("rules.txt", "No rules\n", ""), SETTINGS), ["1 | auditd | No rules | - | true"]);
}

#[test]
fn where_rsyslog_sends_what_is_a_setting_and_what_spans_lines_is_rejected() {
    let text = "$ModLoad imtcp\nmodule(load=\"imuxsock\")\n*.* @@loghost.example:514\naction(type=\"omfwd\"\n  target=\"x\")\n";
    let world = one("rsyslog.conf", text, "");
    assert_eq!(
        lines(&world, SETTINGS),
        [
            "1 | rsyslog | $modload | imtcp | true",
            "2 | rsyslog | module | (load=\"imuxsock\") | true",
            "3 | rsyslog | *.* | @@loghost.example:514 | true",
        ]
    );
    assert_eq!(counted(&world.run().results(), "rsyslog.conf"), (3, 2, 0));
}

#[test]
fn the_audit_devices_of_ejbca_are_settings() {
    let text = "#securityeventsaudit.implementation.0=x\nsecurityeventsaudit.implementation.1=org.example.Device\n";
    assert_eq!(
        lines(&one("cesecore.properties", text, ""), SETTINGS),
        ["2 | ejbca-audit | securityeventsaudit.implementation.1 | org.example.Device | true"]
    );
}

#[test]
fn a_setting_was_collected_when_the_file_was_obtained() {
    let text = "PermitRootLogin no\nPasswordAuthentication no\n";
    let sql = "SELECT DISTINCT collected_at FROM settings";
    assert_eq!(lines(&one("sshd_config", text, OBTAINED), sql), ["2021-01-08T09:00:00Z"]);
    let day = "obtained = { how = \"observed\", by = \"x\", on = 2021-01-08 }";
    assert_eq!(lines(&one("sshd_config", text, day), sql), ["2021-01-08T00:00:00Z"]);
    assert_eq!(lines(&one("sshd_config", text, ""), "SELECT DISTINCT collected_at AS a, unsettled AS b FROM settings"), ["- | -"]);
}

#[test]
fn one_configuration_found_on_two_days_is_two_findings() {
    let world = one("a/sshd_config", "PermitRootLogin no\n", "");
    world.put("b/sshd_config", "PermitRootLogin no\n");
    let on = |day: u32| format!("host = \"h\"\nobtained = {{ how = \"observed\", by = \"x\", on = 2021-01-0{day} }}");
    declare(&world, &format!("[[source]]\npath = \"a/*\"\n{}\n[[source]]\npath = \"b/*\"\n{}\n", on(1), on(2)));
    assert_eq!(lines(&world, "SELECT collected_at FROM settings ORDER BY collected_at").len(), 2);
}

#[test]
fn clocks_that_are_steadily_apart_are_told_of_with_the_line_that_would_correct_one() {
    let days = ["05", "06", "07", "08"];
    let luna = |seconds: &str| -> String {
        let line = |(n, day): (usize, &&str)| {
            format!(
                "{n},21/01/{day} 10:00:{seconds},S/N 150718 session 1 Access 1:2 SO container:20 operation LUNA_LOGIN returned RC_OK(0x00000000)\n"
            )
        };
        days.iter().enumerate().map(line).collect()
    };
    let ca: String = days
        .iter()
        .map(|day| {
            format!("2021-01-{day} 10:00:00,900 INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (t) 2021-01-{day} 10:00:00+00:00;CRYPTOTOKEN_ACTIVATION;SUCCESS;CRYPTOTOKEN;CORE;CN=a;77;;;msg=Activated.\n")
        })
        .collect();
    let world = World::empty();
    world.put("hsm/luna.log", luna("42"));
    world.put("ca/server.log", ca);
    world.put("keys.csv", "key_id,purpose,generated_at,hsm,token\nk1,issuing-ca,2020-01-01,150718,77\n");
    let sources = "[[source]]\npath = \"hsm/*\"\nstream = \"hsm-01\"\nzone = \"UTC\"\n[[source]]\npath = \"ca/*\"\nstream = \"ca-01\"\n";
    declare(&world, sources);
    let results = world.run().results();
    let note = results.noted("N-TIME-009", "hsm/luna.log");
    assert!(
        note.what.contains("the clock of hsm-01 seems to be 42 s ahead of that of ca-01, by 4 uses of keys of 150718"),
        "{}",
        note.what
    );
    assert!(note.fix.contains("clock_ahead = \"PT42S\""), "{}", note.fix);
    // With the line that it gives, the clocks go together, and nothing is left to tell.
    declare(&world, &sources.replacen("zone", "clock_ahead = \"PT42S\"\nzone", 1));
    assert!(world.run().results().notes.iter().all(|note| note.code != "N-TIME-009"));
    declare(&world, sources);
    world.put("hsm/luna.log", luna("20"));
    assert!(world.run().results().notes.iter().all(|note| note.code != "N-TIME-009"), "a login takes some time");
}
