//! How sure an exception is.
//!
//! A row of a statement may rest on the absence of a record. In evidence shown complete, the absence
//! is a fact. In evidence known to be incomplete it is none, and neither beyond the span of evidence
//! nobody has shown complete: then nothing is decided, and nobody is accused of what was not supplied.

use crate::engine::Rows;
use crate::evaluate::TestFacts;
use crate::evaluate::completeness::State;

/// How sure a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// The evidence establishes it.
    Actual,
    /// It stands unless a record exists that was not supplied or could not be read.
    Potential,
    /// The evidence decides nothing.
    Undecided,
}

impl Certainty {
    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Potential => "potential",
            Self::Undecided => "undecided",
        }
    }
}

/// Rows by certainty, over all segments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Actual exceptions.
    pub actual: u64,
    /// Potential exceptions.
    pub potential: u64,
    /// Rows that decide nothing.
    pub undecided: u64,
    /// What undecided rows wait for.
    pub waits_for: Vec<String>,
}

impl Tally {
    /// Actual and potential exceptions.
    #[must_use]
    pub fn exceptions(&self) -> u64 {
        self.actual + self.potential
    }
}

/// Counts the rows of a test.
#[must_use]
pub fn tally(test: &TestFacts) -> Tally {
    let mut tally = Tally::default();
    for segment in &test.segments {
        for row in 0..segment.rows.len() {
            match of_row(test, &segment.rows, row) {
                Certainty::Actual => tally.actual += 1,
                Certainty::Potential => tally.potential += 1,
                Certainty::Undecided => {
                    tally.undecided += 1;
                    let waits = segment.rows.named(row, "rests_on").text().unwrap_or_else(|| "what the evidence does not say".to_owned());
                    if !tally.waits_for.contains(&waits) {
                        tally.waits_for.push(waits);
                    }
                }
            }
        }
    }
    tally.waits_for.sort();
    tally
}

/// What a row rests on where only a record that could not be read might speak against it.
pub const READING: &str = "reading";

/// How sure a row is: by what it says of itself, and by the completeness of the table it rests on.
#[must_use]
pub fn of_row(test: &TestFacts, rows: &Rows, row: usize) -> Certainty {
    let own = match rows.named(row, "certainty").text().as_deref() {
        Some("undecided") => return Certainty::Undecided,
        Some("potential") => Certainty::Potential,
        _ => Certainty::Actual,
    };
    let Some(table) = rows.named(row, "rests_on").text() else { return own };
    let beyond = rows.named(row, "beyond").truth() == Some(true);
    let unreadable = !test.support_unreadable.is_empty() || test.census.unreadable > 0;
    if table == READING {
        return if test.census.unreadable > 0 { Certainty::Potential } else { own };
    }
    if test.support_void.contains(&table) {
        return Certainty::Undecided;
    }
    let known = test.completeness.iter().find(|known| known.table == table);
    let state = match known {
        // Numbers without a gap say nothing of what came before the first or after the last.
        Some(known) if beyond => known.declared,
        Some(known) => known.state.min(if known.declared == State::Broken { State::Broken } else { State::Shown }),
        None => State::NotShown,
    };
    match (state, beyond) {
        (State::Broken, _) | (State::NotShown | State::Untested, true) => Certainty::Undecided,
        (State::Shown, _) if !unreadable => own,
        (State::Shown, _) | (State::NotShown | State::Untested, false) => Certainty::Potential,
    }
}
