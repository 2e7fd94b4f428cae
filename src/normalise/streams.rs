//! Log streams: the span of each, and its silences longer than the engagement allows.

use std::collections::BTreeMap;
use std::path::Path;

use super::own::{Out, cell_text};
use super::table_file::Value;
use crate::catalogue::Catalogue;
use crate::catalogue::engagement::{Engagement, OldestRecord, StreamDeclaration};
use crate::domain::instant::text;
use crate::domain::period::Period;
use crate::engine::{Engine, EngineError};

/// First and last instant that counts.
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
}

#[derive(Default)]
struct Stream {
    system: Option<String>,
    evidence: i64,
    row: i64,
    records: i64,
    undated: i64,
    numbered: i64,
    first: Option<i64>,
    last: Option<i64>,
}

/// Writes `log_streams` and `log_holes` from the tables that name a stream.
pub(super) fn write(
    engine: &mut Engine,
    catalogue: &Catalogue,
    engagement: &Engagement,
    span: &Span,
    folder: &Path,
) -> Result<(), EngineError> {
    let (Some(streams_table), Some(holes_table)) = (catalogue.tables.get("log_streams"), catalogue.tables.get("log_holes")) else {
        return Ok(());
    };
    let mut streams: BTreeMap<String, Stream> = BTreeMap::new();
    let mut sources: Vec<(String, String, String)> = Vec::new();
    for table in catalogue.tables.0.values() {
        let Some(stream) = &table.stream else { continue };
        // The events of one log also feed other tables: the first table in order of name has them all.
        sources.push((table.name.clone(), stream.by.clone(), stream.dated_by.clone()));
        gather(engine, &table.name, &stream.by, &stream.dated_by, &mut streams)?;
    }
    // A declared stream without any record is a row too: nothing of it could be tested.
    for declared in &engagement.streams {
        streams.entry(declared.name.clone()).or_default();
    }
    let mut out = Out::for_table(&folder.join("log_streams.parquet"), streams_table)?;
    let mut holes = Out::for_table(&folder.join("log_holes.parquet"), holes_table)?;
    for (name, stream) in &streams {
        let declared = engagement.streams.iter().find(|declared| declared.name == *name);
        let gap = declared.and_then(|d| Period::parse(d.allowed_gap.as_deref()?)?.seconds());
        let oldest = declared.and_then(|d| d.oldest_record.as_ref());
        out.table_row(&[
            ("evidence", Value::Integer(stream.evidence)),
            ("row", Value::Integer(stream.row)),
            ("stream", Value::text(name)),
            ("system", cell_text(stream.system.clone())),
            ("first", Value::or_null(stream.first, Value::Time)),
            ("last", Value::or_null(stream.last, Value::Time)),
            ("records", Value::Integer(stream.records)),
            ("undated", Value::Integer(stream.undated)),
            ("numbered", Value::Integer(stream.numbered)),
            ("allowed_gap", Value::or_null(gap, Value::Integer)),
            ("live_since", Value::or_null(declared.and_then(StreamDeclaration::live_from), Value::Time)),
            ("oldest_record_at", Value::or_null(oldest.and_then(OldestRecord::instant), Value::Time)),
            ("oldest_record_how", cell_text(oldest.map(|oldest| oldest.how.clone()))),
        ])?;
        if let Some(gap) = gap {
            let born = declared.and_then(StreamDeclaration::live_from).unwrap_or(span.start);
            let span = Span { start: span.start.max(born), end: span.end };
            write_holes(engine, name, stream, gap.saturating_mul(1_000_000), &span, &sources, &mut holes)?;
        }
    }
    let part = out.finish()?;
    engine.register("log_streams", streams_table.schema().clone(), vec![part]);
    let part = holes.finish()?;
    engine.register("log_holes", holes_table.schema().clone(), vec![part]);
    Ok(())
}

