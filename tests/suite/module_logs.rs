//! The logs of modules: what each kind of line becomes, and whether its records hang together.

use std::fs;

use assure::report::results::Results;
use serde_json::Value;

use crate::corpus::corpus;
use crate::world::{Reading, World, assure_in};

/// An engagement with one file of a module.
fn one(path: &str, text: impl AsRef<[u8]>, declared: &str) -> World {
    let world = World::empty();
    world.put(path, text);
    declare(&world, &format!("[[source]]\npath = \"**\"\n{declared}\n"));
    world
}

fn declare(world: &World, sources: &str) {
    let head = "schema = 1\n[engagement]\ntitle = \"t\"\nkind = \"subsequent\"\nperiod = { start = 2017-01-01, end = 2021-12-31 }\n";
    fs::write(world.folder.join("engagement.toml"), format!("{head}{sources}")).unwrap();
}

/// The rows as lines, cells in order of name, empty ones as `-`.
fn lines(world: &World, sql: &str) -> Vec<String> {
    let output = assure_in(world.around(), &["-q", "query", world.folder.to_str().unwrap(), sql, "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let cell = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |row: Value| row.as_object().unwrap().values().map(cell).collect::<Vec<_>>().join(" | ");
    String::from_utf8(output.stdout).unwrap().lines().map(|row| line(serde_json::from_str(row).unwrap())).collect()
}

/// Records, rejected, blank and passed-over lines.
fn counted(results: &Results, path: &str) -> (u64, u64, u64, u64) {
    let file = results.file(path);
    (file.records, file.rejected, file.blank, file.passed_over)
}

/// The outcome of a test of the control over chains and numbers.
fn outcome(results: &Results, test: &str) -> (String, u64) {
    let test = results.test("AU-15", test);
    (test.outcome.clone(), test.exceptions)
}

fn real(path: &str) -> Option<String> {
    Some(fs::read_to_string(corpus()?.join(path)).unwrap())
}

const CLOUD: &str = "hsm/cloud.log";
const CLOUD_DECLARED: &str = "host = \"hsm-a\"\nstream = \"hsm-a\"";

/// A block of the log, in one of the two ways its keys are written.
fn block(colon: &str, number: u32, boot: &str, opcode: &str, response: &str, more: &str) -> String {
    let micros = 1_577_836_800_000_000_u64 + u64::from(number) * 1_000_000;
    format!(
        "Time: 01/01/20 00:00:00.000000, usecs:{micros}\nSequence No{colon} 0x{number:x}\nReboot counter{colon} {boot}\n\
         Command Type(hex){colon} CN_MGMT_CMD (0x0)\nOpcode{colon} {opcode}\nSession Handle{colon} 0x1004001\nResponse{colon} {response}\n\
         Log type{colon} MINIMAL_LOG_ENTRY (0)\n{more}\n"
    )
}

const CLOUD_ROWS: &str = "SELECT seq AS a, time AS b, event_type AS c, outcome AS d, actor AS e, key_ref AS f, series AS g, row AS h \
                          FROM key_events WHERE system = 'cloudhsm' AND stream = 'hsm-a' AND hsm = 'hsm-a' ORDER BY row";

#[test]
fn a_block_of_cloudhsm_is_an_event_however_its_keys_are_spaced() {
    let ok = "0:HSM Return: SUCCESS";
    let log = block(" :", 1, "0x2", "CN_LOGIN (0xd)", ok, "User Name : eve\nUser Type : CN_CRYPTO_OFFICER (2)\n")
        + &block(":", 2, "0x2", "CN_CREATE_USER (0x3)", ok, "User Name: new\nUser Type: CN_CRYPTO_USER (1)\n")
        + &block("\t:", 3, "0x2", "CN_GENERATE_KEY_PAIR (0x19)", ok, "Priv/Secret Key Handle\t: 9\nPublic Key Handle\t: 8\n")
        + &block(":", 4, "0x2", "CN_LOGIN (0xd)", "163:HSM Error: RET_USER_LOGIN_FAILURE", "User Name: eve\nUser Type: x\n")
        + &block(":", 5, "0x2", "CN_NEVER_SEEN (0xab)", ok, "");
    let world = one(CLOUD, &log, CLOUD_DECLARED);
    assert_eq!(
        lines(&world, CLOUD_ROWS),
        [
            "1 | 2020-01-01T00:00:01Z | login | success | eve | - | 0x2 | 1",
            "2 | 2020-01-01T00:00:02Z | user_add | success | - | - | 0x2 | 12",
            "3 | 2020-01-01T00:00:03Z | keygen | success | - | 9 | 0x2 | 23",
            "4 | 2020-01-01T00:00:04Z | login_failed | failure | eve | - | 0x2 | 34",
            "5 | 2020-01-01T00:00:05Z | other | success | - | - | 0x2 | 45",
        ]
    );
    assert_eq!(lines(&world, "SELECT DISTINCT time_basis AS a, time_precision AS b FROM key_events"), ["explicit | us"]);
    let crlf = one(CLOUD, log.replace('\n', "\r\n"), CLOUD_DECLARED);
    assert_eq!(lines(&crlf, CLOUD_ROWS), lines(&world, CLOUD_ROWS));
}

#[test]
fn a_block_of_cloudhsm_that_is_cut_or_garbled_is_rejected_and_counted() {
    let ok = "0:HSM Return: SUCCESS";
    let whole = block(":", 1, "0x2", "CN_LOGIN (0xd)", ok, "");
    let log = whole.clone() + &whole.replace("Sequence No: 0x1\n", "") + &whole.replace("Opcode:", "Opcode=") + "Time: 01/01/20 00";
    let world = one(CLOUD, log, CLOUD_DECLARED);
    let results = world.run().results();
    // The second block has no number, the third no opcode but a line that is none, and the last line is cut.
    assert_eq!(counted(&results, CLOUD), (1, 4, 22, 0));
    let odd = one(CLOUD, whole.replace("0:HSM", "ok:HSM"), CLOUD_DECLARED);
    assert_eq!(lines(&odd, "SELECT outcome AS a, unsettled AS b FROM key_events"), ["- | ,outcome,"]);
}

#[test]
fn the_cloudhsm_examples_are_thirty_two_events_two_of_them_failed_logins() {
    let Some(text) = real("hsm/cloudhsm_audit_examples.log") else { return };
    let world = one(CLOUD, &text, CLOUD_DECLARED);
    let results = world.run().results();
    let file = results.file(CLOUD);
    assert_eq!((file.records, file.rejected, file.passed_over), (32, 0, 0));
    let failed = lines(&world, "SELECT result_code FROM key_events WHERE event_type = 'login_failed' ORDER BY seq");
    assert_eq!(failed.len(), 2);
    assert!(failed[0].starts_with("157:") && failed[1].starts_with("163:"), "{failed:?}");
    assert_eq!(lines(&world, "SELECT COUNT(*) FROM key_events WHERE outcome = 'failure'"), ["2"]);
    assert_eq!(lines(&world, "SELECT DISTINCT series FROM key_events ORDER BY series"), ["0x107", "0x38", "0xe8"]);
    assert_eq!(lines(&world, "SELECT COUNT(*) FROM key_events WHERE event_type = 'sign'"), ["0"], "it never logs signing");
    assert_eq!(lines(&world, "SELECT time FROM key_events WHERE row = 1"), ["2017-12-19T21:01:17.140812Z"]);
    // Excerpts of several modules stand in it under one reboot counter: numbers are shared and missing.
    let kinds = lines(&world, "SELECT DISTINCT series AS a, kind AS b FROM log_steps ORDER BY series, kind");
    assert!(kinds.contains(&"0x107 | repeat".to_owned()) && kinds.contains(&"0xe8 | gap".to_owned()), "{kinds:?}");
    assert!(!kinds.iter().any(|kind| kind.starts_with("0x38")), "one record alone has no steps: {kinds:?}");
}

const YUBI: &str = "hsm/yubi.log";
const YUBI_DECLARED: &str = "host = \"yubi-1\"\nstream = \"yubi-1\"";

/// The items of a log of a YubiHSM, from command and result, chained as the module does.
fn items(first: u16, before: &str, commands: &[(u8, u8)]) -> (String, String) {
    use sha2::{Digest, Sha256};
    let mut seal = before.to_owned();
    let mut text = String::new();
    for (number, (command, result)) in (first..).zip(commands) {
        let (length, session, target, second, tick): (u16, u16, u16, u16, u32) = (3, 1, 0x0065, 0xffff, 500 + u32::from(number));
        let mut octets = Vec::new();
        octets.extend(number.to_be_bytes());
        octets.push(*command);
        for field in [length, session, target, second] {
            octets.extend(field.to_be_bytes());
        }
        octets.push(*result);
        octets.extend(tick.to_be_bytes());
        octets.extend((0..16).map(|at| u8::from_str_radix(&seal[2 * at..2 * at + 2], 16).unwrap()));
        seal = Sha256::digest(&octets)[..16].iter().map(|octet| format!("{octet:02x}")).collect();
        text += &format!(
            "item: {number:5} -- cmd: 0x{command:02x} -- length: {length:4} -- session key: 0x{session:04x} -- target key: 0x{target:04x} -- \
             second key: 0x{second:04x} -- result: 0x{result:02x} -- tick: {tick} -- hash: {seal}\n"
        );
    }
    (text, seal)
}

fn heading(boots: u32, count: u32) -> String {
    format!("{boots} unlogged boots found\n0 unlogged authentications found\nFound {count} items\n")
}

const SOME: [(u8, u8); 4] = [(0x04, 0x84), (0x46, 0xc6), (0x56, 0xd6), (0x67, 0xe7)];
const NOTHING: &str = "00112233445566778899aabbccddeeff";

#[test]
fn an_item_of_a_yubihsm_has_a_number_and_no_time() {
    let (text, _) = items(7, NOTHING, &[(0x04, 0x7f), (0x46, 0xc6), (0x58, 0xd8), (0x7a, 0xfa)]);
    let world = one(YUBI, heading(0, 4) + &text, YUBI_DECLARED);
    assert_eq!(
        lines(
            &world,
            "SELECT seq AS a, time AS b, event_type AS c, outcome AS d, key_ref AS e, raw_code AS f, row AS g, unsettled AS h FROM key_events \
             WHERE system = 'yubihsm' AND hsm = 'yubi-1' ORDER BY row"
        ),
        [
            "7 | - | login_failed | failure | - | 0x04 | 4 | -",
            "8 | - | keygen | success | 0x0065 | 0x46 | 5 | -",
            "9 | - | destroy | success | 0x0065 | 0x58 | 6 | -",
            "10 | - | other | success | - | 0x7a | 7 | -",
        ]
    );
    assert_eq!(
        lines(&world, "SELECT kind AS a, number AS b, what AS c FROM log_tallies ORDER BY row"),
        ["lost | 0 | unlogged boots", "lost | 0 | unlogged authentications", "held | 4 | items"]
    );
}

const CHAINS: &str = "SELECT evidence AS a, row AS b, verified AS c, links AS d, opens AS e, first_seq AS f, last_seq AS g FROM log_chains \
                      WHERE kind <> 'none' ORDER BY evidence, position";

#[test]
fn the_genesis_log_is_thirty_items_and_all_its_links_hold() {
    let Some(text) = real("hsm/yubihsm_genesis_audit.log") else { return };
    let world = one(YUBI, &text, YUBI_DECLARED);
    let results = world.run().results();
    let counts = counted(&results, YUBI);
    // Thirty items and three counts; the last item may have no line end.
    assert_eq!((counts.0 + counts.1, counts.3), (33, 0));
    assert_eq!(lines(&world, CHAINS), ["1 | 4 | true | 29 | start | 1 | 30"]);
    assert_eq!(outcome(&results, "links").1, 0);
    assert_eq!(lines(&world, "SELECT COUNT(*) FROM key_events WHERE event_type = 'keygen' AND outcome = 'success'"), ["7"]);
    assert_eq!(lines(&world, "SELECT COUNT(*) FROM key_events WHERE time IS NOT NULL"), ["0"], "it has no clock");
    assert_eq!(
        lines(&world, "SELECT event_type AS a, outcome AS b FROM key_events WHERE seq < 3 ORDER BY seq"),
        ["init | unknown", "restart | unknown"]
    );
    assert_eq!(lines(&world, "SELECT SUM(number) FROM log_tallies WHERE kind = 'lost'"), ["0"]);
}

#[test]
fn a_changed_a_missing_and_a_moved_item_each_break_the_chain() {
    let (text, _) = items(1, NOTHING, &SOME);
    let whole: Vec<&str> = text.lines().collect();
    let file = |lines: &[&str]| heading(0, 4) + &lines.join("\n") + "\n";
    let broken = |lines: &[&str]| {
        let world = one(YUBI, file(lines), YUBI_DECLARED);
        let rows = self::lines(&world, "SELECT row AS a, first_seq AS b FROM log_chains WHERE NOT verified ORDER BY position");
        (rows, outcome(&world.run().results(), "links").1)
    };
    assert_eq!(broken(&whole), (Vec::new(), 0));
    let changed = whole[1].replace("cmd: 0x46", "cmd: 0x47");
    assert_eq!(broken(&[whole[0], &changed, whole[2], whole[3]]), (vec!["5 | 2".to_owned()], 1));
    assert_eq!(broken(&[whole[0], whole[2], whole[3]]), (vec!["5 | 3".to_owned()], 1));
    let moved = broken(&[whole[0], whole[2], whole[1], whole[3]]);
    assert_eq!(moved.0.len(), 3, "{moved:?}");
}

#[test]
fn two_exports_that_overlap_or_follow_on_are_one_chain_and_a_missing_one_between_shows() {
    let commands: Vec<(u8, u8)> = (0..12).map(|_| (0x56, 0xd6)).collect();
    let (text, _) = items(1, NOTHING, &commands);
    let all: Vec<&str> = text.lines().collect();
    let world = |spans: &[(usize, usize)]| {
        let world = World::empty();
        for (number, (from, until)) in spans.iter().enumerate() {
            let count = u32::try_from(until - from).unwrap();
            world.put(&format!("hsm/{number}.log"), heading(0, count) + &all[*from..*until].join("\n") + "\n");
        }
        declare(&world, &format!("[[source]]\npath = \"**\"\n{YUBI_DECLARED}\n"));
        world
    };
    let following = world(&[(0, 6), (6, 12)]);
    assert_eq!(lines(&following, CHAINS), ["1 | 4 | true | 5 | unknown | 1 | 6", "2 | 4 | true | 6 | joined | 7 | 12"]);
    let overlapping = world(&[(0, 8), (4, 12)]);
    assert_eq!(lines(&overlapping, CHAINS), ["1 | 4 | true | 7 | unknown | 1 | 8", "2 | 4 | true | 8 | joined | 5 | 12"]);
    assert_eq!(lines(&overlapping, "SELECT COUNT(*) FROM key_events"), ["12"], "what stands in both is counted once");
    let results = overlapping.run().results();
    assert_eq!((outcome(&results, "joined").1, outcome(&results, "numbers").1, outcome(&results, "losses").1), (0, 0, 0));
    let missing = world(&[(0, 4), (8, 12)]);
    let results = missing.run().results();
    assert_eq!((outcome(&results, "joined").1, outcome(&results, "numbers").1), (1, 1));
}

#[test]
fn what_the_module_could_not_log_and_what_the_file_no_longer_holds_are_exceptions() {
    let (text, _) = items(1, NOTHING, &SOME);
    let fires = |heading: String, text: &str| {
        let world = one(YUBI, heading + text, YUBI_DECLARED);
        let results = world.run().results();
        outcome(&results, "losses")
    };
    assert_eq!(fires(heading(0, 4), &text).1, 0);
    assert_eq!(fires(heading(2, 4), &text), ("exceptions".to_owned(), 1));
    let cut = text.lines().take(3).map(|line| format!("{line}\n")).collect::<String>();
    assert_eq!(fires(heading(0, 4), &cut), ("exceptions".to_owned(), 1));
}

const PROTECT: &str = "hsm/protect.log";
const PROTECT_DECLARED: &str = "host = \"ps-1\"\nstream = \"ps-1\"\nzone = \"UTC\"";

/// Entries of a ProtectServer, each naming the signature of the one before.
fn entries(said: &[(&str, &str)]) -> Vec<String> {
    let seal = |number: usize| if number == 0 { "0".repeat(32) } else { format!("{:032x}", number * 0x1111) };
    let line = |(number, (result, function)): (usize, &(&str, &str))| {
        format!("2020-01-01 10:00:{number:02},{result},0,{function},{},{}", seal(number), seal(number + 1))
    };
    said.iter().enumerate().map(line).collect()
}

#[test]
fn each_entry_of_a_protectserver_names_the_signature_of_the_one_before() {
    let said =
        [("success", "Audit Log initial message "), ("success", "C_Login"), ("failure", "C_Login"), ("success", "C_GenerateKeyPair")];
    let all = entries(&said);
    let file = |lines: &[String]| lines.join("\n") + "\n";
    let world = one(PROTECT, file(&all), PROTECT_DECLARED);
    assert_eq!(
        lines(
            &world,
            "SELECT row AS a, time AS b, event_type AS c, outcome AS d, token AS e FROM key_events WHERE hsm = 'ps-1' ORDER BY row"
        ),
        [
            "1 | 2020-01-01T10:00:00Z | other | success | 0",
            "2 | 2020-01-01T10:00:01Z | login | success | 0",
            "3 | 2020-01-01T10:00:02Z | login_failed | failure | 0",
            "4 | 2020-01-01T10:00:03Z | keygen | success | 0",
        ]
    );
    assert_eq!(lines(&world, CHAINS), ["1 | 1 | true | 3 | start | - | -"]);
    let without = one(PROTECT, file(&[all[0].clone(), all[2].clone(), all[3].clone()]), PROTECT_DECLARED);
    let wrong = lines(&without, "SELECT row AS a, expected AS b, found AS c FROM log_chains WHERE NOT verified");
    assert_eq!(wrong, [format!("2 | {:032x} | {:032x}", 0x1111, 0x2222)]);
    assert_eq!(outcome(&without.run().results(), "links"), ("exceptions".to_owned(), 1));
}

#[test]
fn a_log_without_a_chain_is_counted_and_never_found_whole() {
    let log = "14.09.18 12:52:23 [ADMIN] FC:0x083 SFC:0x0E Add User 'b' (c) [0]\n";
    let world = one("hsm/u.log", log, "host = \"u\"\nstream = \"u\"\nzone = \"UTC\"");
    assert_eq!(lines(&world, "SELECT stream AS a, kind AS b, verified AS c FROM log_chains"), ["u | none | -"]);
    let results = world.run().results();
    let test = results.test("AU-15", "links");
    assert_eq!((test.outcome.as_str(), test.population, test.excluded), ("could_not_test", 0, 1));
}

#[test]
fn the_counter_of_an_appliance_begins_anew_at_each_boot_and_every_boot_is_a_row() {
    let log = "000001 14.09.18 22:40:00.000 csxlan[500]: main() | started\n\
               000002 14.09.18 22:41:00.000 csxlan[500]: accept() | a connection\n\
               000004 14.09.18 22:48:36.428 csxlan[500]: sig_handler() | got SIGTERM\n\
               000001 14.09.18 22:50:00.000 csxlan[12]: main() | started\n\
               000002 14.09.18 22:50:01.000 csxlan[12]: caf\u{e9}\n\
               00003 14.09.18 22:50:02.000 csxlan[12]: cut\n";
    let world = one("hsm/cslan.log", log, "host = \"cs-1\"\nstream = \"cs-1\"\nzone = \"UTC\"");
    assert_eq!(
        lines(
            &world,
            "SELECT row AS a, seq AS b, series AS c, time AS d, event_type AS e FROM key_events WHERE system = 'utimaco-cslan' ORDER BY row"
        ),
        [
            "1 | 1 | 14.09.18 22:40:00.000 | 2018-09-14T22:40:00Z | restart",
            "2 | 2 | 14.09.18 22:40:00.000 | 2018-09-14T22:41:00Z | other",
            "3 | 4 | 14.09.18 22:40:00.000 | 2018-09-14T22:48:36.428Z | restart",
            "4 | 1 | 14.09.18 22:50:00.000 | 2018-09-14T22:50:00Z | restart",
            "5 | 2 | 14.09.18 22:50:00.000 | 2018-09-14T22:50:01Z | other",
        ]
    );
    assert_eq!(lines(&world, "SELECT kind AS a, row AS b FROM log_steps ORDER BY row"), ["gap | 3", "reset | 4"]);
    let results = world.run().results();
    assert_eq!(counted(&results, "hsm/cslan.log"), (5, 1, 0, 0));
    // The gap counts, and what is missing may be the line that was cut; the boot is for a person to explain.
    assert_eq!(outcome(&results, "numbers").1, 1);
}

const CSADM: &str = "\
$ csadm Dev=192.0.2.1 LogonPass=ADMIN,hunter2 GetState ListUser MBKListKeys ListFirmware GetAuditConfig
mode      = Operational Mode
state     = INITIALIZED (0x00100004)
temp      = 32.9 [C]
alarm     = OFF
uid       = 99000018 2aec6d01 |
Name      Permission  Mechanism   Attributes
ADMIN     22000000    RSA sign    Z[0]
slot  name  len  algo  type   k  generation date      key check value
---------------------------------------------------------------------
3     MBK   32   AES   XOR 3  2018/09/14 12:12:10     ABCDEF0123456789
ID   name   type  version   initialization level
0    SMOS   C64   5.5.9.2   INIT_OK
Events: 0x00000007
$ csadm Dev=192.0.2.1 LogonSign=ADMIN,ADMIN.key#hunter2 MBKGenerateKey=AES,32,6,3,a-name
a line that nobody knows
";

#[test]
fn what_csadm_says_of_a_module_is_a_setting_line_by_line_and_its_passwords_stand_nowhere() {
    let world = one("hsm/csadm.txt", CSADM, "host = \"hsm-01\"\nobtained = { how = \"observed\", by = \"x\", on = 2021-01-08 }");
    let found = lines(
        &world,
        "SELECT scope AS a, key AS b, value AS c FROM settings WHERE host = 'hsm-01' AND component = 'csadm' ORDER BY position_in_file, scope, key",
    );
    assert_eq!(
        found,
        [
            "state | mode | Operational Mode",
            "state | state | INITIALIZED (0x00100004)",
            "state | temp | 32.9 [C]",
            "state | alarm | OFF",
            "state | uid | 99000018 2aec6d01 |",
            "user | ADMIN | 22000000",
            "mbk | 3 | ABCDEF0123456789",
            "mbk-shares | 3 | XOR 3  2018/09/14 12:12:10",
            "firmware | smos | 5.5.9.2",
            "audit | events | 0x00000007",
            "audit | events.bits | 0,1,2",
            "mbk | generated | AES,32,6,3",
        ]
    );
    let run = world.run();
    let results = run.results();
    assert_eq!(counted(&results, "hsm/csadm.txt"), (10, 1, 0, 5));
    assert_eq!(results.noted("N-SEC-002", "hsm/csadm.txt").count, 2);
    for (name, octets) in crate::world::files(run.folder()) {
        assert!(!crate::world::holds(&octets, b"hunter2"), "the password stands in {name}");
    }
}

#[test]
fn an_event_in_common_event_format_is_read_whatever_syslog_puts_before_it() {
    let log = "<13>1 2021-01-05T10:00:00Z host nshield - - - CEF:0|nCipher Security|nShield|12.60|7|Generate Key Pair|5|outcome=OK ident=k1\n\
               Jan  5 10:00:01 host nshield: CEF:0|nCipher Security|nShield|12.60|9|Destroy|5|status=NotPermitted\n\
               2021-01-05T10:00:02+01:00 host CEF:0|nCipher Security|nShield|12.60|9|A name with \\| in it|5|x=y\n\
               Jan  5 10:00:03 host sshd: another logger\n\
               Jan  5 10:00:04 host nshield: CEF:0|nCipher Security|cut\n";
    let world = one("hsm/cef.log", log, "host = \"n-1\"\nstream = \"n-1\"\nzone = \"UTC\"");
    assert_eq!(
        lines(
            &world,
            "SELECT row AS a, time AS b, event_type AS c, outcome AS d, unsettled AS e FROM key_events WHERE system = 'nshield' ORDER BY row"
        ),
        [
            "1 | 2021-01-05T10:00:00Z | keygen | success | -",
            "2 | - | destroy | failure | ,time,",
            "3 | 2021-01-05T09:00:02Z | other | unknown | -",
        ]
    );
    assert_eq!(counted(&world.run().results(), "hsm/cef.log"), (3, 1, 0, 1));
}

#[test]
fn a_record_of_a_luna_has_its_number_and_return_code() {
    let line = |number: u32, operation: &str, result: &str| {
        format!(
            "{number},17/12/12 16:14:{number:02},S/N 150718 session 1 Access 2147483651:22621 SO container:20 operation {operation} returned {result}\n"
        )
    };
    let log = line(5, "LUNA_LOGIN", "RC_OK(0x00000000)")
        + &line(6, "LUNA_LOGIN", "RC_PIN_INCORRECT(0x000000a0)")
        + &line(8, "LUNA_GENERATE_KEY_PAIR", "RC_OK(0x00000000)");
    let world = one("hsm/luna.log", &log, "stream = \"l-1\"\nzone = \"UTC\"");
    assert_eq!(
        lines(
            &world,
            "SELECT seq AS a, time AS b, event_type AS c, outcome AS d, hsm AS e, actor AS f FROM key_events WHERE system = 'luna' ORDER BY row"
        ),
        [
            "5 | 2017-12-12T16:14:05Z | login | success | 150718 | SO",
            "6 | 2017-12-12T16:14:06Z | login_failed | failure | 150718 | SO",
            "8 | 2017-12-12T16:14:08Z | keygen | success | 150718 | SO",
        ]
    );
    assert_eq!(lines(&world, "SELECT kind AS a, seq AS b FROM log_steps"), ["gap | 8"]);
}

#[test]
fn a_number_that_may_stand_in_a_line_that_could_not_be_read_is_not_said_to_be_missing() {
    let line = |number: u32| {
        format!(
            "{number},17/12/12 16:14:{number:02},S/N 150718 session 1 Access 1:2 SO container:20 operation LUNA_SIGN returned RC_OK(0x0)\n"
        )
    };
    let garbled = line(7).replace("returned", "retur");
    for (between, found) in [(String::new(), (1, 0, 0)), (garbled, (0, 0, 1))] {
        let text = line(5) + &line(6) + &between + &line(8);
        let world = one("hsm/luna.log", &text, "");
        let count = text.lines().count();
        declare(
            &world,
            &format!(
                "[[expected]]\nwhat = \"log\"\npath = \"hsm/luna.log\"\ncovers = \"period\"\n[[source]]\npath = \"**\"\nstream = \"l-1\"\nzone = \"UTC\"\n\
                 obtained = {{ how = \"observed\", by = \"a\", on = 2022-01-10, source_count = {count} }}\n"
            ),
        );
        let test = world.run().results().test("AU-15", "numbers").clone();
        assert_eq!((test.exceptions, test.potential, test.undecided), found, "{}", test.reason);
    }
}

#[test]
fn what_the_tool_of_a_vendor_says_of_a_log_is_kept_as_it_is_written() {
    let text = "lunacm:> audit log verify file a.log\nLog file being verified a.log.\nVerifying log on HSM with ID 1\nVerified messages 5 to 8\n\
                Command Result : No Error\nwhat is this\n";
    let world = one("hsm/verify.txt", text, "host = \"l-1\"");
    assert_eq!(
        lines(&world, "SELECT key AS a, value AS b FROM settings WHERE component = 'module-log-verification' ORDER BY position_in_file"),
        ["file | a.log", "module | 1", "messages | 5 to 8", "result | No Error"]
    );
    assert_eq!(counted(&world.run().results(), "hsm/verify.txt"), (4, 1, 0, 1));
}

#[test]
fn the_keys_of_the_iana_configuration_are_keys_and_its_pins_stand_nowhere() {
    let Some(text) = real("hsm/iana_ksrsigner_key_inventory.yaml") else { return };
    const PATH: &str = "hsm/ksrsigner.yaml";
    let world = one(PATH, &text, "host = \"laptop\"");
    assert_eq!(
        lines(
            &world,
            "SELECT key_id AS a, algorithm AS b, size AS c, activated_at AS d, usage_ends_at AS e, kind AS f FROM keys ORDER BY row"
        ),
        [
            "Kjqmt7v | RSASHA256 | 2048 | 2010-07-15T00:00:00Z | 2019-01-11T00:00:00Z | asymmetric",
            "Klajeyz | RSASHA256 | 2048 | 2017-02-02T00:00:00Z | - | asymmetric",
        ]
    );
    assert_eq!(lines(&world, "SELECT DISTINCT unsettled FROM keys"), [",generated_at,state,"], "what it does not say is not made up");
    assert_eq!(
        lines(&world, "SELECT key AS a, value AS b FROM settings WHERE component = 'kskm' AND key LIKE '%pin' ORDER BY key"),
        ["hsm.aep.pin | [masked]", "hsm.aep.so_pin | [masked]", "hsm.softhsm.pin | [masked]"]
    );
    let run = world.run();
    let results = run.results();
    assert_eq!(results.noted("N-SEC-002", PATH).count, 3);
    let file = results.file(PATH);
    assert_eq!(file.records + file.rejected + file.blank + file.passed_over, text.lines().count() as u64);
    for (name, octets) in crate::world::files(run.folder()) {
        assert!(!crate::world::holds(&octets, b"123456\n"), "a PIN stands in {name}");
    }
}

#[test]
fn the_transcript_of_a_ceremony_gives_its_key_and_its_pins_stand_nowhere() {
    let Some(text) = real("hsm/iana_keyper_keygen_transcript.md") else { return };
    const PATH: &str = "hsm/transcript.md";
    let world = one(PATH, &text, "host = \"laptop\"\nstream = \"laptop\"\nzone = \"UTC\"");
    assert_eq!(
        lines(&world, "SELECT time AS a, key_ref AS b, outcome AS c FROM key_events WHERE event_type = 'keygen'"),
        ["2019-06-10T21:23:04.094Z | test1 | success"]
    );
    assert_eq!(lines(&world, "SELECT COUNT(*) FROM key_events WHERE outcome = 'failure'"), ["1"]);
    let run = world.run();
    let results = run.results();
    let file = results.file(PATH);
    assert_eq!(file.rejected, 1, "the line whose time was cut in two");
    assert_eq!(file.records + file.rejected + file.blank + file.passed_over, text.lines().count() as u64);
    // Four times at a prompt, and once in a file that was shown.
    assert_eq!(results.noted("N-SEC-002", PATH).count, 5);
    let out = lines(&world, "SELECT details FROM key_events").join("\n");
    assert!(!out.contains("123456"));
    for (name, octets) in crate::world::files(run.folder()) {
        assert!(!crate::world::holds(&octets, b"PIN : 123456") && !crate::world::holds(&octets, b"pin: 123456"), "a PIN stands in {name}");
    }
}
