//! Stage 2: what is in a file.
//!
//! Takes one piece of evidence and its format, gives batches of text columns whose rows know where
//! they stand. Parsing never fails: what cannot be read is counted and noted, and the rest goes on.
//! The only stage that opens evidence. It hashes what it reads again, because a file may change,
//! and it masks secrets before anything is stored.

mod blocks;
mod bundle;
mod delimited;
mod java_beans;
mod json_lines;
mod json_register;
mod key_value;
mod lines;
pub mod objects;
mod outline;
mod output;
mod register;
mod sheets;
mod text;
mod xml;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use crate::catalogue::engagement::Source;
use crate::catalogue::format::{Format, Reader};
use crate::collect::encoding;
use crate::domain::digest::Hasher;
use crate::domain::evidence::{Container, Evidence, Locator, Sheet};
use crate::domain::instant::DateOrder;
use crate::domain::note::Note;
use crate::engine::TextColumn;

use output::Output;
use text::Lines;

/// Rows of text, by column: the fields of the format, in its order.
#[derive(Debug, Default)]
pub struct Batch {
    /// Where each row stands: line, ordinal of the object, or [`Sheet::row`].
    pub rows: Vec<u64>,
    /// Fields.
    pub fields: Vec<TextColumn>,
    /// The order of dates that each field proves by a value above 12.
    pub date_orders: Vec<Option<DateOrder>>,
    /// Cells whose text cannot be relied on, by index of row and field, with the code of the note.
    pub doubts: BTreeMap<(usize, usize), &'static str>,
}

/// What became of a file.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Records read.
    pub records: u64,
    /// Records that could not be read.
    pub rejected: u64,
    /// The same, by format: they count for the tables of that format.
    pub rejected_by: BTreeMap<String, u64>,
    /// Blank lines, comments, headings, and the lines over which a record goes on.
    pub blank: u64,
    /// Lines known to be no records.
    pub passed_over: u64,
    /// Physical lines, objects, or rows of the sheets that were read.
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

/// A format and the sheet it reads; no sheet where it reads the file.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The sheet.
    pub sheet: Option<&'a Sheet>,
    /// The format.
    pub format: &'a Format,
}

/// The formats that read a file, sheet by sheet where it is a workbook.
#[must_use]
pub fn layouts<'a>(evidence: &'a Evidence, formats: &'a BTreeMap<String, Format>) -> Vec<Layout<'a>> {
    let whole = evidence.format.iter().map(|name| (None, name));
    let sheets = evidence.sheets().iter().filter_map(|sheet| Some((Some(sheet), sheet.format.as_ref()?)));
    whole.chain(sheets).filter_map(|(sheet, name)| Some(Layout { sheet, format: formats.get(name)? })).collect()
}

/// What rows of a file are counted by.
#[must_use]
pub fn locator<'a>(evidence: &'a Evidence, formats: &BTreeMap<String, Format>) -> Locator<'a> {
    let reader = evidence.format.as_ref().and_then(|name| formats.get(name)).map(|format| &format.reader);
    match (&evidence.container, reader) {
        (Container::Workbook(sheets), _) => Locator::Sheet(sheets),
        (Container::Json, _) | (_, Some(Reader::X509)) => Locator::Object,
        (_, Some(Reader::JavaBeans)) => Locator::Entry,
        _ => Locator::Line,
    }
}

/// Reads a file, handing over its records batch by batch, with the format of each. The file must have one.
pub fn parse(evidence: &Evidence, formats: &BTreeMap<String, Format>, source: &Source, take: &mut dyn FnMut(&Format, &Batch)) -> Parsed {
    let layouts = layouts(evidence, formats);
    let Some(first) = layouts.first() else {
        return Parsed { failed: Some("no known format".to_owned()), ..Parsed::default() };
    };
    let mut out = Output::new(evidence.number, first.format, take);
    out.locator = locator(evidence, formats);
    if let Err(error) = read(evidence, &layouts, first.format, source, &mut out) {
        out.fail("N-FS-003", format!("reading stopped: {error}"));
    }
    out.finish()
}

fn read<'a>(evidence: &Evidence, layouts: &[Layout<'a>], format: &Format, source: &Source, out: &mut Output<'a>) -> io::Result<()> {
    let most = match (&evidence.container, &format.reader) {
        (Container::Plain, Reader::JavaBeans) => Some(xml::MAX_FILE),
        (Container::Plain, Reader::X509) | (Container::Workbook(_) | Container::Json, _) => Some(objects::MAX_FILE),
        _ => None,
    };
    if let Some(most) = most {
        let mut octets = Vec::new();
        let mut input = Hashing::new(File::open(&evidence.file)?);
        input.by_ref().take(most + 1).read_to_end(&mut octets)?;
        if octets.len() as u64 > most {
            out.fail("N-FS-004", format!("larger than {} MiB", most >> 20));
        } else {
            match (&evidence.container, &format.reader) {
                (Container::Workbook(_), _) => sheets::read(&octets, layouts, source, out),
                (Container::Json, _) => layouts.iter().for_each(|layout| json_register::read(&octets, layout, source, out)),
                (Container::Plain, Reader::JavaBeans) => java_beans::read(&octets, out),
                (Container::Plain, _) => objects::read(&octets, out),
            }
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
                let mut ahead = open()?;
                let needed = &format.recognise.header;
                out.date_orders(register::survey_dates(format, |silent| delimited::read(settings, needed, &mut ahead, silent))?);
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
        read_by(&CATALOGUE.formats, format, octets)
    }

    fn read_by(formats: &BTreeMap<String, Format>, format: &str, octets: &[u8]) -> (Parsed, u64) {
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
            format: Some(format.to_owned()),
            container: Container::Plain,
            status: Status::Used,
            quality: Quality::Ok,
            reason: None,
            also: Vec::new(),
        };
        let source = crate::catalogue::engagement::Engagement::default().on("x");
        let mut rows = 0;
        let parsed = parse(&evidence, formats, &source, &mut |_, batch| {
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
            Just(b"-----BEGIN PKCS7-----\nMIAGCSqGSIb3DQEHAqCAMIACAQExADCABgkqhkiG9w0BBwEAAKCAMAMCAQAAAAAxAAAAAAAAAA==\n-----END PKCS7-----\n".to_vec()),
            Just(b"0\x80\x06\x09*\x86H\x86\xf7\x0d\x01\x07\x02\xa0\x800\x80\x02\x01\x011\x000\x80".to_vec()),
            Just(b"0\x82\x01\x00\x0a\x01\x00\xa0\x82\x00\xf90\x03".to_vec()),
            Just(b"document,page,step,read_by\na.pdf,1,TBD,____".to_vec()),
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
        let (parsed, rows) = read_by(&catalogue.formats, "invented", log);
        assert_eq!((rows, parsed.passed_over, parsed.rejected), (2, 1, 1));
    }
}
