//! Tables given row by row, without any evidence file: for the cases that show what a control does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::own::Out;
use super::table_file::Value;
use super::{Normalised, SourceFacts, TableFacts, WorkFolder};
use crate::catalogue::Catalogue;
use crate::catalogue::engagement::Engagement;
use crate::catalogue::table::{Declared, Table, UNSETTLED};
use crate::domain::evidence::{Evidence, HashStatus, Quality, Status};
use crate::engine::{Engine, EngineError, Type};

/// Rows of a table: a column that is not named is empty, `unsettled` lists columns as evidence would
/// (`",revoked_at,"`). A table named with no rows is one whose source was read and held none.
pub type GivenTables = BTreeMap<String, Vec<toml::Table>>;

/// Makes the tables. Rows are of evidence 1 unless they say otherwise, and number themselves from 1.
///
/// # Errors
/// [`EngineError`], also where a row names a column or value that its table does not have.
pub fn given(tables: &GivenTables, engagement: &Engagement, catalogue: &Catalogue, work: &Path) -> Result<Normalised, EngineError> {
    fs::create_dir_all(work).map_err(|source| EngineError::File { path: work.to_owned(), source })?;
    let mut engine = Engine::default();
    let mut facts: BTreeMap<String, TableFacts> = BTreeMap::new();
    let mut fed = std::collections::BTreeSet::new();
    for table in catalogue.tables.stored() {
        let mut known = TableFacts::default();
        engine.register(&table.name, table.schema().clone(), Vec::new());
        if let Some(rows) = tables.get(&table.name) {
            let mut out = Out::for_table(&work.join(format!("{}.parquet", table.name)), table)?;
            for (number, row) in (1..).zip(rows) {
                out.table_row(&values(table, row, number)?)?;
            }
            engine.register(&table.name, table.schema().clone(), vec![out.finish()?]);
            known.sources.insert(1);
            fed.insert(table.name.clone());
        }
        facts.insert(table.name.clone(), known);
    }
    if let Some(unknown) = tables.keys().find(|name| catalogue.tables.get(name).is_none()) {
        return Err(EngineError::Statement(format!("no table {unknown:?}")));
    }
    let timeline = super::timeline::timeline(&engine, catalogue, engagement)?;
    let evidence = Evidence {
        number: 1,
        id: "EV-given".to_owned(),
        path: "given".to_owned(),
        file: work.to_owned(),
        size: 0,
        sha256: String::new(),
        hash_status: HashStatus::None,
        format: None,
        container: crate::domain::evidence::Container::Plain,
        status: Status::Used,
        quality: Quality::Ok,
        reason: None,
        also: Vec::new(),
    };
    let mut source = SourceFacts::unread(evidence);
    source.tables = fed;
    Ok(Normalised {
        engine,
        sources: vec![source],
        tables: facts,
        timeline,
        notes: Vec::new(),
        integrity_failures: Vec::new(),
        _work: WorkFolder(work.to_owned()),
    })
}

fn values<'t>(table: &'t Table, row: &toml::Table, number: i64) -> Result<Vec<(&'t str, Value)>, EngineError> {
    let refuse = |what: String| EngineError::Statement(format!("table {}, row {number}: {what}", table.name));
    for name in row.keys() {
        if table.schema().position(name).is_none() {
            return Err(refuse(format!("no column {name:?}")));
        }
    }
    let whole = |name: &str, default: i64| row.get(name).and_then(toml::Value::as_integer).unwrap_or(default);
    let mut values = vec![
        ("evidence", Value::Integer(whole("evidence", 1))),
        ("row", Value::Integer(whole("row", number))),
        ("position", Value::Integer(whole("position", number))),
    ];
    let mut unsettled = row.get(UNSETTLED).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    for column in &table.columns {
        let value = match row.get(&column.name) {
            Some(value) => typed(column, value).map_err(&refuse)?,
            None => Value::Null,
        };
        if column.required && matches!(value, Value::Null) && !unsettled.contains(&format!(",{},", column.name)) {
            unsettled = format!("{},{},", unsettled.trim_end_matches(','), column.name);
        }
        values.push((column.name.as_str(), value));
    }
    // What traced columns keep beside them: how exactly a time is known.
    let beside = table.schema().0.iter().filter(|column| column.kind == Type::Text && table.column(&column.name).is_none());
    for column in beside.filter(|column| column.name != UNSETTLED) {
        if let Some(text) = row.get(&column.name).and_then(toml::Value::as_str) {
            values.push((column.name.as_str(), Value::text(text)));
        }
    }
    values.push((UNSETTLED, Value::or_null(Some(unsettled).filter(|text| !text.is_empty()), Value::Text)));
    Ok(values)
}

fn typed(column: &Declared, value: &toml::Value) -> Result<Value, String> {
    let wrong = || format!("column {}: {value} is not {:?}", column.name, column.kind);
    match column.kind {
        Type::Text => {
            let text = value.as_str().ok_or_else(wrong)?;
            if !column.values.is_empty() && !column.values.iter().any(|known| known == text) {
                return Err(format!("column {}: {text:?} is none of {}", column.name, column.values.join(", ")));
            }
            Ok(Value::text(text))
        }
        Type::Integer => value.as_integer().map(Value::Integer).ok_or_else(wrong),
        Type::Boolean => value.as_bool().map(Value::Boolean).ok_or_else(wrong),
        Type::Timestamp => {
            let time = value.as_datetime().ok_or_else(wrong)?;
            let text = if time.time.is_none() { format!("{time}T00:00:00Z") } else { time.to_string() };
            let instant: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
            Ok(Value::Time(instant.as_microsecond()))
        }
    }
}
