//! The checklist files built into the program, and those of a folder.

use std::collections::BTreeMap;
use std::path::Path;

use super::Complaint;

const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/checklists.rs"));

/// The built-in files: path below `checklists/`, and text.
#[must_use]
pub fn files() -> BTreeMap<String, String> {
    FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// Adds the TOML files of a folder; links are not followed.
pub fn add_folder(folder: &Path, files: &mut BTreeMap<String, String>, complaints: &mut Vec<Complaint>) {
    for entry in walkdir::WalkDir::new(folder).max_depth(2).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                complaints.push(Complaint::new(&folder.display().to_string(), error));
                continue;
            }
        };
        let path = entry.path();
        if !entry.file_type().is_file() || path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
        match std::fs::read_to_string(path) {
            Ok(text) => {
                files.insert(name, text);
            }
            Err(error) => complaints.push(Complaint::new(&path.display().to_string(), error)),
        }
    }
}
