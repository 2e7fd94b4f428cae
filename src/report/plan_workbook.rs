//! `plan.xlsx`: the plan as sheets to work from. `T:` columns are the tool's, `A:` columns the assessor's.
//! Every text is a text cell with a quote prefix, so that none can become a formula; links go only to
//! cells of this workbook.

use std::io::Write;

use rust_xlsxwriter::utility::quote_sheet_name;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Table, TableColumn, TableStyle, Workbook, Worksheet, XlsxError,
};
use serde::Deserialize;

use super::plan::{Control, Plan};
use super::plan_people::Asked;
use super::plan_request::{NO_FORMAT, Request};
use super::untrusted::{Cell, cut, lines, visible, words};
use super::view::{ReportError, basis_words, wording_note};

/// Names, headers and words of the sheets.
const LAYOUT: &str = include_str!("../../reports/plan.json");
/// Header and first row of every table, from 0.
const HEADER: u32 = 3;
const FIRST: u32 = 4;
/// What Excel holds in a cell, in UTF-16 units.
const CELL: usize = 32_767;

const PALE_BLUE: Color = Color::RGB(0x00BB_D4EA);
const GREY: Color = Color::RGB(0x00E3_E3E3);

#[derive(Deserialize)]
struct Layout {
    how_to_use: Vec<String>,
    sheets: [Sheet; 4],
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

/// Writes `plan.xlsx`.
///
/// # Errors
/// When the output cannot be written.
pub fn sheets(plan: &Plan, out: &mut dyn Write) -> Result<(), ReportError> {
    let layout: Layout = serde_json::from_str(LAYOUT)?;
    let rows = [
        plan.controls.iter().map(control).collect::<Vec<_>>(),
        plan.due().flat_map(|control| procedure(control, plan)).collect(),
        plan.people.iter().flat_map(|meeting| meeting.evidence.iter().map(|asked| person(meeting, asked, plan))).collect(),
        plan.requests.iter().map(request).collect(),
    ];
    // A sheet that would have no rows is left out: an Excel table cannot be empty.
    let filled: Vec<(&Sheet, Vec<Vec<Cell>>)> = layout.sheets.iter().zip(rows).filter(|(_, rows)| !rows.is_empty()).collect();
    let mut book = Workbook::new();
    book.set_properties(&properties(plan)?);
    cover(&mut book, plan, &layout, &filled)?;
    for (sheet, rows) in &filled {
        write(&mut book, plan, sheet, rows)?;
    }
    out.write_all(&book.save_to_buffer()?)?;
    Ok(())
}

fn control(control: &Control) -> Vec<Cell> {
    let requirement = match &control.official_text {
        Some(text) => lines(&text.lines().collect::<Vec<_>>()),
        None => words(format!("{} ({})", control.requirement, wording_note(None, &control.basis))),
    };
    let tests: Vec<String> =
        control.tests.iter().map(|t| format!("{}: {} [records of {} where {}]", t.id, t.says, t.subject, t.selects)).collect();
    let completeness: Vec<String> = control
        .tests
        .iter()
        .flat_map(|t| t.completeness.iter().map(move |known| format!("{}: {} {}", t.id, known.table, known.rests_on)))
        .collect();
    let untested: Vec<String> =
        control.tests.iter().flat_map(|t| t.untested_where.iter().map(move |line| format!("{}: {line}", t.id))).collect();
    let parameters: Vec<String> = control
        .parameters
        .iter()
        .map(|p| {
            let versions = if p.versions.is_empty() { String::new() } else { format!(" (version {})", p.versions.join(", ")) };
            format!("{} = {}{versions}: {}; set by {}", p.name, p.value, p.about, p.set_by)
        })
        .collect();
    let unfed = control.unfed.iter().map(|table| format!("{table}: {NO_FORMAT}"));
    let requests: Vec<String> = control.requests.iter().cloned().chain(unfed).collect();
    let mut row = vec![
        words(&control.id),
        words(&control.title),
        words(format!("{}; {}", control.checklist_title, control.clause_words())),
        words(if control.due { "due" } else { "not due" }),
        words(&control.because),
        requirement,
        lines(&[control.criterion(), &format!("{}; source: {}", basis_words(&control.basis), control.basis.source)]),
        words(format!("{}, {}", control.method, control.assertion)),
        if tests.is_empty() { words("no test by the program") } else { lines(&tests) },
        lines(&completeness),
        lines(&untested),
        lines(&parameters),
        words(if control.leaves_open.is_empty() { "nothing stated" } else { &control.leaves_open }),
        lines(&requests),
    ];
    row.extend((0..3).map(|_| words("")));
    row
}

fn procedure(control: &Control, plan: &Plan) -> Vec<Vec<Cell>> {
    let row = |(step, number): (&String, u64)| {
        let mut row = vec![
            words(&control.id),
            Cell::Number(number),
            words(&control.title),
            words(step),
            lines(&control.evidence_wanted),
            lines(&plan.roles_for(&control.id)),
        ];
        row.extend((0..4).map(|_| words("")));
        row
    };
    control.procedure.iter().zip(1..).map(row).collect()
}

fn person(meeting: &super::plan_people::Meeting, asked: &Asked, plan: &Plan) -> Vec<Cell> {
    let ask: Vec<String> = plan
        .requests
        .iter()
        .filter(|request| asked.requests.contains(&request.id))
        .map(|request| format!("{}: {}", request.what, request.ask))
        .collect();
    let procedures: Vec<&str> = meeting.procedures.iter().filter(|id| asked.controls.contains(id)).map(String::as_str).collect();
    let mut row = vec![
        words(&meeting.role),
        words(&asked.about),
        lines(&asked.requests),
        lines(&ask),
        words(asked.controls.join(", ")),
        words(if procedures.is_empty() { "none".to_owned() } else { procedures.join(", ") }),
    ];
    row.extend((0..3).map(|_| words("")));
    row
}

fn request(request: &Request) -> Vec<Cell> {
    let feeds: Vec<String> = request
        .feeds
        .iter()
        .map(|feed| {
            let incidental = if feed.incidental { ", where it holds such records" } else { "" };
            let one_of = if feed.one_of.is_empty() { String::new() } else { format!("; one of this and {}", feed.one_of.join(", ")) };
            format!("{}{incidental}{one_of}", feed.table)
        })
        .collect();
    let mut row = vec![
        words(&request.id),
        words(&request.what),
        words(&request.ask),
        words(if request.kept_by.is_empty() { "not known".to_owned() } else { request.kept_by.join(", ") }),
        lines(&request.covers),
        lines(&request.complete),
        words(request.controls.join(", ")),
        if feeds.is_empty() { words("no table: a person reads it") } else { lines(&feeds) },
        if request.announced.is_empty() { words("not announced") } else { lines(&request.announced) },
        lines(&request.block.lines().collect::<Vec<_>>()),
    ];
    row.extend((0..5).map(|_| words("")));
    row
}

fn text_format() -> Format {
    Format::new().set_num_format("@").set_quote_prefix().set_text_wrap().set_align(FormatAlign::Top)
}

fn heading() -> Format {
    text_format().set_bold().set_font_size(14).unset_text_wrap()
}

fn cell_text(text: &str) -> String {
    cut(text.to_owned(), CELL, " … [cut; full text: assure plan --format json]")
}

fn marking(plan: &Plan) -> String {
    plan.engagement.marking.as_deref().map_or_else(|| "no marking declared".to_owned(), visible)
}

fn paper<'a>(sheet: &'a mut Worksheet, plan: &Plan) -> &'a mut Worksheet {
    let footer = format!("&L{}&CPlan&Rpage &P of &N", cut(marking(plan), 90, "…").replace('&', "&&"));
    sheet.set_paper_size(9).set_landscape().set_print_fit_to_pages(1, 0).set_margins(0.4, 0.4, 0.4, 0.6, 0.3, 0.3).set_footer(footer)
}

