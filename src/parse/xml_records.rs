//! The records of an XML document, read in one pass with memory that does not grow with the document: of
//! what is not a record only that is kept which a path of the format names.
//!
//! No entity but the five of XML itself and characters by number is ever replaced, and nothing that the
//! document names is opened: a document type declaration may name a file, and must not declare anything.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::LazyLock;

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use regex::Regex;

use super::Output;
use super::xml_source::{self, Source};
use crate::catalogue::format::Xml as Settings;
use crate::catalogue::xml_path::{Leaf, XmlPath};
use crate::collect::encoding::TextShape;
use crate::domain::digest::{self, Hasher};
use crate::domain::note::Note;
use crate::domain::secrets;

/// Deepest element.
const MAX_DEPTH: usize = 64;
/// Most attributes of an element.
const MAX_ATTRIBUTES: usize = 256;
/// Most octets of a tag.
const MAX_TAG: usize = 1 << 20;
/// Most octets that are kept of a record.
const MAX_RECORD: usize = 4 << 20;
/// What an element costs beside its text.
const ELEMENT: usize = 64;

/// A declaration that names the document, and at most where its grammar lies.
static HARMLESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"^\s*[^\s\[\]<>"']+(\s+SYSTEM\s+("[^"]*"|'[^']*')|\s+PUBLIC\s+("[^"]*"|'[^']*')(\s+("[^"]*"|'[^']*'))?)?\s*$"#).ok()
});

/// What is kept of an element.
#[derive(Debug, Default)]
struct Node {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
    text: String,
}

/// An element that is open.
struct Open {
    node: Node,
    line: u64,
    /// It is a record.
    record: bool,
    /// It is kept for a record, or for a path from around records.
    kept: bool,
    /// Octets kept of it and in it.
    size: usize,
    print: Option<Hasher>,
}

/// Why reading ends before the document does.
struct Stop {
    code: &'static str,
    why: String,
    cut: bool,
}

impl Stop {
    fn new(code: &'static str, why: impl Into<String>) -> Self {
        Self { code, why: why.into(), cut: false }
    }

    fn xml(why: impl Into<String>) -> Self {
        Self::new("N-XML-002", why)
    }
}

/// A field of a record.
enum Field {
    Path(XmlPath),
    /// The name of the element.
    Name,
    /// The line it begins in.
    Line,
    /// A fingerprint of all of it.
    Print,
    Nothing,
}

impl Field {
    fn of(name: &str) -> Self {
        match name {
            "name()" => Self::Name,
            "line()" => Self::Line,
            "record" => Self::Print,
            path => XmlPath::parse(path).map_or(Self::Nothing, Self::Path),
        }
    }
}

struct Records<'a, 'o> {
    settings: &'a Settings,
    fields: Vec<Field>,
    /// Names that a path of a field mentions: nothing else is kept of a record.
    names: BTreeSet<String>,
    /// Names of elements whose text a path asks for.
    texts: BTreeSet<String>,
    prints: bool,
    open: Vec<Open>,
    roots: u64,
    out: &'a mut Output<'o>,
}

/// Reads the records. Gives back the input, of which the rest is still to be hashed.
pub(super) fn read<R: Read>(settings: &Settings, input: R, shape: TextShape, head: &[u8], out: &mut Output<'_>) -> R {
    let encoding = match xml_source::encoding(shape, head) {
        Ok(encoding) => encoding,
        Err(label) => {
            out.fail("N-ENC-002", format!("the document says its encoding is {label:?}, which is not known"));
            return input;
        }
    };
    if encoding != encoding_rs::UTF_8 && shape.mark == 0 {
        out.note(Note::on("N-ENC-001", out.evidence(), format!("{} was converted to UTF-8", encoding.name())));
    }
    let fields: Vec<Field> = out.fields().iter().map(|field| Field::of(field)).collect();
    let mut records = Records::new(settings, fields, out);
    let mut reader = Reader::from_reader(Source::new(input, shape, encoding));
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut line = 1;
    let end = loop {
        buffer.clear();
        line = reader.get_mut().next_event().max(line);
        let event = reader.read_event_into(&mut buffer);
        let taken = match event {
            Ok(Event::Eof) => break records.end(),
            Ok(event) => records.take(&event, line),
            Err(error) => {
                let cut = matches!(error, quick_xml::Error::Syntax(_));
                let fault = reader.get_mut().fault.take();
                let (code, why) = fault.unwrap_or_else(|| match &error {
                    quick_xml::Error::Encoding(_) => ("N-ENC-002", "octets that are not text".to_owned()),
                    quick_xml::Error::Io(error) => ("N-FS-003", format!("reading stopped: {error}")),
                    error => ("N-XML-002", error.to_string()),
                });
                Err(Stop { code, why, cut })
            }
        };
        if let Err(stop) = taken {
            break Err(stop);
        }
    };
    if let Err(stop) = end {
        records.stop(line, &stop);
    }
    reader.into_inner().into_inner()
}

