//! Whether the evidence of a table is all there is.
//!
//! Four states, because "nobody said so" is neither complete nor incomplete: an absence in evidence
//! that is shown complete proves something, one in evidence known to be incomplete proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::Catalogue;
use crate::catalogue::control::RestsOn;
use crate::catalogue::engagement::{Engagement, Expected};
use crate::domain::evidence::Status;
use crate::domain::note::Note;
use crate::engine::EngineError;
use crate::normalise::declared::{self, on as matches_any};
use crate::normalise::{Normalised, SourceFacts};

/// How complete a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Known to be incomplete.
    Broken,
    /// Announced, and nobody has tested that it is all.
    Untested,
    /// Nothing speaks for or against it.
    NotShown,
    /// Shown to be complete.
    Shown,
}

impl State {
    /// The words in reports.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Untested => "untested",
            Self::NotShown => "not shown",
            Self::Shown => "shown",
        }
    }
}

/// How complete one table is, for one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completeness {
    /// Table.
    pub table: String,
    /// What it rests on.
    pub rests_on: RestsOn,
    /// How complete it is.
    pub state: State,
    /// Why.
    pub reason: String,
    /// The same by declaration, which alone speaks for what lies beyond the evidence supplied.
    pub declared: State,
    /// Why.
    pub declared_reason: String,
}

impl Completeness {
    /// Why the table is known to be incomplete, if it is: by what it rests on, or by what was announced.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        match (self.state, self.declared, self.rests_on) {
            (State::Broken, ..) => Some(&self.reason),
            (_, State::Broken, RestsOn::Sequence | RestsOn::Period) => Some(&self.declared_reason),
            _ => None,
        }
    }
}

/// How complete every table is, by what it can rest on.
pub struct States(BTreeMap<(String, RestsOn), (State, String)>);

impl States {
    /// Works it out for every table.
    ///
    /// # Errors
    /// [`EngineError`] where a table cannot be read.
    pub fn of(normalised: &Normalised, catalogue: &Catalogue, engagement: &Engagement) -> Result<Self, EngineError> {
        let mut states = BTreeMap::new();
        for name in catalogue.tables.stored().map(|table| &table.name) {
            let mut put = |rests_on, state| states.insert((name.clone(), rests_on), state);
            put(RestsOn::Declared, declared(name, normalised, engagement));
            put(RestsOn::Sequence, sequence(name, normalised, catalogue)?);
            put(RestsOn::Period, period(name, normalised, catalogue)?);
            put(RestsOn::None, (State::NotShown, "nothing shows that the evidence is complete".to_owned()));
        }
        for ((name, _), state) in &mut states {
            if let Some((number, why)) = normalised.tables.get(name).and_then(|table| table.unreadable.first_key_value()) {
                let path = normalised.sources.iter().find(|s| s.evidence.number == *number).map_or("", |s| s.evidence.path.as_str());
                *state = (State::Broken, format!("{path} could not be read: {why}"));
            }
        }
        Ok(Self(states))
    }

    /// How complete a table is.
    #[must_use]
    pub fn of_table(&self, table: &str, rests_on: RestsOn) -> Completeness {
        let unknown = (State::NotShown, "not known".to_owned());
        let state = |on| self.0.get(&(table.to_owned(), on)).unwrap_or(&unknown);
        let (own, reason) = state(rests_on);
        let (declared, declared_reason) = state(RestsOn::Declared).clone();
        Completeness { table: table.to_owned(), rests_on, state: *own, reason: reason.clone(), declared, declared_reason }
    }
}

/// What became of an item of the evidence announced.
pub struct Announced<'a> {
    /// The item.
    pub expected: &'a Expected,
    /// Usable files that came.
    pub files: u64,
    /// Whether all of it came.
    pub state: State,
    /// Why, where it is not shown.
    pub reason: String,
    /// The tables it feeds, or would feed.
    pub tables: Vec<String>,
}

/// What became of the evidence announced, in the order of the engagement.
#[must_use]
pub fn announced<'a>(normalised: &Normalised, engagement: &'a Engagement) -> Vec<Announced<'a>> {
    let item = |expected: &'a Expected| {
        let present: Vec<&SourceFacts> = normalised.sources.iter().filter(|source| matches_any(&expected.path, source)).collect();
        let (state, reason) = announced_state(expected, &present, normalised, engagement);
        let fed = present.iter().flat_map(|source| source.tables.iter().cloned());
        let unknown = normalised.tables.keys().filter(|table| would_feed(expected, table, normalised)).cloned();
        let tables: BTreeSet<String> =
            if present.is_empty() { unknown.collect() } else { fed.chain(expected.feeds.iter().cloned()).collect() };
        Announced { expected, files: files_of(expected, &present), state, reason, tables: tables.into_iter().collect() }
    };
    engagement.expected.iter().map(item).collect()
}

