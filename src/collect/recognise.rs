//! Which format a file has, by what is in it. A name proves nothing.

use quick_xml::events::Event;

use super::encoding;
use crate::catalogue::format::{Delimited, Format, Reader};
use crate::domain::der_kind::{DerKind, kind_of};

/// Rows at the top of a register among which its heading is looked for.
pub const HEADING_ROWS: usize = 15;

/// The names of all formats that fit the first octets of a file.
pub(super) fn recognise<'a>(head: &[u8], formats: impl Iterator<Item = &'a Format>) -> Vec<&'a str> {
    let objects = holds_objects(head);
    let formats: Vec<&Format> = formats.collect();
    let begins = |format: &&&Format| format.recognise.magic.as_ref().is_some_and(|magic| head.starts_with(magic.as_bytes()));
    let binary: Vec<&str> = formats.iter().filter(begins).map(|format| format.name.as_str()).collect();
    if !binary.is_empty() {
        // Such a file is no text, whatever stands in it.
        return binary;
    }
    let text = encoding::head_text(head);
    let binary = encoding::shape(head).doubtful;
    let root = root(&text);
    formats
        .into_iter()
        .filter(|format| {
            let recognise = &format.recognise;
            let never = |pattern: &regex::Regex| !binary && text.lines().any(|line| pattern.is_match(line));
            if recognise.unless.as_ref().is_some_and(never) {
                return false;
            }
            if recognise.objects || binary {
                return recognise.objects && objects;
            }
            let line = recognise.any_line.as_ref().is_none_or(|pattern| text.lines().any(|line| pattern.is_match(line)));
            let heading = recognise.header.is_empty()
                || matches!(&format.reader, Reader::Delimited(settings) if heading(&text, settings, &recognise.header));
            let top = recognise.root.is_empty() || root.as_ref().is_some_and(|root| recognise.root.contains(root));
            let says = recognise.any_line.is_some() || !recognise.header.is_empty() || !recognise.root.is_empty();
            says && line && heading && top
        })
        .map(|format| format.name.as_str())
        .collect()
}

/// The name, without a prefix, of the element at the top of an XML document.
fn root(text: &str) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(text.trim_start().starts_with('<').then_some(text)?);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => return Some(start.local_name().as_ref().to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            Event::Text(text) if text.trim().is_empty() => {}
            _ => return None,
        }
    }
}

fn heading(text: &str, settings: &Delimited, needed: &[String]) -> bool {
    text.lines().take(HEADING_ROWS).any(|line| {
        [',', ';', '\t', '|'].iter().any(|delimiter| {
            let cells: Vec<String> = line.split(*delimiter).map(fold).collect();
            has_columns(&cells, settings, needed)
        })
    })
}

/// Whether folded cells name every needed column.
pub(crate) fn has_columns(cells: &[String], settings: &Delimited, needed: &[String]) -> bool {
    needed.iter().all(|name| cells.iter().any(|cell| names(settings, name).any(|known| fold(known) == *cell)))
}

/// The names of the formats of registers that have all their columns among the cells of one heading.
pub(super) fn by_columns<'f>(cells: &[String], formats: &[&'f Format]) -> Vec<&'f str> {
    let cells: Vec<String> = cells.iter().map(|cell| fold(cell)).collect();
    let fits = |format: &&&Format| match register(format) {
        Some(settings) => has_columns(&cells, settings, &format.recognise.header),
        None => false,
    };
    formats.iter().filter(fits).map(|format| format.name.as_str()).collect()
}

/// A register whose columns a heading has in part or in whole.
#[derive(Debug)]
pub struct Nearness<'f> {
    /// The format.
    pub format: &'f Format,
    /// Needed columns that the heading has, each with the cell that names it.
    pub found: Vec<(&'f str, String)>,
    /// Needed columns that it lacks.
    pub missing: Vec<&'f str>,
}

