//! What the writers see of a run: read from the run folder alone. Decides nothing; it only sorts,
//! counts and words things once, so that no two reports count or word them differently.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::results::{Basis, Control, Evidence, Exception, Results, SCHEMA, Test};
use super::untrusted::visible;
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
        let Some(total) = self.results.views.get(view).copied() else { return Ok(Lines { first: Vec::new(), total: 0 }) };
        let path = self.views_path.join(view);
        let read = |source| ViewError::Read { path: path.clone(), source };
        let wrong = |line, what: String| ViewError::Lines { view: view.to_owned(), line, what };
        let mut first = Vec::new();
        for (text, line) in BufReader::new(File::open(&path).map_err(read)?).lines().take(most).zip(1_u64..) {
            first.push(serde_json::from_str(&text.map_err(read)?).map_err(|error| wrong(line, error.to_string()))?);
        }
        let found = first.len() as u64;
        if found < total.min(most as u64) {
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

/// A number with a comma every three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Ids become anchors and keys, and links are made of them: nothing but ours may be one.
fn check_id(id: &str) -> Result<(), ViewError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !id.is_empty() && id.len() <= 64 && id.chars().all(plain) { Ok(()) } else { Err(ViewError::Id(id.to_owned())) }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Everything a hostile file would put in a cell.
    pub(in super::super) const HOSTILE: &str =
        "<script>alert(1)</script>{{ 7*7 }}{% raw %}\u{202e}\u{1b}[2J\" onmouseover=\"x' =cmd|' /C calc'!A0";
    /// In every field that must not leave the assessor.
    pub(in super::super) const CANARY: &str = "Alice Canary";

    fn test(id: &str, outcome: &str, words: &str, numbers: [u64; 3]) -> Value {
        let [population, exceptions, potential] = numbers;
        json!({"id": id, "outcome": outcome, "outcome_words": words, "reason": format!("Reason with {HOSTILE} in ca/{CANARY}.log."),
            "subject": "ca_events", "population": population, "excluded": 4, "outside": 2, "unreadable": 1,
            "records": population + 7, "exceptions": exceptions, "potential": potential, "undecided": 0,
            "coverage": format!("{population} of {} tested, 1 unreadable", population + 1),
            "completeness": [{"table": "ca_events", "rests_on": "sequence", "status": "not shown", "reason": format!("gap in {CANARY}")}],
            "segments": [{"version": "1.0", "from": "2021-01-01T00:00:00Z", "until": "2022-01-01T00:00:00Z",
                "population": population, "exceptions": exceptions, "parameters": ["max_interval = PT12H"]}], "sample": []})
    }

    fn control(id: &str, title: &str, confirmed: Option<&str>, outcome: (&str, &str), tests: &[Value]) -> Value {
        let qualifier = if confirmed.is_some() { "" } else { "Indicative: the wording of this clause has not been confirmed" };
        json!({"id": id, "checklist": "s1spki", "checklist_title": "S1SPKI Certificate Policy", "instrument": "s1spki-cp",
            "position": "RFC 3647 4.9.7", "clause": null, "official_text": null, "title": title,
            "requirement": "An issuing CA issues a CRL at least every twelve hours.", "method": "reperform", "assertion": "operation",
            "judges": "party", "basis": {"wording": "inferred", "applies": "analogue", "confidence": "medium", "source": "position 4.9.7"},
            "confirmed": confirmed, "qualifier": qualifier, "outcome": outcome.0, "outcome_words": outcome.1,
            "reason": format!("Gap found in ca/{CANARY}.log."), "leaves_open": "When the CRLs were lodged.",
            "procedure": ["Ask for the lodging record."], "evidence_wanted": ["every CRL of the period"],
            "parameters": [{"name": "max_interval", "value": "PT12H", "about": "longest time", "set_by": format!("engagement, by {CANARY} on 2022-02-01")}],
            "tests": tests,
            "judgement": {"judgement": "met", "rationale": CANARY, "prepared_by": CANARY, "prepared_on": "2022-02-01", "reviewed_by": null, "reviewed_on": null}})
    }

    fn results() -> Value {
        let confirmed = format!("confirmed by {CANARY} on 2022-02-01");
        json!({"schema": SCHEMA, "tool": {"name": "assure", "version": "0.1.0", "checklists_sha256": "c".repeat(64)},
            "run": {"id": "0123456789abcdef", "state": "indicative", "evidence_root_sha256": "e".repeat(64),
                "assumptions": [format!("ca/{CANARY}.log is in UTC.")], "illustrative_criteria": true, "integrity_failures": [format!("ca/{CANARY}.log")]},
            "engagement": {"title": "S1SPKI Secure cohort 2021", "audited_party": "Data Communications Company", "assessor": "Assessor & Sons",
                "marking": "OFFICIAL & SENSITIVE", "kind": "subsequent", "period_start": "2021-01-01", "period_end": "2021-12-31",
                "as_of": "2022-01-31", "environment": "live", "declared": true},
            "instruments": [{"id": "s1spki-cp", "title": "S1SPKI Certificate Policy", "sec": "Appendix AP", "versions": ["first, from 2020-09-17"],
                "clauses_imported": 1, "coverage": [{"clause": "4.9.7", "version": "first", "text": CANARY, "controls": ["RV-02"], "covered_by": "test", "reason": null}]}],
            "evidence": [{"id": "EV-0123456789ab", "path": format!("ca/{CANARY}.log"), "sha256": "a".repeat(64), "size": 12345, "format": "ejbca-log",
                "status": "used", "quality": "ok", "hash_status": "match", "records": 1234, "rejected": 1, "blank": 2, "passed_over": 3,
                "first": "2021-01-01T00:00:00Z", "last": "2021-12-31T23:00:00Z", "zone_basis": "explicit", "stream": CANARY,
                "obtained": format!("observed by {CANARY} on 2022-01-10"), "tables": ["ca_events"], "used_by": ["AU-08", "RV-02"], "also": [], "reason": null},
              {"id": "EV-ba9876543210", "path": format!("notes/{HOSTILE}.txt"), "sha256": "b".repeat(64), "size": 5, "format": null,
                "status": "not recognised", "quality": "ok", "hash_status": "none", "records": 0, "rejected": 0, "blank": 0, "passed_over": 0,
                "first": null, "last": null, "zone_basis": "", "stream": null, "obtained": null, "tables": [], "used_by": [], "also": [],
                "reason": format!("no format matches {CANARY}")}],
            "controls": [
                control("AU-08", "Audit logs are kept", Some(&confirmed), ("exceptions", "exceptions noted"), &[test("kept", "exceptions", "exceptions noted", [1200, 2, 1])]),
                control("KM-11", "Keys are used within their period", None, ("could_not_test", "could not test"), &[]),
                control("RV-02", "CRLs are issued at least every twelve hours", None, ("exceptions", "exceptions noted"), &[test("interval", "exceptions", "exceptions noted", [730, 1, 0])])],
            "notes": [{"code": "N-TIME-003", "weight": "weakens", "evidence": "EV-0123456789ab", "path": format!("ca/{CANARY}.log"),
                "locator": format!("column {CANARY}, rows 2-418"), "what": format!("date order of {HOSTILE} cannot be decided"), "count": 417,
                "affects": ["KM-11"], "fix": format!("declare date_order for {CANARY}")}],
            "counts": {"evidence": {"used": 1, "not recognised": 1}, "outcomes": {"exceptions": 2, "could_not_test": 1},
                "confirmed_outcomes": {"exceptions": 1}, "in_scope": 3, "confirmed": 1, "failures_actual": 1, "failures_potential": 1,
                "indicative_exceptions": 1, "notes": {"weakens": 1}}})
    }

    /// A run folder with all of it.
    pub(in super::super) fn run_folder(change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut value = results();
        change(&mut value);
        std::fs::write(folder.path().join("results.json"), value.to_string()).unwrap();
        let lines: String = [("1", "AU-08", "actual"), ("2", "AU-08", "potential"), ("3", "RV-02", "actual")]
            .map(|(n, control, certainty)| {
                json!({"id": format!("EX-{n}00000000000"), "control": control, "test": "t", "segment": "1.0", "certainty": certainty,
                    "confirmed": control == "AU-08", "evidence": "EV-0123456789ab", "path": format!("ca/{CANARY}.log"),
                    "locator": format!("sheet {CANARY}, line {n}2"), "says": HOSTILE, "values": {"who": CANARY, "=col": HOSTILE, "none": null},
                    "also": [format!("ca/{CANARY}.log, line 3")]})
                .to_string()
                    + "\n"
            })
            .concat();
        std::fs::write(folder.path().join("exceptions.jsonl"), lines).unwrap();
        folder
    }

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
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
