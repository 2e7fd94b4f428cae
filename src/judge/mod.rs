//! Stage 5: what the facts come to.
//!
//! Takes the facts, the notes and the judgements on record; gives the tool outcome of every test and
//! control by one total function, the certainty of every exception, and which notes touch which
//! controls. The only stage that applies policy. It never judges in the assessor's place.

pub mod certainty;
pub mod judgement;
pub mod outcome;

use std::collections::BTreeSet;

use crate::catalogue::Catalogue;
use crate::catalogue::control::Control;
use crate::catalogue::criteria::Criteria;
use crate::catalogue::engagement::{Engagement, matches};
use crate::catalogue::overrides::Overrides;
use crate::domain::note::Note;
use crate::domain::outcome::Outcome;
use crate::evaluate::{ControlFacts, completeness};
use crate::normalise::Normalised;

use certainty::Tally;
use judgement::Judgements;

/// What one control came to.
pub struct JudgedControl {
    /// What its tests gave.
    pub facts: ControlFacts,
    /// Outcome of the control: the worst of its parts.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// Its tests, in order.
    pub tests: Vec<JudgedTest>,
    /// Who confirmed the criterion, and when.
    pub confirmed: Option<String>,
    /// Clause and text of the criterion, where they are official.
    pub official: Option<(String, String)>,
    /// It needs no official wording: kept as good practice.
    pub reclassified: Option<String>,
}

/// What one test came to.
pub struct JudgedTest {
    /// Outcome.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// Exceptions by certainty.
    pub tally: Tally,
}

/// What the run came to.
pub struct Judged {
    /// Controls in order of checklist and id.
    pub controls: Vec<JudgedControl>,
    /// All notes, in order.
    pub notes: Vec<JudgedNote>,
    /// Judgements on record, by control.
    pub judgements: Judgements,
}

/// A note with the controls it can affect.
pub struct JudgedNote {
    /// The note.
    pub note: Note,
    /// Ids of controls.
    pub affects: Vec<String>,
}

/// Applies policy to the facts.
#[must_use]
pub fn judge(
    facts: Vec<ControlFacts>,
    normalised: &Normalised,
    catalogue: &Catalogue,
    engagement: &Engagement,
    criteria: &Criteria,
    overrides: &Overrides,
    mut judgements: Judgements,
) -> Judged {
    let mut controls: Vec<JudgedControl> = facts.into_iter().filter_map(|facts| control(facts, catalogue, criteria, overrides)).collect();
    controls.sort_by(|a, b| (checklist(catalogue, &a.facts.id), &a.facts.id).cmp(&(checklist(catalogue, &b.facts.id), &b.facts.id)));
    let mut notes: Vec<Note> = normalised.notes.clone();
    notes.append(&mut judgements.notes);
    notes.extend(completeness::notes(normalised, engagement));
    notes.extend(unused(normalised, engagement));
    notes.sort();
    // What is set aside is not tested, and nothing can touch it.
    let tested: BTreeSet<&str> = controls.iter().filter(|c| c.facts.set_aside.is_none()).map(|c| c.facts.id.as_str()).collect();
    let judged = |note: Note| {
        let mut affects = affects(&note, normalised, catalogue);
        affects.retain(|control| note.control.is_some() || tested.contains(control.as_str()));
        JudgedNote { note, affects }
    };
    let notes = notes.into_iter().map(judged).collect();
    Judged { controls, notes, judgements }
}

fn checklist<'a>(catalogue: &'a Catalogue, id: &str) -> &'a str {
    catalogue.controls.get(id).map_or("", |control| control.checklist.as_str())
}

fn control(facts: ControlFacts, catalogue: &Catalogue, criteria: &Criteria, overrides: &Overrides) -> Option<JudgedControl> {
    let control = catalogue.controls.get(&facts.id)?;
    let tests: Vec<JudgedTest> = facts
        .tests
        .iter()
        .map(|test| {
            let tally = certainty::tally(test);
            let (outcome, reason) = outcome::of_test(test, &tally);
            JudgedTest { outcome, reason, tally }
        })
        .collect();
    let (outcome, reason) = match &facts.set_aside {
        Some((outcome, reason)) => (*outcome, reason.clone()),
        None => outcome::of_control(&control.file.test, &tests, &control.file.procedure),
    };
    let Standing { confirmed, official, reclassified } = standing(&facts.id, &facts.versions, criteria, overrides);
    Some(JudgedControl { facts, outcome, reason, tests, confirmed, official, reclassified })
}

/// What a criterion stands on, whatever its tests give.
pub struct Standing {
    /// Who confirmed it, and when.
    pub confirmed: Option<String>,
    /// Clause and text, where they are official.
    pub official: Option<(String, String)>,
    /// It needs no official wording: kept as good practice.
    pub reclassified: Option<String>,
}

