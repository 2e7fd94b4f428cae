//! Certificates and CRLs as files hold them: PEM blocks with anything between them, or DER.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Output;
use crate::domain::note::Note;

/// Largest file that is read at once.
pub const MAX_FILE: u64 = 256 << 20;

/// Reads the objects of a file. Rows are their ordinals.
pub(super) fn read(octets: &[u8], out: &mut Output<'_>) {
    let pem = octets.windows(11).any(|window| window == b"-----BEGIN ");
    if !pem {
        out.parsed.total = 1;
        match kind_of_der(octets) {
            Some(kind) => object(1, kind, octets, out),
            None => out.reject("N-OBJ-001", 1, "neither PEM nor DER of a certificate or CRL that can be read"),
        }
        return;
    }
    for block in blocks(octets) {
        out.parsed.total += 1;
        let ordinal = out.parsed.total;
        let kind = match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => "certificate",
            "X509 CRL" => "crl",
            other => {
                out.parsed.passed_over += 1;
                out.note(Note::on("N-OBJ-002", out.evidence(), format!("{other} is not read")).at(format!("object {ordinal}")));
                continue;
            }
        };
        match block.der {
            Some(der) => object(ordinal, kind, &der, out),
            None => {
                out.parsed.truncated |= !block.closed;
                let why = if block.closed { "the PEM block does not hold a whole object" } else { "the PEM block has no end" };
                out.reject("N-OBJ-001", ordinal, format!("{why} (line {})", block.line));
            }
        }
    }
}

fn object(ordinal: u64, kind: &str, der: &[u8], out: &mut Output<'_>) {
    let fields = out.fields();
    let text = STANDARD.encode(der);
    out.record(ordinal, |index| match fields.get(index).map(String::as_str) {
        Some("kind") => Some(kind),
        Some("der") => Some(text.as_str()),
        _ => None,
    });
}

/// A CRL has a time where a certificate has a name or a version.
fn kind_of_der(octets: &[u8]) -> Option<&'static str> {
    use x509_parser::prelude::FromDer;
    if octets.first() != Some(&0x30) {
        return None;
    }
    let crl = x509_parser::revocation_list::CertificateRevocationList::from_der(octets).is_ok();
    let certificate = || x509_parser::certificate::X509Certificate::from_der(octets).is_ok();
    if crl { Some("crl") } else { certificate().then_some("certificate") }
}

struct Block {
    label: String,
    line: u64,
    der: Option<Vec<u8>>,
    closed: bool,
}

/// The PEM blocks of a file. Text between them may be in any encoding.
fn blocks(octets: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, u64, Vec<u8>)> = None;
    let end = if octets.contains(&b'\n') { b'\n' } else { b'\r' };
    for (number, line) in (1..).zip(octets.split(|octet| *octet == end)) {
        let line = line.trim_ascii();
        if let Some(label) = label(line, b"-----BEGIN ") {
            if let Some((label, line, _)) = open.take() {
                blocks.push(Block { label, line, der: None, closed: false });
            }
            open = Some((label, number, Vec::new()));
        } else if let Some(ended) = label(line, b"-----END ") {
            // An end without a beginning is the tail of a block: it is lost, and not unnoticed.
            let (label, line, body) = open.take().unwrap_or((ended, number, Vec::new()));
            let der = STANDARD.decode(&body).ok().filter(|der| !der.is_empty());
            blocks.push(Block { label, line, der, closed: true });
        } else if let Some((_, _, body)) = &mut open
            && !line.contains(&b':')
        {
            // Lines with a colon are the headers of RFC 1421.
            body.extend_from_slice(line);
        }
    }
    if let Some((label, line, _)) = open {
        blocks.push(Block { label, line, der: None, closed: false });
    }
    blocks
}

fn label(line: &[u8], start: &[u8]) -> Option<String> {
    let inner = line.strip_prefix(start)?.strip_suffix(b"-----")?;
    Some(String::from_utf8_lossy(inner).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_around_the_blocks_does_not_matter() {
        let text = b"Certificate:\n  \xff\xfe data\n-----BEGIN CERTIFICATE-----\r\nAAEC\r\n-----END CERTIFICATE-----\r\n---Leaf---\n-----BEGIN X509 CRL-----\nAw==\n-----END X509 CRL-----";
        let found = blocks(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].der.as_deref(), Some(&[0, 1, 2][..]));
        assert_eq!(found[1].label, "X509 CRL");
    }

    #[test]
    fn half_a_block_is_seen() {
        let found = blocks(b"-----BEGIN CERTIFICATE-----\nAAEC\n");
        assert!(!found[0].closed && found[0].der.is_none());
    }

    proptest! {
        #[test]
        fn no_beginning_and_no_end_is_lost(text in "(-----BEGIN A-----\n|-----END A-----\n|AAEC\n|x: y\n){0,20}") {
            let found = blocks(text.as_bytes());
            let begins = text.matches("-----BEGIN ").count();
            prop_assert!(found.len() >= begins);
            prop_assert!(found.iter().filter(|block| block.closed).count() == text.matches("-----END ").count());
        }
    }
}
