//! `workbook.xlsx`: the assessor's working sheets. `T:` columns are the tool's, `A:` columns the
//! assessor's. Every text is a text cell with a quote prefix, so that none can become a formula,
//! not even after F2 and Enter; links go only to cells of this workbook.

use std::io::Write;

use rust_xlsxwriter::utility::{column_number_to_name, quote_sheet_name};
use rust_xlsxwriter::{
    Color, ConditionalFormatFormula, DataValidation, DataValidationRule as Rule, DocProperties, ExcelDateTime, Format, FormatAlign,
    FormatBorder, FormatUnderline, Formula, Table, TableColumn, TableStyle, Workbook, Worksheet, XlsxError,
};
use serde::Deserialize;

use super::results::{Control, Evidence, Exception, Note, Test};
use super::untrusted::{Cell, cell_text, cut, fingerprint, lines, visible, words};
use super::view::{ReportError, ReportView, basis_words, clause_words, grouped};

/// Rows of a sheet; the JSON files have all of them.
const MOST_ROWS: usize = 100_000;
/// Names, headers and words of the sheets.
const LAYOUT: &str = include_str!("../../reports/workbook.json");
/// Header and first row of every table, from 0.
const HEADER: u32 = 3;
const FIRST: u32 = 4;

/// What `reports/workbook.json` says: every name and header is ours, none is from data.
#[derive(Deserialize)]
struct Layout {
    sheets: [Sheet; 4],
    lists: Vec<List>,
    how_to_use: Vec<String>,
    outcomes: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Sheet {
    name: String,
    table: String,
    title: String,
    instruction: String,
    /// Header and width.
    columns: Vec<(String, f64)>,
}

#[derive(Deserialize)]
struct List {
    title: String,
    name: String,
    values: Vec<String>,
}

/// A sheet, its rows, and how many rows there would be without a limit.
type Filled<'a> = (&'a Sheet, Vec<Vec<Cell>>, usize);

const BLUE: Color = Color::RGB(0x001D_70B8);
const PALE_BLUE: Color = Color::RGB(0x00BB_D4EA);
const GREY: Color = Color::RGB(0x00E3_E3E3);
const RED: Color = Color::RGB(0x00D4_351C);
const YELLOW: Color = Color::RGB(0x00FF_F7BF);

/// Writes `workbook.xlsx`.
///
/// # Errors
/// When the run folder cannot be read, or the output cannot be written.
pub fn workbook(view: &ReportView, out: &mut dyn Write) -> Result<(), ReportError> {
    let results = &view.results;
    let mut all = view.exceptions()?;
    let exceptions: Vec<Exception> = all.by_ref().take(MOST_ROWS).collect::<Result<_, _>>()?;
    let total = all.try_fold(exceptions.len(), |n, exception| exception.map(|_| n + 1))?;
    let layout: Layout = serde_json::from_str(LAYOUT)?;
    let [assessments, excepted, files, quality] = &layout.sheets;
    let sheets: Vec<Filled> = vec![
        (assessments, results.controls.iter().map(|c| assessment(view, c, &exceptions)).collect(), results.controls.len()),
        (excepted, exceptions.iter().map(exception_row).collect(), total),
        (files, results.evidence.iter().take(MOST_ROWS).map(evidence_row).collect(), results.evidence.len()),
        (quality, results.notes.iter().take(MOST_ROWS).zip(1..).map(quality_row).collect(), results.notes.len()),
    ];
    let mut book = Workbook::new();
    book.set_properties(&properties(view)?);
    let disagree = view.discrepancies(&view.listed()?);
    cover(&mut book, view, &layout, &sheets, disagree)?;
    // A sheet that would have no rows is left out: an Excel table cannot be empty.
    for sheet in sheets.iter().filter(|(_, rows, _)| !rows.is_empty()) {
        write_sheet(&mut book, view, sheet, &layout.lists)?;
    }
    lists(&mut book, view, &layout.lists)?;
    out.write_all(&book.save_to_buffer()?)?;
    Ok(())
}

