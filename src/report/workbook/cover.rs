//! Sheets Cover and Lists, and the properties of the file.

use rust_xlsxwriter::utility::{column_number_to_name, quote_sheet_name};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use super::super::untrusted::{cell_text, cut, visible};
use super::super::view::{ReportError, ReportView};
use super::sheet::{FIRST, Filled, HEADER, Layout, PALE_BLUE, heading, iso_date, paper, text_format};

/// What the engagement is, the key facts, what the workbook was made from, and how it is used.
fn facts(view: &ReportView, layout: &Layout) -> Result<Vec<(String, String)>, ReportError> {
    let (results, engagement) = (&view.results, &view.results.engagement);
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    row("State", if results.run.state == "final" { "Criteria confirmed" } else { "INDICATIVE – not final" }.to_owned());
    match &results.conclusion {
        Some(conclusion) => {
            row("Recommendation", format!("{} (in the words of {}, {})", conclusion.recommendation, conclusion.by, conclusion.on));
            conclusion.asks.iter().for_each(|ask| row("Asked of the PMA", ask.clone()));
        }
        None => row("Recommendation", "Draft: no recommendation is made".to_owned()),
    }
    if results.run.illustrative_criteria {
        row("Criteria", "ILLUSTRATIVE, NOT THE SEC'S TEXT".into());
    }
    if engagement.kind == "self-assessment" {
        row("View", "Readiness view. This is not an assurance opinion.".into());
    }
    if !results.run.integrity_failures.is_empty() {
        row("Integrity failure", format!("{} evidence files changed while being read", results.run.integrity_failures.len()));
    }
    view.discrepancies(&view.listed()?).into_iter().for_each(|line| row("Totals and detail disagree", line));
    row("Title", engagement.title.clone());
    view.title_block().into_iter().for_each(|(name, value)| row(name, value));
    view.facts()?.into_iter().for_each(|(name, value)| row(name, value));
    for (name, value) in [
        ("Run", results.run.id.clone()),
        ("Program", format!("{} {}", results.tool.name, results.tool.version)),
        ("Checklists, SHA-256", results.tool.checklists_sha256.clone()),
        ("Evidence root, SHA-256", results.run.evidence_root_sha256.clone()),
        ("results.json, SHA-256", view.results_sha256.clone()),
    ] {
        row(name, value);
    }
    for i in &results.instruments {
        row("Instrument", format!("{} ({}): {}", i.title, i.sec, i.versions.join("; ")));
    }
    for name in ["Prepared by, on", "Reviewed by, on", "Approved by, on"] {
        row(name, String::new());
    }
    layout.how_to_use.iter().for_each(|line| row("How to use", line.clone()));
    layout.outcomes.iter().for_each(|(outcome, means)| row(&format!("Outcome: {outcome}"), means.clone()));
    Ok(rows)
}

/// Writes Cover.
pub(super) fn cover(book: &mut Workbook, view: &ReportView, layout: &Layout, sheets: &[Filled]) -> Result<(), ReportError> {
    let rows = facts(view, layout)?;
    let sheet = paper(book.add_worksheet().set_name("Cover")?, view);
    let (text, bold, open) = (text_format(), text_format().set_bold(), text_format().set_unlocked().set_background_color(PALE_BLUE));
    sheet.write_string_with_format(0, 0, "Assessor's workbook", &heading())?;
    sheet.write_string_with_format(1, 0, "Start here. The sheets are linked below.", &text_format().unset_text_wrap())?;
    let named = |meta: bool| {
        sheets.iter().map(|f| (f.what.name.as_str(), f.what.title.as_str())).filter(move |(name, _)| (*name == "Meta") == meta)
    };
    let summary =
        named(false).any(|(name, _)| name == "Assessment").then_some(("Summary", "Summary: live counts beside the counts of the run"));
    let links = summary.into_iter().chain(named(false)).chain([("Lists", "Lists: the values of the drop-down lists")]).chain(named(true));
    let mut at = HEADER;
    for (name, title) in links {
        sheet.write_string_with_format(at, 0, "Sheet", &bold)?;
        sheet.write_url_with_text(at, 1, format!("internal:{}!A1", quote_sheet_name(name)).as_str(), title)?;
        at += 1;
    }
    for ((name, value), at) in rows.iter().zip(at..) {
        sheet.write_string_with_format(at, 0, name, &bold)?;
        let format = if value.is_empty() { &open } else { &text };
        sheet.write_string_with_format(at, 1, cell_text(&visible(value)), format)?;
        // LibreOffice does not grow the rows of a protected sheet.
        let lines = u32::try_from(value.chars().count() / 100 + 1).unwrap_or(1);
        sheet.set_row_height(at, (15 * lines).min(400))?;
    }
    sheet.set_column_width(0, 36)?.set_column_width(1, 100)?.protect();
    Ok(())
}

/// Writes Lists, and names its ranges and the findings.
pub(super) fn lists(book: &mut Workbook, view: &ReportView, layout: &Layout, sheets: &[Filled]) -> Result<(), XlsxError> {
    let sheet = paper(book.add_worksheet().set_name("Lists")?, view);
    sheet.write_string_with_format(0, 0, "Lists: the values of the drop-down lists", &heading())?;
    sheet.write_url_with_text(1, 0, "internal:Cover!A1", "Nothing to fill in here. Back to Cover.")?;
    for (list, col) in layout.lists.iter().zip(0..) {
        sheet.write_string_with_format(HEADER, col, &list.title, &text_format().set_bold())?;
        for (value, row) in list.values.iter().zip(FIRST..) {
            sheet.write_string_with_format(row, col, value, &text_format())?;
        }
        sheet.set_column_width(col, 28)?;
    }
    sheet.set_freeze_panes(FIRST, 0)?.protect();
    for (list, col) in layout.lists.iter().zip(0..) {
        let letter = column_number_to_name(col);
        let last = FIRST as usize + list.values.len();
        book.define_name(&list.name, &format!("=Lists!${letter}${}:${letter}${last}", FIRST + 1))?;
    }
    if let Some(range) = sheets.iter().find(|filled| filled.what.name == "Findings").and_then(|filled| filled.range("T: Finding")) {
        book.define_name("lst_Finding", &format!("={range}"))?;
    }
    Ok(())
}

/// The properties of the file. Never the wall clock, even where the day of the assessment cannot be read as one.
pub(super) fn properties(view: &ReportView) -> Result<DocProperties, XlsxError> {
    let results = &view.results;
    let text = |text: &str| cut(visible(text), 250, "…");
    let made = iso_date(&results.engagement.as_of).map_or_else(|| ExcelDateTime::from_ymd(2000, 1, 1), Ok)?;
    Ok(DocProperties::new()
        .set_title("Assessor's workbook")
        .set_subject(text(results.engagement.marking.as_deref().unwrap_or("")))
        .set_category(text(&results.engagement.title))
        .set_keywords(text(&results.run.id))
        .set_creation_datetime(&made)
        .set_custom_property("run_id", text(&results.run.id))
        .set_custom_property("results_sha256", view.results_sha256.clone())
        .set_custom_property("schema", results.schema.clone()))
}
