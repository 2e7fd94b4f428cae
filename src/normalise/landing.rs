//! Where the rows of one file land: typed, by table, each with what could not be settled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::cell::{Cell, Clock, Why, settle};
use super::{certificate, crl};
use crate::catalogue::engagement::Source;
use crate::catalogue::format::{Content, Emit, Format, From, Mapping};
use crate::catalogue::table::{Declared, Table, Tables};
use crate::domain::digest;
use crate::domain::instant::ZoneBasis;
use crate::domain::note::Note;
use crate::engine::{EngineError, ParquetFile, Schema, Type, Values};
use crate::parse::Batch;

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

/// The rows of one file on their way into the tables of its format.
pub(super) struct Landing<'a> {
    evidence: u32,
    format: &'a Format,
    source: &'a Source,
    stream: String,
    profile: Option<&'a str>,
    tables: &'a Tables,
    folder: PathBuf,
    writers: BTreeMap<String, Writer>,
    unsettled: BTreeMap<(Why, String), (u64, u64, String)>,
    /// The first failure to write; nothing more is written after it.
    pub(super) failure: Option<EngineError>,
    /// What was noticed.
    pub(super) notes: Vec<Note>,
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

impl<'a> Landing<'a> {
    pub(super) fn new(
        evidence: u32,
        format: &'a Format,
        source: &'a Source,
        stream: &str,
        profile: Option<&'a str>,
        tables: &'a Tables,
        folder: &Path,
    ) -> Self {
        Self {
            evidence,
            format,
            source,
            stream: stream.to_owned(),
            profile,
            tables,
            folder: folder.to_owned(),
            writers: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            failure: None,
            notes: Vec::new(),
        }
    }

    /// Lands a batch.
    pub(super) fn take(&mut self, batch: &Batch) {
        let zone = self.source.time_zone();
        let declared = self.source.order();
        let format = self.format;
        for (index, row) in batch.rows.iter().enumerate() {
            let field = |place: usize| batch.fields.get(place).and_then(|column| column.get(index));
            for emit in &format.emits {
                if !emit.when.iter().all(|(place, condition)| condition.holds(field(*place))) {
                    continue;
                }
                match &emit.content {
                    Content::Columns(columns) => {
                        let clock = |place: usize| Clock {
                            zone: zone.as_ref(),
                            order: declared.or_else(|| batch.date_orders.get(place).copied().flatten()),
                        };
                        self.columns(emit, columns, *row, &field, &clock);
                    }
                    Content::Certificate(place) => {
                        let from_log = !matches!(format.reader, crate::catalogue::format::Reader::X509);
                        certificate::land(self, *row, field(*place).unwrap_or_default(), from_log);
                    }
                    Content::Crl(place) => crl::land(self, *row, field(*place).unwrap_or_default()),
                }
            }
        }
    }