impl<'a, 'o> Records<'a, 'o> {
    fn new(settings: &'a Settings, fields: Vec<Field>, out: &'a mut Output<'o>) -> Self {
        let (mut names, mut texts) = (BTreeSet::new(), BTreeSet::new());
        for path in fields.iter().filter_map(|field| if let Field::Path(path) = field { Some(path) } else { None }) {
            for step in &path.steps {
                names.insert(step.name.clone());
                if let Some((Leaf::Text(child), _)) = &step.only {
                    names.insert(child.clone());
                    texts.insert(child.clone());
                }
            }
            if matches!(path.leaf, Leaf::Text(_)) {
                texts.extend(path.steps.last().map(|step| step.name.clone()).or_else(|| path.from.clone()));
                if path.steps.is_empty() && path.from.is_none() {
                    texts.extend(settings.records.iter().filter_map(|steps| steps.last().cloned()));
                }
            }
        }
        let prints = fields.iter().any(|field| matches!(field, Field::Print));
        Self { settings, fields, names, texts, prints, open: Vec::new(), roots: 0, out }
    }

    fn take(&mut self, event: &Event<'_>, line: u64) -> Result<(), Stop> {
        match event {
            Event::Start(start) => self.start(start, line),
            Event::End(_) => self.close(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(name) => {
                let character = name.resolve_char_ref().map_err(|error| Stop::xml(error.to_string()))?;
                let known = resolve_predefined_entity(name);
                match (character, known) {
                    (Some(character), _) => self.text(character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => self.text(text),
                    (None, None) => Err(Stop::xml("an entity that XML itself does not know")),
                }
            }
            Event::DocType(declared) if HARMLESS.as_ref().is_some_and(|harmless| harmless.is_match(declared)) => Ok(()),
            Event::DocType(_) => Err(Stop::new("N-XML-001", "a document type declaration that declares more than a name")),
            _ => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>, line: u64) -> Result<(), Stop> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Stop::xml(format!("elements deeper than {MAX_DEPTH}")));
        }
        if self.open.is_empty() {
            self.roots += 1;
            if self.roots > 1 {
                return Err(Stop::xml("more than one element at the top"));
            }
        }
        if start.len() > MAX_TAG {
            return Err(Stop::xml("a tag of more than 1 MiB"));
        }
        let name = start.local_name().as_ref().to_owned();
        let attributes = attributes(start)?;
        let record = self.settings.records.iter().any(|steps| self.ends_in(steps, &name));
        if !record && self.misplaced(&name) {
            let place = self.out.parsed.total + 1;
            self.out.parsed.total += 1;
            self.out.reject("N-XML-002", place, format!("line {line}: an element {name} out of its place"));
        }
        let kept = record || self.keeps(&name);
        for open in &mut self.open {
            if let Some(print) = &mut open.print {
                print.update(b"<");
                print.update(start.as_bytes());
            }
        }
        let mut print = (record && self.prints).then(Hasher::default);
        if let Some(print) = &mut print {
            print.update(start.as_bytes());
        }
        let size = ELEMENT + name.len() + attributes.iter().map(|(name, value)| name.len() + value.len() + ELEMENT).sum::<usize>();
        let node = Node { name, attributes, ..Node::default() };
        self.open.push(Open { node, line, record, kept, size, print });
        Ok(())
    }

    /// Whether the way to an element ends in these steps.
    fn ends_in(&self, steps: &[String], name: &str) -> bool {
        let Some((last, above)) = steps.split_last() else { return false };
        let Some(start) = self.open.len().checked_sub(above.len()) else { return false };
        let around = self.open.get(start..).unwrap_or_default();
        last == name && around.iter().map(|open| &open.node.name).eq(above)
    }

    /// An element that has the name of a record, and neither its place nor one known to be none.
    fn misplaced(&self, name: &str) -> bool {
        let named = self.settings.records.iter().any(|steps| steps.last().is_some_and(|last| last == name));
        named && !self.open.iter().any(|open| open.record) && !self.settings.other.iter().any(|steps| self.ends_in(steps, name))
    }

    fn keeps(&self, name: &str) -> bool {
        let Some(parent) = self.open.last() else { return false };
        let wanted =
            |path: &XmlPath| path.from.as_ref() == Some(&parent.node.name) && path.steps.first().is_some_and(|step| step.name == name);
        (parent.kept && self.names.contains(name)) || self.fields.iter().any(|field| matches!(field, Field::Path(path) if wanted(path)))
    }

