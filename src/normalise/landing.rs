//! Where the rows of one file land: typed, by table, each with what could not be settled.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::cell::{Cell, Clock, Why, settle};
use super::table_file::{Landed, Line, Value, Writer};
use super::{certificate, certificate_request, crl, ocsp};
use crate::catalogue::engagement::Source;
use crate::catalogue::format::{Bits, Content, Emit, Format, From, Mapping, OfBit};
use crate::catalogue::table::{Declared, Tables};
use crate::domain::evidence::{Evidence, Locator};
use crate::domain::instant::{Instant, ZoneBasis};
use crate::domain::note::Note;
use crate::engine::EngineError;
use crate::parse::Batch;

/// What a record gives for its fields.
struct Given<'f, 't> {
    field: &'f dyn Fn(usize) -> Option<&'t str>,
    doubt: &'f dyn Fn(usize) -> Option<Why>,
    clock: &'f dyn Fn(usize) -> Clock<'t>,
}

/// The rows of one file on their way into the tables of its format.
pub(super) struct Landing<'a> {
    evidence: u32,
    locator: Locator<'a>,
    source: &'a Source,
    beside: Beside<'a>,
    profile: Option<&'a str>,
    tables: &'a Tables,
    folder: PathBuf,
    /// Instants that were corrected by what is declared of the clock.
    corrected: u64,
    /// A row says what stands in the name of the file alone.
    named_by_file: bool,
    writers: BTreeMap<String, Writer>,
    unsettled: BTreeMap<(Why, String), (u64, u64, String)>,
    /// The first failure to write; nothing more is written after it.
    pub(super) failure: Option<EngineError>,
    /// What was noticed.
    pub(super) notes: Vec<Note>,
}

impl<'a> Landing<'a> {
    pub(super) fn new(
        evidence: &'a Evidence,
        locator: Locator<'a>,
        source: &'a Source,
        stream: &str,
        profile: Option<&'a str>,
        tables: &'a Tables,
        folder: &Path,
    ) -> Self {
        Self {
            evidence: evidence.number,
            locator,
            source,
            beside: Beside {
                stream: stream.to_owned(),
                host: source.host.as_deref(),
                obtained: source.obtained_on(),
                bit: None,
                file: evidence.path.rsplit('/').next().unwrap_or_default(),
            },
            profile,
            tables,
            folder: folder.to_owned(),
            corrected: 0,
            named_by_file: false,
            writers: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            failure: None,
            notes: Vec::new(),
        }
    }

    /// Lands a batch.
    pub(super) fn take(&mut self, format: &Format, batch: &Batch) {
        let zone = self.source.time_zone();
        let declared = self.source.order();
        for (index, row) in batch.rows.iter().enumerate() {
            let field = |place: usize| batch.fields.get(place).and_then(|column| column.get(index));
            let doubt = |place: usize| batch.doubts.get(&(index, place)).copied();
            for emit in &format.emits {
                // A condition on a cell that cannot be relied on may well hold.
                if !emit.when.iter().all(|(place, condition)| doubt(*place).is_some() || condition.holds(field(*place))) {
                    continue;
                }
                match &emit.content {
                    Content::Columns(columns) => {
                        let clock = |place: usize| Clock {
                            zone: zone.as_ref(),
                            order: declared.or_else(|| batch.date_orders.get(place).copied().flatten()),
                        };
                        let given = Given { field: &field, doubt: &doubt, clock: &clock };
                        match &emit.bits {
                            Some(bits) => self.bits(emit, bits, columns, *row, &given),
                            None => self.columns(emit, columns, *row, None, &given),
                        }
                    }
                    Content::Certificate(place) => {
                        let from_log = !matches!(format.reader, crate::catalogue::format::Reader::X509);
                        certificate::land(self, *row, field(*place).unwrap_or_default(), from_log);
                    }
                    Content::Crl(place) => crl::land(self, *row, field(*place).unwrap_or_default()),
                    Content::CertificateRequest(place) => certificate_request::land(self, *row, field(*place).unwrap_or_default()),
                    Content::OcspResponse(place) => ocsp::land(self, *row, field(*place).unwrap_or_default()),
                }
            }
        }
    }

