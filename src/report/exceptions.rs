//! `exceptions.jsonl`: every exception with its place, its words and the records it rests on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use super::fault;
use super::record::Matter;
use crate::catalogue::control::TestFile;
use crate::catalogue::statement::FALLS_AT;
use crate::domain::digest;
use crate::domain::evidence::Locator;
use crate::engine::{Cell, Rows};
use crate::evaluate::SegmentFacts;
use crate::judge::JudgedControl;
use crate::judge::certainty::{self, Certainty};
use crate::normalise::SourceFacts;
use crate::parse;

/// Exceptions of a test that stand in `results.json` by id.
const SAMPLE: usize = 20;

/// One line of `exceptions.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// `EX-` and 12 hexadecimal digits, the same on equal input.
    pub id: String,
    /// Control.
    pub control: String,
    /// Test.
    pub test: String,
    /// Version of the instrument under which it was tested.
    pub segment: String,
    /// actual or potential.
    pub certainty: String,
    /// Whether the criterion was confirmed.
    pub confirmed: bool,
    /// The instant by which it was judged, where it has one.
    #[serde(default)]
    pub judged_at: Option<String>,
    /// What is amiss, where these are the checklist's own words and none of the evidence.
    #[serde(default)]
    pub fault: Option<String>,
    /// Evidence id.
    pub evidence: String,
    /// Path of the evidence.
    pub path: String,
    /// Where in the file: `line 12`, `object 3`.
    pub locator: String,
    /// The exception in words.
    pub says: String,
    /// Every column the statement returned, as text; null stays null.
    pub values: BTreeMap<String, Option<String>>,
    /// Where the other records it rests on stand: `path, locator`.
    pub also: Vec<String>,
}

/// What is kept of the exceptions of a test once they are written.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// The first, by id.
    pub(super) sample: Vec<String>,
    /// Where the first stands, and what it says.
    pub(super) first: Option<(String, String)>,
    /// Where the last stands.
    pub(super) last: String,
    /// Evidence ids.
    pub(super) evidence: BTreeSet<String>,
}

/// The traces of all tests, by control and test.
pub(super) type Traces = BTreeMap<(String, String), Trace>;

/// Id and path of what stands in no evidence, but in the declarations of the engagement.
const DECLARED: (&str, &str) = ("engagement", "engagement.toml");

/// Columns of a statement that are for the program.
const INTERNAL: &[&str] = &["evidence", "row", "rests_on", "beyond", "certainty"];

