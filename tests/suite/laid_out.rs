//! What people read: the sheets of the workbook, the first page of the report, and the pictures.

use std::collections::BTreeMap;
use std::fs;

use assure::inputs::{Flags, Inputs};
use assure::report::results::KeyUse;
use calamine::{Data, Reader, Xlsx, open_workbook};

use crate::world::{Ran, Reading, Silent, World, holds, parts};

const SHEETS: [&str; 13] = [
    "Cover",
    "Summary",
    "Assessment",
    "Findings",
    "Exceptions",
    "Evidence",
    "Requests",
    "Data quality",
    "Timeline",
    "Certificates and CRLs",
    "Method and limits",
    "Lists",
    "Meta",
];

fn book(run: &Ran) -> Xlsx<std::io::BufReader<fs::File>> {
    open_workbook(run.folder().join("workbook.xlsx")).unwrap()
}

/// The rows below the heading of a sheet, by heading.
fn rows(run: &Ran, sheet: &str) -> Vec<BTreeMap<String, String>> {
    let range = book(run).worksheet_range(sheet).unwrap();
    let headings: Vec<String> = range.rows().nth(3).unwrap().iter().map(ToString::to_string).collect();
    range.rows().skip(4).map(|row| headings.iter().cloned().zip(row.iter().map(ToString::to_string)).collect()).collect()
}

fn page(run: &Ran, name: &str) -> String {
    fs::read_to_string(run.folder().join(name)).unwrap()
}

#[test]
fn the_workbook_has_a_sheet_for_all_that_has_content_and_none_else() {
    let world = World::planted();
    let run = world.run().ends_with(1);
    let results = run.results();
    assert_eq!(book(&run).sheet_names(), SHEETS, "the sample has no key register, so there is no sheet of it");
    let parts = parts(&fs::read(run.folder().join("workbook.xlsx")).unwrap());
    let tables = parts.keys().filter(|name| name.starts_with("xl/tables/table")).count();
    assert_eq!(tables, SHEETS.len() - 3, "every sheet but Cover, Summary and Lists is one Excel table");

    assert_eq!(rows(&run, "Assessment").len(), results.controls.len());
    assert_eq!(rows(&run, "Findings").len(), results.findings.len());
    assert_eq!(rows(&run, "Exceptions").len(), run.exceptions().len());
    assert_eq!(rows(&run, "Evidence").len(), results.evidence.len());
    assert_eq!(rows(&run, "Requests").len(), results.requests.len());
    assert_eq!(rows(&run, "Data quality").len(), results.notes.len());
    assert_eq!(rows(&run, "Timeline").len() as u64, results.views["coverage.jsonl"] + results.views["holes.jsonl"]);
    assert_eq!(rows(&run, "Certificates and CRLs").len() as u64, results.views["certificates.jsonl"] + results.views["crls.jsonl"]);
    for row in rows(&run, "Meta").iter().filter(|row| row["T: Key"].starts_with("rows ")) {
        let sheet = row["T: Key"].strip_prefix("rows ").unwrap();
        assert_eq!(row["T: Value"], rows(&run, sheet).len().to_string(), "{sheet}");
    }
    let cover = book(&run).worksheet_range("Cover").unwrap();
    let links = cover.rows().filter(|row| row[0] == Data::String("Sheet".to_owned())).count();
    assert_eq!(links, SHEETS.len() - 1, "Cover lists every sheet but itself");
}

