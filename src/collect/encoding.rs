//! How the text of a file is encoded, from its first octets.

use encoding_rs::Encoding;

/// Encoding and line ends of a text.
#[derive(Debug, Clone, Copy)]
pub struct TextShape {
    /// Encoding; UTF-8 unless a byte-order mark says otherwise.
    pub encoding: &'static Encoding,
    /// Octets of the byte-order mark.
    pub mark: usize,
    /// Lines end in a carriage return alone.
    pub carriage_returns: bool,
    /// Many NUL octets and no byte-order mark: UTF-16 that does not say so, or no text at all.
    pub doubtful: bool,
}

/// Looks at the first octets of a file.
#[must_use]
pub fn shape(head: &[u8]) -> TextShape {
    let (encoding, mark) = Encoding::for_bom(head).unwrap_or((encoding_rs::UTF_8, 0));
    let sample = head.get(..head.len().min(65_536)).unwrap_or(head);
    let nuls = memchr::memchr_iter(0, sample).count();
    let doubtful = mark == 0 && nuls * 5 > sample.len();
    let carriage_returns = encoding == encoding_rs::UTF_8 && sample.contains(&b'\r') && !sample.contains(&b'\n');
    TextShape { encoding, mark, carriage_returns, doubtful }
}

/// The first octets as text, whatever they are.
#[must_use]
pub fn head_text(head: &[u8]) -> String {
    let shape = shape(head);
    let octets = head.get(shape.mark..).unwrap_or_default();
    let text = shape.encoding.decode_without_bom_handling(octets).0.into_owned();
    if shape.carriage_returns { text.replace('\r', "\n") } else { text }
}

/// All octets of a file as text; nothing where they are no text in its encoding.
#[must_use]
pub fn whole_text(octets: &[u8]) -> Option<String> {
    let shape = shape(octets);
    let text = shape.encoding.decode_without_bom_handling_and_without_replacement(octets.get(shape.mark..)?)?;
    (!shape.doubtful).then(|| text.into_owned())
}
