//! A draft finding for every control with exceptions: the facts alone. What they mean, how grave they
//! are and what is to be done stays empty for the assessor.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::exceptions::{Trace, Traces};
use super::record::Matter;
use super::results::{Control, Test};
use crate::domain::count::{counted, grouped};

/// A draft finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// `F-` and the control.
    pub id: String,
    /// Control.
    pub control: String,
    /// `Exceptions to:` and the title of the control, which says what holds when there are none.
    pub title: String,
    /// Whether the criterion was confirmed; where it was not, the finding is indicative.
    pub confirmed: bool,
    /// What the control asks for, with the clause where it is known.
    pub criteria: String,
    /// What was found: n of N, the first and the last place.
    pub condition: String,
    /// How much was tested, and what was not.
    pub extent: String,
    /// Exceptions that the evidence establishes.
    pub actual: u64,
    /// Exceptions that stand unless a record exists that was not shown.
    pub potential: u64,
    /// Evidence ids.
    pub evidence: Vec<String>,
    /// A grade by a fixed rule, for the assessor to take or leave.
    pub suggested_grade: String,
}

impl Matter<'_> {
    /// Drafts, in the order of the controls.
    pub(super) fn findings(&self, controls: &[Control], traces: &Traces) -> Vec<Finding> {
        let excepted = controls.iter().filter(|control| control.tests.iter().any(|test| test.exceptions > 0));
        excepted.map(|control| self.finding(control, traces)).collect()
    }

    fn finding(&self, control: &Control, traces: &Traces) -> Finding {
        let instrument = self.catalogue.instruments.get(&control.instrument).map_or(control.instrument.as_str(), |i| i.title.as_str());
        let versions =
            self.judged.controls.iter().find(|judged| judged.facts.id == control.id).map(|judged| judged.facts.versions.join(", "));
        let criteria = match (&control.clause, &control.official_text) {
            (Some(clause), Some(text)) => {
                format!("Clause {clause} of {instrument}, version {}: {text}", versions.unwrap_or_default())
            }
            _ => format!("{} (Wording not confirmed; expected at {} of {instrument}.)", control.requirement, control.position),
        };
        let traced: Vec<(&Test, &Trace)> = control
            .tests
            .iter()
            .filter_map(|test| Some((test, traces.get(&(control.id.clone(), test.id.clone()))?)))
            .filter(|(test, _)| test.exceptions > 0)
            .collect();
        let evidence: BTreeSet<String> = traced.iter().flat_map(|(_, trace)| trace.evidence.iter().cloned()).collect();
        let period = format!(
            "{} to {}",
            crate::domain::instant::day_text(self.normalised.timeline.period_start),
            crate::domain::instant::day_text(self.normalised.timeline.period_end - 1)
        );
        let actual = control.tests.iter().map(|test| test.exceptions.saturating_sub(test.potential)).sum();
        let potential = control.tests.iter().map(|test| test.potential).sum();
        Finding {
            id: format!("F-{}", control.id),
            control: control.id.clone(),
            title: exceptions_to(&control.title),
            confirmed: control.confirmed.is_some(),
            criteria,
            condition: traced.iter().map(|(test, trace)| condition(test, trace, &period)).collect::<Vec<_>>().join("\n"),
            extent: control.tests.iter().map(extent).collect::<Vec<_>>().join("\n"),
            actual,
            potential,
            evidence: evidence.into_iter().collect(),
            suggested_grade: grade(control, actual).to_owned(),
        }
    }
}

/// The rule of the suggested grade. Nothing unconfirmed is called a failure.
fn grade(control: &Control, actual: u64) -> &'static str {
    match (control.confirmed.is_some(), control.qualifier.starts_with("Good practice"), actual) {
        (true, _, 0) => "Potential non-compliance",
        (true, ..) => "Actual non-compliance",
        (false, true, _) => "Observation",
        (false, false, _) => "None",
    }
}

fn condition(test: &Test, trace: &Trace, period: &str) -> String {
    let potential = if test.potential > 0 { format!(", {} of them potential", test.potential) } else { String::new() };
    let (first, says) = trace.first.clone().unwrap_or_default();
    let places = if test.exceptions > 1 { format!("First: {first}; last: {}.", trace.last) } else { format!("Place: {first}.") };
    format!(
        "Test {}, {period}: {}{potential} in {} of {}. {places} The first says: {says}.",
        test.id,
        counted(test.exceptions, "exception", "exceptions"),
        counted(test.population, "record", "records"),
        test.subject
    )
}

fn extent(test: &Test) -> String {
    let supplied = format!("of {} of {} supplied", counted(test.records, "record", "records"), test.subject);
    let tested = match (test.population, test.unreadable) {
        (0, 0) => return format!("Test {}: none tested, {supplied}.", test.id),
        (tested, 0) => format!("all {} of the population were tested, {supplied}", grouped(tested)),
        (tested, lost) => format!(
            "{} of {} of the population were tested, {supplied}; {} could not be",
            grouped(tested),
            grouped(tested + lost),
            grouped(lost)
        ),
    };
    let undecided = if test.undecided > 0 { format!("; of these, {} undecided", grouped(test.undecided)) } else { String::new() };
    format!("Test {}: {tested}{undecided}.", test.id)
}

/// What stands over exceptions to a control: its title alone would say that it holds.
pub(super) fn exceptions_to(title: &str) -> String {
    format!("Exceptions to: {title}")
}