#[test]
fn a_draft_finding_states_the_facts_and_leaves_the_rest_to_the_assessor() {
    let world = World::planted();
    let run = world.run().ends_with(1);
    let results = run.results();
    let excepted = results.controls.iter().filter(|control| control.tests.iter().any(|test| test.exceptions > 0)).count();
    assert_eq!(results.findings.len(), excepted, "one for each control with exceptions");
    for row in rows(&run, "Findings") {
        let exceptions: Vec<_> = run.exceptions().into_iter().filter(|e| e.control == row["T: Control"]).collect();
        assert_eq!(row["T: Actual"].parse::<usize>().unwrap() + row["T: Potential"].parse::<usize>().unwrap(), exceptions.len());
        let first = format!("{}, {}", exceptions[0].path, exceptions[0].locator);
        assert!(row["T: Condition"].contains(&first), "{}", row["T: Condition"]);
        assert_eq!(row["T: Suggested grade"], "None", "nothing unconfirmed is called a failure");
        assert!(row["T: Title"].starts_with("Exceptions to: "), "{}", row["T: Title"]);
        assert!(row["T: Extent"].contains(" of the population were tested, of "), "{}", row["T: Extent"]);
        let judged = row.iter().filter(|(heading, value)| !heading.starts_with("T:") && !value.is_empty());
        assert_eq!(judged.count(), 0, "what it means is not the tool's to say");
        assert_eq!(row["T: Fingerprint (do not edit)"].len(), 16);
    }
}

#[test]
fn an_exception_leaves_with_its_instant_and_only_the_checklist_s_words() {
    let world = World::planted();
    let run = world.run().ends_with(1);
    let report = page(&run, "report.html");
    let exceptions = run.exceptions();
    assert!(exceptions.iter().any(|e| e.judged_at.is_some()) && exceptions.iter().any(|e| e.fault.is_some()));
    for exception in &exceptions {
        let row = report.split(&format!("<tr id=\"{}\">", exception.id)).nth(1).unwrap().split("</tr>").next().unwrap();
        for shown in [&exception.judged_at, &exception.fault].into_iter().flatten() {
            assert!(row.contains(&shown.replace('\'', "&#x27;")), "{row}");
        }
        if let Some(fault) = &exception.fault {
            assert_eq!(exception.values["fault"].as_ref(), Some(fault));
        }
    }
}

#[test]
fn the_assessment_says_what_is_left_to_a_person() {
    let world = World::planted();
    let run = world.run().ends_with(1);
    let results = run.results();
    for row in rows(&run, "Assessment") {
        let control = results.control(&row["T: Control"]);
        assert_eq!(row["T: What a person does"], control.procedure.join("\n"));
        assert_eq!(row["T: Left open"], control.leaves_open);
    }
}

#[test]
fn the_summary_counts_live_what_the_run_counted() {
    let world = World::planted();
    let run = world.run().ends_with(1);
    let results = run.results();
    let range = book(&run).worksheet_range("Summary").unwrap();
    let formulas = book(&run).worksheet_formula("Summary").unwrap();
    let mut counted = 0;
    for row in range.rows().filter(|row| matches!(row.get(4), Some(Data::Float(_)))) {
        assert_eq!(row[3].to_string(), row[4].to_string(), "{}", row[0]);
        counted += 1;
    }
    assert_eq!(formulas.used_cells().count(), counted, "every live count is a formula");
    let first = |words: &str| range.rows().find(|row| row[0] == Data::String(words.to_owned())).unwrap()[4].to_string();
    assert_eq!(first("exceptions noted"), results.counts.outcomes["exceptions"].to_string());
    assert_eq!(first("all controls"), results.controls.len().to_string());
}

#[test]
fn a_judgement_on_record_stands_in_the_workbook() {
    let world = World::planted();
    let line = r#"{"control":"AU-04","judgement":"not met (actual)","rationale":"Seen.","prepared_by":"A. Sample","prepared_on":"2020-12-01","reviewed_by":null,"reviewed_on":null}"#;
    fs::write(world.folder.join("judgements.jsonl"), format!("{line}\n")).unwrap();
    let run = world.run().ends_with(1);
    assert!(run.results().control("AU-04").judgement.is_some(), "the judgement was read");
    let row = rows(&run, "Assessment").into_iter().find(|row| row["T: Control"] == "AU-04").unwrap();
    assert_eq!((row["A: Judgement"].as_str(), row["A: Rationale"].as_str()), ("not met (actual)", "Seen."));
}

