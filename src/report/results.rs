//! `results.json`, schema `assure-results/1`: frozen structs of their own, so that the program can
//! change inside without changing what others read. Every field is always written.
//!
//! Times are ISO 8601 UTC text, dates `YYYY-MM-DD`, counts are records. Text from evidence is raw
//! here: each writer escapes it for its own medium.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::exceptions::Exception;
pub use super::finding::Finding;
pub use super::request::Request;
pub use super::uses::{KeyUse, Presence};

/// The name of the schema, in every file.
pub const SCHEMA: &str = "assure-results/1";

/// The whole result of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The program that made it.
    pub tool: Tool,
    /// The run: id, inputs, what was assumed.
    pub run: Run,
    /// The engagement, as far as it was declared.
    pub engagement: Engagement,
    /// The instruments the controls come from.
    pub instruments: Vec<Instrument>,
    /// Every file of the evidence folder, in order of path.
    pub evidence: Vec<Evidence>,
    /// Every control of the effective checklists, in order of checklist and id.
    pub controls: Vec<Control>,
    /// Everything that weakened the evidence, or that a reader should know.
    pub notes: Vec<Note>,
    /// Totals; each reconciles with the detail.
    pub counts: Counts,
    /// The assessor's conclusion, where the engagement has one; nothing else is a conclusion.
    #[serde(default)]
    pub conclusion: Option<Conclusion>,
    /// A draft for each control with exceptions.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Evidence announced, and evidence to ask for.
    #[serde(default)]
    pub requests: Vec<Request>,
    /// The files of `views/`, and how many lines each has.
    #[serde(default)]
    pub views: BTreeMap<String, u64>,
}

/// The assessor's conclusion, in the assessor's words.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conclusion {
    /// The status recommended.
    pub recommendation: String,
    /// What the PMA is asked to note or decide.
    pub asks: Vec<String>,
    /// By whom.
    pub by: String,
    /// When, as a date.
    pub on: String,
}

/// The program.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// `assure`.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// SHA-256 over the effective checklists.
    pub checklists_sha256: String,
}

/// The run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// 16 hexadecimal digits over all inputs.
    pub id: String,
    /// `indicative` until every control in scope is confirmed or reclassified, then `final`.
    pub state: String,
    /// SHA-256 over sorted (path, hash) of the evidence.
    pub evidence_root_sha256: String,
    /// What the program assumed because nobody declared it.
    pub assumptions: Vec<String>,
    /// The criteria sheets used say that they are illustrative.
    pub illustrative_criteria: bool,
    /// Whether any file changed while it was being read.
    pub integrity_failures: Vec<String>,
}

/// The engagement.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engagement {
    /// Title.
    pub title: String,
    /// Audited party, where declared.
    pub audited_party: Option<String>,
    /// Assessor, where declared.
    pub assessor: Option<String>,
    /// Protective marking, where declared.
    pub marking: Option<String>,
    /// stage-1, stage-2, subsequent or self-assessment.
    pub kind: String,
    /// First day of the period.
    pub period_start: String,
    /// Last day of the period.
    pub period_end: String,
    /// The day the assessment looks back from.
    pub as_of: String,
    /// live, test or unknown.
    pub environment: String,
    /// An `engagement.toml` was there.
    pub declared: bool,
}

/// An instrument.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Id used by controls.
    pub id: String,
    /// Title.
    pub title: String,
    /// Where it stands in the SEC.
    pub sec: String,
    /// Versions and dates in force, as text: `first, from 2020-09-17`.
    pub versions: Vec<String>,
    /// Clauses whose official wording was imported.
    pub clauses_imported: u64,
    /// Imported clauses with "shall", and how each is covered.
    pub coverage: Vec<Coverage>,
}

/// How one imported clause is covered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Clause.
    pub clause: String,
    /// Version of the instrument.
    pub version: String,
    /// Its text.
    pub text: String,
    /// The controls it is attached to.
    pub controls: Vec<String>,
    /// `test`, `procedure`, `excluded` or `not a duty`.
    pub covered_by: String,
    /// The reason of an exclusion.
    pub reason: Option<String>,
}

/// One evidence file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// `EV-` and 12 hexadecimal digits.
    pub id: String,
    /// Path inside the evidence folder.
    pub path: String,
    /// SHA-256; empty where the file could not be opened.
    pub sha256: String,
    /// Octets.
    pub size: u64,
    /// Format it was recognised as.
    pub format: Option<String>,
    /// used, not recognised or unreadable.
    pub status: String,
    /// ok, empty, truncated or secret.
    pub quality: String,
    /// match, mismatch or none.
    pub hash_status: String,
    /// Records read.
    pub records: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Blank lines, comments, headings, and the lines over which a record goes on.
    pub blank: u64,
    /// Lines known to be no records of this format.
    pub passed_over: u64,
    /// Earliest dated record.
    pub first: Option<String>,
    /// Latest dated record.
    pub last: Option<String>,
    /// How times were placed: explicit, declared, date, or a mixture.
    pub zone_basis: String,
    /// How far its clock was ahead of true time, as declared; its instants are corrected by it.
    #[serde(default)]
    pub clock_ahead: Option<String>,
    /// Log stream, where it has one.
    pub stream: Option<String>,
    /// How it was obtained, in words.
    pub obtained: Option<String>,
    /// Tables it feeds.
    pub tables: Vec<String>,
    /// Its sheets where it is a workbook: name and place among them, from 1.
    #[serde(default)]
    pub sheets: BTreeMap<String, u32>,
    /// Controls that used it.
    pub used_by: Vec<String>,
    /// The same content stands under these other paths too.
    pub also: Vec<String>,
    /// Why it was not used or not read, where it was not.
    pub reason: Option<String>,
}