fn gather(engine: &Engine, table: &str, by: &str, dated_by: &str, streams: &mut BTreeMap<String, Stream>) -> Result<(), EngineError> {
    let sql = format!(
        "SELECT {by} AS stream, MIN(system) AS system, MIN(evidence) AS evidence, COUNT(*) AS records, \
         SUM(CASE WHEN {dated_by} IS NULL THEN 1 ELSE 0 END) AS undated, COUNT(seq) AS numbered, MIN({dated_by}) AS first, MAX({dated_by}) AS last \
         FROM {table} WHERE {by} IS NOT NULL GROUP BY {by}"
    );
    let rows = engine.query(&sql)?;
    for row in rows.sorted_by(&["stream"]) {
        let number = |name: &str| rows.named(row, name).integer();
        let name = rows.named(row, "stream").text().unwrap_or_default();
        if streams.contains_key(&name) {
            continue;
        }
        let evidence = number("evidence").unwrap_or_default();
        let quoted = name.replace('\'', "''");
        let first = engine.query(&format!("SELECT MIN(row) AS row FROM {table} WHERE {by} = '{quoted}' AND evidence = {evidence}"))?;
        streams.insert(
            name,
            Stream {
                system: rows.named(row, "system").text(),
                evidence,
                row: first.named(0, "row").integer().unwrap_or(1),
                records: number("records").unwrap_or_default(),
                undated: number("undated").unwrap_or_default(),
                numbered: number("numbered").unwrap_or_default(),
                first: number("first"),
                last: number("last"),
            },
        );
    }
    Ok(())
}

/// Holes lie between records, before the first and after the last; those within the period count.
fn write_holes(
    engine: &Engine,
    name: &str,
    stream: &Stream,
    gap: i64,
    span: &Span,
    sources: &[(String, String, String)],
    out: &mut Out,
) -> Result<(), EngineError> {
    let quoted = name.replace('\'', "''");
    let from = text(span.start - gap).replace('T', " ");
    let all: Vec<String> = sources
        .iter()
        .map(|(table, by, dated_by)| {
            format!("SELECT evidence, row, {dated_by} AS at FROM {table} WHERE {by} = '{quoted}' AND {dated_by} IS NOT NULL")
        })
        .collect();
    let sql = format!(
        "WITH events AS ({}), spaced AS (SELECT evidence, row, at, LAG(at) OVER (ORDER BY at, evidence, row) AS before FROM events) \
         SELECT evidence, row, at, before FROM spaced \
         WHERE CAST(at AS BIGINT) - CAST(before AS BIGINT) > {gap} AND at > TIMESTAMP '{}'",
        all.join(" UNION ALL "),
        from.trim_end_matches('Z'),
    );
    let rows = engine.query(&sql)?;
    let mut position = 0;
    let mut write = |evidence: i64, row: i64, after: Option<i64>, due: i64, ends: i64, beyond: bool| {
        if due >= ends || due >= span.end || ends <= span.start {
            return Ok(());
        }
        position += 1;
        out.table_row(&[
            ("evidence", Value::Integer(evidence)),
            ("row", Value::Integer(row)),
            ("position", Value::Integer(position)),
            ("stream", Value::text(name)),
            ("after", Value::or_null(after, Value::Time)),
            ("due_at", Value::Time(due)),
            ("ends_at", Value::Time(ends)),
            ("beyond", Value::Boolean(beyond)),
        ])
    };
    if let Some(first) = stream.first {
        write(stream.evidence, stream.row, None, span.start + gap, first, true)?;
    }
    for row in rows.sorted_by(&["at", "evidence", "row"]) {
        let number = |name: &str| rows.named(row, name).integer().unwrap_or_default();
        write(number("evidence"), number("row"), Some(number("before")), number("before") + gap, number("at"), false)?;
    }
    if let Some(last) = stream.last {
        write(stream.evidence, stream.row, Some(last), last + gap, span.end, true)?;
    }
    Ok(())
}
