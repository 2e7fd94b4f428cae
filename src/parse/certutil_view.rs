//! Rows of the database of a Microsoft CA, as `certutil -view` prints them: a schema that names the columns,
//! `Row n:` and one line for each column in the order of the schema, and the number of rows at the end.
//!
//! The labels of the rows are in the language of the system, and the schema says which columns they stand
//! for. A value may go on over lines (attributes in quotes, PEM, octets, flags), and some of it was written by
//! whoever made the request: so a label counts only where the schema has it next, and a row in which one
//! stands twice or is missing is rejected.

use std::io::{self, Read};
use std::sync::LazyLock;

use regex::Regex;

use super::Output;
use super::delimited::MAX_RECORD;
use super::text::Lines;
use crate::domain::note::Note;

static ROW: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{L}+ (\d+):\s*$").ok());
static COUNT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(\d+) \p{L}+\s*$").ok());
static PROMPT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:PS |[A-Za-z]:\\)[^>]*>").ok());

/// Most columns of a schema; a row of more is rejected.
const MAX_COLUMNS: usize = 4_096;

/// A column of the schema.
struct Column {
    name: String,
    label: String,
    kind: String,
}

/// A row being read.
struct Row {
    line: u64,
    /// The value of each column so far, line by line.
    values: Vec<Vec<String>>,
    octets: usize,
    quoted: bool,
    wrong: Option<String>,
}

#[derive(PartialEq, Eq)]
enum State {
    Before,
    Schema,
    Rows,
    After,
}

struct Reader<'a, 'o> {
    fields: Vec<String>,
    out: &'a mut Output<'o>,
    state: State,
    columns: Vec<Column>,
    open: Option<Row>,
    /// Rows of this table so far, by their own count.
    seen: u64,
    line: u64,
}

pub(super) fn read<R: Read>(lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let fields = out.fields();
    let mut reader = Reader { fields, out, state: State::Before, columns: Vec::new(), open: None, seen: 0, line: 0 };
    let mut ended = true;
    while let Some(line) = lines.next()? {
        ended = line.ended;
        reader.line = line.number;
        let Some((number, text, _)) = reader.out.text_of(&line) else {
            reader.blank();
            continue;
        };
        let masked = reader.out.masked(number, text).into_owned();
        reader.line(number, &masked);
    }
    let whole = ended && matches!(reader.state, State::Before | State::After);
    if !whole {
        reader.out.parsed.truncated = true;
        reader.lost("the number of rows does not stand at the end: the list may have been cut");
    }
    Ok(())
}

impl Reader<'_, '_> {
    /// The schema ends with a blank line.
    fn blank(&mut self) {
        if self.state == State::Schema {
            self.state = State::Rows;
        }
    }

    fn line(&mut self, number: u64, text: &str) {
        if self.open.as_ref().is_none_or(|row| !row.quoted) && !text.starts_with([' ', '\t']) && self.frame(number, text) {
            return;
        }
        match (&self.state, &mut self.open) {
            (State::Schema, _) => {
                self.column(text);
                self.out.parsed.blank += 1;
            }
            (State::Rows, Some(row)) => {
                row.take(&self.columns, text);
                self.out.parsed.blank += 1;
            }
            // Below the number of rows stand sizes.
            (State::After, _) if text.starts_with(' ') && text.contains('=') => self.out.parsed.blank += 1,
            _ => {
                let start: String = text.chars().take(60).collect();
                self.out.reject("N-LINE-001", number, format!("no line of a row: {start}"));
            }
        }
    }

    /// What stands around the rows; whether the line is such.
    fn frame(&mut self, number: u64, text: &str) -> bool {
        let group = |pattern: &LazyLock<Option<Regex>>| -> Option<u64> { pattern.as_ref()?.captures(text)?.get(1)?.as_str().parse().ok() };
        if text.trim_end() == "Schema:" || (self.state == State::Before && text.ends_with(':') && !text.contains(' ')) {
            if self.state == State::Rows {
                self.lost("another list begins, and the number of rows of this one does not stand at its end");
            }
            (self.state, self.seen) = (State::Schema, 0);
            self.columns.clear();
            self.out.parsed.blank += 1;
        } else if let Some(ordinal) = group(&ROW).filter(|_| matches!(self.state, State::Schema | State::Rows)) {
            self.state = State::Rows;
            self.close();
            if ordinal == self.seen + 1 {
                self.open = Some(Row::at(number));
            } else {
                // The row itself is counted as the one that is wrong.
                let why = format!("row {ordinal} follows row {}", self.seen);
                self.open = Some(Row { wrong: Some(why), ..Row::at(number) });
            }
            self.seen = ordinal;
        } else if let Some(count) = group(&COUNT).filter(|_| self.state == State::Rows) {
            self.close();
            self.state = State::After;
            if count == self.seen {
                self.out.parsed.blank += 1;
            } else {
                self.out.parsed.truncated = true;
                self.out.reject("N-LINE-001", number, format!("{count} rows were listed, and {} are in the file", self.seen));
            }
        } else if text.starts_with("CertUtil: ") && text.contains("FAILED") {
            self.out.reject("N-LINE-001", number, format!("the list was not made: {text}"));
        } else if text.starts_with("CertUtil: ") || (self.state == State::Rows && text.ends_with(&format!(": {}", self.seen))) {
            self.close();
            self.out.parsed.blank += 1;
        } else if self.open.is_none() && PROMPT.as_ref().is_some_and(|prompt| prompt.is_match(text)) {
            self.out.parsed.passed_over += 1;
        } else {
            return false;
        }
        true
    }

