//! Everything an assessor may change without Rust: tables, formats, profiles, instruments, controls.
//!
//! Takes text files (built in, and from the engagement's `checklists/`), gives a [`Catalogue`] in
//! which every reference resolves and every statement is within the portable subset, or all the
//! complaints at once. It never looks at evidence.

pub mod conclusion;
pub mod control;
pub mod criteria;
pub mod embedded;
pub mod engagement;
pub mod format;
pub mod format_file;
mod format_text;
pub mod instrument;
pub mod overrides;
pub mod parameter;
pub mod profile;
pub mod source;
pub mod statement;
mod subset;
pub mod table;
mod transform;
pub mod xml_path;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use control::{Checklist, Control};
use format::Format;
use instrument::Instrument;
use profile::Profile;
use table::Tables;

/// One mistake in a file an assessor wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The file.
    pub file: String,
    /// What is wrong, and where it can be said how to mend it.
    pub what: String,
}

impl Complaint {
    /// A complaint about a file.
    #[must_use]
    pub fn new(file: &str, what: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), what: what.to_string() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what.trim_end())
    }
}

/// All checklists, formats, profiles, tables and instruments in effect.
#[derive(Debug)]
pub struct Catalogue {
    /// The canonical tables.
    pub tables: Tables,
    /// Formats by name.
    pub formats: BTreeMap<String, Format>,
    /// Profiles by name.
    pub profiles: BTreeMap<String, Profile>,
    /// Instruments by id.
    pub instruments: BTreeMap<String, Instrument>,
    /// Checklists by id.
    pub checklists: BTreeMap<String, Checklist>,
    /// Controls by id.
    pub controls: BTreeMap<String, Control>,
    /// SHA-256 over all files, names included.
    pub sha256: String,
}

impl Catalogue {
    /// The built-in catalogue, with the files of `folders` added; a file of the same path replaces
    /// the built-in one.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub fn load(folders: &[&Path]) -> Result<Self, Vec<Complaint>> {
        let mut files: BTreeMap<String, String> = embedded::files();
        let mut complaints = Vec::new();
        for folder in folders {
            embedded::add_folder(folder, &mut files, &mut complaints);
        }
        let catalogue = Self::from_files(&files, &mut complaints);
        match catalogue {
            Some(catalogue) if complaints.is_empty() => Ok(catalogue),
            _ => Err(complaints),
        }
    }

    fn from_files(files: &BTreeMap<String, String>, complaints: &mut Vec<Complaint>) -> Option<Self> {
        let tables = match files.get("tables.toml") {
            Some(text) => Tables::read("tables.toml", text, complaints)?,
            None => {
                complaints.push(Complaint::new("tables.toml", "the file is missing"));
                return None;
            }
        };
        let mut catalogue = Self {
            tables,
            formats: BTreeMap::new(),
            profiles: BTreeMap::new(),
            instruments: BTreeMap::new(),
            checklists: BTreeMap::new(),
            controls: BTreeMap::new(),
            sha256: crate::domain::digest::sha256_of_parts(files.iter().flat_map(|(name, text)| [name.as_str(), text.as_str()])),
        };
        if let Some(text) = files.get("instruments.toml") {
            catalogue.instruments = instrument::read("instruments.toml", text, complaints);
        }
        let raw_formats = format_file::read_all(files, complaints);
        for (name, file) in &raw_formats {
            if let Some(format) = Format::compile(name, file, &raw_formats, &catalogue.tables, complaints) {
                catalogue.formats.insert(name.clone(), format);
            }
        }
        for (path, text) in files {
            match path.split('/').collect::<Vec<_>>().as_slice() {
                ["tables.toml" | "instruments.toml" | "overrides.toml" | "criteria.toml"] | ["formats", _] => {}
                ["profiles", name] => {
                    if let Some(profile) = Profile::read(path, text, &catalogue.tables, complaints) {
                        catalogue.profiles.insert(name.trim_end_matches(".toml").to_owned(), profile);
                    }
                }
                [_, "_about.toml"] => {
                    if let Some(checklist) = Checklist::read(path, text, complaints) {
                        catalogue.checklists.insert(checklist.id.clone(), checklist);
                    }
                }
                [checklist, name] => {
                    let id = name.trim_end_matches(".toml");
                    if let Some(control) = Control::read(path, text, id, checklist, complaints)
                        && let Some(other) = catalogue.controls.insert(id.to_owned(), control)
                    {
                        let what = format!("control {id} stands in checklist {} too", other.checklist);
                        complaints.push(Complaint::new(path, what));
                    }
                }
                _ => complaints.push(Complaint::new(path, "not a place for a checklist file")),
            }
        }
        let rules: Vec<String> = catalogue.profiles.values().flat_map(Profile::rule_ids).collect();
        for control in catalogue.controls.values() {
            control.check(&catalogue, &rules, complaints);
        }
        Some(catalogue)
    }
}
