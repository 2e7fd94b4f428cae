//! Tables the program writes itself.

use std::path::{Path, PathBuf};

use super::table_file::Value;
use crate::catalogue::table::Table;
use crate::engine::{Column, EngineError, ParquetFile, Part, Schema, Type, Values};

/// A table file being written row by row.
pub(super) struct Out {
    path: PathBuf,
    schema: Schema,
    buffer: Vec<Values>,
    file: ParquetFile,
}

/// Text, or nothing.
pub(super) fn cell_text(text: Option<String>) -> Value {
    Value::or_null(text, Value::Text)
}

impl Out {
    /// Columns by name and the first letter of their type: text, integer, boolean.
    pub(super) fn create(path: &Path, columns: &[(&str, char)]) -> Result<Self, EngineError> {
        let kind = |letter| match letter {
            'b' => Type::Boolean,
            'i' => Type::Integer,
            _ => Type::Text,
        };
        Self::new(path, Schema(columns.iter().map(|(name, letter)| Column { name: (*name).to_owned(), kind: kind(*letter) }).collect()))
    }

    pub(super) fn for_table(path: &Path, table: &Table) -> Result<Self, EngineError> {
        Self::new(path, table.schema().clone())
    }

    fn new(path: &Path, schema: Schema) -> Result<Self, EngineError> {
        Ok(Self { path: path.to_owned(), buffer: schema.values(), file: ParquetFile::create(path, schema.clone())?, schema })
    }

    /// Writes a row: a value for every column.
    pub(super) fn row(&mut self, values: &[Value]) -> Result<(), EngineError> {
        for (column, value) in self.buffer.iter_mut().zip(values) {
            match value {
                Value::Null => column.push_null(),
                Value::Text(text) => column.push_text(Some(text)),
                Value::Integer(number) | Value::Time(number) => column.push_number(Some(*number)),
                Value::Boolean(truth) => column.push_truth(Some(*truth)),
            }
        }
        if self.buffer.first().is_some_and(|column| column.len() >= 16_384) { self.flush() } else { Ok(()) }
    }

    /// Writes a row of named values; a column that is not named is empty.
    pub(super) fn table_row(&mut self, values: &[(&str, Value)]) -> Result<(), EngineError> {
        let row: Vec<Value> = self
            .schema
            .0
            .iter()
            .map(|column| values.iter().find(|(name, _)| *name == column.name).map_or(Value::Null, |(_, value)| value.clone()))
            .collect();
        self.row(&row)
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        self.file.write(&self.buffer)?;
        self.buffer = self.schema.values();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Part, EngineError> {
        self.flush()?;
        self.file.finish()?;
        Ok(Part { path: self.path, evidence: None })
    }
}
