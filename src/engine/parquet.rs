//! Parquet files written batch by batch, so that memory does not grow with the table.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use polars::io::parquet::write::{BatchedWriter, ParquetWriter};
use polars::prelude::{DataFrame, ParquetCompression};

use super::{EngineError, Schema, Values};

/// A Parquet file being written.
pub struct ParquetFile {
    path: PathBuf,
    schema: Schema,
    writer: BatchedWriter<BufWriter<File>>,
    rows: u64,
}

impl ParquetFile {
    /// Creates the file.
    ///
    /// # Errors
    /// [`EngineError::File`].
    pub fn create(path: &Path, schema: Schema) -> Result<Self, EngineError> {
        let file = File::create(path).map_err(|source| file_error(path, source))?;
        let writer = writer(file).batched(&schema.polars()).map_err(|error| EngineError::Statement(error.to_string()))?;
        Ok(Self { path: path.to_owned(), schema, writer, rows: 0 })
    }

    /// Writes one batch: as many values in every column, in the order of the schema.
    ///
    /// # Errors
    /// [`EngineError::File`] when the disk refuses, [`EngineError::Statement`] when the columns differ in length.
    pub fn write(&mut self, columns: &[Values]) -> Result<(), EngineError> {
        let height = columns.first().map_or(0, Values::len);
        if height == 0 {
            return Ok(());
        }
        let columns = self.schema.0.iter().zip(columns).map(|(column, values)| values.column(&column.name));
        let frame = DataFrame::new(height, columns.collect()).map_err(|error| EngineError::Statement(error.to_string()))?;
        self.writer.write_batch(&frame).map_err(|error| self.refused(&error))?;
        self.rows += height as u64;
        Ok(())
    }

    /// Ends the file, and gives the number of its rows.
    ///
    /// # Errors
    /// [`EngineError::File`].
    pub fn finish(self) -> Result<u64, EngineError> {
        self.writer.finish().map_err(|error| self.refused(&error))?;
        Ok(self.rows)
    }

    fn refused(&self, error: &polars::prelude::PolarsError) -> EngineError {
        file_error(&self.path, std::io::Error::other(error.to_string()))
    }
}

pub(super) fn write_frame(mut frame: DataFrame, path: &Path) -> Result<u64, EngineError> {
    let rows = frame.height() as u64;
    let file = File::create(path).map_err(|source| file_error(path, source))?;
    writer(file).finish(&mut frame).map_err(|error| file_error(path, std::io::Error::other(error.to_string())))?;
    Ok(rows)
}

fn writer(file: File) -> ParquetWriter<BufWriter<File>> {
    ParquetWriter::new(BufWriter::new(file)).with_compression(ParquetCompression::Snappy).set_parallel(false)
}

fn file_error(path: &Path, source: std::io::Error) -> EngineError {
    EngineError::File { path: path.to_owned(), source }
}
