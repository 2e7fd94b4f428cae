//! From the text of a cell to a typed value. What cannot be settled says why, and is never guessed.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::yubihsm::Entry;

use crate::catalogue::format::Transform;
use crate::domain::instant::{DateOrder, Instant, Unsettled, ZoneBasis, day, place};
use crate::domain::serial;

/// A settled cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    Boolean(bool),
    Time(Instant),
}

/// Why a cell is not settled: the code of the note.
pub(super) type Why = &'static str;

/// What is declared of the times of a source.
pub(super) struct Clock<'a> {
    pub(super) zone: Option<&'a TimeZone>,
    pub(super) order: Option<DateOrder>,
}

/// How Vault begins a value of which it logs a keyed hash alone.
const KEYED_HASH: &str = "hmac-sha256:";

/// Types the text of a cell.
pub(super) fn settle<'a>(text: &'a str, transform: &Transform, clock: &Clock<'_>) -> Result<Cell<'a>, Why> {
    match transform {
        Transform::Text => Ok(Cell::Text(Cow::Borrowed(text))),
        Transform::Lower => Ok(Cell::Text(Cow::Owned(text.to_lowercase()))),
        Transform::SerialHex | Transform::SerialDecimal if text.starts_with(KEYED_HASH) => Err("N-VAL-004"),
        Transform::SerialHex => serial::from_hex(text).map(|serial| Cell::Text(Cow::Owned(serial))).ok_or("N-VAL-002"),
        Transform::SerialDecimal => serial::from_decimal(text).map(|serial| Cell::Text(Cow::Owned(serial))).ok_or("N-VAL-002"),
        Transform::Integer => text.trim().parse().map(Cell::Integer).map_err(|_| "N-VAL-002"),
        Transform::HexInteger => hex_integer(text.trim()).map(Cell::Integer).ok_or("N-VAL-002"),
        Transform::Boolean => match text.trim().to_lowercase().as_str() {
            "true" | "yes" | "y" => Ok(Cell::Boolean(true)),
            "false" | "no" | "n" => Ok(Cell::Boolean(false)),
            _ => Err("N-VAL-001"),
        },
        Transform::Map { words, default, fold } => {
            let folded = if *fold { Cow::Owned(text.trim().to_lowercase()) } else { Cow::Borrowed(text) };
            let word = words.get(folded.as_ref()).or(default.as_ref()).ok_or("N-VAL-001")?;
            Ok(Cell::Text(Cow::Owned(word.clone())))
        }
        Transform::Datetime(pattern) if pattern == "auto" => auto(text.trim(), clock).map(Cell::Time).map_err(code),
        Transform::Datetime(pattern) if pattern == "iso" => iso(text.trim(), clock).map(Cell::Time).map_err(code),
        Transform::Datetime(pattern) => patterned(text.trim(), pattern, clock).map(Cell::Time).map_err(code),
        Transform::Asn1Time => asn1(text.trim()).map(Cell::Time).ok_or("N-TIME-001"),
        Transform::Match { patterns, default } => {
            let found = patterns.iter().find_map(|(pattern, word)| {
                let mut found = String::new();
                pattern.captures(text)?.expand(word, &mut found);
                Some(found)
            });
            found.or_else(|| default.clone()).map(|text| Cell::Text(Cow::Owned(text))).ok_or("N-VAL-001")
        }
        Transform::ClockOffset => clock_offset(text).map(Cell::Integer).ok_or("N-VAL-002"),
        Transform::EpochSeconds => since_epoch(text, 1_000_000, "s"),
        Transform::EpochMilliseconds => since_epoch(text, 1_000, "ms"),
        Transform::EpochMicroseconds => since_epoch(text, 1, "us"),
        Transform::Bits => {
            let number = hex_integer(text.trim()).ok_or("N-VAL-002")?;
            let bits: Vec<String> = (0..63).filter(|bit| (number >> bit) & 1 == 1).map(|bit| bit.to_string()).collect();
            Ok(Cell::Text(Cow::Owned(bits.join(","))))
        }
        Transform::YubihsmEntry => Entry::read(text).map(|entry| Cell::Text(Cow::Owned(entry.covered()))).ok_or("N-VAL-002"),
        Transform::YubihsmResult => Entry::read(text).map(|entry| Cell::Text(Cow::Borrowed(entry.outcome()))).ok_or("N-VAL-002"),
    }
}