fn assessment(view: &ReportView, control: &Control, exceptions: &[Exception]) -> Vec<Cell> {
    let tests = &control.tests;
    let per_test = |value: &dyn Fn(&Test) -> u64| match tests.as_slice() {
        [] => words("not determinable"),
        [one] => Cell::Number(value(one)),
        many => lines(&many.iter().map(|t| format!("{}: {}", t.id, grouped(value(t)))).collect::<Vec<_>>()),
    };
    let coverage = |t: &Test| match (t.population, t.unreadable) {
        (0, _) => "None".to_owned(),
        (n, 0) => format!("All {} supplied", grouped(n)),
        (n, lost) => format!("Part: {} of {} supplied", grouped(n), grouped(n + lost)),
    };
    let count = tests.iter().map(|t| t.exceptions).sum();
    let first = exceptions.iter().zip(FIRST..).find(|(e, _)| e.control == control.id).map(|(_, row)| row);
    let paraphrase = if control.official_text.is_some() { "" } else { " (Paraphrase, not the words of the SEC.)" };
    let complete: Vec<String> =
        tests.iter().flat_map(|t| t.completeness.iter().map(move |c| format!("{}: {} {}", t.id, c.table, c.status))).collect();
    let requirement = format!("{}{paraphrase}", control.official_text.as_ref().unwrap_or(&control.requirement));
    let mut row = vec![
        words(format!("WP-{}", control.id)),
        words(&control.id),
        words(clause_words(control)),
        lines(&requirement.lines().collect::<Vec<_>>()),
        lines(&tests.iter().map(|t| format!("{}: records of {}; {}", t.id, t.subject, t.outcome_words)).collect::<Vec<_>>()),
        words(&control.method),
        per_test(&|t| t.population + t.unreadable),
        per_test(&|t| t.population),
        lines(&tests.iter().map(coverage).collect::<Vec<_>>()),
        first.map_or(Cell::Number(count), |row| Cell::Link(count, row)),
        words(&control.outcome_words),
        words(basis_words(&control.basis)),
        words(control.confirmed.as_deref().unwrap_or("indicative: not confirmed")),
        words(&control.reason),
        lines(&complete),
        lines(&view.evidence_of(&control.id).map(|e| &e.id).collect::<Vec<_>>()),
        words("none suggested"),
    ];
    let print = fingerprint(&row);
    row.extend((0..11).map(|_| Cell::Empty));
    row.push(words(print));
    row
}

fn exception_row(e: &Exception) -> Vec<Cell> {
    let values: Vec<String> =
        e.values.iter().map(|(name, value)| format!("{} = {}", visible(name), value.as_deref().map_or("null".into(), visible))).collect();
    let mut row = vec![
        words(&e.id),
        words(&e.control),
        words(&e.test),
        words(&e.segment),
        words(&e.certainty),
        words(if e.confirmed { "confirmed" } else { "indicative" }),
        words(&e.evidence),
        words(&e.path),
        words(&e.locator),
        words(&e.says),
        Cell::Text(cut(values.join("\n"), 500, &format!(" … [cut; full text: exceptions.jsonl#{}]", e.id))),
        lines(&e.also),
    ];
    let print = fingerprint(&row);
    row.extend([Cell::Empty, Cell::Empty, words(print)]);
    row
}

fn evidence_row(e: &Evidence) -> Vec<Cell> {
    let mut warnings: Vec<String> = e.reason.iter().cloned().collect();
    if e.quality != "ok" {
        warnings.push(format!("quality: {}", e.quality));
    }
    warnings.extend(e.also.iter().map(|path| format!("the same content stands under {path}")));
    let or = |text: &Option<String>, none: &str| words(text.as_deref().unwrap_or(none));
    vec![
        words(&e.id),
        words(&e.path),
        or(&e.format, "not recognised"),
        or(&e.stream, "not declared"),
        or(&e.obtained, "not declared"),
        Cell::Number(e.size),
        words(if e.sha256.is_empty() { "could not be opened" } else { &e.sha256 }),
        words(&e.hash_status),
        Cell::Number(e.records),
        Cell::Number(e.rejected),
        or(&e.first, "none"),
        or(&e.last, "none"),
        words(&e.zone_basis),
        words(&e.status),
        lines(&warnings),
        words(e.used_by.join(", ")),
        Cell::Empty,
        Cell::Empty,
    ]
}

fn quality_row((n, number): (&Note, usize)) -> Vec<Cell> {
    vec![
        words(format!("DQ-{number:05}")),
        words(&n.code),
        words(&n.weight),
        words(n.evidence.as_deref().unwrap_or("")),
        words(n.path.as_deref().unwrap_or("")),
        words(&n.locator),
        words(&n.what),
        Cell::Number(n.count),
        words(n.affects.join(", ")),
        words(&n.fix),
        Cell::Empty,
        Cell::Empty,
    ]
}

