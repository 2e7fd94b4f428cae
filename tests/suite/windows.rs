//! Windows events in every form they are handed over in, and what a Microsoft CA says of its settings and of
//! its database: from the text of a file to the rows of the tables, by the way every file goes.

use std::fs;

use serde_json::Value;

use crate::corpus::corpus;
use crate::world::{Reading, World, assure_in};

const FIRST: &str = "ca/security";

/// An engagement with some files, and what is declared of all of them.
fn with(files: &[(&str, &[u8])], declared: &str) -> World {
    let world = World::empty();
    for (path, octets) in files {
        world.put(path, octets);
    }
    let head = "schema = 1\n[engagement]\ntitle = \"t\"\nkind = \"subsequent\"\nperiod = { start = 2020-01-01, end = 2026-12-31 }\n";
    fs::write(world.folder.join("engagement.toml"), format!("{head}[[source]]\npath = \"**\"\n{declared}\n")).unwrap();
    world
}

fn one(octets: impl AsRef<[u8]>, declared: &str) -> World {
    with(&[(FIRST, octets.as_ref())], declared)
}

/// The rows as lines, cells in order of name, empty ones as `-`.
fn lines(world: &World, sql: &str) -> Vec<String> {
    let output = assure_in(world.around(), &["-q", "query", world.folder.to_str().unwrap(), sql, "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let cell = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |row: &str| {
        let row: Value = serde_json::from_str(row).unwrap();
        row.as_object().unwrap().values().map(cell).collect::<Vec<_>>().join(" | ")
    };
    text.lines().map(line).collect()
}

/// What became of the one file: its status and quality, and the records read and rejected.
fn became(world: &World) -> String {
    lines(world, "SELECT status AS a, quality AS b, records AS c, rejected AS d FROM evidence").join("; ")
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

fn evtx(name: &str) -> Option<Vec<u8>> {
    Some(fs::read(corpus()?.join("ca-logs").join(name)).unwrap())
}

const OCSP: &str = "adcs_ocsp_audit_2020.evtx";
const CLOCK: &str = "win_4616_time_changed.evtx";

#[test]
fn the_log_of_a_responder_is_read_event_by_event() {
    let Some(octets) = evtx(OCSP) else { return };
    let world = one(octets, "");
    assert_eq!(
        lines(
            &world,
            "SELECT row AS a, record_number AS b, time AS c, event_type AS d, outcome AS e, actor AS f, system AS g, time_basis AS h \
             FROM ca_events WHERE stream = 'pki01.offsec.lan/Security' ORDER BY row"
        ),
        [
            "1 | 1207901 | 2020-07-11T09:20:43.401378Z | ocsp.stopped | success | - | adcs | explicit",
            "2 | 1207920 | 2020-07-11T09:20:46.158376Z | ocsp.started | success | - | adcs | explicit",
            "3 | 1207931 | 2020-07-11T09:21:24.702958Z | ocsp.config_changed | success | OFFSEC\\admmig | adcs | explicit",
            "4 | 1207932 | 2020-07-11T09:21:24.703073Z | ocsp.config_changed | success | OFFSEC\\admmig | adcs | explicit",
            "5 | 1207933 | 2020-07-11T09:21:24.707949Z | audit.filter_changed | success | OFFSEC\\admmig | adcs | explicit",
            "6 | 1207946 | 2020-07-11T09:21:50.087867Z | audit.filter_changed | success | OFFSEC\\admmig | adcs | explicit",
            "7 | 1207947 | 2020-07-11T09:21:50.109681Z | ocsp.security_changed | success | OFFSEC\\admmig | adcs | explicit",
        ]
    );
    assert_eq!(
        lines(
            &world,
            "SELECT known_at AS a, value AS b, bit AS c, is_set AS d FROM setting_flags WHERE component = 'adcs-ocsp' ORDER BY row, bit"
        ),
        [
            "2020-07-11T09:21:24.707949Z | 11 | 1 | true",
            "2020-07-11T09:21:24.707949Z | 11 | 2 | true",
            "2020-07-11T09:21:24.707949Z | 11 | 4 | false",
            "2020-07-11T09:21:24.707949Z | 11 | 8 | true",
            "2020-07-11T09:21:50.087867Z | 15 | 1 | true",
            "2020-07-11T09:21:50.087867Z | 15 | 2 | true",
            "2020-07-11T09:21:50.087867Z | 15 | 4 | true",
            "2020-07-11T09:21:50.087867Z | 15 | 8 | true",
        ]
    );
    assert_eq!(became(&world), "used | ok | 7 | 0");
}

#[test]
fn a_clock_that_was_set_back_leaves_the_order_of_the_numbers() {
    let Some(octets) = evtx(CLOCK) else { return };
    let world = one(octets, "");
    let found = lines(&world, "SELECT record_number AS a, event_type AS b, time AS c FROM ca_events ORDER BY row");
    let numbers: Vec<u64> = found.iter().map(|line| line.split(" | ").next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, [19_620_789, 19_620_790, 19_620_793, 19_620_794, 19_620_900, 19_620_901, 19_620_903, 19_620_904]);
    assert!(found.iter().all(|line| line.contains("time.changed")), "{found:?}");
    let backwards = lines(
        &world,
        "WITH ordered AS (SELECT evidence, row, time, LAG(time) OVER (ORDER BY record_number, evidence, row) AS before FROM ca_events) \
         SELECT COUNT(*) AS n FROM ordered WHERE time < before",
    );
    assert_ne!(backwards, ["0"], "the times are not in order, and are not put into it");
    assert_eq!(
        lines(&world, "SELECT stream AS a, first AS b, last AS c FROM log_streams"),
        ["jump01.offsec.lan/Security | 2021-11-24T15:43:16.653427Z | 2021-11-27T15:47:00.36955Z"]
    );
}

/// The check sum of chunks and headers (CRC-32 of IEEE 802.3).
fn crc(octets: &[&[u8]]) -> [u8; 4] {
    let step = |crc: u32, octet: &u8| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    };
    (!octets.iter().copied().flatten().fold(u32::MAX, step)).to_le_bytes()
}

/// The responder's extract as if it were the log itself: the file counts its records by the same numbers.
fn as_the_log_itself(mut octets: Vec<u8>) -> Vec<u8> {
    let numbers: [u64; 7] = [1_207_901, 1_207_920, 1_207_931, 1_207_932, 1_207_933, 1_207_946, 1_207_947];
    let mut at = 4_096 + 512;
    for number in numbers {
        assert_eq!(&octets[at..at + 4], b"**\0\0");
        octets[at + 8..at + 16].copy_from_slice(&number.to_le_bytes());
        at += u32::from_le_bytes(octets[at + 4..at + 8].try_into().unwrap()) as usize;
    }
    for place in [8, 24] {
        octets[4_096 + place..4_096 + place + 8].copy_from_slice(&numbers[0].to_le_bytes());
        octets[4_096 + place + 8..4_096 + place + 16].copy_from_slice(&numbers[6].to_le_bytes());
    }
    octets[24..32].copy_from_slice(&(numbers[6] + 1).to_le_bytes());
    let sum = crc(&[&octets[..120]]);
    octets[124..128].copy_from_slice(&sum);
    let end = 4_096 + u32::from_le_bytes(octets[4_096 + 48..4_096 + 52].try_into().unwrap()) as usize;
    let sum = crc(&[&octets[4_096 + 512..end]]);
    octets[4_096 + 52..4_096 + 56].copy_from_slice(&sum);
    let sum = crc(&[&octets[4_096..4_096 + 120], &octets[4_096 + 128..4_096 + 512]]);
    octets[4_096 + 124..4_096 + 128].copy_from_slice(&sum);
    octets
}

#[test]
fn numbers_that_are_missing_prove_something_in_the_log_itself_and_nothing_in_an_extract() {
    let Some(octets) = evtx(OCSP) else { return };
    let extract = one(&octets, "");
    assert_eq!(lines(&extract, "SELECT COUNT(*) AS n FROM ca_events WHERE seq IS NOT NULL"), ["0"]);
    assert!(extract.run().exceptions().iter().all(|exception| exception.control != "AU-04"));

    let log = one(as_the_log_itself(octets), "");
    assert_eq!(lines(&log, "SELECT MIN(seq) AS a, MAX(seq) AS b, COUNT(*) AS n FROM ca_events"), ["1207901 | 1207947 | 7"]);
    assert_eq!(became(&log), "used | ok | 7 | 3", "three gaps are records of the file that are not in it");
    let results = log.run().results();
    let sequence = results.test("AU-04", "sequence");
    // The file holds the records and they cannot be read: nobody can say that they were never written.
    assert_eq!((sequence.outcome.as_str(), sequence.exceptions), ("could_not_test", 0), "{}", sequence.reason);
}

#[test]
fn a_chunk_that_was_altered_is_rejected_whole() {
    let Some(mut octets) = evtx(OCSP) else { return };
    let place = memchr::memmem::find(&octets, &"5000".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    octets[place] = b'6';
    let world = one(octets, "");
    assert_eq!(became(&world), "used | ok | 0 | 1");
    let results = world.run().results();
    assert!(results.noted("N-EVTX-001", FIRST).what.contains("CRC32"), "{}", results.noted("N-EVTX-001", FIRST).what);
}

#[test]
fn a_log_that_was_cut_is_seen_to_be_cut() {
    let Some(octets) = evtx(OCSP) else { return };
    for length in [4_096, 4_096 + 40_000, octets.len() - 1] {
        let became = became(&one(&octets[..length], ""));
        assert!(became.starts_with("used | truncated | ") && !became.ends_with(" 0"), "{length}: {became}");
    }
    let world = one(&octets[..1_000], "");
    assert_eq!(became(&world), "unreadable | truncated | 0 | 0");
    world.run().results().noted("N-EVTX-001", FIRST);
}

#[test]
fn a_header_that_was_altered_is_seen() {
    let Some(mut octets) = evtx(OCSP) else { return };
    octets[24] = 12; // the number of the next record
    assert_eq!(became(&one(octets, "")), "used | ok | 7 | 1", "the header was altered");
}

#[test]
fn the_same_event_in_two_exports_is_one_event() {
    let Some(octets) = evtx(OCSP) else { return };
    let copied = "\
- <Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\">
- <System>
  <Provider Name=\"Microsoft-Windows-Security-Auditing\" Guid=\"{54849625-5478-4994-a5ba-3e3b0328c30d}\" />
  <EventID>5123</EventID>
  <Version>0</Version>
  <Keywords>0x8020000000000000</Keywords>
  <TimeCreated SystemTime=\"2020-07-11T09:21:24.707949100Z\" />
  <EventRecordID>1207933</EventRecordID>
  <Channel>Security</Channel>
  <Computer>pki01.offsec.lan</Computer>
  <Security />
  </System>
- <EventData>
  <Data Name=\"PropertyName\">AuditFilter</Data>
  <Data Name=\"NewValue\">11</Data>
  <Data Name=\"SubjectUserSid\">S-1-5-21-4230534742-2542757381-3142984815-1111</Data>
  <Data Name=\"SubjectUserName\">admmig</Data>
  <Data Name=\"SubjectDomainName\">OFFSEC</Data>
  <Data Name=\"SubjectLogonId\">0x477ac56</Data>
  </EventData>
  </Event>
";
    let count = "SELECT COUNT(*) AS n FROM ca_events";
    assert_eq!(lines(&with(&[("a", &octets), ("b", copied.as_bytes())], ""), count), ["7"]);
    let world = with(&[("a", &octets), ("b", copied.replace("admmig", "nobody").as_bytes())], "");
    assert_eq!(lines(&world, count), ["8"], "both are kept where they differ");
}

/// An invented event as `wevtutil qe Security /f:XML` prints it.
fn event_on(computer: &str, provider: &str, id: u32, record: u64, data: &str) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/>\
         <EventID>{id}</EventID><Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2024-03-01T10:00:{:02}.1234567Z'/>\
         <EventRecordID>{record}</EventRecordID><Channel>Security</Channel><Computer>{computer}</Computer><Security/></System>\
         <EventData>{data}</EventData></Event>\n",
        record % 60
    )
}

