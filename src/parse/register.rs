//! What registers have in common, however they are kept: a heading whose columns are found by name, rows
//! that are there for their reader and are no records, and dates whose order one of them proves.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::{Batch, Output};
use crate::catalogue::format::{Content, Delimited, Format, From, Transform};
use crate::collect::recognise::{fold, names};
use crate::domain::instant::DateOrder;
use crate::domain::note::Note;
use crate::domain::secrets;

/// A heading: its cells with their places.
pub(super) struct Heading(Vec<(usize, String)>);

impl Heading {
    pub(super) fn of(cells: impl IntoIterator<Item = (usize, String)>) -> Self {
        Self(cells.into_iter().collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The places of its cells.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(place, _)| *place)
    }

    fn under<'h>(&'h self, settings: &'h Delimited, field: &'h str) -> impl Iterator<Item = &'h (usize, String)> {
        self.0.iter().filter(move |(_, cell)| names(settings, field).any(|name| fold(name) == fold(cell)))
    }

    /// The place of the column of a field.
    pub(super) fn place(&self, settings: &Delimited, field: &str) -> Option<usize> {
        self.under(settings, field).next().map(|(place, _)| *place)
    }

    /// Notes columns nobody uses, and columns that stand twice.
    pub(super) fn notice(&self, settings: &Delimited, fields: &[String], out: &mut Output<'_>) {
        let used = |cell: &str| {
            let maps = settings.maps.iter().any(|map| fold(map) == fold(cell));
            maps || fields.iter().any(|field| names(settings, field).any(|name| fold(name) == fold(cell)))
        };
        let unused: Vec<&str> = self.0.iter().map(|(_, cell)| cell.as_str()).filter(|cell| !used(cell)).collect();
        if !unused.is_empty() {
            out.note(Note::on("N-CSV-004", out.evidence(), format!("columns not used: {}", unused.join(", "))));
        }
        for field in fields {
            for (_, cell) in self.under(settings, field).skip(1) {
                out.note(Note::on("N-CSV-003", out.evidence(), format!("column {cell:?} stands twice; the first is used")));
            }
        }
    }
}

static SAMPLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)^(\d+[.)]?\s*)?[(\[]?(sample|example)[)\]]?:?(\s*\d+)?$").ok());

/// What a row is whose first cell marks it as no record: it is passed over.
pub(super) fn no_record(first_cell: &str) -> Option<&'static str> {
    let cell = first_cell.trim();
    if !cell.contains(['s', 'S', 't', 'T', 'e', 'E']) {
        return None;
    }
    if SAMPLE.as_ref().is_some_and(|pattern| pattern.is_match(cell)) {
        return Some("marked as a sample");
    }
    ["total", "totals", "total:", "totals:"].contains(&cell.to_lowercase().as_str()).then_some("a row of totals")
}

static UNFILLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:\[?(?i:TODO)\b.*|(?i:TBD|TBC)|_{2,}|X{3,}|\?{2,}|Y{4}[-/.]?M{2}[-/.]?D{2}|D{2}[-/.]M{2}[-/.]Y{4})$").ok()
});

/// Whether a cell holds what stands in a form before it is filled in: it says nothing, and is not empty.
fn not_filled_in(cell: &str) -> bool {
    let likely = cell.starts_with(['[', '_', 'T', 't', 'X', '?', 'Y', 'D']);
    likely && UNFILLED.as_ref().is_some_and(|pattern| pattern.is_match(cell))
}

/// The fields of a record that were not filled in, with the code of the note.
pub(super) fn unfilled<'t>(fields: usize, field: impl Fn(usize) -> Option<&'t str>) -> Vec<(usize, &'static str)> {
    (0..fields).filter(|index| field(*index).is_some_and(not_filled_in)).map(|index| (index, "N-VAL-005")).collect()
}

