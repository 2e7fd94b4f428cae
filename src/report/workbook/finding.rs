//! Sheet Findings: a draft for each control with exceptions. What it means is the assessor's to write.

use super::super::untrusted::{Cell, lines, words};
use super::super::view::ReportView;
use super::sheet::{FIRST, Row};

/// The rows, in the order of the controls.
pub(super) fn rows(view: &ReportView) -> Vec<Row> {
    let at = |control: &str| (FIRST + 1..).zip(&view.results.controls).find(|(_, c)| c.id == control).map(|(at, _)| at);
    let drafts = view.results.findings.iter();
    drafts
        .map(|finding| {
            let control = finding.control.as_str();
            let by_line = |text: &str| lines(&text.lines().collect::<Vec<_>>());
            Row::from(vec![
                words(&finding.id),
                at(control).map_or_else(|| words(control), |at| Cell::Goto(control.to_owned(), format!("Assessment!A{at}"))),
                words(&finding.title),
                words(if finding.confirmed { "confirmed" } else { "indicative: not confirmed" }),
                by_line(&finding.criteria),
                by_line(&finding.condition),
                by_line(&finding.extent),
                Cell::Number(finding.actual),
                Cell::Number(finding.potential),
                lines(&finding.evidence),
                words(&finding.suggested_grade),
            ])
        })
        .collect()
}
