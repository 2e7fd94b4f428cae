//! What a file gave, kept by its content: equal content under equal declarations and checklists is
//! read once. The folder can be deleted at any time; a file in it that is not what it was is read again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::table_file::Landed;
use crate::domain::digest::{self, Hasher};
use crate::domain::note::{self, Note};
use crate::engine::EngineError;

/// What a file gave.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Reading {
    pub(super) records: u64,
    pub(super) rejected: u64,
    pub(super) rejected_by: BTreeMap<String, u64>,
    pub(super) blank: u64,
    pub(super) passed_over: u64,
    pub(super) total: u64,
    pub(super) truncated: bool,
    pub(super) failed: Option<String>,
    pub(super) tables: BTreeMap<String, Landed>,
    pub(super) notes: Vec<KeptNote>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeptNote {
    code: String,
    locator: String,
    what: String,
    count: u64,
    fix: String,
    tables: Vec<String>,
}

impl Reading {
    pub(super) fn keep_notes(&mut self, notes: &[Note]) {
        self.notes = notes
            .iter()
            .map(|note| KeptNote {
                code: note.code.to_owned(),
                locator: note.locator.clone(),
                what: note.what.clone(),
                count: note.count,
                fix: note.fix.clone(),
                tables: note.tables.clone(),
            })
            .collect();
    }

    pub(super) fn notes(&self, evidence: u32) -> Vec<Note> {
        let kept = self.notes.iter().filter_map(|kept| Some((kept, note::entry(&kept.code)?)));
        kept.map(|(kept, entry)| Note {
            locator: kept.locator.clone(),
            count: kept.count,
            fix: kept.fix.clone(),
            tables: kept.tables.clone(),
            ..Note::on(entry.code, evidence, kept.what.clone())
        })
        .collect()
    }
}

/// The folder of a key.
pub(super) fn folder(cache: &Path, parts: &[&str]) -> PathBuf {
    let key = digest::sha256_of_parts(parts.iter().copied());
    cache.join(digest::short(&key, 32))
}

/// What is kept in a folder, if all of it is as it was written.
pub(super) fn load(folder: &Path) -> Option<Reading> {
    let text = fs::read_to_string(folder.join("reading.json")).ok()?;
    let reading: Reading = serde_json::from_str(&text).ok()?;
    let whole = reading
        .tables
        .iter()
        .all(|(name, landed)| landed.rows == 0 || hash(&folder.join(format!("{name}.parquet"))).is_ok_and(|found| found == landed.sha256));
    whole.then_some(reading)
}

/// Keeps a reading; its table files are there already. Written last, so that a folder without it
/// is an unfinished one.
pub(super) fn store(folder: &Path, reading: &Reading) -> Result<(), EngineError> {
    let path = folder.join("reading.json");
    let text = serde_json::to_string(reading).unwrap_or_default();
    fs::write(&path, text).map_err(|source| EngineError::File { path, source })
}

pub(super) fn hash(path: &Path) -> Result<String, EngineError> {
    let fail = |source| EngineError::File { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(fail)?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(fail)?;
        match buffer.get(..read) {
            Some([]) | None => return Ok(hasher.finish()),
            Some(octets) => hasher.update(octets),
        }
    }
}
