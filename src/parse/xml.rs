//! A small XML file as a tree, within limits. A document type declaration is refused, so that there are
//! no entities but the five of XML itself and characters by number.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::Output;
use crate::collect::encoding;
use crate::domain::note::Note;

/// Largest file that is read.
pub(super) const MAX_FILE: u64 = 16 << 20;
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
    let mut open = vec![Element::default()];
    let mut elements = 0_u64;
    loop {
        let line = place.line_at(reader.buffer_position());
        let refuse = |code, why: &str| Refused { code, why: format!("line {line}: {why}"), cut: false };
        let event = reader.read_event().map_err(|error| {
            // A tag, comment or section without its end.
            Refused { cut: matches!(error, quick_xml::Error::Syntax(_)), ..refuse("N-XML-002", &error.to_string()) }
        })?;
        match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                elements += 1;
                if open.len() > MAX_DEPTH || elements > MAX_ELEMENTS {
                    return Err(refuse("N-XML-002", "more or deeper elements than are read"));
                }
                let element = element(start, line).ok_or_else(|| refuse("N-XML-002", "an attribute that cannot be read"))?;
                match (&event, open.last_mut()) {
                    (Event::Empty(_), Some(parent)) => parent.children.push(element),
                    _ => open.push(element),
                }
            }
            Event::End(_) => {
                let (Some(element), Some(parent)) = (open.pop(), open.last_mut()) else {
                    return Err(refuse("N-XML-002", "an end without a beginning"));
                };
                parent.children.push(element);
            }
            Event::Text(text) => add(&mut open, &text.xml10_content()),
            Event::CData(text) => add(&mut open, &text.xml10_content()),
            Event::GeneralRef(name) => {
                let character = name.resolve_char_ref().map_err(|error| refuse("N-XML-002", &error.to_string()))?;
                let name = name.into_inner();
                match (character, resolve_predefined_entity(&name)) {
                    (Some(character), _) => add(&mut open, character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => add(&mut open, text),
                    (None, None) => return Err(refuse("N-XML-002", "an entity that XML itself does not know")),
                }
            }
            Event::DocType(_) => return Err(refuse("N-XML-001", "a document type declaration; the file is not read")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if open.len() > 1 => {
                return Err(Refused {
                    code: "N-XML-002",
                    why: "the file ends within an element: it may have been cut".to_owned(),
                    cut: true,
                });
            }
            Event::Eof => break,
        }
    }
    let mut roots = open.pop().unwrap_or_default().children.into_iter();
    match (roots.next(), roots.next()) {
        (Some(root), None) => Ok(root),
        _ => Err(Refused { code: "N-XML-002", why: "not one element at the top".to_owned(), cut: false }),
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