    fn text(&mut self, text: &str) -> Result<(), Stop> {
        if self.open.is_empty() {
            return if text.trim().is_empty() { Ok(()) } else { Err(Stop::xml("text outside of all elements")) };
        }
        for open in &mut self.open {
            if let Some(print) = &mut open.print {
                print.update(text.as_bytes());
            }
        }
        // What stands in an element that nobody asks for belongs to the text of the one around it.
        let texts = &self.texts;
        let anchor = |open: &&mut Open| open.kept || texts.contains(&open.node.name);
        if let Some(open) = self.open.iter_mut().rev().find(anchor)
            && texts.contains(&open.node.name)
            && open.size <= MAX_RECORD
        {
            open.size += text.len();
            open.node.text.push_str(text);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Stop> {
        let Some(mut open) = self.open.pop() else { return Err(Stop::xml("an end without a beginning")) };
        for around in &mut self.open {
            if let Some(print) = &mut around.print {
                print.update(b">");
            }
        }
        let over = open.size > MAX_RECORD;
        if open.record {
            self.out.parsed.total += 1;
            let ordinal = self.out.parsed.total;
            if over {
                let why = format!("line {}: a record of more than 4 MiB", open.line);
                self.out.reject("N-XML-002", ordinal, why);
            } else {
                self.give(ordinal, &mut open);
            }
        } else if open.kept
            && let Some(parent) = self.open.last_mut()
        {
            parent.size = parent.size.saturating_add(open.size);
            if parent.size <= MAX_RECORD {
                parent.node.children.push(open.node);
            }
        }
        let outside = !self.open.iter().any(|open| open.record);
        if outside && self.open.last().is_some_and(|open| open.size > MAX_RECORD) {
            return Err(Stop::xml("more than 4 MiB around the records"));
        }
        Ok(())
    }

    fn give(&mut self, ordinal: u64, open: &mut Open) {
        let print = open.print.take().map(|print| digest::short(&print.finish(), 16).to_owned());
        let value = |field: &Field| match field {
            Field::Path(path) => self.find(path, &open.node),
            Field::Name => open.node.name.clone(),
            Field::Line => open.line.to_string(),
            Field::Print => print.clone().unwrap_or_default(),
            Field::Nothing => String::new(),
        };
        let mut values: Vec<String> = self.fields.iter().map(value).collect();
        let mut masked = false;
        for value in &mut values {
            if let std::borrow::Cow::Owned(text) = secrets::mask(value) {
                *value = text;
                masked = true;
            }
        }
        self.out.saw_secret(ordinal, masked);
        self.out.record(ordinal, |index| values.get(index).map(String::as_str).filter(|text| !text.is_empty()));
    }

    /// What a path finds, the values of several elements parted by commas.
    fn find(&self, path: &XmlPath, record: &Node) -> String {
        let start = match &path.from {
            Some(name) if *name != record.name => self.open.iter().rev().map(|open| &open.node).find(|node| node.name == *name),
            _ => Some(record),
        };
        let mut nodes: Vec<&Node> = start.into_iter().collect();
        for step in &path.steps {
            let fits = |node: &&Node| {
                node.name == step.name
                    && step.only.as_ref().is_none_or(|(what, value)| match what {
                        Leaf::Attribute(name) => node.attribute(name).is_some_and(|found| found == value),
                        Leaf::Text(child) => node.children.iter().any(|node| node.name == *child && node.text.trim() == value),
                    })
            };
            nodes = nodes.into_iter().flat_map(|node| &node.children).filter(fits).collect();
        }
        let texts = nodes.into_iter().filter_map(|node| match &path.leaf {
            Leaf::Attribute(name) => node.attribute(name),
            Leaf::Text(_) => Some(node.text.as_str()),
        });
        texts.map(str::trim).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
    }

    fn end(&self) -> Result<(), Stop> {
        if self.open.is_empty() && self.roots == 1 {
            return Ok(());
        }
        let why = if self.open.is_empty() { "no element at the top" } else { "the document ends within an element: it may have been cut" };
        Err(Stop { cut: true, ..Stop::xml(why) })
    }

    /// What was read stands; the rest is one record that could not be read, and the file has failed.
    fn stop(&mut self, line: u64, stop: &Stop) {
        self.out.parsed.truncated = stop.cut;
        self.out.parsed.total += 1;
        let ordinal = self.out.parsed.total;
        let why = format!("line {line}: {}; nothing after it was read", stop.why);
        self.out.reject(stop.code, ordinal, &why);
        self.out.parsed.failed = Some(why);
    }
}

impl Node {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The attributes of a tag under their local names; a name without a prefix goes before one with.
fn attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, Stop> {
    let mut attributes = Vec::new();
    let mut prefixed = Vec::new();
    for (number, attribute) in start.attributes().enumerate() {
        if number >= MAX_ATTRIBUTES {
            return Err(Stop::xml(format!("an element of more than {MAX_ATTRIBUTES} attributes")));
        }
        let attribute = attribute.map_err(|error| Stop::xml(format!("an attribute that cannot be read: {error}")))?;
        let value = unescape(&attribute.value).map_err(|error| Stop::xml(format!("an attribute that cannot be read: {error}")))?;
        let key = attribute.key.as_ref();
        match key.split_once(':') {
            Some(("xmlns", _)) => {}
            None if key == "xmlns" => {}
            Some((_, local)) => prefixed.push((local.to_owned(), value.into_owned())),
            None => attributes.push((key.to_owned(), value.into_owned())),
        }
    }
    attributes.extend(prefixed);
    Ok(attributes)
}

#[cfg(test)]
#[path = "xml_records_tests.rs"]
mod tests;
