//! Sheet Assessment: one row for each control, as the assessor works through them.

use std::collections::BTreeMap;

use super::super::results::{Control, Exception, Test};
use super::super::untrusted::{Cell, lines, words};
use super::super::view::{ReportView, basis_words, clause_words, grouped, wording_note};
use super::choices::{QUIET, differs};
use super::sheet::{FIRST, Layout, Row};

/// The rows, in the order of the controls.
pub(super) fn rows(view: &ReportView, exceptions: &[Exception], layout: &Layout) -> Vec<Row> {
    let mut first: BTreeMap<&str, u32> = BTreeMap::new();
    for (exception, at) in exceptions.iter().zip(FIRST..) {
        first.entry(&exception.control).or_insert(at);
    }
    let check = check(layout);
    view.results.controls.iter().map(|control| row(view, control, first.get(control.id.as_str()).copied(), &check)).collect()
}

/// The live warning of a row, in words.
fn check(layout: &Layout) -> String {
    let at = |header: &str| {
        let cell = layout.sheet("Assessment").map_or_else(String::new, |sheet| sheet.cell(header));
        format!("{}{{row}}", cell.trim_end_matches(|c: char| c.is_ascii_digit()))
    };
    let (judged, outcome, why) = (at("A: Judgement"), at("T: Outcome"), at("A: Rationale"));
    let (by, reviewer) = (at("A: Prepared by"), at("A: Reviewed by"));
    format!(
        "=IF(AND({judged}<>\"\",{why}=\"\",{}),\"RATIONALE NEEDED\",IF(AND({reviewer}<>\"\",{reviewer}={by}),\"REVIEWER IS PREPARER\",\"{QUIET}\"))",
        differs(&judged, &outcome)
    )
}

/// How much of the population was tested, out of how many records of the table.
fn coverage(test: &Test) -> String {
    let supplied = format!("of {} supplied", grouped(test.records));
    let tested = match (test.population, test.unreadable) {
        (0, _) => return format!("None, {supplied}"),
        (n, 0) => format!("All {} of the population, {supplied}", grouped(n)),
        (n, lost) => format!("Part: {} of {} of the population, {supplied}", grouped(n), grouped(n + lost)),
    };
    if test.undecided > 0 { format!("{tested}; of these, {} undecided", grouped(test.undecided)) } else { tested }
}

fn row(view: &ReportView, control: &Control, first: Option<u32>, check: &str) -> Row {
    let tests = &control.tests;
    let per_test = |value: &dyn Fn(&Test) -> u64| match tests.as_slice() {
        [] => words("not determinable"),
        [one] => Cell::Number(value(one)),
        many => lines(&many.iter().map(|t| format!("{}: {}", t.id, grouped(value(t)))).collect::<Vec<_>>()),
    };
    let count = tests.iter().map(|t| t.exceptions).sum();
    let note = match wording_note(control.official_text.as_deref(), &control.basis) {
        "" => String::new(),
        note => format!(" ({note})"),
    };
    let complete: Vec<String> =
        tests.iter().flat_map(|t| t.completeness.iter().map(move |c| format!("{}: {} {}", t.id, c.table, c.status))).collect();
    let requirement = format!("{}{note}", control.official_text.as_ref().unwrap_or(&control.requirement));
    let reference = format!("WP-{}", control.id);
    let finding = (FIRST + 1..).zip(&view.results.findings).find(|(_, finding)| finding.control == control.id);
    let used = view.evidence_of(&control.id).map(|e| &e.id).collect::<Vec<_>>();
    let at = |id: &str| view.results.evidence.iter().zip(FIRST + 1..).find(|(e, _)| e.id == id).map(|(_, at)| at);
    // Not every program shows a link of several lines.
    let used = match used.as_slice() {
        [id] => at(id).map_or_else(|| words(id), |at| Cell::Goto((*id).clone(), format!("Evidence!A{at}"))),
        all => lines(all),
    };
    let tool = vec![
        finding.map_or_else(|| words(&reference), |(at, _)| Cell::Goto(reference.clone(), format!("Findings!A{at}"))),
        words(&control.id),
        words(&control.checklist_title),
        words(clause_words(control)),
        lines(&requirement.lines().collect::<Vec<_>>()),
        lines(&tests.iter().map(|t| format!("{}: records of {}; {}", t.id, t.subject, t.outcome_words)).collect::<Vec<_>>()),
        words(&control.method),
        per_test(&|t| t.population + t.unreadable),
        per_test(&|t| t.population),
        lines(&tests.iter().map(coverage).collect::<Vec<_>>()),
        first.map_or(Cell::Number(count), |row| Cell::Link(count, format!("Exceptions!A{}", row + 1))),
        words(&control.outcome_words),
        words(basis_words(&control.basis)),
        words(control.confirmed.as_deref().unwrap_or("indicative: not confirmed")),
        words(&control.reason),
        lines(&control.procedure),
        words(&control.leaves_open),
        lines(&complete),
        used,
        words(finding.map_or("none suggested", |(_, finding)| finding.suggested_grade.as_str())),
        Cell::Live(check.to_owned(), QUIET),
    ];
    let mut given = Vec::new();
    if let Some(judgement) = &control.judgement {
        given.extend([
            ("A: Judgement", judgement.judgement.clone()),
            ("A: Rationale", judgement.rationale.clone()),
            ("A: Prepared by", judgement.prepared_by.clone()),
            ("A: Prepared on", judgement.prepared_on.clone()),
        ]);
        given.extend(judgement.reviewed_by.iter().map(|by| ("A: Reviewed by", by.clone())));
        given.extend(judgement.reviewed_on.iter().map(|on| ("A: Reviewed on", on.clone())));
    }
    Row { tool, given }
}
