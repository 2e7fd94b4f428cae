//! What stands at the top of a file, as rows of cells: for a person who wants to see how a layout was found, or to
//! describe one that nobody knows yet. Nothing here decides anything.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use super::container::MAX_WORKBOOK;
use super::workbook::{Row, Workbook};
use super::{encoding, json};
use crate::domain::secrets;

/// Rows of a sheet or a text that are looked at.
const ROWS: usize = 60;
/// Cells of a row that are looked at.
const CELLS: usize = 256;
/// How much of a text is looked at.
const HEAD: u64 = 1 << 20;

/// The top of a sheet, or of a file that has none. Secrets are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Top {
    /// The sheet, by name.
    pub sheet: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// Rows with their numbers, as a spreadsheet or an editor counts them; blank ones are left out.
    pub rows: Vec<(u64, Vec<String>)>,
}

/// What the rows of a top are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows of a sheet.
    Sheet,
    /// Lines, each cut at a delimiter.
    Delimited(char),
    /// Objects of JSON, a line each; the first row holds their paths.
    JsonLines,
    /// Objects of one JSON array; the first row holds their paths.
    JsonArray,
    /// Lines that no delimiter cuts alike, each one cell.
    Lines,
}

impl Top {
    /// The number of the first line that a pattern is found in; nothing where it stands further down.
    #[must_use]
    pub fn first_like(&self, pattern: &regex::Regex) -> Option<u64> {
        let line = |cells: &[String]| match self.kind {
            Kind::Delimited(delimiter) => cells.join(&delimiter.to_string()),
            _ => cells.concat(),
        };
        self.rows.iter().find(|(_, cells)| pattern.is_match(&line(cells))).map(|(number, _)| *number)
    }
}

/// The top of a file, sheet by sheet where it is a workbook.
///
/// # Errors
/// Where the file cannot be opened, is a workbook that does not read, or is no text.
pub fn tops(file: &Path) -> io::Result<Vec<Top>> {
    let mut head = Vec::new();
    File::open(file)?.take(HEAD).read_to_end(&mut head)?;
    if head.starts_with(b"PK") {
        return sheets(file);
    }
    if encoding::shape(&head).doubtful {
        return Err(io::Error::other("no text and no workbook"));
    }
    let text = encoding::head_text(&head);
    if text.trim_start().starts_with(['[', '{']) {
        if let Some(top) = json_lines(&text) {
            return Ok(vec![top]);
        }
        let mut whole = Vec::new();
        File::open(file)?.take(super::container::MAX_JSON).read_to_end(&mut whole)?;
        if let Some(top) = encoding::whole_text(&whole).as_deref().and_then(json_array) {
            return Ok(vec![top]);
        }
    }
    Ok(vec![lines(&text)])
}