/// What announced evidence did not come, or came short; and what came that nobody announced.
#[must_use]
pub fn notes(normalised: &Normalised, engagement: &Engagement) -> Vec<Note> {
    let mut notes = Vec::new();
    for item in announced(normalised, engagement).into_iter().filter(|item| item.state == State::Broken) {
        let mut note = Note::general("N-EXP-001", format!("{} ({}): {}", item.expected.what, item.expected.path, item.reason));
        note.tables = item.tables.into_iter().collect();
        notes.push(note);
    }
    if !engagement.expected.is_empty() {
        let announced = |source: &&SourceFacts| engagement.expected.iter().any(|expected| matches_any(&expected.path, source));
        let strangers = normalised.sources.iter().filter(|source| !announced(source));
        notes.extend(strangers.map(|source| Note::on("N-EXP-002", source.evidence.number, "nobody announced it")));
    }
    notes
}

/// Whether the bounds of the assessment are declared.
#[must_use]
pub fn of_engagement(engagement: &Engagement) -> Completeness {
    let (state, reason) = if engagement.declared {
        (State::Shown, "the engagement declares the period")
    } else {
        (State::NotShown, "no engagement.toml declares the period")
    };
    Completeness {
        table: "engagement".to_owned(),
        rests_on: RestsOn::Declared,
        state,
        reason: reason.to_owned(),
        declared: state,
        declared_reason: reason.to_owned(),
    }
}

/// `[[expected]]`: every announced source that feeds the table came, with as many records as it holds.
fn declared(table: &str, normalised: &Normalised, engagement: &Engagement) -> (State, String) {
    let Some(facts) = normalised.tables.get(table) else { return (State::NotShown, "not known".to_owned()) };
    let feeds = |source: &&SourceFacts| facts.sources.contains(&source.evidence.number);
    let mut worst = State::Shown;
    let mut reasons = Vec::new();
    let mut announced = false;
    for (number, expected) in (1..).zip(&engagement.expected) {
        let present: Vec<&SourceFacts> = normalised.sources.iter().filter(|source| matches_any(&expected.path, source)).collect();
        let feeding = present.iter().any(|source| feeds(source) || facts.unreadable.contains_key(&source.evidence.number));
        // Evidence that never came, or cannot be used, would have fed the tables it is announced for.
        let used = present.iter().any(|source| source.evidence.status == Status::Used);
        let relevant = if expected.feeds.is_empty() {
            !used && would_feed(expected, table, normalised)
        } else {
            expected.feeds.iter().any(|fed| fed == table)
        };
        if !feeding && !relevant {
            continue;
        }
        announced = true;
        let (state, reason) = announced_state(expected, &present, normalised, engagement);
        worst = worst.min(state);
        if state != State::Shown {
            // By its number: what it is called may name a person, and this goes into what is issued.
            reasons.push(format!("item {number} of the evidence announced: {reason}"));
        }
    }
    if !announced {
        return (State::NotShown, "the engagement announces no evidence for it".to_owned());
    }
    match worst {
        State::Shown => (State::Shown, "all evidence announced for it came, with as many records as its sources hold".to_owned()),
        state => (state, reasons.join("; ")),
    }
}

/// Evidence that did not come at all: the engagement may say which tables it feeds; else it is taken to
/// be of the kind of its neighbours, and without neighbours nobody knows, and it counts for every table.
fn would_feed(expected: &Expected, table: &str, normalised: &Normalised) -> bool {
    if !expected.feeds.is_empty() {
        return expected.feeds.iter().any(|fed| fed == table);
    }
    let Some((folder, _)) = expected.path.rsplit_once('/') else { return true };
    let folder = format!("{folder}/");
    let mut neighbours = normalised.sources.iter().filter(|source| source.evidence.path.starts_with(&folder)).peekable();
    neighbours.peek().is_none()
        || neighbours.any(|source| source.tables.contains(table))
        || normalised.tables.get(table).is_some_and(|facts| facts.sources.is_empty())
}

fn used<'a>(present: &'a [&'a SourceFacts]) -> impl Iterator<Item = &'a &'a SourceFacts> {
    present.iter().filter(|source| source.evidence.status == Status::Used)
}

fn files_of(expected: &Expected, present: &[&SourceFacts]) -> u64 {
    declared::files(expected, &used(present).copied().collect::<Vec<_>>())
}

