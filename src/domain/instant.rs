//! Instants: microseconds since 1970, UTC. How an instant was arrived at is kept beside it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// How the zone of an instant is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZoneBasis {
    /// The source writes an offset or `Z`.
    Explicit,
    /// The engagement declares it for the source.
    Declared,
    /// A date without a time of day: it needs no zone at that precision.
    Date,
    /// As explicit, and corrected by what the engagement declares of the clock.
    ExplicitCorrected,
    /// As declared, and corrected by what the engagement declares of the clock.
    DeclaredCorrected,
}

impl ZoneBasis {
    /// The word in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Explicit => "explicit",
            Self::Declared => "declared",
            Self::Date => "date",
            Self::ExplicitCorrected => "explicit, clock corrected",
            Self::DeclaredCorrected => "declared, clock corrected",
        }
    }

    /// The basis of an instant that was corrected by what is declared of the clock. A date is not.
    #[must_use]
    pub fn corrected(self) -> Self {
        match self {
            Self::Explicit | Self::ExplicitCorrected => Self::ExplicitCorrected,
            Self::Declared | Self::DeclaredCorrected => Self::DeclaredCorrected,
            Self::Date => Self::Date,
        }
    }
}

/// An instant with the precision of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    /// Microseconds since 1970, UTC.
    pub micros: i64,
    /// us, ms, s, min or day.
    pub precision: &'static str,
    /// How the zone is known.
    pub basis: ZoneBasis,
}

/// Why a text is not an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsettled {
    /// Not a time at all.
    NotATime,
    /// `03/04/2020`: day and month could be either way round.
    DateOrder,
    /// No offset, and no zone declared for the source.
    Zone,
    /// The hour that a zone skips or repeats when its clocks change.
    ClockChange,
    /// The source names a zone that the declared one is not called by at that time.
    ZoneName,
}

/// Order of the parts of a date written `a/b/y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

/// The ISO 8601 UTC text of an instant: `2020-09-17T00:00:00Z`, with a fraction only where there is one.
#[must_use]
pub fn text(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| format!("{micros} µs"), |t| t.to_string())
}

/// The instant at which a UTC day begins.
#[must_use]
pub fn day(date: jiff::civil::Date) -> i64 {
    date.to_zoned(TimeZone::UTC).map_or(0, |z| z.timestamp().as_microsecond())
}

/// The UTC day on which an instant lies, `YYYY-MM-DD`.
#[must_use]
pub fn day_text(micros: i64) -> String {
    text(micros).chars().take(10).collect()
}

/// Places a civil time in a zone. The hour that a clock change skips or repeats is not settled.
///
/// # Errors
/// [`Unsettled::Zone`] without a zone, [`Unsettled::ClockChange`] in such an hour.
pub fn place(civil: DateTime, zone: Option<&TimeZone>) -> Result<i64, Unsettled> {
    let zone = zone.ok_or(Unsettled::Zone)?;
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => ambiguous.unambiguous().map(Timestamp::as_microsecond).map_err(|_| Unsettled::NotATime),
        AmbiguousOffset::Gap { .. } | AmbiguousOffset::Fold { .. } => Err(Unsettled::ClockChange),
    }
}