fn sheets(file: &Path) -> io::Result<Vec<Top>> {
    let mut octets = Vec::new();
    File::open(file)?.take(MAX_WORKBOOK).read_to_end(&mut octets)?;
    let refused = |refused: super::archive::Refused| io::Error::other(refused.why);
    let mut workbook = Workbook::open(&octets, &mut |_| ()).map_err(refused)?;
    let mut tops = Vec::new();
    for listed in workbook.sheets().into_iter().filter(|listed| listed.cells) {
        let mut rows = Vec::new();
        let mut take = |row: Row| {
            let mut cells = Vec::new();
            for cell in row.cells.into_iter().filter(|cell| (cell.column as usize) < CELLS) {
                cells.resize(cells.len().max(cell.column as usize), String::new());
                cells.push(secrets::mask(&cell.text).into_owned());
            }
            if cells.iter().any(|cell| !cell.is_empty()) {
                rows.push((row.number, cells));
            }
            if rows.len() < ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        workbook.rows(&listed.name, &mut take).map_err(refused)?;
        tops.push(Top { sheet: Some(listed.name), kind: Kind::Sheet, rows });
    }
    Ok(tops)
}

fn lines(text: &str) -> Top {
    let all: Vec<(u64, &str)> = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).take(ROWS).collect();
    // A delimiter cuts most rows into as many cells as the others.
    let alike = |delimiter: char| {
        let counts: Vec<usize> = all.iter().map(|(_, line)| line.matches(delimiter).count()).collect();
        let usual = counts.iter().copied().filter(|count| *count > 0).max_by_key(|count| counts.iter().filter(|c| *c == count).count());
        usual.map(|usual| (counts.iter().filter(|count| **count == usual).count(), usual))
    };
    let best = [',', ';', '\t', '|'].into_iter().filter_map(|delimiter| Some((alike(delimiter)?, delimiter))).max_by_key(|(fit, _)| *fit);
    let delimiter = best.filter(|((rows, _), _)| rows * 2 > all.len()).map(|(_, delimiter)| delimiter);
    let cells = |line: &str| match delimiter {
        Some(delimiter) => line.split(delimiter).take(CELLS).map(|cell| secrets::mask(bare(cell)).into_owned()).collect(),
        None => vec![secrets::mask(line).into_owned()],
    };
    let rows = all.iter().map(|(number, line)| (*number, cells(line))).collect();
    Top { sheet: None, kind: delimiter.map_or(Kind::Lines, Kind::Delimited), rows }
}

fn bare(cell: &str) -> &str {
    cell.trim().trim_matches('"').trim()
}

fn json_lines(text: &str) -> Option<Top> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(ROWS).collect();
    let objects: Vec<_> = lines.iter().filter_map(|line| json::object(line).ok()).collect();
    if objects.is_empty() || objects.len() * 2 < lines.len() {
        return None;
    }
    Some(objects_top(Kind::JsonLines, &objects))
}

fn json_array(text: &str) -> Option<Top> {
    let mut objects = Vec::new();
    let read = json::arrays(text, &mut |_, object| {
        if objects.len() < ROWS {
            objects.push(object.values());
        }
    });
    (read.is_ok() && !objects.is_empty()).then(|| objects_top(Kind::JsonArray, &objects))
}

fn objects_top(kind: Kind, objects: &[json::Values<'_>]) -> Top {
    let paths: BTreeSet<&str> = objects.iter().flat_map(json::Values::iter).map(|(path, _)| path).take(CELLS).collect();
    let cell = |object: &json::Values<'_>, path: &str| object.get(path).map_or_else(String::new, |value| secrets::mask(value).into_owned());
    let heading = paths.iter().map(|path| (*path).to_owned()).collect();
    let below = objects.iter().map(|object| paths.iter().map(|path| cell(object, path)).collect());
    Top { sheet: None, kind, rows: (0..).zip(std::iter::once(heading).chain(below)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn top(text: &str) -> Top {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        tops(file.path()).unwrap().remove(0)
    }

    #[test]
    fn the_delimiter_that_cuts_most_rows_alike_is_taken() {
        let found = top("Register, of keys\n\nKey;Owner, by role;Until\nK1;a, b;x\nK2;c;y\n");
        assert_eq!(found.kind, Kind::Delimited(';'));
        assert_eq!(found.rows[1], (3, vec!["Key".to_owned(), "Owner, by role".to_owned(), "Until".to_owned()]));
    }

    #[test]
    fn lines_that_nothing_cuts_alike_stay_whole() {
        assert_eq!(top("one line\nanother, with a comma\nand a third\n").kind, Kind::Lines);
    }

    #[test]
    fn objects_have_their_paths_as_the_first_row() {
        let found = top("{\"b\": 1, \"a\": {\"c\": \"x\"}}\n{\"b\": 2}\n");
        assert_eq!(found.kind, Kind::JsonLines);
        assert_eq!(found.rows[0].1, ["a.c", "b"]);
        assert_eq!(found.rows[2].1, ["", "2"]);
        assert_eq!(top("[\n{\"b\": 1}\n]\n").kind, Kind::JsonArray);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[0; 64]).unwrap();
        assert!(tops(file.path()).is_err());
    }
}