    fn columns<'t>(
        &mut self,
        emit: &Emit,
        columns: &[(String, Mapping)],
        row: u64,
        field: &impl Fn(usize) -> Option<&'t str>,
        clock: &dyn Fn(usize) -> Clock<'t>,
    ) {
        let tables = self.tables;
        let Some(table) = tables.get(&emit.table) else { return };
        let mut line = Line::new(table, row, None);
        for declared in &table.columns {
            let mapping = columns.iter().find(|(name, _)| *name == declared.name).map(|(_, mapping)| mapping);
            let text = mapping.and_then(|mapping| source_text(mapping, &self.stream, self.source.host.as_deref(), &|place| field(place)));
            let place = mapping.map_or(0, |mapping| if let From::Field(place) = mapping.from { place } else { 0 });
            match (text.as_deref(), mapping) {
                (Some(text), Some(mapping)) => {
                    let settled = settle(text, &mapping.transform, &clock(place)).and_then(|cell| in_vocabulary(cell, declared));
                    match settled {
                        Ok(cell) => line.settled(declared, cell, text),
                        Err(why) => {
                            self.count_unsettled(why, &declared.name, row, text);
                            line.unsettled(declared, text);
                        }
                    }
                }
                _ => {
                    if declared.required {
                        self.count_unsettled("N-VAL-003", &declared.name, row, "");
                    }
                    line.empty(declared);
                }
            }
        }
        self.write(&emit.table, line);
    }

    fn count_unsettled(&mut self, why: Why, column: &str, row: u64, text: &str) {
        let seen = self.unsettled.entry((why, column.to_owned())).or_insert_with(|| {
            let example: String = text.chars().take(40).collect();
            (0, row, example)
        });
        seen.0 += 1;
    }

    /// Lands a row that a decoder has made.
    pub(super) fn decoded(&mut self, table: &str, row: u64, position: Option<i64>, values: &[(&str, Value)]) {
        let tables = self.tables;
        let Some(table) = tables.get(table) else { return };
        let mut line = Line::new(table, row, position);
        for declared in &table.columns {
            let value = match declared.name.as_str() {
                "profile" if table.name == "certificates" => Value::or_null(self.profile, Value::text),
                name => values.iter().find(|(key, _)| *key == name).map_or(Value::Null, |(_, value)| value.clone()),
            };
            line.value(declared, value);
        }
        self.write(&table.name, line);
    }

    /// Counts an object that its decoder refused.
    pub(super) fn refuse(&mut self, table: &str, row: u64, why: &str) {
        let locator = crate::parse::locator(self.format).text(row);
        self.notes.push(Note::on("N-OBJ-001", self.evidence, why).at(locator).about(table));
        if let Some(writer) = self.writer(table) {
            writer.landed.rejected += 1;
        }
    }

    /// Notes something on an object.
    pub(super) fn remark(&mut self, code: &'static str, row: u64, what: &str) {
        let locator = crate::parse::locator(self.format).text(row);
        self.notes.push(Note::on(code, self.evidence, what).at(locator));
    }

    fn writer(&mut self, table: &str) -> Option<&mut Writer> {
        if !self.writers.contains_key(table) {
            let writer = Writer::new(self.tables.get(table)?, &self.folder);
            self.writers.insert(table.to_owned(), writer);
        }
        self.writers.get_mut(table)
    }

    fn write(&mut self, table: &str, line: Line<'_>) {
        if self.failure.is_some() {
            return;
        }
        let result = self.writer(table).map_or(Ok(()), |writer| writer.push(line));
        self.failure = result.err();
    }

    /// Ends every table file.
    pub(super) fn finish(mut self) -> Result<(BTreeMap<String, Landed>, Vec<Note>), EngineError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let mut landed = BTreeMap::new();
        for (name, writer) in std::mem::take(&mut self.writers) {
            landed.insert(name, writer.finish()?);
        }
        for ((code, column), (count, row, example)) in self.unsettled {
            let what = if example.is_empty() {
                format!("column {column}: empty")
            } else {
                format!("column {column}: {count} values such as {example:?}")
            };
            let locator = crate::parse::locator(self.format).text(row);
            self.notes.push(Note::on(code, self.evidence, what).at(format!("column {column}, from {locator}")).times(count));
        }
        Ok((landed, self.notes))
    }
}

/// The text a column is filled from; nothing where a condition does not hold or the cell is empty.
fn source_text<'x>(mapping: &'x Mapping, stream: &'x str, host: Option<&'x str>, field: &dyn Fn(usize) -> Option<&'x str>) -> Option<String> {
    if !mapping.only_when.iter().all(|(place, condition)| condition.holds(field(*place))) {
        return None;
    }
    let text = match &mapping.from {
        From::Field(place) => field(*place)?,
        From::Constant(text) => text,
        From::Stream => stream,
        From::Host => host?,
    };
    let text = match &mapping.part {
        Some(part) => text.split(part.separator.as_str()).nth(part.index)?,
        None => text,
    };
    (!text.is_empty()).then(|| text.to_owned())
}

fn in_vocabulary<'a>(cell: Cell<'a>, declared: &Declared) -> Result<Cell<'a>, Why> {
    match &cell {
        Cell::Text(text) if !declared.values.is_empty() && !declared.values.iter().any(|value| value == text) => Err("N-VAL-001"),
        _ => Ok(cell),
    }
}

/// A row being filled, column by column in the order of the table.
struct Line<'t> {
    table: &'t Table,
    cells: Vec<Value>,
    unsettled: String,
    content: String,
}

impl<'t> Line<'t> {
    fn new(table: &'t Table, row: u64, position: Option<i64>) -> Self {
        let mut cells = vec![Value::Integer(i64::try_from(row).unwrap_or(i64::MAX))];
        cells.extend(table.child.then(|| Value::or_null(position, Value::Integer)));
        Self { table, cells, unsettled: String::new(), content: String::new() }
    }

    fn settled(&mut self, declared: &Declared, cell: Cell<'_>, raw: &str) {
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

    fn unsettled(&mut self, declared: &Declared, raw: &str) {
        self.note_unsettled(declared);
        self.content.push_str(raw);
        self.push(declared, Value::Null);
        if declared.traced {
            self.companions(raw, None);
        }
    }

    fn empty(&mut self, declared: &Declared) {
        self.value(declared, Value::Null);
        if declared.traced {
            self.cells.extend([Value::Null, Value::Null, Value::Null]);
        }
    }

    fn value(&mut self, declared: &Declared, value: Value) {
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
struct Writer {
    schema: Schema,
    path: PathBuf,
    dated: Option<usize>,
    bases: Vec<usize>,
    buffer: Vec<Values>,
    file: Option<ParquetFile>,
    landed: Landed,
}

impl Writer {
    fn new(table: &Table, folder: &Path) -> Self {
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

    fn push(&mut self, line: Line<'_>) -> Result<(), EngineError> {
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

    fn finish(mut self) -> Result<Landed, EngineError> {
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