fn text_format() -> Format {
    Format::new().set_num_format("@").set_quote_prefix().set_text_wrap().set_align(FormatAlign::Top)
}

fn heading() -> Format {
    text_format().set_bold().set_font_size(14).unset_text_wrap()
}

fn footer(view: &ReportView) -> String {
    let marking = view.results.engagement.marking.as_deref().map_or("no marking declared".into(), visible);
    format!("&L{}&C{}&Rpage &P of &N", cut(marking, 90, "…").replace('&', "&&"), view.results.run.id.replace('&', "&&"))
}

fn paper<'a>(sheet: &'a mut Worksheet, view: &ReportView) -> &'a mut Worksheet {
    sheet.set_paper_size(9).set_landscape().set_print_fit_to_pages(1, 0).set_footer(footer(view))
}

fn write_sheet(book: &mut Workbook, view: &ReportView, (what, rows, total): &Filled, lists: &[List]) -> Result<(), XlsxError> {
    let sheet = paper(book.add_worksheet().set_name(&what.name)?, view);
    let last_row = HEADER + u32::try_from(rows.len()).unwrap_or(u32::MAX - HEADER);
    let last_col = u16::try_from(what.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
    let [shown, of] = [rows.len(), *total].map(|n| grouped(n as u64));
    let shown = if shown == of { String::new() } else { format!("Shown {shown} of {of}; all are in the JSON files of the run. ") };
    sheet.write_string_with_format(0, 0, &what.title, &heading())?;
    sheet.write_url_with_text(1, 0, "internal:Cover!A1", format!("{shown}{} Back to Cover.", what.instruction))?;
    let header = text_format().set_bold().set_font_color(Color::Black).set_border(FormatBorder::Thin);
    let columns: Vec<TableColumn> = what
        .columns
        .iter()
        .map(|(name, _)| {
            let colour = if name.starts_with("A:") { PALE_BLUE } else { GREY };
            TableColumn::new().set_header(name).set_header_format(header.clone().set_background_color(colour))
        })
        .collect();
    let table = Table::new().set_name(&what.table).set_columns(&columns).set_style(TableStyle::None);
    sheet.add_table(HEADER, 0, last_row, last_col, &table)?;
    let (text, number) = (text_format(), Format::new().set_num_format("#,##0").set_align(FormatAlign::Top));
    let link = number.clone().set_underline(FormatUnderline::Single).set_font_color(BLUE);
    let date = Format::new().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Top);
    for (cells, row) in rows.iter().zip(FIRST..) {
        for ((cell, (header, _)), col) in cells.iter().zip(&what.columns).zip(0..) {
            match cell {
                Cell::Text(value) if value.is_empty() => drop(sheet.write_blank(row, col, &text)?),
                Cell::Text(value) => drop(sheet.write_string_with_format(row, col, cell_text(value), &text)?),
                Cell::Number(value) => drop(sheet.write_with_format(row, col, *value, &number)?),
                Cell::Link(value, target) => {
                    sheet.write_url(row, col, format!("internal:Exceptions!A{}", target + 1).as_str())?;
                    sheet.write_with_format(row, col, *value, &link)?;
                }
                Cell::Empty => drop(sheet.write_blank(row, col, if header.ends_with(" on") { &date } else { &text })?),
            }
        }
    }
    for ((_, width), col) in what.columns.iter().zip(0..) {
        sheet.set_column_width(col, *width)?;
    }
    sheet.set_freeze_panes(FIRST, 2)?.set_repeat_rows(HEADER, HEADER)?;
    choices(sheet, view, what, lists, last_row)
}

