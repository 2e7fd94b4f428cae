//! The program as people call it: exit codes, every verb, and what it must refuse.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use assure::report::WRITERS;
use assure::verb::criteria::cells;
use rust_xlsxwriter::Workbook;

use crate::world::{Ran, Reading, World, assure_in, files, holds};

/// What a call gave: exit code, standard output, standard error.
fn call(world: &World, arguments: &[&str]) -> (i32, String, String) {
    let output = assure_in(world.around(), arguments);
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn the_exit_code_says_how_it_ended() {
    let planted = World::planted();
    let sample = planted.folder.to_str().unwrap();
    assert_eq!(call(&planted, &["run", sample]).0, 1, "exceptions");
    assert_eq!(call(&planted, &["run", sample, "--exit-zero"]).0, 0, "asked for 0");
    assert_eq!(call(&planted, &["run", "no-such-folder"]).0, 2, "a folder that is not there");
    assert_eq!(call(&planted, &["run"]).0, 2, "no folder");
    assert_eq!(call(&planted, &["judge", sample]).0, 2, "no such verb");
    fs::write(planted.around().join("a-file"), "").unwrap();
    assert_eq!(call(&planted, &["run", sample, "--out", "a-file/runs"]).0, 73, "a place that cannot be made");

    let clean = World::clean();
    let sample = clean.folder.to_str().unwrap();
    fs::remove_file(clean.evidence("registers/roles.csv")).unwrap();
    assert_eq!(call(&clean, &["run", sample]).0, 4, "something could not be tested");
    let (code, _, err) = call(&clean, &["-q", "run", sample]);
    assert_eq!((code, err.as_str()), (4, ""), "quiet is quiet");
}

#[test]
fn standard_output_carries_data_and_nothing_else() {
    let world = World::planted();
    let run = world.run_with(&["--format", "json"]).ends_with(1);
    assert_eq!(run.out.as_bytes(), fs::read(run.folder().join("results.json")).unwrap());
    let run = world.run_with(&["--format", "jsonl"]).ends_with(1);
    assert_eq!(run.out.as_bytes(), fs::read(run.folder().join("exceptions.jsonl")).unwrap());
    let run = world.run().ends_with(1);
    assert_eq!(run.out, "");
}

#[test]
fn init_never_overwrites() {
    let world = World::empty();
    let (code, ..) = call(&world, &["init", "new"]);
    assert_eq!(code, 0);
    let file = world.around().join("new/engagement.toml");
    let made = fs::read_to_string(&file).unwrap();
    assert!(made.contains("[engagement]"));
    fs::write(&file, "mine").unwrap();
    let (code, _, err) = call(&world, &["init", "new"]);
    assert_eq!(code, 0);
    assert!(err.contains("stays as it is"), "{err}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn what_init_makes_can_be_run() {
    let world = World::empty();
    assert_eq!(call(&world, &["init", "new"]).0, 0);
    let evidence = world.around().join("new/evidence");
    assert!(evidence.is_dir());
    assert_eq!(call(&world, &["run", "new"]).0, 3, "there is no evidence yet");
    let sample = World::clean();
    fs::copy(sample.evidence("registers/roles.csv"), evidence.join("roles.csv")).unwrap();
    assert_eq!(call(&world, &["run", "new"]).0, 4, "most of it is missing");
}

#[test]
fn everything_that_is_listed_can_be_explained() {
    let world = World::empty();
    let mut explained = 0;
    for what in ["controls", "codes"] {
        let (code, out, _) = call(&world, &["list", what, "--format", "json"]);
        assert_eq!(code, 0);
        let items: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
        for item in items {
            let id = item["id"].as_str().unwrap();
            let (code, out, err) = call(&world, &["explain", id]);
            assert_eq!(code, 0, "{id}: {err}");
            assert!(!out.trim().is_empty(), "{id} is explained by nothing");
            explained += 1;
        }
    }
    assert!(explained > 50);
    assert_eq!(call(&world, &["explain", "rv-02"]).0, 0, "case does not matter");
    let (code, _, err) = call(&world, &["explain", "RV-99"]);
    assert_eq!(code, 2);
    assert!(err.contains("RV-02"), "the nearest is offered: {err}");
}

#[test]
fn every_list_comes_in_every_form() {
    let world = World::empty();
    for what in ["controls", "formats", "tables", "profiles", "instruments", "codes"] {
        let (code, out, _) = call(&world, &["list", what]);
        assert!(code == 0 && !out.is_empty(), "{what}");
        let (code, out, _) = call(&world, &["list", what, "--format", "json"]);
        let items: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
        assert!(code == 0 && !items.is_empty(), "{what}");
        let (code, out, _) = call(&world, &["list", what, "--format", "jsonl"]);
        assert!(code == 0 && out.lines().count() == items.len(), "{what}");
    }
    assert_eq!(call(&world, &["list", "secrets"]).0, 2);
}

#[test]
fn the_checklists_that_are_built_in_hold_together() {
    let world = World::empty();
    let (code, _, err) = call(&world, &["lint"]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_query_reads_the_tables_and_nothing_else() {
    let world = World::empty();
    world.put("registers/roles.csv", World::clean().text("registers/roles.csv"));
    fs::write(world.around().join("canary.csv"), "word\nCANARY-71\n").unwrap();
    let folder = world.folder.to_str().unwrap();
    let (code, out, _) = call(&world, &["query", folder, "SELECT COUNT(*) AS n FROM roles", "--format", "json"]);
    assert_eq!((code, out.as_str()), (0, "[{\"n\":\"15\"}]\n"));
    for sql in [
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM read_csv('canary.csv')",
        "SELECT * FROM read_ipc('canary.csv')",
        "SELECT * FROM read_json('canary.csv')",
        "SELECT * FROM 'canary.csv'",
        "SELECT * FROM \"canary.csv\"",
        "SELECT * FROM roles JOIN read_csv('canary.csv') AS c ON TRUE",
        "SELECT (SELECT word FROM read_csv('canary.csv')) AS word FROM roles",
        "WITH c AS (SELECT * FROM read_csv('canary.csv')) SELECT * FROM c",
        "SELECT * FROM UNNEST(ARRAY[1, 2])",
        "SELECT * FROM LATERAL (SELECT * FROM read_csv('canary.csv')) AS c",
        "SELECT 1; SELECT 2",
        "SELECT person FROM roles; DROP TABLE roles",
        "SELECT * FROM no_such_table",
        "SELECT * FROM roles WHERE person IN (SELECT person FROM no_such_table)",
        "DROP TABLE roles",
        "DELETE FROM roles",
        "TRUNCATE TABLE roles",
        "CREATE TABLE copy AS SELECT * FROM roles",
        "INSERT INTO roles SELECT * FROM roles",
        "UPDATE roles SET person = 'x'",
        "COPY roles TO 'out.csv'",
        "EXPLAIN SELECT * FROM roles",
        "SHOW TABLES",
        "SELECT * INTO copy FROM roles",
        "",
        "SELECT nothing_such FROM roles",
    ] {
        let (code, out, err) = call(&world, &["query", folder, sql]);
        assert_eq!(code, 2, "{sql} gave {out}{err}");
        assert_eq!(out, "", "{sql}");
        assert!(!err.is_empty(), "{sql} is refused without a word");
        assert!(!err.contains("CANARY-71") && !err.contains("root:"), "{sql} read a file");
    }
}

#[test]
fn reports_can_be_laid_out_again_from_the_run_folder_alone() {
    let world = World::planted();
    let run = world.run().ends_with(1);
    let elsewhere = World::empty();
    crate::world::copy(run.folder(), &elsewhere.around().join("run"));
    drop(world);
    let (code, _, err) = call(&elsewhere, &["report", "run", "--out", "again"]);
    assert_eq!(code, 0, "{err}");
    let (first, again) = (files(&elsewhere.around().join("run")), files(&elsewhere.around().join("again")));
    let names: Vec<&str> = WRITERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(again.keys().map(String::as_str).collect::<BTreeSet<_>>(), names.into_iter().collect());
    for (name, octets) in &again {
        assert!(first[name] == *octets, "{name} is not as the run laid it out");
    }
}

#[test]
fn what_leaves_the_assessor_names_no_person_and_no_file() {
    let world = World::planted();
    let run = world.run().ends_with(1);
    let issued = files(&run.folder().join("issue"));
    assert_eq!(issued.keys().collect::<Vec<_>>(), ["manifest-sha256.txt", "report.html"]);
    let mut people = BTreeSet::new();
    for (register, columns) in [("registers/roles.csv", vec![0, 5]), ("registers/approvals.csv", vec![2])] {
        for line in world.text(register).lines().skip(1) {
            people.extend(columns.iter().map(|column| line.split(',').nth(*column).unwrap().to_owned()));
        }
    }
    assert!(people.contains("T. Brandt") && people.len() > 10);
    let paths = crate::world::names(&world.folder.join("evidence"));
    for (name, octets) in &issued {
        for person in &people {
            assert!(!holds(octets, person.as_bytes()), "{name} names {person}");
        }
        for path in &paths {
            assert!(!holds(octets, path.as_bytes()), "{name} names {path}");
        }
        let here = world.around().to_str().unwrap();
        assert!(!holds(octets, here.as_bytes()), "{name} names a folder of the machine");
    }
    let text = String::from_utf8(issued["report.html"].clone()).unwrap();
    assert!(text.contains("PE-03"), "the finding itself is told");
}

#[test]
fn no_output_names_a_folder_of_the_machine() {
    let world = World::planted();
    let run = world.run().ends_with(1);
    let here = world.around().to_str().unwrap().as_bytes();
    for (name, octets) in files(run.folder()) {
        let parts = if name.ends_with(".xlsx") { crate::world::parts(&octets) } else { [(name.clone(), octets)].into() };
        for (part, octets) in parts {
            assert!(!holds(&octets, here), "{name} {part} names a folder of the machine");
        }
    }
}

const ILLUSTRATIVE: &str = "ILLUSTRATIVE, NOT THE SEC'S TEXT: the Issuing CA shall issue a CRL at least every twelve hours.";

/// Fills an exported sheet as an assessor would, in a workbook of another make.
fn fill(exported: &Path, filled: &Path, text: &str, own: &str) {
    let rows = cells(&fs::read(exported).unwrap()).unwrap();
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    // Found by their names, so the order may be another.
    let headings = ["Text", "Instrument", "Version", "Clause", "From", "To", "Allocation", "Control ids", "Excluded because"];
    for (column, heading) in (0_u16..).zip(headings) {
        sheet.write_string(0, column, heading).unwrap();
    }
    let mut at = 1;
    for (_, row) in rows {
        let [instrument, version, mut clause, mut wording, from, to, allocation, controls, excluded] = row;
        if controls == "RV-02" {
            "4.9.7".clone_into(&mut clause);
            text.clone_into(&mut wording);
        }
        for (column, cell) in (0_u16..).zip([wording, instrument, version, clause, from, to, allocation, controls, excluded]) {
            sheet.write_string(at, column, cell).unwrap();
        }
        at += 1;
    }
    for (column, cell) in (0_u16..).zip([own, "s1spki-cp-secure", "first", "9.9.9", "", "", "", "", ""]) {
        sheet.write_string(at, column, cell).unwrap();
    }
    workbook.save(filled).unwrap();
}

fn import(world: &World, text: &str, own: &str) -> (i32, String, String) {
    let folder = world.folder.to_str().unwrap();
    let (exported, filled) = (world.around().join("exported.xlsx"), world.around().join("filled.xlsx"));
    let (code, _, err) = call(world, &["criteria", "export", "--engagement", folder, exported.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    fill(&exported, &filled, text, own);
    call(world, &["criteria", "import", filled.to_str().unwrap(), "--engagement", folder, "--by", "J. Smith", "--on", "2022-02-01"])
}

fn reports(run: &Ran) -> [String; 2] {
    ["report.html", "working-papers.html"].map(|name| fs::read_to_string(run.folder().join(name)).unwrap())
}

#[test]
fn imported_criteria_confirm_their_controls_and_a_row_without_a_control_becomes_one() {
    let world = World::planted();
    let (code, coverage, err) =
        import(&world, ILLUSTRATIVE, "ILLUSTRATIVE, NOT THE SEC'S TEXT: the Authority shall keep a diary of the weather.");
    assert_eq!(code, 0, "{err}");
    assert!(coverage.contains("4.9.7: 3 tests of RV-02"), "{coverage}");
    assert!(coverage.contains("9.9.9: procedure, as control CR-s1spki-cp-secure-9.9.9"), "{coverage}");
    assert!(err.contains("ILLUSTRATIVE"), "{err}");

    let run = world.run().ends_with(1);
    let results = run.results();
    let confirmed = results.control("RV-02");
    let by = confirmed.confirmed.as_deref().expect("RV-02 is confirmed");
    assert!(by.contains("J. Smith") && by.contains("2022-02-01"), "{by}");
    assert_eq!(confirmed.qualifier, "");
    assert_eq!(confirmed.official_text.as_deref(), Some(ILLUSTRATIVE));
    assert_eq!(confirmed.clause.as_deref(), Some("4.9.7"));
    assert!(results.control("PE-03").confirmed.is_none());
    assert!(results.control("PE-03").qualifier.starts_with("Indicative:"));

    let own = results.control("CR-s1spki-cp-secure-9.9.9");
    assert_eq!(own.outcome, "procedure_open");
    assert!(own.tests.is_empty());
    assert!(own.confirmed.is_some());

    let exceptions = run.exceptions();
    assert!(exceptions.iter().all(|exception| exception.confirmed == (exception.control == "RV-02")));
    assert_eq!(results.counts.failures_actual, exceptions.iter().filter(|exception| exception.confirmed).count() as u64);
    assert_eq!(results.counts.indicative_exceptions, exceptions.iter().filter(|exception| !exception.confirmed).count() as u64);
    assert_eq!(results.counts.confirmed, 2);
    assert_eq!(results.run.state, "indicative");

    let instrument = results.instruments.iter().find(|instrument| instrument.id == "s1spki-cp-secure").unwrap();
    assert_eq!(instrument.clauses_imported, 2);
    let covered: Vec<(&str, &str)> = instrument.coverage.iter().map(|c| (c.clause.as_str(), c.covered_by.as_str())).collect();
    assert_eq!(covered, [("4.9.7", "test"), ("9.9.9", "procedure")]);

    assert!(results.run.illustrative_criteria);
    for report in reports(&run) {
        assert!(report.contains("ILLUSTRATIVE"), "a report made with an invented sheet says so");
    }
}

#[test]
fn a_sheet_that_does_not_say_it_is_invented_raises_no_banner() {
    let world = World::planted();
    let (code, _, err) = import(&world, "A CRL is issued at least every twelve hours.", "The Authority keeps a diary.");
    assert_eq!(code, 0, "{err}");
    let run = world.run().ends_with(1);
    assert!(!run.results().run.illustrative_criteria);
    for report in reports(&run) {
        assert!(!report.contains("ILLUSTRATIVE"));
    }
    let coverage = run.results().instruments.iter().flat_map(|instrument| instrument.coverage.clone()).collect::<Vec<_>>();
    assert!(
        coverage.iter().any(|covered| covered.clause == "9.9.9" && covered.covered_by == "not a duty"),
        "a row without \"shall\" is no duty"
    );
}

#[test]
fn a_sheet_with_a_mistake_changes_nothing() {
    let world = World::planted();
    let folder = world.folder.to_str().unwrap();
    let file = world.around().join("wrong.xlsx");
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0_u32..).zip([
        ["Instrument", "Version", "Clause", "Text", "Control ids"],
        ["no-such-instrument", "first", "1", "The CA shall.", ""],
        ["s1spki-cp-secure", "first", "2", "The CA shall.", "XX-99"],
        ["s1spki-cp-secure", "first", "", "The CA shall.", "RV-02"],
    ]) {
        for (column, cell) in (0_u16..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    workbook.save(&file).unwrap();
    let sheet = file.to_str().unwrap();
    let (code, _, err) = call(&world, &["criteria", "import", sheet, "--engagement", folder, "--by", "J. Smith", "--on", "2022-02-01"]);
    assert_eq!(code, 2);
    for mistake in ["no-such-instrument", "XX-99", "has no clause"] {
        assert!(err.contains(mistake), "every mistake is told at once: {err}");
    }
    assert!(!world.folder.join("checklists/criteria.toml").exists());
    let (code, _, err) = call(&world, &["criteria", "export", "--engagement", folder, sheet]);
    assert_eq!(code, 73, "what is there is not overwritten: {err}");
}

#[test]
fn an_inventory_lists_every_file_and_judges_nothing() {
    let world = World::planted();
    let (code, out, _) = call(&world, &["inventory", world.folder.to_str().unwrap(), "--format", "jsonl"]);
    assert_eq!(code, 0);
    let listed: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let listed: Vec<&str> = listed.iter().map(|item| item["path"].as_str().unwrap()).collect();
    assert_eq!(listed, crate::world::names(&world.folder.join("evidence")));
    assert!(!world.folder.join("runs").exists());
}

#[test]
fn an_export_holds_every_table_and_every_statement() {
    let world = World::clean();
    let folder = world.folder.to_str().unwrap();
    let (code, _, err) = call(&world, &["export", folder, "--to", "out"]);
    assert_eq!(code, 0, "{err}");
    let out = world.around().join("out");
    let statements: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(out.join("statements.json")).unwrap()).unwrap();
    let controls: BTreeSet<&str> = statements.iter().map(|statement| statement["control"].as_str().unwrap()).collect();
    assert_eq!(controls.len(), 12, "every control with a test has its statements: {controls:?}");
    for statement in &statements {
        assert!(out.join(statement["sql"].as_str().unwrap()).is_file());
        assert!(statement["rows"].as_array().unwrap().is_empty(), "the clean twin gives no rows: {}", statement["sql"]);
    }
    for table in ["ca_events", "certificates", "crls", "requests", "approvals", "roles", "settings"] {
        assert!(out.join(format!("tables/{table}.parquet")).is_file(), "no {table}");
    }
    assert_eq!(call(&world, &["export", folder, "--to", "out"]).0, 73, "what is there is not overwritten");
}

/// The first thread of a program has one mebibyte on some systems.
#[cfg(unix)]
#[test]
fn a_small_stack_is_enough() {
    let world = World::clean();
    let line = "ulimit -s 1024 && exec \"$0\" -q run \"$1\"";
    let program = env!("CARGO_BIN_EXE_assure");
    let status = std::process::Command::new("sh").args(["-c", line, program]).arg(&world.folder).status().unwrap();
    assert_eq!(status.code(), Some(0), "the program ran out of stack");
}
