//! Which format a file has, by what is in it. A name proves nothing.

use super::encoding;
use crate::catalogue::format::{Delimited, Format, Reader};

/// Rows at the top of a register among which its heading is looked for.
pub(crate) const HEADING_ROWS: usize = 15;

/// The names of all formats that fit the first octets of a file.
pub(super) fn recognise<'a>(head: &[u8], formats: impl Iterator<Item = &'a Format>) -> Vec<&'a str> {
    let objects = holds_objects(head);
    let text = encoding::head_text(head);
    let binary = encoding::shape(head).doubtful;
    formats
        .filter(|format| {
            let recognise = &format.recognise;
            if recognise.objects {
                return objects;
            }
            if binary {
                return false;
            }
            let line = recognise.any_line.as_ref().is_none_or(|pattern| text.lines().any(|line| pattern.is_match(line)));
            let heading = recognise.header.is_empty()
                || matches!(&format.reader, Reader::Delimited(settings) if heading(&text, settings, &recognise.header));
            (recognise.any_line.is_some() || !recognise.header.is_empty()) && line && heading
        })
        .map(|format| format.name.as_str())
        .collect()
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

/// PEM certificates or CRLs, or DER of one.
fn holds_objects(head: &[u8]) -> bool {
    const LABELS: [&[u8]; 4] = [
        b"-----BEGIN CERTIFICATE-----",
        b"-----BEGIN X509 CERTIFICATE-----",
        b"-----BEGIN TRUSTED CERTIFICATE-----",
        b"-----BEGIN X509 CRL-----",
    ];
    // Only at the start of a line: a log may quote a certificate.
    let lines = || head.split(|octet| matches!(octet, b'\n' | b'\r'));
    LABELS.iter().any(|label| lines().any(|line| line.starts_with(label))) || der(head)
}

/// `SEQUENCE { SEQUENCE …`: how certificates and CRLs begin, and PKCS #7 or keys do not. Text may begin so too: its
/// first three digits need only be zeros.
fn der(head: &[u8]) -> bool {
    let text = head.iter().take(64).all(|octet| octet.is_ascii_graphic() || octet.is_ascii_whitespace());
    !text && inside_sequence(head).is_some_and(|inner| inner.first() == Some(&0x30))
}

/// `SEQUENCE { INTEGER 0 or 1, …`: PKCS #8, PKCS #1 and SEC 1 keys begin so.
pub(super) fn der_private_key(head: &[u8]) -> bool {
    let Some(inner) = inside_sequence(head) else { return false };
    match inner {
        // PKCS #1: version 0, then the modulus; PKCS #8: version 0 or 1, then an algorithm; SEC 1:
        // version 1, then the key.
        [0x02, 0x01, 0x00, 0x02 | 0x30, ..] | [0x02, 0x01, 0x01, 0x30 | 0x04, ..] => true,
        _ => false,
    }
}

fn inside_sequence(head: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = head.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if tag != 0x30 || length == 0x80 {
        return None;
    }
    if length < 0x80 { Some(rest) } else { rest.get(usize::from(length & 0x7f)..) }
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
