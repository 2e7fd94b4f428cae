//! One table of one file: rows filled column by column, fingerprinted, and written batch by batch.

use std::path::{Path, PathBuf};

use super::cell::Cell;
use crate::catalogue::table::{Declared, Table};
use crate::domain::digest;
use crate::domain::instant::ZoneBasis;
use crate::engine::{EngineError, ParquetFile, Schema, Type, Values};

/// Rows held before they are written.
const BATCH: usize = 16_384;

/// A typed value on its way into a table.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Text(String),
    Integer(i64),
    Boolean(bool),
    Time(i64),
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn or_null<T>(value: Option<T>, make: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, make)
    }
}

/// What landed in one table.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Landed {
    pub(super) rows: u64,
    pub(super) rejected: u64,
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    pub(super) bases: std::collections::BTreeSet<String>,
    pub(super) sha256: String,
}

/// A row being filled, column by column in the order of the table.
pub(super) struct Line<'t> {
    table: &'t Table,
    cells: Vec<Value>,
    unsettled: String,
    content: String,
}

impl<'t> Line<'t> {
    pub(super) fn new(table: &'t Table, row: u64, position: Option<i64>) -> Self {
        let mut cells = vec![Value::Integer(i64::try_from(row).unwrap_or(i64::MAX))];
        cells.extend(table.child.then(|| Value::or_null(position, Value::Integer)));
        Self { table, cells, unsettled: String::new(), content: String::new() }
    }

    pub(super) fn settled(&mut self, declared: &Declared, cell: Cell<'_>, raw: &str) {
        let (value, instant) = match cell {
            Cell::Text(text) => (Value::Text(text.into_owned()), None),
            Cell::Integer(number) => (Value::Integer(number), None),
            Cell::Boolean(truth) => (Value::Boolean(truth), None),
            Cell::Time(instant) => (Value::Time(instant.micros), Some(instant)),
        };
        self.push(declared, value);
        if declared.traced {
            self.companions(raw, instant.map(|instant| (instant.precision, instant.basis)));
        }
    }

    pub(super) fn unsettled(&mut self, declared: &Declared, raw: &str) {
        self.note_unsettled(declared);
        self.content.push_str(raw);
        self.push(declared, Value::Null);
        if declared.traced {
            self.companions(raw, None);
        }
    }

    pub(super) fn empty(&mut self, declared: &Declared) {
        self.value(declared, Value::Null);
        if declared.traced {
            self.cells.extend([Value::Null, Value::Null, Value::Null]);
        }
    }

    pub(super) fn value(&mut self, declared: &Declared, value: Value) {
        if declared.required && matches!(value, Value::Null) {
            self.note_unsettled(declared);
        }
        self.push(declared, value);
    }

    fn note_unsettled(&mut self, declared: &Declared) {
        if self.unsettled.is_empty() {
            self.unsettled.push(',');
        }
        self.unsettled.push_str(&declared.name);
        self.unsettled.push(',');
    }

    fn push(&mut self, declared: &Declared, value: Value) {
        if !declared.origin && !declared.linked {
            print(&mut self.content, &value);
        }
        self.cells.push(value);
    }

    fn companions(&mut self, raw: &str, known: Option<(&str, ZoneBasis)>) {
        self.cells.push(Value::text(raw));
        self.cells.push(Value::or_null(known, |(precision, _)| Value::text(precision)));
        self.cells.push(Value::or_null(known, |(_, basis)| Value::text(basis.word())));
    }

    /// The fingerprints of identity and content: the first 63 bits of SHA-256.
    fn prints(&self) -> [Value; 2] {
        let mut identity = String::new();
        let skip = if self.table.child { 2 } else { 1 };
        let mut place = skip;
        for declared in &self.table.columns {
            if self.table.identity.contains(&declared.name)
                && let Some(value) = self.cells.get(place)
            {
                print(&mut identity, value);
            }
            place += if declared.traced { 4 } else { 1 };
        }
        if self.table.child
            && self.table.identity.iter().any(|name| name == "position")
            && let Some(value) = self.cells.get(1)
        {
            print(&mut identity, value);
        }
        [Value::Integer(fingerprint(&identity)), Value::Integer(fingerprint(&self.content))]
    }
}

