//! The bounds of the assessment: declared, or for a bare folder assumed, and then said.

use crate::catalogue::Catalogue;
use crate::catalogue::engagement::Engagement;
use crate::domain::instant;
use crate::engine::{Engine, EngineError};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The bounds of the assessment.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// First instant of the period.
    pub period_start: i64,
    /// First instant after it.
    pub period_end: i64,
    /// First instant after the day the assessment looks back from.
    pub as_of: i64,
    /// What was assumed, in words.
    pub assumptions: Vec<String>,
}

impl Timeline {
    /// The bounds as the engagement declares them, known before there is any evidence; none where it
    /// declares no period.
    #[must_use]
    pub fn declared(engagement: &Engagement) -> Option<Self> {
        let (start, end) = engagement.period?;
        let mut timeline = Self { period_start: instant::day(start), period_end: instant::day(end) + DAY, ..Self::default() };
        timeline.look_back(engagement);
        Some(timeline)
    }

    /// Fixes the day the assessment looks back from, once the period is known.
    fn look_back(&mut self, engagement: &Engagement) {
        self.as_of = match engagement.as_of {
            Some(day) => instant::day(day) + DAY,
            None => {
                let day = instant::day_text(self.period_end - DAY);
                self.assumptions.push(format!("the assessment looks back from {day}, the end of the period"));
                self.period_end
            }
        };
        if engagement.environment == "unknown" {
            self.assumptions.push("the environment is not known to be live or test".to_owned());
        }
    }
}

/// The declared bounds; for a bare folder, those of the dated records in it.
pub(super) fn timeline(engine: &Engine, catalogue: &Catalogue, engagement: &Engagement) -> Result<Timeline, EngineError> {
    if let Some(declared) = Timeline::declared(engagement) {
        return Ok(declared);
    }
    let mut dated: Vec<(&str, &str)> = Vec::new();
    for table in catalogue.tables.0.values() {
        dated.extend(table.stream.as_ref().map(|stream| (table.name.as_str(), stream.dated_by.as_str())));
    }
    let mut bounds = bounds(engine, &dated)?;
    if bounds.is_none() {
        bounds = self::bounds(engine, &[("requests", "requested_at"), ("crls", "this_update"), ("certificates", "not_before")])?;
    }
    let (first, last) = bounds.unwrap_or((0, 0));
    let mut timeline =
        Timeline { period_start: first.div_euclid(DAY) * DAY, period_end: last.div_euclid(DAY) * DAY + DAY, ..Timeline::default() };
    let (start, end) = (instant::day_text(timeline.period_start), instant::day_text(last));
    timeline.assumptions.push(format!("the period is {start} to {end}: the dated records supplied; no engagement.toml declares one"));
    timeline.look_back(engagement);
    Ok(timeline)
}

fn bounds(engine: &Engine, columns: &[(&str, &str)]) -> Result<Option<(i64, i64)>, EngineError> {
    let mut bounds: Option<(i64, i64)> = None;
    for (table, column) in columns {
        let rows = engine.query(&format!("SELECT MIN({column}) AS first, MAX({column}) AS last FROM {table}"))?;
        if let (Some(first), Some(last)) = (rows.named(0, "first").integer(), rows.named(0, "last").integer()) {
            bounds = Some(bounds.map_or((first, last), |(start, end)| (start.min(first), end.max(last))));
        }
    }
    Ok(bounds)
}
