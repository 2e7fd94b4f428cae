//! The octets of an XML document as UTF-8 for a reader of events, counted by line and bounded: a reader
//! that asks for one event without an end is stopped before memory is.

use std::io::{self, BufRead, Read};
use std::sync::LazyLock;

use encoding_rs::{Decoder, DecoderResult, Encoding};
use regex::Regex;

use crate::collect::encoding::TextShape;

/// Most octets of one event: a tag, a text, a comment.
const MAX_EVENT: usize = 8 << 20;

static DECLARED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']"#).ok());

/// The encoding of a document: that of its byte-order mark, or the one it declares.
///
/// # Errors
/// The name of a declared encoding that nobody knows.
pub(super) fn encoding(shape: TextShape, head: &[u8]) -> Result<&'static Encoding, String> {
    if shape.mark > 0 {
        return Ok(shape.encoding);
    }
    let start = String::from_utf8_lossy(head.get(..head.len().min(300)).unwrap_or(head)).into_owned();
    let Some(label) = DECLARED.as_ref().and_then(|pattern| Some(pattern.captures(&start)?.get(1)?.as_str().to_owned())) else {
        return Ok(encoding_rs::UTF_8);
    };
    let known = Encoding::for_label(label.as_bytes()).ok_or(label)?;
    // A declaration that can be read octet by octet is not in UTF-16, whatever it says.
    let wide = known == encoding_rs::UTF_16LE || known == encoding_rs::UTF_16BE;
    Ok(if wide { encoding_rs::UTF_8 } else { known })
}

/// A document on its way to a reader of events.
pub(super) struct Source<R> {
    input: R,
    decoder: Option<Decoder>,
    mark: usize,
    raw: Vec<u8>,
    buffer: Vec<u8>,
    at: usize,
    ended: bool,
    /// Octets taken since the event began.
    taken: usize,
    /// Line ends taken.
    lines: u64,
    /// Why it was stopped: the code of the note, and words.
    pub(super) fault: Option<(&'static str, String)>,
}

impl<R: Read> Source<R> {
    pub(super) fn new(input: R, shape: TextShape, encoding: &'static Encoding) -> Self {
        let utf8 = encoding == encoding_rs::UTF_8;
        let mark = if utf8 { shape.mark } else { 0 };
        let decoder = (!utf8).then(|| encoding.new_decoder_with_bom_removal());
        Self { input, decoder, mark, raw: vec![0; 1 << 16], buffer: Vec::new(), at: 0, ended: false, taken: 0, lines: 0, fault: None }
    }

    /// The line at which the next event begins, from 1. It may be as long as any.
    pub(super) fn next_event(&mut self) -> u64 {
        self.taken = 0;
        self.lines + 1
    }

    pub(super) fn into_inner(self) -> R {
        self.input
    }

    fn stop(&mut self, code: &'static str, why: &str) -> io::Error {
        self.fault = Some((code, why.to_owned()));
        io::Error::from(io::ErrorKind::InvalidData)
    }

    /// Refills the buffer; it stays empty at the end.
    fn fill(&mut self) -> io::Result<()> {
        self.at = 0;
        self.buffer.clear();
        while self.buffer.is_empty() && !self.ended {
            let read = self.input.read(&mut self.raw)?;
            self.ended = read == 0;
            let octets = self.raw.get(..read).unwrap_or_default();
            let Some(decoder) = &mut self.decoder else {
                let skip = self.mark.min(read);
                self.mark -= skip;
                self.buffer.extend_from_slice(octets.get(skip..).unwrap_or_default());
                continue;
            };
            if !decode(decoder, octets, self.ended, &mut self.buffer) {
                return Err(self.stop("N-ENC-002", "octets that are not text in the encoding of the file"));
            }
        }
        Ok(())
    }
}

/// Whether all octets were text.
fn decode(decoder: &mut Decoder, mut octets: &[u8], last: bool, out: &mut Vec<u8>) -> bool {
    let mut piece = [0; 4_096];
    loop {
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(octets, &mut piece, last);
        out.extend_from_slice(piece.get(..written).unwrap_or_default());
        octets = octets.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return true,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => return false,
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken > MAX_EVENT {
            return Err(self.stop("N-XML-002", "a tag or text of more than 8 MiB"));
        }
        if self.at >= self.buffer.len() {
            self.fill()?;
        }
        Ok(self.buffer.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, octets: usize) {
        let end = self.at.saturating_add(octets).min(self.buffer.len());
        let passed = self.buffer.get(self.at..end).unwrap_or_default();
        self.lines += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.taken = self.taken.saturating_add(passed.len());
        self.at = end;
    }
}
