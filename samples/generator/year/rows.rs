//! Registers as people keep them, written down row by row.

use super::Sample;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

/// The rows of a register. A row may begin with a remark in brackets: `[name]` marks where it stands, `[+name]` is
/// there only in the planted variant and `[-]` only in the clean one.
pub struct Rows<'a> {
    pub header: &'a str,
    pub rows: Vec<(Option<String>, String)>,
}

impl<'a> Rows<'a> {
    pub fn new(sample: &Sample, header: &'a str, text: &str) -> Self {
        let mut rows = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let Some((remark, row)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
                rows.push((None, line.to_owned()));
                continue;
            };
            match (remark.strip_prefix('+'), remark.strip_prefix('-')) {
                (Some(name), _) if sample.planted => rows.push((Some(name.to_owned()), row.to_owned())),
                (None, Some(name)) if !sample.planted => rows.push((Some(name.to_owned()), row.to_owned())),
                (None, None) => rows.push((Some(remark.to_owned()), row.to_owned())),
                _ => {}
            }
        }
        Self { header, rows }
    }

    /// Adds it as CSV. Marks are `path stem/name`.
    pub fn csv(self, sample: &mut Sample, path: &str) {
        for ((name, _), line) in self.rows.iter().zip(2..) {
            if let Some(name) = name {
                sample.mark(format!("{}/{name}", stem(path)), path, line, None);
            }
        }
        let count = self.rows.len();
        let lines: Vec<String> = std::iter::once(self.header.to_owned()).chain(self.rows.into_iter().map(|(_, row)| row)).collect();
        sample.add(path, count, lines.join("\n") + "\n");
    }
}

fn stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or(path)
}

/// Adds registers as the sheets of one workbook: a title above the heading, real dates, and a few blank rows that
/// have a format and nothing else. Marks are `sheet/name`.
pub fn workbook(sample: &mut Sample, path: &str, sheets: Vec<(&str, Rows<'_>)>) {
    let mut book = Workbook::new();
    let mut records = 0;
    let made = ExcelDateTime::from_ymd(2022, 7, 18).expect("a date");
    book.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&made));
    let bold = Format::new().set_bold();
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let minute = Format::new().set_num_format("dd/mm/yyyy hh:mm");
    let bordered = Format::new().set_border(rust_xlsxwriter::FormatBorder::Thin);
    for (name, Rows { header, rows }) in sheets {
        let sheet = book.add_worksheet().set_name(name).expect("a name for a sheet");
        sheet.write_with_format(0, 0, format!("{name} - invented sample"), &bold).expect("a cell");
        for (column, heading) in (0..).zip(header.split(',')) {
            sheet.write_with_format(2, column, heading, &bold).expect("a cell");
        }
        let mut at = 3;
        for (mark, row) in &rows {
            for (column, cell) in (0..).zip(cells(row)) {
                let written = match date(&cell) {
                    _ if cell.is_empty() => continue,
                    Some((date, true)) => sheet.write_with_format(at, column, &date, &minute),
                    Some((date, false)) => sheet.write_with_format(at, column, &date, &day),
                    None => match cell.parse::<u32>() {
                        Ok(number) => sheet.write(at, column, number),
                        Err(_) => sheet.write(at, column, cell),
                    },
                };
                written.expect("a cell");
            }
            at += 1;
            if let Some(mark) = mark {
                let place = super::super::Place {
                    evidence: path.to_owned(),
                    sheet: Some(name.to_owned()),
                    row: usize::try_from(at).expect("few rows"),
                    serial: None,
                };
                sample.places.insert(format!("{name}/{mark}"), place);
            }
        }
        records += rows.len();
        for blank in at..at + 5 {
            sheet.write_blank(blank, 0, &bordered).expect("a cell");
        }
    }
    let octets = book.save_to_buffer().expect("a workbook");
    sample.add(path, records, octets);
}

/// The cells of a row; a quoted one may hold commas.
pub fn cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for character in row.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().expect("there is a cell").push(other),
        }
    }
    cells
}

/// `2021-07-01` or `2021-07-01 10:00` as the spreadsheet program keeps it, and whether it has a time of day.
fn date(cell: &str) -> Option<(ExcelDateTime, bool)> {
    let number = |range: std::ops::Range<usize>| cell.get(range)?.parse::<u16>().ok();
    let dashed = cell.get(4..5) == Some("-") && cell.get(7..8) == Some("-");
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let date = ExcelDateTime::from_ymd(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?).ok().filter(|_| dashed)?;
    match cell.len() {
        10 => Some((date, false)),
        16 => Some((date.and_hms(number(11..13)?, u8::try_from(number(14..16)?).ok()?, 0.0).ok()?, true)),
        _ => None,
    }
}