    /// One row for each bit that has a name, and for each that is set without having one.
    fn bits(&mut self, emit: &Emit, bits: &Bits, columns: &[(String, Mapping)], row: u64, given: &Given<'_, '_>) {
        let Some(text) = (given.field)(bits.of) else { return };
        let number = whole_number(text, bits.hex);
        for place in 0..u64::BITS {
            let value = 1_u64 << place;
            let name = bits.names.get(&value);
            if name.is_none() && number.is_none_or(|number| number & value == 0) {
                continue;
            }
            let set = match number {
                Some(number) => (number & value != 0).to_string(),
                None => text.to_owned(),
            };
            self.beside.bit = Some(Bit { value: value.to_string(), name: name.cloned().unwrap_or_default(), set });
            self.columns(emit, columns, row, Some(i64::from(place) + 1), given);
        }
        self.beside.bit = None;
    }

    fn columns(&mut self, emit: &Emit, columns: &[(String, Mapping)], row: u64, position: Option<i64>, given: &Given<'_, '_>) {
        let tables = self.tables;
        let Some(table) = tables.get(&emit.table) else { return };
        let mut line = Line::new(table, row, position);
        for declared in &table.columns {
            let mapping = columns.iter().find(|(name, _)| *name == declared.name).map(|(_, mapping)| mapping);
            let found = mapping.and_then(|mapping| self.beside.find(mapping, given.field));
            let raw = found.as_ref().map_or("", |(_, text)| text.as_str());
            let doubt = mapping.and_then(|mapping| doubt_of(mapping, given.doubt));
            let settled = match &found {
                _ if doubt.is_some() => Err(doubt.unwrap_or_default()),
                Some((mapping, text)) => {
                    self.named_by_file |= matches!(mapping.from, From::FileName);
                    let place = if let From::Field(place) = mapping.from { place } else { 0 };
                    let settled = settle(text, &mapping.transform, &(given.clock)(place)).and_then(|cell| in_vocabulary(cell, declared));
                    settled.map(|cell| self.on_the_clock(cell, &mapping.from, declared))
                }
                None if mapping.is_some_and(Mapping::rests_on_obtained) => Err("N-TIME-007"),
                None => Ok(Cell::Text(Cow::Borrowed(""))),
            };
            match settled {
                Ok(Cell::Text(text)) if text.is_empty() => {
                    if declared.required {
                        self.count_unsettled("N-VAL-003", &declared.name, row, "");
                    }
                    line.empty(declared);
                }
                Ok(cell) => line.settled(declared, cell, raw),
                Err(why) => {
                    self.count_unsettled(why, &declared.name, row, raw);
                    line.unsettled(declared, raw);
                }
            }
        }
        self.write(&emit.table, line);
    }

    /// A time of day that the clock of the source gave is corrected by what is declared of the clock. What
    /// the engagement says is not the source's clock, and a column that keeps no raw text is left alone.
    fn on_the_clock<'c>(&mut self, cell: Cell<'c>, from: &From, declared: &Declared) -> Cell<'c> {
        let Cell::Time(instant) = cell else { return cell };
        if matches!(from, From::Obtained) {
            return Cell::Time(Instant { basis: ZoneBasis::Declared, ..instant });
        }
        match self.source.ahead() {
            Some(ahead) if declared.traced && instant.precision != "day" => {
                self.corrected += 1;
                Cell::Time(Instant { micros: instant.micros.saturating_sub(ahead), basis: instant.basis.corrected(), ..instant })
            }
            _ => cell,
        }
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
        let locator = self.locator.text(row);
        self.notes.push(Note::on("N-OBJ-001", self.evidence, why).at(locator).about(table));
        if let Some(writer) = self.writer(table) {
            writer.landed.rejected += 1;
        }
    }

    /// Notes something on an object.
    pub(super) fn remark(&mut self, code: &'static str, row: u64, what: &str) {
        let locator = self.locator.text(row);
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
        if let Some(ahead) = &self.source.clock_ahead {
            let what = format!("clock_ahead = {ahead:?}: {} instants were corrected by it", self.corrected);
            self.notes.push(Note::on("N-TIME-006", self.evidence, what).times(self.corrected));
        }
        if self.named_by_file {
            self.notes.push(Note::on("N-CFG-004", self.evidence, format!("named by the file name: {}", self.beside.file)));
        }
        for ((code, column), (count, row, example)) in self.unsettled {
            let what = if example.is_empty() {
                format!("column {column}: empty")
            } else {
                format!("column {column}: {count} values such as {example:?}")
            };
            let locator = self.locator.text(row);
            self.notes.push(Note::on(code, self.evidence, what).at(format!("column {column}, from {locator}")).times(count));
        }
        Ok((landed, self.notes))
    }
}

