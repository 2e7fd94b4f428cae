//! Cases: what every control says of evidence that is right, that is wrong, and that is not enough.
//!
//! `tests/cases/<CONTROL>/<what>.toml` holds canonical rows and what the control makes of them:
//!
//! * `why`: one sentence on the evidence and on what is wrong with it;
//! * `engagement`: an `engagement.toml` in place of [`ENGAGEMENT`]; `complete = true` adds to it that all
//!   evidence announced came ([`COMPLETE`]), `declares` adds what it says;
//! * `overrides`: an `overrides.toml`;
//! * `expect`: the outcome of the control and of its tests, and every row its tests find, in the words
//!   of [`found`]: test, table, row (`2/7`: evidence 2, row 7), certainty, and what the row says of its fault and
//!   of when it falls. Undecided rows, which are no exceptions, stand there too;
//! * `also`: the other controls that rightly have exceptions;
//! * rows of tables. A table left out has no source; `table = []` is a source that held no record.
//!
//! Checklists and cases are read from the tree, so a control is tried without a build. While one works on some,
//! `ASSURE_CASES=RV-02,KM` runs the cases of the controls that begin so, and holds only these to be complete;
//! `ASSURE_TREE` names another tree.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;

use assure::catalogue::Catalogue;
use assure::catalogue::criteria::Criteria;
use assure::catalogue::engagement::Engagement;
use assure::catalogue::overrides::Overrides;
use assure::domain::outcome::Outcome;
use assure::engine::Rows;
use assure::evaluate::{self, Census, TestFacts};
use assure::judge::judgement::Judgements;
use assure::judge::{self, JudgedControl, certainty};
use assure::normalise::given::{self, GivenTables};
use serde::Deserialize;

const ENGAGEMENT: &str = r#"
schema = 1
[engagement]
title = "A case"
kind = "subsequent"
period = { start = 2020-09-01, end = 2020-10-31 }
as_of = 2020-11-30
environment = "live"
"#;

const COMPLETE: &str = r#"
[[expected]]
what = "all of the evidence"
path = "given"
covers = "period"
[[source]]
path = "given"
obtained = { how = "observed", by = "the assessor", on = 2020-11-30, source_count = 0 }
"#;

#[derive(Deserialize)]
struct CaseFile {
    why: String,
    engagement: Option<String>,
    #[serde(default)]
    complete: bool,
    #[serde(default)]
    declares: String,
    overrides: Option<String>,
    expect: Said,
    #[serde(default)]
    also: BTreeSet<String>,
    #[serde(flatten)]
    tables: GivenTables,
}

/// What a control says.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    outcome: String,
    #[serde(default)]
    tests: BTreeMap<String, String>,
    #[serde(default)]
    exceptions: Vec<String>,
}

struct Case {
    control: String,
    path: String,
    file: CaseFile,
}

/// What a case gave.
struct Ran {
    /// What each control says.
    said: BTreeMap<String, Said>,
    /// Controls with exceptions.
    fired: BTreeSet<String>,
    /// For each test that was run: its name, what it failed of, its census, the rows of its subject.
    tests: Vec<RanTest>,
}

struct RanTest {
    name: String,
    failure: Option<String>,
    census: Census,
    records: u64,
}

/// The catalogue of cases without overrides.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(catalogue);

/// Every case, with what it gave. Every test of this module reads it; it is made once.
static CASES: LazyLock<Vec<(Case, Result<Ran, String>)>> = LazyLock::new(|| {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut hands: Vec<Vec<Case>> = (0..threads).map(|_| Vec::new()).collect();
    for (number, case) in read().into_iter().enumerate() {
        hands[number % threads].push(case);
    }
    let deal = |hand: Vec<Case>| {
        let work = || hand.into_iter().map(|case| (run(&case), case)).map(|(ran, case)| (case, ran)).collect::<Vec<_>>();
        // Planning a long statement goes deep in a build that is not optimised.
        thread::Builder::new().stack_size(64 << 20).spawn(work).unwrap()
    };
    let running: Vec<_> = hands.into_iter().map(deal).collect();
    let mut cases: Vec<_> = running.into_iter().flat_map(|hand| hand.join().unwrap()).collect();
    cases.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
    cases
});

