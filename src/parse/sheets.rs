//! Registers in the sheets of a workbook, each by its own format.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::register::{self, Heading};
use super::{Layout, Output};
use crate::catalogue::engagement::Source;
use crate::catalogue::format::Delimited;
use crate::collect::archive::Refused;
use crate::collect::recognise::{HEADING_ROWS, fold, has_columns, register as register_of};
use crate::collect::sheet_xml::{Merge, Shape, column_name};
use crate::collect::workbook::{Row, Workbook, Written};
use crate::domain::evidence::Sheet;
use crate::domain::note::Note;

/// Ranges of hidden rows or columns that a note names.
const NAMED: usize = 20;

/// Reads the sheets that have a format. A sheet that cannot be read whole fails the file.
pub(super) fn read<'a>(octets: &[u8], layouts: &[Layout<'a>], source: &Source, out: &mut Output<'a>) {
    if let Err(refused) = read_all(octets, layouts, source, out) {
        out.fail(refused.code, refused.why);
    }
}

fn read_all<'a>(octets: &[u8], layouts: &[Layout<'a>], source: &Source, out: &mut Output<'a>) -> Result<(), Refused> {
    let mut workbook = Workbook::open(octets, &mut |_| ())?;
    for layout in layouts {
        let (Some(sheet), Some(settings)) = (layout.sheet, register_of(layout.format)) else { continue };
        let index = usize::try_from(sheet.ordinal).unwrap_or(usize::MAX).saturating_sub(1);
        if workbook.sheets().get(index).is_none_or(|listed| listed.name != sheet.name) {
            return Err(Refused::damaged(format!("{} is no longer there", sheet.place())));
        }
        let shape = workbook.shape(index)?;
        let register = Register { sheet, settings, needed: &layout.format.recognise.header, shape: &shape };
        let mut orders = Vec::new();
        if source.order().is_none() {
            orders = register::survey_dates(layout.format, |silent| register.read(&mut workbook, silent).map(drop))?;
        }
        out.turn_to(layout.format);
        out.date_orders(orders);
        register.read(&mut workbook, out)?.notice(&register, out);
    }
    Ok(())
}

/// A sheet to read.
struct Register<'a> {
    sheet: &'a Sheet,
    settings: &'a Delimited,
    needed: &'a [String],
    shape: &'a Shape,
}

impl Register<'_> {
    fn read(&self, workbook: &mut Workbook<'_>, out: &mut Output<'_>) -> Result<Reading, Refused> {
        let mut reading = Reading { above: Vec::new(), table: None, last: 0, formulas: 0, outside: (0, 0), hidden: Vec::new() };
        let last = workbook.rows(&self.sheet.name, &mut |row| {
            reading.row(self, row, out);
            ControlFlow::Continue(())
        })?;
        let last = last.unwrap_or_default();
        out.parsed.blank += last.saturating_sub(reading.last);
        out.parsed.total += last;
        if reading.table.is_none() {
            for (row, _) in std::mem::take(&mut reading.above) {
                out.reject("N-CSV-003", self.sheet.row(row), "a row of a sheet without a heading");
            }
            let why = format!("no heading with the columns {} in the first {HEADING_ROWS} rows", self.needed.join(", "));
            return Err(Refused { code: "N-CSV-003", why });
        }
        Ok(reading)
    }
}

/// Where the fields of the format stand, once the heading was found.
struct Table {
    heading: Heading,
    row: u64,
    places: Vec<Option<u32>>,
    /// The rows that merged cells leave empty, in the column of each field.
    covered: Vec<Vec<(u64, u64)>>,
}

/// How far a sheet is read.
struct Reading {
    /// Rows above the heading.
    above: Vec<(u64, Vec<Written>)>,
    table: Option<Table>,
    /// The row read last.
    last: u64,
    formulas: u64,
    /// Cells outside the columns of the heading, and the row of the first.
    outside: (u64, u64),
    /// Hidden rows that hold something.
    hidden: Vec<u64>,
}

impl Reading {
    fn row(&mut self, register: &Register<'_>, row: Row, out: &mut Output<'_>) {
        // Rows that the sheet does not even mention.
        out.parsed.blank += row.number - self.last - 1;
        self.last = row.number;
        self.formulas += row.cells.iter().filter(|cell| cell.formula).count() as u64;
        if row.cells.is_empty() {
            out.parsed.blank += 1;
            return;
        }
        if register.shape.hidden_rows.binary_search(&row.number).is_ok() {
            self.hidden.push(row.number);
        }
        match &self.table {
            Some(table) => self.outside = record(table, register, &row, self.outside, out),
            None if row.number > HEADING_ROWS as u64 => {
                out.reject("N-CSV-003", register.sheet.row(row.number), "a row of a sheet without a heading");
            }
            None => {
                let folded: Vec<String> = row.cells.iter().map(|cell| fold(&cell.text)).collect();
                if has_columns(&folded, register.settings, register.needed) {
                    self.heading(register, row, out);
                } else {
                    self.above.push((row.number, row.cells));
                }
            }
        }
    }