/// A whole number of units of so many microseconds since 1970.
fn since_epoch(text: &str, unit: i64, precision: &'static str) -> Result<Cell<'static>, Why> {
    let number: i64 = text.trim().parse().map_err(|_| "N-TIME-001")?;
    let micros = number.checked_mul(unit).filter(|micros| Timestamp::from_microsecond(*micros).is_ok()).ok_or("N-TIME-001")?;
    Ok(Cell::Time(Instant { micros, precision, basis: ZoneBasis::Explicit }))
}

/// Digits alone: the parser of numbers would take a sign as well.
fn hex_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let all = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_hexdigit());
    all.then(|| i64::from_str_radix(digits, 16).ok()).flatten()
}

/// `0.000012345 seconds slow of NTP time` as chronyc(1) writes it: microseconds, to the nearest, ahead of
/// the reference where positive.
fn clock_offset(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [number, "seconds", side @ ("slow" | "fast"), "of", "NTP", "time"] = words.as_slice() else { return None };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    // Seven digits of the fraction, of which the last decides how the sixth is rounded.
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(7).collect();
    let tenths = whole.parse::<i64>().ok()?.checked_mul(10_000_000)?.checked_add(digits.parse().ok()?)?;
    let micros = tenths.checked_add(5)? / 10;
    Some(if *side == "slow" { -micros } else { micros })
}

fn code(why: Unsettled) -> Why {
    match why {
        Unsettled::NotATime => "N-TIME-001",
        Unsettled::Zone => "N-TIME-002",
        Unsettled::DateOrder => "N-TIME-003",
        Unsettled::ClockChange => "N-TIME-004",
        Unsettled::ZoneName => "N-TIME-008",
    }
}

/// ISO 8601, with or without an offset.
fn iso(text: &str, clock: &Clock<'_>) -> Result<Instant, Unsettled> {
    let precision = precision(text);
    if precision == "day" {
        let date: Date = text.parse().map_err(|_| Unsettled::NotATime)?;
        return Ok(Instant { micros: day(date), precision, basis: ZoneBasis::Date });
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(Instant { micros: timestamp.as_microsecond(), precision, basis: ZoneBasis::Explicit });
    }
    if text.ends_with(['Z', 'z']) || text.get(11..).is_some_and(|time| time.contains(['+', '-'])) {
        return Err(Unsettled::NotATime);
    }
    let civil: DateTime = text.parse().map_err(|_| Unsettled::NotATime)?;
    Ok(Instant { micros: place(civil, clock.zone)?, precision, basis: ZoneBasis::Declared })
}

fn precision(text: &str) -> &'static str {
    let Some((_, time)) = text.split_once(['T', 't', ' ']) else { return "day" };
    match time.split_once(['.', ',']) {
        Some((_, fraction)) if fraction.bytes().take_while(u8::is_ascii_digit).count() > 3 => "us",
        Some(_) => "ms",
        None => {
            let clock = time.split(['+', '-', 'Z', 'z']).next().unwrap_or_default();
            if clock.matches(':').count() >= 2 { "s" } else { "min" }
        }
    }
}