fn print(text: &mut String, value: &Value) {
    use std::fmt::Write as _;
    let _ = match value {
        Value::Null => write!(text, "\u{1f}"),
        Value::Text(value) => write!(text, "{value}\u{1f}"),
        Value::Integer(number) | Value::Time(number) => write!(text, "{number}\u{1f}"),
        Value::Boolean(truth) => write!(text, "{truth}\u{1f}"),
    };
}

fn fingerprint(text: &str) -> i64 {
    let hash = digest::sha256(text.as_bytes());
    i64::from_str_radix(digest::short(&hash, 15), 16).unwrap_or(0)
}

/// One table file being written.
pub(super) struct Writer {
    schema: Schema,
    path: PathBuf,
    dated: Option<usize>,
    bases: Vec<usize>,
    buffer: Vec<Values>,
    file: Option<ParquetFile>,
    pub(super) landed: Landed,
}

impl Writer {
    pub(super) fn new(table: &Table, folder: &Path) -> Self {
        // The number of the evidence is added when the file is scanned: it changes from run to run.
        let schema = Schema(table.schema().0.iter().filter(|column| column.name != "evidence").cloned().collect());
        let dated = table.stream.as_ref().map(|stream| stream.dated_by.as_str()).or_else(|| {
            let times = table.columns.iter().filter(|column| column.kind == Type::Timestamp);
            times.map(|column| column.name.as_str()).next()
        });
        Self {
            dated: dated.and_then(|name| schema.position(name)),
            bases: schema.0.iter().enumerate().filter(|(_, c)| c.name.ends_with("_basis")).map(|(index, _)| index).collect(),
            buffer: schema.values(),
            path: folder.join(format!("{}.parquet", table.name)),
            schema,
            file: None,
            landed: Landed::default(),
        }
    }

    pub(super) fn push(&mut self, line: Line<'_>) -> Result<(), EngineError> {
        let prints = line.prints();
        let unsettled = if line.unsettled.is_empty() { Value::Null } else { Value::Text(line.unsettled) };
        for (index, value) in line.cells.into_iter().chain([unsettled]).chain(prints).enumerate() {
            if let (Some(index_of_date), Value::Time(micros)) = (self.dated, &value)
                && index_of_date == index
            {
                self.landed.first = Some(self.landed.first.map_or(*micros, |first| first.min(*micros)));
                self.landed.last = Some(self.landed.last.map_or(*micros, |last| last.max(*micros)));
            }
            if let Value::Text(basis) = &value
                && self.bases.contains(&index)
                && !self.landed.bases.contains(basis)
            {
                self.landed.bases.insert(basis.clone());
            }
            let Some(column) = self.buffer.get_mut(index) else { continue };
            match value {
                Value::Null => column.push_null(),
                Value::Text(text) => column.push_text(Some(&text)),
                Value::Integer(number) | Value::Time(number) => column.push_number(Some(number)),
                Value::Boolean(truth) => column.push_truth(Some(truth)),
            }
        }
        self.landed.rows += 1;
        if self.buffer.first().is_some_and(|column| column.len() >= BATCH) { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(ParquetFile::create(&self.path, self.schema.clone())?),
        };
        file.write(&self.buffer)?;
        self.buffer = self.schema.values();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Landed, EngineError> {
        if self.landed.rows > 0 {
            self.flush()?;
        }
        if let Some(file) = self.file.take() {
            file.finish()?;
            self.landed.sha256 = super::cache::hash(&self.path)?;
        }
        Ok(self.landed)
    }
}