/// The registers that have any of their needed columns among the cells of a heading, nearest first.
pub fn near<'f>(cells: &[String], formats: impl Iterator<Item = &'f Format>) -> Vec<Nearness<'f>> {
    let of = |format: &'f Format| {
        let settings = register(format)?;
        let named = |column: &str| cells.iter().find(|cell| names(settings, column).any(|name| fold(name) == fold(cell)));
        let mut nearness = Nearness { format, found: Vec::new(), missing: Vec::new() };
        for column in &format.recognise.header {
            match named(column) {
                Some(cell) => nearness.found.push((column, cell.clone())),
                None => nearness.missing.push(column),
            }
        }
        (!nearness.found.is_empty()).then_some(nearness)
    };
    let mut all: Vec<Nearness<'f>> = formats.filter_map(of).collect();
    all.sort_by_key(|nearness| (nearness.missing.len(), std::cmp::Reverse(nearness.found.len()), &nearness.format.name));
    all
}

/// The field of a register that a cell of its heading names, among those it takes.
#[must_use]
pub fn field_of<'f>(format: &'f Format, cell: &str) -> Option<&'f str> {
    let settings = register(format)?;
    format.fields.iter().find(|field| names(settings, field).any(|name| fold(name) == fold(cell))).map(String::as_str)
}

/// The settings of a format that is a register: found by the names of its columns alone.
pub(crate) fn register(format: &Format) -> Option<&Delimited> {
    match &format.reader {
        Reader::Delimited(settings) if !format.recognise.header.is_empty() && format.recognise.any_line.is_none() => Some(settings),
        _ => None,
    }
}

/// A column under all its names.
pub(crate) fn names<'a>(settings: &'a Delimited, name: &'a str) -> impl Iterator<Item = &'a str> {
    std::iter::once(name).chain(settings.synonyms.get(name).into_iter().flatten().map(String::as_str))
}

/// A heading without what people vary: case, quotes and surrounding space.
pub(crate) fn fold(cell: &str) -> String {
    cell.trim().trim_matches('"').trim().to_lowercase()
}

/// Labels of the PEM blocks that are read.
const LABELS: [&str; 10] = [
    "CERTIFICATE",
    "X509 CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "X509 CRL",
    "CERTIFICATE REQUEST",
    "NEW CERTIFICATE REQUEST",
    "OCSP RESPONSE",
    "PKCS7",
    "PKCS #7 SIGNED DATA",
    "CMS",
];

/// PEM of what is read, or DER.
fn holds_objects(head: &[u8]) -> bool {
    // Only at the start of a line: a log may quote a certificate.
    let lines = || head.split(|octet| matches!(octet, b'\n' | b'\r'));
    let label = |line: &[u8]| {
        let rest = line.strip_prefix(b"-----BEGIN ")?;
        let end = memchr::memmem::find(rest, b"-----")?;
        std::str::from_utf8(rest.get(..end)?).ok().map(|label| LABELS.contains(&label))
    };
    matches!(kind_of(head), Some(DerKind::Signed | DerKind::SignedData | DerKind::OcspResponse))
        || lines().any(|line| label(line) == Some(true))
}

/// The text that a signed container (CMS, RFC 5652 5) wraps, from where it begins to be XML.
pub(super) fn signed_text(head: &[u8]) -> Option<&[u8]> {
    const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let begins = head.get(..head.len().min(32))?;
    if head.first() != Some(&0x30) || memchr::memmem::find(begins, &SIGNED_DATA).is_none() {
        return None;
    }
    head.get(memchr::memmem::find(head, b"<?xml")?..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn a_text_that_begins_with_zeros_is_no_object() {
        assert!(!holds_objects(b"000001 14.09.18 22:40:00.000 csxlan[500]: main()\n"));
        assert!(holds_objects(b"\x30\x82\x01\x02\x30\x03"));
    }

    #[test]
    fn a_register_under_any_of_its_headings_is_no_other_register() {
        let catalogue = Catalogue::load(&[]).unwrap();
        let registers: Vec<(&Format, &Delimited)> = catalogue
            .formats
            .values()
            .filter_map(|format| match &format.reader {
                Reader::Delimited(settings) if !format.recognise.header.is_empty() => Some((format, settings)),
                _ => None,
            })
            .collect();
        for (format, settings) in registers {
            let longest = format.fields.iter().map(|field| names(settings, field).count()).max().unwrap();
            for turn in 0..longest {
                let cells = format.fields.iter().map(|field| names(settings, field).nth(turn).or(names(settings, field).last()).unwrap());
                let heading = format!("{}\n", cells.collect::<Vec<_>>().join(","));
                let fits = recognise(heading.as_bytes(), catalogue.formats.values());
                assert_eq!(fits, [format.name.as_str()], "{heading}");
            }
        }
    }
}
