//! Certificates, CRLs, certification requests and OCSP responses as files hold them: PEM blocks with
//! anything between them, DER, or bundles of certificates and CRLs (PKCS #7) in either.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use x509_parser::certificate::X509Certificate;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::Output;
use super::bundle::{self, Inside};
use crate::domain::der_kind::{DerKind, kind_of};
use crate::domain::note::Note;

/// Largest file that is read at once.
pub const MAX_FILE: u64 = 256 << 20;

/// Reads the objects of a file. Rows are their ordinals.
pub(super) fn read(octets: &[u8], out: &mut Output<'_>) {
    let kind = kind_of(octets);
    let pem = kind.is_none() && memchr::memmem::find(octets, b"-----BEGIN ").is_some();
    if !pem {
        match kind {
            Some(DerKind::SignedData) => bundle(octets, out),
            _ => single(octets, out),
        }
        return;
    }
    for block in blocks(octets) {
        let kind = match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => "certificate",
            "X509 CRL" => "crl",
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => "certificate-request",
            "OCSP RESPONSE" => "ocsp-response",
            "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => "bundle",
            other => {
                pass_over(&format!("{other} is not read"), out);
                continue;
            }
        };
        match block.der {
            Some(der) if kind == "bundle" && kind_of(&der) == Some(DerKind::SignedData) => bundle(&der, out),
            Some(_) if kind == "bundle" => pass_over(&format!("{} without SignedData is not read", block.label), out),
            Some(der) => {
                out.parsed.total += 1;
                object(out.parsed.total, kind, &der, out);
            }
            None => {
                out.parsed.total += 1;
                out.parsed.truncated |= !block.closed;
                let why = if block.closed { "the PEM block does not hold a whole object" } else { "the PEM block has no end" };
                out.reject("N-OBJ-001", out.parsed.total, format!("{why} (line {})", block.line));
            }
        }
    }
}

/// The one object of a file in DER.
fn single(octets: &[u8], out: &mut Output<'_>) {
    out.parsed.total = 1;
    match kind_of_der(octets) {
        Some(kind) => object(1, kind, octets, out),
        None => out.reject("N-OBJ-001", 1, "neither PEM nor DER of a certificate, CRL, request or response that can be read"),
    }
}

/// Every certificate and CRL of a bundle is an object; so is whatever stands beside them.
fn bundle(octets: &[u8], out: &mut Output<'_>) {
    let bundle = bundle::open(octets);
    if bundle.objects.is_empty() && bundle.broken.is_none() {
        pass_over("a bundle (SignedData) without certificates and CRLs", out);
    }
    for inside in bundle.objects {
        match inside {
            Inside::Other(name) => pass_over(&format!("{name} is not read"), out),
            Inside::Certificate(der) | Inside::Crl(der) => {
                out.parsed.total += 1;
                object(out.parsed.total, if matches!(inside, Inside::Crl(_)) { "crl" } else { "certificate" }, der, out);
            }
        }
    }
    let at = format!("after object {}", out.parsed.total);
    if let Some(length) = bundle.content {
        out.note(Note::on("N-OBJ-002", out.evidence(), format!("signed content of {length} octets is not read")).at(at.clone()));
    }
    match bundle.broken {
        Some(why) => {
            out.parsed.total += 1;
            out.parsed.truncated = true;
            out.reject("N-OBJ-001", out.parsed.total, why);
        }
        None if bundle.beyond > 0 => {
            out.note(Note::on("N-OBJ-003", out.evidence(), format!("{} octets after the bundle", bundle.beyond)).at(at));
        }
        None => {}
    }
}

/// An object of a kind that is not read.
fn pass_over(what: &str, out: &mut Output<'_>) {
    out.parsed.total += 1;
    out.parsed.passed_over += 1;
    out.note(Note::on("N-OBJ-002", out.evidence(), what).at(format!("object {}", out.parsed.total)));
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

/// The kind of an object by what reads it: a CRL has a time where a certificate has a name or a version, and
/// a request has neither validity nor times.
fn kind_of_der(octets: &[u8]) -> Option<&'static str> {
    match kind_of(octets)? {
        DerKind::OcspResponse => Some("ocsp-response"),
        DerKind::Signed if CertificateRevocationList::from_der(octets).is_ok() => Some("crl"),
        DerKind::Signed if X509Certificate::from_der(octets).is_ok() => Some("certificate"),
        DerKind::Signed if X509CertificationRequest::from_der(octets).is_ok() => Some("certificate-request"),
        _ => None,
    }
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