/// Why a column cannot be settled whatever its text: it rests on a cell that cannot be relied on.
fn doubt_of(mapping: &Mapping, doubt: &dyn Fn(usize) -> Option<Why>) -> Option<Why> {
    let own = if let From::Field(place) = mapping.from { doubt(place) } else { None };
    own.or_else(|| mapping.only_when.iter().find_map(|(place, _)| doubt(*place)))
}

/// What is known of a file beside its content.
struct Beside<'a> {
    stream: String,
    host: Option<&'a str>,
    obtained: Option<String>,
    file: &'a str,
    bit: Option<Bit>,
}

/// A bit of a setting, as texts.
struct Bit {
    value: String,
    name: String,
    set: String,
}

impl Beside<'_> {
    /// The text a column is filled from, and the mapping that found it; nothing where no condition holds
    /// or the cell is empty.
    fn find<'m, 't>(&self, mapping: &'m Mapping, field: &dyn Fn(usize) -> Option<&'t str>) -> Option<(&'m Mapping, String)> {
        let found = self.text(mapping, field).map(|text| (mapping, text));
        found.or_else(|| self.find(mapping.or.as_deref()?, field))
    }

    fn text<'t>(&self, mapping: &Mapping, field: &dyn Fn(usize) -> Option<&'t str>) -> Option<String> {
        if !mapping.only_when.iter().all(|(place, condition)| condition.holds(field(*place))) {
            return None;
        }
        let text = match &mapping.from {
            From::Field(place) => field(*place)?,
            From::Constant(text) => text,
            From::Stream => &self.stream,
            From::Host => self.host?,
            From::Obtained => self.obtained.as_deref()?,
            From::FileName => self.file,
            From::Bit(of) => match (of, self.bit.as_ref()?) {
                (OfBit::Value, bit) => &bit.value,
                (OfBit::Name, bit) => &bit.name,
                (OfBit::Set, bit) => &bit.set,
            },
        };
        let text = match &mapping.part {
            Some(part) => text.split(part.separator.as_str()).nth(part.index)?,
            None => text,
        };
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// `204`, `0xcc`, `cc (204)` or `0xcc (204)`, as Windows writes the number of a setting; nothing where the
/// two ways of writing it differ. Where a tool writes the hexadecimal first, it stands alone only if both
/// read the same, or where the tool was another.
fn whole_number(text: &str, hexadecimal: bool) -> Option<u64> {
    let hex = |digits: &str| u64::from_str_radix(digits.strip_prefix("0x").unwrap_or(digits), 16).ok();
    let text = text.trim();
    let Some((first, second)) = text.split_once(' ') else {
        return if hexadecimal || text.starts_with("0x") { hex(text) } else { text.parse().ok() };
    };
    let decimal: u64 = second.strip_prefix('(')?.strip_suffix(')')?.parse().ok()?;
    (hex(first)? == decimal).then_some(decimal)
}

fn in_vocabulary<'a>(cell: Cell<'a>, declared: &Declared) -> Result<Cell<'a>, Why> {
    match &cell {
        Cell::Text(text) if !text.is_empty() && !declared.values.is_empty() && !declared.values.iter().any(|value| value == text) => {
            Err("N-VAL-001")
        }
        _ => Ok(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_setting_is_read_as_windows_writes_it() {
        for text in ["204", "0xcc", "cc (204)", "0xcc (204)", " cc (204) "] {
            assert_eq!(whole_number(text, false), Some(204), "{text}");
        }
        assert_eq!(whole_number("cc", true), Some(204));
        assert_eq!(whole_number("0", true), Some(0));
        for text in ["cc", "cc (205)", "204 204", "cc 204", "", "-1", "0x"] {
            assert_eq!(whole_number(text, false), None, "{text}");
        }
    }
}
