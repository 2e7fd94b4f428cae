//! Sheet Timeline: a row for each log stream, and one for each hole in it.

use super::super::untrusted::{Cell, words};
use super::super::view::{Line, ReportView, ViewError, cell};
use super::MOST_ROWS;
use super::sheet::Row;

/// The rows, a stream before its holes; and how many there are.
pub(super) fn rows(view: &ReportView) -> Result<(Vec<Row>, usize), ViewError> {
    let (streams, holes) = (view.lines::<Line>("coverage.jsonl", MOST_ROWS)?, view.lines::<Line>("holes.jsonl", MOST_ROWS)?);
    let total = usize::try_from(streams.total + holes.total).unwrap_or(usize::MAX);
    let mut keyed: Vec<(&str, &str, &Line)> = streams.first.iter().map(|line| (cell(line, "stream"), "", line)).collect();
    keyed.extend(holes.first.iter().map(|line| (cell(line, "stream"), cell(line, "due_at"), line)));
    keyed.sort_by_key(|(stream, due, _)| (*stream, *due));
    let count = |stream: &str| holes.first.iter().filter(|line| cell(line, "stream") == stream).count() as u64;
    let rows = keyed.into_iter().take(MOST_ROWS).map(|(stream, due, line)| row(line, due.is_empty().then(|| count(stream))));
    Ok((rows.collect(), total))
}

/// A number of a view; text where it is none.
pub(super) fn number(line: &Line, name: &str) -> Cell {
    cell(line, name).parse().map_or_else(|_| words(cell(line, name)), Cell::Number)
}

/// Where a line of a view stands: evidence id, path, place.
pub(super) fn stands(line: &Line) -> [Cell; 3] {
    ["evidence", "path", "locator"].map(|name| words(cell(line, name)))
}

/// A stream with its number of holes, or a hole.
fn row(line: &Line, stream: Option<u64>) -> Row {
    let or = |name: &str, none: &str| words(if cell(line, name).is_empty() { none } else { cell(line, name) });
    let mut cells = vec![words(cell(line, "stream"))];
    if let Some(holes) = stream {
        let silence = if cell(line, "allowed_gap").is_empty() { words("not declared") } else { number(line, "allowed_gap") };
        cells.extend([words("stream"), or("first", "no dated record"), or("last", "no dated record")]);
        cells.extend([number(line, "records"), number(line, "undated"), silence, Cell::Number(holes)]);
        cells.extend([words(""), or("live_since", "not declared"), or("oldest_record_at", "not witnessed")]);
    } else {
        let beyond = cell(line, "beyond") == "true";
        cells.extend([words("hole"), or("after", "start of the period"), or("ends_at", "end of the period")]);
        cells.extend((0..4).map(|_| words("")));
        cells.extend([words(if beyond { "before the first or after the last record supplied" } else { "between records" })]);
        cells.extend([words(""), words("")]);
    }
    cells.extend(stands(line));
    Row::from(cells)
}