fn event(id: u32, record: u64, data: &[(&str, &str)]) -> String {
    let data: String = data.iter().map(|(name, value)| format!("<Data Name='{name}'>{value}</Data>")).collect();
    event_on("ca.example", "Microsoft-Windows-Security-Auditing", id, record, &data)
}

fn day_of_a_ca() -> String {
    let subject = [("SubjectUserName", "officer"), ("SubjectDomainName", "EX")];
    let mut text = event(4886, 1, &[("RequestId", "7"), ("Requester", "EX\\host$"), ("Subject", "CN=host")]);
    text += &event(4887, 2, &[("RequestId", "7"), ("Requester", "EX\\host$"), ("Disposition", "3"), ("Subject", "CN=host")]);
    text += &event(4887, 3, &[("RequestId", "8"), ("Requester", "EX\\other$"), ("SerialNumber", "61000000 0a")]);
    text += &event(4870, 4, &[("CertificateSerialNumber", "610000000a"), ("RevocationReason", "5"), subject[0], subject[1]]);
    text += &event(4872, 5, &[("IsBaseCRL", "Yes"), ("CRLNumber", "12")]);
    text += &event(4888, 6, &[("RequestId", "9"), ("Requester", "EX\\host$")]);
    text += &event(4889, 7, &[("RequestId", "10"), ("Requester", "EX\\host$")]);
    text += &event(4885, 8, &[("AuditFilter", "204"), subject[0], subject[1]]);
    text += &event(4882, 9, &[("SecuritySettings", "Allow(0x1)"), subject[0], subject[1]]);
    text += &event(4899, 10, &[("TemplateInternalName", "Server")]);
    text += &event(4624, 11, &[("TargetUserName", "x")]);
    text += &event_on("ca.example", "Microsoft-Windows-Eventlog", 1102, 12, "").replace(
        "<EventData></EventData>",
        "<UserData><LogFileCleared xmlns='x'><SubjectUserName>officer</SubjectUserName><SubjectDomainName>EX</SubjectDomainName></LogFileCleared></UserData>",
    );
    text
}