/// What the criterion of a control stands on, under the versions of its instrument that count.
#[must_use]
pub fn standing(id: &str, versions: &[String], criteria: &Criteria, overrides: &Overrides) -> Standing {
    let imported = criteria.confirming(id, versions);
    let ruled = overrides.clause.iter().find(|ruling| ruling.control == id);
    let official = imported.map(|c| (c.clause.clone(), c.text.clone()));
    let confirmed =
        imported.map(|c| format!("{} on {} (clause {}, sheet {})", c.by, c.on, c.clause, crate::domain::digest::short(&c.sheet, 12)));
    Standing {
        official: official.or_else(|| ruled.map(|ruling| (ruling.clause.clone(), ruling.text.clone()))),
        confirmed: confirmed
            .or_else(|| ruled.map(|ruling| format!("{} on {} (clause {}): {}", ruling.by, ruling.on, ruling.clause, ruling.reason))),
        reclassified: overrides
            .reclassify
            .iter()
            .find(|ruling| ruling.control == id)
            .map(|ruling| format!("kept as good practice by {} on {}: {}", ruling.by, ruling.on, ruling.reason)),
    }
}

/// Declarations that matched nothing: they protect nothing, and may be mistyped.
fn unused(normalised: &Normalised, engagement: &Engagement) -> Vec<Note> {
    let any = |glob: &str| {
        let mut paths = normalised.sources.iter().flat_map(|source| std::iter::once(&source.evidence.path).chain(&source.evidence.also));
        paths.any(|path| matches(glob, path))
    };
    let streams: BTreeSet<&str> = normalised.sources.iter().filter_map(|source| source.stream.as_deref()).collect();
    let in_rows = |name: &str| {
        let sql = format!("SELECT COUNT(*) AS n FROM log_streams WHERE stream = '{}'", name.replace('\'', "''"));
        normalised.engine.query(&sql).is_ok_and(|rows| rows.named(0, "n").integer() > Some(0))
    };
    let sources = engagement.sources.iter().filter(|source| !any(&source.path)).map(|source| format!("[[source]] {}", source.path));
    let profiles = engagement.profiles.iter().filter(|profile| !any(&profile.path)).map(|profile| format!("[[profile]] {}", profile.path));
    let declared = engagement.streams.iter().filter(|stream| !streams.contains(stream.name.as_str()) && !in_rows(&stream.name));
    let declared = declared.map(|stream| format!("[[stream]] {}", stream.name));
    sources
        .chain(profiles)
        .chain(declared)
        .map(|what| Note::general("N-CFG-001", format!("{what} matches no evidence")).at("engagement.toml"))
        .collect()
}

/// The heading of the results of a control.
#[must_use]
pub fn qualifier(control: &Control, confirmed: bool, reclassified: Option<&str>) -> String {
    match (confirmed, reclassified) {
        (true, _) => String::new(),
        (false, Some(ruling)) => format!("Good practice, not a requirement: {ruling}"),
        (false, None) => {
            format!("Indicative: the wording of this clause has not been confirmed. Test applied: {}", control.file.requirement)
        }
    }
}

/// Tables made from others: what weakens the one weakens the other.
const DERIVED: [(&str, &[&str]); 4] = [
    ("certificates", &["certificate_rules", "certificate_extensions", "certificate_policies", "certificate_names"]),
    ("crls", &["crl_entries"]),
    ("ca_events", &["log_streams", "log_holes", "log_chains", "log_steps", "log_tallies"]),
    ("key_events", &["log_streams", "log_holes", "log_chains", "log_steps", "log_tallies"]),
];

/// The controls that a note can touch: those whose tests read a table the note is about.
fn affects(note: &Note, normalised: &Normalised, catalogue: &Catalogue) -> Vec<String> {
    if let Some(control) = &note.control {
        return vec![control.clone()];
    }
    let mut tables: BTreeSet<&str> = note.tables.iter().map(String::as_str).collect();
    if tables.is_empty()
        && let Some(source) = note.evidence.and_then(|number| normalised.sources.iter().find(|s| s.evidence.number == number))
    {
        tables.extend(source.tables.iter().map(String::as_str));
        if tables.is_empty() {
            let formats = source.evidence.formats().into_iter().filter_map(|name| catalogue.formats.get(name));
            tables.extend(formats.flat_map(|format| format.tables()));
        }
    }
    for (origin, derived) in DERIVED {
        if tables.contains(origin) {
            tables.extend(derived);
        }
    }
    catalogue
        .controls
        .values()
        .filter(|control| control.statements.iter().any(|statement| statement.tables.iter().any(|table| tables.contains(table.as_str()))))
        .map(|control| control.id.clone())
        .collect()
}
