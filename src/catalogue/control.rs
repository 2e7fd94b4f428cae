//! Checklists and controls, from `<checklist>/_about.toml` and `<checklist>/<ID>.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::engagement::READINGS;
use super::parameter::Value;
use super::statement::Statement;
use super::{Catalogue, Complaint};

/// A checklist.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checklist {
    #[serde(rename = "schema")]
    _schema: u32,
    /// Id: the folder's name.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it covers.
    pub about: String,
}

/// How sure a criterion is, on two axes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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

/// What a clause is about, which decides the rows it is tested on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppliesTo {
    /// Things that happened: those of the period, each by the version in force at its instant.
    Event,
    /// How things are, for as long as they are relied on.
    State,
    /// How things were made, whenever that was.
    Baseline,
}

/// A control.
#[derive(Debug, Clone)]
pub struct Control {
    /// Id.
    pub id: String,
    /// Checklist it stands in.
    pub checklist: String,
    /// What was written.
    pub file: ControlFile,
    /// Its statements, in the order of its tests.
    pub statements: Vec<Statement>,
}

/// What was written in a control file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlFile {
    #[serde(rename = "schema")]
    _schema: u32,
    /// Title: what holds when there are no exceptions.
    pub title: String,
    /// Instrument id.
    pub instrument: String,
    /// Where the clause is expected.
    pub expected_position: String,
    /// event, state or baseline.
    pub applies_to: AppliesTo,
    /// design, implementation or operation.
    pub assertion: String,
    /// `party`, or `assessment` where it judges the assessment itself.
    #[serde(default = "party")]
    pub judges: String,
    /// The reading of G2.23 and G2.24 to which it belongs, where it belongs to one.
    pub reading: Option<String>,
    /// Stages at which it is due.
    pub stages: Vec<String>,
    /// One paraphrased sentence.
    pub requirement: String,
    /// examine, interview, test, observe or reperform.
    pub method: String,
    /// What to ask for.
    pub evidence: Vec<String>,
    /// What no exceptions leaves open.
    #[serde(default)]
    pub leaves_open: String,
    /// What it can lead to where it does not hold, in one sentence.
    #[serde(default)]
    pub consequence: String,
    /// What a person does.
    #[serde(default)]
    pub procedure: Vec<String>,
    /// How sure it is.
    pub basis: Basis,
    /// Thresholds.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterFile>,
    /// Tests.
    #[serde(default)]
    pub test: Vec<TestFile>,
}

fn party() -> String {
    "party".to_owned()
}

/// A threshold with a basis of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterFile {
    /// ISO 8601 period, or a whole number.
    pub value: String,
    /// What it means.
    pub about: String,
    /// official, paraphrase or inferred.
    pub wording: String,
    /// binding, analogue or practice.
    pub applies: String,
    /// high, medium or low.
    pub confidence: String,
}

/// A test.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// Id within the control.
    pub id: String,
    /// The table whose rows are judged.
    pub subject: String,
    /// Which rows.
    #[serde(rename = "where")]
    pub selects: String,
    /// Columns without which a row of the population cannot be judged.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What the completeness of a table rests on.
    #[serde(default)]
    pub tables: BTreeMap<String, RestsOn>,
    /// The instant of a row.
    pub dated_by: Option<String>,
    /// The end of a row that lasts; empty means it still does.
    pub lasts_until: Option<String>,
    /// An exception in words: a template over the columns of the statement.
    pub says: String,
    /// The statement whose rows are the exceptions.
    pub exceptions: String,
}

/// What the completeness of a table rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RestsOn {
    /// `[[expected]]` in the engagement.
    Declared,
    /// Numbers without gap.
    Sequence,
    /// Coverage of the period without a hole.
    Period,
    /// Nothing.
    None,
}

impl RestsOn {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Sequence => "sequence",
            Self::Period => "period",
            Self::None => "none",
        }
    }
}

