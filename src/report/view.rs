//! What the writers see of a run: read from the run folder alone. Decides nothing; it only sorts,
//! counts and words things once, so that no two reports count or word them differently.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::results::{Basis, Control, Evidence, Exception, Results, SCHEMA, Test};
use super::untrusted::visible;
pub(super) use crate::domain::count::grouped;
use crate::domain::digest;

/// Exceptions listed per control in HTML; all of them are in `exceptions.jsonl`.
pub const SHOWN_PER_CONTROL: usize = 200;

/// The run folder cannot be read as one.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// A file of the run folder cannot be read.
    #[error("cannot read {}: {source}", visible(&path.display().to_string()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `results.json` does not have the shape of the schema.
    #[error("{} is not {SCHEMA}: {source}", visible(&path.display().to_string()))]
    Shape {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// `results.json` names another schema.
    #[error("results.json has the schema {}, this program reads {SCHEMA}", visible(.0))]
    Schema(String),
    /// A line of `exceptions.jsonl` is no exception.
    #[error("exceptions.jsonl, line {line}: {source}")]
    Exception {
        /// Line, from 1.
        line: u64,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A line of a view has another shape, or there are fewer than `results.json` says.
    #[error("views/{view}, line {line}: {what}")]
    Lines {
        /// File.
        view: String,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// An id that cannot serve as an anchor.
    #[error("the id {} has characters that no id of this program has", visible(.0))]
    Id(String),
}

/// A report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The run folder cannot be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The data does not fit a template.
    #[error("cannot fill the template: {0}")]
    Template(#[from] minijinja::Error),
    /// The data cannot be handed to a template.
    #[error("cannot prepare the template: {0}")]
    Prepare(#[from] serde_json::Error),
    /// The workbook cannot be made.
    #[error("cannot make the workbook: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// The output cannot be written.
    #[error("cannot write the report: {0}")]
    Write(#[from] io::Error),
}

/// A run, as the writers see it.
#[derive(Debug, Clone)]
pub struct ReportView {
    /// `results.json`.
    pub results: Results,
    /// SHA-256 of `results.json`, in hexadecimal.
    pub results_sha256: String,
    /// `exceptions.jsonl`, read on demand.
    pub exceptions_path: PathBuf,
    /// `views/`, read on demand.
    pub views_path: PathBuf,
}

/// A line of a view: columns by name, all as text.
pub(super) type Line = BTreeMap<String, Option<String>>;

/// A cell of a line; nothing reads as the empty text.
pub(super) fn cell<'a>(line: &'a Line, name: &str) -> &'a str {
    line.get(name).and_then(Option::as_deref).unwrap_or_default()
}

/// The first lines of a view, and how many there are.
pub(super) struct Lines<T> {
    pub(super) first: Vec<T>,
    pub(super) total: u64,
}

/// The exceptions of one control: how many there are, and the first of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    pub(super) total: u64,
    pub(super) first: Vec<Exception>,
}

impl ReportView {
    /// Reads `results.json` of a run folder, and finds its `exceptions.jsonl`.
    ///
    /// # Errors
    /// When either is missing, or when `results.json` is not of the schema this program writes.
    pub fn open(run_folder: &Path) -> Result<Self, ViewError> {
        let path = run_folder.join("results.json");
        let bytes = std::fs::read(&path).map_err(|source| ViewError::Read { path: path.clone(), source })?;
        let results: Results = serde_json::from_slice(&bytes).map_err(|source| ViewError::Shape { path, source })?;
        if results.schema != SCHEMA {
            return Err(ViewError::Schema(results.schema));
        }
        let controls = results.controls.iter().map(|c| &c.id);
        let own = results.findings.iter().map(|f| &f.id).chain(results.requests.iter().map(|r| &r.id));
        for id in controls.chain(results.evidence.iter().map(|e| &e.id)).chain(results.notes.iter().map(|n| &n.code)).chain(own) {
            check_id(id)?;
        }
        let view = Self {
            results,
            results_sha256: digest::sha256(&bytes),
            exceptions_path: run_folder.join("exceptions.jsonl"),
            views_path: run_folder.join("views"),
        };
        // A run folder without the file is no run folder: better said now than half way through a report.
        drop(view.exceptions()?);
        Ok(view)
    }

    /// All exceptions, in their order in the file.
    ///
    /// # Errors
    /// When `exceptions.jsonl` cannot be opened; each item fails on its own when its line cannot be read.
    pub fn exceptions(&self) -> Result<impl Iterator<Item = Result<Exception, ViewError>>, ViewError> {
        let path = self.exceptions_path.clone();
        let file = File::open(&path).map_err(|source| ViewError::Read { path: path.clone(), source })?;
        Ok(BufReader::new(file).lines().zip(1_u64..).map(move |(text, line)| {
            let text = text.map_err(|source| ViewError::Read { path: path.clone(), source })?;
            let exception: Exception = serde_json::from_str(&text).map_err(|source| ViewError::Exception { line, source })?;
            check_id(&exception.id)?;
            check_id(&exception.evidence)?;
            Ok(exception)
        }))
    }

    /// At most `most` lines of a view. A view that `results.json` does not list has none.
    pub(super) fn lines<T: DeserializeOwned>(&self, view: &str, most: usize) -> Result<Lines<T>, ViewError> {
        let mut left = most;
        self.lines_where(view, |_| {
            let wanted = left > 0;
            left = left.saturating_sub(1);
            wanted
        })
    }

    /// The lines of a view that `keep` wants; the others are counted only.
    pub(super) fn lines_where<T: DeserializeOwned>(&self, view: &str, mut keep: impl FnMut(&T) -> bool) -> Result<Lines<T>, ViewError> {
        let Some(total) = self.results.views.get(view).copied() else { return Ok(Lines { first: Vec::new(), total: 0 }) };
        let path = self.views_path.join(view);
        let read = |source| ViewError::Read { path: path.clone(), source };
        let wrong = |line, what: String| ViewError::Lines { view: view.to_owned(), line, what };
        let (mut first, mut found) = (Vec::new(), 0);
        for text in BufReader::new(File::open(&path).map_err(read)?).lines() {
            found += 1;
            let line = serde_json::from_str(&text.map_err(read)?).map_err(|error| wrong(found, error.to_string()))?;
            first.extend(Some(line).filter(&mut keep));
        }
        if found != total {
            return Err(wrong(found, format!("ends here; results.json says it has {total} lines")));
        }
        Ok(Lines { first, total })
    }

    /// The first exceptions of each control, and how many it has.
    pub(super) fn listed(&self) -> Result<BTreeMap<String, Listed>, ViewError> {
        let mut by_control: BTreeMap<String, Listed> = BTreeMap::new();
        for exception in self.exceptions()? {
            let exception = exception?;
            let listed = by_control.entry(exception.control.clone()).or_default();
            listed.total += 1;
            if listed.first.len() < SHOWN_PER_CONTROL {
                listed.first.push(exception);
            }
        }
        Ok(by_control)
    }

    /// Where the totals of the run and its detail disagree. Said on the first page rather than
    /// refused: the detail is still worth reading, and hiding a fault of the program would be worse.
    pub(super) fn discrepancies(&self, listed: &BTreeMap<String, Listed>) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, total: u64, detail: u64| {
            if total != detail {
                found.push(format!("{what}: the total says {}, the detail {}", grouped(total), grouped(detail)));
            }
        };
        let counts = &self.results.counts;
        let (confirmed, indicative): (Vec<_>, Vec<_>) = self.results.controls.iter().partition(|c| c.confirmed.is_some());
        let sum = |controls: &[&Control], of: fn(&Test) -> u64| -> u64 { controls.iter().flat_map(|c| &c.tests).map(of).sum() };
        compare("Actual exceptions against confirmed criteria", counts.failures_actual, sum(&confirmed, actual));
        compare("Potential exceptions against confirmed criteria", counts.failures_potential, sum(&confirmed, |t| t.potential));
        let unconfirmed = sum(&indicative, |t| t.exceptions);
        compare("Exceptions against criteria nobody has confirmed", counts.indicative_exceptions, unconfirmed);
        for control in &self.results.controls {
            let lines = listed.get(&control.id).map_or(0, |l| l.total);
            compare(&format!("Exceptions of {}", control.id), sum(&[control], |t| t.exceptions), lines);
        }
        found
    }

    /// The title block: what the engagement is.
    pub(super) fn title_block(&self) -> Vec<(&'static str, String)> {
        let engagement = &self.results.engagement;
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "not declared".to_owned());
        let mut rows = vec![
            ("Kind", kind_words(&engagement.kind).to_owned()),
            ("Period", format!("{} to {}", engagement.period_start, engagement.period_end)),
            ("As of", engagement.as_of.clone()),
            ("Audited party", or(&engagement.audited_party)),
            ("Assessor", or(&engagement.assessor)),
            ("Environment", engagement.environment.clone()),
            ("Marking", or(&engagement.marking)),
        ];
        if !engagement.declared {
            rows.push(("Engagement", "not declared: the run used defaults, listed under Assumptions".to_owned()));
        }
        rows
    }

    /// The evidence a control used.
    pub(super) fn evidence_of<'a>(&'a self, control: &'a str) -> impl Iterator<Item = &'a Evidence> {
        self.results.evidence.iter().filter(move |e| e.used_by.iter().any(|id| id == control))
    }
}

