//! Lengths of time as parameters hold them: `PT12H`, `P30D`, `P12M`. Calendar months and years stay
//! calendar: they are never turned into days.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A length of time of exactly one unit, so that it can stand in SQL as one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    amount: i64,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Year,
}

impl Period {
    /// Reads ISO 8601 (`PT12H`, `P12M`) or a plain `400 days`. One unit only: `P1Y6M` is `P18M`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (digits, unit) = if let Some(rest) = text.strip_prefix('P') {
            let (time, rest) = rest.strip_prefix('T').map_or((false, rest), |rest| (true, rest));
            let split = rest.len().checked_sub(1)?;
            let (digits, unit) = rest.split_at_checked(split)?;
            let unit = match (time, unit) {
                (true, "S") => Unit::Second,
                (true, "M") => Unit::Minute,
                (true, "H") => Unit::Hour,
                (false, "D") => Unit::Day,
                (false, "M") => Unit::Month,
                (false, "Y") => Unit::Year,
                _ => return None,
            };
            (digits, unit)
        } else {
            let (digits, unit) = text.split_once(' ')?;
            let unit = match unit.trim_end_matches('s') {
                "second" => Unit::Second,
                "minute" => Unit::Minute,
                "hour" => Unit::Hour,
                "day" => Unit::Day,
                "month" => Unit::Month,
                "year" => Unit::Year,
                _ => return None,
            };
            (digits, unit)
        };
        let amount: u32 = digits.parse().ok()?;
        Some(Self { amount: i64::from(amount), unit })
    }

    /// The text between the quotes of an SQL `INTERVAL '…'`.
    #[must_use]
    pub fn sql(self) -> String {
        let unit = match self.unit {
            Unit::Second => "seconds",
            Unit::Minute => "minutes",
            Unit::Hour => "hours",
            Unit::Day => "days",
            Unit::Month => "months",
            Unit::Year => "years",
        };
        format!("{} {unit}", self.amount)
    }

    /// The length in seconds, where it has one: calendar months and years have none.
    #[must_use]
    pub fn seconds(self) -> Option<i64> {
        let per_unit = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Month | Unit::Year => return None,
        };
        self.amount.checked_mul(per_unit)
    }

    /// The instant this long after `micros` (microseconds since 1970, UTC), by the calendar.
    #[must_use]
    pub fn after(self, micros: i64) -> Option<i64> {
        let span = Span::new();
        let span = match self.unit {
            Unit::Second => span.try_seconds(self.amount),
            Unit::Minute => span.try_minutes(self.amount),
            Unit::Hour => span.try_hours(self.amount),
            Unit::Day => span.try_days(self.amount),
            Unit::Month => span.try_months(self.amount),
            Unit::Year => span.try_years(self.amount),
        }
        .ok()?;
        let start = Timestamp::from_microsecond(micros).ok()?.to_zoned(TimeZone::UTC);
        Some(start.checked_add(span).ok()?.timestamp().as_microsecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_stay_calendar_months() {
        let period = Period::parse("P12M").unwrap();
        assert_eq!(period.sql(), "12 months");
        assert_eq!(period.seconds(), None);
        let leap_day = 1_582_934_400_000_000; // 2020-02-29
        assert_eq!(period.after(leap_day), Some(1_614_470_400_000_000)); // 2021-02-28
    }

    #[test]
    fn hours_days_and_words_are_read() {
        assert_eq!(Period::parse("PT12H").and_then(Period::seconds), Some(43_200));
        assert_eq!(Period::parse("400 days").map(Period::sql).as_deref(), Some("400 days"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "P", "PT", "12H", "P1Y6M", "PT12", "P-1D", "PT1.5H", "soon", "P99999999999D", "Pé"] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }
}
