//! Rotated logs: which files are members of one log by their names, and which member stands before each.
//!
//! `server.log`, `server.log.1` and `server.log.3.gz` are one log, and so are `server.log.2021-01-05` and
//! `server.log.2021-01-07`; a member that could not be read is none.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::SourceFacts;
use crate::domain::evidence::Status;

/// Endings that compression adds.
const PACKED: [&str; 6] = [".gz", ".bz2", ".xz", ".zst", ".zip", ".Z"];
/// What stands for the day in the path of a log whose members are named by days.
const DAY: &str = "*";

/// A file as a member of a rotated log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Path of the log without what tells its members apart.
    pub(super) log: String,
    /// The number or the day of the member; 0 is the file that has none.
    pub(super) name: String,
    /// The member before it, where there is one.
    pub(super) before: Option<String>,
    /// How many members between the two were not read.
    pub(super) missing: Option<i64>,
}

/// What tells the members of a log apart: a number, or a day as the days since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Number(i64),
    Day(i64),
}

impl Turn {
    fn place(self) -> i64 {
        match self {
            Self::Number(place) | Self::Day(place) => place,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Day(days) => epoch().checked_add(jiff::Span::new().days(days)).map_or_else(|_| days.to_string(), |day| day.to_string()),
        }
    }
}

/// The members of rotated logs, by number of the evidence. A file with the same content as another stands in for it.
pub(super) fn members(sources: &[SourceFacts]) -> BTreeMap<u32, Member> {
    let read = || sources.iter().filter(|source| source.evidence.status == Status::Used && source.stream.is_some());
    let paths =
        |source: &SourceFacts| -> Vec<String> { std::iter::once(&source.evidence.path).chain(&source.evidence.also).cloned().collect() };
    let mut logs: BTreeMap<String, BTreeSet<Turn>> = BTreeMap::new();
    for (log, turn) in read().flat_map(paths).filter_map(|path| turn(&path)) {
        logs.entry(log).or_default().insert(turn);
    }
    for path in read().flat_map(paths) {
        if let Some(turns) = logs.get_mut(unpacked(&path)) {
            turns.insert(Turn::Number(0));
        }
    }
    logs.retain(|log, turns| !log.contains(DAY) || daily(turns));
    let member = |path: &str| {
        let (log, turn) = turn(path).or_else(|| Some((unpacked(path).to_owned(), Turn::Number(0))))?;
        let before = logs.get(&log)?.range(..turn).next_back().copied();
        let missing = before.map(|before| turn.place() - before.place() - 1);
        Some(Member { log, name: turn.name(), before: before.map(Turn::name), missing })
    };
    // Of several names the one that has the most before it missing is the one to look at.
    let widest = |source: &SourceFacts| {
        let members = paths(source).into_iter().filter_map(|path| member(&path));
        members.max_by(|one, other| (one.missing, &one.name).cmp(&(other.missing, &other.name)))
    };
    read().filter_map(|source| Some((source.evidence.number, widest(source)?))).collect()
}

/// Whether a log has a member for every day, as a rule: of one rotated by its size a day without is no hole.
fn daily(turns: &BTreeSet<Turn>) -> bool {
    let places: Vec<i64> = turns.iter().map(|turn| turn.place()).collect();
    let steps = places.windows(2).filter(|pair| matches!(pair, [one, next] if next - one == 1)).count();
    steps > 0 && 2 * steps >= places.len() - 1
}

fn unpacked(path: &str) -> &str {
    PACKED.iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(path)
}

/// The log that a path is a member of by its name, and which.
fn turn(path: &str) -> Option<(String, Turn)> {
    numbered(path).or_else(|| dated(path))
}

/// The log and the number that a path ends with; years are none.
fn numbered(path: &str) -> Option<(String, Turn)> {
    let (log, number) = unpacked(path).rsplit_once('.')?;
    let digits = (1..=3).contains(&number.len()) && number.bytes().all(|octet| octet.is_ascii_digit());
    let named = !log.is_empty() && !log.ends_with('/') && dated(path).is_none();
    (digits && named).then(|| Some((log.to_owned(), Turn::Number(number.parse().ok()?))))?
}

/// The log and the last day that a name has in it: `2021-01-05` or `20210105`.
fn dated(path: &str) -> Option<(String, Turn)> {
    let path = unpacked(path);
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let day = |start: usize, length: usize| {
        let end = start + length;
        let inside = |at: usize| path.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
        let alone = !inside(end) && !start.checked_sub(1).is_some_and(inside);
        let digits = path.get(start..end)?.replace('-', "");
        let form = if length == 10 { path.get(start..end)?.match_indices('-').map(|(at, _)| at).eq([4, 7]) } else { digits.len() == 8 };
        let whole = form && digits.len() == 8 && digits.bytes().all(|octet| octet.is_ascii_digit());
        let part = |from, to| digits.get(from..to)?.parse().ok();
        let date = Date::new(part(0, 4)?, i8::try_from(part(4, 6)?).ok()?, i8::try_from(part(6, 8)?).ok()?).ok()?;
        let days = epoch().until(date).ok()?.get_days();
        (alone && whole && days > 0).then(|| {
            (format!("{}{DAY}{}", path.get(..start).unwrap_or_default(), path.get(end..).unwrap_or_default()), Turn::Day(i64::from(days)))
        })
    };
    (name..path.len()).rev().find_map(|start| day(start, 10).or_else(|| day(start, 8)))
}

fn epoch() -> Date {
    Date::constant(1970, 1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_at_the_end_of_a_name_tells_a_member() {
        assert_eq!(turn("ca/server.log.3.gz"), Some(("ca/server.log".to_owned(), Turn::Number(3))));
        assert_eq!(turn("ca/server.log.012"), Some(("ca/server.log".to_owned(), Turn::Number(12))));
        for path in ["ca/server.log", "ca/server.log.2021", "ca/.3", "server-2021-q3.log", "a.3b"] {
            assert_eq!(turn(path), None, "{path}");
        }
    }

    #[test]
    fn the_day_in_a_name_tells_a_member() {
        for (path, log) in [
            ("ca/server.log.2021-01-05", "ca/server.log.*"),
            ("ca/server.log.2021-01-05.gz", "ca/server.log.*"),
            ("ca/ca_audit.20210105", "ca/ca_audit.*"),
            ("2020-12-31/node-1-2021-01-05.log", "2020-12-31/node-1-*.log"),
        ] {
            let (found, day) = turn(path).unwrap();
            assert_eq!((found.as_str(), day.name().as_str()), (log, "2021-01-05"), "{path}");
        }
        for path in ["2021-01-05/server.log", "a-2021-13-05.log", "a-120210105.log", "a-2021-1-5.log", "a-2021-01-055"] {
            assert_eq!(turn(path), None, "{path}");
        }
    }

    #[test]
    fn a_log_is_daily_where_most_days_follow_one_another() {
        let days = |days: &[i64]| days.iter().map(|day| Turn::Day(*day)).collect();
        assert!(daily(&days(&[1, 2, 4])) && daily(&days(&[1, 2])));
        assert!(!daily(&days(&[1, 4, 9, 10])) && !daily(&days(&[1])));
    }
}