const DAY: &str = "SELECT row AS a, event_type AS b, outcome AS c, actor AS d, request AS e, serial AS f, reason AS g, system AS h FROM ca_events ORDER BY row";
const DAY_ROWS: [&str; 12] = [
    "1 | cert.requested | success | EX\\host$ | 7 | - | - | adcs",
    "2 | cert.issued | success | EX\\host$ | 7 | - | - | adcs",
    "3 | cert.issued | success | EX\\other$ | 8 | 610000000a | - | adcs",
    "4 | cert.revoked | success | EX\\officer | - | 610000000a | 5 | adcs",
    "5 | crl.generated | success | - | - | - | - | adcs",
    "6 | cert.denied | denied | EX\\host$ | 9 | - | - | adcs",
    "7 | cert.pending | pending | EX\\host$ | 10 | - | - | adcs",
    "8 | audit.filter_changed | success | EX\\officer | - | - | - | adcs",
    "9 | role.changed | success | EX\\officer | - | - | - | adcs",
    "10 | profile.changed | success | - | - | - | - | adcs",
    "11 | other | success | - | - | - | - | windows",
    "12 | audit.log_cleared | success | EX\\officer | - | - | - | windows",
];

#[test]
fn the_events_of_a_ca_get_the_names_every_log_has() {
    let world = one(day_of_a_ca(), "");
    assert_eq!(lines(&world, DAY), DAY_ROWS);
    let set = "SELECT bit AS a, name AS b FROM setting_flags WHERE is_set AND component = 'adcs' AND host = 'ca.example' AND how = 'changed' ORDER BY bit";
    assert_eq!(
        lines(&world, set),
        ["4 | issue and manage requests", "8 | revoke and publish CRLs", "64 | change configuration", "128 | -"],
        "a bit that nobody documents is shown, and has no name"
    );
    assert_eq!(lines(&world, "SELECT COUNT(*) AS n FROM setting_flags WHERE NOT is_set"), ["4"]);
    assert_eq!(became(&world), "used | ok | 12 | 0");
}