/// Lists, dates and warnings on the assessor's columns.
fn choices(sheet: &mut Worksheet, view: &ReportView, what: &Sheet, lists: &[List], last_row: u32) -> Result<(), XlsxError> {
    let at = |header: &str| (0_u16..).zip(&what.columns).find(|(_, (name, _))| name == header).map(|(col, _)| col);
    let cell = |header: &str| at(header).map_or_else(String::new, |col| format!("${}{}", column_number_to_name(col), FIRST + 1));
    for ((header, _), col) in what.columns.iter().zip(0..) {
        let Some(name) = header.strip_prefix("A: ") else { continue };
        let rule = DataValidation::new();
        let rule = match (lists.iter().find(|l| l.title == name), name) {
            (Some(list), _) => rule.allow_list_formula(Formula::new(format!("={}", list.name))),
            (None, "Prepared on") => match date(&view.results.engagement.period_start) {
                Some(start) => rule.allow_date_formula(Rule::Between(start.to_excel().to_string().as_str().into(), "TODAY()+1".into())),
                None => continue,
            },
            (None, "Reviewed on") => rule.allow_date_formula(Rule::GreaterThanOrEqualTo(cell("A: Prepared on").as_str().into())),
            (None, "Rationale") => rule
                .allow_text_length(Rule::LessThanOrEqualTo(4000))
                .set_input_message("Needed where the judgement differs from the tool outcome.")?,
            (None, "Prepared by" | "Reviewed by") => rule.allow_text_length(Rule::LessThanOrEqualTo(40)),
            _ => continue,
        };
        sheet.add_data_validation(FIRST, col, last_row, col, &rule)?;
    }
    let (judged, outcome, why) = (cell("A: Judgement"), cell("T: Outcome"), cell("A: Rationale"));
    let (by, reviewer) = (cell("A: Prepared by"), cell("A: Reviewed by"));
    let differs = format!(
        "=AND({judged}<>\"\",{why}=\"\",OR(AND(LEFT({judged},3)=\"met\",{outcome}<>\"no exceptions noted\"),\
         AND(LEFT({judged},7)=\"not met\",{outcome}<>\"exceptions noted\")))"
    );
    let warn = Format::new().set_border(FormatBorder::Thin).set_border_color(RED).set_background_color(YELLOW);
    for (header, rule) in [("A: Rationale", differs), ("A: Reviewed by", format!("=AND({reviewer}<>\"\",{reviewer}={by})"))] {
        if let Some(col) = at(header) {
            let rule = ConditionalFormatFormula::new().set_rule(rule.as_str()).set_format(&warn);
            sheet.add_conditional_format(FIRST, col, last_row, col, &rule)?;
        }
    }
    Ok(())
}

fn cover(book: &mut Workbook, view: &ReportView, layout: &Layout, sheets: &[Filled], disagree: Vec<String>) -> Result<(), XlsxError> {
    let (results, engagement) = (&view.results, &view.results.engagement);
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    let state = if results.run.state == "final" { "Criteria confirmed" } else { "INDICATIVE – not final" };
    row("State", format!("{state}. Draft: no recommendation is made"));
    if results.run.illustrative_criteria {
        row("Criteria", "ILLUSTRATIVE, NOT THE SEC'S TEXT".into());
    }
    if engagement.kind == "self-assessment" {
        row("View", "Readiness view. This is not an assurance opinion.".into());
    }
    if !results.run.integrity_failures.is_empty() {
        row("Integrity failure", format!("{} evidence files changed while being read", results.run.integrity_failures.len()));
    }
    let disagree = disagree.into_iter().map(|line| ("Totals and detail disagree", line));
    let title = disagree.chain([("Title", engagement.title.clone())]).chain(view.title_block()).chain(view.facts());
    let identity = [
        ("Run", results.run.id.clone()),
        ("Program", format!("{} {}", results.tool.name, results.tool.version)),
        ("Checklists, SHA-256", results.tool.checklists_sha256.clone()),
        ("Evidence root, SHA-256", results.run.evidence_root_sha256.clone()),
        ("results.json, SHA-256", view.results_sha256.clone()),
    ];
    for (name, value) in title.chain(identity) {
        row(name, value);
    }
    for i in &results.instruments {
        row("Instrument", format!("{} ({}): {}", i.title, i.sec, i.versions.join("; ")));
    }
    rows.extend(["Prepared by, on", "Reviewed by, on", "Approved by, on"].map(|name| (name.to_owned(), String::new())));
    rows.extend(layout.how_to_use.iter().map(|line| ("How to use".to_owned(), line.clone())));
    rows.extend(layout.outcomes.iter().map(|(outcome, means)| (format!("Outcome: {outcome}"), means.clone())));
    let sheet = paper(book.add_worksheet().set_name("Cover")?, view);
    let (text, bold, open) = (text_format(), text_format().set_bold(), text_format().set_unlocked().set_background_color(PALE_BLUE));
    sheet.write_string_with_format(0, 0, "Assessor's workbook", &heading())?;
    sheet.write_string_with_format(1, 0, "Start here. The sheets are linked below.", &text_format().unset_text_wrap())?;
    let links = sheets.iter().filter(|(_, rows, _)| !rows.is_empty()).map(|(s, ..)| (s.name.as_str(), s.title.as_str()));
    let mut at = HEADER;
    for (name, title) in links.chain([("Lists", "Lists: the values of the drop-down lists")]) {
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
        sheet.set_row_height(at, 15 * lines)?;
    }
    sheet.set_column_width(0, 36)?.set_column_width(1, 100)?.protect();
    Ok(())
}

