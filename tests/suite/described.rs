//! A file that a person asks about, and one that nobody has described yet: `inventory --explain` and `init format`.

use std::fs;

use serde_json::Value;

use crate::corpus::corpus;
use crate::world::{World, assure_in};

/// What a call gave: exit code, standard output, standard error.
fn call(world: &World, arguments: &[&str]) -> (i32, String, String) {
    let output = assure_in(world.around(), arguments);
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn explained(world: &World, file: &str) -> Value {
    let (code, out, err) = call(world, &["-q", "inventory", world.folder.to_str().unwrap(), "--explain", file, "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
}

const KEYS: &str = "Register of odd keys\n\nKey reference;Answerable;Date made;State of the key;PIN\n\
                    K-1;A. Sample;03/04/2021;In use;pin: 1234\nK-2;B. Sample;25/04/2021;active;\n";

/// The draft of a format for a file of an engagement, as it stands among its checklists.
fn drafted(world: &World, file: &str, arguments: &[&str]) -> (String, String) {
    let file = world.evidence(file);
    let folder = world.folder.to_str().unwrap();
    let mut all = vec!["init", "format", file.to_str().unwrap(), "--engagement", folder];
    all.extend(arguments);
    let (code, _, err) = call(world, &all);
    assert_eq!(code, 0, "{err}");
    let formats = world.folder.join("checklists/formats");
    let made = fs::read_dir(formats).unwrap().next().unwrap().unwrap().path();
    (fs::read_to_string(made).unwrap(), err)
}

#[test]
fn a_log_is_explained_by_the_line_that_gave_it_away_and_its_first_records() {
    let world = World::clean();
    let said = explained(&world, "ca/server-2020-10.log");
    assert_eq!(said["status"], "used");
    assert!(texts(&said["recognised"])[0].starts_with("ejbca-log, because a line (line "), "{said}");
    let count = |name: &str| said[name].as_u64().unwrap();
    assert_eq!(count("records") + count("rejected") + count("blank") + count("passed_over"), count("total"));
    let landed = said["landed"].as_array().unwrap();
    assert!(landed.iter().any(|row| row["table"] == "ca_events" && row["locator"].as_str().unwrap().starts_with("line ")), "{said}");
}

#[test]
fn a_register_is_explained_column_by_column() {
    let world = World::clean();
    world.edit("registers/roles.csv", |text| {
        let mut lines = text.lines();
        let heading = format!("{},Remarks", lines.next().unwrap());
        let rest: String = lines.map(|line| format!("{line},x\n")).collect();
        format!("{heading}\n{rest}")
    });
    let said = explained(&world, "registers/roles.csv");
    let heading = &said["headings"][0];
    assert_eq!((heading["row"].as_u64(), heading["format"].as_str()), (Some(1), Some("roles-register")));
    let column = |name: &str| heading["columns"].as_array().unwrap().iter().find(|pair| pair[0] == name).unwrap()[1].clone();
    assert_eq!(column("Person"), "person");
    assert_eq!(column("Remarks"), Value::Null);
    assert!(said["notes"].as_array().unwrap().iter().any(|note| note["code"] == "N-CSV-004"), "{said}");
}

#[test]
fn a_file_that_fits_nothing_says_what_comes_nearest() {
    let world = World::clean();
    world.put("registers/odd.csv", "Person,Role,Since\nA. Sample,Auditor,2020-01-01\n");
    let said = explained(&world, "registers/odd.csv");
    assert_eq!(said["status"], "not-recognised");
    let words = texts(&said["recognised"]).join("\n");
    assert!(words.contains("nearest is") && words.contains("and not "), "{words}");
}

#[test]
fn a_file_that_is_not_there_is_a_clear_mistake() {
    let world = World::clean();
    let (code, _, err) = call(&world, &["inventory", world.folder.to_str().unwrap(), "--explain", "no/such.csv"]);
    assert_eq!(code, 2);
    assert!(err.contains("no/such.csv") && err.contains("fix:"), "{err}");
}

#[test]
fn an_explanation_for_people_holds_no_control_characters_of_the_evidence() {
    let world = World::clean();
    world.put("registers/odd.csv", "Person,Role,\u{1b}]0;x\u{7}\n\u{202e}A,B,C\n");
    let (code, out, _) = call(&world, &["inventory", world.folder.to_str().unwrap(), "--explain", "registers/odd.csv"]);
    assert_eq!(code, 0);
    assert!(!out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{out:?}");
}

#[test]
fn a_draft_proposes_and_applies_nothing() {
    let world = World::clean();
    world.put("registers/odd keys.csv", KEYS);
    let (draft, err) = drafted(&world, "registers/odd keys.csv", &["--table", "keys"]);
    assert!(err.contains("next:"), "{err}");
    let read: toml::Table = toml::from_str(&draft).unwrap();
    let columns = read["emit"][0]["columns"].as_table().unwrap();
    assert!(columns.is_empty(), "{draft}");
    let heading: Vec<&str> = read["recognise"]["header"].as_array().unwrap().iter().map(|cell| cell.as_str().unwrap()).collect();
    assert_eq!(heading, ["Key reference", "Answerable", "Date made", "State of the key", "PIN"]);
    assert!(draft.contains("# nothing is proposed for: "), "{draft}");
    assert!(!draft.contains("1234"), "a secret is in the draft");
}

#[test]
fn a_draft_never_writes_over_another() {
    let world = World::clean();
    world.put("registers/odd.csv", KEYS);
    drafted(&world, "registers/odd.csv", &["--table", "keys"]);
    let (file, folder) = (world.evidence("registers/odd.csv"), world.folder.to_str().unwrap());
    let (code, _, err) = call(&world, &["init", "format", file.to_str().unwrap(), "--engagement", folder, "--table", "keys"]);
    assert_eq!(code, 73, "{err}");
}

/// What a new user does: drafts, settles what is proposed, looks, and runs.
#[test]
fn a_register_nobody_knew_is_read_once_its_draft_is_settled() {
    let world = World::empty();
    world.put("badges.csv", "Badge list\n\nHolder;Room;Day of entry;Came in or went out;Result\nA. Sample;vault;2021-03-02;in;let in\n");
    fs::write(
        world.folder.join("engagement.toml"),
        "schema = 1\n[engagement]\ntitle = \"t\"\nkind = \"subsequent\"\nperiod = { start = 2021-01-01, end = 2021-12-31 }\n\
         [[source]]\npath = \"**\"\nzone = \"UTC\"\n",
    )
    .unwrap();
    assert_eq!(explained(&world, "badges.csv")["status"], "not-recognised");
    let (draft, _) = drafted(&world, "badges.csv", &["--table", "door_access"]);
    let place = world.folder.join("checklists/formats/badges.toml");
    let settled = draft.replace("…", "settled by a test");
    let columns = "person = { from = \"Holder\" }\nzone = { from = \"Room\" }\ndoor = { from = \"Room\" }\n\
                   time = { from = \"Day of entry\", as = \"datetime\", pattern = \"auto\" }\n\
                   direction = { from = \"Came in or went out\", as = \"map\", fold = true, map = { in = \"in\", out = \"out\" } }\n\
                   result = { from = \"Result\", as = \"map\", fold = true, map = { \"let in\" = \"granted\" } }\n";
    fs::write(&place, settled.replace("[emit.columns]\n", &format!("[emit.columns]\n{columns}"))).unwrap();
    let (code, out, err) = call(&world, &["lint", world.folder.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}{err}");
    let said = explained(&world, "badges.csv");
    assert_eq!((said["status"].as_str(), said["records"].as_u64(), said["rejected"].as_u64()), (Some("used"), Some(1), Some(0)), "{said}");
    assert_eq!(said["landed"][0]["table"], "door_access");
}

#[test]
fn a_draft_of_a_log_shows_its_lines_and_how_they_are_dated() {
    let world = World::clean();
    world.put("hsm/odd.log", "14.09.21 12:00:00 unit 7 opened by A\n14.09.21 12:00:01 unit 7 password=hunter2\n");
    let (draft, _) = drafted(&world, "hsm/odd.log", &["--table", "key_events"]);
    assert!(draft.contains("%d.%m.%y %H:%M:%S") && draft.contains("opened by A"), "{draft}");
    assert!(!draft.contains("hunter2"));
    toml::from_str::<toml::Table>(&draft).unwrap();
}

#[test]
fn a_draft_can_be_made_of_a_real_workbook_nobody_has_described() {
    let Some(folder) = corpus() else { return };
    let world = World::empty();
    let file = folder.join("registers/attestations_xlsxInputFormat.xlsx");
    let (code, out, err) = call(&world, &["init", "format", file.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let read: toml::Table = toml::from_str(&out).unwrap();
    let heading: Vec<&str> = read["recognise"]["header"].as_array().unwrap().iter().map(|cell| cell.as_str().unwrap()).collect();
    for column in ["Control_ID", "Explanation", "Frequency", "Status", "Updated", "Updated_By"] {
        assert!(heading.contains(&column), "{heading:?}");
    }
}
