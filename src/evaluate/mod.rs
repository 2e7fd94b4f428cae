//! Stage 4: what the tests find.
//!
//! Takes the tables and the controls, gives for each test its population, what could not be read,
//! how complete the evidence is, and the rows of its exceptions. It holds no opinion: what they
//! mean is for `judge`.

pub mod completeness;
pub mod coverage;
pub mod scope;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::Catalogue;
use crate::catalogue::control::{AppliesTo, Control, TestFile};
use crate::catalogue::engagement::Engagement;
use crate::catalogue::overrides::Overrides;
use crate::catalogue::parameter::Value;
use crate::catalogue::statement::{Bounds, Statement, unsettled};
use crate::domain::outcome::Outcome;
use crate::engine::{Engine, EngineError, Rows};
use crate::normalise::{Normalised, TableFacts};

use completeness::Completeness;
use coverage::{Coverage, Silence};

/// What one control gave.
pub struct ControlFacts {
    /// Control.
    pub id: String,
    /// Why it was not tested at all: not applicable or not in force.
    pub set_aside: Option<(Outcome, String)>,
    /// Parameters in force, with who set them.
    pub parameters: Vec<ParameterFacts>,
    /// The versions of the instrument in force.
    pub versions: Vec<String>,
    /// Its tests, in order.
    pub tests: Vec<TestFacts>,
}

/// A parameter and where its value comes from.
#[derive(Debug, Clone)]
pub struct ParameterFacts {
    /// Name.
    pub name: String,
    /// Value as written.
    pub value: String,
    /// Which declaration won, and its reason.
    pub set_by: String,
}

/// What one test gave.
#[derive(Default)]
pub struct TestFacts {
    /// Test.
    pub id: String,
    /// Tables without a readable source: the test was not run.
    pub missing: Vec<String>,
    /// The engine refused a statement.
    pub failure: Option<String>,
    /// Records by class.
    pub census: Census,
    /// Why rows of the population cannot be judged: column, how many, and what its being empty means.
    pub needs_empty: Vec<(String, u64, Option<String>)>,
    /// Records of supporting tables that could not be read or settled.
    pub support_unreadable: BTreeMap<String, u64>,
    /// Supporting tables of which no row at all is settled.
    pub support_void: BTreeSet<String>,
    /// How complete each table is that the test rests on.
    pub completeness: Vec<Completeness>,
    /// The kinds of event it is about that no log of the evidence could tell, and why.
    pub untold: BTreeMap<String, Silence>,
    /// Results by version of the instrument.
    pub segments: Vec<SegmentFacts>,
    /// Files whose rows the test read.
    pub sources: BTreeSet<u32>,
}

/// Records of the subject by class; they sum to all its records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Tested.
    pub population: u64,
    /// Not what the test is about.
    pub excluded: u64,
    /// In the population, but outside the period or the time of the instrument.
    pub outside: u64,
    /// Could not be read, settled or judged.
    pub unreadable: u64,
}

impl Census {
    /// All records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.population + self.excluded + self.outside + self.unreadable
    }
}

/// What one test gave under one version of the instrument.
pub struct SegmentFacts {
    /// Version.
    pub version: String,
    /// First instant.
    pub from: i64,
    /// First instant after.
    pub until: i64,
    /// Records tested.
    pub population: u64,
    /// Parameters bound.
    pub parameters: Vec<ParameterFacts>,
    /// The bound statement.
    pub sql: String,
    /// The rows it gave.
    pub rows: Rows,
}

/// Runs every control over the tables. `progress` is told each control before it is run.
///
/// # Errors
/// [`EngineError`] where the tables themselves cannot be read; a statement that fails is a fact of its test.
pub fn evaluate(
    normalised: &Normalised,
    catalogue: &Catalogue,
    engagement: &Engagement,
    overrides: &Overrides,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<ControlFacts>, EngineError> {
    let states = completeness::States::of(normalised, catalogue, engagement)?;
    let coverage = Coverage::of(normalised, catalogue)?;
    let mut all = Vec::new();
    for control in catalogue.controls.values() {
        progress(&control.id);
        let run = Run { normalised, catalogue, engagement, overrides, control, states: &states, coverage: &coverage };
        all.push(run.control());
    }
    Ok(all)
}

/// Runs every statement of a control against the declared tables without data.
///
/// # Errors
/// In words, where one cannot be bound or run.
pub fn plan(control: &Control, catalogue: &Catalogue) -> Result<(), String> {
    let mut engine = Engine::default();
    for table in catalogue.tables.stored() {
        engine.register(&table.name, table.schema().clone(), Vec::new());
    }
    let parameters = control.file.parameters.iter().filter_map(|(name, p)| Some((name.clone(), Value::parse(&p.value)?))).collect();
    let bounds = Bounds { period_start: 0, period_end: 1, as_of: 1, segment_start: 0, segment_end: 1, environment: "live".to_owned() };
    for (test, statement) in control.tests() {
        let say = |why: String| format!("test {}: {why}", test.id);
        let subject = catalogue.tables.get(&test.subject).ok_or_else(|| say("no subject".to_owned()))?;
        let dated = control.file.applies_to == AppliesTo::Event;
        let sql = statement.bind(test, subject, &parameters, &bounds, dated).map_err(say)?;
        // Run, not only planned: some statements plan and then break the streaming engine.
        engine.query(&sql).map_err(|error| say(error.to_string()))?;
        engine.query(&statement.census(test, subject, &[(0, 1)])).map_err(|error| say(error.to_string()))?;
    }
    Ok(())
}

struct Run<'a> {
    normalised: &'a Normalised,
    catalogue: &'a Catalogue,
    engagement: &'a Engagement,
    overrides: &'a Overrides,
    control: &'a Control,
    states: &'a completeness::States,
    coverage: &'a Coverage<'a>,
}

