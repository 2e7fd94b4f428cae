//! Files of a known kind that are not opened: keystores and private keys, what is encrypted, archives,
//! pictures. They are told by their first octets, and listed with what to do.

use crate::domain::der_kind::{DerKind, kind_of};
use crate::domain::evidence::Quality;

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opaque {
    /// In words.
    pub(super) what: String,
    /// [`Quality::Secret`] where it is or may hold a private key.
    pub(super) quality: Quality,
    /// What to do.
    pub(super) fix: &'static str,
}

const OPEN: &str = "ask the operator for what is inside, not encrypted; never for its password or key";
const UNPACK: &str = "ask for its files as they are: archives are listed, and not unpacked";
const PICTURE: &str = "have two people transcribe what it shows (see the register of transcriptions)";
const TEXT: &str = "ask for its text, or for its tables as a workbook";
const NONE: &str = "none needed";

/// Magic numbers: where, what, kind, quality, what to do.
const MAGIC: &[(usize, &[u8], &str, Quality, &str)] = &[
    (0, b"\xfe\xed\xfe\xed\0\0\0\x01", "a keystore (JKS)", Quality::Secret, ""),
    (0, b"\xfe\xed\xfe\xed\0\0\0\x02", "a keystore (JKS)", Quality::Secret, ""),
    (0, b"\xce\xce\xce\xce\0\0\0\x01", "a keystore (JCEKS)", Quality::Secret, ""),
    (0, b"\xce\xce\xce\xce\0\0\0\x02", "a keystore (JCEKS)", Quality::Secret, ""),
    (0, b"age-encryption.org/v", "an encrypted file (age)", Quality::Opaque, OPEN),
    (0, b"-----BEGIN AGE ENCRYPTED FILE-----", "an encrypted file (age)", Quality::Opaque, OPEN),
    (0, b"-----BEGIN PGP MESSAGE-----", "an OpenPGP message", Quality::Opaque, OPEN),
    (0, b"-----BEGIN PGP PUBLIC KEY BLOCK-----", "an OpenPGP public key", Quality::Opaque, NONE),
    (0, b"-----BEGIN PGP SIGNATURE-----", "an OpenPGP signature", Quality::Opaque, NONE),
    (0, b"Salted__", "an encrypted file (openssl enc)", Quality::Opaque, OPEN),
    (0, b"U2FsdGVkX1", "an encrypted file (openssl enc, base64)", Quality::Opaque, OPEN),
    (0, b"LUKS\xba\xbe", "an encrypted volume (LUKS)", Quality::Opaque, OPEN),
    (0, b"\x1f\x8b", "an archive (gzip)", Quality::Opaque, UNPACK),
    (0, b"\xfd7zXZ\0", "an archive (xz)", Quality::Opaque, UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "an archive (zstd)", Quality::Opaque, UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "an archive (7z)", Quality::Opaque, UNPACK),
    (0, b"Rar!\x1a\x07", "an archive (RAR)", Quality::Opaque, UNPACK),
    (257, b"ustar", "an archive (tar)", Quality::Opaque, UNPACK),
    (0, b"\x89PNG\r\n\x1a\n", "a picture (PNG)", Quality::Scanned, PICTURE),
    (0, b"\xff\xd8\xff", "a picture (JPEG)", Quality::Scanned, PICTURE),
    (0, b"GIF8", "a picture (GIF)", Quality::Scanned, PICTURE),
    (0, b"II*\0", "a picture (TIFF)", Quality::Scanned, PICTURE),
    (0, b"MM\0*", "a picture (TIFF)", Quality::Scanned, PICTURE),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document", Quality::Opaque, TEXT),
];

