//! Sheets Evidence, Requests and Data quality: what came, what was asked for, and what weakened it.

use super::super::results::{Evidence, Note, Request};
use super::super::untrusted::{Cell, lines, words};
use super::sheet::Row;

/// A file supplied.
pub(super) fn file(e: &Evidence) -> Row {
    let mut warnings: Vec<String> = e.reason.iter().cloned().collect();
    if e.quality != "ok" {
        warnings.push(format!("quality: {}", e.quality));
    }
    warnings.extend(e.also.iter().map(|path| format!("the same content stands under {path}")));
    let or = |text: &Option<String>, none: &str| words(text.as_deref().unwrap_or(none));
    Row::from(vec![
        words(&e.id),
        words(&e.path),
        or(&e.format, "not recognised"),
        or(&e.stream, "not declared"),
        or(&e.obtained, "not declared"),
        Cell::Number(e.size),
        words(if e.sha256.is_empty() { "could not be opened" } else { &e.sha256 }),
        words(&e.hash_status),
        Cell::Number(e.records),
        Cell::Number(e.rejected),
        Cell::Number(e.blank + e.passed_over),
        or(&e.first, "none"),
        or(&e.last, "none"),
        words(&e.zone_basis),
        words(&e.status),
        lines(&warnings),
        words(e.used_by.join(", ")),
    ])
}

/// Evidence announced or needed.
pub(super) fn request(r: &Request) -> Row {
    let number = |n: Option<u64>, none: &str| n.map_or_else(|| words(none), Cell::Number);
    Row::from(vec![
        words(&r.id),
        words(&r.kind),
        lines(&r.what.lines().collect::<Vec<_>>()),
        words(r.path.as_deref().unwrap_or("")),
        number(r.announced, "no number"),
        number(r.received, ""),
        words(&r.status),
        words(&r.missing),
        lines(&r.ask),
        words(r.controls.join(", ")),
    ])
}

/// Something that weakened the evidence.
pub(super) fn note((n, number): (&Note, usize)) -> Row {
    Row::from(vec![
        words(format!("DQ-{number:05}")),
        words(&n.code),
        words(&n.weight),
        words(n.evidence.as_deref().unwrap_or("")),
        words(n.path.as_deref().unwrap_or("")),
        words(&n.locator),
        words(&n.what),
        Cell::Number(n.count),
        words(n.affects.join(", ")),
        words(&n.fix),
    ])
}
