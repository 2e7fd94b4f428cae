//! Physical lines of a text, whatever its encoding and line ends, in bounded memory.

use std::io::{self, Read};
use std::ops::Range;

use encoding_rs::{CoderResult, Decoder};

use crate::collect::encoding::TextShape;

/// Longest line that is read.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// Octets that are read at once.
const CHUNK: usize = 1 << 16;

/// Why a line is not a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadLine {
    /// Octets that are not text in the encoding of the file.
    Encoding,
    /// Longer than [`MAX_LINE`].
    TooLong,
}

impl BadLine {
    /// The code of the note.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Encoding => "N-ENC-002",
            Self::TooLong => "N-LINE-004",
        }
    }

    /// The words of the note.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Encoding => "octets that are not text",
            Self::TooLong => "longer than 1 MiB",
        }
    }
}

/// A physical line.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its text without the line end.
    pub(crate) text: Result<&'a str, BadLine>,
    /// It has a line end; only the last line of a file can lack one.
    pub(crate) ended: bool,
}

/// Reads lines.
pub(crate) struct Lines<R> {
    input: R,
    raw: Vec<u8>,
    decoder: Option<Decoder>,
    /// What was read or decoded last: so many octets, taken up to a place.
    buffer: Vec<u8>,
    filled: usize,
    at: usize,
    line: Vec<u8>,
    end: u8,
    number: u64,
    finished: bool,
    mark: usize,
    latin1: bool,
    /// Lines that were no UTF-8 and were read as Latin-1.
    pub(crate) from_latin1: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R, shape: TextShape) -> Self {
        let utf8 = shape.encoding == encoding_rs::UTF_8;
        Self {
            input,
            raw: vec![0; CHUNK],
            decoder: (!utf8).then(|| shape.encoding.new_decoder_with_bom_removal()),
            buffer: vec![0; CHUNK],
            filled: 0,
            at: 0,
            line: Vec::new(),
            end: if shape.carriage_returns { b'\r' } else { b'\n' },
            number: 0,
            finished: false,
            mark: if utf8 { shape.mark } else { 0 },
            latin1: false,
            from_latin1: 0,
        }
    }

    /// Reads a line that is not UTF-8 as Latin-1, where every octet is a character.
    pub(crate) fn or_latin1(mut self, latin1: bool) -> Self {
        self.latin1 = latin1;
        self
    }

    pub(crate) fn into_inner(self) -> R {
        self.input
    }

    /// The next line, or nothing at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        // A line that is whole in the buffer is read there.
        let mut whole = None;
        let mut too_long = false;
        let ended = loop {
            if self.at >= self.filled && !self.fill()? {
                if self.line.is_empty() && !too_long {
                    return Ok(None);
                }
                break false;
            }
            let rest = self.buffer.get(self.at..self.filled).unwrap_or_default();
            let found = memchr::memchr(self.end, rest);
            let piece = self.at..self.at + found.unwrap_or(rest.len());
            self.at = piece.end + usize::from(found.is_some());
            if found.is_some() && self.line.is_empty() && !too_long {
                whole = Some(piece);
                break true;
            }
            if self.line.len() + piece.len() > MAX_LINE {
                too_long = true;
            } else {
                self.line.extend_from_slice(self.buffer.get(piece).unwrap_or_default());
            }
            if found.is_some() {
                break true;
            }
        };
        self.number += 1;
        if self.latin1 && self.decoder.is_none() && std::str::from_utf8(self.octets(whole.as_ref())).is_err() {
            self.line = encoding_rs::mem::decode_latin1(self.octets(whole.as_ref())).into_owned().into_bytes();
            self.from_latin1 += 1;
            whole = None;
        }
        let text = std::str::from_utf8(self.octets(whole.as_ref()));
        let text = match text {
            _ if too_long => Err(BadLine::TooLong),
            // The decoder puts this character where the octets made no sense.
            Ok(text) if self.decoder.is_some() && text.contains('\u{fffd}') => Err(BadLine::Encoding),
            Ok(text) => Ok(text),
            Err(_) => Err(BadLine::Encoding),
        };
        Ok(Some(Line { number: self.number, text, ended }))
    }

    /// The octets of the line, where it is whole in the buffer and where it is not, without its end.
    fn octets(&self, whole: Option<&Range<usize>>) -> &[u8] {
        let octets = whole.and_then(|whole| self.buffer.get(whole.clone())).unwrap_or(&self.line);
        octets.strip_suffix(b"\r").unwrap_or(octets)
    }

    fn fill(&mut self) -> io::Result<bool> {
        (self.at, self.filled) = (0, 0);
        while self.filled == 0 {
            if self.finished {
                return Ok(false);
            }
            let read = self.input.read(&mut self.raw)?;
            self.finished = read == 0;
            if let Some(decoder) = &mut self.decoder {
                self.buffer.clear();
                decode(decoder, self.raw.get(..read).unwrap_or_default(), self.finished, &mut self.buffer);
                self.filled = self.buffer.len();
            } else {
                std::mem::swap(&mut self.raw, &mut self.buffer);
                self.filled = read;
                self.at = self.mark.min(read);
                self.mark -= self.at;
            }
        }
        Ok(true)
    }
}

fn decode(decoder: &mut Decoder, mut octets: &[u8], last: bool, out: &mut Vec<u8>) {
    let mut piece = [0; 4_096];
    loop {
        let (result, read, written, _) = decoder.decode_to_utf8(octets, &mut piece, last);
        out.extend_from_slice(piece.get(..written).unwrap_or_default());
        octets = octets.get(read..).unwrap_or_default();
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}