/// Dates as people write them in registers: ISO, `25/03/2020`, `25 Mar 2020`, each with or without a
/// time of day; and `Tue Aug 13 08:40:11 2013` as asctime(3) does.
fn auto(text: &str, clock: &Clock<'_>) -> Result<Instant, Unsettled> {
    if text.get(4..5) == Some("-") {
        return iso(text, clock);
    }
    if let [weekday, month, day, time, year] = text.split_whitespace().collect::<Vec<_>>().as_slice()
        && ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(weekday)
    {
        let time: Time = time.parse().map_err(|_| Unsettled::NotATime)?;
        let civil = named(day, month, year)?.to_datetime(time);
        return Ok(Instant { micros: place(civil, clock.zone)?, precision: "s", basis: ZoneBasis::Declared });
    }
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) if date.contains(['/', '.', '-']) => (numbered(date, clock.order)?, time),
        _ => match text.splitn(4, ' ').collect::<Vec<_>>().as_slice() {
            [d, month, year] => (named(d, month, year)?, ""),
            [d, month, year, time] => (named(d, month, year)?, *time),
            _ => (numbered(text, clock.order)?, ""),
        },
    };
    let time = time.trim();
    if time.is_empty() {
        return Ok(Instant { micros: day(date), precision: "day", basis: ZoneBasis::Date });
    }
    let time = of_day(time).ok_or(Unsettled::NotATime)?;
    let precision = if time.second() == 0 && text.matches(':').count() == 1 { "min" } else { "s" };
    Ok(Instant { micros: place(date.to_datetime(time), clock.zone)?, precision, basis: ZoneBasis::Declared })
}

/// `13:14`, `13:14:43`, and with a half of the day: `1:14 PM`, `1:14:43 pm`.
fn of_day(text: &str) -> Option<Time> {
    let Some((clock, half)) = text.rsplit_once([' ', '\u{a0}', '\u{202f}']) else { return text.parse().ok() };
    let (hour, rest) = clock.trim().split_once(':')?;
    let hour: i8 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    let hour = match half.to_ascii_lowercase().as_str() {
        "am" => hour % 12,
        "pm" => hour % 12 + 12,
        _ => return None,
    };
    format!("{hour:02}:{rest}").parse().ok()
}

fn numbered(text: &str, order: Option<DateOrder>) -> Result<Date, Unsettled> {
    let parts: Vec<&str> = text.split(['/', '.', '-']).collect();
    let [first, second, year] = parts.as_slice() else { return Err(Unsettled::NotATime) };
    let number = |text: &str| text.parse::<i8>().map_err(|_| Unsettled::NotATime);
    let (first, second) = (number(first)?, number(second)?);
    if year.len() != 4 {
        return Err(Unsettled::NotATime);
    }
    let year: i16 = year.parse().map_err(|_| Unsettled::NotATime)?;
    let (month, day) = match order {
        Some(DateOrder::Dmy) => (second, first),
        Some(DateOrder::Mdy) => (first, second),
        None if first == second => (first, second),
        None if (13..=31).contains(&first) || (13..=31).contains(&second) => return Err(Unsettled::DateOrder),
        None => return Err(Unsettled::DateOrder),
    };
    Date::new(year, month, day).map_err(|_| Unsettled::NotATime)
}

fn named(day: &str, month: &str, year: &str) -> Result<Date, Unsettled> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start: String = month.chars().take(3).collect::<String>().to_lowercase();
    let month = (1_i8..).zip(MONTHS).find(|(_, name)| *name == start).ok_or(Unsettled::NotATime)?.0;
    let day: i8 = day.parse().map_err(|_| Unsettled::NotATime)?;
    if year.len() != 4 {
        return Err(Unsettled::NotATime);
    }
    let year: i16 = year.parse().map_err(|_| Unsettled::NotATime)?;
    Date::new(year, month, day).map_err(|_| Unsettled::NotATime)
}

