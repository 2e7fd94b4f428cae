//! Evidence asked for: what was announced and whether it came, and what to ask for where a control could
//! not be tested.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::record::Matter;
use super::results::Control;
use crate::domain::outcome::Outcome;
use crate::evaluate::completeness::{self, State};

/// A line of the list of requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// `RQ-` and a number, in the order of the list.
    pub id: String,
    /// `announced` in the engagement, or `needed` by a control.
    pub kind: String,
    /// What it is: the engagement's words, or what the control asks for.
    pub what: String,
    /// Glob over paths in the evidence folder, where it was announced.
    pub path: Option<String>,
    /// Files announced, where a number was.
    pub announced: Option<u64>,
    /// Usable files that came, where it was announced.
    pub received: Option<u64>,
    /// `received`, `received, not counted`, `short`, `not received`; of a control `could not test`.
    pub status: String,
    /// What is missing, or why the control could not be tested.
    pub missing: String,
    /// What the operator is asked for: how each format that would serve is exported.
    pub ask: Vec<String>,
    /// Controls that wait for it.
    pub controls: Vec<String>,
}

impl Matter<'_> {
    /// The list, announced evidence first.
    pub(super) fn requests(&self, controls: &[Control]) -> Vec<Request> {
        let announced = completeness::announced(self.normalised, self.engagement).into_iter().map(|item| {
            let came = item.files > 0;
            let status = match (item.state, came) {
                (State::Broken, false) => "not received",
                (State::Broken, true) => "short",
                (State::Shown, _) => "received",
                _ => "received, not counted",
            };
            let tables: BTreeSet<&str> = item.tables.iter().map(String::as_str).collect();
            Request {
                id: String::new(),
                kind: "announced".to_owned(),
                what: item.expected.what.clone(),
                path: Some(item.expected.path.clone()),
                announced: item.expected.count,
                received: Some(item.files),
                status: status.to_owned(),
                missing: item.reason.clone(),
                ask: if item.state == State::Broken { self.exports(&tables) } else { Vec::new() },
                controls: self.readers(&tables),
            }
        });
        let untested = controls.iter().filter(|control| control.outcome == Outcome::CouldNotTest.code());
        let needed = untested.map(|control| Request {
            id: String::new(),
            kind: "needed".to_owned(),
            what: control.evidence_wanted.join("\n"),
            path: None,
            announced: None,
            received: None,
            status: control.outcome_words.clone(),
            missing: control.reason.clone(),
            ask: self.exports(&self.wanting(&control.id)),
            controls: vec![control.id.clone()],
        });
        let numbered = announced.chain(needed).zip(1..);
        numbered.map(|(request, number)| Request { id: format!("RQ-{number:03}"), ..request }).collect()
    }

    /// The tables for want of which a control could not be tested: those without a source, else those not
    /// shown complete, else all it reads.
    fn wanting(&self, id: &str) -> BTreeSet<&str> {
        let Some(judged) = self.judged.controls.iter().find(|judged| judged.facts.id == id) else { return BTreeSet::new() };
        let tests = || judged.facts.tests.iter();
        let missing: BTreeSet<&str> = tests().flat_map(|test| test.missing.iter().map(String::as_str)).collect();
        if !missing.is_empty() {
            return missing;
        }
        let weak = tests().flat_map(|test| test.completeness.iter().filter(|known| known.state != State::Shown));
        let weak: BTreeSet<&str> = weak.map(|known| known.table.as_str()).collect();
        if !weak.is_empty() {
            return weak;
        }
        let control = self.catalogue.controls.get(id);
        control.iter().flat_map(|control| &control.statements).flat_map(|statement| statement.tables.iter().map(String::as_str)).collect()
    }

    /// How every format is exported that feeds one of the tables.
    fn exports(&self, tables: &BTreeSet<&str>) -> Vec<String> {
        let serves = self.catalogue.formats.values().filter(|format| format.tables().iter().any(|table| tables.contains(table)));
        serves.map(|format| format!("{}: {}", format.title, format.export)).collect()
    }

    /// The controls that read one of the tables.
    fn readers(&self, tables: &BTreeSet<&str>) -> Vec<String> {
        let reads = |control: &&crate::catalogue::control::Control| {
            control.statements.iter().any(|statement| statement.tables.iter().any(|table| tables.contains(table.as_str())))
        };
        self.catalogue.controls.values().filter(reads).map(|control| control.id.clone()).collect()
    }
}
