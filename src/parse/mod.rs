//! Stage 2: what is in a file.
//!
//! Takes one piece of evidence and its format, gives batches of text columns whose rows know where
//! they stand. Parsing never fails: what cannot be read is counted and noted, and the rest goes on.
//! The only stage that opens evidence. It hashes what it reads again, because a file may change,
//! and it masks secrets before anything is stored.

mod blocks;
mod bundle;
mod certutil_view;
mod delimited;
mod event;
mod event_text;
mod event_xml;
mod evtx;
mod java_beans;
mod json_lines;
mod json_register;
mod key_value;
mod lines;
pub mod objects;
mod outline;
mod output;
mod pairs;
mod register;
mod sheets;
mod text;
mod xml;
mod xml_records;
mod xml_source;

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
        (_, Some(Reader::Evtx | Reader::EventXml)) => Locator::Event,
        (_, Some(Reader::JavaBeans | Reader::JavaBeansRecords(_) | Reader::Xml(_))) => Locator::Entry,
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
        (Container::Plain, Reader::X509 | Reader::EventXml) | (Container::Workbook(_) | Container::Json, _) => Some(objects::MAX_FILE),
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
                (Container::Plain, Reader::EventXml) => event_xml::read(&octets, out),
                (Container::Plain, _) => objects::read(&octets, out),
            }
        }
        out.parsed.sha256 = input.rest()?;
        return Ok(());
    }
    if let Reader::Evtx = format.reader {
        evtx::read(&evidence.file, out)?;
        out.parsed.sha256 = Hashing::new(File::open(&evidence.file)?).rest()?;
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
    if let Reader::JavaBeansRecords(maps) = &format.reader {
        if shape.encoding != encoding_rs::UTF_8 {
            out.fail("N-ENC-002", "an export of maps is written in UTF-8, and this one is not");
            return Ok(());
        }
        let mut input = Hashing::new(File::open(&evidence.file)?);
        java_beans::read_records(io::BufReader::new(&mut input), maps, out);
        out.parsed.sha256 = input.rest()?;
        return Ok(());
    }
    if let Reader::Xml(settings) = &format.reader {
        let input = Hashing::new(File::open(&evidence.file)?);
        out.parsed.sha256 = xml_records::read(settings, input, shape, &head, out).rest()?;
        return Ok(());
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
        Reader::JsonLines(settings) => json_lines::read(settings, &mut lines, out)?,
        Reader::KeyValue(settings) => {
            let effective = settings.effective.as_ref().is_some_and(|pattern| pattern.is_match(&encoding::head_text(&head)));
            let survey = key_value::survey(settings, &mut open()?)?;
            key_value::read(settings, effective, &survey, &mut lines, out)?;
        }
        Reader::Blocks(settings) => blocks::read(settings, &mut lines, out)?,
        Reader::CertutilView => certutil_view::read(&mut lines, out)?,
        Reader::EventText(settings) => event_text::read(settings, &mut lines, out)?,
        Reader::Outline(settings) => {
            let top = outline::survey(&format.fields, &mut open()?)?;
            outline::read(settings, &top, &mut lines, out)?;
        }
        Reader::X509 | Reader::JavaBeans | Reader::JavaBeansRecords(_) | Reader::Xml(_) | Reader::Evtx | Reader::EventXml => {}
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
            Just(b"<?xml version=\"1.0\"?><!DOCTYPE nmaprun><nmaprun start=\"1361737689\"><host><address addr=\"::1\"/><ports>".to_vec()),
            Just(b"<port portid=\"22\"><state state=\"open\"/></port></ports></host></nmaprun>".to_vec()),
            Just(b"<NessusClientData_v2><Report><ReportHost name=\"a\"><ReportItem severity=\"3\" pluginID=\"1\"><cve>C</cve></ReportItem></ReportHost>".to_vec()),
            Just(b"Plugin ID,Risk,Host,Protocol,Port,Name\n1,High,a,tcp,22,\"b\nc\"".to_vec()),
            Just(b"[ ca ]\ndefault_ca = a\ndefault_ca = b\n.include c\n*filter\n:INPUT DROP [0:0]\n-A INPUT -j ACCEPT\nCOMMIT".to_vec()),
            Just(b"table inet filter {\n chain input {\n  tcp dport 22 accept\n }\n}\nrestrict default nomodify".to_vec()),
            Just(b"Leap Indicator: 0(no warning)\nStratum: 4 (x)\nSource: dc01\n||/ Name Version Architecture\nii  x 1 all y\nx-1-2.noarch".to_vec()),
            Just(b"-w /etc/x -p wa\n*.* @@host:514\nserver a iburst\nrtcsync\nlog_file = /x".to_vec()),
            Just(b"ElfFile\0\0\0\0\0\0\0\0\0\x80\0\0\0".to_vec()),
            Just(b"- <Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><EventID>4870</EventID></System>".to_vec()),
            Just(b"<EventData><Data Name=\"a\">b</Data></EventData></Event>".to_vec()),
            Just(b"\nTimeCreated  : 7/11/2026 1:14:43 PM\nProviderName : Microsoft-Windows-x\nId           : 4870\nMessage      : a\n               Reason:\t5\n".to_vec()),
            Just(b"  AuditFilter REG_DWORD = cc (204)\nCertUtil: -getreg command FAILED: 0x80070002\n    X -- 2".to_vec()),
            Just(b"Schema:\n  RequestID  Issued Request ID  Long  4 -- Indexed\n\nRow 1:\n  Issued Request ID: 0x8\n".to_vec()),
            Just(b"\n1 Rows\n".to_vec()),
            Just(b"0.x - [03/Jan/2018:23:46:08 EST] [14] [6] [AuditEvent=AUTH][SubjectID=a[b]][Outcome=Success] words".to_vec()),
            Just(b"pk\tn\t1\t1609837200000\tCERT_CREATION\tSUCCESS\ta\tCORE\tCA\t1\t4B\te\t<?xml?><java><object/></java>\t1:2:3".to_vec()),
            Just(b"nodeId,sequenceNumber,timeStamp,eventType,eventStatus,additionalDetails\nn,1,2,A,SUCCESS,\"<java><object><void".to_vec()),
            Just(b"<java><object><void method=\"put\"><string>sequenceNumber</string><long>1</long></void></object>".to_vec()),
            Just(b"1970-01-01 prefix 3 log.test d_ZkUQ [AUDIT] Error Audit JSON={\"error\":\"oops\"}".to_vec()),
            Just(b"@cee: {\"time\":\"2020-01-01T00:00:00Z\",\"type\":\"response\",\"request\":{\"path\":\"pki/issue/a\"}}".to_vec()),
            Just(b"INFO[0015]  duration-ns=1 path=/sign serial=\"8\\\"6\" request-id=r status=201".to_vec()),
            Just(b"2023/04/19 10:00:00 [INFO] signed certificate with serial number 34".to_vec()),
            Just(b"Time: 12/19/17 21:01:17.140812, usecs:1513717277140812\nSequence No : 0x1\nReboot counter: 0xe8\nOpcode : CN_LOGIN (0xd)\nResponse : 0:x\n".to_vec()),
            Just(b"item:     1 -- cmd: 0x44 -- length:   93 -- session key: 0x0001 -- target key: 0x0002 -- second key: 0xffff -- result: 0xc4 -- tick: 5 -- hash: 6830a758581287b99c4de5172126daf6".to_vec()),
            Just(b"2 unlogged boots found\nFound 30 items".to_vec()),
            Just(b"2017-07-12 14:12:29,success,0,Audit Log initial message ,00000000000000000000,692f4100000000000000".to_vec()),
            Just(b"000007 14.09.18 22:48:36.428 csxlan[573]: sig_handler() | got SIGTERM".to_vec()),
            Just(b"state = INITIALIZED (0x00100004)\nEvents: 0x0000073F\nADMIN 22000000 RSA sign Z[0]\n0 SMOS C64 5.5.9.2 INIT_OK\ncsadm Dev=x".to_vec()),
            Just(b"<13>1 2021-01-05T10:00:00Z h CEF:0|nCipher|nShield|1|7|Sign \\| x|5|outcome=ok".to_vec()),
            Just(b"5,17/12/12 16:14:14,S/N 150718 session 1 Access 2147483651:22621 SO container:20 operation LUNA_LOGIN returned RC_OK(0x00000000)".to_vec()),
            Just(b"keys:\n  a:\n    label: x\n    ds_sha256: 00\n  b:\n    pin: 1\npolicy: 1".to_vec()),
            Just(b"2019-06-10 21:23:04,097: keymaster: INFO Generated key: key_label=x".to_vec()),
            Just(b"Log file being verified x.log.\nVerified messages 1 to 2\nCommand Result : No Error".to_vec()),
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
