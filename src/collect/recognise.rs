//! Which format a file has, by what is in it. A name proves nothing.

use super::encoding;
use crate::catalogue::format::{Delimited, Format, Reader};
use crate::domain::der_kind::{DerKind, kind_of};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

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