impl Run<'_> {
    fn control(&self) -> ControlFacts {
        let timeline = &self.normalised.timeline;
        let segments = scope::segments(self.control, self.catalogue, timeline);
        let mut facts = ControlFacts {
            id: self.control.id.clone(),
            set_aside: scope::set_aside(self.control, self.engagement, self.overrides),
            parameters: Vec::new(),
            versions: segments.iter().map(|(version, ..)| version.clone()).collect(),
            tests: Vec::new(),
        };
        if facts.set_aside.is_none() && segments.is_empty() {
            facts.set_aside = Some(scope::not_in_force(self.control, self.catalogue, timeline));
        }
        let last = segments.last().map_or(timeline.period_start, |segment| segment.1);
        facts.parameters = self.parameters(last);
        if facts.set_aside.is_none() {
            facts.tests = self.control.tests().map(|(test, statement)| self.test(test, statement, &segments)).collect();
        }
        facts
    }

    fn parameters(&self, segment_start: i64) -> Vec<ParameterFacts> {
        let at = scope::instant(self.control, &self.normalised.timeline, segment_start);
        scope::parameters(self.control, self.catalogue, self.engagement, self.overrides, at)
    }

    /// The value of a parameter, if it is of the kind of the control's own: a number is no length of time.
    fn of_kind(&self, parameter: &ParameterFacts) -> Option<Value> {
        let own = Value::parse(&self.control.file.parameters.get(&parameter.name)?.value)?;
        Value::parse(&parameter.value).filter(|value| value.same_kind(own))
    }

    fn test(&self, test: &TestFile, statement: &Statement, segments: &[(String, i64, i64)]) -> TestFacts {
        let mut facts = TestFacts { id: test.id.clone(), ..TestFacts::default() };
        for table in &statement.tables {
            let Some(known) = self.normalised.tables.get(table) else { continue };
            facts.sources.extend(&known.sources);
            if known.sources.is_empty() && !own(table) {
                facts.missing.push(table.clone());
            }
        }
        for table in test.tables.iter().filter(|(table, _)| *table != "engagement") {
            facts.completeness.push(self.states.of_table(table.0, *table.1));
        }
        if test.tables.contains_key("engagement") {
            facts.completeness.push(completeness::of_engagement(self.engagement));
        }
        if !facts.missing.is_empty() {
            return facts;
        }
        if let Err(error) = self.fill(test, statement, segments, &mut facts) {
            facts.failure = Some(error);
        }
        facts
    }

    fn fill(&self, test: &TestFile, statement: &Statement, segments: &[(String, i64, i64)], facts: &mut TestFacts) -> Result<(), String> {
        let subject = self.catalogue.tables.get(&test.subject).ok_or("no subject")?;
        let engine = &self.normalised.engine;
        let dated = self.control.file.applies_to == AppliesTo::Event;
        let spans: Vec<(i64, i64)> =
            if dated { segments.iter().map(|(_, from, until)| (*from, *until)).collect() } else { vec![(i64::MIN / 4, i64::MAX / 4)] };
        let counted = if dated { statement.census(test, subject, &spans) } else { statement.census(test, subject, &[]) };
        let empty = engine.files(&test.subject).is_empty();
        let rows = if empty { Rows::default() } else { engine.query(&counted).map_err(|error| error.to_string())? };
        let mut within = vec![0; segments.len()];
        for row in 0..rows.len() {
            let number = |name: &str| rows.named(row, name).integer().unwrap_or_default().unsigned_abs();
            match rows.named(row, "class").text().as_deref() {
                Some("population") => {
                    for (index, count) in within.iter_mut().enumerate() {
                        *count = if dated { number(&format!("s{index}")) } else { number("n") };
                    }
                    facts.census.outside = number("n");
                }
                Some("excluded") => facts.census.excluded = number("n"),
                _ => facts.census.unreadable += number("n"),
            }
        }
        facts.census.population = self.distinct(test, statement, &within, facts.census.outside, &spans)?;
        facts.census.outside -= facts.census.population.min(facts.census.outside);
        facts.census.unreadable += self.normalised.tables.get(&test.subject).map_or(0, |table| table.rejected);
        if facts.census.unreadable > 0 {
            facts.needs_empty = self.needs_empty(test, statement)?;
        }
        if subject.stream.is_some() {
            facts.untold = self.coverage.untold(statement, &test.subject);
        }
        self.support(statement, test, facts)?;
        for ((version, from, until), population) in segments.iter().zip(within) {
            let parameters = self.parameters(*from);
            let bound: BTreeMap<String, Value> = parameters.iter().filter_map(|p| Some((p.name.clone(), self.of_kind(p)?))).collect();
            let timeline = &self.normalised.timeline;
            let bounds = Bounds {
                period_start: timeline.period_start,
                period_end: timeline.period_end,
                as_of: timeline.as_of,
                segment_start: *from,
                segment_end: *until,
                environment: self.engagement.environment.clone(),
            };
            let sql = statement.bind(test, subject, &bound, &bounds, dated)?;
            let found = engine.query(&sql).map_err(|error| error.to_string())?;
            let used = parameters.into_iter().filter(|p| statement.parameters.contains(&p.name)).collect();
            facts.segments.push(SegmentFacts {
                version: version.clone(),
                from: *from,
                until: *until,
                population,
                parameters: used,
                sql,
                rows: found,
            });
        }
        Ok(())
    }

    /// Records tested. Rows that last may count in several segments, but are one record each.
    fn distinct(&self, test: &TestFile, statement: &Statement, within: &[u64], all: u64, spans: &[(i64, i64)]) -> Result<u64, String> {
        if self.control.file.applies_to != AppliesTo::Event {
            return Ok(all);
        }
        if test.lasts_until.is_none() || within.len() < 2 {
            return Ok(within.iter().sum());
        }
        let whole = spans.iter().map(|span| span.0).min().zip(spans.iter().map(|span| span.1).max());
        let subject = self.catalogue.tables.get(&test.subject).ok_or("no subject")?;
        let Some(whole) = whole else { return Ok(0) };
        let rows = self.normalised.engine.query(&statement.census(test, subject, &[whole])).map_err(|e| e.to_string())?;
        let row = (0..rows.len()).find(|row| rows.named(*row, "class").text().as_deref() == Some("population"));
        Ok(row.and_then(|row| rows.named(row, "s0").integer()).unwrap_or_default().unsigned_abs())
    }

    /// Which columns are empty in rows of the population that cannot be judged.
    fn needs_empty(&self, test: &TestFile, statement: &Statement) -> Result<Vec<(String, u64, Option<String>)>, String> {
        let mut empty = Vec::new();
        let columns: BTreeSet<&String> = test.needs.iter().chain(&test.dated_by).collect();
        for column in columns {
            let sql = format!("SELECT COUNT(*) AS n FROM {} WHERE ({}) AND {column} IS NULL", test.subject, statement.selects());
            let rows = self.normalised.engine.query(&sql).map_err(|error| error.to_string())?;
            let count = rows.named(0, "n").integer().unwrap_or_default().unsigned_abs();
            if count > 0 {
                let declared = self.catalogue.tables.get(&test.subject).and_then(|table| table.column(column));
                empty.push((column.clone(), count, declared.and_then(|declared| declared.empty_means.clone())));
            }
        }
        Ok(empty)
    }

    fn support(&self, statement: &Statement, test: &TestFile, facts: &mut TestFacts) -> Result<(), String> {
        let default = TableFacts::default();
        for name in &statement.tables {
            let known = self.normalised.tables.get(name).unwrap_or(&default);
            let mut count = known.conflicts;
            // A statement that reads its subject by name reads rows outside the population too.
            if (*name != test.subject || statement.reads_subject) && !self.normalised.engine.files(name).is_empty() {
                let Some(table) = self.catalogue.tables.get(name) else { continue };
                let bad = unsettled(&statement.touched(table, test));
                let sql = format!("SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN {bad} THEN 1 ELSE 0 END), 0) AS bad FROM {name}");
                let rows = self.normalised.engine.query(&sql).map_err(|error| error.to_string())?;
                let number = |column: &str| rows.named(0, column).integer().unwrap_or_default().unsigned_abs();
                if number("n") > 0 && number("n") == number("bad") {
                    facts.support_void.insert(name.clone());
                }
                count += known.rejected + number("bad");
            }
            if count > 0 {
                facts.support_unreadable.insert(name.clone(), count);
            }
        }
        Ok(())
    }
}

/// Tables the program fills from the folder and the engagement, or that few sources have something for: they may be
/// empty and are never missing.
fn own(table: &str) -> bool {
    ["evidence", "log_holes", "log_steps", "expected_evidence", "extracts", "setting_flags"].contains(&table)
}
