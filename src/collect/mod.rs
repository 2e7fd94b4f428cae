//! Stage 1: which files there are.
//!
//! Takes the evidence folder and the engagement, gives one [`Evidence`] for every file, hashed and
//! recognised by content. The only stage that walks. It follows no link, opens nothing but regular
//! files, and leaves no file out: what cannot be used is listed with its reason.

pub(crate) mod archive;
pub(crate) mod container;
pub mod encoding;
pub(crate) mod json;
pub mod recognise;
pub(crate) mod sheet_xml;
pub mod top;
pub(crate) mod workbook;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::catalogue::Catalogue;
use crate::catalogue::engagement::Engagement;
use crate::catalogue::format::Format;
use crate::domain::digest::{self, Hasher};
use crate::domain::evidence::{Container, Evidence, HashStatus, Quality, Status};
use crate::domain::note::Note;

/// Most files that are read.
pub const MAX_FILES: usize = 100_000;
/// Deepest folder that is entered.
pub const MAX_DEPTH: usize = 32;
/// Largest file that is read.
pub const MAX_SIZE: u64 = 8 << 30;
/// How much of a file is looked at to recognise it.
const HEAD: usize = 1 << 20;

/// The files of an evidence folder.
#[derive(Debug)]
pub struct Collected {
    /// Every file, in order of path.
    pub evidence: Vec<Evidence>,
    /// What was noticed.
    pub notes: Vec<Note>,
}

/// Why there is no collection at all.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The folder was mistyped or is not mounted. The user can mend this.
    #[error("cannot open the evidence folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The hashes file of the engagement cannot be read. The user can mend this.
    #[error("cannot read the file of hashes {}", path.display())]
    Hashes {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

static PRIVATE_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY").ok());

/// Finds, hashes and recognises every file below `folder`.
///
/// # Errors
/// [`CollectError`] where there is nothing to walk.
pub fn collect(
    folder: &Path,
    engagement_folder: Option<&Path>,
    engagement: &Engagement,
    catalogue: &Catalogue,
) -> Result<Collected, CollectError> {
    std::fs::read_dir(folder).map_err(|source| CollectError::Folder { path: folder.to_owned(), source })?;
    let declared = declared_hashes(engagement_folder, engagement)?;
    let mut found = Found::default();
    for entry in walkdir::WalkDir::new(folder).min_depth(1).max_depth(MAX_DEPTH).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {
                if entry.depth() == MAX_DEPTH {
                    found.aside("N-FS-004", relative(folder, entry.path()), "a folder deeper than 32 levels; not entered");
                }
            }
            Ok(entry) => found.entry(folder, &entry),
            Err(error) => {
                let path = error.path().map_or_else(|| ".".to_owned(), |path| relative(folder, path));
                found.aside("N-FS-003", path, &error.io_error().map_or_else(|| error.to_string(), ToString::to_string));
            }
        }
    }
    found.files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut collected = Collected { evidence: Vec::new(), notes: Vec::new() };
    for (path, file) in found.files {
        collected.take(path, file, engagement, catalogue, &declared);
    }
    let absent: Vec<&String> = declared.keys().filter(|path| !collected.has(path)).collect();
    for path in absent {
        collected.notes.push(Note::general("N-EXP-001", format!("a hash is declared for {path}, which is not there")));
    }
    for (code, path, why) in found.aside {
        let number = collected.next_number();
        let evidence = blank(number, path, PathBuf::new(), Status::Unreadable, Some(why.clone()));
        collected.notes.push(Note::on(code, number, why));
        collected.evidence.push(evidence);
    }
    collected.notice_names();
    collected.name();
    Ok(collected)
}

#[derive(Default)]
struct Found {
    files: Vec<(String, PathBuf)>,
    aside: Vec<(&'static str, String, String)>,
}

impl Found {
    fn aside(&mut self, code: &'static str, path: String, why: &str) {
        self.aside.push((code, path, why.to_owned()));
    }