/// Actual exceptions of a test.
pub(super) fn actual(test: &Test) -> u64 {
    test.exceptions.saturating_sub(test.potential)
}

/// The basis in words.
pub(super) fn basis_words(basis: &Basis) -> String {
    format!("{}, {}, {} confidence", basis.wording, basis.applies, basis.confidence)
}

/// How far the words of a requirement are the SEC's, to be said beside them: nothing where the text was imported.
pub(super) fn wording_note(official_text: Option<&str>, basis: &Basis) -> &'static str {
    match (official_text, basis.wording.as_str()) {
        (Some(_), _) => "",
        (None, "inferred") => "Inferred by the authors of this checklist; not the words of the SEC, nor a paraphrase of them.",
        (None, _) => "Paraphrase, not the words of the SEC.",
    }
}

/// The clause where one was imported, else the position with a word that it is no citation.
pub(super) fn clause_words(control: &Control) -> String {
    control.clause.clone().unwrap_or_else(|| format!("{} (expected position, not a citation)", control.position))
}

/// The kind of engagement in words.
pub(super) fn kind_words(kind: &str) -> &str {
    match kind {
        "stage-1" => "Stage 1 assessment",
        "stage-2" => "Stage 2 assessment",
        "subsequent" => "Subsequent assessment",
        "self-assessment" => "Self-assessment",
        other => other,
    }
}

