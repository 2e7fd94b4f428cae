//! The small engagement and its clean twin: what was planted is found, nothing else is, and no loss of
//! evidence ever makes a result better.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::world::{Weighed, World, assure_in, files, names};

use crate::generator::{Variant, months};

#[derive(Deserialize)]
struct Deviations {
    deviation: Vec<Deviation>,
}

#[derive(Deserialize)]
struct Deviation {
    causes: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    control: String,
    test: String,
    evidence: Option<String>,
    row: Option<u64>,
    stream: Option<String>,
}

/// Where an exception stands: its place in the evidence, or its stream where the deviation names one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    At(String, u64),
    On(String),
}

#[test]
fn exactly_the_planted_deviations_are_found() {
    let text = String::from_utf8(months::files(Variant::Planted).remove("deviations.toml").unwrap()).unwrap();
    let planted: Deviations = toml::from_str(&text).unwrap();
    let causes: Vec<Cause> = planted.deviation.into_iter().flat_map(|deviation| deviation.causes).collect();
    let streams: BTreeSet<(String, String)> =
        causes.iter().filter(|cause| cause.stream.is_some()).map(|cause| (cause.control.clone(), cause.test.clone())).collect();
    let expected: BTreeSet<(String, String, Stands)> = causes
        .into_iter()
        .map(|cause| {
            let stands = match cause.stream {
                Some(stream) => Stands::On(stream),
                None => Stands::At(cause.evidence.unwrap(), cause.row.unwrap()),
            };
            (cause.control, cause.test, stands)
        })
        .collect();

    let world = World::planted();
    let run = world.run().ends_with(1);
    let exceptions = run.exceptions();
    let found: BTreeSet<(String, String, Stands)> = exceptions
        .iter()
        .map(|exception| {
            let stands = if streams.contains(&(exception.control.clone(), exception.test.clone())) {
                Stands::On(exception.values["stream"].clone().unwrap())
            } else {
                let row = exception.locator.rsplit(' ').next().unwrap().parse().unwrap();
                Stands::At(exception.path.clone(), row)
            };
            (exception.control.clone(), exception.test.clone(), stands)
        })
        .collect();
    assert_eq!(expected, found);
    assert_eq!(exceptions.len(), found.len(), "an exception is told twice");
    assert!(exceptions.iter().all(|exception| exception.certainty == "actual"), "the evidence of the sample is complete");
    assert!(run.results().notes.iter().all(|note| note.weight == "informs"), "nothing weakens the sample");
}

#[test]
fn the_clean_twin_has_no_exceptions_and_ends_with_0() {
    let world = World::clean();
    let run = world.run().ends_with(0);
    assert_eq!(run.exceptions().len(), 0);
    let results = run.results();
    for test in results.controls.iter().flat_map(|control| &control.tests).filter(|test| test.outcome != "not_applicable") {
        assert_eq!(test.outcome, "no_exceptions", "{}: {}", test.id, test.reason);
        assert_eq!(test.population + test.excluded + test.outside + test.unreadable, test.records);
        assert_eq!(test.undecided, 0);
    }
}

#[test]
fn equal_inputs_give_equal_bytes_in_any_folder_on_any_number_of_threads() {
    let (one, two) = (World::planted(), World::planted());
    let (first, second) = (one.run_with(&["--threads", "1"]).ends_with(1), two.run_with(&["--threads", "2"]).ends_with(1));
    assert_eq!(first.folder().file_name(), second.folder().file_name(), "the ids of the runs differ");
    let strip = |folder: &Path| {
        let mut found = files(folder);
        found.remove("run.log").expect("a run has a log");
        found
    };
    let (first, second) = (strip(first.folder()), strip(second.folder()));
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, octets) in &first {
        assert!(second[name] == *octets, "{name} differs between one thread and two");
    }
}

#[test]
fn a_second_run_keeps_the_first() {
    let world = World::clean();
    let first = files(world.run().ends_with(0).folder());
    let again = world.run().ends_with(0);
    let second = files(again.folder());
    for (name, octets) in first.iter().filter(|(name, _)| *name != "run.log") {
        assert!(second[name] == *octets, "{name} was written again");
    }
    assert!(again.err.contains("an equal run was there already"));
}

/// No test speaks well of evidence it did not speak well of before.
fn nothing_got_better(before: &Weighed, after: &Weighed, what: &str, complaints: &mut Vec<String>) {
    for (id, verdict) in &after.tests {
        if verdict.favourable() && !before.tests[id].favourable() {
            complaints
                .push(format!("without {what}, {id:?} went from {} to {} ({})", before.tests[id].outcome, verdict.outcome, verdict.reason));
        }
    }
}

