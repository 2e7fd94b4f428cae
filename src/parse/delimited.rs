//! Delimited text as people and systems export it.
//!
//! A quote that is opened and never closed would swallow every row after it. Here it costs its own
//! line: the line that opened it is rejected, and reading goes on with the next.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;

use super::Output;
use super::pairs::Maps;
use super::register::{self, Heading};
use super::text::{BadLine, Line, Lines};
use crate::catalogue::format::Delimited;
use crate::collect::recognise::HEADING_ROWS;
use crate::domain::note::Note;
use crate::domain::{digest, secrets};

/// Most lines of one record, and most octets: a quoted cell may hold line ends, but not a whole file.
const MAX_RECORD_LINES: usize = 1_000;
pub(super) const MAX_RECORD: usize = 4 << 20;
/// Cells that most records have room for.
const CELLS: usize = 32;

/// A record with the line it begins at.
#[derive(Debug, PartialEq, Eq)]
enum Record {
    /// Its cells.
    Cells(u64, Row),
    /// Nothing but white space or delimiters.
    Blank,
    /// It cannot be read.
    Bad(u64, &'static str, String),
}

pub(super) fn read<R: Read>(settings: &Delimited, needed: &[String], lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let fields = out.fields();
    let mut records = Records::new(lines, settings);
    let Some(heading) = heading(settings, needed, &mut records, out)? else {
        out.parsed.total = records.total;
        return Ok(());
    };
    let places: Vec<Option<usize>> = fields.iter().map(|field| heading.place(settings, field)).collect();
    let maps = Maps::new(&settings.maps, &fields);
    let of_maps: Vec<(&str, Option<usize>)> =
        fields.iter().chain(&settings.maps).map(|name| (name.as_str(), heading.place(settings, name))).collect();
    let named = settings.header.is_empty();
    if named {
        heading.notice(settings, &fields, out);
    }
    while let Some(record) = records.next()? {
        match record {
            Record::Blank => out.parsed.blank += 1,
            Record::Bad(line, code, why) => {
                out.parsed.truncated |= code == "N-LINE-003";
                out.reject(code, line, why);
            }
            Record::Cells(line, cells) if named && cells.get(0).is_some_and(|cell| register::no_record(cell).is_some()) => {
                let what = cells.get(0).and_then(register::no_record).unwrap_or_default();
                out.pass_over(line, what);
            }
            Record::Cells(line, cells) if cells.len() != heading.len() => {
                let why = format!("{} cells where the heading has {}", cells.len(), heading.len());
                out.reject("N-CSV-002", line, why);
            }
            Record::Cells(line, cells) if !settings.maps.is_empty() => {
                let cell = |name: &str| {
                    let place = of_maps.iter().find(|(known, _)| *known == name)?.1?;
                    Some(cells.get(place)?.trim()).filter(|cell| !cell.is_empty())
                };
                let opened = maps.open(secrets::none_in(&cells.text), cell);
                let all: Vec<_> = fields.iter().enumerate().map(|(index, name)| opened.field(index, name, cell)).collect();
                let print = digest::fingerprint_of_parts(cells.iter());
                out.saw_secret(line, all.iter().any(|(_, hidden)| *hidden));
                out.record_with(line, &opened.doubts, |index| match fields.get(index).map(String::as_str) {
                    Some("record") => Some(print.as_str()),
                    _ => all.get(index)?.0.as_deref().filter(|text| !text.is_empty()),
                });
                opened.note(line, out);
            }
            Record::Cells(line, cells) => {
                let masked = (!secrets::none_in(&cells.text)).then(|| register::masked(line, cells.iter(), out));
                let field = |index: usize| {
                    let place = (*places.get(index)?)?;
                    let cell = masked.as_ref().map_or_else(|| cells.get(place), |masked| masked.get(place).map(AsRef::as_ref))?.trim();
                    (!cell.is_empty() && !settings.empty.iter().any(|word| word == cell)).then_some(cell)
                };
                let doubts = if named { register::unfilled(places.len(), field) } else { Vec::new() };
                out.record_with(line, &doubts, field);
            }
        }
    }
    out.parsed.total = records.total;
    out.parsed.blank += records.continued;
    Ok(())
}

fn heading_of(cells: Vec<String>) -> Heading {
    Heading::of(cells.into_iter().enumerate())
}

/// Finds the heading among the first rows: registers have title rows above it. Which delimiter the
/// file has is found with it.
fn heading<R: Read>(
    settings: &Delimited,
    needed: &[String],
    records: &mut Records<'_, R>,
    out: &mut Output<'_>,
) -> io::Result<Option<Heading>> {
    if !settings.header.is_empty() {
        records.delimiter = settings.delimiter.unwrap_or(',');
        return Ok(Some(heading_of(settings.header.clone())));
    }
    let delimiters = settings.delimiter.map_or_else(|| vec![',', ';', '\t', '|'], |delimiter| vec![delimiter]);
    let mut above: Vec<(u64, String)> = Vec::new();
    for _ in 0..HEADING_ROWS {
        let Some(line) = records.peek()? else { break };
        let line = line.to_owned();
        let best = delimiters.iter().map(|delimiter| {
            let heading = heading_of(split(&line, *delimiter));
            let missing = needed.iter().filter(|name| heading.place(settings, name).is_none()).count();
            (missing, *delimiter, heading)
        });
        if let Some((_, delimiter, heading)) = best.filter(|(missing, ..)| *missing == 0).max_by_key(|(_, _, heading)| heading.len()) {
            records.delimiter = delimiter;
            records.skip()?;
            out.parsed.blank += 1;
            above_heading(&above, &heading, delimiter, out);
            return Ok(Some(heading));
        }
        records.skip()?;
        above.push((records.total, line));
    }
    out.parsed.blank += above.len() as u64;
    let why = format!("no heading with the columns {} in the first {HEADING_ROWS} rows", needed.join(", "));
    out.parsed.failed = Some(why.clone());
    out.note(Note::on("N-CSV-003", out.evidence(), why));
    while records.peek()?.is_some() {
        records.skip()?;
        out.parsed.rejected += 1;
    }
    Ok(None)
}

/// A title stands alone in its row; a row with as many cells as the heading is a record out of its place.
fn above_heading(rows: &[(u64, String)], heading: &Heading, delimiter: char, out: &mut Output<'_>) {
    for (number, row) in rows {
        let cells = split(row, delimiter);
        if cells.len() == heading.len() && cells.iter().filter(|cell| !cell.is_empty()).count() > 1 {
            out.reject("N-CSV-002", *number, "a row above the heading");
        } else {
            out.parsed.blank += 1;
        }
    }
}

fn split(line: &str, delimiter: char) -> Vec<String> {
    line.split(delimiter).map(|cell| cell.trim().trim_matches('"').trim().to_owned()).collect()
}

/// A line read ahead: its number, its text, and whether it has an end.
type Ahead = (u64, Result<String, BadLine>, bool);

struct Records<'a, R> {
    lines: &'a mut Lines<R>,
    /// Lines read ahead: a record that turned out bad gives back all but its first.
    ahead: VecDeque<Ahead>,
    delimiter: char,
    quoted: bool,
    /// Physical lines so far.
    total: u64,
    /// Lines that continue a record begun above them.
    continued: u64,
}

