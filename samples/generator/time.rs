//! Instants of the sample, to the second. Civil dates are worked out here: the sample must not
//! depend on a clock, and a date library would be the largest part of a generator this small.

use std::fmt::Write as _;

const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utc(pub i64);

/// An instant taken apart.
pub struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
}

/// Days since 1970-01-01 of a civil date (H. Hinnant's algorithm, years after 0).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let of_era = shifted % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (shifted / 400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl Utc {
    /// Reads `2020-09-17T08:00:00`, seconds optional.
    pub fn at(text: &str) -> Self {
        let mut parts = text.split(['-', 'T', ':']).map(|part| part.parse::<i64>().expect("a number in a date of the sample"));
        let mut next = || parts.next().unwrap_or(0);
        let date = days(next(), next(), next());
        Self(date * DAY + next() * 3600 + next() * 60 + next())
    }

    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0 + seconds)
    }

    pub fn plus_hours(self, hours: i64) -> Self {
        self.plus(hours * 3600)
    }

    pub fn plus_days(self, days: i64) -> Self {
        self.plus(days * DAY)
    }

    /// The same, or the Monday after it where it falls on a weekend.
    pub fn weekday_on(self) -> Self {
        match (self.0.div_euclid(DAY) + 3).rem_euclid(7) {
            5 => self.plus_days(2),
            6 => self.plus_days(1),
            _ => self,
        }
    }

    /// The same date and time so many years later (never asked for a 29 February).
    pub fn plus_years(self, years: i64) -> Self {
        let civil = self.civil();
        Self(days(civil.year + years, civil.month, civil.day) * DAY + self.0.rem_euclid(DAY))
    }

    pub fn civil(self) -> Civil {
        let shifted = self.0.div_euclid(DAY) + 719_468;
        let rest = self.0.rem_euclid(DAY);
        let of_era = shifted % 146_097;
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let turned = (5 * of_year + 2) / 153;
        let month = (turned + 2) % 12 + 1;
        Civil {
            year: year_of_era + (shifted / 146_097) * 400 + i64::from(month <= 2),
            month,
            day: of_year - (153 * turned + 2) / 5 + 1,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
        }
    }

    /// `2020-09-17`
    pub fn date(self) -> String {
        let c = self.civil();
        format!("{:04}-{:02}-{:02}", c.year, c.month, c.day)
    }

    /// `2020-09-17 08:00:00`
    pub fn stamp(self) -> String {
        let c = self.civil();
        format!("{} {:02}:{:02}:{:02}", self.date(), c.hour, c.minute, c.second)
    }

    /// `2020-09-17 08:00`, as the registers write it.
    pub fn minute(self) -> String {
        self.stamp()[..16].to_owned()
    }

    /// `2020-09-17T08:00:00Z`
    pub fn iso(self) -> String {
        self.stamp().replace(' ', "T") + "Z"
    }

    /// Digits only, for ASN.1 and OpenSSL: `20200917080000Z`.
    pub fn generalized(self) -> String {
        let mut digits: String = self.stamp().chars().filter(char::is_ascii_digit).collect();
        digits.push('Z');
        digits
    }

    /// Summer time: from the last Sunday of March to that of October, 01:00 UTC.
    fn summer(self) -> bool {
        let year = self.civil().year;
        let turn = |month| {
            let last = days(year, month, 31);
            Self((last - (last + 4).rem_euclid(7)) * DAY + 3600)
        };
        turn(3) <= self && self < turn(10)
    }

    /// London wall clock time, and its offset as an audit record writes it.
    pub fn london(self) -> (String, &'static str) {
        if self.summer() { (self.plus(3600).stamp(), "+01:00") } else { (self.stamp(), "+00:00") }
    }

    /// London time as Java's `Date.toString` writes it: `Tue Sep 22 14:49:22 BST 2020`.
    pub fn java(self) -> String {
        let (local, zone) = if self.summer() { (self.plus(3600), "BST") } else { (self, "GMT") };
        let c = local.civil();
        let pick = |names: &[&'static str], index: i64| usize::try_from(index).ok().and_then(|i| names.get(i).copied()).unwrap_or("?");
        let weekday = pick(&WEEKDAYS, local.0.div_euclid(DAY) % 7);
        let month = pick(&MONTHS, c.month - 1);
        let mut text = format!("{weekday} {month} {:02} ", c.day);
        let _ = write!(text, "{:02}:{:02}:{:02} {zone} {}", c.hour, c.minute, c.second, c.year);
        text
    }
}