fn each_file_deleted(world: &World, also: impl Fn(&str, &Weighed) -> Option<String>) {
    let cache = tempfile::tempdir().unwrap();
    let before = world.weigh(&[], cache.path());
    let mut complaints = Vec::new();
    for path in names(&world.folder.join("evidence")) {
        let octets = fs::read(world.evidence(&path)).unwrap();
        fs::remove_file(world.evidence(&path)).unwrap();
        let after = world.weigh(&[], cache.path());
        nothing_got_better(&before, &after, &path, &mut complaints);
        complaints.extend(also(&path, &after));
        world.put(&path, octets);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_file_whose_absence_makes_a_result_of_the_planted_sample_better() {
    each_file_deleted(&World::planted(), |_, _| None);
}

#[test]
fn absent_evidence_is_never_a_failing_and_never_unnoticed() {
    each_file_deleted(&World::clean(), |path, after| {
        let failing: Vec<_> = after.tests.iter().filter(|(_, verdict)| verdict.actual + verdict.potential > 0).map(|(id, _)| id).collect();
        let unnoticed = after.tests.values().all(|verdict| verdict.outcome == "no_exceptions");
        // No control of this version judges the database of the infrastructure CA or the ARL of the root.
        let unused = ["openssl/index.txt", "crl/root-arl.crl"].contains(&path);
        if !failing.is_empty() {
            Some(format!("without {path}, {failing:?} notes exceptions"))
        } else if unnoticed && !unused {
            Some(format!("without {path}, every test is as it was"))
        } else {
            None
        }
    });
}

/// Removes what says how many records there should be.
fn forget_the_counts(world: &World) {
    world.declare(|text| {
        let source_count = regex::Regex::new(r", source_count = \d+").unwrap();
        let count = regex::Regex::new(r"(?m)^count = \d+\n").unwrap();
        count.replace_all(&source_count.replace_all(text, ""), "").into_owned()
    });
}

/// Lines without the one of an index.
fn without(text: &str, index: usize) -> String {
    text.split_inclusive('\n').enumerate().filter(|(at, _)| *at != index).map(|(_, line)| line).collect()
}

/// PEM blocks without the one of an index.
fn without_block(text: &str, index: usize) -> String {
    const END: &str = "-----END X509 CRL-----\n";
    text.split_inclusive(END).enumerate().filter(|(at, _)| *at != index).map(|(_, block)| block).collect()
}

/// Makes each change in turn, and asks what is wrong with what then comes out.
fn each_change<'a>(
    world: &World,
    controls: &[&str],
    path: &str,
    changes: impl Iterator<Item = (String, String)> + 'a,
    judge: impl Fn(&str, &Weighed) -> Option<String>,
) {
    let cache = tempfile::tempdir().unwrap();
    let original = world.text(path);
    let mut complaints = Vec::new();
    let mut tried = 0;
    for (what, text) in changes {
        assert_ne!(original, text, "{what} changes nothing");
        world.put(path, text);
        let after = world.weigh(controls, cache.path());
        complaints.extend(judge(&what, &after).map(|complaint| format!("{path}: {what}: {complaint}")));
        tried += 1;
    }
    world.put(path, original);
    assert!(tried > 0, "no change was tried on {path}");
    assert!(complaints.is_empty(), "{} of {tried} changes: {}", complaints.len(), complaints.join("\n"));
}

fn all_well(after: &Weighed) -> Option<String> {
    after.tests.values().all(|verdict| verdict.outcome == "no_exceptions").then(|| "every test still notes no exceptions".to_owned())
}

/// Every `step`th line of those that `of` picks is deleted in turn, and the last in any case.
fn each_line_deleted(
    world: &World,
    path: &str,
    controls: &[&str],
    step: usize,
    of: impl Fn(&str) -> bool,
    judge: impl Fn(&str, &Weighed) -> Option<String>,
) {
    let text = world.text(path);
    let all: Vec<(usize, String)> = text.lines().map(ToOwned::to_owned).enumerate().filter(|(_, line)| of(line)).collect();
    let last = all.len() - 1;
    let lines = all.into_iter().enumerate().filter(|(turn, _)| turn % step == 0 || *turn == last).map(|(_, line)| line);
    let lines: Vec<(usize, String)> = lines.collect();
    let changes = lines.into_iter().map(|(at, line)| {
        let start: String = line.chars().take(60).collect();
        (format!("without line {} ({start})", at + 1), without(&text, at))
    });
    each_change(world, controls, path, changes, judge);
}

// Where the source was counted, any row that is gone breaks the count, so a sample of the rows will do; where
// it was not, below, every row that supports an issuance is deleted in turn.

#[test]
fn a_request_that_is_not_there_is_missed() {
    each_line_deleted(&World::clean(), "registers/requests.csv", &["RA-03"], 6, |line| line.starts_with("RQ-"), |_, after| all_well(after));
}

#[test]
fn an_approval_that_is_not_there_is_missed() {
    each_line_deleted(
        &World::clean(),
        "registers/approvals.csv",
        &["RA-03"],
        6,
        |line| line.starts_with("RQ-"),
        |_, after| all_well(after),
    );
}

#[test]
fn a_crl_that_is_not_there_is_missed() {
    for path in ["crl/issuing-1-2020-09.pem", "crl/issuing-1-2020-10.pem"] {
        let world = World::clean();
        let text = world.text(path);
        let blocks = text.matches("-----END X509 CRL-----").count();
        let sample = (0..blocks).filter(|at| at % 7 == 0 || at + 1 == blocks);
        let changes = sample.map(|at| (format!("without CRL {}", at + 1), without_block(&text, at)));
        each_change(&world, &["RV-02"], path, changes, |_, after| all_well(after));
    }
}

#[test]
fn an_issuance_that_is_not_in_the_log_is_missed() {
    let world = World::clean();
    for path in ["ca/server-2020-09.log", "ca/server-2020-10.log"] {
        each_line_deleted(&world, path, &["RA-03", "AU-04"], 6, |line| line.contains(";CERT_CREATION;"), |_, after| all_well(after));
    }
}

/// Without counts, nothing but the match itself can tell: the exception is potential, for the record may
/// exist and not have been supplied.
fn only_potential(after: &Weighed) -> Option<String> {
    let verdict = &after.tests[&("RA-03".to_owned(), "three-way".to_owned())];
    match verdict.outcome.as_str() {
        "could_not_test" => None,
        "exceptions" if verdict.actual == 0 && verdict.potential > 0 => None,
        other => Some(format!("{other}, {} actual, {} potential: {}", verdict.actual, verdict.potential, verdict.reason)),
    }
}

/// Serials issued in the time of the policy, and the requests that led to them.
fn requests_tested(world: &World) -> BTreeSet<String> {
    let logs = ["ca/server-2020-09.log", "ca/server-2020-10.log"].map(|path| world.text(path)).concat();
    let issued: BTreeSet<&str> = logs
        .lines()
        .filter(|line| line.contains(";CERT_CREATION;SUCCESS;") && &line[..10] >= "2020-09-17")
        .map(|line| line.split(';').nth(7).unwrap())
        .collect();
    let requests = world.text("registers/requests.csv");
    let tested = requests.lines().skip(1).filter(|line| issued.contains(line.rsplit(',').next().unwrap()));
    tested.map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

#[test]
fn without_counts_a_missing_request_or_approval_is_a_potential_exception() {
    let world = World::clean();
    let tested = requests_tested(&world);
    assert!(tested.len() > 20, "the sample has too few requests to tell");
    forget_the_counts(&world);
    let cache = tempfile::tempdir().unwrap();
    let before = world.weigh(&["RA-03"], cache.path());
    assert!(before.tests.values().all(|verdict| verdict.outcome == "procedure_open"), "an extract nobody counted leaves a procedure open");
    for path in ["registers/requests.csv", "registers/approvals.csv"] {
        each_line_deleted(
            &world,
            path,
            &["RA-03"],
            1,
            |line| tested.contains(line.split(',').next().unwrap()),
            |_, after| only_potential(after),
        );
    }
}

/// A CSV text with one cell blanked; the sample quotes a cell only in the third column of the requests.
fn blanked(text: &str, line: usize, column: usize) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for character in lines[line].chars() {
        match character {
            '"' => {
                quoted = !quoted;
                cells.last_mut().unwrap().push('"');
            }
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    if cells[column].is_empty() {
        return None;
    }
    cells[column].clear();
    lines[line] = cells.join(",");
    Some(lines.join("\n") + "\n")
}

fn each_cell_blanked(path: &str, control: &str, columns: &[usize], rows: &[&str]) {
    let world = World::clean();
    let text = world.text(path);
    let mut changes = Vec::new();
    for row in rows {
        let line = text.lines().position(|line| line.starts_with(row)).unwrap();
        for column in columns {
            let what = format!("column {} of {row} blank", text.lines().next().unwrap().split(',').nth(*column).unwrap());
            changes.extend(blanked(&text, line, *column).map(|text| (what, text)));
        }
    }
    each_change(&world, &[control], path, changes.into_iter(), |_, after| {
        let actual: u64 = after.tests.values().map(|verdict| verdict.actual).sum();
        let accused = (actual > 0).then(|| "a cell that is not there is an actual exception".to_owned());
        all_well(after).or(accused)
    });
}

#[test]
fn a_request_with_a_needed_cell_blank_is_missed() {
    each_cell_blanked("registers/requests.csv", "RA-03", &[0, 1, 3, 5, 6], &["RQ-00460", "RQ-00486", "RQ-00497"]);
}

#[test]
fn an_approval_with_a_needed_cell_blank_is_missed() {
    each_cell_blanked("registers/approvals.csv", "RA-03", &[0, 1, 3], &["RQ-00460", "RQ-00497", "RQ-00521"]);
}

#[test]
fn a_role_with_a_needed_cell_blank_is_missed() {
    each_cell_blanked("registers/roles.csv", "PE-03", &[0, 1, 3], &["P. Marlow", "T. Brandt,Auditor", "L. Duarte"]);
}

#[test]
fn the_tables_can_be_asked_for_what_the_sample_holds() {
    let world = World::clean();
    let sql = "SELECT event_type, COUNT(*) AS n FROM ca_events WHERE event_type = 'cert.issued' GROUP BY event_type";
    let output = assure_in(world.around(), &["-q", "query", world.folder.to_str().unwrap(), sql, "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{\"event_type\":\"cert.issued\",\"n\":\"36\"}\n");
}
