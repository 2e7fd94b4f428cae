//! One reading of a file from end to end: its hash, its head, and whether a private key stands in it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::encoding;
use crate::domain::digest::Hasher;
use crate::domain::secrets;

/// Largest file that is read.
pub const MAX_SIZE: u64 = 8 << 30;
/// How much of a file is looked at to recognise it.
const HEAD: usize = 1 << 20;
/// What is looked for may lie across the border of two pieces.
const BORDER: usize = 320;

static ARMOUR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"-----BEGIN(?P<label>[ A-Z0-9_-]{0,100}PRIVATE KEY)|PuTTY-User-Key-File-[0-9]:|AGE-SECRET-KEY-1[A-Z0-9]{20}").ok()
});

/// What a file holds, as far as anybody looks before it is recognised.
pub(super) struct Content {
    /// Octets.
    pub(super) size: u64,
    /// SHA-256.
    pub(super) sha256: String,
    /// The first octets.
    pub(super) head: Vec<u8>,
    /// A private key in its armour: the file is read no further.
    pub(super) secret: Option<Secret>,
    /// A private key on one line, which is masked wherever its record is read.
    pub(super) embedded: Option<Secret>,
    /// Nothing but white space.
    pub(super) blank: bool,
}

/// Where a secret stands, and what it is; never the secret.
pub(super) struct Secret {
    /// Where it begins.
    pub(super) at: String,
    /// Its kind and its length.
    pub(super) what: String,
}

/// Reads a file.
///
/// # Errors
/// The code of a note and the reason, where it cannot be read.
pub(super) fn read(path: &Path) -> Result<Content, (&'static str, String)> {
    let unreadable = |error: io::Error| ("N-FS-003", format!("cannot be read: {error}"));
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(("N-FS-002", "not a regular file; never read".to_owned()));
    }
    if metadata.len() > MAX_SIZE {
        return Err(("N-FS-004", format!("{} octets, more than the limit of {MAX_SIZE}", metadata.len())));
    }
    let mut hasher = Hasher::default();
    let mut content = Content { size: 0, sha256: String::new(), head: Vec::new(), secret: None, embedded: None, blank: true };
    let mut buffer = vec![0; HEAD];
    let mut window: Vec<u8> = Vec::new();
    loop {
        let read = file.read(&mut buffer).map_err(unreadable)?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
        hasher.update(chunk);
        if content.head.len() < HEAD {
            let room = HEAD - content.head.len();
            content.head.extend(chunk.iter().take(room));
        }
        content.blank = content.blank && chunk.iter().all(u8::is_ascii_whitespace);
        // In UTF-16 every other octet of what is looked for is nought.
        let shape = encoding::shape(&content.head);
        let wide = shape.encoding != encoding_rs::UTF_8 || shape.doubtful;
        let border = window.len();
        if wide {
            window.extend(chunk.iter().filter(|octet| **octet != 0));
        } else {
            window.extend_from_slice(chunk);
        }
        let place = |found: usize| {
            let scale = if wide && shape.encoding != encoding_rs::UTF_8 { 2 } else { 1 };
            let beyond = (found as u64).saturating_mul(scale);
            let offset = (content.size + beyond).saturating_sub(scale.saturating_mul(border as u64));
            format!("octet {offset}")
        };
        let secret = armour(&window).filter(|_| content.secret.is_none());
        let embedded = secrets::base64_key(&window).filter(|_| content.embedded.is_none());
        let secret = secret.map(|(found, what)| Secret { at: place(found), what });
        let embedded =
            embedded.map(|(found, kind)| Secret { at: place(found), what: format!("a private key ({kind}) in base64 on one line") });
        content.secret = content.secret.take().or(secret);
        content.embedded = content.embedded.take().or(embedded);
        window.drain(..window.len().saturating_sub(BORDER));
        content.size += read as u64;
    }
    content.sha256 = hasher.finish();
    Ok(content)
}

/// The place of a private key in its armour, and what it is.
pub(super) fn armour(octets: &[u8]) -> Option<(usize, String)> {
    let groups = ARMOUR.as_ref()?.captures(octets)?;
    let whole = groups.get(0)?;
    let kind = match groups.name("label") {
        Some(label) => String::from_utf8_lossy(label.as_bytes()).trim().to_owned(),
        None if whole.as_bytes().starts_with(b"AGE") => "age".to_owned(),
        None => "PuTTY".to_owned(),
    };
    let rest = octets.get(whole.end()..).unwrap_or_default();
    let end = memchr::memmem::find(rest, b"-----END");
    let length = end.map(|end| format!(", {} octets", whole.len() + end)).unwrap_or_default();
    Some((whole.start(), format!("a private key ({kind}){length}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn of(octets: &[u8]) -> Content {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(octets).unwrap();
        read(file.path()).unwrap()
    }

    const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAA";

    #[test]
    fn a_key_is_found_wherever_the_pieces_of_a_file_end() {
        for before in (HEAD - 60..HEAD + 2).step_by(7) {
            let armoured = of(&[&vec![b'\n'; before][..], b"-----BEGIN EC PRIVATE KEY-----\nAA\n-----END"].concat());
            assert_eq!(armoured.secret.unwrap().at, format!("octet {before}"));
            let line = of(&[&vec![b'\n'; before][..], KEY.as_bytes(), b"\n"].concat());
            assert_eq!(line.embedded.unwrap().at, format!("octet {before}"));
        }
    }

    #[test]
    fn a_key_in_utf_16_is_found() {
        let wide = |text: &str| -> Vec<u8> { [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect() };
        assert!(of(&wide("a\n-----BEGIN PRIVATE KEY-----\nAA\n")).secret.is_some());
        assert!(of(&wide(&format!("a,{KEY}\n"))).embedded.is_some());
    }

    #[test]
    fn the_kind_and_the_length_of_a_key_are_told() {
        let (at, what) = armour(b"x\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n").unwrap();
        assert_eq!((at, what.as_str()), (2, "a private key (OPENSSH PRIVATE KEY), 41 octets"));
        assert_eq!(armour(b"-----BEGIN CERTIFICATE-----"), None);
    }
}