/// Ids become anchors and keys, and links are made of them: nothing but ours may be one.
fn check_id(id: &str) -> Result<(), ViewError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !id.is_empty() && id.len() <= 64 && id.chars().all(plain) { Ok(()) } else { Err(ViewError::Id(id.to_owned())) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::run_folder;
    use super::*;

    #[test]
    fn totals_that_agree_are_not_remarked_on_and_others_are() {
        let folder = run_folder(|_| ());
        let view = ReportView::open(folder.path()).unwrap();
        assert_eq!(view.discrepancies(&view.listed().unwrap()), Vec::<String>::new());
        let folder = run_folder(|v| v["counts"]["failures_actual"] = json!(7));
        let view = ReportView::open(folder.path()).unwrap();
        assert_eq!(
            view.discrepancies(&view.listed().unwrap()),
            ["Actual exceptions against confirmed criteria: the total says 7, the detail 1"]
        );
    }

    #[test]
    fn refuses_what_is_not_a_run_folder() {
        let open = |folder: &tempfile::TempDir| ReportView::open(folder.path()).map(|_| ());
        assert!(matches!(open(&run_folder(|v| v["schema"] = json!("other/1"))), Err(ViewError::Schema(_))));
        assert!(matches!(open(&run_folder(|v| v["more"] = json!(1))), Err(ViewError::Shape { .. })));
        assert!(matches!(open(&run_folder(|v| v["controls"][0]["id"] = json!("\"><script>"))), Err(ViewError::Id(_))));
        let folder = run_folder(|_| ());
        std::fs::remove_file(folder.path().join("exceptions.jsonl")).unwrap();
        assert!(matches!(open(&folder), Err(ViewError::Read { .. })));
    }

    #[test]
    fn a_view_that_was_cut_is_not_taken_as_whole() {
        let folder = run_folder(|_| ());
        let view = ReportView::open(folder.path()).unwrap();
        assert_eq!(view.lines::<Line>("crls.jsonl", 1).unwrap().first.len(), 1);
        assert_eq!(view.lines::<Line>("crls.jsonl", 9).unwrap().total, 2);
        assert_eq!(view.lines::<Line>("of-another-release.jsonl", 9).unwrap().total, 0);
        std::fs::write(folder.path().join("views/crls.jsonl"), "{}\n").unwrap();
        assert!(matches!(view.lines::<Line>("crls.jsonl", 9), Err(ViewError::Lines { .. })));
    }

    #[test]
    fn what_is_inferred_is_not_called_a_paraphrase() {
        let basis =
            |wording: &str| Basis { wording: wording.to_owned(), applies: String::new(), confidence: String::new(), source: String::new() };
        assert!(wording_note(None, &basis("inferred")).starts_with("Inferred by the authors of this checklist"));
        assert_eq!(wording_note(None, &basis("paraphrase")), "Paraphrase, not the words of the SEC.");
        assert_eq!(wording_note(Some("The text."), &basis("official")), "");
    }
}