#[test]
fn events_read_the_same_however_the_text_is_written() {
    let text = day_of_a_ca();
    for written in [
        text.replace('\n', "\r\n").into_bytes(),
        utf16(&text),
        format!("<?xml version=\"1.0\"?>\n<Events>{text}</Events>").into_bytes(),
        text.replace("<Event xmlns", "- <Event xmlns").replace("<System>", "\n- <System>\n").into_bytes(),
        text.trim_end().to_owned().into_bytes(),
    ] {
        assert_eq!(lines(&one(&written, ""), DAY), DAY_ROWS, "{}", String::from_utf8_lossy(&written));
    }
}

#[test]
fn one_broken_event_does_not_take_the_others_with_it() {
    let text = day_of_a_ca();
    for (broken, counts) in [
        (text.replacen("</EventData>", "</EventDat>", 1), "used | ok | 11 | 1"),
        (text.replacen("<EventID>4886</EventID>", "", 1), "used | ok | 11 | 1"),
        (text.replacen("<EventID>4886</EventID>", "<EventID>4886</EventID><EventID>4887</EventID>", 1), "used | ok | 11 | 1"),
        (text.replacen("</Event>", "", 1), "used | ok | 11 | 1"),
        (text.replacen("</Event>", "</Event>forged", 1), "used | ok | 12 | 1"),
        (text.replacen("CN=host", "&file;", 1), "used | ok | 11 | 1"),
        (text[..text.len() - 12].to_owned(), "used | truncated | 11 | 1"),
    ] {
        let world = one(&broken, "");
        assert_eq!(became(&world), counts, "{broken}");
    }
}

#[test]
fn events_with_a_document_type_are_not_read() {
    let text = format!("<!DOCTYPE Events [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n{}", day_of_a_ca());
    let world = one(text, "");
    assert_eq!(became(&world), "unreadable | ok | 0 | 0");
    world.run().results().noted("N-XML-001", FIRST);
}

