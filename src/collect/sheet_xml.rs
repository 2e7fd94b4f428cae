//! What the XML of a workbook says that the cells do not: where its sheets are, which rows and columns
//! are hidden, which cells are merged.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::archive::{Archive, Refused};

/// Most merged ranges of a sheet.
const MAX_MERGES: usize = 10_000;

/// Cells that were merged. Rows count from 1, columns from 0; both ends belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Merge {
    /// As the sheet writes it: `A5:A9`.
    pub(crate) range: String,
    /// First and last row.
    pub(crate) rows: (u64, u64),
    /// First and last column.
    pub(crate) columns: (u32, u32),
}

/// What a sheet hides and merges.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Hidden rows, from 1.
    pub(crate) hidden_rows: Vec<u64>,
    /// Hidden columns, first and last, from 0.
    pub(crate) hidden_columns: Vec<(u32, u32)>,
    /// Merged cells.
    pub(crate) merges: Vec<Merge>,
}

/// Reads the shape of a sheet.
///
/// # Errors
/// In words, where the XML does not read.
pub(crate) fn shape<R: BufRead>(input: R) -> Result<Shape, String> {
    let mut shape = Shape::default();
    let mut row = 0;
    let mut in_data = false;
    each(input, |element| {
        match element.local_name().as_ref() {
            "sheetData" => in_data = true,
            "row" if in_data => {
                row = number(element, "r").unwrap_or(row + 1);
                if hidden(element, "ht") {
                    shape.hidden_rows.push(row);
                }
            }
            "col" if !in_data && hidden(element, "width") => {
                if let (Some(first), Some(last)) = (number(element, "min"), number(element, "max")) {
                    let column = |number: u64| u32::try_from(number.saturating_sub(1)).unwrap_or(u32::MAX);
                    shape.hidden_columns.push((column(first), column(last)));
                }
            }
            "mergeCell" => {
                let range = value(element, "ref").unwrap_or_default();
                let merge = merge(&range).ok_or_else(|| format!("merged cells at {range:?}, which is no range"))?;
                shape.merges.push(merge);
                if shape.merges.len() > MAX_MERGES {
                    return Err("more than 10,000 merged ranges".to_owned());
                }
            }
            _ => {}
        }
        Ok(true)
    })?;
    Ok(shape)
}

/// The parts of the sheets of a workbook, in the order of the sheets.
///
/// # Errors
/// [`Refused`] where the workbook does not say it.
pub(crate) fn sheet_parts(archive: &mut Archive<'_>) -> Result<Vec<String>, Refused> {
    let mut relations: BTreeMap<String, String> = BTreeMap::new();
    each(part(archive, "xl/_rels/workbook.xml.rels")?, |element| {
        if element.local_name().as_ref() == "Relationship"
            && let (Some(id), Some(target)) = (value(element, "Id"), value(element, "Target"))
        {
            let path = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), ToOwned::to_owned);
            relations.insert(id, path);
        }
        Ok(true)
    })
    .map_err(Refused::damaged)?;
    let mut parts = Vec::new();
    each(part(archive, "xl/workbook.xml")?, |element| {
        if element.local_name().as_ref() == "sheet" {
            let part = value(element, "id").and_then(|id| relations.get(&id).cloned());
            parts.push(part.ok_or("a sheet without a part")?);
        }
        Ok(true)
    })
    .map_err(Refused::damaged)?;
    Ok(parts)
}

/// Refuses a table of strings that claims to be longer than it can be: memory is reserved by its word.
///
/// # Errors
/// [`Refused`].
pub(crate) fn believable_strings(archive: &mut Archive<'_>) -> Result<(), Refused> {
    /// Octets of the shortest string, `<si/>`.
    const SHORTEST: u64 = 5;
    let tables: Vec<String> =
        archive.file_names().flatten().filter(|name| name.to_lowercase().ends_with("sharedstrings.xml")).map(Cow::into_owned).collect();
    for name in tables {
        let size = archive.by_name(&name)?.size();
        each(part(archive, &name)?, |element| {
            if element.local_name().as_ref() != "sst" {
                return Ok(true);
            }
            match value(element, "uniqueCount").map(|count| count.parse::<u64>()) {
                None => Ok(false),
                Some(Ok(count)) if count <= size / SHORTEST => Ok(false),
                Some(_) => Err(format!("{name} claims more strings than it can hold")),
            }
        })
        .map_err(Refused::damaged)?;
    }
    Ok(())
}

