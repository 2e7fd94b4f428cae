//! Columns before and after they are tables.

use polars::prelude::{
    BooleanChunked, DataFrame, DataType, Field, Int64Chunked, IntoColumn, IntoSeries, NewChunkedArray, StringChunked, TimeUnit,
};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// Signed 64-bit integer.
    Integer,
    /// True or false.
    Boolean,
    /// Microseconds since 1970, UTC, without a zone.
    Timestamp,
}

impl Type {
    fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::String,
            Self::Integer => DataType::Int64,
            Self::Boolean => DataType::Boolean,
            Self::Timestamp => DataType::Datetime(TimeUnit::Microseconds, None),
        }
    }
}

/// Name and type of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: Type,
}

/// The columns of a table, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema(pub Vec<Column>);

impl Schema {
    /// The place of a column.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|column| column.name == name)
    }

    pub(super) fn polars(&self) -> polars::prelude::Schema {
        self.0.iter().map(|column| Field::new(column.name.as_str().into(), column.kind.data_type())).collect()
    }

    pub(super) fn empty_frame(&self) -> DataFrame {
        DataFrame::empty_with_schema(&self.polars())
    }

    /// Empty values for every column.
    #[must_use]
    pub fn values(&self) -> Vec<Values> {
        self.0.iter().map(|column| Values::new(column.kind)).collect()
    }
}

/// Texts laid end to end: one allocation for a whole batch, not one for each cell.
#[derive(Debug, Clone, Default)]
pub struct TextColumn {
    data: String,
    /// Where each cell ends, and whether it holds anything.
    ends: Vec<(usize, bool)>,
}

impl TextColumn {
    /// Adds a cell.
    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.data.push_str(text);
        }
        self.ends.push((self.data.len(), text.is_some()));
    }

    /// The cell at `index`; `None` where it is empty or beyond the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&str> {
        let &(end, present) = self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before)?.0,
            None => 0,
        };
        if present { self.data.get(start..end) } else { None }
    }

    /// Takes all cells out, and keeps the room they had.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }

    /// How many cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// No cells.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// The values of one column.
#[derive(Debug, Clone)]
pub enum Values {
    /// Texts.
    Text(TextColumn),
    /// Integers.
    Integer(Vec<Option<i64>>),
    /// Booleans.
    Boolean(Vec<Option<bool>>),
    /// Instants.
    Timestamp(Vec<Option<i64>>),
}

impl Values {
    /// No values of a type.
    #[must_use]
    pub fn new(kind: Type) -> Self {
        match kind {
            Type::Text => Self::Text(TextColumn::default()),
            Type::Integer => Self::Integer(Vec::new()),
            Type::Boolean => Self::Boolean(Vec::new()),
            Type::Timestamp => Self::Timestamp(Vec::new()),
        }
    }

    /// Adds an empty cell.
    pub fn push_null(&mut self) {
        match self {
            Self::Text(column) => column.push(None),
            Self::Integer(values) | Self::Timestamp(values) => values.push(None),
            Self::Boolean(values) => values.push(None),
        }
    }

    /// Adds a text to a text column; elsewhere an empty cell.
    pub fn push_text(&mut self, text: Option<&str>) {
        match self {
            Self::Text(column) => column.push(text),
            _ => self.push_null(),
        }
    }

    /// Adds a number to an integer or timestamp column; elsewhere an empty cell.
    pub fn push_number(&mut self, number: Option<i64>) {
        match self {
            Self::Integer(values) | Self::Timestamp(values) => values.push(number),
            _ => self.push_null(),
        }
    }

    /// Adds a truth value to a boolean column; elsewhere an empty cell.
    pub fn push_truth(&mut self, truth: Option<bool>) {
        match self {
            Self::Boolean(values) => values.push(truth),
            _ => self.push_null(),
        }
    }

    /// How many cells.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(column) => column.len(),
            Self::Integer(values) | Self::Timestamp(values) => values.len(),
            Self::Boolean(values) => values.len(),
        }
    }

    /// No cells.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn column(&self, name: &str) -> polars::prelude::Column {
        let name = name.into();
        match self {
            Self::Text(column) => StringChunked::from_iter_options(name, column.iter()).into_column(),
            Self::Integer(values) => Int64Chunked::from_slice_options(name, values).into_column(),
            Self::Boolean(values) => BooleanChunked::from_slice_options(name, values).into_column(),
            Self::Timestamp(values) => {
                Int64Chunked::from_slice_options(name, values).into_datetime(TimeUnit::Microseconds, None).into_series().into_column()
            }
        }
    }
}