#[test]
fn a_secret_in_the_data_of_an_event_is_masked() {
    let text = event(4688, 1, &[("CommandLine", "certutil -p x password=hunter2 -importPFX"), ("Password", "two words")]);
    assert_eq!(
        lines(&one(text, ""), "SELECT details FROM ca_events"),
        ["CommandLine=certutil -p x password=[masked] -importPFX; Password=[masked]"]
    );
}

const LIST: &str = "
TimeCreated  : 7/11/2026 1:14:43 PM
ProviderName : Microsoft-Windows-Security-Auditing
Id           : 4872
Message      : Certificate Services published the certificate revocation list (CRL).
               \t
               Base CRL:\tNo
               CRL Number:\t12
               Key Container:\tIssuing CA

TimeCreated  : 7/11/2026 1:14:43 PM
ProviderName : Microsoft-Windows-Security-Auditing
Id           : 4870
Message      : Certificate Services revoked a certificate.
               \t
               Serial Number:\t4400000013
               0e1e
               Reason:\t5

TimeCreated  : 7/12/2026 12:00:00 AM
ProviderName : Microsoft-Windows-Security-Auditing
Id           : 4885
Message      : The audit filter for Certificate Services changed.

               Filter:\t127

";
const LIST_ROWS: &str = "SELECT row AS a, time AS b, event_type AS c, outcome AS d, serial AS e, reason AS f FROM ca_events ORDER BY row";

#[test]
fn a_list_of_events_is_read_where_its_dates_are_declared() {
    let world = one(LIST, "zone = \"UTC\"\ndate_order = \"mdy\"\nstream = \"ca-01\"\nhost = \"ca\"");
    assert_eq!(
        lines(&world, LIST_ROWS),
        [
            "2 | 2026-07-11T13:14:43Z | crl.generated | unknown | - | -",
            "11 | 2026-07-11T13:14:43Z | cert.revoked | unknown | 44000000130e1e | 5",
            "20 | 2026-07-12T00:00:00Z | audit.filter_changed | unknown | - | -",
        ]
    );
    assert_eq!(lines(&world, "SELECT COUNT(*) AS n FROM setting_flags WHERE is_set AND host = 'ca'"), ["7"]);
    assert_eq!(became(&world), "used | ok | 3 | 0");
    let same = one(utf16(&LIST.replace('\n', "\r\n")), "zone = \"UTC\"\ndate_order = \"mdy\"\nstream = \"ca-01\"");
    assert_eq!(lines(&same, LIST_ROWS), lines(&world, LIST_ROWS));
}

#[test]
fn the_dates_of_a_list_are_never_guessed() {
    let count = "SELECT COUNT(*) AS n FROM ca_events WHERE time IS NULL AND time_raw IS NOT NULL";
    assert_eq!(lines(&one(LIST, "zone = \"UTC\""), count), ["3"]);
    assert_eq!(lines(&one(LIST, "date_order = \"mdy\""), count), ["3"]);
}

#[test]
fn an_event_of_a_list_that_is_cut_or_mixed_is_rejected() {
    let declared = "zone = \"UTC\"\ndate_order = \"mdy\"";
    for (broken, counts) in [
        (LIST.replacen("Id           : 4872\n", "", 1), "used | ok | 2 | 1"),
        (LIST.replacen("Id           : 4872\n", "Id           : 4872\nId           : 4870\n", 1), "used | ok | 2 | 1"),
        (LIST.replacen("TimeCreated  : 7/11/2026 1:14:43 PM\n", "", 1), "used | ok | 2 | 1"),
        (LIST.replacen("Message      : C", "Mess age C", 1), "used | ok | 2 | 2"),
        (LIST.trim_end().to_owned(), "used | truncated | 2 | 2"),
    ] {
        assert_eq!(became(&one(&broken, declared)), counts, "{broken}");
    }
}

const REGISTRY: &str = "\
PS C:\\Windows\\system32> certutil -getreg CA\\AuditFilter
HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\CertSvc\\Configuration\\Example Issuing CA 1\\AuditFilter:

  AuditFilter REG_DWORD = cc (204)
CertUtil: -getreg command completed successfully.
PS C:\\Windows\\system32> certutil -getreg policy\\EditFlags
HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\CertSvc\\Configuration\\Example Issuing CA 1\\PolicyModules\\CertificateAuthority_MicrosoftDefault.Policy\\EditFlags:

  EditFlags REG_DWORD = 11014e (1114446)
    EDITF_REQUESTEXTENSIONLIST -- 2
    EDITF_ENABLEAKIKEYID -- 100 (256)
CertUtil: -getreg command completed successfully.
PS C:\\Windows\\system32> certutil -getreg CA\\ForceTeletex
CertUtil: -getreg command FAILED: 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)
CertUtil: The system cannot find the file specified.
";