impl<'a, R: Read> Records<'a, R> {
    fn new(lines: &'a mut Lines<R>, settings: &Delimited) -> Self {
        let delimiter = settings.delimiter.unwrap_or(',');
        Self { lines, ahead: VecDeque::new(), delimiter, quoted: settings.quoted, total: 0, continued: 0 }
    }

    fn line(&mut self) -> io::Result<Option<Ahead>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let Some(Line { number, text, ended }) = self.lines.next()? else { return Ok(None) };
        self.total += 1;
        Ok(Some((number, text.map(ToOwned::to_owned), ended)))
    }

    fn peek(&mut self) -> io::Result<Option<&str>> {
        if self.ahead.is_empty()
            && let Some(line) = self.line()?
        {
            self.ahead.push_back(line);
        }
        Ok(self.ahead.front().map(|(_, text, _)| text.as_deref().unwrap_or_default()))
    }

    fn skip(&mut self) -> io::Result<()> {
        self.line().map(drop)
    }

    fn next(&mut self) -> io::Result<Option<Record>> {
        let Some((number, text, mut ended)) = self.line()? else { return Ok(None) };
        let text = match text {
            Ok(text) => text,
            Err(bad) => return Ok(Some(Record::Bad(number, bad.code(), bad.words().to_owned()))),
        };
        if text.chars().all(|c| c.is_whitespace() || c == self.delimiter) {
            return Ok(Some(Record::Blank));
        }
        let cut = "the last line has no end; the file may have been cut there";
        if !(self.quoted && text.contains('"')) {
            let bad = Record::Bad(number, "N-LINE-003", cut.to_owned());
            return Ok(Some(if ended { Record::Cells(number, Row::plain(text, self.delimiter)) } else { bad }));
        }
        let mut cells = Cells::new(self.delimiter);
        let mut taken: Vec<Ahead> = Vec::new();
        let mut octets = text.len();
        let mut state = cells.line(&text);
        while state == State::Open && taken.len() < MAX_RECORD_LINES && octets < MAX_RECORD {
            let Some(line) = self.line()? else { break };
            let Ok(text) = line.1.clone() else {
                taken.push(line);
                break;
            };
            octets += text.len();
            ended = line.2;
            taken.push(line);
            state = cells.line(&text);
        }
        if state == State::Complete && !ended {
            self.continued += taken.len() as u64;
            return Ok(Some(Record::Bad(number, "N-LINE-003", cut.to_owned())));
        }
        if state == State::Complete {
            self.continued += taken.len() as u64;
            return Ok(Some(Record::Cells(number, cells.row)));
        }
        for line in taken.into_iter().rev() {
            self.ahead.push_front(line);
        }
        let why = match state {
            State::Open => "a quote opens here and never closes",
            State::Broken | State::Complete => "text stands after a closing quote",
        };
        Ok(Some(Record::Bad(number, "N-CSV-001", why.to_owned())))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Complete,
    Open,
    Broken,
}