#[test]
fn evidence_that_did_not_come_is_asked_for() {
    let world = World::planted();
    fs::remove_file(world.evidence("registers/roles.csv")).unwrap();
    let run = world.run();
    let requests = rows(&run, "Requests");
    let announced = requests.iter().find(|row| row["T: What"] == "register of trusted roles").unwrap();
    assert_eq!((announced["T: Status"].as_str(), announced["T: Files received"].as_str()), ("not received", "0"));
    assert!(announced["T: How to export it"].contains("every appointment to a trusted role"), "{announced:?}");
    let needed = requests.iter().find(|row| row["T: Kind"] == "needed" && row["T: Controls"] == "PE-03").unwrap();
    assert!(needed["T: How to export it"].contains("every appointment to a trusted role"), "{needed:?}");
    assert!(page(&run, "report.html").contains("11 of 12 items announced"));
}

const CONCLUSION: &str = "\n[conclusion]\nrecommendation = \"Approved with caveats.\"\nasks = [\"Note the findings.\", \"Set a date for the log of ca-01.\"]\nby = \"Q. Unmistakable\"\non = 2020-12-01\n";

#[test]
fn a_recommendation_is_the_assessor_s_and_carries_no_name() {
    let world = World::planted();
    assert!(page(&world.run(), "report.html").contains("Draft: no recommendation is made"));
    world.declare(|text| text.to_owned() + CONCLUSION);
    let run = world.run().ends_with(1);
    let report = page(&run, "report.html");
    for words in ["Approved with caveats.", "In the words of the assessor, 2020-12-01.", "Set a date for the log of ca-01."] {
        assert!(report.contains(words), "{words}");
    }
    assert!(!report.contains("Unmistakable") && !report.contains("Draft: no recommendation"));
    assert!(page(&run, "working-papers.html").contains("In the words of <bdi>Q. Unmistakable</bdi>, 2020-12-01."));
    world.declare(|text| text.replace("kind = \"subsequent\"", "kind = \"self-assessment\""));
    let refused = world.run().ends_with(2);
    assert!(refused.err.contains("a self-assessment gives no recommendation"), "{}", refused.err);
    world.declare(|text| text.replace("\nasks", "\nscore = 97\nasks"));
    assert!(world.run().ends_with(2).err.contains("score"), "an unknown key is an error");
}

#[test]
fn a_self_assessment_is_a_readiness_view() {
    let world = World::planted();
    world.declare(|text| text.replace("kind = \"subsequent\"", "kind = \"self-assessment\""));
    fs::remove_file(world.evidence("registers/roles.csv")).unwrap();
    let run = world.run();
    let report = page(&run, "report.html");
    assert!(report.contains("Readiness view. This is not an assurance opinion."));
    assert!(report.contains("id=\"fix-first\"") && report.contains("id=\"to-provide\""));
    assert!(report.contains("register of trusted roles") && report.contains("every appointment to a trusted role"));
    assert!(!report.contains("id=\"recommendation\"") && !report.contains("id=\"failures\""));
}

#[test]
fn the_numbers_of_a_picture_are_those_of_its_table() {
    let world = World::planted();
    let run = world.run().ends_with(1);
    for name in ["report.html", "working-papers.html"] {
        let page = page(&run, name);
        for (id, view) in [("coverage", "holes.jsonl"), ("lists", "")] {
            let rest = page.split(&format!("id=\"picture-{id}\"")).nth(1).unwrap();
            let (svg, tables) = rest.split_once("</svg>").unwrap();
            let legend = usize::from(svg.contains("hole: silent") || svg.contains("gap: no list"));
            let drawn = svg.matches("url(#hatch").count() - legend;
            assert_eq!(drawn as u64, run.results().views.get(view).copied().unwrap_or(0), "{name} {id}: holes");
            assert!(svg.contains("role=\"img\"") && svg.contains("<title ") && svg.contains("<desc "));
            let says: Vec<&str> = svg.split("font-size=\"12\">").skip(1).filter_map(|part| part.split('<').next()).collect();
            for number in says.iter().flat_map(|words| words.split(|c: char| !c.is_ascii_digit())).filter(|word| !word.is_empty()) {
                let cell = format!("<bdi class=\"line\">{number}</bdi>");
                assert!(tables.contains(&cell), "{name} {id}: {number} of {says:?} is in no table");
            }
        }
    }
}

