//! The file of a Windows event log (EVTX): a header and chunks of 64 KiB, each with checksums of its own.
//!
//! Rows are the ordinals of the events in the order of the log, which is that of their numbers. What an
//! intact chunk holds is read; a chunk whose checksums do not fit was altered or copied while it was being
//! written, and is rejected whole. Numbers missing within the file, or at its end, are rejected too.
//!
//! Layout: learn.microsoft.com/openspecs/windows_protocols/ms-even6 (`BinXml`), libevtx documentation of the
//! file.

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use evtx::err::EvtxError;
use evtx::{EvtxParser, EvtxRecord, HeaderFlags, ParserSettings};

use super::Output;
use super::event::Event;
use super::xml;
use crate::domain::note::Note;

/// Octets of the header of a file.
const HEADER: u64 = 4_096;
/// Octets of a chunk.
const CHUNK: u64 = 65_536;

pub(super) fn read(file: &Path, out: &mut Output<'_>) -> io::Result<()> {
    let input = File::open(file)?;
    let size = input.metadata()?.len();
    let settings = ParserSettings::new().indent(false).validate_checksums(true);
    let parser = match EvtxParser::from_read_seek(input) {
        Ok(parser) => parser,
        Err(error) => {
            out.parsed.truncated = size < HEADER;
            out.fail("N-EVTX-001", format!("no event log: {}", words(&error)));
            return Ok(());
        }
    };
    let mut reader = Reader { wanted: out.fields(), out, ordinal: 0, last: None, whole: true };
    let header = parser.header();
    let (next, chunks, open) = (header.next_record_id, u64::from(header.chunk_count), header.flags.contains(HeaderFlags::DIRTY));
    if !header.validate_checksum() {
        reader.reject("the checksum of the header of the file does not fit: the header was altered");
    }
    if open {
        let what = "the log was not closed when it was copied: what was being written then may be missing";
        reader.out.note(Note::on("N-EVTX-002", reader.out.evidence(), what));
    }
    let mut parser = parser.with_configuration(settings.clone());
    let settings = Arc::new(settings);
    for chunk in parser.chunks() {
        match chunk {
            Err(error) => reader.reject(&words(&error)),
            Ok(mut data) => {
                let place = data.number.map_or_else(String::new, |number| format!("chunk {number}: "));
                match data.parse(Arc::clone(&settings)) {
                    Ok(mut chunk) => chunk.iter().for_each(|record| reader.record(record)),
                    Err(error) => reader.reject(&format!("{place}{}", first_line(&error.to_string()))),
                }
            }
        }
    }
    let held = size.saturating_sub(HEADER) / CHUNK;
    if size.saturating_sub(HEADER) % CHUNK != 0 || (!open && chunks > held) {
        reader.out.parsed.truncated = true;
        reader.reject("the file ends before the chunks it says it has: it was cut");
    } else if let Some(last) = reader.last.filter(|last| reader.whole && !open && last.saturating_add(1) < next) {
        reader.out.parsed.truncated = true;
        reader.reject(&format!("the header says that records up to {} were written, and the last in the file is {last}", next - 1));
    }
    Ok(())
}

struct Reader<'a, 'o> {
    wanted: Vec<String>,
    out: &'a mut Output<'o>,
    ordinal: u64,
    /// The number of the last record, as the file counts them: an extract is counted anew.
    last: Option<u64>,
    /// No chunk or record was rejected.
    whole: bool,
}

impl Reader<'_, '_> {
    fn reject(&mut self, why: &str) {
        self.ordinal += 1;
        self.out.parsed.total += 1;
        self.whole = false;
        self.out.reject("N-EVTX-001", self.ordinal, why);
    }

    fn record(&mut self, record: Result<EvtxRecord<'_>, EvtxError>) {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                // What was rejected explains the gap it leaves.
                self.last = None;
                return self.reject(&words(&error));
            }
        };
        let number = record.event_record_id;
        if let Some(last) = self.last.filter(|last| last.saturating_add(1) < number) {
            self.reject(&format!("records {} to {} of the file are not in it", last + 1, number - 1));
        }
        self.last = Some(number);
        let event = record.into_xml().map_err(|error| words(&error));
        let event = event.and_then(|record| xml::tree(&record.data).map_err(|refused| refused.why));
        match event.and_then(|root| Event::of(&root)) {
            Ok(event) => {
                self.ordinal += 1;
                self.out.parsed.total += 1;
                event.give(self.ordinal, Some(number), &self.wanted, self.out);
            }
            Err(why) => self.reject(&format!("record {number} of the file: {why}")),
        }
    }
}

/// What an error and its causes say, without the octets they may show.
fn words(error: &EvtxError) -> String {
    let mut said = vec![first_line(&error.to_string())];
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| said.len() < 4) {
        said.push(first_line(&error.to_string()));
        cause = error.source();
    }
    said.join(": ")
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}
