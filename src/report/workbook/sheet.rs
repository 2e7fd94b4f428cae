//! A sheet with one table: title, way back, heading, rows. Names, headings and words are all ours, from
//! `reports/workbook.json`; only cells hold data.

use rust_xlsxwriter::utility::column_number_to_name;
use rust_xlsxwriter::{
    Color, ExcelDateTime, Format, FormatAlign, FormatBorder, FormatUnderline, Formula, Table, TableColumn, TableStyle, Workbook, Worksheet,
    XlsxError,
};
use serde::Deserialize;

use super::super::untrusted::{Cell, cell_text, cut, fingerprint, visible, words};
use super::super::view::{ReportView, grouped};
use super::choices;

const LAYOUT: &str = include_str!("../../../reports/workbook.json");
/// Header and first row of every table, from 0.
pub(super) const HEADER: u32 = 3;
pub(super) const FIRST: u32 = 4;

pub(super) const BLUE: Color = Color::RGB(0x001D_70B8);
pub(super) const PALE_BLUE: Color = Color::RGB(0x00BB_D4EA);
pub(super) const PALE_GREEN: Color = Color::RGB(0x00CC_E2D8);
pub(super) const GREY: Color = Color::RGB(0x00E3_E3E3);

/// What `reports/workbook.json` says.
#[derive(Deserialize)]
pub(super) struct Layout {
    pub(super) sheets: Vec<Sheet>,
    pub(super) lists: Vec<List>,
    pub(super) how_to_use: Vec<String>,
    pub(super) outcomes: Vec<(String, String)>,
    pub(super) method: Vec<(String, String, String)>,
}

#[derive(Deserialize)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) table: String,
    pub(super) title: String,
    instruction: String,
    /// Nothing in it is to be filled in.
    #[serde(default)]
    protected: bool,
    /// Header and width.
    pub(super) columns: Vec<(String, f64)>,
}

#[derive(Deserialize)]
pub(super) struct List {
    pub(super) title: String,
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

/// A row: the tool's cells in order, and what others have filled in already, by header.
pub(super) struct Row {
    pub(super) tool: Vec<Cell>,
    pub(super) given: Vec<(&'static str, String)>,
}

impl From<Vec<Cell>> for Row {
    fn from(tool: Vec<Cell>) -> Self {
        Self { tool, given: Vec::new() }
    }
}

/// A sheet, its rows, and how many rows there would be without a limit.
pub(super) struct Filled<'a> {
    pub(super) what: &'a Sheet,
    pub(super) rows: Vec<Row>,
    pub(super) total: usize,
}

impl Layout {
    pub(super) fn read() -> Result<Self, serde_json::Error> {
        serde_json::from_str(LAYOUT)
    }

    pub(super) fn sheet(&self, name: &str) -> Option<&Sheet> {
        self.sheets.iter().find(|sheet| sheet.name == name)
    }
}

impl Sheet {
    /// The column of a header, from 0.
    pub(super) fn column(&self, header: &str) -> Option<u16> {
        (0_u16..).zip(&self.columns).find(|(_, (name, _))| name == header).map(|(col, _)| col)
    }

    /// The cell of a header in the first row, its column fixed.
    pub(super) fn cell(&self, header: &str) -> String {
        self.column(header).map_or_else(String::new, |col| format!("${}{}", column_number_to_name(col), FIRST + 1))
    }

    fn hint(header: &str) -> bool {
        header.starts_with("T: Fingerprint")
    }
}

impl Filled<'_> {
    /// The cells of a column, as a range that a formula of another sheet can use.
    pub(super) fn range(&self, header: &str) -> Option<String> {
        let letter = column_number_to_name(self.what.column(header)?);
        Some(format!("'{}'!${letter}${}:${letter}${}", self.what.name, FIRST + 1, FIRST as usize + self.rows.len()))
    }