#[test]
fn the_registry_of_a_ca_says_what_it_records() {
    let declared = "host = \"ca-01\"\nobtained = { how = \"observed\", by = \"a\", on = 2024-03-01T09:00:00Z }";
    let world = one(REGISTRY, declared);
    assert_eq!(
        lines(
            &world,
            "SELECT row AS a, scope AS b, key AS c, value AS d, in_force AS e FROM settings WHERE host = 'ca-01' AND component = 'adcs' ORDER BY row"
        ),
        [
            "4 | Example Issuing CA 1 | AuditFilter | cc (204) | true",
            "9 | Example Issuing CA 1 | EditFlags | 11014e (1114446) | true",
            "10 | Example Issuing CA 1 | EditFlags.EDITF_REQUESTEXTENSIONLIST | 2 | true",
            "11 | Example Issuing CA 1 | EditFlags.EDITF_ENABLEAKIKEYID | 100 (256) | true",
            "14 | global | ForceTeletex | CertUtil: -getreg command FAILED: 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND) | true",
        ]
    );
    let bits =
        "SELECT bit AS a, is_set AS b, known_at AS c FROM setting_flags WHERE how = 'collected' AND bit IN (1, 4, 64, 128) ORDER BY bit";
    let at = "2024-03-01T09:00:00Z";
    let expected = [format!("1 | false | {at}"), format!("4 | true | {at}"), format!("64 | true | {at}"), format!("128 | true | {at}")];
    assert_eq!(lines(&world, bits), expected);
    assert_eq!(became(&world), "used | ok | 5 | 0");
    for written in [REGISTRY.replace("cc (204)", "0xcc (204)"), REGISTRY.replace('\n', "\r\n")] {
        assert_eq!(lines(&one(&written, declared), bits), expected, "{written}");
    }
    assert_eq!(lines(&one(utf16(REGISTRY), declared), bits), expected);
}

#[test]
fn what_the_filter_of_a_ca_leaves_out_is_said_of_every_test_that_asks_for_it() {
    let world = with(&[(FIRST, day_of_a_ca().as_bytes()), ("ca/registry.txt", REGISTRY.as_bytes())], "");
    let results = world.run().results();
    let tested = results.test("AU-03", "ca-identity");
    assert!(tested.reason.contains("nothing shows that AuditFilter had role.changed recorded the whole time"), "{}", tested.reason);
    let filter = results.test("AU-17", "filter");
    assert_eq!(
        (filter.outcome.as_str(), filter.exceptions),
        ("exceptions", 8),
        "four bits that the filter lacks as collected, and as it was changed to"
    );
}

#[test]
fn that_a_log_has_no_such_event_shows_something_only_where_its_filter_is_shown_to_have_had_it() {
    let log = event(4887, 1, &[("RequestId", "7"), ("Requester", "EX\\host$")]);
    let declared = "obtained = { how = \"observed\", by = \"a\", on = 2024-03-01T09:00:00Z }\n\
                    [[source]]\npath = \"ca/security\"\nobtained = { how = \"observed\", by = \"a\", on = 2024-03-01T09:00:00Z, source_count = 1 }\n\
                    [[expected]]\nwhat = \"log\"\npath = \"ca/security\"\ncovers = \"period\"\n";
    for (filter, doubted) in [(Some("7f (127)"), false), (Some("6f (111)"), true), (Some("7f (204)"), true), (None, true)] {
        let registry = filter.map(|filter| REGISTRY.replace("cc (204)", filter));
        let mut files = vec![(FIRST, log.as_bytes())];
        files.extend(registry.as_ref().map(|registry| ("ca/registry.txt", registry.as_bytes())));
        let test = with(&files, declared).run().results().test("AU-03", "ca-identity").clone();
        // A CA never tells who logged in: that alone leaves the test undone.
        assert_eq!((test.outcome.as_str(), test.population), ("could_not_test", 0), "{filter:?}: {}", test.reason);
        assert_eq!(test.reason.contains("nothing shows that AuditFilter had"), doubted, "{filter:?}: {}", test.reason);
    }
}

#[test]
fn a_filter_whose_two_numbers_differ_is_not_settled() {
    let declared = "host = \"ca-01\"";
    let world = one(REGISTRY.replace("cc (204)", "7f (204)"), declared);
    assert_eq!(lines(&world, "SELECT COUNT(*) AS n FROM setting_flags WHERE is_set IS NULL"), ["7"]);
    let world = one(REGISTRY.replace("  AuditFilter REG_DWORD", "  Audit Filter is"), declared);
    assert_eq!(became(&world), "used | ok | 4 | 1");
}

