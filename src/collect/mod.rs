//! Stage 1: which files there are.
//!
//! Takes the evidence folder and the engagement, gives one [`Evidence`] for every file, hashed and
//! recognised by content. The only stage that walks. It follows no link, opens nothing but regular
//! files, and leaves no file out: what cannot be used is listed with its reason.

pub(crate) mod archive;
pub(crate) mod container;
mod content;
pub mod encoding;
pub(crate) mod json;
mod opaque;
mod pdf;
mod quality;
pub mod recognise;
pub(crate) mod sheet_xml;
pub mod top;
pub(crate) mod workbook;

use std::collections::BTreeMap;
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use crate::catalogue::Catalogue;
use crate::catalogue::engagement::Engagement;
use crate::catalogue::format::Format;
use crate::domain::digest;
use crate::domain::evidence::{Container, Evidence, HashStatus, Quality, Status};
use crate::domain::note::Note;

use content::Content;
pub use content::MAX_SIZE;

/// Most files that are read.
pub const MAX_FILES: usize = 100_000;
/// Deepest folder that is entered.
pub const MAX_DEPTH: usize = 32;

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
    collected.compare(&declared);
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
        let content = match content::read(&evidence.file) {
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
        } else if !declared.is_empty() {
            evidence.hash_status = HashStatus::Missing;
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
        let opaque = opaque::opaque(&content.head);
        let keystore = opaque.as_ref().filter(|opaque| opaque.quality == Quality::Secret);
        let keystore = keystore.map(|opaque| ("octet 0".to_owned(), format!("{}, {} octets", opaque.what, content.size)));
        if let Some((at, what)) = content.secret.as_ref().map(|secret| (secret.at.clone(), secret.what.clone())).or(keystore) {
            // What it would have been is known all the same: its tables are incomplete without it.
            let names = recognise::recognise(&content.head, catalogue.formats.values());
            evidence.format = declared.or(names.first().copied()).map(ToOwned::to_owned);
            self.secret(evidence, &what, &at);
            return;
        }
        if let Some(embedded) = &content.embedded {
            self.notes.push(container::inside(number, &embedded.what, &embedded.at));
        }
        if content.blank {
            evidence.quality = Quality::Empty;
            evidence.reason = Some("nothing in it".to_owned());
            self.notes.push(Note::on("N-FS-005", number, "nothing in it"));
        }
        if let Some((quality, what)) = quality::of_name(&evidence.path).filter(|_| !content.blank) {
            self.proves_nothing(evidence, quality, &what);
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
        if let Some(opened) = container::workbook(evidence, &content.head, &registers) {
            self.opened(evidence, opened);
            return;
        }
        if self.signed(evidence, content, catalogue) {
            return;
        }
        if let Some(opaque) = opaque {
            self.notes.push(Note::on("N-FMT-004", number, &opaque.what).fix(opaque.fix));
            (evidence.quality, evidence.reason) = (opaque.quality, Some(format!("{}; not opened", opaque.what)));
            return;
        }
        if pdf::is_pdf(&content.head) {
            self.pdf(evidence);
            return;
        }
        let names = recognise::recognise(&content.head, catalogue.formats.values());
        match names.as_slice() {
            [] => match container::json(evidence, &content.head, &registers) {
                Some(opened) => self.opened(evidence, opened),
                None => {
                    let text = (!encoding::shape(&content.head).doubtful).then(|| encoding::head_text(&content.head));
                    if let Some((quality, what)) = text.and_then(|text| quality::of_text(&text, content.size)) {
                        self.proves_nothing(evidence, quality, &what);
                    }
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
        self.notes.push(Note::on("N-FMT-007", evidence.number, &why));
        evidence.reason = Some(why);
        true
    }

    /// A file declared to be a register may be a workbook or JSON as well.
    fn open_declared(&mut self, evidence: &mut Evidence, content: &Content, format: &Format) {
        if recognise::register(format).is_none() {
            return;
        }
        if let Some(opened) = container::workbook(evidence, &content.head, &[format]) {
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
        if let Some(what) = opened.secret {
            self.secret(evidence, &what, "inside the workbook");
        }
    }

    fn secret(&mut self, evidence: &mut Evidence, what: &str, place: &str) {
        evidence.quality = Quality::Secret;
        evidence.status = Status::Unreadable;
        evidence.reason = Some("holds a private key, or may; read no further".to_owned());
        self.notes.push(Note::on("N-SEC-001", evidence.number, what).at(place));
    }

    fn proves_nothing(&mut self, evidence: &mut Evidence, quality: Quality, what: &str) {
        evidence.quality = quality;
        self.notes.push(Note::on("N-FMT-005", evidence.number, format!("{}: {what}", quality.word())));
    }

    /// What a PDF is like. It feeds no table: what it records belongs into a register.
    fn pdf(&mut self, evidence: &mut Evidence) {
        let looked = container::whole(&evidence.file, container::MAX_WORKBOOK).map(|octets| {
            catch_unwind(|| pdf::look(&octets)).unwrap_or_else(|_| pdf::Pdf { pages: true, open: true, ..pdf::Pdf::default() })
        });
        let pdf = match looked {
            Ok(pdf) => pdf,
            Err(refused) => {
                (evidence.status, evidence.reason) = (Status::Unreadable, Some(refused.why.clone()));
                self.notes.push(Note::on(refused.code, evidence.number, refused.why));
                return;
            }
        };
        let (quality, what) = pdf.quality();
        let more = if quality == Quality::Scanned && pdf.signature { "; it has a signature, which was not verified" } else { "" };
        evidence.reason = Some(format!("{what}{more}; what it says is not read"));
        if quality.proves_nothing() {
            self.proves_nothing(evidence, quality, what);
        } else {
            // A name that says it is a form weighs more than a page that shows text.
            evidence.quality = if evidence.quality.proves_nothing() { evidence.quality } else { quality };
            self.notes.push(Note::on("N-FMT-006", evidence.number, format!("{what}{more}")));
        }
    }

    /// Files of the list of hashes that are not there, and files there that are not in the list.
    fn compare(&mut self, declared: &BTreeMap<String, String>) {
        let absent: Vec<&String> = declared.keys().filter(|path| !self.has(path)).collect();
        for path in absent {
            self.notes.push(Note::general("N-EXP-001", format!("a hash is declared for {path}, which is not there")));
            let why = "in the list of hashes, and not in the folder".to_owned();
            let orphan = blank(self.next_number(), path.clone(), PathBuf::new(), Status::Unreadable, Some(why));
            self.evidence.push(Evidence { hash_status: HashStatus::Orphan, ..orphan });
        }
        let unlisted = || self.evidence.iter().filter(|evidence| evidence.hash_status == HashStatus::Missing);
        if let Some(first) = unlisted().next().map(|evidence| &evidence.path) {
            let count = unlisted().count() as u64;
            let what = format!("{count} files are not in the list of hashes that the operator supplied; the first is {first}");
            self.notes.push(Note::general("N-HASH-003", what).times(count));
        }
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