fn write(book: &mut Workbook, plan: &Plan, what: &Sheet, rows: &[Vec<Cell>]) -> Result<(), XlsxError> {
    let sheet = paper(book.add_worksheet().set_name(&what.name)?, plan);
    let last_row = HEADER + u32::try_from(rows.len()).unwrap_or(u32::MAX - HEADER);
    let last_col = u16::try_from(what.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
    sheet.write_string_with_format(0, 0, &what.title, &heading())?;
    sheet.write_url_with_text(1, 0, "internal:Cover!A1", format!("{} Back to Cover.", what.instruction))?;
    sheet.write_string_with_format(2, 0, cell_text(&format!("Marking: {}", marking(plan))), &text_format().unset_text_wrap())?;
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
    let date = Format::new().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Top);
    for (cells, row) in rows.iter().zip(FIRST..) {
        sheet.set_row_height(row, height(cells, &what.columns))?;
        for ((cell, (header, _)), col) in cells.iter().zip(&what.columns).zip(0..) {
            match cell {
                Cell::Text(value) if value.is_empty() => {
                    let blank = if header.ends_with(" on") { &date } else { &text };
                    sheet.write_blank(row, col, blank)?
                }
                Cell::Text(value) | Cell::Goto(value, _) => sheet.write_string_with_format(row, col, cell_text(value), &text)?,
                Cell::Number(value) | Cell::Link(value, _) => sheet.write_with_format(row, col, *value, &number)?,
                Cell::Live(formula, _) => sheet.write_string_with_format(row, col, formula, &text)?,
            };
        }
    }
    for ((_, width), col) in what.columns.iter().zip(0..) {
        sheet.set_column_width(col, *width)?;
    }
    sheet.set_row_height(HEADER, 30)?;
    sheet.set_freeze_panes(FIRST, 2)?.set_repeat_rows(HEADER, HEADER)?;
    Ok(())
}