/// Cells with their secrets masked; the record is counted once.
pub(super) fn masked<'c>(row: u64, cells: impl Iterator<Item = &'c str>, out: &mut Output<'_>) -> Vec<Cow<'c, str>> {
    let mut kinds = BTreeSet::new();
    let mut masked = |cell| {
        let Some(found) = secrets::find(cell) else { return Cow::Borrowed(cell) };
        kinds.extend(found.kinds);
        Cow::Owned(found.text)
    };
    let cells = cells.map(&mut masked).collect();
    out.saw_secrets(row, &kinds);
    cells
}

/// Which order of dates the cells of each field prove by a value above 12; nothing where none does,
/// or where they contradict one another. `read` reads the register.
pub(super) fn survey_dates<E>(format: &Format, read: impl FnOnce(&mut Output<'_>) -> Result<(), E>) -> Result<Vec<Option<DateOrder>>, E> {
    let mut auto = vec![false; format.fields.len()];
    for emit in &format.emits {
        let Content::Columns(columns) = &emit.content else { continue };
        for (_, mapping) in columns {
            if let (From::Field(field), Transform::Datetime(pattern)) = (&mapping.from, &mapping.transform)
                && pattern == "auto"
                && let Some(slot) = auto.get_mut(*field)
            {
                *slot = true;
            }
        }
    }
    let mut orders = vec![None; auto.len()];
    let mut contradicted = vec![false; auto.len()];
    if auto.iter().any(|auto| *auto) {
        let mut see = |_: &Format, batch: &Batch| {
            for (index, column) in batch.fields.iter().enumerate().filter(|(index, _)| auto.get(*index) == Some(&true)) {
                for cell in (0..column.len()).filter_map(|row| column.get(row)) {
                    if let (Some(proven), Some(order), Some(against)) = (proves(cell), orders.get_mut(index), contradicted.get_mut(index)) {
                        *against |= order.is_some_and(|order| order != proven);
                        *order = Some(proven);
                    }
                }
            }
        };
        let mut silent = Output::new(0, format, &mut see);
        read(&mut silent)?;
        silent.finish();
    }
    Ok(orders.into_iter().zip(contradicted).map(|(order, against)| order.filter(|_| !against)).collect())
}

/// `25/03/2020` can only be day first, `03/25/2020` only month first.
fn proves(cell: &str) -> Option<DateOrder> {
    let mut parts = cell.splitn(3, ['/', '.', '-']);
    let (first, second): (u32, u32) = (parts.next()?.trim().parse().ok()?, parts.next()?.parse().ok()?);
    match (first, second) {
        (13..=31, 1..=12) => Some(DateOrder::Dmy),
        (1..=12, 13..=31) => Some(DateOrder::Mdy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_above_twelve_proves_the_order() {
        assert_eq!(proves("25/03/2020 10:00"), Some(DateOrder::Dmy));
        assert_eq!(proves("03/25/2020"), Some(DateOrder::Mdy));
        assert_eq!(proves("03/04/2020"), None);
        assert_eq!(proves("2020-03-25"), None);
    }

    #[test]
    fn a_cell_that_was_not_filled_in_is_told_from_one_that_was() {
        for cell in
            ["TBD", "tbc", "[TODO: name]", "TODO", "____", "XXX", "??", "YYYY-MM-DD", "YYYYMMDD", "dd/mm/yyyy".to_uppercase().as_str()]
        {
            assert!(not_filled_in(cell), "{cell}");
        }
        for cell in ["", "TBDX", "T. Odo", "todoist", "_", "X", "XX", "2020-01-01", "Yes", "Dan", "see TBD"] {
            assert!(!not_filled_in(cell), "{cell}");
        }
    }

    #[test]
    fn samples_and_totals_are_no_records_and_what_only_resembles_them_is() {
        for cell in ["SAMPLE", "example", "1 (SAMPLE)", "Example:", "EXAMPLE 2", "1. Sample", "[sample]", "Total", "TOTALS", "totals:"] {
            assert!(no_record(cell).is_some(), "{cell}");
        }
        for cell in ["", "R-1", "Sample plc", "Total Gas Ltd", "J. Example", "example.org", "sampled", "1"] {
            assert!(no_record(cell).is_none(), "{cell}");
        }
    }
}
