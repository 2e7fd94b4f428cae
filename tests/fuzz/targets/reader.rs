//! One reader, named by `ASSURE_READER`, on any octets; the last one chooses the format among those it reads.
//! Whatever is in a file, every line is a record, rejected, blank or passed over.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use assure::catalogue::Catalogue;
use assure::catalogue::engagement::Engagement;
use assure::catalogue::format::{Format, Reader};
use assure::domain::digest;
use assure::domain::evidence::{Container, Evidence, HashStatus, Quality, Status};
use assure::parse::parse;
use libfuzzer_sys::fuzz_target;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load(&[]).expect("the shipped checklists load"));

/// The formats of the reader.
static FORMATS: LazyLock<Vec<&Format>> = LazyLock::new(|| {
    let wanted = std::env::var("ASSURE_READER").expect("ASSURE_READER names a reader");
    let formats: Vec<_> = CATALOGUE.formats.values().filter(|format| word(&format.reader) == wanted).collect();
    assert!(!formats.is_empty(), "no format is read by {wanted}");
    formats
});

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder for the file");
    folder.keep().join("evidence")
});

fn word(reader: &Reader) -> &'static str {
    match reader {
        Reader::Lines(_) => "lines",
        Reader::Delimited(_) => "delimited",
        Reader::JsonLines(_) => "json-lines",
        Reader::X509 => "x509",
        Reader::KeyValue(_) => "key-value",
        Reader::Blocks(_) => "blocks",
        Reader::Outline(_) => "outline",
        Reader::JavaBeans => "java-beans",
        Reader::JavaBeansRecords(_) => "java-beans-records",
        Reader::Evtx => "evtx",
        Reader::EventXml => "event-xml",
        Reader::EventText(_) => "event-text",
        Reader::CertutilView => "certutil-view",
        Reader::Xml(_) => "xml",
    }
}

fuzz_target!(|octets: &[u8]| {
    let Some((&choice, octets)) = octets.split_last() else { return };
    let format = FORMATS[usize::from(choice) % FORMATS.len()];
    fs::write(&*FILE, octets).expect("the file is written");
    let evidence = Evidence {
        number: 1,
        id: String::new(),
        path: "evidence".to_owned(),
        file: FILE.clone(),
        size: octets.len() as u64,
        sha256: digest::sha256(octets),
        hash_status: HashStatus::None,
        format: Some(format.name.clone()),
        container: Container::Plain,
        status: Status::Used,
        quality: Quality::Ok,
        reason: None,
        also: Vec::new(),
    };
    let mut rows = 0;
    let parsed = parse(&evidence, &CATALOGUE.formats, &Engagement::default().on("evidence"), &mut |_, batch| {
        rows += batch.rows.len() as u64;
        assert!(batch.fields.iter().all(|column| column.len() == batch.rows.len()));
    });
    assert_eq!(parsed.records, rows, "{}", format.name);
    if parsed.failed.is_none() {
        assert_eq!(parsed.records + parsed.rejected + parsed.blank + parsed.passed_over, parsed.total, "{}", format.name);
        assert_eq!(parsed.sha256, evidence.sha256, "{}", format.name);
    }
});
