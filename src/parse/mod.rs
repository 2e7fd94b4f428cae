//! Stage 2: what is in a file.
//!
//! Takes one piece of evidence and its format, gives batches of text columns whose rows know where
//! they stand. Parsing never fails: what cannot be read is counted and noted, and the rest goes on.
//! The only stage that opens evidence. It hashes what it reads again, because a file may change,
//! and it masks secrets before anything is stored.

mod blocks;
mod delimited;
mod java_beans;
mod json_lines;
mod key_value;
mod lines;
pub mod objects;
mod outline;
mod secrets;
mod text;
mod xml;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};

use crate::catalogue::engagement::Source;
use crate::catalogue::format::{Format, Reader};
use crate::collect::encoding;
use crate::domain::digest::Hasher;
use crate::domain::evidence::{Evidence, Locator};
use crate::domain::instant::DateOrder;
use crate::domain::note::Note;
use crate::engine::TextColumn;

use text::{Line, Lines};

/// Rows of a batch.
const BATCH: usize = 16_384;
/// Notes of one code on one file that are kept one by one; the rest is counted.
const NOTES_EACH: u64 = 20;

/// Rows of text, by column: the fields of the format, in its order.
#[derive(Debug, Default)]
pub struct Batch {
    /// Where each row stands: line, or ordinal of the object.
    pub rows: Vec<u64>,
    /// Fields.
    pub fields: Vec<TextColumn>,
    /// The order of dates that each field proves by a value above 12.
    pub date_orders: Vec<Option<DateOrder>>,
}

/// What became of a file.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Records read.
    pub records: u64,
    /// Records that could not be read.
    pub rejected: u64,
    /// Blank lines, comments, headings, and the lines over which a record goes on.
    pub blank: u64,
    /// Lines known to be no records.
    pub passed_over: u64,
    /// Physical lines, or objects.
    pub total: u64,
    /// The file ends in the middle of a record.
    pub truncated: bool,
    /// The reader cannot read the file as the format it has.
    pub failed: Option<String>,
    /// SHA-256 of what was read; empty where reading ended early.
    pub sha256: String,
    /// Records in which a secret was masked.
    pub masked: u64,
    /// What was noticed.
    pub notes: Vec<Note>,
}

/// What rows of a format are counted by.
#[must_use]
pub fn locator(format: &Format) -> Locator {
    match format.reader {
        Reader::X509 => Locator::Object,
        Reader::JavaBeans => Locator::Entry,
        _ => Locator::Line,
    }
}

/// Reads a file, handing over its records batch by batch.
pub fn parse(evidence: &Evidence, format: &Format, source: &Source, take: &mut dyn FnMut(&Batch)) -> Parsed {
    let mut out = Output::new(evidence.number, format, take);
    if let Err(error) = read(evidence, format, source, &mut out) {
        out.parsed.failed = Some(format!("reading stopped: {error}"));
        out.note(Note::on("N-FS-003", evidence.number, format!("reading stopped: {error}")));
    }
    out.finish()
}