fn tree() -> PathBuf {
    env::var_os("ASSURE_TREE").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

fn chosen(control: &str) -> bool {
    env::var("ASSURE_CASES").map_or(true, |some| some.split(',').any(|start| control.starts_with(start)))
}

fn catalogue() -> Catalogue {
    Catalogue::load(&[&tree().join("checklists")]).unwrap_or_else(|complaints| unreachable!("{complaints:?}"))
}

fn read() -> Vec<Case> {
    let root = tree().join("tests/cases");
    let mut cases = Vec::new();
    for control in names(&root).into_iter().filter(|control| chosen(control)) {
        for name in names(&root.join(&control)) {
            let path = format!("{control}/{name}");
            let text = fs::read_to_string(root.join(&path)).unwrap_or_default();
            let file = toml::from_str(&text).unwrap_or_else(|error| unreachable!("{path}: {error}"));
            cases.push(Case { control: control.clone(), path, file });
        }
    }
    cases
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| unreachable!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn run(case: &Case) -> Result<Ran, String> {
    let file = &case.file;
    let mut text = file.engagement.clone().unwrap_or_else(|| ENGAGEMENT.to_owned());
    text.push_str(&file.declares);
    text.push_str(if file.complete { COMPLETE } else { "" });
    let engagement = Engagement::read("engagement.toml", &text).map_err(|wrong| format!("{wrong:?}"))?;
    let mut own = None;
    let mut overrides = Overrides::default();
    if let Some(text) = &file.overrides {
        let mut catalogue = catalogue();
        overrides = Overrides::read("overrides.toml", Some(text), &mut catalogue).map_err(|wrong| format!("{wrong:?}"))?;
        own = Some(catalogue);
    }
    let catalogue = own.as_ref().unwrap_or(&CATALOGUE);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let normalised = given::given(&file.tables, &engagement, catalogue, &folder.path().join("work")).map_err(|error| error.to_string())?;
    let facts = evaluate::evaluate(&normalised, catalogue, &engagement, &overrides, &mut |_| {}).map_err(|error| error.to_string())?;
    let judged = judge::judge(facts, &normalised, catalogue, &engagement, &Criteria::default(), &overrides, Judgements::default());
    let mut ran = Ran { said: BTreeMap::new(), fired: BTreeSet::new(), tests: Vec::new() };
    for control in &judged.controls {
        let id = &control.facts.id;
        let subjects: Vec<&str> =
            catalogue.controls.get(id).map_or_else(Vec::new, |c| c.file.test.iter().map(|test| test.subject.as_str()).collect());
        ran.said.insert(id.clone(), said(control, &subjects));
        if control.tests.iter().any(|test| test.tally.exceptions() > 0) {
            ran.fired.insert(id.clone());
        }
        for (test, subject) in control.facts.tests.iter().zip(subjects).filter(|(test, _)| test.missing.is_empty()) {
            let rows = file.tables.get(subject).map_or(0, Vec::len) as u64;
            let rejected = normalised.tables.get(subject).map_or(0, |table| table.rejected);
            ran.tests.push(RanTest {
                name: format!("{id} {}", test.id),
                failure: test.failure.clone(),
                census: test.census,
                records: rows + rejected,
            });
        }
    }
    Ok(ran)
}

fn said(control: &JudgedControl, subjects: &[&str]) -> Said {
    let tests = control.facts.tests.iter().zip(&control.tests).map(|(facts, test)| (facts.id.clone(), test.outcome.code().to_owned()));
    let mut exceptions = Vec::new();
    for (facts, subject) in control.facts.tests.iter().zip(subjects) {
        for segment in &facts.segments {
            exceptions.extend((0..segment.rows.len()).map(|row| found(facts, subject, &segment.rows, row)));
        }
    }
    exceptions.sort();
    Said { outcome: control.outcome.code().to_owned(), tests: tests.collect(), exceptions }
}

/// A row a test found, in the words of the case files: `three-way: ca_events 2 actual, no request for it`.
fn found(test: &TestFacts, subject: &str, rows: &Rows, row: usize) -> String {
    let cell = |name: &str| rows.named(row, name).text();
    let place = match (cell("evidence").unwrap_or_default().as_str(), cell("row").unwrap_or_default()) {
        ("1", row) => row,
        (evidence, row) => format!("{evidence}/{row}"),
    };
    let mut words = format!("{}: {subject} {place} {}", test.id, certainty::of_row(test, rows, row).word());
    for (name, before) in [("fault", ""), ("other_role", "also "), ("missing", ""), ("falls_at", "from ")] {
        if let Some(value) = cell(name) {
            words = format!("{words}, {before}{value}");
        }
    }
    words
}

fn all_or_complain(complaints: &[String]) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_case_gives_what_it_says() {
    let mut wrong = Vec::new();
    for (case, ran) in CASES.iter() {
        let mut expected = Said {
            outcome: case.file.expect.outcome.clone(),
            tests: case.file.expect.tests.clone(),
            exceptions: case.file.expect.exceptions.clone(),
        };
        expected.exceptions.sort();
        match ran {
            Err(why) => wrong.push(format!("{}: {why}", case.path)),
            Ok(ran) => match ran.said.get(&case.control) {
                None => wrong.push(format!("{}: no control {}", case.path, case.control)),
                Some(said) if *said != expected => {
                    wrong.push(format!("{}: {}\n  expected {expected:?}\n  it gave  {said:?}", case.path, case.file.why));
                }
                Some(_) => {}
            },
        }
    }
    all_or_complain(&wrong);
}

#[test]
fn no_case_makes_another_control_fire_unnoticed() {
    let mut wrong = Vec::new();
    for (case, ran) in CASES.iter() {
        let Ok(ran) = ran else { continue };
        let others: BTreeSet<String> = ran.fired.iter().filter(|id| **id != case.control).cloned().collect();
        if others != case.file.also {
            wrong.push(format!("{}: also {:?}, and it made {others:?} fire", case.path, case.file.also));
        }
    }
    all_or_complain(&wrong);
}

#[test]
fn every_control_is_shown_to_fire_to_be_silent_and_to_be_unable_to_test() {
    let mut wrong = Vec::new();
    for control in CATALOGUE.controls.values().filter(|control| chosen(&control.id)) {
        let said: Vec<&Said> = CASES.iter().filter(|(case, _)| case.control == control.id).map(|(case, _)| &case.file.expect).collect();
        let mut want = |shown: bool, what: &str| {
            if !shown {
                wrong.push(format!("{}: no case {what}", control.id));
            }
        };
        if control.file.test.is_empty() {
            want(said.iter().any(|said| said.outcome == "procedure_open"), "with its procedure open");
            continue;
        }
        let silent = Outcome::NoExceptions.code();
        want(said.iter().any(|said| said.outcome == "exceptions"), "with exceptions");
        want(said.iter().any(|said| said.outcome == "could_not_test"), "that could not be tested");
        let untouched = |said: &&Said| said.tests.values().all(|outcome| outcome == silent) && !said.tests.is_empty();
        want(said.iter().any(untouched), "without exceptions");
        for test in &control.file.test {
            let finds = format!("{}: ", test.id);
            want(
                said.iter().any(|said| said.exceptions.iter().any(|row| row.starts_with(&finds))),
                &format!("in which {} finds a row", test.id),
            );
            want(
                said.iter().any(|said| said.tests.get(&test.id).is_some_and(|o| o == silent)),
                &format!("in which {} finds none", test.id),
            );
            want(
                said.iter().any(|said| said.tests.get(&test.id).is_some_and(|o| o == "could_not_test")),
                &format!("in which {} could not test", test.id),
            );
        }
    }
    all_or_complain(&wrong);
}

#[test]
fn the_classes_of_every_census_sum_to_the_records() {
    let mut wrong = Vec::new();
    for (case, ran) in CASES.iter() {
        for test in ran.iter().flat_map(|ran| &ran.tests) {
            if test.failure.is_none() && test.census.records() != test.records {
                wrong.push(format!("{}: {}: {:?} of {} records", case.path, test.name, test.census, test.records));
            }
        }
    }
    all_or_complain(&wrong);
}

#[test]
fn no_statement_fails_on_any_case() {
    let mut wrong = Vec::new();
    for (case, ran) in CASES.iter() {
        for test in ran.iter().flat_map(|ran| &ran.tests) {
            if let Some(failure) = &test.failure {
                wrong.push(format!("{}: {}: {failure}", case.path, test.name));
            }
        }
    }
    all_or_complain(&wrong);
}

#[test]
fn every_case_says_why_in_a_sentence() {
    let wrong: Vec<String> = CASES
        .iter()
        .filter(|(case, _)| !case.file.why.ends_with('.') || case.file.why.len() < 20)
        .map(|(case, _)| case.path.clone())
        .collect();
    all_or_complain(&wrong);
}
