//! What a piece of BER or DER is, by how it begins. Only the head is looked at: a file may be cut, and
//! large.

use super::ber::{INTEGER, OCTETS, OID, SEQUENCE, head};

/// What a piece of BER or DER begins like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DerKind {
    /// `SEQUENCE { SEQUENCE …`: a certificate, a CRL or a certification request.
    Signed,
    /// CMS or PKCS #7 `SignedData` (RFC 5652 5): a bundle of certificates and CRLs, or a signed file.
    SignedData,
    /// CMS content that cannot be read without a key: its name.
    Enveloped(&'static str),
    /// An OCSP response (RFC 6960 4.2.1).
    OcspResponse,
    /// A response of a time-stamping authority (RFC 3161 2.4.2).
    TimeStampResponse,
    /// A request to a time-stamping authority (RFC 3161 2.4.1).
    TimeStampRequest,
    /// PKCS #12 (RFC 7292 4): a keystore.
    Pkcs12,
    /// A private key: its encoding.
    PrivateKey(&'static str),
}

/// OIDs of CMS content (RFC 5652, RFC 5083), as they are encoded.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const ENVELOPED: [(&[u8], &str); 3] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3], "CMS EnvelopedData"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6], "CMS EncryptedData"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23], "CMS AuthEnvelopedData"),
];
/// Encryption by password: PKCS #5 and PKCS #12 (RFC 8018, RFC 7292 appendix C).
const BY_PASSWORD: [&[u8]; 2] = [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1]];

/// What octets begin like, which may be cut anywhere behind their head. Nothing where it is none of these.
pub(crate) fn kind_of(octets: &[u8]) -> Option<DerKind> {
    // Text that begins with noughts is no SEQUENCE.
    if octets.iter().take(64).all(|octet| matches!(octet, b' '..=b'~' | b'\t' | b'\n' | b'\r')) {
        return None;
    }
    let inside = in_sequence(octets)?;
    let (tag, length, content) = head(inside)?;
    let after = || content.get(length?..);
    let next = || after().and_then(head);
    match tag {
        OID => {
            let oid = content.get(..length?)?;
            let sealed = ENVELOPED.iter().find(|(known, _)| *known == oid).map(|(_, name)| DerKind::Enveloped(name));
            if oid == SIGNED_DATA { Some(DerKind::SignedData) } else { sealed }
        }
        // ENUMERATED: the status of a response.
        0x0a => (length == Some(1) && content.first()? <= &6).then_some(DerKind::OcspResponse),
        INTEGER if length == Some(1) => versioned(*content.first()?, next()?),
        SEQUENCE => {
            let first = head(content);
            let by_password = first.is_some_and(|(tag, length, oid)| {
                let oid = length.and_then(|length| oid.get(..length)).unwrap_or_default();
                tag == OID && BY_PASSWORD.iter().any(|known| oid.starts_with(known))
            });
            if by_password {
                return next().is_some_and(|(tag, ..)| tag == OCTETS).then_some(DerKind::PrivateKey("PKCS #8, encrypted"));
            }
            let stamped = first.is_some_and(|(tag, ..)| tag == INTEGER) && after().is_some_and(|after| begins_with(after, SIGNED_DATA));
            Some(if stamped { DerKind::TimeStampResponse } else { DerKind::Signed })
        }
        _ => None,
    }
}

/// What has a version of one octet, and goes on with an element of which the head is given.
fn versioned(version: u8, (tag, length, content): (u8, Option<usize>, &[u8])) -> Option<DerKind> {
    match (version, tag) {
        (3, SEQUENCE) => [DATA, SIGNED_DATA].iter().any(|oid| is_oid(content, oid)).then_some(DerKind::Pkcs12),
        (0 | 1, INTEGER) => (length? >= 16).then_some(DerKind::PrivateKey("PKCS #1")),
        (1, OCTETS) => (length? >= 16).then_some(DerKind::PrivateKey("SEC 1")),
        (0 | 1, SEQUENCE) => match head(content)?.0 {
            OID => Some(DerKind::PrivateKey("PKCS #8")),
            SEQUENCE if version == 1 => Some(DerKind::TimeStampRequest),
            _ => None,
        },
        _ => None,
    }
}

fn in_sequence(octets: &[u8]) -> Option<&[u8]> {
    head(octets).filter(|(tag, ..)| *tag == SEQUENCE).map(|(.., content)| content)
}

fn begins_with(octets: &[u8], oid: &[u8]) -> bool {
    in_sequence(octets).is_some_and(|content| is_oid(content, oid))
}

fn is_oid(octets: &[u8], oid: &[u8]) -> bool {
    head(octets).is_some_and(|(tag, length, content)| tag == OID && length == Some(oid.len()) && content.starts_with(oid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_no_private_one() {
        // SubjectPublicKeyInfo: SEQUENCE { SEQUENCE { OID id-ecPublicKey, OID P-256 }, BIT STRING … }
        let public = [0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 0x01, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(kind_of(&public), Some(DerKind::Signed));
        // RSAPublicKey: SEQUENCE { INTEGER, INTEGER 65537 }
        assert_eq!(kind_of(&[0x30, 0x0b, 0x02, 0x04, 1, 2, 3, 4, 0x02, 0x03, 1, 0, 1]), None);
    }

    #[test]
    fn text_that_begins_with_noughts_is_none() {
        assert_eq!(kind_of(b"000007 14.09.18 22:48:36.428 csxlan[573]: sig_handler() | got SIGTERM\n"), None);
    }

    #[test]
    fn the_encodings_of_private_keys_are_told_apart() {
        let kinds: [(&[u8], &str); 4] = [
            (&[0x30, 0x82, 0x04, 0xa4, 0x02, 0x01, 0, 0x02, 0x82, 0x01, 0x01, 0, 0xc3], "PKCS #1"),
            (&[0x30, 0x77, 0x02, 0x01, 1, 0x04, 0x20, 0xaa], "SEC 1"),
            (&[0x30, 0x2e, 0x02, 0x01, 0, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70], "PKCS #8"),
            (&[0x30, 0x14, 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13, 0x04, 0x05], "PKCS #8, encrypted"),
        ];
        for (octets, name) in kinds {
            assert_eq!(kind_of(octets), Some(DerKind::PrivateKey(name)));
        }
    }

    #[test]
    fn what_a_time_stamping_authority_is_asked_is_no_key() {
        let request = [0x30, 0x20, 0x02, 0x01, 1, 0x30, 0x10, 0x30, 0x02, 0x06, 0x00, 0x04, 0x02, 1, 2];
        assert_eq!(kind_of(&request), Some(DerKind::TimeStampRequest));
        let mut response = vec![0x30, 0x20, 0x30, 0x03, 0x02, 0x01, 0, 0x30, 0x0b, 0x06, 0x09];
        response.extend(SIGNED_DATA);
        assert_eq!(kind_of(&response), Some(DerKind::TimeStampResponse));
    }
}