/// Kinds of assessment, which are the stages of controls too.
pub const STAGES: [&str; 4] = ["stage-1", "stage-2", "subsequent", "self-assessment"];

impl Checklist {
    /// Reads `_about.toml`.
    pub fn read(path: &str, text: &str, complaints: &mut Vec<Complaint>) -> Option<Self> {
        match toml::from_str::<Self>(text) {
            Ok(checklist) => Some(checklist),
            Err(error) => {
                complaints.push(Complaint::new(path, error));
                None
            }
        }
    }
}

impl Control {
    /// Reads a control.
    pub fn read(path: &str, text: &str, id: &str, checklist: &str, complaints: &mut Vec<Complaint>) -> Option<Self> {
        let file: ControlFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                complaints.push(Complaint::new(path, error));
                return None;
            }
        };
        let mut statements = Vec::new();
        for test in &file.test {
            match Statement::parse(test) {
                Ok(statement) => statements.push(statement),
                Err(what) => complaints.push(Complaint::new(path, format!("test {}: {what}", test.id))),
            }
        }
        Some(Self { id: id.to_owned(), checklist: checklist.to_owned(), file, statements })
    }

    /// The file it was read from.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}.toml", self.checklist, self.id)
    }

    /// Tests with their statements.
    pub fn tests(&self) -> impl Iterator<Item = (&TestFile, &Statement)> {
        self.file.test.iter().zip(&self.statements)
    }

    /// Complains of everything that does not resolve.
    pub(super) fn check(&self, catalogue: &Catalogue, rules: &[String], complaints: &mut Vec<Complaint>) {
        let path = self.path();
        let mut complain = |what: String| complaints.push(Complaint::new(&path, what));
        let file = &self.file;
        if !catalogue.checklists.contains_key(&self.checklist) {
            complain(format!("checklist {:?} has no _about.toml", self.checklist));
        }
        if !catalogue.instruments.contains_key(&file.instrument) {
            complain(format!("no instrument {:?}", file.instrument));
        }
        for stage in &file.stages {
            if !STAGES.contains(&stage.as_str()) {
                complain(format!("no stage {stage:?}"));
            }
        }
        if let Some(reading) = &file.reading {
            one_of("reading", reading, &READINGS, &mut complain);
        }
        one_of("method", &file.method, &["examine", "interview", "test", "observe", "reperform"], &mut complain);
        one_of("assertion", &file.assertion, &["design", "implementation", "operation"], &mut complain);
        one_of("judges", &file.judges, &["party", "assessment"], &mut complain);
        let parameter_bases = file.parameters.values().map(|p| (&p.wording, &p.applies, &p.confidence));
        let basis = (&file.basis.wording, &file.basis.applies, &file.basis.confidence);
        for (wording, applies, confidence) in std::iter::once(basis).chain(parameter_bases) {
            one_of("wording", wording, &["official", "paraphrase", "inferred"], &mut complain);
            one_of("applies", applies, &["binding", "analogue", "practice"], &mut complain);
            one_of("confidence", confidence, &["high", "medium", "low"], &mut complain);
        }
        if file.test.is_empty() && file.procedure.is_empty() {
            complain("neither a test nor a procedure".to_owned());
        }
        for (name, parameter) in &file.parameters {
            if Value::parse(&parameter.value).is_none() {
                complain(format!(
                    "parameter {name}: {:?} is neither a period of one unit such as PT12H or P12M nor a number",
                    parameter.value
                ));
            }
            if !self.statements.iter().any(|statement| statement.parameters.contains(name)) {
                complain(format!("parameter {name} is used by no test"));
            }
        }
        for (test, statement) in self.tests() {
            for what in statement.check(self, test, catalogue, rules) {
                complain(format!("test {}: {what}", test.id));
            }
        }
    }
}

fn one_of(what: &str, value: &str, allowed: &[&str], complain: &mut impl FnMut(String)) {
    if !allowed.contains(&value) {
        complain(format!("{what} = {value:?}: expected one of {}", allowed.join(", ")));
    }
}