/// A time by its pattern. Where the pattern ends in ` %Z`, the text ends in the short name of a zone: that of UTC,
/// or the one that the declared zone has at that time; names such as `MST` or `IST` belong to several zones.
fn patterned(text: &str, pattern: &str, clock: &Clock<'_>) -> Result<Instant, Unsettled> {
    if let Some(pattern) = pattern.strip_suffix(" %Z") {
        let (text, zone) = text.rsplit_once(' ').ok_or(Unsettled::NotATime)?;
        return named_zone(text, pattern, zone, clock);
    }
    let broken = jiff::fmt::strtime::parse(pattern, text).map_err(|_| Unsettled::NotATime)?;
    let precision = if pattern.contains("%f") || pattern.contains("%.f") { "us" } else { "s" };
    if broken.offset().is_some() {
        let timestamp = broken.to_timestamp().map_err(|_| Unsettled::NotATime)?;
        return Ok(Instant { micros: timestamp.as_microsecond(), precision, basis: ZoneBasis::Explicit });
    }
    let civil = broken.to_datetime().map_err(|_| Unsettled::NotATime)?;
    Ok(Instant { micros: place(civil, clock.zone)?, precision, basis: ZoneBasis::Declared })
}

/// A civil time with the name of a zone, as Java writes it. An offset and UTC settle it; EST may be said in New York
/// and in Sydney, so any other name leaves it to the zone that is declared, which must be called so at that time.
fn named_zone(text: &str, pattern: &str, zone: &str, clock: &Clock<'_>) -> Result<Instant, Unsettled> {
    if zone.starts_with(['+', '-']) {
        return patterned(&format!("{text} {zone}"), &format!("{pattern} %z"), clock);
    }
    if ["UTC", "GMT", "Z", "UT"].contains(&zone) {
        let instant = patterned(text, pattern, &Clock { zone: Some(&TimeZone::UTC), order: None })?;
        return Ok(Instant { basis: ZoneBasis::Explicit, ..instant });
    }
    let instant = patterned(text, pattern, clock)?;
    let declared = clock.zone.ok_or(Unsettled::Zone)?;
    let timestamp = Timestamp::from_microsecond(instant.micros).map_err(|_| Unsettled::NotATime)?;
    let called = declared.to_offset_info(timestamp);
    // A zone that has no name but its offset contradicts no name.
    let nameless = !called.abbreviation().starts_with(|c: char| c.is_ascii_alphabetic());
    if nameless || called.abbreviation() == zone { Ok(instant) } else { Err(Unsettled::ZoneName) }
}