#[test]
fn a_setting_that_is_not_there_is_a_row_even_where_nobody_says_which() {
    let alone = "CertUtil: -getreg command FAILED: 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)\nCertUtil: The system cannot find the file specified.\n";
    assert_eq!(lines(&one(alone, "host = \"ca-01\""), "SELECT key FROM settings"), ["not said"]);
}

/// Transcribed in shape from published transcripts; the names are invented.
const VIEW: &str = "\
PS C:\\> certutil -view
Schema:
  Column Name                   Localized Name                Type    MaxLength
  ----------------------------  ----------------------------  ------  ---------
  Request.RequestID             Request ID                    Long    4 -- Indexed
  Request.RawRequest            Binary Request                Binary  65536
  Request.RequestAttributes     Request Attributes            String  32768
  Request.Disposition           Request Disposition           Long    4 -- Indexed
  Request.DispositionMessage    Request Disposition Message   String  8192
  Request.SubmittedWhen         Request Submission Date       Date    8 -- Indexed
  Request.RevokedEffectiveWhen  Effective Revocation Date     Date    8 -- Indexed
  Request.RevokedReason         Revocation Reason             Long    4
  Request.RequesterName         Requester Name                String  2048 -- Indexed
  CertificateTemplate           Certificate Template          String  254 -- Indexed
  SerialNumber                  Serial Number                 String  128 -- Indexed
  NotAfter                      Certificate Expiration Date   Date    8 -- Indexed
  DistinguishedName             Issued Distinguished Name     String  8192

Row 1:
  Request ID: 0x4
  Binary Request:
-----BEGIN NEW CERTIFICATE REQUEST-----
MIIG
-----END NEW CERTIFICATE REQUEST-----

  Request Attributes: \"
cdc:dc.example

ccm:ca.example\"
  Request Disposition: 0x15 (21) -- Revoked
  Request Disposition Message: \"Revoked by EX\\officer\"
  Request Submission Date: 5/23/2026 5:39 PM
  Effective Revocation Date: 5/28/2026 3:34 PM
  Revocation Reason: 0x5 -- Reason: Cessation of Operation
  Requester Name: \"EX\\someone\"
  Certificate Template: \"1.3.6.1.4.1.311.21.8.1\" Code Signing
  Serial Number: \"4400000004b742\"
  Certificate Expiration Date: 4/25/2027 7:36 PM
  Issued Distinguished Name: \"CN=Someone\"

  Request Attributes:
    cdc: \"dc.example\"

  Certificate Extensions:
    2.5.29.15: Flags = 20001(Critical, Origin=Policy), Length = 4
    Key Usage
        Digital Signature (80)

Row 2:
  Request ID: 0x10 (16)
  Binary Request: EMPTY
  Request Attributes: EMPTY
  Request Disposition: 0x1f (31) -- Denied
  Request Disposition Message: \"Denied by Policy Module\"
  Request Submission Date: 5/24/2026 5:39 PM
  Effective Revocation Date: EMPTY
  Revocation Reason: EMPTY
  Requester Name: \"EX\\someone\"
  Certificate Template: EMPTY
  Serial Number: EMPTY
  Certificate Expiration Date: EMPTY
  Issued Distinguished Name: EMPTY

Maximum Row Index: 2

2 Rows
  30 Row Properties, Total Size = 622, Max Size = 54, Ave Size = 20
CertUtil: -view command completed successfully.
";
const VIEW_DECLARED: &str = "zone = \"UTC\"\ndate_order = \"mdy\"";
const VIEW_ROWS: &str = "SELECT row AS a, request AS b, outcome AS c, requester AS d, serial AS e, template AS f, submitted_at AS g, revoked_at AS h, reason AS i FROM ca_requests ORDER BY row";

#[test]
fn the_database_of_a_ca_says_what_became_of_every_request() {
    let world = one(VIEW, VIEW_DECLARED);
    let rows = [
        "19 | 4 | revoked | EX\\someone | 4400000004b742 | 1.3.6.1.4.1.311.21.8.1 | 2026-05-23T17:39:00Z | 2026-05-28T15:34:00Z | 5",
        "49 | 16 | denied | EX\\someone | - | - | 2026-05-24T17:39:00Z | - | -",
    ];
    assert_eq!(lines(&world, VIEW_ROWS), rows);
    assert_eq!(
        lines(&world, "SELECT serial AS a, status AS b, reason AS c, expires_at AS d, subject AS e FROM certificate_status"),
        ["4400000004b742 | revoked | cessationOfOperation | 2027-04-25T19:36:00Z | CN=Someone"]
    );
    assert_eq!(became(&world), "used | ok | 2 | 0");
    for written in [utf16(VIEW), VIEW.replace('\n', "\r\n").into_bytes()] {
        assert_eq!(lines(&one(&written, VIEW_DECLARED), VIEW_ROWS), rows);
    }
    let elsewhere =
        VIEW.replace("Request Disposition:", "Anforderungsdisposition:").replace("Request Disposition   ", "Anforderungsdisposition   ");
    let elsewhere = elsewhere.replace("Row 1:", "Zeile 1:").replace("Row 2:", "Zeile 2:").replace("2 Rows", "2 Zeilen");
    assert_eq!(lines(&one(&elsewhere, VIEW_DECLARED), VIEW_ROWS), rows, "the schema says what the labels stand for");
}