fn announced_state(expected: &Expected, present: &[&SourceFacts], normalised: &Normalised, engagement: &Engagement) -> (State, String) {
    let files = files_of(expected, present);
    if files == 0 {
        return (State::Broken, "expected and not there, or not readable".to_owned());
    }
    if let Some(count) = expected.count
        && files < count
    {
        return (State::Broken, format!("{files} of {count} files came"));
    }
    let mut counted = true;
    for source in used(present) {
        match source_count(source, normalised, engagement) {
            Some((held, read)) if read < held => return (State::Broken, format!("{read} of {held} records came")),
            Some((held, read)) if read > held => return (State::Broken, format!("{read} records came where the source holds {held}")),
            Some(_) => {}
            None => counted = false,
        }
    }
    if !counted {
        return (State::Untested, "nobody compared it with the number of records the source holds (obtained.source_count)".to_owned());
    }
    if expected.covers.is_none() {
        return (State::Untested, "the engagement does not say that it covers the period (covers = \"period\")".to_owned());
    }
    (State::Shown, String::new())
}

/// The records the source of a file holds, and those read, over all files of the declaration. A record that
/// stands in several of these files counts once.
fn source_count(source: &SourceFacts, normalised: &Normalised, engagement: &Engagement) -> Option<(u64, u64)> {
    let declaring = engagement
        .sources
        .iter()
        .rev()
        .find(|entry| entry.obtained.as_ref().is_some_and(|o| o.source_count.is_some()) && matches_any(&entry.path, source))?;
    let held = declaring.obtained.as_ref()?.source_count?;
    Some((held, declared::read(declaring, &normalised.sources, &normalised.tables.values().collect::<Vec<_>>())))
}

/// Numbers within each run of the table follow one another.
fn sequence(name: &str, normalised: &Normalised, catalogue: &Catalogue) -> Result<(State, String), EngineError> {
    let Some(sequence) = catalogue.tables.get(name).and_then(|table| table.sequence.as_ref()) else {
        return Ok((State::NotShown, "its records carry no numbers".to_owned()));
    };
    let (by, number) = (sequence.by.join(", "), &sequence.number);
    let rows = normalised.engine.query(&format!(
        "WITH runs AS (SELECT {number} AS n, LAG({number}) OVER (PARTITION BY {by} ORDER BY {number}, evidence, row) AS before \
         FROM {name} WHERE {number} IS NOT NULL) \
         SELECT COUNT(*) AS numbered, SUM(CASE WHEN n > before + 1 THEN 1 ELSE 0 END) AS gaps, \
         SUM(CASE WHEN n > before + 1 THEN n - before - 1 ELSE 0 END) AS absent FROM runs"
    ))?;
    let bare = normalised.engine.query(&format!("SELECT COUNT(*) AS n FROM {name} WHERE {number} IS NULL"))?;
    let count = |rows: &crate::engine::Rows, column: &str| rows.named(0, column).integer().unwrap_or_default();
    Ok(match (count(&rows, "numbered"), count(&rows, "gaps"), count(&bare, "n")) {
        (0, ..) => (State::NotShown, "its records carry no numbers".to_owned()),
        (_, gaps, _) if gaps > 0 => {
            (State::Broken, format!("{gaps} gaps in {number}: {} numbers are not in the evidence", count(&rows, "absent")))
        }
        (_, _, bare) if bare > 0 => (State::NotShown, format!("{bare} records carry no number")),
        (numbered, ..) => (State::Shown, format!("{numbered} records, {number} without a gap")),
    })
}

/// Every stream of the table covers the period, both ends included, without a hole longer than allowed.
fn period(name: &str, normalised: &Normalised, catalogue: &Catalogue) -> Result<(State, String), EngineError> {
    let Some(stream) = catalogue.tables.get(name).and_then(|table| table.stream.as_ref()) else {
        return Ok((State::NotShown, "it has no log streams".to_owned()));
    };
    let names = format!("SELECT DISTINCT {} AS stream FROM {name} WHERE {} IS NOT NULL", stream.by, stream.by);
    let undeclared = normalised
        .engine
        .query(&format!("SELECT s.stream FROM log_streams AS s JOIN ({names}) AS n ON s.stream = n.stream WHERE s.allowed_gap IS NULL"))?;
    let holes = normalised.engine.query(&format!("SELECT h.stream FROM log_holes AS h JOIN ({names}) AS n ON h.stream = n.stream"))?;
    Ok(if !holes.is_empty() {
        (State::Broken, format!("{} holes longer than the engagement allows", holes.len()))
    } else if !undeclared.is_empty() {
        (State::NotShown, "the engagement does not say how long its streams may be silent".to_owned())
    } else {
        (State::Shown, "its streams cover the period".to_owned())
    })
}