fn read(evidence: &Evidence, format: &Format, source: &Source, out: &mut Output<'_>) -> io::Result<()> {
    let whole = match format.reader {
        Reader::X509 => Some(objects::MAX_FILE),
        Reader::JavaBeans => Some(xml::MAX_FILE),
        _ => None,
    };
    if let Some(most) = whole {
        let mut octets = Vec::new();
        let mut input = Hashing::new(File::open(&evidence.file)?);
        input.by_ref().take(most + 1).read_to_end(&mut octets)?;
        match format.reader {
            Reader::JavaBeans => java_beans::read(&octets, out),
            _ => objects::read(&octets, out),
        }
        out.parsed.sha256 = input.rest()?;
        return Ok(());
    }
    let mut head = Vec::new();
    File::open(&evidence.file)?.take(1 << 20).read_to_end(&mut head)?;
    let shape = encoding::shape(&head);
    if shape.doubtful {
        let why = "the octets look like UTF-16 without a byte-order mark, or like no text at all";
        out.parsed.failed = Some(why.to_owned());
        out.note(Note::on("N-ENC-002", evidence.number, why).fix("ask for the file as UTF-8"));
        return Ok(());
    }
    if shape.encoding != encoding_rs::UTF_8 {
        out.note(Note::on("N-ENC-001", evidence.number, format!("{} was converted to UTF-8", shape.encoding.name())));
    }
    let open = || -> io::Result<Lines<Hashing<File>>> { Ok(Lines::new(Hashing::new(File::open(&evidence.file)?), shape)) };
    let mut lines = open()?;
    match &format.reader {
        Reader::Lines(settings) => {
            lines = lines.or_latin1(settings.latin1);
            lines::read(settings, &mut lines, out)?;
            if lines.from_latin1 > 0 {
                let what = "lines that are not UTF-8 were read as Latin-1, as this format is written";
                out.note(Note::on("N-ENC-001", evidence.number, what).times(lines.from_latin1));
            }
        }
        Reader::Delimited(settings) => {
            if source.order().is_none() {
                out.date_orders(delimited::survey_dates(settings, format, &mut open()?)?);
            }
            delimited::read(settings, &format.recognise.header, &mut lines, out)?;
        }
        Reader::JsonLines => json_lines::read(&mut lines, out)?,
        Reader::KeyValue(settings) => {
            let effective = settings.effective.as_ref().is_some_and(|pattern| pattern.is_match(&encoding::head_text(&head)));
            let survey = key_value::survey(settings, &mut open()?)?;
            key_value::read(settings, effective, &survey, &mut lines, out)?;
        }
        Reader::Blocks(settings) => blocks::read(settings, &mut lines, out)?,
        Reader::Outline => {
            let top = outline::survey(&mut open()?)?;
            outline::read(&top, &mut lines, out)?;
        }
        Reader::X509 | Reader::JavaBeans => {}
    }
    out.parsed.sha256 = lines.into_inner().rest()?;
    Ok(())
}

/// Gathers rows into batches, and counts.
pub(crate) struct Output<'a> {
    evidence: u32,
    fields: Vec<String>,
    batch: Batch,
    take: &'a mut dyn FnMut(&Batch),
    pub(crate) parsed: Parsed,
}

impl<'a> Output<'a> {
    pub(crate) fn new(evidence: u32, format: &Format, take: &'a mut dyn FnMut(&Batch)) -> Self {
        let fields = format.fields.clone();
        let batch = Batch { fields: vec![TextColumn::default(); fields.len()], ..Batch::default() };
        Self { evidence, fields, batch, take, parsed: Parsed::default() }
    }

    /// Names of the fields wanted.
    pub(crate) fn fields(&self) -> Vec<String> {
        self.fields.clone()
    }