    /// Writes the sheet.
    pub(super) fn write(&self, book: &mut Workbook, view: &ReportView, layout: &Layout) -> Result<(), XlsxError> {
        let what = self.what;
        let sheet = paper(book.add_worksheet().set_name(&what.name)?, view);
        let last_row = HEADER + u32::try_from(self.rows.len()).unwrap_or(u32::MAX - HEADER);
        let last_col = u16::try_from(what.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let [shown, of] = [self.rows.len(), self.total].map(|n| grouped(n as u64));
        let shown = if shown == of { String::new() } else { format!("Shown {shown} of {of}; all are in the JSON files of the run. ") };
        sheet.write_string_with_format(0, 0, &what.title, &heading())?;
        sheet.write_url_with_text(1, 0, "internal:Cover!A1", format!("{shown}{} Back to Cover.", what.instruction))?;
        let header = text_format().set_bold().set_font_color(Color::Black).set_border(FormatBorder::Thin);
        let columns: Vec<TableColumn> = what
            .columns
            .iter()
            .map(|(name, _)| {
                let colour = match name.get(..2) {
                    Some("A:") => PALE_BLUE,
                    Some("P:") => PALE_GREEN,
                    _ => GREY,
                };
                TableColumn::new().set_header(name).set_header_format(header.clone().set_background_color(colour))
            })
            .collect();
        let table = Table::new().set_name(&what.table).set_columns(&columns).set_style(TableStyle::None);
        sheet.add_table(HEADER, 0, last_row, last_col, &table)?;
        for (row, at) in self.rows.iter().zip(FIRST..) {
            self.line(sheet, row, at)?;
            sheet.set_row_height(at, self.height(row))?;
        }
        for ((_, width), col) in what.columns.iter().zip(0..) {
            sheet.set_column_width(col, *width)?;
        }
        sheet.set_row_height(HEADER, 31)?;
        sheet.set_freeze_panes(FIRST, 2)?.set_repeat_rows(HEADER, HEADER)?;
        if what.protected {
            sheet.protect();
            return Ok(());
        }
        choices::choices(sheet, view, what, layout, last_row)
    }

    /// High enough for the text of every cell: not every program grows a row by itself. Excel allows 409 points.
    fn height(&self, row: &Row) -> f64 {
        let tool = self.what.columns.iter().filter(|(header, _)| header.starts_with("T:") && !Sheet::hint(header)).zip(&row.tool);
        let given = self.what.columns.iter().filter_map(|column| Some((column, &row.given.iter().find(|(name, _)| *name == column.0)?.1)));
        let high = |width: f64, text: &str| text.lines().map(|line| (f64::from(units(line)) * 1.15 / width).ceil().max(1.0)).sum::<f64>();
        let texts = tool.filter_map(|((_, width), cell)| match cell {
            Cell::Text(text) | Cell::Goto(text, _) => Some(high(*width, text)),
            _ => None,
        });
        let lines = texts.chain(given.map(|((_, width), text)| high(*width, text))).fold(1.0, f64::max);
        (15.0 * lines + 1.0).min(409.0)
    }

    fn line(&self, sheet: &mut Worksheet, row: &Row, at: u32) -> Result<(), XlsxError> {
        let (text, number) = (text_format(), Format::new().set_num_format("#,##0").set_align(FormatAlign::Top));
        let date = Format::new().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Top);
        let mut tool = row.tool.iter();
        for ((header, _), col) in self.what.columns.iter().zip(0..) {
            let print = Sheet::hint(header).then(|| words(fingerprint(&row.tool)));
            let given = row.given.iter().find(|(name, _)| name == header).map(|(_, value)| value);
            let own = header.starts_with("T:").then(|| print.as_ref().or_else(|| tool.next())).flatten();
            let dated = header.ends_with(" on") || header.ends_with(" date");
            match (own, given) {
                (Some(Cell::Text(value)), _) if !value.is_empty() => {
                    sheet.write_string_with_format(at, col, cell_text(value), &text)?;
                }
                (Some(Cell::Number(value)), _) => drop(sheet.write_with_format(at, col, *value, &number)?),
                (Some(Cell::Link(value, target)), _) => {
                    sheet.write_url(at, col, format!("internal:{target}").as_str())?;
                    sheet.write_with_format(at, col, *value, &linked(&number))?;
                }
                (Some(Cell::Goto(value, target)), _) => {
                    sheet.write_url(at, col, format!("internal:{target}").as_str())?;
                    sheet.write_string_with_format(at, col, cell_text(value), &linked(&text))?;
                }
                (Some(Cell::Live(formula, result)), _) => {
                    let formula = Formula::new(formula.replace("{row}", &(at + 1).to_string())).set_result(*result);
                    sheet.write_formula_with_format(
                        at,
                        col,
                        formula,
                        &Format::new().set_text_wrap().set_align(FormatAlign::Top).set_bold(),
                    )?;
                }
                (_, Some(value)) => match iso_date(value).filter(|_| dated) {
                    Some(day) => drop(sheet.write_datetime_with_format(at, col, &day, &date)?),
                    None => drop(sheet.write_string_with_format(at, col, cell_text(&visible(value)), &text)?),
                },
                _ => drop(sheet.write_blank(at, col, if dated { &date } else { &text })?),
            }
        }
        Ok(())
    }
}

fn units(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

fn linked(format: &Format) -> Format {
    format.clone().set_underline(FormatUnderline::Single).set_font_color(BLUE)
}

pub(super) fn text_format() -> Format {
    Format::new().set_num_format("@").set_quote_prefix().set_text_wrap().set_align(FormatAlign::Top)
}

pub(super) fn heading() -> Format {
    text_format().set_bold().set_font_size(14).unset_text_wrap()
}

fn footer(view: &ReportView) -> String {
    let marking = view.results.engagement.marking.as_deref().map_or("no marking declared".into(), visible);
    format!("&L{}&C{}&Rpage &P of &N", cut(marking, 90, "…").replace('&', "&&"), view.results.run.id.replace('&', "&&"))
}

pub(super) fn paper<'a>(sheet: &'a mut Worksheet, view: &ReportView) -> &'a mut Worksheet {
    sheet.set_paper_size(9).set_landscape().set_print_fit_to_pages(1, 0).set_footer(footer(view))
}

pub(super) fn iso_date(iso: &str) -> Option<ExcelDateTime> {
    ExcelDateTime::parse_from_str(iso.get(..10)?).ok()
}
