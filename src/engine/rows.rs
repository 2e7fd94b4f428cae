//! Rows that a statement gave.

use std::cmp::Ordering;

use polars::prelude::{AnyValue, DataFrame};

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number without a fraction.
    Integer(i64),
    /// Microseconds since 1970, UTC.
    Timestamp(i64),
    /// Text; also any value of another type, as the engine writes it.
    Text(String),
}

impl Cell {
    /// The text of a value: times in ISO 8601 UTC; `None` for nothing.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Boolean(truth) => Some(truth.to_string()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Timestamp(micros) => Some(crate::domain::instant::text(*micros)),
            Self::Text(text) => Some(text.clone()),
        }
    }

    /// The number, where it is one.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) | Self::Timestamp(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, where it is one.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }
}

/// The rows of a result, held by column.
#[derive(Default)]
pub struct Rows {
    frame: DataFrame,
    names: Vec<String>,
}

impl Rows {
    pub(super) fn new(mut frame: DataFrame) -> Self {
        frame.rechunk_mut();
        let names = frame.get_column_names().iter().map(ToString::to_string).collect();
        Self { frame, names }
    }

    /// Names of the columns, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The place of a column.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|column| column == name)
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frame.height()
    }

    /// No rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a row and column; nothing beyond the ends.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Cell {
        let Some(value) = self.frame.columns().get(column).and_then(|column| column.get(row).ok()) else {
            return Cell::Null;
        };
        match value {
            AnyValue::Null => Cell::Null,
            AnyValue::Boolean(truth) => Cell::Boolean(truth),
            AnyValue::String(text) => Cell::Text(text.to_owned()),
            AnyValue::StringOwned(text) => Cell::Text(text.to_string()),
            AnyValue::Datetime(number, unit, _) | AnyValue::DatetimeOwned(number, unit, _) => Cell::Timestamp(micros(number, unit)),
            value => match value.extract::<i64>() {
                Some(number) if value.is_integer() => Cell::Integer(number),
                _ => Cell::Text(value.to_string()),
            },
        }
    }

    /// The value at a row of a named column.
    #[must_use]
    pub fn named(&self, row: usize, name: &str) -> Cell {
        self.position(name).map_or(Cell::Null, |column| self.cell(row, column))
    }

    /// Row numbers in order of the named columns, then of all columns from left to right: the same
    /// order whatever the engine did.
    #[must_use]
    pub fn sorted_by(&self, first: &[&str]) -> Vec<usize> {
        let mut columns: Vec<usize> = first.iter().filter_map(|name| self.position(name)).collect();
        let rest = self.names.iter().enumerate().filter(|(_, name)| !first.contains(&name.as_str()));
        columns.extend(rest.map(|(column, _)| column));
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|&a, &b| {
            columns
                .iter()
                .map(|&column| self.cell(a, column).cmp(&self.cell(b, column)))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        order
    }
}

fn micros(number: i64, unit: polars::prelude::TimeUnit) -> i64 {
    match unit {
        polars::prelude::TimeUnit::Nanoseconds => number / 1_000,
        polars::prelude::TimeUnit::Microseconds => number,
        polars::prelude::TimeUnit::Milliseconds => number.saturating_mul(1_000),
    }
}
