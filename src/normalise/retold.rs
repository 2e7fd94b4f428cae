//! One happening told by sources of different kinds, such as the log of a CA and an export of the table behind
//! it. Every record stays a record of its own log; the column `retold` marks those that do not count where
//! happenings are counted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::duplicates::{KEPT, elsewhere};
use super::own::Out;
use super::table_file::Value;
use super::{SourceFacts, TableFacts};
use crate::catalogue::Catalogue;
use crate::catalogue::table::{Retold, Stream, Table};
use crate::domain::note::Note;
use crate::engine::{Engine, EngineError, Part, Schema};

/// Fills `retold` of every table that declares how its records may be told again, and says how many were.
pub(super) fn mark(
    engine: &mut Engine,
    catalogue: &Catalogue,
    sources: &[SourceFacts],
    tables: &mut BTreeMap<String, TableFacts>,
    folder: &Path,
) -> Result<Vec<Note>, EngineError> {
    let mut notes = Vec::new();
    for table in catalogue.tables.stored() {
        let (Some(retold), Some(stream), Some(facts)) = (&table.retold, &table.stream, tables.get_mut(&table.name)) else { continue };
        let tellers: Vec<&SourceFacts> = sources.iter().filter(|source| source.tables.contains(&table.name)).collect();
        let kinds: BTreeSet<String> = tellers.iter().filter_map(|source| source.evidence.format_words()).collect();
        if kinds.len() < 2 {
            continue;
        }
        let count = among(engine, table, retold, stream, &tellers, facts, folder)?;
        if count > 0 {
            let what = format!(
                "{count} records of table {} tell what a record of another format tells of the same second: they count once where happenings are counted",
                table.name
            );
            notes.push(Note::general("N-DUP-003", what).times(count).about(&table.name));
        }
    }
    Ok(notes)
}

fn among(
    engine: &mut Engine,
    table: &Table,
    retold: &Retold,
    stream: &Stream,
    tellers: &[&SourceFacts],
    facts: &mut TableFacts,
    folder: &Path,
) -> Result<u64, EngineError> {
    let name = &table.name;
    let mut out = Out::create(&folder.join(format!("{name}.tellers.parquet")), &[("teller", 'i'), ("kind", 't')])?;
    for source in tellers {
        let kind = source.evidence.format_words().unwrap_or_default();
        out.row(&[Value::Integer(i64::from(source.evidence.number)), Value::text(&kind)])?;
    }
    let part = out.finish()?;
    engine.register("tellers", Schema(Vec::new()), vec![part]);
    let path = folder.join(format!("{name}.retold.parquet"));
    let count = engine.write(&statement(table, retold, stream), &path)?;
    engine.forget("tellers");
    if count == 0 {
        return Ok(0);
    }
    if count <= KEPT {
        for (kept, places) in elsewhere(engine, &path)? {
            facts.elsewhere.entry(kept).or_default().extend(places);
        }
    }
    engine.register("again", Schema(Vec::new()), vec![Part { path, evidence: None }]);
    let columns: Vec<String> =
        table.schema().0.iter().map(|c| if c.name == "retold" { "r.retold".to_owned() } else { format!("t.{}", c.name) }).collect();
    let path = folder.join(format!("{name}.parquet"));
    let sql = format!("SELECT {} FROM {name} AS t LEFT JOIN again AS r ON t.evidence = r.evidence AND t.row = r.row", columns.join(", "));
    engine.write(&sql, &path)?;
    engine.forget("again");
    engine.register(name, table.schema().clone(), vec![Part { path, evidence: None }]);
    Ok(count)
}

/// Of the records that are alike within a second, the nth of one format is the nth of another. The one that says
/// most stands for the others, but never for one that says something else.
fn statement(table: &Table, retold: &Retold, stream: &Stream) -> String {
    let (name, time) = (&table.name, &stream.dated_by);
    let alike = retold.alike.join(", ");
    let no_more = retold.no_more.join(", ");
    let silent: Vec<String> = retold.no_more.iter().map(|column| format!("CASE WHEN {column} IS NULL THEN 1 ELSE 0 END")).collect();
    let best = "silent, unnumbered, evidence, row";
    let first = |column: &str| format!("FIRST_VALUE({column}) OVER (PARTITION BY second, {alike}, turn ORDER BY {best}) AS kept_{column}");
    let kept: Vec<String> = ["evidence", "row", "kind"].into_iter().chain(retold.no_more.iter().map(String::as_str)).map(first).collect();
    let same: Vec<String> = retold.no_more.iter().map(|column| format!("({column} IS NULL OR {column} = kept_{column})")).collect();
    format!(
        "WITH several AS (SELECT t.system AS told_by FROM {name} AS t JOIN tellers AS k ON t.evidence = k.teller \
           GROUP BY t.system HAVING MIN(k.kind) < MAX(k.kind)), \
         told AS (SELECT t.evidence, t.row, k.kind, {alike}, {no_more}, {} AS silent, CASE WHEN seq IS NULL THEN 1 ELSE 0 END AS unnumbered, \
             CAST({time} AS BIGINT) - CAST({time} AS BIGINT) % 1000000 AS second \
           FROM {name} AS t JOIN tellers AS k ON t.evidence = k.teller JOIN several AS s ON t.system = s.told_by WHERE {time} IS NOT NULL), \
         turned AS (SELECT evidence, row, kind, {alike}, {no_more}, silent, unnumbered, second, ROW_NUMBER() OVER (PARTITION BY second, {alike}, kind ORDER BY evidence, row) AS turn FROM told), \
         placed AS (SELECT evidence, row, {no_more}, {}, ROW_NUMBER() OVER (PARTITION BY second, {alike}, turn ORDER BY {best}) AS place FROM turned) \
         SELECT evidence, row, kept_evidence, kept_row, kept_kind AS retold FROM placed WHERE place > 1 AND {}",
        silent.join(" + "),
        kept.join(", "),
        same.join(" AND "),
    )
}