    fn entry(&mut self, folder: &Path, entry: &walkdir::DirEntry) {
        let path = relative(folder, entry.path());
        let kind = entry.file_type();
        if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).map_or_else(|_| "?".to_owned(), |target| target.display().to_string());
            self.aside("N-FS-001", path, &format!("a symbolic link to {target}; not followed"));
        } else if !kind.is_file() {
            self.aside("N-FS-002", path, "not a regular file; never opened");
        } else if self.files.len() >= MAX_FILES {
            self.aside("N-FS-004", path, "more than 100,000 files; not read");
        } else {
            self.files.push((path, entry.path().to_owned()));
        }
    }
}

fn relative(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn blank(number: u32, path: String, file: PathBuf, status: Status, reason: Option<String>) -> Evidence {
    Evidence {
        number,
        id: String::new(),
        path,
        file,
        size: 0,
        sha256: String::new(),
        hash_status: HashStatus::None,
        format: None,
        container: Container::Plain,
        status,
        quality: Quality::Ok,
        reason,
        also: Vec::new(),
    }
}

struct Content {
    size: u64,
    sha256: String,
    head: Vec<u8>,
    secret_at: Option<u64>,
    blank: bool,
}

impl Collected {
    fn has(&self, path: &str) -> bool {
        self.evidence.iter().any(|evidence| evidence.path == path || evidence.also.iter().any(|also| also == path))
    }

    fn next_number(&self) -> u32 {
        u32::try_from(self.evidence.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn take(&mut self, path: String, file: PathBuf, engagement: &Engagement, catalogue: &Catalogue, declared: &BTreeMap<String, String>) {
        let number = self.next_number();
        let mut evidence = blank(number, path, file, Status::NotRecognised, None);
        let content = match content(&evidence.file) {
            Ok(content) => content,
            Err(why) => {
                evidence.status = Status::Unreadable;
                evidence.reason = Some(why.1.clone());
                self.notes.push(Note::on(why.0, number, why.1));
                self.evidence.push(evidence);
                return;
            }
        };
        let source = engagement.on(&evidence.path);
        evidence.size = content.size;
        evidence.sha256.clone_from(&content.sha256);
        if let Some(hash) = source.sha256.as_ref().or_else(|| declared.get(&evidence.path)) {
            evidence.hash_status = if hash.eq_ignore_ascii_case(&content.sha256) { HashStatus::Match } else { HashStatus::Mismatch };
            if evidence.hash_status == HashStatus::Mismatch {
                self.notes.push(Note::on("N-HASH-001", number, format!("declared {hash}, found {}", content.sha256)));
            }
        }
        if let Some(first) = self.evidence.iter_mut().find(|first| same(first, &evidence, engagement, catalogue)) {
            first.also.push(evidence.path.clone());
            let note = Note::on("N-FS-006", first.number, format!("the same content stands under {}", evidence.path));
            self.notes.push(note);
            return;
        }
        self.recognise(&mut evidence, &content, source.format.as_deref(), catalogue);
        self.evidence.push(evidence);
    }

    fn recognise(&mut self, evidence: &mut Evidence, content: &Content, declared: Option<&str>, catalogue: &Catalogue) {
        let number = evidence.number;
        if let Some(offset) = content.secret_at {
            // What it would have been is known all the same: its tables are incomplete without it.
            let names = recognise::recognise(&content.head, catalogue.formats.values());
            evidence.format = declared.or(names.first().copied()).map(ToOwned::to_owned);
            self.secret(evidence, &format!("octet {offset}"));
            return;
        }
        if content.blank {
            evidence.quality = Quality::Empty;
            evidence.reason = Some("nothing in it".to_owned());
            self.notes.push(Note::on("N-FS-005", number, "nothing in it"));
        }
        if let Some(name) = declared {
            evidence.format = Some(name.to_owned());
            evidence.status = Status::Used;
            match catalogue.formats.get(name) {
                None => {
                    evidence.status = Status::Unreadable;
                    evidence.reason = Some(format!("no format {name:?}"));
                    let what = format!("engagement.toml names the format {name:?}, which does not exist");
                    self.notes.push(Note::on("N-FMT-003", number, what));
                }
                Some(format) => self.open_declared(evidence, content, format),
            }
            return;
        }
        if content.blank {
            return;
        }
        let registers: Vec<&Format> = catalogue.formats.values().collect();
        if let Some(opened) = container::workbook(evidence, &content.head, &holds_private_key, &registers) {
            self.opened(evidence, opened);
            return;
        }
        if self.signed(evidence, content, catalogue) {
            return;
        }
        let names = recognise::recognise(&content.head, catalogue.formats.values());
        match names.as_slice() {
            [] => match container::json(evidence, &content.head, &registers) {
                Some(opened) => self.opened(evidence, opened),
                None => {
                    evidence.reason = Some("no known format fits its content".to_owned());
                    self.notes.push(Note::on("N-FMT-001", number, "no known format fits its content"));
                }
            },
            [name] => {
                evidence.format = Some((*name).to_owned());
                evidence.status = Status::Used;
            }
            several => {
                let (what, note) = container::ambiguous(number, several, &registers);
                evidence.reason = Some(what);
                self.notes.push(note);
            }
        }
    }

    /// A signed container is not opened; what it wraps is known by its text, and its tables are incomplete without it.
    fn signed(&mut self, evidence: &mut Evidence, content: &Content, catalogue: &Catalogue) -> bool {
        let wrapped = recognise::signed_text(&content.head).unwrap_or_default();
        let names = recognise::recognise(wrapped, catalogue.formats.values());
        let [name] = names.as_slice() else { return false };
        let why = format!("a signed container (CMS) around {name}; not opened");
        evidence.format = Some((*name).to_owned());
        evidence.status = Status::Unreadable;
        self.notes.push(Note::on("N-FMT-004", evidence.number, &why));
        evidence.reason = Some(why);
        true
    }

    /// A file declared to be a register may be a workbook or JSON as well.
    fn open_declared(&mut self, evidence: &mut Evidence, content: &Content, format: &Format) {
        if recognise::register(format).is_none() {
            return;
        }
        if let Some(opened) = container::workbook(evidence, &content.head, &holds_private_key, &[format]) {
            let found = opened.status == Status::Used;
            let readable = opened.status == Status::NotRecognised;
            self.opened(evidence, opened);
            evidence.format = (!found).then(|| format.name.clone());
            if readable && !found {
                let why = format!("no sheet has a heading with the columns {}", format.recognise.header.join(", "));
                evidence.status = Status::Unreadable;
                self.notes.push(Note::on("N-CSV-003", evidence.number, &why));
                evidence.reason = Some(why);
            }
        } else if let Some(opened) = container::json(evidence, &content.head, &[format]) {
            self.opened(evidence, opened);
        }
    }

    fn opened(&mut self, evidence: &mut Evidence, opened: container::Opened) {
        (evidence.container, evidence.status, evidence.reason) = (opened.container, opened.status, opened.reason);
        evidence.format = opened.format;
        self.notes.extend(opened.notes);
        if opened.secret {
            self.secret(evidence, "inside the workbook");
        }
    }

    fn secret(&mut self, evidence: &mut Evidence, place: &str) {
        evidence.quality = Quality::Secret;
        evidence.status = Status::Unreadable;
        evidence.reason = Some("holds a private key; read no further".to_owned());
        self.notes.push(Note::on("N-SEC-001", evidence.number, "a private key").at(place));
    }

    /// Names that a person or another system may take for one another.
    fn notice_names(&mut self) {
        let mut folded: BTreeMap<String, u32> = BTreeMap::new();
        for evidence in &self.evidence {
            if evidence.path.contains('\u{fffd}') {
                self.notes.push(Note::on("N-FS-007", evidence.number, "the name is not valid UTF-8"));
            }
            if let Some(other) = folded.insert(evidence.path.to_lowercase(), evidence.number) {
                self.notes.push(Note::on(
                    "N-FS-007",
                    evidence.number,
                    format!("the name differs from that of evidence {other} only in case"),
                ));
            }
        }
    }

    fn name(&mut self) {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for evidence in &mut self.evidence {
            let hash = if evidence.sha256.is_empty() { digest::sha256(evidence.path.as_bytes()) } else { evidence.sha256.clone() };
            let id = format!("EV-{}", digest::short(&hash, 12));
            let turn = seen.entry(id.clone()).or_default();
            *turn += 1;
            evidence.id = if *turn == 1 { id } else { format!("{id}-{turn}") };
        }
    }
}

/// Equal content declared alike is one piece of evidence; two hosts may well have one configuration.
fn same(first: &Evidence, second: &Evidence, engagement: &Engagement, catalogue: &Catalogue) -> bool {
    let (one, other) = (engagement.on(&first.path), engagement.on(&second.path));
    let format = first.format.as_ref().and_then(|name| catalogue.formats.get(name));
    // Two profiles may well be equal in all but their name, which stands in that of the file.
    if format.is_some_and(Format::reads_file_name) && first.path.rsplit('/').next() != second.path.rsplit('/').next() {
        return false;
    }
    !first.sha256.is_empty()
        && first.sha256 == second.sha256
        && first.hash_status == second.hash_status
        && one.zone == other.zone
        && one.date_order == other.date_order
        && one.host == other.host
        && one.stream == other.stream
        && one.clock_ahead == other.clock_ahead
        && one.obtained_on() == other.obtained_on()
        && one.format == other.format
        && engagement.profile_of(&first.path) == engagement.profile_of(&second.path)
}

fn content(path: &Path) -> Result<Content, (&'static str, String)> {
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
    let mut content = Content { size: 0, sha256: String::new(), head: Vec::new(), secret_at: None, blank: true };
    let mut buffer = vec![0; HEAD];
    let mut overlap: Vec<u8> = Vec::new();
    loop {
        let read = file.read(&mut buffer).map_err(unreadable)?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
        hasher.update(chunk);
        if content.head.len() < HEAD {
            let room = HEAD - content.head.len();
            content.head.extend(chunk.iter().take(room));
        }
        content.blank = content.blank && chunk.iter().all(u8::is_ascii_whitespace);
        if content.secret_at.is_none() {
            content.secret_at = private_key(&overlap, chunk, content.size);
        }
        overlap = chunk.get(chunk.len().saturating_sub(160)..).unwrap_or(chunk).to_vec();
        content.size += read as u64;
    }
    if content.secret_at.is_none() && recognise::der_private_key(&content.head) {
        content.secret_at = Some(0);
    }
    content.sha256 = hasher.finish();
    Ok(content)
}

fn holds_private_key(octets: &[u8]) -> bool {
    PRIVATE_KEY.as_ref().is_some_and(|pattern| pattern.is_match(octets))
}

/// The offset of a private key in `chunk`, or across its border with what came before.
fn private_key(before: &[u8], chunk: &[u8], offset: u64) -> Option<u64> {
    let pattern = PRIVATE_KEY.as_ref()?;
    if let Some(found) = pattern.find(chunk) {
        return Some(offset + found.start() as u64);
    }
    let border: Vec<u8> = before.iter().chain(chunk.iter().take(160)).copied().collect();
    let found = pattern.find(&border)?;
    Some(offset.saturating_sub(before.len() as u64) + found.start() as u64)
}

fn declared_hashes(folder: Option<&Path>, engagement: &Engagement) -> Result<BTreeMap<String, String>, CollectError> {
    let (Some(folder), Some(name)) = (folder, &engagement.hashes) else { return Ok(BTreeMap::new()) };
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path).map_err(|source| CollectError::Hashes { path: path.clone(), source })?;
    let mut hashes = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let whole = line.split_once(' ').filter(|(hash, _)| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some((hash, file)) = whole else {
            let source = io::Error::other(format!("line {number} is not a SHA-256, two spaces and a path"));
            return Err(CollectError::Hashes { path, source });
        };
        hashes.insert(file.trim_start_matches([' ', '*']).trim_start_matches("./").to_owned(), hash.to_owned());
    }
    Ok(hashes)
}
