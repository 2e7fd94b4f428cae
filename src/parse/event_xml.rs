//! Windows events as XML text: the copy of the Event Viewer, which puts `- ` before what it can fold, or the
//! output of `wevtutil`; one event, several, or several within an element `Events`.
//!
//! Each event is read on its own, so that one that is broken does not take the others with it. Rows are the
//! ordinals of the events, and of what stands between them and is none.

use std::sync::LazyLock;

use regex::Regex;

use super::Output;
use super::event::Event;
use super::xml;

static FOLD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?m)^([ \t]*)- (<[A-Za-z])").ok());
static BEGIN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"<Event[\s>/]").ok());
static END: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"</Event\s*>").ok());
static AROUND: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?s)\A(?:\s|\x{feff}|<\?xml[^>]*\?>|</?Events\b[^>]*>|<!--.*?-->)*\z").ok());

pub(super) fn read(octets: &[u8], out: &mut Output<'_>) {
    let (Some(fold), Some(begin), Some(end), Some(around)) = (FOLD.as_ref(), BEGIN.as_ref(), END.as_ref(), AROUND.as_ref()) else {
        return out.fail("N-READ-001", "the patterns of the reader do not compile");
    };
    let Some(text) = xml::text_of(octets, out) else { return };
    if memchr::memmem::find(text.as_bytes(), b"<!DOCTYPE").is_some() {
        return out.fail("N-XML-001", "a document type declaration; the file is not read");
    }
    let text = fold.replace_all(&text, "$1$2");
    let mut reader = Reader { wanted: out.fields(), out, text: &text, ordinal: 0, counted: 0, line: 1 };
    let mut at = 0;
    while let Some(start) = begin.find_at(&text, at).map(|found| found.start()) {
        reader.between(around, at, start);
        let next = begin.find_at(&text, start + 1).map_or(text.len(), |found| found.start());
        let ends = text.get(start..next).and_then(|event| end.find(event)).map(|found| start + found.end());
        match ends {
            Some(ends) => reader.event(start, ends),
            None => {
                reader.out.parsed.truncated |= next == text.len();
                reader.reject(start, "the event has no end: it may have been cut");
            }
        }
        at = ends.unwrap_or(next);
    }
    reader.between(around, at, text.len());
}

struct Reader<'a, 'o> {
    wanted: Vec<String>,
    out: &'a mut Output<'o>,
    text: &'a str,
    ordinal: u64,
    /// Octets whose lines are counted.
    counted: usize,
    line: u64,
}

impl Reader<'_, '_> {
    fn event(&mut self, start: usize, end: usize) {
        let event = xml::tree(self.text.get(start..end).unwrap_or_default()).map_err(|refused| refused.why);
        match event.and_then(|root| Event::of(&root)) {
            Ok(event) => {
                self.ordinal += 1;
                self.out.parsed.total += 1;
                event.give(self.ordinal, None, &self.wanted, self.out);
            }
            Err(why) => self.reject(start, &why),
        }
    }

    /// What stands between two events may be the frame of them all, and nothing else.
    fn between(&mut self, frame: &Regex, start: usize, end: usize) {
        if !frame.is_match(self.text.get(start..end).unwrap_or_default()) {
            self.reject(start, "text that is no event");
        }
    }

    fn reject(&mut self, at: usize, why: &str) {
        let passed = self.text.as_bytes().get(self.counted..at).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.counted = at;
        self.ordinal += 1;
        self.out.parsed.total += 1;
        self.out.reject("N-XML-002", self.ordinal, format!("from line {}: {why}", self.line));
    }
}