    /// A line of the schema: name, label, type and length, two spaces or more apart.
    fn column(&mut self, text: &str) {
        let parts: Vec<&str> = text.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
        if let [name, label, kind, _] = parts.as_slice()
            && ["Long", "String", "Date", "Binary"].contains(kind)
            && self.columns.len() < MAX_COLUMNS
        {
            self.columns.push(Column { name: (*name).to_owned(), label: (*label).to_owned(), kind: (*kind).to_owned() });
        }
    }

    /// A record is missing: it is counted in place of a line that was none.
    fn lost(&mut self, why: &str) {
        if let Some(row) = &mut self.open {
            row.wrong.get_or_insert_with(|| why.to_owned());
            self.close();
        } else if let Some(blank) = self.out.parsed.blank.checked_sub(1) {
            self.out.parsed.blank = blank;
            self.out.reject("N-LINE-001", self.line, why);
        } else {
            // Every line so far is a record or rejected already, and the file counts as cut.
            self.out.note(Note::on("N-LINE-003", self.out.evidence(), why).at(format!("line {}", self.line)));
        }
    }

    fn close(&mut self) {
        let Some(row) = self.open.take() else { return };
        match row.cells(&self.columns) {
            Ok(cells) => self.out.record(row.line, |index| {
                let field = self.fields.get(index)?;
                let place = self.columns.iter().position(|column| column.name == *field)?;
                cells.get(place).map(String::as_str).filter(|text| !text.is_empty())
            }),
            Err(why) => self.out.reject("N-LINE-001", row.line, why),
        }
    }
}

impl Row {
    fn at(line: u64) -> Self {
        Self { line, values: Vec::new(), octets: 0, quoted: false, wrong: None }
    }

    fn take(&mut self, columns: &[Column], text: &str) {
        self.octets += text.len() + 1;
        if self.octets > MAX_RECORD {
            self.wrong.get_or_insert_with(|| "a row of more than 4 MiB".to_owned());
            self.quoted = false;
            return;
        }
        if !self.quoted
            && let Some(label) = text.strip_prefix("  ").filter(|label| !label.starts_with([' ', '\t']))
        {
            let value = |column: &Column| label.strip_prefix(column.label.as_str())?.strip_prefix(':');
            if let Some(value) = columns.get(self.values.len()).and_then(value) {
                let value = value.trim();
                self.quoted = opens(value);
                self.values.push(vec![value.to_owned()]);
                return;
            }
            let attachments = self.values.len() == columns.len() && label.ends_with(':');
            if let Some(column) = columns.iter().find(|column| value(column).is_some()).filter(|_| !attachments) {
                self.wrong.get_or_insert_with(|| format!("{} does not stand where the schema has it", column.name));
            }
        }
        if self.quoted && text.ends_with('"') {
            self.quoted = false;
        }
        // Attributes and extensions follow the last column, which is never of several lines of its own.
        if self.values.len() < columns.len()
            && let Some(value) = self.values.last_mut()
        {
            value.push(text.trim().to_owned());
        }
    }

    /// The text of each column; else why the row cannot be relied on.
    fn cells(&self, columns: &[Column]) -> Result<Vec<String>, String> {
        if let Some(why) = &self.wrong {
            return Err(why.clone());
        }
        if columns.is_empty() {
            return Err("a row without a schema above it".to_owned());
        }
        if let Some(missing) = columns.get(self.values.len()) {
            return Err(format!("the row has no {}", missing.name));
        }
        if self.quoted {
            return Err("a quote is opened and never closed".to_owned());
        }
        columns.iter().zip(&self.values).map(|(column, value)| cell(column, value)).collect()
    }
}

/// Whether a value begins with a quote that its line does not close.
fn opens(value: &str) -> bool {
    value.strip_prefix('"').is_some_and(|rest| !rest.contains('"'))
}

fn cell(column: &Column, lines: &[String]) -> Result<String, String> {
    let first = lines.first().map_or("", String::as_str);
    if first == "EMPTY" {
        return Ok(String::new());
    }
    Ok(match column.kind.as_str() {
        "Long" => number(first).ok_or_else(|| format!("{} is no number: {first}", column.name))?,
        "Binary" => {
            let base64 = lines.iter().skip_while(|line| !line.starts_with("-----BEGIN ")).skip(1);
            base64.take_while(|line| !line.starts_with("-----END ")).map(String::as_str).collect()
        }
        _ => match first.strip_prefix('"') {
            // After the closing quote stands what the system calls the value.
            Some(quoted) if !opens(first) => quoted.split('"').next().unwrap_or_default().to_owned(),
            Some(_) => lines.join("\n").trim_matches(['"', '\n']).to_owned(),
            None => first.to_owned(),
        },
    })
}

/// `0x15 (21) -- Revoked` as 21; the decimal is left out where it reads the same.
fn number(text: &str) -> Option<String> {
    let mut words = text.split(' ');
    let value = u32::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    let decimal = words.next().and_then(|word| word.strip_prefix('(')?.strip_suffix(')')?.parse::<u32>().ok());
    (decimal.is_none_or(|decimal| decimal == value)).then(|| value.to_string())
}
