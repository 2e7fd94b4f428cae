//! Rotated logs: which files are members of one log by their names, and which member stands before each.
//!
//! `server.log`, `server.log.1` and `server.log.3.gz` are one log; a member that could not be read is none.

use std::collections::{BTreeMap, BTreeSet};

use super::SourceFacts;
use crate::domain::evidence::Status;

/// Endings that compression adds.
const PACKED: [&str; 6] = [".gz", ".bz2", ".xz", ".zst", ".zip", ".Z"];

/// A file as a member of a rotated log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Path of the log without the number.
    pub(super) log: String,
    /// The number; 0 is the file that has none.
    pub(super) number: i64,
    /// The number of the member before it, where there is one.
    pub(super) before: Option<i64>,
}

/// The members of rotated logs, by number of the evidence. A file with the same content as another stands in for it.
pub(super) fn members(sources: &[SourceFacts]) -> BTreeMap<u32, Member> {
    let read = || sources.iter().filter(|source| source.evidence.status == Status::Used && source.stream.is_some());
    let paths =
        |source: &SourceFacts| -> Vec<String> { std::iter::once(&source.evidence.path).chain(&source.evidence.also).cloned().collect() };
    let mut logs: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for (log, number) in read().flat_map(paths).filter_map(|path| numbered(&path)) {
        logs.entry(log).or_default().insert(number);
    }
    for path in read().flat_map(paths) {
        if let Some(numbers) = logs.get_mut(unpacked(&path)) {
            numbers.insert(0);
        }
    }
    let member = |path: &str| {
        let (log, number) = numbered(path).or_else(|| Some((unpacked(path).to_owned(), 0)).filter(|(log, _)| logs.contains_key(log)))?;
        let before = logs.get(&log)?.range(..number).next_back().copied();
        Some(Member { log, number, before })
    };
    // Of several names the one that has the most before it missing is the one to look at.
    let widest = |source: &SourceFacts| {
        let members = paths(source).into_iter().filter_map(|path| member(&path));
        members.max_by_key(|member| (member.before.map_or(0, |before| member.number - before), member.number))
    };
    read().filter_map(|source| Some((source.evidence.number, widest(source)?))).collect()
}

fn unpacked(path: &str) -> &str {
    PACKED.iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(path)
}

/// The log and the number that a path ends with; years are none.
fn numbered(path: &str) -> Option<(String, i64)> {
    let (log, number) = unpacked(path).rsplit_once('.')?;
    let digits = (1..=3).contains(&number.len()) && number.bytes().all(|octet| octet.is_ascii_digit());
    let named = !log.is_empty() && !log.ends_with('/');
    (digits && named).then(|| Some((log.to_owned(), number.parse().ok()?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_at_the_end_of_a_name_tells_a_member() {
        assert_eq!(numbered("ca/server.log.3.gz"), Some(("ca/server.log".to_owned(), 3)));
        assert_eq!(numbered("ca/server.log.012"), Some(("ca/server.log".to_owned(), 12)));
        for path in ["ca/server.log", "ca/server.log.2021", "ca/.3", "server-2021-q3.log", "a.3b"] {
            assert_eq!(numbered(path), None, "{path}");
        }
    }
}
