//! What a call is about: the evidence folder, the engagement around it, the checklists in effect, and
//! where outputs go.

use std::fs;
use std::path::{Path, PathBuf};

use crate::catalogue::criteria::Criteria;
use crate::catalogue::engagement::Engagement;
use crate::catalogue::overrides::Overrides;
use crate::catalogue::{Catalogue, Complaint, engagement};

/// Everything a call needs before it looks at evidence.
#[derive(Debug)]
pub struct Inputs {
    /// The folder that holds the evidence.
    pub evidence_folder: PathBuf,
    /// The folder that holds `engagement.toml`, where there is one.
    pub engagement_folder: Option<PathBuf>,
    /// The engagement, declared or assumed.
    pub engagement: Engagement,
    /// The text of `engagement.toml`, or of the one that would say what was assumed.
    pub engagement_text: String,
    /// What flags set, in words: part of the run's id.
    pub settings: String,
    /// Checklists in effect.
    pub catalogue: Catalogue,
    /// Rulings of the engagement.
    pub overrides: Overrides,
    /// Imported criteria.
    pub criteria: Criteria,
    /// The text of `judgements.jsonl`.
    pub judgements: String,
    /// Where outputs go that no flag places: the engagement, or for a bare folder `./assure-NAME`.
    pub home: PathBuf,
    /// Where tables are kept.
    pub cache: PathBuf,
    /// Where run folders go.
    pub out: PathBuf,
    /// A secret ends the run.
    pub stop_at_secrets: bool,
}

/// What flags say.
#[derive(Debug, Default)]
pub struct Flags {
    /// `--out`.
    pub out: Option<PathBuf>,
    /// `--checklists`.
    pub checklists: Option<PathBuf>,
    /// `--as-of`.
    pub as_of: Option<jiff::civil::Date>,
    /// `--on-secret stop`.
    pub stop_at_secrets: bool,
}

/// Why a call is about nothing.
#[derive(Debug, thiserror::Error)]
pub enum InputsError {
    /// The folder was mistyped or is not mounted. The user can mend this.
    #[error("cannot open {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Outputs would land among the evidence, or evidence among the outputs. The user can mend this.
    #[error("outputs would go to {}, which is inside the evidence folder or holds it", out.display())]
    OutputsAmongEvidence {
        /// The place.
        out: PathBuf,
    },
    /// Mistakes in what people wrote, all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Complaints(Vec<Complaint>),
}

impl Inputs {
    /// Finds out what `folder` is, and loads all that is around it.
    ///
    /// # Errors
    /// [`InputsError`].
    pub fn load(folder: &Path, flags: &Flags) -> Result<Self, InputsError> {
        let folder = fs::canonicalize(folder).map_err(|source| InputsError::Folder { path: folder.to_owned(), source })?;
        let file = folder.join("engagement.toml");
        let declared = file.is_file();
        let (mut engagement, text) = if declared {
            let text = read(&file)?.unwrap_or_default();
            (Engagement::read("engagement.toml", &text).map_err(InputsError::Complaints)?, text)
        } else {
            let name = folder.file_name().map_or_else(|| "evidence".to_owned(), |name| name.to_string_lossy().into_owned());
            (Engagement::assumed(&name), String::new())
        };
        engagement.as_of = flags.as_of.or(engagement.as_of);
        let settings = flags.as_of.map_or_else(String::new, |day| format!("as-of {day}"));
        let inside = folder.join("evidence");
        let evidence_folder = if declared || inside.is_dir() { inside } else { folder.clone() };
        let own = folder.join("checklists");
        let mut folders: Vec<&Path> = flags.checklists.iter().map(PathBuf::as_path).collect();
        folders.extend((declared && own.is_dir()).then_some(own.as_path()));
        let mut catalogue = Catalogue::load(&folders).map_err(InputsError::Complaints)?;
        let overrides =
            Overrides::read("overrides.toml", read(&own.join("overrides.toml"))?.filter(|_| declared).as_deref(), &mut catalogue)
                .map_err(InputsError::Complaints)?;
        let criteria = Criteria::read("criteria.toml", read(&own.join("criteria.toml"))?.filter(|_| declared).as_deref(), &catalogue)
            .map_err(InputsError::Complaints)?;
        let judgements = read(&folder.join("judgements.jsonl"))?.filter(|_| declared).unwrap_or_default();
        let complaints = names(&engagement, &catalogue);
        if !complaints.is_empty() {
            return Err(InputsError::Complaints(complaints));
        }
        let home = if declared {
            folder.clone()
        } else {
            let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            std::env::current_dir().map_err(|source| InputsError::Folder { path: ".".into(), source })?.join(format!("assure-{name}"))
        };
        let out = flags.out.as_ref().map_or_else(|| home.join("runs"), |out| std::path::absolute(out).unwrap_or_else(|_| out.clone()));
        let cache = home.join(".cache");
        for place in [&out, &cache] {
            apart(place, &evidence_folder)?;
        }
        Ok(Self {
            evidence_folder,
            engagement_folder: declared.then_some(folder),
            engagement,
            engagement_text: text,
            settings,
            catalogue,
            overrides,
            criteria,
            judgements,
            home,
            cache,
            out,
            stop_at_secrets: flags.stop_at_secrets,
        })
    }
}

