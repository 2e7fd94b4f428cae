//! The query engine: tables as Parquet in, SQL text in, rows out.
//!
//! The only place that names polars, which changes with every release. It knows nothing of
//! evidence or controls. One fresh context serves each query, because polars keeps what a
//! statement leaves behind.

mod column;
mod parquet;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use polars::prelude::{
    DataFrame, Engine as Mode, IntoLazy, JoinArgs, JoinType, LazyFrame, PlRefPath, PolarsError, ScanArgsParquet, col, concat, lit,
};
use polars::sql::SQLContext;

pub use column::{Column, Schema, TextColumn, Type, Values};
pub use parquet::ParquetFile;
pub use rows::{Cell, Rows};

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The statement is wrong, or the engine cannot run it: a mistake in a checklist or in `query`.
    #[error("the engine refused the statement: {0}")]
    Statement(String),
    /// The engine itself broke. The statement is not to blame.
    #[error("the engine failed while it ran the statement: {0}")]
    Panicked(String),
    /// A cache file cannot be written or read.
    #[error("cannot use the table file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// A Parquet file of a table.
#[derive(Debug, Clone)]
pub struct Part {
    /// The file.
    pub path: PathBuf,
    /// The number of the evidence its rows come from, where the file has no such column: numbers
    /// change from run to run, and files are kept.
    pub evidence: Option<u32>,
}

struct Table {
    schema: Schema,
    files: Vec<Part>,
    /// Rows of `files` that are left out, as a table of the same key columns.
    without: Option<(PathBuf, Vec<String>)>,
}

/// Named tables that statements can be run over.
#[derive(Default)]
pub struct Engine {
    tables: BTreeMap<String, Table>,
}

impl Engine {
    /// Names a table: the rows of all `files`, each of that schema. No files is an empty table.
    pub fn register(&mut self, name: &str, schema: Schema, files: Vec<Part>) {
        self.tables.insert(name.to_owned(), Table { schema, files, without: None });
    }

    /// Takes a table out again.
    pub fn forget(&mut self, name: &str) {
        self.tables.remove(name);
    }

    /// Leaves out of a table the rows whose `keys` stand in the Parquet file `rows`.
    pub fn leave_out(&mut self, name: &str, rows: PathBuf, keys: Vec<String>) {
        if let Some(table) = self.tables.get_mut(name) {
            table.without = Some((rows, keys));
        }
    }

    /// The names and schemas of all tables, in order of name.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &Schema)> {
        self.tables.iter().map(|(name, table)| (name.as_str(), &table.schema))
    }

    /// The files of a table.
    #[must_use]
    pub fn files(&self, name: &str) -> &[Part] {
        self.tables.get(name).map_or(&[], |table| &table.files)
    }

    /// Runs one SELECT over the tables. The order of the rows is the engine's: sort what matters.
    ///
    /// # Errors
    /// [`EngineError::Statement`] or [`EngineError::Panicked`].
    pub fn query(&self, sql: &str) -> Result<Rows, EngineError> {
        guarded(|| self.collect(sql)).map(Rows::new)
    }

    /// Writes the result of one SELECT as a Parquet file of the given schema.
    ///
    /// # Errors
    /// As [`Engine::query`], and [`EngineError::File`].
    pub fn write(&self, sql: &str, path: &Path) -> Result<u64, EngineError> {
        let frame = guarded(|| self.collect(sql))?;
        parquet::write_frame(frame, path)
    }

    /// Polars' projection pushdown forgets how many rows a table of aggregates or constants has when a
    /// statement uses none of its columns: a cross join with `SELECT MIN(x) FROM t` then has as many
    /// rows as `t`. So it stays off, and each table gives only the columns that the statement names.
    fn collect(&self, sql: &str) -> Result<DataFrame, PolarsError> {
        let words: BTreeSet<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let everything = sql.replace("COUNT(*)", "").contains('*');
        let mut context = SQLContext::new();
        for (name, table) in self.tables.iter().filter(|(name, _)| words.contains(name.as_str())) {
            context.register(name, table.scan((!everything).then_some(&words))?);
        }
        let plan = context.execute(sql)?.with_projection_pushdown(false);
        Ok(plan.collect_with_engine(Mode::Streaming)?.unwrap_single())
    }
}