/// A register as a format that an assessor could write: columns by their canonical names.
fn register(table: &str, columns: &[&str]) -> String {
    let times = ["time", "started_at", "ended_at", "arrived_at", "departed_at", "generated_at"];
    let cells: Vec<String> = columns
        .iter()
        .map(|name| match *name {
            name if times.contains(&name) => format!("{name} = {{ from = \"{name}\", as = \"datetime\", pattern = \"iso\" }}"),
            "signed" => "signed = { from = \"signed\", as = \"boolean\" }".to_owned(),
            name => format!("{name} = {{ from = \"{name}\" }}"),
        })
        .collect();
    let header: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        "schema = 1\ntitle = \"{table}\"\nreader = \"delimited\"\nsource = \"a test\"\nexport = \"all of it\"\n[recognise]\nheader = [{}]\n[[emit]]\ntable = \"{table}\"\n[emit.columns]\n{}\n",
        header.join(", "),
        cells.join("\n")
    )
}

/// The sample with a ceremony: two people minuted, one of whom left early and did not sign; the door, the module and the key register.
fn with_a_ceremony() -> World {
    let world = World::planted();
    fs::create_dir_all(world.folder.join("checklists/formats")).unwrap();
    for (table, rows) in [
        (
            "keys",
            "key_id,label,purpose,hsm,generated_at\nKEY-1,issuing-1,issuing-ca,hsm-9,2020-09-10T10:00:00Z\nKEY-2,other,backup,hsm-8,2020-09-10T10:00:00Z\n",
        ),
        (
            "ceremonies",
            "ceremony,kind,started_at,ended_at,hsm,location\nCER-7,key-generation,2020-09-10T09:00:00Z,2020-09-10T11:00:00Z,hsm-9,Bunker Nine\n",
        ),
        (
            "ceremony_people",
            "ceremony,person,role,arrived_at,departed_at,signed\nCER-7,Wanda Minuted,witness,2020-09-10T08:50:00Z,2020-09-10T11:05:00Z,true\nCER-7,Egon Early,operator,2020-09-10T08:50:00Z,2020-09-10T09:30:00Z,false\n",
        ),
        (
            "door_access",
            "time,person,door,zone,direction,result\n2020-09-10T08:45:00Z,Doris Door,D1,vault,in,granted\n2020-09-10T08:46:00Z,Rudi Refused,D1,vault,in,refused\n2020-09-10T08:47:00Z,Olaf Out,D1,vault,in,granted\n2020-09-10T09:10:00Z,Olaf Out,D1,vault,out,granted\n",
        ),
        (
            "key_events",
            "stream,time,hsm,event_type,outcome,actor,second_actor,key_ref,record\nhsm,2020-09-10T10:00:00Z,hsm-9,keygen,success,Anna Actor,Bruno Both,issuing-1,1\nhsm,2020-09-10T11:14:00Z,hsm-9,activate,success,Anna Actor,,issuing-1,2\nhsm,2020-09-10T11:16:00Z,hsm-9,sign,success,Anna Actor,,issuing-1,3\nhsm,2020-09-10T10:01:00Z,hsm-8,sign,success,Anna Actor,,other,4\nhsm,2020-09-10T10:02:00Z,hsm-9,sign,failure,Anna Actor,,issuing-1,5\n",
        ),
    ] {
        let columns: Vec<&str> = rows.lines().next().unwrap().split(',').collect();
        fs::write(world.folder.join(format!("checklists/formats/test-{table}.toml")), register(table, &columns)).unwrap();
        let path = format!("registers/test-{table}.csv");
        world.put(&path, rows);
        // The columns of a shipped register may fit as well.
        world.declare(|text| format!("{text}\n[[source]]\npath = \"{path}\"\nformat = \"test-{table}\"\n"));
    }
    world
}

