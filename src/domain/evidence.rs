//! One file of the evidence folder.

/// What became of a file. Every file ends as one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Recognised; its records are in the tables.
    Used,
    /// No format fits, or more than one.
    NotRecognised,
    /// Could not be opened, or not be read as what it is.
    Unreadable,
}

impl Status {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::NotRecognised => "not-recognised",
            Self::Unreadable => "unreadable",
        }
    }
}

/// How far a file is what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Nothing against it.
    Ok,
    /// No octets, or nothing but white space.
    Empty,
    /// Ends in the middle of a record.
    Truncated,
    /// Holds a private key.
    Secret,
}

impl Quality {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Secret => "secret",
        }
    }
}

/// How the hash stands to one the operator declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashStatus {
    /// Equal.
    Match,
    /// Different.
    Mismatch,
    /// None declared.
    None,
}

impl HashStatus {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch => "mismatch",
            Self::None => "none",
        }
    }
}

/// One file of the evidence folder, as `collect` found it.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Its number in this run, from 1, in order of path.
    pub number: u32,
    /// The id people see: `EV-` and 12 digits of the content hash; `-2` and so on follow where equal
    /// content is declared differently (two hosts with one configuration).
    pub id: String,
    /// Path inside the evidence folder, with `/`.
    pub path: String,
    /// Where it is on this machine; never written to an output.
    pub file: std::path::PathBuf,
    /// Octets.
    pub size: u64,
    /// SHA-256 of the content; empty where it could not be read.
    pub sha256: String,
    /// How that stands to the operator's declaration.
    pub hash_status: HashStatus,
    /// The format it was recognised as.
    pub format: Option<String>,
    /// What became of it.
    pub status: Status,
    /// How far it is what it looks like.
    pub quality: Quality,
    /// Why it is not used, where it is not.
    pub reason: Option<String>,
    /// Other paths with the same content, which are not read again.
    pub also: Vec<String>,
}

/// Where records of a reader stand: what `row` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locator {
    /// Physical lines.
    Line,
    /// Objects of a bundle.
    Object,
    /// Entries of a map.
    Entry,
}

impl Locator {
    /// `line 12`, `object 3`, `entry 4`.
    #[must_use]
    pub fn text(self, row: u64) -> String {
        match self {
            Self::Line => format!("line {row}"),
            Self::Object => format!("object {row}"),
            Self::Entry => format!("entry {row}"),
        }
    }
}
