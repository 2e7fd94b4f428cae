//! The run folder: written beside its place, synced, and renamed when it is whole. Without a manifest
//! it is not a run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::view::{ReportError, ReportView};
use super::{ISSUED, WRITERS};
use crate::domain::digest::Hasher;

/// The file that covers all others, written last.
pub const MANIFEST: &str = "manifest-sha256.txt";

/// Why a run folder could not be written or is not one.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The place cannot be written to. The user can mend this.
    #[error("cannot create {}", path.display())]
    Create {
        /// The place.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The disk is full or failing.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A report could not be laid out.
    #[error("cannot write {name}")]
    Report {
        /// The report.
        name: String,
        /// The cause.
        source: Box<ReportError>,
    },
    /// Somebody changed the folder after it was written.
    #[error("{} is not as it was written: {what}", path.display())]
    Altered {
        /// The folder.
        path: PathBuf,
        /// The first difference.
        what: String,
    },
}

/// A run folder being written.
pub struct RunFolder {
    place: PathBuf,
    partial: PathBuf,
}

impl RunFolder {
    /// Begins the folder `parent/id`. What an interrupted run left of it is removed.
    ///
    /// # Errors
    /// [`FolderError::Create`].
    pub fn begin(parent: &Path, id: &str) -> Result<Self, FolderError> {
        let partial = parent.join(format!(".{id}.partial"));
        let create = |source| FolderError::Create { path: partial.clone(), source };
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(create)?;
        }
        fs::create_dir_all(partial.join("views")).map_err(create)?;
        fs::create_dir_all(partial.join("issue")).map_err(create)?;
        Ok(Self { place: parent.join(id), partial })
    }

    /// Where files are written for now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Writes a file through `fill`.
    ///
    /// # Errors
    /// [`FolderError::Write`].
    pub fn file(&self, name: &str, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), FolderError> {
        write(&self.partial.join(name), fill)
    }

    /// Lays out every report from the record that is there.
    ///
    /// # Errors
    /// [`FolderError::Report`].
    pub fn reports(&self) -> Result<(), FolderError> {
        render(&self.partial, &self.partial)
    }

    /// Writes the manifests and puts the folder in its place. A file named in `outside` is in no manifest.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn finish(self, outside: &[&str]) -> Result<PathBuf, FolderError> {
        for name in ISSUED {
            let from = self.partial.join(name);
            let to = self.partial.join("issue").join(name);
            fs::copy(&from, &to).map_err(|source| FolderError::Write { path: to, source })?;
        }
        manifest(&self.partial.join("issue"), &[])?;
        manifest(&self.partial, outside)?;
        let place = |source| FolderError::Create { path: self.place.clone(), source };
        fs::rename(&self.partial, &self.place).map_err(place)?;
        if let Some(parent) = self.place.parent() {
            // Without this a power cut can lose the new name.
            if let Ok(folder) = File::open(parent) {
                let _ = folder.sync_all();
            }
        }
        Ok(self.place)
    }
}

/// Lays out every report of the run folder `run` into `out`.
///
/// # Errors
/// [`FolderError`].
pub fn render(run: &Path, out: &Path) -> Result<(), FolderError> {
    let fail = |name: &str| {
        let name = name.to_owned();
        move |source| FolderError::Report { name, source: Box::new(source) }
    };
    let view = ReportView::open(run).map_err(|error| fail("the record")(ReportError::View(error)))?;
    for (name, writer) in WRITERS {
        let mut octets = Vec::new();
        writer(&view, &mut octets).map_err(fail(name))?;
        write(&out.join(name), |out| out.write_all(&octets))?;
    }
    Ok(())
}

fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), FolderError> {
    let fail = |source| FolderError::Write { path: path.to_owned(), source };
    let mut out = BufWriter::new(File::create(path).map_err(fail)?);
    fill(&mut out).map_err(fail)?;
    out.flush().map_err(fail)?;
    out.get_ref().sync_all().map_err(fail)
}

fn manifest(folder: &Path, outside: &[&str]) -> Result<(), FolderError> {
    let text: String = hashes(folder)?
        .iter()
        .filter(|(name, _)| *name != MANIFEST && !outside.contains(&name.as_str()))
        .map(|(name, hash)| line(hash, name))
        .collect();
    write(&folder.join(MANIFEST), |out| out.write_all(text.as_bytes()))
}

/// A line that `sha256sum -c` reads; line ends and percent signs in names are encoded (RFC 8493 2.1.3).
#[must_use]
pub fn line(hash: &str, name: &str) -> String {
    let name = name.replace('%', "%25").replace('\n', "%0A").replace('\r', "%0D");
    format!("{hash}  {name}\n")
}

fn hashes(folder: &Path) -> Result<BTreeMap<String, String>, FolderError> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder).min_depth(1) {
        let entry = entry.map_err(|error| FolderError::Write { path: folder.to_owned(), source: error.into() })?;
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_string_lossy().replace('\\', "/");
            let hash = hash(entry.path()).map_err(|source| FolderError::Write { path: entry.path().to_owned(), source })?;
            found.insert(name, hash);
        }
    }
    Ok(found)
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some([]) | None => return Ok(hasher.finish()),
            Some(octets) => hasher.update(octets),
        }
    }
}

/// Checks a run folder against its manifest: every file there as it was written, and none more.
///
/// # Errors
/// [`FolderError::Altered`] with the first difference.
pub fn verify(run: &Path, outside: &[&str]) -> Result<(), FolderError> {
    let altered = |what: String| FolderError::Altered { path: run.to_owned(), what };
    let manifest = fs::read_to_string(run.join(MANIFEST)).map_err(|error| altered(format!("no manifest ({error})")))?;
    let found = hashes(run)?;
    let expected: String = found
        .iter()
        .filter(|(name, _)| *name != MANIFEST && !outside.contains(&name.as_str()))
        .map(|(name, hash)| line(hash, name))
        .collect();
    if manifest == expected {
        return Ok(());
    }
    let changed =
        manifest.lines().find(|line| !expected.lines().any(|other| other == *line)).map(|line| format!("missing or changed: {line}"));
    let added =
        expected.lines().find(|line| !manifest.lines().any(|other| other == *line)).map(|line| format!("not in the manifest: {line}"));
    Err(altered(changed.or(added).unwrap_or_else(|| "the order of the manifest".to_owned())))
}
