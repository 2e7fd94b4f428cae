//! The outcome of a test, by one total function, and of a control, worst first. No outcome is made
//! anywhere else.

use std::collections::BTreeMap;

use super::JudgedTest;
use super::certainty::Tally;
use crate::catalogue::control::TestFile;
use crate::domain::count::{counted, grouped};
use crate::domain::outcome::Outcome;
use crate::evaluate::TestFacts;
use crate::evaluate::completeness::{Completeness, State};
use crate::evaluate::coverage::Silence;

/// The outcome of a test, with the reason in one sentence, which says as well what no log could tell.
#[must_use]
pub fn of_test(test: &TestFacts, tally: &Tally) -> (Outcome, String) {
    let (outcome, reason) = decided(test, tally);
    let tested = matches!(outcome, Outcome::Exceptions | Outcome::ProcedureOpen | Outcome::NoExceptions);
    let limit = (tested && !test.untold.is_empty()).then(|| format!("; {}", untold(test)));
    (outcome, reason + &limit.unwrap_or_default())
}

fn decided(test: &TestFacts, tally: &Tally) -> (Outcome, String) {
    if !test.missing.is_empty() {
        return (Outcome::CouldNotTest, format!("evidence missing: no readable source of {}", test.missing.join(", ")));
    }
    if let Some(failure) = &test.failure {
        return (Outcome::CouldNotTest, format!("the test could not be run: {failure}"));
    }
    if tally.exceptions() > 0 {
        return (Outcome::Exceptions, exceptions(test, tally));
    }
    let mut reasons = Vec::new();
    if tally.undecided > 0 {
        reasons.push(undecided(test, tally));
    }
    if test.census.unreadable > 0 {
        reasons.push(unreadable(test));
    }
    if !test.support_unreadable.is_empty() {
        let tables: Vec<String> = test.support_unreadable.iter().map(|(table, count)| format!("{count} of {table}")).collect();
        reasons.push(format!("records that could not be read or settled: {}", tables.join(", ")));
    }
    let broken = test.completeness.iter().filter_map(|known| Some((known, known.broken()?)));
    reasons.extend(broken.map(|(known, why)| format!("the evidence of {} is incomplete: {why}", known.table)));
    if !reasons.is_empty() {
        return (Outcome::CouldNotTest, reasons.join("; "));
    }
    let untested: Vec<String> = in_state(test, State::Untested).map(|known| format!("{}: {}", known.table, known.reason)).collect();
    let shown = test.completeness.iter().all(|known| known.state == State::Shown);
    match (test.census.population, untested.is_empty(), shown) {
        (0, _, false) => {
            let reason = "there are no such records in the evidence supplied, and nothing shows that the evidence is complete";
            (Outcome::CouldNotTest, reason.to_owned())
        }
        (0, _, true) if !test.untold.is_empty() => (Outcome::CouldNotTest, format!("there are no such records, and {}", untold(test))),
        (0, _, true) => (Outcome::NothingToTest, "complete evidence, and no such records in it".to_owned()),
        (_, false, _) => (
            Outcome::ProcedureOpen,
            format!(
                "no exceptions in {} tested; the completeness of the extract is untested: {}",
                counted(test.census.population, "record", "records"),
                untested.join("; ")
            ),
        ),
        (tested, true, _) => {
            let within = if shown { "" } else { " in the evidence supplied" };
            let reason = format!(
                "no exceptions noted{within}; all {} of the population were tested, of {} supplied",
                grouped(tested),
                counted(test.census.records(), "record", "records")
            );
            (Outcome::NoExceptions, reason)
        }
    }
}

/// What no log could tell: because none has a word for it, or because a setting may have left it out.
fn untold(test: &TestFacts) -> String {
    let mut by_reason: BTreeMap<&Silence, Vec<&str>> = BTreeMap::new();
    for (kind, silence) in &test.untold {
        by_reason.entry(silence).or_default().push(kind);
    }
    let words = |(silence, kinds): (&Silence, Vec<&str>)| match silence {
        Silence::NoWord => format!("no log of the evidence could tell of {}", kinds.join(", ")),
        Silence::Setting(setting) => format!("nothing shows that {setting} had {} recorded the whole time", kinds.join(", ")),
    };
    by_reason.into_iter().map(words).collect::<Vec<_>>().join("; ")
}

fn in_state(test: &TestFacts, state: State) -> impl Iterator<Item = &Completeness> {
    test.completeness.iter().filter(move |known| known.state == state)
}

fn exceptions(test: &TestFacts, tally: &Tally) -> String {
    let mut reason = match (tally.actual, tally.potential) {
        (actual, 0) => counted(actual, "exception", "exceptions"),
        (0, potential) => counted(potential, "potential exception", "potential exceptions"),
        (actual, potential) => {
            format!("{} and {}", counted(actual, "exception", "exceptions"), counted(potential, "potential one", "potential ones"))
        }
    };
    reason = format!("{reason} in {} tested", counted(test.census.population, "record", "records"));
    if test.census.unreadable > 0 {
        reason = format!("{reason}; {}", unreadable(test));
    }
    if tally.undecided > 0 {
        reason = format!("{reason}; {}", undecided(test, tally));
    }
    reason
}

fn undecided(test: &TestFacts, tally: &Tally) -> String {
    let why: Vec<String> = test
        .completeness
        .iter()
        .filter(|known| tally.waits_for.contains(&known.table))
        .map(|known| format!("{} ({}, {})", known.table, known.state.words(), known.reason))
        .collect();
    let on = if why.is_empty() { tally.waits_for.join(", ") } else { why.join("; ") };
    format!("{} could not be decided: it rests on {on}", tally.undecided)
}

fn unreadable(test: &TestFacts) -> String {
    let columns: Vec<String> = test
        .needs_empty
        .iter()
        .map(|(column, count, means)| match means {
            Some(means) => format!("{count} without {column}: {means}"),
            None => format!("{count} without {column}"),
        })
        .collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join("; ")) };
    let all = test.census.population + test.census.unreadable;
    let all = counted(all, "record", "records");
    format!("{} of {all} could not be read or judged{columns}", test.census.unreadable)
}

/// The outcome of a control: the worst of its tests, and of the part that is a person's.
#[must_use]
pub fn of_control(files: &[TestFile], tests: &[JudgedTest], procedure: &[String]) -> (Outcome, String) {
    let open = (!procedure.is_empty()).then(|| (Outcome::ProcedureOpen, "a person's part is pending".to_owned()));
    let tested = files.iter().zip(tests).map(|(file, test)| (test.outcome, format!("{}: {}", file.id, test.reason)));
    let mut parts: Vec<(Outcome, String)> = tested.chain(open).collect();
    parts.sort_by_key(|(outcome, _)| *outcome);
    let Some(worst) = parts.first().map(|(outcome, _)| *outcome) else {
        return (Outcome::ProcedureOpen, "nothing is decided by the program".to_owned());
    };
    let reasons: Vec<String> = parts.into_iter().filter(|(outcome, _)| *outcome == worst).map(|(_, reason)| reason).collect();
    (worst, reasons.join("; "))
}
