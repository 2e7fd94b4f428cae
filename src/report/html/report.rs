//! `report.html`: what leaves the assessor. It is an allow-list, field by field: no name, no path, no text
//! from evidence, and reasons built from codes and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::{Value, json};

use super::super::results::{Control, Note, Test};
use super::super::untrusted::{Naming, Withheld, numbered, place};
use super::super::view::{Listed, ReportError, ReportView, actual, basis_words, clause_words, grouped, wording_note};
use super::{add, anchored, render, shared, tag};
use crate::domain::note;

/// Places shown of the notes of one code.
const PLACES: usize = 20;

/// Writes `report.html`: for DCC and the PMA. No names, no paths, no text from evidence.
///
/// # Errors
/// When the run folder cannot be read, or the output cannot be written.
pub fn report(view: &ReportView, out: &mut dyn Write) -> Result<(), ReportError> {
    let listed = view.listed()?;
    let results = &view.results;
    let mut context = shared(view, &listed, &mut Naming::hidden())?;
    let controls: Vec<Value> = results.controls.iter().map(|c| public_control(view, c, listed.get(&c.id))).collect();
    let evidence: Vec<Value> = results
        .evidence
        .iter()
        .map(|e| {
            json!({
                "id": e.id, "format": e.format, "status": e.status, "sha256": e.sha256, "records": grouped(e.records),
                "rejected": grouped(e.rejected), "first": e.first, "last": e.last,
            })
        })
        .collect();
    let notes = public_notes(view);
    add(
        &mut context,
        json!({ "name": "Assurance report", "controls": controls, "evidence": anchored(evidence), "notes": notes, "findings": findings(view) }),
    );
    let withheld = Withheld::of(results);
    render("report.html", context, &|t| withheld.apply(t), out)
}

/// A control as it may leave the assessor.
pub(super) fn public_control(view: &ReportView, control: &Control, listed: Option<&Listed>) -> Value {
    let tests: Vec<Value> = control.tests.iter().map(public_test).collect();
    let first = listed.map_or(&[][..], |l| &l.first);
    let rows: Vec<Value> = first
        .iter()
        .map(|e| {
            json!({
                "id": e.id, "test": e.test, "certainty": e.certainty, "evidence": e.evidence, "place": placed(view, &e.evidence, &e.locator),
                "judged_at": e.judged_at, "fault": e.fault,
            })
        })
        .collect();
    let evidence: Vec<Value> = view.evidence_of(&control.id).map(|e| json!({ "id": e.id, "sha256": e.sha256 })).collect();
    let exceptions: u64 = control.tests.iter().map(|t| t.exceptions).sum();
    let total = listed.map_or(0, |l| l.total);
    json!({
        "id": control.id, "title": control.title, "clause_words": clause_words(control), "instrument": control.instrument,
        "checklist_title": control.checklist_title, "judges": control.judges, "requirement": control.requirement,
        "official_lines": control.official_text.iter().flat_map(|text| text.lines()).collect::<Vec<_>>(),
        "wording_note": wording_note(control.official_text.as_deref(), &control.basis), "basis_words": basis_words(&control.basis), "is_confirmed": control.confirmed.is_some(),
        "qualifier": qualifier(control), "outcome": control.outcome, "outcome_words": control.outcome_words,
        "tag": tag(&control.outcome), "reason": view.bare_reason(control), "leaves_open": control.leaves_open,
        "evidence_wanted": control.evidence_wanted, "tests": tests, "evidence": evidence, "listed": rows,
        "listed_total": grouped(total), "listed_all": total == first.len() as u64, "has_exceptions": exceptions > 0,
        "exceptions": grouped(exceptions), "actual": grouped(control.tests.iter().map(actual).sum()),
        "potential": grouped(control.tests.iter().map(|t| t.potential).sum()),
    })
}

pub(super) fn public_test(test: &Test) -> Value {
    let completeness: Vec<Value> =
        test.completeness.iter().map(|c| json!({ "table": c.table, "rests_on": c.rests_on, "status": c.status })).collect();
    json!({
        "id": test.id, "outcome_words": test.outcome_words, "tag": tag(&test.outcome), "subject": test.subject,
        "population": grouped(test.population), "excluded": grouped(test.excluded), "outside": grouped(test.outside),
        "unreadable": grouped(test.unreadable), "records": grouped(test.records), "exceptions": grouped(test.exceptions),
        "actual": grouped(actual(test)), "potential": grouped(test.potential), "undecided": grouped(test.undecided),
        "completeness": completeness,
    })
}

/// A place as it may leave the assessor: a sheet by its number.
fn placed(view: &ReportView, evidence: &str, locator: &str) -> String {
    let source = view.results.evidence.iter().find(|source| source.id == evidence);
    source.map_or_else(|| place(locator), |source| place(&numbered(locator, &source.sheets)))
}

/// Notes by code, with places and counts but without what they say.
fn public_notes(view: &ReportView) -> Vec<Value> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Note>> = BTreeMap::new();
    for note in &view.results.notes {
        groups.entry((&note.code, &note.weight)).or_default().push(note);
    }
    let mut codes = BTreeSet::new();
    groups
        .into_iter()
        .map(|((code, weight), notes)| {
            let affects: BTreeSet<&str> = notes.iter().flat_map(|n| &n.affects).map(String::as_str).collect();
            let places: Vec<Value> = notes
                .iter()
                .take(PLACES)
                .filter(|n| n.evidence.is_some() || !n.locator.is_empty())
                .map(|n| json!({ "evidence": n.evidence, "place": placed(view, n.evidence.as_deref().unwrap_or_default(), &n.locator) }))
                .collect();
            json!({
                "code": code, "meaning": note::entry(code).map(|entry| entry.meaning), "anchor": codes.insert(code), "weight": weight, "notes": grouped(notes.len() as u64),
                "records": grouped(notes.iter().map(|n| n.count).sum()), "affects": affects, "places": places,
                "more": grouped(notes.len().saturating_sub(PLACES) as u64), "has_more": notes.len() > PLACES,
            })
        })
        .collect()
}

/// The heading of a control's results. The words of a ruling may name people and stay with the assessor.
fn qualifier(control: &Control) -> String {
    match (control.qualifier.is_empty(), control.qualifier.starts_with("Good practice")) {
        (true, _) => String::new(),
        (false, true) => "Good practice, not a requirement.".to_owned(),
        (false, false) => {
            format!("Indicative: the wording of this clause has not been confirmed. Test applied: {}", control.requirement)
        }
    }
}

/// Drafts without what was found in words: counts, and the evidence by id.
fn findings(view: &ReportView) -> Vec<Value> {
    let drafts = view.results.findings.iter();
    drafts
        .map(|finding| {
            json!({
                "id": finding.id, "control": finding.control, "title": finding.title, "extent": extent(view, &finding.control), "is_confirmed": finding.confirmed,
                "actual": grouped(finding.actual), "potential": grouped(finding.potential), "evidence": finding.evidence,
                "grade": finding.suggested_grade,
            })
        })
        .collect()
}

/// By test, how many exceptions in how many records tested.
fn extent(view: &ReportView, control: &str) -> Vec<String> {
    let tests = view.results.controls.iter().filter(|c| c.id == control).flat_map(|c| &c.tests);
    tests
        .filter(|test| test.exceptions > 0)
        .map(|test| format!("{}: {} of {} tested", test.id, grouped(test.exceptions), grouped(test.population)))
        .collect()
}