impl Matter<'_> {
    pub(super) fn exceptions(&self, out: &mut dyn Write, traces: &mut Traces) -> io::Result<()> {
        for judged in &self.judged.controls {
            let Some(control) = self.catalogue.controls.get(&judged.facts.id) else { continue };
            for (test, file) in judged.facts.tests.iter().zip(&control.file.test) {
                let told = Told { says: Says::new(&file.says), fault: fault::is_literal(&file.exceptions) };
                for segment in &test.segments {
                    for row in segment.rows.sorted_by(&["evidence", "row"]) {
                        let certainty = certainty::of_row(test, &segment.rows, row);
                        if certainty == Certainty::Undecided {
                            continue;
                        }
                        let exception = self.exception(judged, file, segment, row, certainty, &told);
                        traces.entry((judged.facts.id.clone(), test.id.clone())).or_default().add(&exception);
                        serde_json::to_writer(&mut *out, &exception)?;
                        out.write_all(b"\n")?;
                    }
                }
            }
        }
        Ok(())
    }

    fn exception(
        &self,
        judged: &JudgedControl,
        file: &TestFile,
        segment: &SegmentFacts,
        row: usize,
        certainty: Certainty,
        told: &Told,
    ) -> Exception {
        let rows = &segment.rows;
        let values: BTreeMap<String, Option<String>> = rows
            .names()
            .iter()
            .filter(|name| !INTERNAL.contains(&name.as_str()))
            .map(|name| (name.clone(), rows.named(row, name).text()))
            .collect();
        let (source, locator) = self.place(&rows.named(row, "evidence"), &rows.named(row, "row"));
        let id = source.map_or_else(|| DECLARED.0.to_owned(), |source| source.evidence.id.clone());
        let own: BTreeMap<&String, &Option<String>> = values.iter().filter(|(name, _)| !name.ends_with("_evidence")).collect();
        let values_text = serde_json::to_string(&own).unwrap_or_default();
        let print = digest::sha256_of_parts([judged.facts.id.as_str(), &file.id, &segment.version, &id, &locator, &values_text]);
        let mut also = self.other_places(rows, row);
        let key = (rows.named(row, "evidence").integer().unwrap_or_default(), rows.named(row, "row").integer().unwrap_or_default());
        let elsewhere = self.normalised.tables.get(&file.subject).and_then(|table| table.elsewhere.get(&key));
        also.extend(elsewhere.into_iter().flatten().map(|(evidence, row)| {
            let (source, locator) = self.place(&Cell::Integer(*evidence), &Cell::Integer(*row));
            format!("{}, {locator}", source.map_or("?", |source| source.evidence.path.as_str()))
        }));
        Exception {
            id: format!("EX-{}", digest::short(&print, 12)),
            control: judged.facts.id.clone(),
            test: file.id.clone(),
            segment: segment.version.clone(),
            certainty: certainty.word().to_owned(),
            confirmed: judged.confirmed.is_some(),
            judged_at: judged_at(file, rows, row),
            fault: values.get("fault").cloned().flatten().filter(|_| told.fault),
            evidence: id,
            path: source.map_or_else(|| DECLARED.1.to_owned(), |source| source.evidence.path.clone()),
            locator,
            says: told.says.render(&values),
            values,
            also,
        }
    }

    /// The file and place of a row.
    pub(super) fn place(&self, evidence: &Cell, row: &Cell) -> (Option<&SourceFacts>, String) {
        let number = evidence.integer().and_then(|number| u32::try_from(number).ok());
        let source = self.normalised.sources.iter().find(|source| Some(source.evidence.number) == number);
        let counted = source.map_or(Locator::Line, |source| parse::locator(&source.evidence, &self.catalogue.formats));
        if source.is_none() {
            return (None, format!("entry {}", row.integer().unwrap_or_default()));
        }
        (source, counted.text(row.integer().unwrap_or_default().unsigned_abs()))
    }

    /// The other records a row rests on: pairs `<alias>_evidence`, `<alias>_row`.
    fn other_places(&self, rows: &Rows, row: usize) -> Vec<String> {
        let aliases = rows.names().iter().filter_map(|name| name.strip_suffix("_evidence"));
        aliases
            .filter_map(|alias| {
                let evidence = rows.named(row, &format!("{alias}_evidence"));
                let at = rows.named(row, &format!("{alias}_row"));
                if evidence == Cell::Null || at == Cell::Null {
                    return None;
                }
                let (source, locator) = self.place(&evidence, &at);
                Some(format!("{}, {locator}", source?.evidence.path))
            })
            .collect()
    }
}

impl Trace {
    fn add(&mut self, exception: &Exception) {
        if self.sample.len() < SAMPLE {
            self.sample.push(exception.id.clone());
        }
        self.evidence.insert(exception.evidence.clone());
        self.last = format!("{}, {}", exception.path, exception.locator);
        if self.first.is_none() {
            self.first = Some((self.last.clone(), exception.says.clone()));
        }
    }
}

/// The instant of a row: the one its statement gives, else that of its record.
fn judged_at(test: &TestFile, rows: &Rows, row: usize) -> Option<String> {
    let given = rows.names().iter().find(|name| *name == FALLS_AT).or(test.dated_by.as_ref())?;
    let cell = rows.named(row, given);
    cell.text().filter(|_| matches!(cell, Cell::Timestamp(_)))
}

/// How the exceptions of a test are told.
struct Told {
    says: Says,
    /// Whether `fault` can hold nothing but words of the statement.
    fault: bool,
}

/// The template of a test's words.
struct Says(Environment<'static>);

impl Says {
    fn new(template: &str) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        // A template that does not parse is a complaint of `lint`; here its row still speaks.
        let _ = environment.add_template_owned("says", template.to_owned());
        Self(environment)
    }

    fn render(&self, values: &BTreeMap<String, Option<String>>) -> String {
        let shown: BTreeMap<String, String> =
            values.iter().map(|(k, v)| (k.clone(), v.clone().unwrap_or_else(|| "(nothing)".to_owned()))).collect();
        let rendered = self.0.get_template("says").and_then(|template| template.render(minijinja::Value::from(shown)));
        rendered.unwrap_or_else(|error| format!("{values:?} ({error})"))
    }
}
