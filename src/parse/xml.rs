//! XML as trees, within limits: a small file as one, a large one element by element. A document type declaration is refused, so that there are
//! no entities but the five of XML itself and characters by number.

use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::Output;
use crate::collect::encoding;
use crate::domain::note::Note;

/// Largest file that is read.
pub(super) const MAX_FILE: u64 = 16 << 20;
/// Largest element of a file that is read element by element, in octets.
const MAX_TOKEN: u64 = 4 << 20;
/// Deepest element.
const MAX_DEPTH: usize = 64;
/// Most elements.
const MAX_ELEMENTS: u64 = 500_000;

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) line: u64,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// All text directly within it.
    pub(super) text: String,
}

impl Element {
    /// The attribute of a name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The octets of a file as text; nothing, and said, where they are none.
pub(super) fn text_of(octets: &[u8], out: &mut Output<'_>) -> Option<String> {
    let shape = encoding::shape(octets);
    let body = octets.get(shape.mark..).unwrap_or_default();
    let (text, wrong) = shape.encoding.decode_without_bom_handling(body);
    if shape.doubtful || wrong {
        out.fail("N-ENC-002", "octets that are not text in the encoding of the file");
        return None;
    }
    if shape.encoding != encoding_rs::UTF_8 {
        out.note(Note::on("N-ENC-001", out.evidence(), format!("{} was converted to UTF-8", shape.encoding.name())));
    }
    Some(text.into_owned())
}

/// Why there is no tree: the code of the note, the words, and whether the file ends too early.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: &'static str,
    pub(super) why: String,
    pub(super) cut: bool,
}

/// The root element of a text.
pub(super) fn tree(text: &str) -> Result<Element, Refused> {
    let mut reader = Reader::from_str(text);
    let mut place = Place { text, seen: 0, line: 1 };
    let mut growing = Growing::default();
    loop {
        growing.line = place.line_at(reader.buffer_position());
        let event = reader.read_event().map_err(|error| growing.broken(&error))?;
        if matches!(event, Event::Eof) {
            break;
        }
        growing.take(&event)?;
    }
    growing.closed()?;
    let mut roots = growing.open.pop().unwrap_or_default().children.into_iter();
    match (roots.next(), roots.next()) {
        (Some(root), None) => Ok(root),
        _ => Err(Refused { code: "N-XML-002", why: "not one element at the top".to_owned(), cut: false }),
    }
}

/// Hands over the elements within the root of a file, one after another; only one is kept at a time, and none that
/// is larger than [`MAX_TOKEN`]. `Ok` means that the file is whole.
pub(super) fn each_child(input: impl BufRead, root: &str, take: &mut dyn FnMut(Element)) -> Result<(), Refused> {
    let mut reader = Reader::from_reader(Bounded { input, left: 0 });
    let mut growing = Growing::default();
    let mut buffer = Vec::new();
    let mut roots = 0_u64;
    loop {
        buffer.clear();
        reader.get_mut().left = MAX_TOKEN.saturating_sub(growing.held);
        let event = reader.read_event_into(&mut buffer).map_err(|error| growing.broken(&error))?;
        let octets = u64::try_from(event.len()).unwrap_or(u64::MAX);
        match &event {
            Event::Eof => break,
            Event::Start(_) | Event::Empty(_) if growing.open.len() == 1 => roots += 1,
            _ => {}
        }
        growing.held += octets;
        growing.take(&event)?;
        if let [_, top] = growing.open.as_mut_slice() {
            if roots > 1 || top.name != root {
                return Err(Refused { code: "N-XML-002", why: format!("not one element {root} at the top"), cut: false });
            }
            growing.held = 0;
            growing.elements = 0;
            top.text.clear();
            std::mem::take(&mut top.children).into_iter().for_each(&mut *take);
        }
    }
    growing.closed()?;
    if roots == 1 { Ok(()) } else { Err(Refused { code: "N-XML-002", why: "no element at the top".to_owned(), cut: roots == 0 }) }
}

/// Stops an element that would not fit into memory: no more octets are given out than are left.
struct Bounded<R> {
    input: R,
    left: u64,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let given = self.fill_buf()?.read(buffer)?;
        self.consume(given);
        Ok(given)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let octets = self.input.fill_buf()?;
        if self.left == 0 && !octets.is_empty() {
            return Err(io::Error::other("an element larger than 4 MiB"));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(octets.len());
        Ok(octets.get(..most).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount as u64);
        self.input.consume(amount);
    }
}

/// Elements that are open, each within the one before; the first stands for the file.
struct Growing {
    open: Vec<Element>,
    elements: u64,
    /// Octets of the element at hand.
    held: u64,
    line: u64,
}

impl Default for Growing {
    fn default() -> Self {
        Self { open: vec![Element::default()], elements: 0, held: 0, line: 0 }
    }
}

impl Growing {
    fn refuse(&self, code: &'static str, why: &str) -> Refused {
        let why = if self.line == 0 { why.to_owned() } else { format!("line {}: {why}", self.line) };
        Refused { code, why, cut: false }
    }

    /// A tag, comment or section without its end is one that was cut.
    fn broken(&self, error: &quick_xml::Error) -> Refused {
        Refused { cut: matches!(error, quick_xml::Error::Syntax(_)), ..self.refuse("N-XML-002", &error.to_string()) }
    }

    fn closed(&self) -> Result<(), Refused> {
        if self.open.len() > 1 {
            let why = "the file ends within an element: it may have been cut".to_owned();
            return Err(Refused { code: "N-XML-002", why, cut: true });
        }
        Ok(())
    }