/// Puts another register in the place of one of [`with_a_ceremony`].
fn replace(world: &World, table: &str, rows: &str) {
    let columns: Vec<&str> = rows.lines().next().unwrap().split(',').collect();
    fs::write(world.folder.join(format!("checklists/formats/test-{table}.toml")), register(table, &columns)).unwrap();
    world.put(&format!("registers/test-{table}.csv"), rows);
}

const KEYS: &str = "key_id,label,purpose,hsm,token,generated_at\nKEY-1,issuing-1,issuing-ca,hsm-9,880,2020-09-10T10:00:00Z\n";
const OF_A_TOKEN: &str = "stream,time,token,event_type,outcome,actor,record\nca,2020-09-10T10:00:00Z,880,activate,success,Anna Actor,1\nca,2020-09-19T22:14:00Z,880,activate,unknown,Anna Actor,2\nca,2020-09-20T22:14:00Z,881,activate,success,Anna Actor,3\n";

#[test]
fn a_use_that_the_log_gives_to_a_crypto_token_is_one_of_the_module_that_the_register_gives() {
    let world = with_a_ceremony();
    replace(&world, "keys", KEYS);
    replace(&world, "key_events", OF_A_TOKEN);
    let run = world.run();
    let uses: Vec<KeyUse> = page(&run, "views/key-uses.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, Option<&str>)> = uses.iter().map(|used| (used.module.as_str(), used.ceremony.as_deref())).collect();
    assert_eq!(told, [("hsm-9", Some("CER-7")), ("hsm-9", None)], "the token of another key is none; what did not fail is a use");
}

#[test]
fn uses_that_cannot_be_matched_are_not_said_to_be_none() {
    let world = with_a_ceremony();
    replace(&world, "keys", &KEYS.replace("hsm-9,880", "hsm-7,870"));
    let run = world.run();
    for name in ["report.html", "working-papers.html"] {
        let page = page(&run, name);
        assert!(
            page.contains("no use could be matched to a root or issuing key; this says nothing about whether there were any."),
            "{name}"
        );
        let picture = page.split("id=\"picture-ceremonies\"").nth(1).and_then(|rest| rest.split("</svg>").next()).unwrap();
        assert!(!picture.contains("0 uses") && !picture.contains("0 outside") && !picture.contains("0 with no"), "{name}");
    }
}

#[test]
fn a_ceremony_that_the_period_and_the_logs_do_not_touch_is_in_the_table_only() {
    let world = with_a_ceremony();
    let place = "registers/test-ceremonies.csv";
    world.edit(place, |text| format!("{text}CER-1,key-generation,2015-03-10T09:00:00Z,2015-03-10T11:00:00Z,hsm-9,Bunker Nine\n"));
    let papers = page(&world.run(), "working-papers.html");
    assert!(papers.contains("<bdi class=\"line\">CER-1</bdi>") && papers.contains("1 ceremony is in the table only"));
    assert!(papers.contains("id=\"picture-ceremony-2\"") && !papers.contains("id=\"picture-ceremony-1\""));
}

const PEOPLE: [&str; 7] = ["Wanda Minuted", "Egon Early", "Doris Door", "Rudi Refused", "Olaf Out", "Anna Actor", "Bruno Both"];

#[test]
fn every_use_of_a_ca_key_is_put_beside_its_ceremony_and_the_people_proved_to_be_there() {
    let world = with_a_ceremony();
    let run = world.run();
    let uses: Vec<KeyUse> = page(&run, "views/key-uses.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, Option<&str>)> = uses.iter().map(|used| (used.event_type.as_str(), used.ceremony.as_deref())).collect();
    assert_eq!(
        told,
        [("keygen", Some("CER-7")), ("activate", Some("CER-7")), ("sign", None)],
        "a quarter of an hour after the end still counts, a minute later does not; failures and other modules are no uses"
    );
    let people = |all: &[assure::report::results::Presence]| all.iter().map(|one| one.person.clone()).collect::<Vec<_>>();
    assert_eq!(people(&uses[0].minuted), ["Wanda Minuted"], "who had left is not there");
    assert_eq!(uses[0].minuted[0].signed, Some(true));
    assert_eq!(people(&uses[0].inside), ["Doris Door"], "who was refused or went out is not inside");
    assert_eq!(uses[0].authenticated, ["Anna Actor", "Bruno Both"]);
    assert_eq!(uses[0].module_minuted, Some(true));
    assert_eq!((uses[0].path.as_str(), uses[0].locator.as_str()), ("registers/test-key_events.csv", "line 2"));
    assert_eq!(uses[0].inside[0].stands_in, "registers/test-door_access.csv, line 2");
}

#[test]
fn a_ceremony_is_drawn_with_its_people_by_name_for_the_assessor_and_by_number_for_others() {
    let world = with_a_ceremony();
    let run = world.run();
    let (report, papers) = (page(&run, "report.html"), page(&run, "working-papers.html"));
    for page in [&report, &papers] {
        assert!(page.contains("id=\"picture-ceremony-1\"") && page.contains("no minuted ceremony"));
    }
    for person in PEOPLE.iter().filter(|person| !["Rudi Refused", "Olaf Out"].contains(person)) {
        assert!(papers.contains(person), "{person}");
    }
    for private in PEOPLE.iter().chain(&["Bunker Nine", "CER-7", "hsm-9", "issuing-1", "KEY-1"]) {
        assert!(!report.contains(private), "the report names {private}");
    }
    assert!(report.contains("Person 2 (signed)") && report.contains("witness, signed"), "a role of a closed vocabulary may be told");

    assert!(book(&run).sheet_names().contains(&"Key register".to_owned()));
    let keys = rows(&run, "Key register");
    let known =
        |label: &str| keys.iter().find(|row| row["T: Label"] == label).map(|row| (row["T: Stands in"].clone(), row["T: Known to"].clone()));
    assert_eq!(known("issuing-1"), Some(("register".to_owned(), "register, log".to_owned())));
    assert!(keys.iter().any(|row| row["T: Stands in"] == "certificate only"), "a CA key that no register holds is a row too");
}

#[test]
fn no_value_of_a_personal_column_stands_in_the_report() {
    let world = with_a_ceremony();
    let run = world.run();
    let report = fs::read(run.folder().join("report.html")).unwrap();
    let inputs = Inputs::load(&world.folder, &Flags::default()).unwrap();
    let normalised = assure::tabulate(&inputs, assure::gather(&inputs).unwrap(), &mut Silent).unwrap();
    let mut seen = 0;
    for table in inputs.catalogue.tables.stored() {
        for column in table.columns.iter().filter(|column| column.personal) {
            let sql = format!("SELECT {0} AS value FROM {1} WHERE {0} IS NOT NULL GROUP BY {0}", column.name, table.name);
            let values = normalised.engine.query(&sql).unwrap();
            for row in 0..values.len() {
                let value = values.named(row, "value").text().unwrap();
                // A word as short as a column of a table stands in a report for itself, and the assessor on purpose.
                if value.chars().count() > 4 && inputs.engagement.assessor.as_ref() != Some(&value) {
                    assert!(!holds(&report, value.as_bytes()), "the report has {value:?} of {}.{}", table.name, column.name);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} values were looked for");
}
