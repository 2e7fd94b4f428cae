//! Sheet Key register: every key of the register with what logs and certificates say of it, and the keys
//! that only those know. Left out where no register was supplied.

use super::super::untrusted::{Cell, words};
use super::super::view::{Line, ReportView, ViewError, cell};
use super::MOST_ROWS;
use super::sheet::Row;
use super::timeline::stands;

/// The rows, and how many there are.
pub(super) fn rows(view: &ReportView) -> Result<(Vec<Row>, usize), ViewError> {
    let keys = view.lines::<Line>("keys.jsonl", MOST_ROWS)?;
    // The register's lines stand first in the view.
    if keys.first.first().is_none_or(|line| cell(line, "stands_in") != "register") {
        return Ok((Vec::new(), 0));
    }
    Ok((keys.first.iter().map(row).collect(), usize::try_from(keys.total).unwrap_or(usize::MAX)))
}

fn row(line: &Line) -> Row {
    let count = |name: &str| cell(line, name).parse::<u64>().unwrap_or(0);
    let (logged, certified) = (count("events_of_id") + count("events_of_label"), count("certificates"));
    let ends = |names: [&str; 2], last: bool| {
        let mut times: Vec<&str> = names.into_iter().map(|name| cell(line, name)).filter(|time| !time.is_empty()).collect();
        times.sort_unstable();
        words(if last { times.last() } else { times.first() }.copied().unwrap_or("none"))
    };
    let mut cells: Vec<Cell> = vec![words(cell(line, "stands_in"))];
    let facts = [
        "key_id",
        "label",
        "kind",
        "purpose",
        "algorithm",
        "size",
        "owner",
        "hsm",
        "share_set",
        "ceremony",
        "generated_at",
        "activated_at",
        "usage_ends_at",
        "deactivated_at",
        "destroyed_at",
        "state",
        "public_key",
    ];
    cells.extend(facts.map(|name| words(cell(line, name))));
    cells.extend([
        Cell::Number(certified),
        words(cell(line, "first_not_before")),
        words(cell(line, "last_not_after")),
        Cell::Number(logged),
        ends(["first_of_id", "first_of_label"], false),
        ends(["last_of_id", "last_of_label"], true),
    ]);
    let registered = cell(line, "stands_in") == "register";
    let known: Vec<&str> = [(registered, "register"), (logged > 0, "log"), (certified > 0, "certificate")]
        .into_iter()
        .filter_map(|(known, word)| known.then_some(word))
        .collect();
    cells.push(words(known.join(", ")));
    cells.extend(stands(line));
    Row::from(cells)
}