    fn take(&mut self, event: &Event<'_>) -> Result<(), Refused> {
        match event {
            Event::Start(start) | Event::Empty(start) => {
                self.elements += 1;
                if self.open.len() > MAX_DEPTH || self.elements > MAX_ELEMENTS {
                    return Err(self.refuse("N-XML-002", "more or deeper elements than are read"));
                }
                let element = element(start, self.line).ok_or_else(|| self.refuse("N-XML-002", "an attribute that cannot be read"))?;
                match (event, self.open.last_mut()) {
                    (Event::Empty(_), Some(parent)) => parent.children.push(element),
                    _ => self.open.push(element),
                }
            }
            Event::End(_) => {
                let (Some(element), Some(parent)) = (self.open.pop(), self.open.last_mut()) else {
                    return Err(self.refuse("N-XML-002", "an end without a beginning"));
                };
                parent.children.push(element);
            }
            Event::Text(text) => add(&mut self.open, &text.xml10_content()),
            Event::CData(text) => add(&mut self.open, &text.xml10_content()),
            Event::GeneralRef(name) => {
                let character = name.resolve_char_ref().map_err(|error| self.refuse("N-XML-002", &error.to_string()))?;
                match (character, resolve_predefined_entity(name)) {
                    (Some(character), _) => add(&mut self.open, character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => add(&mut self.open, text),
                    (None, None) => return Err(self.refuse("N-XML-002", "an entity that XML itself does not know")),
                }
            }
            Event::DocType(_) => return Err(self.refuse("N-XML-001", "a document type declaration; the file is not read")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Eof => {}
        }
        Ok(())
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>, line: u64) -> Option<Element> {
    let mut element = Element { name: start.name().as_ref().to_owned(), line, ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        // No attribute that is looked at needs a reference, and an unresolved one would be read wrong.
        let value = Some(attribute.value.as_ref()).filter(|value| !value.contains('&'))?;
        element.attributes.push((attribute.key.as_ref().to_owned(), value.to_owned()));
    }
    Some(element)
}

/// Lines, counted on the way.
struct Place<'t> {
    text: &'t str,
    seen: usize,
    line: u64,
}

impl Place<'_> {
    fn line_at(&mut self, offset: u64) -> u64 {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(self.text.len());
        let passed = self.text.as_bytes().get(self.seen..offset).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.seen = self.seen.max(offset);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_know_their_line_and_text() {
        let root = tree("<?xml version=\"1.0\"?>\n<a x=\"1\">\n <b>a&amp;b&#65;<![CDATA[<]]></b><c/></a>").unwrap();
        assert_eq!((root.name.as_str(), root.line, root.attribute("x")), ("a", 2, Some("1")));
        assert_eq!((root.children[0].text.as_str(), root.children[0].line), ("a&bA<", 3));
        assert_eq!(root.children[1].name, "c");
    }

    #[test]
    fn what_could_reach_outside_the_file_is_refused() {
        let declared = tree("<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>").unwrap_err();
        assert_eq!(declared.code, "N-XML-001");
        assert_eq!(tree("<a>&e;</a>").unwrap_err().code, "N-XML-002");
        assert_eq!(tree("<a x=\"&e;\"/>").unwrap_err().code, "N-XML-002");
    }

    fn children(text: &str) -> (Vec<String>, Result<(), Refused>) {
        let mut names = Vec::new();
        let read = each_child(text.as_bytes(), "java", &mut |element| names.push(element.name));
        (names, read)
    }

    #[test]
    fn the_elements_of_a_large_file_come_one_after_another_until_it_breaks() {
        let (names, read) = children("<?xml version=\"1.0\"?><java><a><b/></a> <c/></java>\n");
        assert_eq!(names, ["a", "c"]);
        assert!(read.is_ok());
        for cut in ["<java><a/><c>", "<java><a/>", "<java><a/><c", "<java><a/>\n <c><d>x"] {
            let (names, read) = children(cut);
            assert_eq!(names, ["a"], "{cut}");
            assert!(read.unwrap_err().cut, "{cut}");
        }
        for wrong in ["", "<other><a/></other>", "<java/><java/>", "<java></a>", "<java>&e;</java>"] {
            assert!(children(wrong).1.is_err(), "{wrong}");
        }
        assert_eq!(children("<!DOCTYPE java><java><a/></java>").1.unwrap_err().code, "N-XML-001");
    }

    #[test]
    fn an_element_that_is_too_large_or_too_deep_stops_the_reading() {
        let large = format!("<java><a>{}</a></java>", "x".repeat(5 << 20));
        assert!(children(&large).1.unwrap_err().why.contains("4 MiB"));
        let many = format!("<java><a>{}</a></java>", "<b/>x".repeat(1 << 20));
        assert!(children(&many).1.is_err());
        assert!(children(&format!("<java>{}", "<a>".repeat(10_000))).1.is_err());
    }

    #[test]
    fn depth_has_a_limit_and_half_a_file_is_seen_to_be_half() {
        assert!(tree(&"<a>".repeat(100_000)).is_err());
        for text in ["<a><b></b>", "<a><b></", "<a", "<a><![CDATA[x"] {
            assert!(tree(text).unwrap_err().cut, "{text}");
        }
        for text in ["", "<a/><b/>", "<a></b>", "text"] {
            assert!(tree(text).is_err(), "{text}");
        }
    }
}