    /// The text of a line with its number, and whether the line has an end. Blank lines are counted here,
    /// and lines that are no text rejected.
    pub(crate) fn text_of<'l>(&mut self, line: &Line<'l>) -> Option<(u64, &'l str, bool)> {
        self.parsed.total += 1;
        match line.text {
            Ok(text) if text.trim().is_empty() => self.parsed.blank += 1,
            Ok(text) => return Some((line.number, text, line.ended)),
            Err(bad) => self.reject(bad.code(), line.number, bad.words()),
        }
        None
    }

    /// The text with its secrets masked, and counted.
    pub(crate) fn masked<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let masked = secrets::mask(text);
        self.parsed.masked += u64::from(matches!(masked, Cow::Owned(_)));
        masked
    }

    /// A record: one text for each field.
    pub(crate) fn record<'t>(&mut self, row: u64, mut field: impl FnMut(usize) -> Option<&'t str>) {
        self.parsed.records += 1;
        self.batch.rows.push(row);
        for (index, column) in self.batch.fields.iter_mut().enumerate() {
            column.push(field(index));
        }
        if self.batch.rows.len() >= BATCH {
            self.flush();
        }
    }

    /// A record that cannot be read.
    pub(crate) fn reject(&mut self, code: &'static str, row: u64, why: impl Into<String>) {
        self.parsed.rejected += 1;
        self.note(Note::on(code, self.evidence, why).at(Locator::Line.text(row)));
    }

    /// An object that cannot be read.
    pub(crate) fn reject_object(&mut self, code: &'static str, row: u64, why: impl Into<String>) {
        self.reject_at(code, &Locator::Object.text(row), why);
    }

    /// What stands at a place and cannot be read.
    pub(crate) fn reject_at(&mut self, code: &'static str, place: &str, why: impl Into<String>) {
        self.parsed.rejected += 1;
        self.note(Note::on(code, self.evidence, why).at(place));
    }

    /// The file cannot be read as what it is.
    pub(crate) fn fail(&mut self, code: &'static str, why: &str) {
        self.parsed.failed = Some(why.to_owned());
        self.note(Note::on(code, self.evidence, why));
    }

    /// A note; many alike become one with a count.
    pub(crate) fn note(&mut self, note: Note) {
        let alike = self.parsed.notes.iter().filter(|other| other.code == note.code).count() as u64;
        if alike <= NOTES_EACH {
            self.parsed.notes.push(note);
        } else if let Some(last) = self.parsed.notes.iter_mut().rev().find(|other| other.code == note.code) {
            last.count += 1;
            "and further places".clone_into(&mut last.locator);
        }
    }

    fn date_orders(&mut self, orders: Vec<Option<DateOrder>>) {
        for (field, order) in self.fields.clone().iter().zip(&orders) {
            let words = match order {
                Some(DateOrder::Dmy) => "day first",
                Some(DateOrder::Mdy) => "month first",
                None => continue,
            };
            self.note(Note::on("N-TIME-005", self.evidence, format!("column {field:?}: {words}, proven by a value above 12")));
        }
        self.batch.date_orders = orders;
    }

    pub(crate) fn evidence(&self) -> u32 {
        self.evidence
    }

    fn flush(&mut self) {
        if self.batch.rows.is_empty() {
            return;
        }
        (self.take)(&self.batch);
        self.batch.rows.clear();
        self.batch.fields.iter_mut().for_each(|column| *column = TextColumn::default());
    }

    fn finish(mut self) -> Parsed {
        self.flush();
        if self.parsed.masked > 0 {
            let note = Note::on("N-SEC-002", self.evidence, "secrets inside records were masked").times(self.parsed.masked);
            self.parsed.notes.push(note);
        }
        if self.parsed.passed_over > 0 {
            let note = Note::on("N-LINE-002", self.evidence, "lines that are no records of this format").times(self.parsed.passed_over);
            self.parsed.notes.push(note);
        }
        self.parsed
    }
}

