//! Workbooks (Office Open XML, ECMA-376), read row by row through calamine's reader of cells: a range
//! would take the memory of every cell between the corners of a sheet, however empty, and would not tell
//! a formula without a value from an empty cell.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::ControlFlow;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, open_workbook_from_rs};

use super::archive::{self, Archive, Refused};
use super::sheet_xml::{self, Shape};

/// Most rows of a sheet: what a spreadsheet can have.
const MAX_ROWS: u64 = 1_048_576;
/// Most cells of a sheet, empty ones that have a format included.
const MAX_CELLS: u64 = 20_000_000;
/// Most sheets.
const MAX_SHEETS: usize = 256;
/// Spreadsheets keep 15 digits of a number: one of more may have been rounded when it was typed.
const WHOLE: f64 = 1e15;
/// 9999-12-31 and a day: no date lies beyond.
const LAST_SERIAL: f64 = 2_958_466.0;

/// A workbook in memory.
pub(crate) struct Workbook<'a> {
    xlsx: InMemory<'a>,
    archive: Archive<'a>,
    parts: Vec<String>,
}

/// What a workbook says of a sheet.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) name: String,
    /// It holds cells: it is no chart and no dialogue.
    pub(crate) cells: bool,
    /// It is not shown.
    pub(crate) hidden: bool,
}

/// A cell that holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Its column, from 0.
    pub(crate) column: u32,
    /// Its text; dates are ISO 8601.
    pub(crate) text: String,
    /// The code of the note that says why the text cannot be relied on.
    pub(crate) doubt: Option<&'static str>,
    /// It is worked out by a formula.
    pub(crate) formula: bool,
}

/// A row with its cells that hold something, by column.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its number as a spreadsheet shows it, from 1.
    pub(crate) number: u64,
    /// Its cells; none where it only has formats.
    pub(crate) cells: Vec<Written>,
}

/// calamine's workbook over octets in memory.
pub(crate) type InMemory<'a> = Xlsx<Cursor<&'a [u8]>>;

