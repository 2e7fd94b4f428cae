//! `assure` tests the evidence of a certification authority against checklists that are data, and says
//! what it found, what it could not test, and how sure it is of both. It never judges: the assessor
//! does, and the PMA decides.
//!
//! # The way of the data
//!
//! ```text
//! engagement ─▶ collect ─▶ parse ─▶ normalise ─▶ evaluate ─▶ judge ─▶ report
//!               files       rows      tables       facts       verdicts  files
//! ```
//!
//! One direction. Each stage is one function, takes plain data and gives plain data, and knows only
//! what stands to its left; `tests/architecture.rs` holds it so.
//!
//! | module | what it is |
//! |---|---|
//! | [`domain`] | the nouns: evidence, instants, serials, notes, outcomes |
//! | [`engine`] | tables in, SQL in, rows out; the only place that names polars |
//! | [`catalogue`] | what an assessor may change: tables, formats, profiles, instruments, controls |
//! | [`inputs`] | which folder, which engagement, which checklists a call is about |
//! | [`collect`] | finds, hashes and recognises files |
//! | [`parse`] | reads a file into rows of text, each with its place |
//! | [`normalise`] | types the rows into canonical tables, and counts what it could not |
//! | [`evaluate`] | runs the statement of every test: population, exceptions, completeness |
//! | [`judge`] | one total function from facts to outcomes; certainty; which notes touch what |
//! | [`report`] | the record of the run, and the reports made from it alone |
//! | [`verb`] | what the command line does |
//!
//! # Invariants
//!
//! * Silence is never compliance: a record is a row, or rejected and counted; a cell is typed, or listed
//!   as unsettled; the classes of every census sum to the records of its table.
//! * Absent evidence is never an exception: see [`judge::certainty`].
//! * Same inputs, same bytes: nothing reads the clock, and every order is fixed.
//! * Evidence is opened for reading only, and nothing is sent anywhere.

pub mod catalogue;
pub mod collect;
pub mod domain;
pub mod engine;
pub mod evaluate;
pub mod exit;
pub mod inputs;
pub mod judge;
pub mod normalise;
pub mod parse;
pub mod report;
pub mod verb;

use std::path::PathBuf;

use collect::Collected;
use domain::digest;
use domain::evidence::Quality;
use inputs::Inputs;
use normalise::Normalised;
use report::folder::{FolderError, RunFolder};
use report::record::Matter;
use report::results::Results;

/// Why a run gave no run folder.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no evidence folder to walk.
    #[error(transparent)]
    Collect(#[from] collect::CollectError),
    /// No file could be used: there is nothing to test.
    #[error("no usable evidence in {}", folder.display())]
    Nothing {
        /// The evidence folder.
        folder: PathBuf,
    },
    /// A secret was found and the policy is to stop.
    #[error("{path} holds a private key, and the policy is to stop")]
    Secret {
        /// The file.
        path: String,
    },
    /// The tables could not be made.
    #[error(transparent)]
    Engine(#[from] engine::EngineError),
    /// The run folder could not be written, or an existing one was altered.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// What is told while a run goes on.
pub trait Progress {
    /// A stage begins, with so many steps.
    fn stage(&mut self, name: &str, steps: u64);
    /// A step of the stage: a file or a control.
    fn step(&mut self, name: &str);
}

/// A finished run.
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// Its results.
    pub results: Results,
    /// The folder was there already, and is as it was written.
    pub kept: bool,
}

/// The whole way, from the evidence folder to the run folder.
///
/// # Errors
/// [`RunError`]; evidence that cannot be read is a note in the results, never an error here.
pub fn run(inputs: &Inputs, progress: &mut dyn Progress) -> Result<Run, RunError> {
    progress.stage("collect", 0);
    let collected = gather(inputs)?;
    if !collected.evidence.iter().any(|evidence| evidence.status == domain::evidence::Status::Used) {
        return Err(RunError::Nothing { folder: inputs.evidence_folder.clone() });
    }
    let (id, evidence_root) = identify(inputs, &collected);
    let place = inputs.out.join(&id);
    if place.exists() {
        report::folder::verify(&place, &[verb::run::LOG])?;
        let results = report::view::ReportView::open(&place)
            .map_err(|error| FolderError::Altered { path: place.clone(), what: error.to_string() })?
            .results;
        return Ok(Run { folder: place, results, kept: true });
    }
    let normalised = tabulate(inputs, collected, progress)?;
    progress.stage("evaluate", inputs.catalogue.controls.len() as u64);
    let facts = evaluate::evaluate(&normalised, &inputs.catalogue, &inputs.engagement, &inputs.overrides, &mut |id| progress.step(id))?;
    let judgements = judge::judgement::Judgements::read(&inputs.judgements, &inputs.catalogue);
    let judged = judge::judge(facts, &normalised, &inputs.catalogue, &inputs.engagement, &inputs.criteria, &inputs.overrides, judgements);
    progress.stage("report", 0);
    let folder = RunFolder::begin(&inputs.out, &id)?;
    let matter = Matter {
        id: &id,
        evidence_root: &evidence_root,
        normalised: &normalised,
        catalogue: &inputs.catalogue,
        engagement: &inputs.engagement,
        criteria: &inputs.criteria,
        judged: &judged,
    };
    let results = matter.write(&folder)?;
    folder.file("engagement.toml", |out| out.write_all(inputs.engagement_text.as_bytes()))?;
    folder.reports()?;
    Ok(Run { folder: folder.finish(&[verb::run::LOG])?, results, kept: false })
}

/// Collects the evidence, and stops at a secret where that is the policy.
///
/// # Errors
/// [`RunError::Collect`], [`RunError::Secret`].
pub fn gather(inputs: &Inputs) -> Result<Collected, RunError> {
    let collected = collect::collect(&inputs.evidence_folder, inputs.engagement_folder.as_deref(), &inputs.engagement, &inputs.catalogue)?;
    let inside = |number| collected.notes.iter().any(|note| note.code == "N-SEC-003" && note.evidence == Some(number));
    if inputs.stop_at_secrets
        && let Some(secret) = collected.evidence.iter().find(|evidence| evidence.quality == Quality::Secret || inside(evidence.number))
    {
        return Err(RunError::Secret { path: secret.path.clone() });
    }
    Ok(collected)
}

/// Reads the collected evidence into tables.
///
/// # Errors
/// [`RunError::Engine`].
pub fn tabulate(inputs: &Inputs, collected: Collected, progress: &mut dyn Progress) -> Result<Normalised, RunError> {
    progress.stage("read", collected.evidence.len() as u64);
    let mut step = |evidence: &domain::evidence::Evidence| progress.step(&evidence.path);
    Ok(normalise::normalise(collected, &inputs.engagement, &inputs.catalogue, &inputs.cache, &mut step)?)
}

/// The id of the run and the hash of its evidence: equal inputs have equal ids.
fn identify(inputs: &Inputs, collected: &Collected) -> (String, String) {
    let mut files: Vec<(&str, &str)> = Vec::new();
    for evidence in &collected.evidence {
        let paths = std::iter::once(&evidence.path).chain(&evidence.also);
        files.extend(paths.map(|path| (path.as_str(), evidence.sha256.as_str())));
    }
    files.sort_unstable();
    let root = digest::sha256_of_parts(files.iter().flat_map(|(path, hash)| [*path, *hash]));
    let parts: [&str; 6] =
        [&root, &inputs.engagement_text, &inputs.settings, &inputs.catalogue.sha256, &inputs.judgements, env!("CARGO_PKG_VERSION")];
    let id = digest::sha256_of_parts(parts);
    (digest::short(&id, 16).to_owned(), root)
}
