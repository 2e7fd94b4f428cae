//! What can be said of a PDF without laying it out: whether it has pages, a text layer, and a signature.
//!
//! No PDF library is asked: those there are build the whole document in memory, unpack what it claims
//! without a bound, and none of what they find is read into tables. Here every stream is looked at once,
//! unpacked up to a limit, and forgotten. What cannot be unpacked leaves the answer open.

use std::io::Read;
use std::sync::LazyLock;

use flate2::read::ZlibDecoder;
use regex::bytes::Regex;

use crate::domain::evidence::Quality;

/// Most octets that a stream, and all streams together, are unpacked to.
const MAX_STREAM: u64 = 8 << 20;
const MAX_UNPACKED: u64 = 128 << 20;
/// Most streams that are looked at.
const MAX_STREAMS: usize = 100_000;

static PAGE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"/Type\s*/Page[^A-Za-z]").ok());
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"/FT\s*/Sig[^A-Za-z]").ok());
static SIGNATURE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"/ByteRange\s*\[[^\]]*\]|/Contents\s*<\s*[0-9A-Fa-f\s]{0,4000}?[1-9A-Fa-f]").ok());
static SHOWN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(?:\)|>|\])\s*(?:Tj|TJ|'|")(?:\s|$)"#).ok());
static FILTERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"/Filter\s*(\[[^\]]*\]|/[A-Za-z0-9]+)").ok());

/// What a PDF is like.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pdf {
    /// It has a page.
    pub(super) pages: bool,
    /// A page shows text.
    pub(super) text: bool,
    /// It has a field for a signature.
    pub(super) field: bool,
    /// It has a signature, which was not verified.
    pub(super) signature: bool,
    /// It cannot be read without a password, or may not be.
    pub(super) encrypted: bool,
    /// A stream could not be looked at: what was not found may be there.
    pub(super) open: bool,
}

impl Pdf {
    /// How far it is what it looks like, and in words.
    pub(super) fn quality(&self) -> (Quality, &'static str) {
        match self {
            pdf if pdf.encrypted => (Quality::Opaque, "a PDF that is encrypted"),
            pdf if !pdf.pages && !pdf.open => (Quality::Placeholder, "a PDF without a page"),
            pdf if !pdf.text && !pdf.open => (Quality::Scanned, "a PDF without a text layer"),
            pdf if pdf.signature => (Quality::Signed, "a PDF with a signature, which was not verified"),
            pdf if pdf.field => (Quality::Unsigned, "a PDF with a field for a signature, and none in it"),
            _ => (Quality::Ok, "a PDF"),
        }
    }
}

/// Whether a file says it is a PDF.
pub(super) fn is_pdf(head: &[u8]) -> bool {
    memchr::memmem::find(head.get(..head.len().min(1_024)).unwrap_or_default(), b"%PDF-").is_some()
}

/// Looks at a PDF.
pub(super) fn look(octets: &[u8]) -> Pdf {
    let mut pdf = Pdf::default();
    let mut unpacked = 0;
    let mut streams = 0;
    let mut from = 0;
    while let Some(found) = memchr::memmem::find(octets.get(from..).unwrap_or_default(), b"stream") {
        let (before, start) = (octets.get(from..from + found).unwrap_or_default(), from + found + b"stream".len());
        pdf.objects(before);
        if before.ends_with(b"end") {
            from = start;
            continue;
        }
        let rest = octets.get(start..).unwrap_or_default();
        let rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
        let end = memchr::memmem::find(rest, b"endstream").unwrap_or(rest.len());
        streams += 1;
        let dictionary = before.get(before.len().saturating_sub(4_096)..).unwrap_or(before);
        let dictionary = memchr::memmem::rfind(dictionary, b" obj").and_then(|at| dictionary.get(at..)).unwrap_or(dictionary);
        if streams > MAX_STREAMS || unpacked > MAX_UNPACKED {
            pdf.open = true;
        } else {
            unpacked += pdf.stream(dictionary, rest.get(..end).unwrap_or_default());
        }
        from = octets.len() - rest.len() + end;
    }
    pdf.objects(octets.get(from..).unwrap_or_default());
    pdf
}