/// The height of a row, by a guess at how its texts wrap: not every program grows rows by itself.
fn height(cells: &[Cell], columns: &[(String, f64)]) -> u32 {
    let wrapped = |(cell, (_, width)): (&Cell, &(String, f64))| match cell {
        Cell::Text(text) => text
            .split('\n')
            .map(|line| (f64::from(u32::try_from(line.chars().count()).unwrap_or(u32::MAX)) * 1.15 / width).ceil().max(1.0))
            .sum(),
        _ => 1.0,
    };
    let tallest = cells.iter().zip(columns).map(wrapped).fold(1.0, f64::max);
    // Excel has no row above 409 points.
    (1..=27).find(|lines| f64::from(*lines) >= tallest).unwrap_or(27) * 15
}

fn cover(book: &mut Workbook, plan: &Plan, layout: &Layout, filled: &[(&Sheet, Vec<Vec<Cell>>)]) -> Result<(), XlsxError> {
    let mut rows: Vec<(String, String)> = vec![("State".to_owned(), "A plan, not a result: no evidence was opened.".to_owned())];
    if plan.illustrative_criteria {
        rows.push(("Criteria".to_owned(), "ILLUSTRATIVE, NOT THE SEC'S TEXT".to_owned()));
    }
    let title = [("Title", plan.engagement.title.clone())].into_iter().chain(plan.title_block()).chain(plan.facts());
    let program =
        [("Program", format!("{} {}", plan.tool.name, plan.tool.version)), ("Checklists, SHA-256", plan.tool.checklists_sha256.clone())];
    rows.extend(title.chain(program).map(|(name, value)| (name.to_owned(), value)));
    let mut listed = |name: &str, values: &[String]| rows.extend(values.iter().map(|value| (name.to_owned(), value.clone())));
    listed("Left open", &plan.open);
    listed("Announced, asked for by no request", &plan.announced_besides);
    listed("Format no control due needs", &plan.formats_not_needed);
    listed("How to use", &layout.how_to_use);
    rows.extend(["Prepared by, on", "Reviewed by, on"].map(|name| (name.to_owned(), String::new())));
    let sheet = paper(book.add_worksheet().set_name("Cover")?, plan);
    let (text, bold, open) = (text_format(), text_format().set_bold(), text_format().set_unlocked().set_background_color(PALE_BLUE));
    sheet.write_string_with_format(0, 0, "Assessment plan", &heading())?;
    sheet.write_string_with_format(1, 0, "Start here. The sheets are linked below.", &text_format().unset_text_wrap())?;
    let mut at = HEADER;
    for (linked, _) in filled {
        sheet.write_string_with_format(at, 0, "Sheet", &bold)?;
        sheet.write_url_with_text(at, 1, format!("internal:{}!A1", quote_sheet_name(&linked.name)).as_str(), &linked.title)?;
        at += 1;
    }
    for ((name, value), at) in rows.iter().zip(at..) {
        sheet.write_string_with_format(at, 0, name, &bold)?;
        sheet.write_string_with_format(at, 1, cell_text(&visible(value)), if value.is_empty() { &open } else { &text })?;
        // LibreOffice does not grow the rows of a protected sheet.
        let lines = u32::try_from(value.chars().count() / 100 + 1).unwrap_or(1).min(27);
        sheet.set_row_height(at, 15 * lines)?;
    }
    sheet.set_column_width(0, 36)?.set_column_width(1, 100)?.protect();
    Ok(())
}

fn properties(plan: &Plan) -> Result<DocProperties, XlsxError> {
    let text = |text: &str| cut(visible(text), 250, "…");
    // Never the wall clock, even where no day is declared.
    let made = plan.engagement.as_of.as_deref().and_then(|day| ExcelDateTime::parse_from_str(day).ok());
    Ok(DocProperties::new()
        .set_title("Assessment plan")
        .set_subject(text(plan.engagement.marking.as_deref().unwrap_or("")))
        .set_category(text(&plan.engagement.title))
        .set_creation_datetime(&made.map_or_else(|| ExcelDateTime::from_ymd(2000, 1, 1), Ok)?)
        .set_custom_property("schema", plan.schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_the_columns_of_its_sheet() {
        let catalogue = crate::catalogue::Catalogue::load(&[]).unwrap();
        let plan = super::super::plan::tests::assumed(&catalogue);
        let layout: Layout = serde_json::from_str(LAYOUT).unwrap();
        let walked = plan.due().find(|control| !control.procedure.is_empty()).unwrap();
        let rows = [
            control(&plan.controls[0]),
            procedure(walked, &plan).remove(0),
            person(&plan.people[0], &plan.people[0].evidence[0], &plan),
            request(&plan.requests[0]),
        ];
        for (sheet, row) in layout.sheets.iter().zip(&rows) {
            assert_eq!(sheet.columns.len(), row.len(), "{}", sheet.name);
            for ((header, _), cell) in sheet.columns.iter().zip(row) {
                assert!(!header.starts_with("A:") || matches!(cell, Cell::Text(text) if text.is_empty()), "{} {header}", sheet.name);
            }
        }
    }
}