/// A part of the archive, found as spreadsheets find it: without regard to case.
pub(crate) fn part<'a, 'o>(archive: &'a mut Archive<'o>, name: &str) -> Result<BufReader<impl Read + use<'a, 'o>>, Refused> {
    let folded = |name: &str| name.replace('\\', "/").to_lowercase();
    let found = match archive.index_for_name(name) {
        Some(index) => Some(index),
        None => {
            (0..archive.len()).find(|index| matches!(archive.name_for_index(*index), Some(Ok(other)) if folded(&other) == folded(name)))
        }
    };
    let index = found.ok_or_else(|| Refused::damaged(format!("no part {name:?}")))?;
    Ok(BufReader::new(archive.by_index(index)?))
}

/// Shows every element to `see`, until it says false.
fn each<R: BufRead>(input: R, mut see: impl FnMut(&BytesStart<'_>) -> Result<bool, String>) -> Result<(), String> {
    let mut reader = Reader::from_reader(input);
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(|error| error.to_string())? {
            Event::Start(element) | Event::Empty(element) if see(&element)? => {}
            Event::Start(_) | Event::Empty(_) | Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn value(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(found.value.into_owned())
}

fn number(element: &BytesStart<'_>, name: &str) -> Option<u64> {
    value(element, name)?.parse().ok()
}

/// Hidden by its mark, or by having no size.
fn hidden(element: &BytesStart<'_>, size: &str) -> bool {
    matches!(value(element, "hidden").as_deref(), Some("1" | "true"))
        || value(element, size).and_then(|size| size.parse::<f64>().ok()).is_some_and(|size| size <= 0.0)
}

fn merge(range: &str) -> Option<Merge> {
    let (first, last) = range.split_once(':').unwrap_or((range, range));
    let ((first_column, first_row), (last_column, last_row)) = (cell(first)?, cell(last)?);
    let ordered = first_column <= last_column && first_row <= last_row;
    ordered.then(|| Merge { range: range.to_owned(), rows: (first_row, last_row), columns: (first_column, last_column) })
}

/// `B5`: column 1, row 5.
fn cell(text: &str) -> Option<(u32, u64)> {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, digits) = text.split_at_checked(letters)?;
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let column = letters.bytes().fold(0, |column, letter| column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1);
    Some((column - 1, digits.parse().ok().filter(|row| *row > 0)?))
}

/// The letters of a column, from 0.
pub(crate) fn column_name(column: u32) -> String {
    let mut name = String::new();
    let mut rest = column + 1;
    while rest > 0 {
        let letter = u8::try_from((rest - 1) % 26).unwrap_or_default();
        name.insert(0, char::from(b'A' + letter));
        rest = (rest - 1) / 26;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_a_spreadsheet_names_them() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!(column_name(column), name);
            assert_eq!(cell(&format!("{name}7")), Some((column, 7)));
        }
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for text in ["", "5", "A", "A0", "B2:A1", "AAAA1", "A1:é"] {
            assert_eq!(merge(text), None, "{text}");
        }
    }

    #[test]
    fn what_has_no_size_is_hidden_as_well() {
        let xml = r#"<worksheet><cols><col min="2" max="3" width="0"/></cols><sheetData><row><c/></row><row ht="0"/><row r="9" hidden="true"/></sheetData>
            <mergeCells><mergeCell ref="A5:B9"/></mergeCells></worksheet>"#;
        let shape = shape(xml.as_bytes()).unwrap();
        assert_eq!((shape.hidden_rows, shape.hidden_columns), (vec![2, 9], vec![(1, 2)]));
        assert_eq!(shape.merges, [Merge { range: "A5:B9".to_owned(), rows: (5, 9), columns: (0, 1) }]);
    }
}