impl Pdf {
    /// What stands outside of streams, or was packed into one.
    fn objects(&mut self, octets: &[u8]) {
        let is = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(octets));
        self.pages = self.pages || is(&PAGE);
        self.field = self.field || is(&FIELD);
        self.encrypted = self.encrypted || memchr::memmem::find(octets, b"/Encrypt").is_some();
        // Of a signature the range of what it covers and its own octets stand together.
        self.signature = self.signature
            || SIGNATURE.as_ref().is_some_and(|pattern| {
                let found: Vec<&[u8]> = pattern.find_iter(octets).map(|found| found.as_bytes()).collect();
                let has = |start: &[u8]| found.iter().any(|found| found.starts_with(start));
                has(b"/ByteRange") && has(b"/Contents")
            });
    }

    /// Looks into a stream; gives how much it was unpacked to.
    fn stream(&mut self, dictionary: &[u8], packed: &[u8]) -> u64 {
        let says = |word: &[u8]| memchr::memmem::find(dictionary, word).is_some();
        let picture = says(b"/Image") || says(b"/FontFile") || says(b"/Length1") || says(b"/XRef") || says(b"/Metadata");
        if picture {
            return 0;
        }
        let filters = FILTERS.as_ref().and_then(|pattern| pattern.captures(dictionary)).and_then(|groups| groups.get(1));
        let filters = filters.map(|filters| filters.as_bytes().trim_ascii()).unwrap_or_default();
        let filters = filters.strip_prefix(b"[").map_or(filters, |inside| inside.strip_suffix(b"]").unwrap_or(inside)).trim_ascii();
        let mut unpacked = Vec::new();
        match filters {
            b"" => unpacked.extend_from_slice(packed),
            b"/FlateDecode" | b"/Fl" => {
                // A stream that ends too early may still have shown text.
                let whole = ZlibDecoder::new(packed).take(MAX_STREAM).read_to_end(&mut unpacked).is_ok();
                self.open = self.open || !whole || unpacked.len() as u64 >= MAX_STREAM;
            }
            _ => self.open = true,
        }
        if says(b"/ObjStm") {
            self.objects(&unpacked);
        } else if !self.text {
            let begins = memchr::memmem::find(&unpacked, b"BT").is_some() && memchr::memmem::find(&unpacked, b"Tf").is_some();
            self.text = begins && SHOWN.as_ref().is_some_and(|pattern| pattern.is_match(&unpacked));
        }
        unpacked.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn document(content: &[u8], more: &str) -> Vec<u8> {
        let content = packed(content);
        let head = format!(
            "%PDF-1.7\n1 0 obj <</Type /Page /Contents 2 0 R>> endobj\n2 0 obj <</Length {} /Filter /FlateDecode>>\nstream\n",
            content.len()
        );
        [head.as_bytes(), &content, b"\nendstream endobj\n", more.as_bytes(), b"\n%%EOF"].concat()
    }

    #[test]
    fn a_page_that_shows_text_has_a_text_layer_and_a_picture_has_none() {
        let text = look(&document(b"BT /F1 12 Tf 72 720 Td (Key ceremony) Tj ET", ""));
        assert_eq!(text, Pdf { pages: true, text: true, ..Pdf::default() });
        let scan = look(&document(
            b"q 612 0 0 792 0 0 cm /Im0 Do Q",
            "3 0 obj <</Subtype /Image /Filter /DCTDecode>>\nstream\nBT Tf (x) Tj\nendstream",
        ));
        assert_eq!(scan, Pdf { pages: true, ..Pdf::default() });
    }

    #[test]
    fn a_field_without_a_signature_is_unsigned() {
        let field = "5 0 obj <</FT /Sig /T (s)>> endobj";
        let of = |more: &str| {
            let pdf = look(&document(b"BT /F1 1 Tf (x) Tj ET", more));
            (pdf.field, pdf.signature)
        };
        assert_eq!(of(field), (true, false));
        assert_eq!(of(&format!("{field} 6 0 obj <</Type /Sig /ByteRange [0 10 20 30] /Contents <308204>>> endobj")), (true, true));
        assert_eq!(of(&format!("{field} 6 0 obj <</Type /Sig /ByteRange [0 10 20 30] /Contents <0000>>> endobj")), (true, false));
    }

    #[test]
    fn pages_and_fields_inside_object_streams_are_seen() {
        let objects = packed(b"1 0 2 30 <</Type/Page/Contents 2 0 R>> <</FT/Sig/T(a)>>");
        let octets = [b"%PDF-1.7\n9 0 obj <</Type/ObjStm/Filter/FlateDecode>>\nstream\r\n".as_slice(), &objects, b"\nendstream"].concat();
        let pdf = look(&octets);
        assert!(pdf.pages && pdf.field && !pdf.open);
    }

    #[test]
    fn what_cannot_be_unpacked_leaves_the_answer_open() {
        let octets = b"%PDF-1.4\n1 0 obj <</Type/Page>> 2 0 obj <</Filter/LZWDecode>> stream\nxxxx\nendstream";
        assert!(look(octets).open);
        let bomb = document(&vec![b' '; 9 << 20], "");
        assert!(look(&bomb).open);
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in "(stream\n|endstream|/Filter |\\[|/FlateDecode|/Type /Page |<< |>> | obj|x|\u{e9}){0,30}") {
            look(octets.as_bytes());
        }
    }
}
