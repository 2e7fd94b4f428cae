//! What a reader hands over goes through here: rows into batches, everything into the counts.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::text::Line;
use super::{Batch, Parsed};
use crate::catalogue::format::Format;
use crate::domain::evidence::Locator;
use crate::domain::instant::DateOrder;
use crate::domain::note::Note;
use crate::domain::secrets;
use crate::engine::TextColumn;

/// Rows of a batch.
const BATCH: usize = 16_384;
/// Notes of one code on one file that are kept one by one; the rest is counted.
const NOTES_EACH: u64 = 20;

/// Gathers rows into batches, and counts.
pub(super) struct Output<'a> {
    evidence: u32,
    format: &'a Format,
    pub(super) locator: Locator<'a>,
    batch: Batch,
    take: &'a mut dyn FnMut(&Format, &Batch),
    pub(super) parsed: Parsed,
    /// Records passed over, each with its own note.
    noted: u64,
    /// Secrets by kind: in how many records, and in which first.
    secrets: BTreeMap<&'static str, (u64, u64)>,
    /// Tables that notes are about; none where they are about all that the file feeds.
    tables: Vec<String>,
}

impl<'a> Output<'a> {
    pub(super) fn new(evidence: u32, format: &'a Format, take: &'a mut dyn FnMut(&Format, &Batch)) -> Self {
        let batch = Batch { fields: vec![TextColumn::default(); format.fields.len()], ..Batch::default() };
        let (parsed, locator) = (Parsed::default(), Locator::Line);
        Self { evidence, format, locator, batch, take, parsed, noted: 0, secrets: BTreeMap::new(), tables: Vec::new() }
    }

    /// What follows is in another format.
    pub(super) fn turn_to(&mut self, format: &'a Format) {
        self.flush();
        self.batch = Batch { fields: vec![TextColumn::default(); format.fields.len()], ..Batch::default() };
        self.format = format;
        self.tables = format.tables().into_iter().map(ToOwned::to_owned).collect();
    }

    /// Names of the fields wanted.
    pub(super) fn fields(&self) -> Vec<String> {
        self.format.fields.clone()
    }

    /// The text of a line with its number, and whether the line has an end. Blank lines are counted here,
    /// and lines that are no text rejected.
    pub(super) fn text_of<'l>(&mut self, line: &Line<'l>) -> Option<(u64, &'l str, bool)> {
        self.parsed.total += 1;
        match line.text {
            Ok(text) if text.trim_start().is_empty() => self.parsed.blank += 1,
            Ok(text) => return Some((line.number, text, line.ended)),
            Err(bad) => self.reject(bad.code(), line.number, bad.words()),
        }
        None
    }

    /// The text of a record with its secrets masked, and counted.
    pub(super) fn masked<'t>(&mut self, row: u64, text: &'t str) -> Cow<'t, str> {
        let Some(masked) = secrets::find(text) else { return Cow::Borrowed(text) };
        self.saw_secrets(row, &masked.kinds);
        Cow::Owned(masked.text)
    }

    /// The same where only that there was one is known.
    pub(super) fn saw_secret(&mut self, row: u64, seen: bool) {
        self.saw_secrets(row, &BTreeSet::from_iter(seen.then_some("secret")));
    }

    /// Counts a record in which secrets were masked.
    pub(super) fn saw_secrets(&mut self, row: u64, kinds: &BTreeSet<&'static str>) {
        self.parsed.masked += u64::from(!kinds.is_empty());
        for kind in kinds {
            self.secrets.entry(kind).or_insert((0, row)).0 += 1;
        }
    }

    /// A record: one text for each field.
    pub(super) fn record<'t>(&mut self, row: u64, field: impl FnMut(usize) -> Option<&'t str>) {
        self.record_with(row, &[], field);
    }

    /// A record some of whose fields cannot be relied on, each with the code of the note.
    pub(super) fn record_with<'t>(&mut self, row: u64, doubts: &[(usize, &'static str)], mut field: impl FnMut(usize) -> Option<&'t str>) {
        self.parsed.records += 1;
        let index = self.batch.rows.len();
        self.batch.doubts.extend(doubts.iter().map(|(field, code)| ((index, *field), *code)));
        self.batch.rows.push(row);
        for (index, column) in self.batch.fields.iter_mut().enumerate() {
            column.push(field(index));
        }
        if self.batch.rows.len() >= BATCH {
            self.flush();
        }
    }

    /// A record that cannot be read.
    pub(super) fn reject(&mut self, code: &'static str, row: u64, why: impl Into<String>) {
        self.parsed.rejected += 1;
        *self.parsed.rejected_by.entry(self.format.name.clone()).or_default() += 1;
        self.note(Note::on(code, self.evidence, why).at(self.locator.text(row)));
    }

    /// A row of a register that is no record.
    pub(super) fn pass_over(&mut self, row: u64, what: &str) {
        self.parsed.passed_over += 1;
        self.noted += 1;
        self.note(Note::on("N-REG-001", self.evidence, what).at(self.locator.text(row)));
    }

    /// The file cannot be read as what it is, or not whole.
    pub(super) fn fail(&mut self, code: &'static str, why: impl Into<String>) {
        let why = secrets::mask(&why.into()).into_owned();
        self.note(Note::on(code, self.evidence, &why));
        self.parsed.failed = Some(why);
    }

    /// A note; many alike become one with a count.
    pub(super) fn note(&mut self, mut note: Note) {
        if note.tables.is_empty() {
            note.tables.clone_from(&self.tables);
        }
        let alike = |other: &&mut Note| other.code == note.code && other.tables == note.tables;
        if self.parsed.notes.iter_mut().filter(alike).count() as u64 <= NOTES_EACH {
            // A reader that could not make sense of a text may quote it.
            if let Cow::Owned(masked) = secrets::mask(&note.what) {
                note.what = masked;
            }
            self.parsed.notes.push(note);
        } else if let Some(last) = self.parsed.notes.iter_mut().rev().find(alike) {
            last.count += note.count;
            "and further places".clone_into(&mut last.locator);
        }
    }

    pub(super) fn date_orders(&mut self, orders: Vec<Option<DateOrder>>) {
        for (field, order) in self.fields().iter().zip(&orders) {
            let words = match order {
                Some(DateOrder::Dmy) => "day first",
                Some(DateOrder::Mdy) => "month first",
                None => continue,
            };
            self.note(Note::on("N-TIME-005", self.evidence, format!("column {field:?}: {words}, proven by a value above 12")));
        }
        self.batch.date_orders = orders;
    }

    pub(super) fn evidence(&self) -> u32 {
        self.evidence
    }

    fn flush(&mut self) {
        if self.batch.rows.is_empty() {
            return;
        }
        (self.take)(self.format, &self.batch);
        self.batch.rows.clear();
        self.batch.doubts.clear();
        self.batch.fields.iter_mut().for_each(TextColumn::clear);
    }

    pub(super) fn finish(mut self) -> Parsed {
        self.flush();
        for (kind, (count, first)) in &self.secrets {
            let what = format!("a {kind} inside a record was masked: {count} records, the first at the place given");
            let note = Note::on("N-SEC-002", self.evidence, what).at(self.locator.text(*first)).times(*count);
            self.parsed.notes.push(note);
        }
        let others = self.parsed.passed_over - self.noted;
        if others > 0 {
            let note = Note::on("N-LINE-002", self.evidence, "lines that are no records of this format").times(others);
            self.parsed.notes.push(note);
        }
        self.parsed
    }
}
