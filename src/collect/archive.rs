//! ZIP archives, measured before anything is unpacked for use: an archive may lie about its sizes.

use std::io::{Cursor, Read};

/// Most parts.
const MAX_PARTS: usize = 2_000;
/// Most octets of all parts together, unpacked.
const MAX_UNPACKED: u64 = 512 << 20;
/// How many times its packed size a part may unpack to, once it is larger than [`SMALL`].
const MAX_RATIO: u64 = 200;
const SMALL: u64 = 16 << 20;

/// An archive in memory.
pub(crate) type Archive<'a> = zip::ZipArchive<Cursor<&'a [u8]>>;

/// Why an archive is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The code of the note.
    pub(crate) code: &'static str,
    /// In words.
    pub(crate) why: String,
}

impl Refused {
    /// It is damaged, or not what it claims to be.
    pub(crate) fn damaged(why: impl Into<String>) -> Self {
        Self { code: "N-XLS-001", why: why.into() }
    }

    /// It is beyond a limit.
    pub(crate) fn beyond(why: impl Into<String>) -> Self {
        Self { code: "N-FS-004", why: why.into() }
    }
}

impl From<zip::result::ZipError> for Refused {
    fn from(error: zip::result::ZipError) -> Self {
        Self::damaged(error.to_string())
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        Self::damaged(error.to_string())
    }
}

impl From<calamine::XlsxError> for Refused {
    fn from(error: calamine::XlsxError) -> Self {
        Self::damaged(error.to_string())
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

/// Opens an archive whose parts were all unpacked once, to nowhere, to measure them. `see` is shown every
/// piece of every part.
///
/// # Errors
/// [`Refused`] where it is damaged, or unpacks beyond measure.
pub(crate) fn measured<'a>(octets: &'a [u8], see: &mut dyn FnMut(&[u8])) -> Result<Archive<'a>, Refused> {
    let mut archive = zip::ZipArchive::new(Cursor::new(octets)).map_err(|error| Refused::damaged(format!("not a workbook: {error}")))?;
    if archive.len() > MAX_PARTS {
        return Err(Refused::beyond("more than 2,000 parts"));
    }
    let mut total = 0;
    let mut buffer = vec![0; 1 << 16];
    for index in 0..archive.len() {
        let mut part = archive.by_index(index)?;
        let mut size = 0;
        loop {
            let read = part.read(&mut buffer)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
            size += read as u64;
            if total + size > MAX_UNPACKED {
                return Err(Refused::beyond("unpacks to more than 512 MiB"));
            }
            if size > SMALL && size / MAX_RATIO > part.compressed_size() {
                return Err(Refused::beyond("a part unpacks to more than 200 times its size"));
            }
            see(piece);
        }
        total += size;
    }
    Ok(archive)
}