/// Opens a workbook, after it was measured. `see` is shown every piece of every part.
///
/// # Errors
/// [`Refused`] where it is damaged, or beyond a limit.
pub(crate) fn xlsx<'a>(octets: &'a [u8], see: &mut dyn FnMut(&[u8])) -> Result<(InMemory<'a>, Archive<'a>), Refused> {
    let mut archive = archive::measured(octets, see)?;
    sheet_xml::believable_strings(&mut archive)?;
    Ok((open_workbook_from_rs::<InMemory<'a>, _>(Cursor::new(octets))?, archive))
}

impl<'a> Workbook<'a> {
    /// Opens a workbook and finds its sheets.
    ///
    /// # Errors
    /// As [`xlsx`].
    pub(crate) fn open(octets: &'a [u8], see: &mut dyn FnMut(&[u8])) -> Result<Self, Refused> {
        let (xlsx, mut archive) = xlsx(octets, see)?;
        let parts = sheet_xml::sheet_parts(&mut archive)?;
        let names = xlsx.sheet_names();
        if names.len() > MAX_SHEETS {
            return Err(Refused::beyond("more than 256 sheets"));
        }
        if parts.len() != names.len() {
            return Err(Refused::damaged("its sheets cannot be told apart"));
        }
        if let Some((_, name)) = names.iter().enumerate().find(|(index, name)| names.iter().take(*index).any(|other| other == *name)) {
            return Err(Refused::damaged(format!("two sheets have the name {name:?}")));
        }
        Ok(Self { xlsx, archive, parts })
    }

    /// Its sheets, in order.
    pub(crate) fn sheets(&self) -> Vec<Listed> {
        let sheets = self.xlsx.sheets_metadata().iter();
        sheets
            .map(|sheet| Listed {
                name: sheet.name.clone(),
                cells: sheet.typ == SheetType::WorkSheet,
                hidden: sheet.visible != SheetVisible::Visible,
            })
            .collect()
    }

    /// What a sheet hides and merges.
    ///
    /// # Errors
    /// [`Refused`] where its XML does not read.
    pub(crate) fn shape(&mut self, index: usize) -> Result<Shape, Refused> {
        let part = self.parts.get(index).cloned().unwrap_or_default();
        sheet_xml::shape(sheet_xml::part(&mut self.archive, &part)?).map_err(Refused::damaged)
    }

    /// Hands over the rows of a sheet that have cells, from above, until `take` breaks off. Gives the last
    /// row of the range the sheet says it uses, or uses beyond that; nothing where it was broken off.
    ///
    /// # Errors
    /// [`Refused`] where the sheet does not read, has a cell twice or its rows out of order, or is beyond a
    /// limit. What was handed over before must then not be taken for the whole.
    pub(crate) fn rows(&mut self, name: &str, take: &mut dyn FnMut(Row) -> ControlFlow<()>) -> Result<Option<u64>, Refused> {
        let mut reader = self.xlsx.worksheet_cells_reader(name)?;
        let mut last = u64::from(reader.dimensions().end.0) + 1;
        let mut count = 0;
        let mut current = 0;
        let mut cells: BTreeMap<u32, Option<Written>> = BTreeMap::new();
        let mut hand = |number: u64, cells: &mut BTreeMap<u32, Option<Written>>| {
            let cells: Vec<Written> = std::mem::take(cells).into_values().flatten().collect();
            if number == 0 { ControlFlow::Continue(()) } else { take(Row { number, cells }) }
        };
        while let Some(cell) = reader.next_cell_with_formula_metadata()? {
            count += 1;
            let (row, column) = cell.pos;
            let number = u64::from(row) + 1;
            if count > MAX_CELLS {
                return Err(Refused::beyond("more than 20,000,000 cells"));
            }
            if number > MAX_ROWS || column >= 16_384 {
                return Err(Refused::beyond("a cell beyond row 1,048,576 or column XFD"));
            }
            if number < current {
                return Err(Refused::damaged(format!("row {number} stands after row {current}")));
            }
            if number > current {
                if hand(current, &mut cells).is_break() {
                    return Ok(None);
                }
                current = number;
            }
            if cells.insert(column, written(column, &cell.value, cell.formula.is_some())).is_some() {
                return Err(Refused::damaged(format!("cell {}{number} stands twice", sheet_xml::column_name(column))));
            }
        }
        if hand(current, &mut cells).is_break() {
            return Ok(None);
        }
        last = last.max(current);
        if last > MAX_ROWS {
            return Err(Refused::beyond("more than 1,048,576 rows"));
        }
        Ok(Some(last))
    }
}

/// The cell, unless it is empty.
fn written(column: u32, value: &DataRef<'_>, formula: bool) -> Option<Written> {
    let (text, doubt) = match value {
        DataRef::Empty if formula => (String::new(), Some("N-XLS-006")),
        DataRef::Empty => return None,
        DataRef::String(text) => (text.trim().to_owned(), rounded(text)),
        DataRef::SharedString(text) => (text.trim().to_owned(), rounded(text)),
        DataRef::Int(number) => (number.to_string(), (number.unsigned_abs() >= 1_000_000_000_000_000).then_some("N-XLS-007")),
        DataRef::Float(number) => (plain(*number), (!number.is_finite() || number.abs() >= WHOLE).then_some("N-XLS-007")),
        DataRef::Bool(truth) => (truth.to_string(), None),
        DataRef::DateTime(date) => moment(date).map_or_else(|| (plain(date.as_f64()), Some("N-XLS-006")), |text| (text, None)),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => (text.trim().to_owned(), None),
        DataRef::Error(error) => (error.to_string(), Some("N-XLS-006")),
    };
    (!text.is_empty() || doubt.is_some()).then_some(Written { column, text, doubt, formula })
}

/// `1.23E+15`: a long number that a spreadsheet cut before it became text.
fn rounded(text: &str) -> Option<&'static str> {
    let (mantissa, exponent) = text.trim().split_once("E+")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    (digits(whole) && whole.len() == 1 && digits(fraction) && digits(exponent)).then_some("N-XLS-007")
}

/// Without `.0`, and without an exponent.
fn plain(number: f64) -> String {
    if number == 0.0 { "0".to_owned() } else { number.to_string() }
}

/// ISO 8601 of a date, of a date and a time, of a time alone or of a length of time; nothing where the
/// number is none of these. Dates have no zone.
fn moment(date: &ExcelDateTime) -> Option<String> {
    let serial = date.as_f64();
    if !(0.0..LAST_SERIAL).contains(&serial) {
        return None;
    }
    let (year, month, day, hour, minute, second, milli) = date.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    let clock = format!("{minute:02}:{second:02}{fraction}");
    let whole = serial.fract() == 0.0;
    if date.is_duration() {
        // A length of time counts its days as hours; they are whole by the range above.
        return Some(format!("{}:{clock}", plain(serial.trunc() * 24.0 + f64::from(hour))));
    }
    if serial < 1.0 && !whole {
        return Some(format!("{hour:02}:{clock}"));
    }
    let day = format!("{year:04}-{month:02}-{day:02}");
    Some(if whole { day } else { format!("{day} {hour:02}:{clock}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};

    #[test]
    fn a_date_is_the_same_day_in_both_systems() {
        let day = |serial, is_1904| moment(&ExcelDateTime::new(serial, DateTime, is_1904));
        assert_eq!(day(43_915.0, false).as_deref(), Some("2020-03-25"));
        assert_eq!(day(42_453.0, true).as_deref(), Some("2020-03-25"));
        assert_eq!(day(43_915.604_166_666_664, false).as_deref(), Some("2020-03-25 14:30:00"));
        assert_eq!(day(0.75, false).as_deref(), Some("18:00:00"));
        assert_eq!(moment(&ExcelDateTime::new(1.5, TimeDelta, false)).as_deref(), Some("36:00:00"));
    }

    #[test]
    fn a_number_that_is_no_date_is_none() {
        for serial in [-1.0, LAST_SERIAL, f64::NAN, f64::INFINITY] {
            assert_eq!(moment(&ExcelDateTime::new(serial, DateTime, false)), None);
        }
    }

    #[test]
    fn numbers_stand_without_a_point_and_long_ones_are_doubted() {
        let text = |number| written(0, &DataRef::Float(number), false).map(|cell| (cell.text, cell.doubt));
        assert_eq!(text(42.0), Some(("42".to_owned(), None)));
        assert_eq!(text(-0.0), Some(("0".to_owned(), None)));
        assert_eq!(text(1.5), Some(("1.5".to_owned(), None)));
        assert_eq!(text(999_999_999_999_999.0), Some(("999999999999999".to_owned(), None)));
        assert_eq!(text(1.23e15), Some(("1230000000000000".to_owned(), Some("N-XLS-007"))));
        assert_eq!(rounded("1.23E+15"), Some("N-XLS-007"));
        for text in ["1E15", "AE+15", "12.3E+4", "1.23E+", "E+5"] {
            assert_eq!(rounded(text), None, "{text}");
        }
    }
}