fn lists(book: &mut Workbook, view: &ReportView, lists: &[List]) -> Result<(), XlsxError> {
    let sheet = paper(book.add_worksheet().set_name("Lists")?, view);
    sheet.write_string_with_format(0, 0, "Lists: the values of the drop-down lists", &heading())?;
    sheet.write_url_with_text(1, 0, "internal:Cover!A1", "Nothing to fill in here. Back to Cover.")?;
    for (list, col) in lists.iter().zip(0..) {
        sheet.write_string_with_format(HEADER, col, &list.title, &text_format().set_bold())?;
        for (value, row) in list.values.iter().zip(FIRST..) {
            sheet.write_string_with_format(row, col, value, &text_format())?;
        }
        sheet.set_column_width(col, 28)?;
    }
    sheet.set_freeze_panes(FIRST, 0)?.protect();
    for (list, col) in lists.iter().zip(0..) {
        let letter = column_number_to_name(col);
        let last = FIRST as usize + list.values.len();
        book.define_name(&list.name, &format!("=Lists!${letter}${}:${letter}${last}", FIRST + 1))?;
    }
    Ok(())
}

fn date(iso: &str) -> Option<ExcelDateTime> {
    ExcelDateTime::parse_from_str(iso.get(..10)?).ok()
}

fn properties(view: &ReportView) -> Result<DocProperties, XlsxError> {
    let results = &view.results;
    let text = |text: &str| cut(visible(text), 250, "…");
    // Never the wall clock, even where the day of the assessment cannot be read as one.
    let made = date(&results.engagement.as_of).map_or_else(|| ExcelDateTime::from_ymd(2000, 1, 1), Ok)?;
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

#[cfg(test)]
mod tests {
    use super::super::view::tests::run_folder;
    use super::*;

    fn bytes(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let folder = run_folder(change);
        let mut out = Vec::new();
        workbook(&ReportView::open(folder.path()).unwrap(), &mut out).unwrap();
        out
    }

    #[test]
    fn equal_input_gives_equal_bytes() {
        assert_eq!(bytes(|_| ()), bytes(|_| ()));
    }

    #[test]
    fn text_longer_than_a_cell_makes_no_failed_workbook() {
        assert!(!bytes(|v| v["notes"][0]["what"] = "😀".repeat(20_000).into()).is_empty());
    }

    #[test]
    fn a_run_with_nothing_in_it_is_still_a_workbook() {
        let none = |v: &mut serde_json::Value| {
            for list in ["evidence", "controls", "notes", "instruments"] {
                v[list] = serde_json::json!([]);
            }
        };
        assert!(!bytes(none).is_empty());
    }

    #[test]
    fn every_row_has_the_columns_of_its_sheet() {
        let layout: Layout = serde_json::from_str(LAYOUT).unwrap();
        let folder = run_folder(|_| ());
        let view = ReportView::open(folder.path()).unwrap();
        let exceptions: Vec<Exception> = view.exceptions().unwrap().map(Result::unwrap).collect();
        let rows = [
            assessment(&view, &view.results.controls[0], &exceptions),
            exception_row(&exceptions[0]),
            evidence_row(&view.results.evidence[0]),
            quality_row((&view.results.notes[0], 1)),
        ];
        for (sheet, row) in layout.sheets.iter().zip(&rows) {
            assert_eq!(sheet.columns.len(), row.len(), "{}", sheet.name);
            for ((header, _), cell) in sheet.columns.iter().zip(row) {
                assert_eq!(header.starts_with("A:"), matches!(cell, Cell::Empty), "{} {}", sheet.name, header);
            }
        }
    }
}