/// `YYMMDDHHMMSSZ` with the pivot of RFC 5280 4.1.2.5.1, or `YYYYMMDDHHMMSSZ`.
fn asn1(text: &str) -> Option<Instant> {
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match digits.len() {
        12 => {
            let (year, rest) = digits.split_at(2);
            let year: i16 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        14 => {
            let (year, rest) = digits.split_at(4);
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let civil = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    let micros = place(civil, Some(&TimeZone::UTC)).ok()?;
    Some(Instant { micros, precision: "s", basis: ZoneBasis::Explicit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::text;
    use proptest::prelude::*;

    fn read(cell: &str, zone: Option<&str>, order: Option<DateOrder>) -> Result<String, Unsettled> {
        let zone = zone.map(|zone| TimeZone::get(zone).unwrap());
        auto(cell, &Clock { zone: zone.as_ref(), order }).map(|instant| text(instant.micros))
    }

    #[test]
    fn an_offset_settles_a_time() {
        assert_eq!(read("2020-09-22 14:49:22+02:00", None, None).as_deref(), Ok("2020-09-22T12:49:22Z"));
        assert_eq!(read("2020-09-22T14:49Z", None, None).as_deref(), Ok("2020-09-22T14:49:00Z"));
    }

    #[test]
    fn a_time_without_a_zone_is_a_question() {
        assert_eq!(read("2020-09-22 14:49", None, None), Err(Unsettled::Zone));
        assert_eq!(read("2020-09-22 14:49", Some("Europe/London"), None).as_deref(), Ok("2020-09-22T13:49:00Z"));
    }

    #[test]
    fn a_date_needs_no_zone() {
        assert_eq!(read("2020-09-22", None, None).as_deref(), Ok("2020-09-22T00:00:00Z"));
        assert_eq!(read("22 Sep 2020", None, None).as_deref(), Ok("2020-09-22T00:00:00Z"));
    }

    #[test]
    fn day_and_month_are_never_guessed() {
        assert_eq!(read("03/04/2020", None, None), Err(Unsettled::DateOrder));
        assert_eq!(read("03/04/2020", None, Some(DateOrder::Dmy)).as_deref(), Ok("2020-04-03T00:00:00Z"));
        assert_eq!(read("03/04/2020", None, Some(DateOrder::Mdy)).as_deref(), Ok("2020-03-04T00:00:00Z"));
        assert_eq!(read("03/13/2020", None, Some(DateOrder::Dmy)), Err(Unsettled::NotATime));
    }

    #[test]
    fn a_time_as_asctime_writes_it_needs_a_zone() {
        assert_eq!(read("Tue Aug 13 08:40:11 2013", None, None), Err(Unsettled::Zone));
        assert_eq!(read("Sun Feb  3 08:40:11 2013", Some("UTC"), None).as_deref(), Ok("2013-02-03T08:40:11Z"));
        assert_eq!(read("Tue Aug 33 08:40:11 2013", Some("UTC"), None), Err(Unsettled::NotATime));
    }

    #[test]
    fn the_short_name_of_a_zone_is_believed_only_where_the_declared_zone_has_it() {
        let read = |cell: &str, zone: Option<&str>| {
            let zone = zone.map(|zone| TimeZone::get(zone).unwrap());
            patterned(cell, "%b %d, %Y %H:%M:%S %Z", &Clock { zone: zone.as_ref(), order: None }).map(|instant| text(instant.micros))
        };
        assert_eq!(read("Jan 5, 2021 10:24:08 MST", None), Err(Unsettled::Zone));
        assert_eq!(read("Jan 5, 2021 10:24:08 MST", Some("America/Denver")).as_deref(), Ok("2021-01-05T17:24:08Z"));
        assert_eq!(read("Jul 5, 2021 10:24:08 MDT", Some("America/Denver")).as_deref(), Ok("2021-07-05T16:24:08Z"));
        assert_eq!(read("Jul 5, 2021 10:24:08 MST", Some("America/Denver")), Err(Unsettled::ZoneName));
        assert_eq!(read("Jan 5, 2021 10:24:08 MST", Some("Europe/London")), Err(Unsettled::ZoneName));
        assert_eq!(read("Jan 5, 2021 10:24:08 UTC", None).as_deref(), Ok("2021-01-05T10:24:08Z"));
        assert_eq!(read("Jan 5, 2021", None), Err(Unsettled::NotATime));
    }

    #[test]
    fn the_hour_that_repeats_or_does_not_exist_is_a_question() {
        assert_eq!(read("2026-10-25 01:30", Some("Europe/London"), None), Err(Unsettled::ClockChange));
        assert_eq!(read("2026-03-29 01:30", Some("Europe/London"), None), Err(Unsettled::ClockChange));
    }

    #[test]
    fn a_half_of_the_day_settles_the_hour() {
        let read = |cell: &str| read(cell, Some("UTC"), Some(DateOrder::Mdy));
        assert_eq!(read("7/11/2026 1:14:43 PM").as_deref(), Ok("2026-07-11T13:14:43Z"));
        assert_eq!(read("7/11/2026 12:00 am").as_deref(), Ok("2026-07-11T00:00:00Z"));
        assert_eq!(read("7/11/2026 12:00:01 PM").as_deref(), Ok("2026-07-11T12:00:01Z"));
        for wrong in ["7/11/2026 13:00 PM", "7/11/2026 0:10 AM", "7/11/2026 1:14 noon", "7/11/2026 1 PM"] {
            assert_eq!(read(wrong), Err(Unsettled::NotATime), "{wrong}");
        }
    }

    #[test]
    fn two_digit_years_turn_at_fifty_in_certificates_and_are_refused_in_registers() {
        assert_eq!(asn1("491231235959Z").map(|i| text(i.micros)).as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(asn1("500101000000Z").map(|i| text(i.micros)).as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(read("03.04.20", None, Some(DateOrder::Dmy)), Err(Unsettled::NotATime));
    }

    #[test]
    fn a_slow_clock_is_behind_and_a_fast_one_ahead() {
        assert_eq!(clock_offset("0.000012345 seconds slow of NTP time"), Some(-12));
        assert_eq!(clock_offset("0.000012500 seconds fast of NTP time"), Some(13));
        assert_eq!(clock_offset("42.000000000 seconds fast of NTP time"), Some(42_000_000));
        for text in
            ["0.1 seconds", "-0.1 seconds slow of NTP time", "99999999999999 seconds fast of NTP time", "x seconds fast of NTP time"]
        {
            assert_eq!(clock_offset(text), None, "{text}");
        }
    }

    #[test]
    fn the_name_of_a_zone_is_no_offset_and_must_agree_with_the_zone_declared() {
        let read = |cell: &str, zone: Option<&str>| {
            let zone = zone.map(|zone| TimeZone::get(zone).unwrap());
            let read = patterned(cell, "%d/%b/%Y:%H:%M:%S %Z", &Clock { zone: zone.as_ref(), order: None });
            read.map(|instant| format!("{} {}", text(instant.micros), instant.basis.word()))
        };
        let winter = "03/Jan/2018:23:46:08 EST";
        assert_eq!(read(winter, None), Err(Unsettled::Zone));
        assert_eq!(read(winter, Some("America/New_York")).as_deref(), Ok("2018-01-04T04:46:08Z declared"));
        assert_eq!(read(winter, Some("UTC")), Err(Unsettled::ZoneName));
        assert_eq!(read("03/Jul/2018:23:46:08 EST", Some("America/New_York")), Err(Unsettled::ZoneName));
        assert_eq!(read("03/Jan/2018:23:46:08 UTC", None).as_deref(), Ok("2018-01-03T23:46:08Z explicit"));
        assert_eq!(read("03/Jan/2018:23:46:08 -0500", None).as_deref(), Ok("2018-01-04T04:46:08Z explicit"));
        assert_eq!(read("03/Jan/2018:23:46:08", Some("UTC")), Err(Unsettled::NotATime));
    }

    #[test]
    fn a_keyed_hash_is_never_a_serial() {
        let clock = Clock { zone: None, order: None };
        for transform in [Transform::SerialHex, Transform::SerialDecimal] {
            assert_eq!(settle("hmac-sha256:08ba35", &transform, &clock), Err("N-VAL-004"));
        }
    }

    #[test]
    fn the_first_pattern_that_is_found_gives_the_text() {
        let pattern = |pattern: &str, text: &str| (regex::Regex::new(pattern).unwrap(), text.to_owned());
        let patterns = vec![pattern("^Add (User)", "$1"), pattern("User", "later")];
        let clock = Clock { zone: None, order: None };
        let settled = |text: &str, default: Option<&str>| {
            let transform = Transform::Match { patterns: patterns.clone(), default: default.map(ToOwned::to_owned) };
            settle(text, &transform, &clock).map(|cell| if let Cell::Text(text) = cell { text.into_owned() } else { String::new() })
        };
        assert_eq!(settled("Add User 'x'", None).as_deref(), Ok("User"));
        assert_eq!(settled("Delete User 'x'", None).as_deref(), Ok("later"));
        assert_eq!(settled("POST", Some("other")).as_deref(), Ok("other"));
        assert_eq!(settled("POST", None), Err("N-VAL-001"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_a_reason(cell in "[0-9/:. TZ+a-z-]{0,30}") {
            let _ = read(&cell, Some("Europe/London"), Some(DateOrder::Dmy));
            let _ = asn1(&cell);
        }
    }
}