    fn heading(&mut self, register: &Register<'_>, row: Row, out: &mut Output<'_>) {
        out.parsed.blank += 1;
        let fields = out.fields();
        let cells = row.cells.into_iter().filter(|cell| !cell.text.is_empty());
        let heading = Heading::of(cells.map(|cell| (cell.column as usize, cell.text)));
        heading.notice(register.settings, &fields, out);
        let place = |field: &String| heading.place(register.settings, field).and_then(|place| u32::try_from(place).ok());
        let places: Vec<Option<u32>> = fields.iter().map(place).collect();
        let covered = places.iter().map(|place| place.map_or_else(Vec::new, |place| covered(&register.shape.merges, place))).collect();
        for (number, cells) in std::mem::take(&mut self.above) {
            // A title has few cells; a row with as many as a record needs is one out of its place.
            if cells.len() > 1 && cells.len() >= register.needed.len() {
                out.reject("N-CSV-002", register.sheet.row(number), "a row above the heading");
            } else {
                out.parsed.blank += 1;
            }
        }
        self.table = Some(Table { heading, row: row.number, places, covered });
    }

    /// Notes what a reader of the sheet should know.
    fn notice(&self, register: &Register<'_>, out: &mut Output<'_>) {
        let sheet = register.sheet;
        let number = out.evidence();
        let note = |code, what: String| Note::on(code, number, what).at(sheet.place());
        if !self.hidden.is_empty() {
            let what = format!("hidden rows {}; they were read", ranges(&self.hidden));
            out.note(note("N-XLS-003", what).times(self.hidden.len() as u64));
        }
        let Some(table) = &self.table else { return };
        let columns: Vec<u32> = table.heading.columns().filter_map(|column| u32::try_from(column).ok()).collect();
        let concealed = |column: &&u32| register.shape.hidden_columns.iter().any(|(first, last)| (first..=last).contains(column));
        let hidden: Vec<String> = columns.iter().filter(concealed).map(|column| column_name(*column)).collect();
        if !hidden.is_empty() {
            let what = format!("hidden columns {}; they were read", hidden.join(", "));
            out.note(note("N-XLS-003", what).times(hidden.len() as u64));
        }
        let body =
            |merge: &&Merge| merge.rows.1 >= table.row && columns.iter().any(|column| (merge.columns.0..=merge.columns.1).contains(column));
        for merge in register.shape.merges.iter().filter(body) {
            let only = if merge.rows.0 == merge.rows.1 { "cell" } else { "row" };
            out.note(note("N-XLS-004", format!("merged cells at {}: only the first {only} has the value", merge.range)));
        }
        if self.formulas > 0 {
            let what = format!("{} cells hold formulas; the values they last had were read", self.formulas);
            out.note(note("N-XLS-005", what).times(self.formulas));
        }
        if self.outside.0 > 0 {
            let what = format!("{} cells outside the columns of the heading, first in row {}", self.outside.0, self.outside.1);
            out.note(note("N-XLS-008", what).times(self.outside.0));
        }
    }
}

/// Reads a row below the heading; gives the count of cells outside its columns.
fn record(table: &Table, register: &Register<'_>, row: &Row, outside: (u64, u64), out: &mut Output<'_>) -> (u64, u64) {
    let at = register.sheet.row(row.number);
    let first = table.heading.columns().min().and_then(|column| row.cells.iter().find(|cell| cell.column as usize == column));
    if let Some(what) = first.and_then(|cell| register::no_record(&cell.text)) {
        out.pass_over(at, what);
        return outside;
    }
    let stray = row.cells.iter().filter(|cell| !table.heading.columns().any(|column| column == cell.column as usize)).count();
    let outside = if stray == 0 { outside } else { (outside.0 + stray as u64, if outside.0 == 0 { row.number } else { outside.1 }) };
    if stray == row.cells.len() {
        // Nothing of it lies in the table: a remark below or beside it.
        out.parsed.blank += 1;
        return outside;
    }
    let texts = register::masked(at, row.cells.iter().map(|cell| cell.text.as_str()), out);
    let cells: BTreeMap<u32, usize> = row.cells.iter().enumerate().map(|(index, cell)| (cell.column, index)).collect();
    let mut doubts = Vec::new();
    for (field, (place, covered)) in table.places.iter().zip(&table.covered).enumerate() {
        let cell = place.and_then(|place| cells.get(&place)).and_then(|index| row.cells.get(*index));
        let doubt = match cell {
            Some(cell) => cell.doubt,
            None => covered.iter().any(|(first, last)| (first..=last).contains(&&row.number)).then_some("N-XLS-004"),
        };
        doubts.extend(doubt.map(|doubt| (field, doubt)));
    }
    let field = |field: usize| {
        let place = (*table.places.get(field)?)?;
        texts.get(*cells.get(&place)?).map(|text| text.as_ref().trim()).filter(|text| !text.is_empty())
    };
    doubts.extend(register::unfilled(table.places.len(), field));
    out.record_with(at, &doubts, field);
    outside
}

/// The rows in which a column is covered by merged cells whose value stands elsewhere.
fn covered(merges: &[Merge], column: u32) -> Vec<(u64, u64)> {
    let over = merges.iter().filter(|merge| (merge.columns.0..=merge.columns.1).contains(&column));
    over.map(|merge| if merge.columns.0 == column { (merge.rows.0 + 1, merge.rows.1) } else { merge.rows })
        .filter(|(first, last)| first <= last)
        .collect()
}

/// `4, 7-9`: rows in order.
fn ranges(rows: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for row in rows {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *row => *last = *row,
            _ => ranges.push((*row, *row)),
        }
    }
    let named = ranges.iter().take(NAMED).map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    let mut words: Vec<String> = named.collect();
    words.extend((ranges.len() > NAMED).then(|| "and further ones".to_owned()));
    words.join(", ")
}