/// How sure a criterion is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// official, paraphrase or inferred.
    pub wording: String,
    /// binding, analogue or practice.
    pub applies: String,
    /// high, medium or low.
    pub confidence: String,
    /// Where it comes from.
    pub source: String,
}

/// One control.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// `AU-08`.
    pub id: String,
    /// Checklist id.
    pub checklist: String,
    /// Title of the checklist.
    pub checklist_title: String,
    /// Instrument id.
    pub instrument: String,
    /// Where the clause is expected; a position, not a citation.
    pub position: String,
    /// The clause, once criteria are imported.
    pub clause: Option<String>,
    /// The official text, once imported.
    pub official_text: Option<String>,
    /// Title.
    pub title: String,
    /// One sentence. A paraphrase unless `official_text` is there.
    pub requirement: String,
    /// examine, interview, test, observe or reperform.
    pub method: String,
    /// design, implementation or operation.
    pub assertion: String,
    /// `party`, or `assessment` for controls that judge the assessment itself.
    pub judges: String,
    /// How sure the criterion is.
    pub basis: Basis,
    /// `confirmed by NAME on DATE`, where it is.
    pub confirmed: Option<String>,
    /// The heading of its results: empty when confirmed, else "Indicative: …".
    pub qualifier: String,
    /// Tool outcome code.
    pub outcome: String,
    /// Tool outcome in words.
    pub outcome_words: String,
    /// Why, in one sentence.
    pub reason: String,
    /// What it leaves open.
    pub leaves_open: String,
    /// What it can lead to where the control does not hold, in general; not what did happen.
    #[serde(default)]
    pub consequence: String,
    /// What a person does.
    pub procedure: Vec<String>,
    /// Evidence to ask for.
    pub evidence_wanted: Vec<String>,
    /// Parameters in force: name, value, and who set it.
    pub parameters: Vec<Parameter>,
    /// Its tests.
    pub tests: Vec<Test>,
    /// The assessor's judgement, where one is on record.
    pub judgement: Option<Judgement>,
}

/// A parameter and where its value comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// ISO 8601 or number.
    pub value: String,
    /// What it means.
    pub about: String,
    /// Which declaration won, and its reason.
    pub set_by: String,
}

/// The assessor's judgement.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// One of the judgements of the design.
    pub judgement: String,
    /// Why.
    pub rationale: String,
    /// By whom.
    pub prepared_by: String,
    /// When.
    pub prepared_on: String,
    /// Reviewed by.
    pub reviewed_by: Option<String>,
    /// Reviewed on.
    pub reviewed_on: Option<String>,
}

/// One test of a control.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Id within the control.
    pub id: String,
    /// Tool outcome code.
    pub outcome: String,
    /// Tool outcome in words.
    pub outcome_words: String,
    /// Why, in one sentence.
    pub reason: String,
    /// The table whose records are judged.
    pub subject: String,
    /// Records tested.
    pub population: u64,
    /// Records outside the population.
    pub excluded: u64,
    /// Records of the population outside the period or the time of the instrument: read, not counted.
    pub outside: u64,
    /// Records that could not be read or placed.
    pub unreadable: u64,
    /// The four above; equals the records of the table.
    pub records: u64,
    /// Exceptions, actual and potential.
    pub exceptions: u64,
    /// Of them potential.
    pub potential: u64,
    /// Rows that would be exceptions if the evidence were shown complete.
    pub undecided: u64,
    /// The population in words: "12,034 of 12,040 tested, 6 unreadable".
    pub coverage: String,
    /// Completeness by table: table, kind, status (shown, not shown, broken), why.
    pub completeness: Vec<Completeness>,
    /// Results by version of the instrument.
    pub segments: Vec<Segment>,
    /// The first exceptions, by id.
    pub sample: Vec<String>,
}

/// Completeness of one table for one test.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Completeness {
    /// Table.
    pub table: String,
    /// declared, sequence, period or none.
    pub rests_on: String,
    /// shown, untested, not shown or broken.
    pub status: String,
    /// Why.
    pub reason: String,
}

/// The part of a test under one version of the instrument.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Version.
    pub version: String,
    /// First instant.
    pub from: String,
    /// First instant after.
    pub until: String,
    /// Records tested.
    pub population: u64,
    /// Exceptions.
    pub exceptions: u64,
    /// Parameters bound, `name = value`.
    pub parameters: Vec<String>,
}

/// Something that weakened the evidence, or that a reader should know.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Stable code, `N-TIME-003`.
    pub code: String,
    /// `weakens` where it can change an outcome, `informs` where it cannot.
    pub weight: String,
    /// Evidence id, where it concerns one file.
    pub evidence: Option<String>,
    /// Path of that file.
    pub path: Option<String>,
    /// Where in the file.
    pub locator: String,
    /// What.
    pub what: String,
    /// How many records.
    pub count: u64,
    /// Controls it can affect.
    pub affects: Vec<String>,
    /// How to mend it.
    pub fix: String,
}

/// Totals.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Evidence files, by status.
    pub evidence: BTreeMap<String, u64>,
    /// Controls by tool outcome code, all of them.
    pub outcomes: BTreeMap<String, u64>,
    /// The same, of confirmed controls only.
    pub confirmed_outcomes: BTreeMap<String, u64>,
    /// Controls in scope, and of them confirmed.
    pub in_scope: u64,
    /// Confirmed controls in scope.
    pub confirmed: u64,
    /// Exceptions against confirmed criteria: actual.
    pub failures_actual: u64,
    /// Exceptions against confirmed criteria: potential.
    pub failures_potential: u64,
    /// Exceptions against criteria nobody has confirmed.
    pub indicative_exceptions: u64,
    /// Notes that weaken, and that inform.
    pub notes: BTreeMap<String, u64>,
}
