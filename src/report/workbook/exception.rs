//! Sheet Exceptions: one row for each.

use super::super::results::Exception;
use super::super::untrusted::{Cell, cut, lines, visible, words};
use super::sheet::Row;

/// A row.
pub(super) fn row(e: &Exception) -> Row {
    let values: Vec<String> =
        e.values.iter().map(|(name, value)| format!("{} = {}", visible(name), value.as_deref().map_or("null".into(), visible))).collect();
    Row::from(vec![
        words(&e.id),
        words(&e.control),
        words(&e.test),
        words(&e.segment),
        words(&e.certainty),
        words(if e.confirmed { "confirmed" } else { "indicative" }),
        words(&e.evidence),
        words(&e.path),
        words(&e.locator),
        words(&e.says),
        Cell::Text(cut(values.join("\n"), 500, &format!(" … [cut; full text: exceptions.jsonl#{}]", e.id))),
        lines(&e.also),
    ])
}