/// Hashes what is read through it.
pub(crate) struct Hashing<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::default() }
    }

    /// Reads to the end, and gives the hash of it all.
    fn rest(mut self) -> io::Result<String> {
        let mut buffer = vec![0; 65_536];
        while self.read(&mut buffer)? > 0 {}
        Ok(self.hasher.finish())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(octets) = buffer.get(..read) {
            self.hasher.update(octets);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::domain::digest;
    use crate::domain::evidence::{HashStatus, Quality, Status};
    use proptest::prelude::*;
    use std::io::Write;
    use std::sync::LazyLock;

    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load(&[]).unwrap());

    fn read_as(format: &str, octets: &[u8]) -> (Parsed, u64) {
        read_by(&CATALOGUE.formats[format], octets)
    }

    fn read_by(format: &Format, octets: &[u8]) -> (Parsed, u64) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(octets).unwrap();
        let evidence = Evidence {
            number: 1,
            id: String::new(),
            path: "x".to_owned(),
            file: file.path().to_owned(),
            size: octets.len() as u64,
            sha256: digest::sha256(octets),
            hash_status: HashStatus::None,
            format: None,
            status: Status::Used,
            quality: Quality::Ok,
            reason: None,
            also: Vec::new(),
        };
        let source = crate::catalogue::engagement::Engagement::default().on("x");
        let mut rows = 0;
        let parsed = parse(&evidence, format, &source, &mut |batch| {
            rows += batch.rows.len() as u64;
            assert!(batch.fields.iter().all(|column| column.len() == batch.rows.len()));
        });
        (parsed, rows)
    }

    /// Octets that look like evidence often enough to reach deep into the readers.
    fn octets() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"2020-09-22 14:49:22+02:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;4B;e;cert=AAEC;x=1".to_vec()),
            Just(b"2020-09-22 14:49:22,928 INFO  [org.x.Log4jDevice] (t) 2020-09-22 14:49:22+02:00;A;SUCCESS".to_vec()),
            Just(b"request_id,requested_at,requester,entity,outcome".to_vec()),
            Just(b"{\"sequenceNumber\": 1, \"a\": {\"b\": [1e400, null]}}".to_vec()),
            Just(b"-----BEGIN CERTIFICATE-----\nMAAwAA==\n-----END CERTIFICATE-----".to_vec()),
            Just(b"PermitRootLogin no\nMatch User x\nInclude y\n#".to_vec()),
            Just(b"V\t330421081250Z\t\t1000\tunknown\t/C=GB".to_vec()),
            Just(b"14.09.18 12:52:23 [A~0,B~0] FC:0x083 SFC:0x0E Add User 'C' (C~0,0,00000002) [0]".to_vec()),
            Just(b"2021-01-05T10:00:00Z\nReference ID    : A1 (x)\nStratum : 2\nSystem time     : 0.1 seconds slow of NTP time\nLeap status : Normal".to_vec()),
            Just(b"Object Type: CA\nName: 'a\nCA Token:\n  Keys:\n  - Key: \"v\"\n    Other: [a, b]\n  - x\nCRL: |\n   text".to_vec()),
            Just(b"<java class=\"java.beans.XMLDecoder\"><object class=\"M\"><void method=\"put\"><string>k</string><int>1</int></void>".to_vec()),
            Just(b"</object></java><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///x\">]>&e;".to_vec()),
            Just(b"-w /etc/x -p wa\n*.* @@host:514\nserver a iburst\nrtcsync\nlog_file = /x".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\"".to_vec()),
            Just(b",".to_vec()),
            Just(b"\xff\xfe".to_vec()),
            Just(b"password=x;".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..12),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn whatever_is_in_a_file_every_line_is_a_record_rejected_blank_or_passed_over(octets in octets()) {
            for format in CATALOGUE.formats.keys() {
                let (parsed, rows) = read_as(format, &octets);
                prop_assert_eq!(parsed.records, rows, "{}", format);
                if parsed.failed.is_none() {
                    prop_assert_eq!(parsed.records + parsed.rejected + parsed.blank + parsed.passed_over, parsed.total, "{}", format);
                    prop_assert_eq!(&parsed.sha256, &digest::sha256(&octets), "{}", format);
                }
            }
        }
    }

    #[test]
    fn a_line_without_an_end_is_never_taken_as_whole() {
        let line = b"2020-09-22 14:49:22+02:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;4B;e;cert=AA";
        let (parsed, _) = read_as("ejbca-log", line);
        assert!(parsed.truncated);
        assert_eq!((parsed.records, parsed.rejected), (0, 1));
    }

    #[test]
    fn a_line_that_claims_to_be_a_record_and_is_none_is_rejected() {
        let (parsed, _) =
            read_as("ejbca-log", b"2020-09-22 14:49:22,928 INFO  [org.x.Log4jDevice] (t) 2020-09-22 14:49:22+02:00;A;SUCCESS\n");
        assert_eq!((parsed.rejected, parsed.passed_over), (1, 0));
    }

    #[test]
    fn lines_that_end_in_a_carriage_return_alone_are_lines() {
        let (parsed, _) = read_as("requests-register", b"request_id,requested_at,requester,entity\rR1,2020-01-01,a,b\rR2,2020-01-01,a,b\r");
        assert_eq!(parsed.records, 2);
    }

    #[test]
    fn a_format_added_as_a_file_reads_a_log_by_a_pattern_with_named_groups() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("formats")).unwrap();
        let format = r#"
            schema = 1
            title = "An invented module log"
            reader = "lines"
            source = "nowhere"
            export = "the log"
            [recognise]
            any_line = '^\d+,\S+ LUNA_'
            [lines]
            pattern = '^(?P<seq>\d+),(?P<time>\S+) (?P<event>LUNA_\w+)(?: (?P<key>\w+))?$'
            other = '^#'
            [[emit]]
            table = "key_events"
            columns = { seq = { from = "seq", as = "integer" }, time = { from = "time", as = "datetime", pattern = "iso" }, key_ref = { from = "key" } }
        "#;
        std::fs::write(folder.path().join("formats/invented.toml"), format).unwrap();
        let catalogue = Catalogue::load(&[folder.path()]).unwrap();
        let log = b"# heading\n1,2020-09-22T10:00:00Z LUNA_LOGIN\n2,2020-09-22T10:00:01Z LUNA_SIGN k1\nnot a record\n";
        let (parsed, rows) = read_by(&catalogue.formats["invented"], log);
        assert_eq!((rows, parsed.passed_over, parsed.rejected), (2, 1, 1));
    }
}