/// The cells of a record, one behind the other in one text, parted as they are in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    text: String,
    cells: Vec<Range<usize>>,
}

impl Row {
    fn len(&self) -> usize {
        self.cells.len()
    }

    fn get(&self, cell: usize) -> Option<&str> {
        self.text.get(self.cells.get(cell)?.clone())
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(|cell| self.text.get(cell.clone()).unwrap_or_default())
    }

    /// The cells of a line without quotes.
    fn plain(text: String, delimiter: char) -> Self {
        let mut start = 0;
        let mut cells = Vec::with_capacity(CELLS);
        cells.extend(text.match_indices(delimiter).map(|(end, found)| std::mem::replace(&mut start, end + found.len())..end));
        cells.push(start..text.len());
        Self { text, cells }
    }
}

/// Cells of a record, fed line by line (RFC 4180).
struct Cells {
    delimiter: char,
    row: Row,
    /// Where the cell begins that is read.
    start: usize,
    open: bool,
}

impl Cells {
    fn new(delimiter: char) -> Self {
        Self { delimiter, row: Row::default(), start: 0, open: false }
    }

    fn end_cell(&mut self) {
        self.row.cells.push(self.start..self.row.text.len());
        self.row.text.push(self.delimiter);
        self.start = self.row.text.len();
    }

    fn line(&mut self, text: &str) -> State {
        if self.open {
            self.row.text.push('\n');
        }
        let mut rest = text.chars().peekable();
        let mut closed = false;
        while let Some(c) = rest.next() {
            if self.open {
                match c {
                    '"' if rest.peek() == Some(&'"') => {
                        rest.next();
                        self.row.text.push('"');
                    }
                    '"' => {
                        self.open = false;
                        closed = true;
                    }
                    c => self.row.text.push(c),
                }
            } else if c == self.delimiter {
                self.end_cell();
                closed = false;
            } else if closed {
                return State::Broken;
            } else if c == '"' && self.row.text.len() == self.start {
                self.open = true;
            } else {
                self.row.text.push(c);
            }
        }
        if self.open {
            return State::Open;
        }
        self.end_cell();
        State::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::encoding;
    use proptest::prelude::*;

    fn settings() -> Delimited {
        let synonyms = std::collections::BTreeMap::new();
        Delimited { delimiter: Some(','), header: Vec::new(), quoted: true, empty: Vec::new(), synonyms, maps: Vec::new() }
    }

    fn texts(row: &Row) -> Vec<String> {
        row.iter().map(ToOwned::to_owned).collect()
    }

    fn cells(record: &Record) -> Option<(u64, Vec<String>)> {
        match record {
            Record::Cells(line, row) => Some((*line, texts(row))),
            _ => None,
        }
    }

    fn records(text: &str) -> (Vec<Record>, u64, u64) {
        let mut lines = Lines::new(text.as_bytes(), encoding::shape(text.as_bytes()));
        let settings = settings();
        let mut records = Records::new(&mut lines, &settings);
        let mut all = Vec::new();
        while let Some(record) = records.next().unwrap() {
            all.push(record);
        }
        (all, records.total, records.continued)
    }

    #[test]
    fn an_unclosed_quote_costs_its_own_line_only() {
        let (all, ..) = records("a,b\n1,\"two\n3,4\n5,6\n");
        assert!(matches!(&all[1], Record::Bad(2, "N-CSV-001", _)), "{all:?}");
        assert_eq!(cells(&all[2]), Some((3, vec!["3".to_owned(), "4".to_owned()])));
        assert_eq!(cells(&all[3]), Some((4, vec!["5".to_owned(), "6".to_owned()])));
    }

    #[test]
    fn a_quoted_cell_may_hold_line_ends_and_quotes() {
        let (all, total, continued) = records("1,\"two\nlines, \"\"quoted\"\"\",3\n");
        let read: Vec<_> = all.iter().filter_map(cells).collect();
        assert_eq!(read, [(1, ["1", "two\nlines, \"quoted\"", "3"].map(ToOwned::to_owned).to_vec())]);
        assert_eq!((total, continued), (2, 1));
    }

    proptest! {
        #[test]
        fn every_line_is_in_a_record_rejected_or_blank(text in "[a-c,\"\n\r ]{0,80}") {
            let (all, total, continued) = records(&text);
            prop_assert_eq!(all.len() as u64 + continued, total);
        }

        #[test]
        fn cells_written_by_the_rules_come_back(rows in proptest::collection::vec(proptest::collection::vec("[a-z,\"\n]{1,8}", 2..5), 1..6)) {
            let text: String = rows
                .iter()
                .map(|row| row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n")
                .collect();
            let (all, ..) = records(&text);
            let read: Vec<Vec<String>> = all.iter().filter_map(cells).map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