/// Refuses a place for outputs that lies among the evidence or around it.
///
/// # Errors
/// [`InputsError::OutputsAmongEvidence`].
pub fn apart(place: &Path, evidence_folder: &Path) -> Result<(), InputsError> {
    let (real, evidence) = (real(place)?, real(evidence_folder)?);
    if real.starts_with(&evidence) || evidence.starts_with(&real) {
        return Err(InputsError::OutputsAmongEvidence { out: place.to_owned() });
    }
    Ok(())
}

/// Where a place that may not exist yet really is: links and `..` of what exists are followed.
fn real(place: &Path) -> Result<PathBuf, InputsError> {
    let exists = place.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    let rest = place.strip_prefix(exists).unwrap_or(Path::new(""));
    if rest.components().any(|part| part == std::path::Component::ParentDir) {
        let source = std::io::Error::other("a folder above one that does not exist");
        return Err(InputsError::Folder { path: place.to_owned(), source });
    }
    let real = fs::canonicalize(exists).map_err(|source| InputsError::Folder { path: exists.to_owned(), source })?;
    Ok(real.join(rest))
}

fn read(path: &Path) -> Result<Option<String>, InputsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(InputsError::Folder { path: path.to_owned(), source }),
    }
}

/// Everything the engagement names that does not exist.
fn names(engagement: &Engagement, catalogue: &Catalogue) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut complain = |what: String| complaints.push(Complaint::new("engagement.toml", what));
    for engagement::ProfilePath { path, profile } in &engagement.profiles {
        if !catalogue.profiles.contains_key(profile) {
            let known: Vec<&str> = catalogue.profiles.keys().map(String::as_str).collect();
            complain(format!("profile of {path:?}: no profile {profile:?}; there are {}", known.join(", ")));
        }
    }
    for source in &engagement.sources {
        if let Some(format) = &source.format
            && !catalogue.formats.contains_key(format)
        {
            let known: Vec<&str> = catalogue.formats.keys().map(String::as_str).collect();
            complain(format!("source {:?}: no format {format:?}; there are {}", source.path, known.join(", ")));
        }
    }
    for (control, settings) in &engagement.parameters {
        for name in settings.keys() {
            if !catalogue.controls.get(control).is_some_and(|control| control.file.parameters.contains_key(name)) {
                complain(format!("parameter {control} {name}: there is no such parameter"));
            }
        }
    }
    let scoped = engagement.only.iter().flat_map(|only| &only.controls);
    for control in engagement.excluded.iter().map(|exclusion| &exclusion.control).chain(scoped) {
        if !catalogue.controls.contains_key(control) {
            complain(format!("scope: no control {control:?}"));
        }
    }
    for expected in &engagement.expected {
        for table in &expected.feeds {
            if catalogue.tables.get(table).is_none() {
                complain(format!("expected {:?}: no table {table:?}", expected.what));
            }
        }
    }
    complaints
}