#[test]
fn a_list_of_the_database_that_is_cut_is_seen_to_be_cut() {
    for (cut, counts) in [
        (VIEW.replace("2 Rows\n", "3 Rows\n"), "used | truncated | 2 | 1"),
        (VIEW[..VIEW.find("Maximum").unwrap()].to_owned(), "used | truncated | 1 | 1"),
        (VIEW[..VIEW.find("Row 2:").unwrap()].to_owned(), "used | truncated | 0 | 1"),
        (VIEW[..VIEW.find("  Issued Distinguished Name: EMPTY").unwrap()].to_owned(), "used | truncated | 1 | 1"),
    ] {
        assert_eq!(became(&one(&cut, VIEW_DECLARED)), counts, "{cut}");
    }
    let without = VIEW.replace(&VIEW[VIEW.find("Row 1:").unwrap()..VIEW.find("Row 2:").unwrap()], "");
    assert_eq!(became(&one(without, VIEW_DECLARED)), "used | ok | 0 | 1", "row 1 is missing, and row 2 says so");
}

#[test]
fn what_a_requester_wrote_cannot_make_a_row_say_something_else() {
    for forged in [
        "cdc:dc.example\"\n  Request Disposition: 0x14 (20) -- Issued",
        "cdc:dc.example\"\n  Serial Number: \"00\"",
        "cdc:dc.example\"\nRow 2:\n  Request ID: 0x9",
    ] {
        let text = VIEW.replacen("cdc:dc.example\n", &format!("{forged}\n"), 1);
        let became = became(&one(&text, VIEW_DECLARED));
        assert!(!became.ends_with(" 0") && !became.contains("| 2 |"), "{forged}: {became}");
    }
    let quoted = VIEW.replacen("cdc:dc.example\n", "Row 2:\n  Request Disposition: 0x14 (20) -- Issued\n", 1);
    assert_eq!(lines(&one(quoted, VIEW_DECLARED), "SELECT outcome FROM ca_requests ORDER BY row"), ["revoked", "denied"]);
}

const CSV: &str = "\
\"Request ID\",\"Request Disposition\",\"Request Submission Date\",\"Serial Number\",\"Requester Name\",\"Certificate Expiration Date\",\"Effective Revocation Date\",\"Revocation Reason\"
\"0x4\",\"0x15 (21) -- Revoked\",\"5/23/2026 5:39 PM\",\"4400000004b742\",\"EX\\someone\",\"4/25/2027 7:36 PM\",\"5/28/2026 3:34 PM\",\"0x5 -- Reason: Cessation of Operation\"
\"0x10 (16)\",\"0x1f (31) -- Denied\",\"5/24/2026 5:39 PM\",\"EMPTY\",\"EX\\someone\",\"EMPTY\",\"EMPTY\",\"EMPTY\"
\"0x1f\",\"0x14 (20) -- Issued\",\"5/24/2026 5:39 PM\",\"44ab\",\"EX\\someone\",\"4/25/2027 7:36 PM\",\"EMPTY\",\"EMPTY\"
";

#[test]
fn the_database_of_a_ca_as_comma_separated_values_says_the_same() {
    let world = one(CSV, VIEW_DECLARED);
    assert_eq!(
        lines(&world, "SELECT request AS a, outcome AS b, serial AS c, submitted_at AS d, revoked_at AS e FROM ca_requests ORDER BY row"),
        [
            "4 | revoked | 4400000004b742 | 2026-05-23T17:39:00Z | 2026-05-28T15:34:00Z",
            "16 | denied | - | 2026-05-24T17:39:00Z | -",
            "- | issued | 44ab | 2026-05-24T17:39:00Z | -",
        ],
        "a number that is not written in decimal as well is not settled"
    );
    assert_eq!(
        lines(&world, "SELECT serial AS a, status AS b FROM certificate_status ORDER BY row"),
        ["4400000004b742 | revoked", "44ab | valid"]
    );
}