impl Table {
    fn scan(&self, words: Option<&BTreeSet<&str>>) -> Result<LazyFrame, PolarsError> {
        let mut frames = Vec::with_capacity(self.files.len());
        for file in &self.files {
            frames.push(self.part(file)?);
        }
        let all = match frames.len() {
            0 => return Ok(self.schema.empty_frame().lazy()),
            1 => frames.swap_remove(0),
            _ => concat(frames, polars::prelude::UnionArgs::default())?,
        };
        let named = |column: &&Column| {
            let key = self.without.as_ref().is_some_and(|(_, keys)| keys.contains(&column.name));
            key || column.name == "evidence" || words.is_none_or(|words| words.contains(column.name.as_str()))
        };
        let columns: Vec<_> = self.schema.0.iter().filter(named).map(|column| col(column.name.as_str())).collect();
        let all = if columns.is_empty() { all } else { all.select(columns) };
        let Some((rows, keys)) = &self.without else { return Ok(all) };
        let on: Vec<_> = keys.iter().map(col).collect();
        Ok(all.join(scan(rows)?, on.clone(), on, JoinArgs::new(JoinType::Anti)))
    }

    fn part(&self, part: &Part) -> Result<LazyFrame, PolarsError> {
        let frame = scan(&part.path)?;
        let Some(number) = part.evidence else { return Ok(frame) };
        let numbered = frame.with_column(lit(i64::from(number)).alias("evidence"));
        Ok(numbered.select(self.schema.0.iter().map(|column| col(column.name.as_str())).collect::<Vec<_>>()))
    }
}

fn scan(file: &Path) -> Result<LazyFrame, PolarsError> {
    let args = ScanArgsParquet { glob: false, ..ScanArgsParquet::default() };
    LazyFrame::scan_parquet(PlRefPath::try_from_path(file)?, args)
}

/// Polars panics on some statements; a panic must not end an audit.
fn guarded<T>(work: impl FnOnce() -> Result<T, PolarsError>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(EngineError::Statement(error.to_string())),
        Err(cause) => {
            let text = cause.downcast_ref::<String>().cloned().or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string));
            Err(EngineError::Panicked(text.unwrap_or_else(|| "no reason given".to_owned())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(folder: &Path) -> Engine {
        let schema = Schema(vec![
            Column { name: "evidence".to_owned(), kind: Type::Integer },
            Column { name: "at".to_owned(), kind: Type::Timestamp },
        ]);
        let path = folder.join("t.parquet");
        let mut file = ParquetFile::create(&path, schema.clone()).unwrap();
        let numbers = vec![Some(1), Some(2), Some(3)];
        file.write(&[Values::Integer(numbers), Values::Timestamp(vec![Some(1_000_000), None, Some(3_000_000)])]).unwrap();
        file.finish().unwrap();
        let mut engine = Engine::default();
        engine.register("t", schema, vec![Part { path, evidence: None }]);
        engine
    }

    fn count(engine: &Engine, sql: &str) -> Option<i64> {
        engine.query(sql).unwrap().named(0, "n").integer()
    }

    #[test]
    fn a_table_of_aggregates_or_constants_keeps_its_one_row_when_none_of_its_columns_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        assert_eq!(count(&engine, "WITH x AS (SELECT MIN(at) AS first FROM t) SELECT COUNT(*) AS n FROM t AS a CROSS JOIN x"), Some(3));
        assert_eq!(count(&engine, "WITH x AS (SELECT MIN(at) AS first FROM t) SELECT COUNT(*) AS n FROM x"), Some(1));
        assert_eq!(
            count(&engine, "WITH x AS (SELECT TIMESTAMP '2020-01-01 00:00:00' AS d) SELECT COUNT(*) AS n FROM t AS a CROSS JOIN x"),
            Some(3)
        );
    }

    #[test]
    fn a_cross_join_bounded_by_an_inequality_runs() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        let sql = "WITH x AS (SELECT TIMESTAMP '1970-01-01 00:00:02' AS d) SELECT COUNT(*) AS n FROM t AS a CROSS JOIN x WHERE a.at + INTERVAL '1 second' > x.d";
        assert_eq!(count(&engine, sql), Some(1));
    }

    #[test]
    fn the_engine_opens_no_file_that_is_not_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        for sql in ["SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_parquet('/etc/passwd')", "SELECT * FROM nowhere"] {
            assert!(engine.query(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn times_come_back_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        let rows = engine.query("SELECT at FROM t").unwrap();
        let texts: Vec<Option<String>> = rows.sorted_by(&["at"]).into_iter().map(|row| rows.cell(row, 0).text()).collect();
        assert_eq!(texts, [None, Some("1970-01-01T00:00:01Z".to_owned()), Some("1970-01-01T00:00:03Z".to_owned())]);
    }
}