/// What a file is, from its first octets; nothing where a format may read it. Workbooks are told before.
pub(super) fn opaque(head: &[u8]) -> Option<Opaque> {
    let found = |what: String, quality, fix| Some(Opaque { what, quality, fix });
    match kind_of(head) {
        Some(DerKind::PrivateKey(kind)) => return found(format!("a private key ({kind}, DER)"), Quality::Secret, ""),
        Some(DerKind::Pkcs12) => return found("a keystore (PKCS #12)".to_owned(), Quality::Secret, ""),
        Some(DerKind::Enveloped(kind)) => return found(format!("an encrypted file ({kind})"), Quality::Opaque, OPEN),
        Some(DerKind::TimeStampResponse) => return found("a time-stamp response (RFC 3161)".to_owned(), Quality::Opaque, NONE),
        Some(DerKind::TimeStampRequest) => return found("a time-stamp request (RFC 3161)".to_owned(), Quality::Opaque, NONE),
        _ => {}
    }
    let at = |place: usize, magic: &[u8]| head.get(place..).is_some_and(|octets| octets.starts_with(magic));
    if let Some((_, _, what, quality, fix)) = MAGIC.iter().find(|(place, magic, ..)| at(*place, magic)) {
        return found((*what).to_owned(), *quality, fix);
    }
    if at(0, b"BZh") && at(4, b"1AY&SY") {
        return found("an archive (bzip2)".to_owned(), Quality::Opaque, UNPACK);
    }
    if at(0, b"PK\x03\x04") || at(0, b"PK\x05\x06") {
        let names = |name: &[u8]| memchr::memmem::find(head, name).is_some();
        return match () {
            () if names(b"word/document.xml") => found("a Word document".to_owned(), Quality::Opaque, TEXT),
            () if names(b"ppt/presentation.xml") => found("a presentation".to_owned(), Quality::Opaque, TEXT),
            () if at(30, b"mimetypeapplication/vnd.oasis") => found("an OpenDocument file".to_owned(), Quality::Opaque, TEXT),
            () => found("an archive (ZIP)".to_owned(), Quality::Opaque, UNPACK),
        };
    }
    let (what, quality) = openpgp(head)?;
    found(what.to_owned(), quality, if quality == Quality::Secret { "" } else { OPEN })
}

/// The first packet of binary `OpenPGP` (RFC 9580 4.2): a secret key, or a session key of an encrypted message.
fn openpgp(head: &[u8]) -> Option<(&'static str, Quality)> {
    let (&first, rest) = head.split_first()?;
    let (tag, body) = match first {
        0xc0..=0xff => {
            let length = match rest.first()? {
                0..=191 => 1,
                192..=223 => 2,
                255 => 5,
                _ => return None,
            };
            (first & 0x3f, rest.get(length..)?)
        }
        0x80..=0xbf => ((first >> 2) & 0x0f, rest.get([1, 2, 4].get(usize::from(first & 3)).copied()?..)?),
        _ => return None,
    };
    let algorithm = |place: usize| body.get(place).is_some_and(|algorithm| matches!(algorithm, 1..=3 | 16..=22 | 25..=28));
    match (tag, body.first()?) {
        (5, 3..=6) if algorithm(5) => Some(("a private key (OpenPGP)", Quality::Secret)),
        (1, 3) if algorithm(9) => Some(("an OpenPGP message", Quality::Opaque)),
        (3, 4) if matches!(body.get(1), Some(1..=13)) && matches!(body.get(2), Some(0 | 1 | 3 | 4)) => {
            Some(("an OpenPGP message", Quality::Opaque))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(head: &[u8]) -> Option<(String, Quality)> {
        opaque(head).map(|opaque| (opaque.what, opaque.quality))
    }

    #[test]
    fn keystores_and_keys_are_secrets_and_the_rest_is_not() {
        let p12 = [0x30, 0x82, 0x09, 0x51, 0x02, 0x01, 3, 0x30, 0x82, 0x09, 0x17, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
        assert_eq!(of(&p12), Some(("a keystore (PKCS #12)".to_owned(), Quality::Secret)));
        assert_eq!(of(b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01"), Some(("a keystore (JKS)".to_owned(), Quality::Secret)));
        assert_eq!(of(b"\x95\x01\xfe\x04\0\0\0\0\x01rest"), Some(("a private key (OpenPGP)".to_owned(), Quality::Secret)));
        assert_eq!(of(b"\x84\x5e\x03abcdefgh\x12rest"), Some(("an OpenPGP message".to_owned(), Quality::Opaque)));
        assert_eq!(of(b"\x8c\x0d\x04\x09\x03\x08saltsalt"), Some(("an OpenPGP message".to_owned(), Quality::Opaque)));
        assert_eq!(of(b"PK\x03\x04 a.txt"), Some(("an archive (ZIP)".to_owned(), Quality::Opaque)));
    }

    #[test]
    fn text_is_not_opaque() {
        for text in [&b"2020-09-22 14:49:22 PIN"[..], b"000007 14.09.18", b"request_id,requested_at", b"", b"\xef\xbb\xbfa,b", b"0"] {
            assert_eq!(of(text), None);
        }
        assert_eq!(of("\u{c9}cole;Pr\u{fc}fung;1".as_bytes()), None);
        assert_eq!(of(b"\xc9cole;Pr\xfcfung;1;2;3;4;5;6"), None);
    }
}
