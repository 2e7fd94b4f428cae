//! Steps: where the numbers or the times of a log stream do not run on.

use std::path::Path;

use super::own::{Out, cell_text};
use super::table_file::Value;
use crate::catalogue::Catalogue;
use crate::engine::{Engine, EngineError};

/// A table of numbered records, and the column that tells apart the numberings of one stream.
const NUMBERED: [(&str, &str); 2] = [("ca_events", "CAST(NULL AS VARCHAR)"), ("key_events", "series")];

/// Writes `log_steps`: when repeated records have been left out of the tables.
///
/// Numbers are missing, or shared by records of different content, whatever the order of the lines; a
/// number stands behind a greater one in the order of the lines of one file, unless the whole file runs
/// backwards, as an export does that begins with the newest record.
pub(super) fn write(engine: &mut Engine, catalogue: &Catalogue, folder: &Path) -> Result<(), EngineError> {
    let Some(table) = catalogue.tables.get("log_steps") else { return Ok(()) };
    let mut out = Out::for_table(&folder.join("log_steps.parquet"), table)?;
    let mut position = 0;
    for (name, series) in NUMBERED {
        // One after the other: each sorts all numbered records.
        for kind in KINDS {
            let rows = engine.query(&statement(name, series, kind))?;
            for row in rows.sorted_by(&["stream", "series", "evidence", "row"]) {
                let number = |name: &str| Value::or_null(rows.named(row, name).integer(), Value::Integer);
                let time = |name: &str| Value::or_null(rows.named(row, name).integer(), Value::Time);
                let text = |name: &str| cell_text(rows.named(row, name).text());
                position += 1;
                out.table_row(&[
                    ("evidence", number("evidence")),
                    ("row", number("row")),
                    ("position", Value::Integer(position)),
                    ("stream", text("stream")),
                    ("series", text("series")),
                    ("source", Value::text(name)),
                    ("kind", Value::text(kind)),
                    ("seq", number("seq")),
                    ("previous_seq", number("previous_seq")),
                    ("time", time("time")),
                    ("previous_time", time("previous_time")),
                    ("previous_evidence", number("previous_evidence")),
                    ("previous_row", number("previous_row")),
                ])?;
            }
        }
    }
    let part = out.finish()?;
    engine.register("log_steps", table.schema().clone(), vec![part]);
    Ok(())
}

/// The kinds of steps, as `log_steps` names them.
const KINDS: [&str; 5] = ["gap", "repeat", "back", "reset", "time-back"];

fn statement(table: &str, series: &str, kind: &str) -> String {
    let (window, dated) = match kind {
        "back" => ("PARTITION BY evidence, stream, part ORDER BY row", ""),
        "reset" => ("PARTITION BY evidence, stream ORDER BY row", ""),
        "time-back" => ("PARTITION BY stream, part ORDER BY seq, evidence, row", " AND time IS NOT NULL"),
        _ => ("PARTITION BY stream, part ORDER BY seq, evidence, row", ""),
    };
    let lags: Vec<String> = ["seq", "time", "record", "part", "evidence", "row"]
        .iter()
        .map(|column| format!("LAG({column}) OVER ({window}) AS previous_{column}"))
        .collect();
    let steps = match kind {
        "gap" => "seq > previous_seq + 1",
        "repeat" => "seq = previous_seq AND (record <> previous_record OR record IS NULL OR previous_record IS NULL)",
        "back" => "seq < previous_seq",
        "reset" => "part <> previous_part AND seq <= previous_seq",
        _ => "seq > previous_seq AND time < previous_time",
    };
    // A file that only ever runs backwards begins with its newest record.
    let (turns, on) = if kind == "back" {
        (
            ", turns AS (SELECT evidence AS up_evidence, stream AS up_stream, part AS up_part, \
               SUM(CASE WHEN seq > previous_seq THEN 1 ELSE 0 END) AS ups FROM stepped GROUP BY evidence, stream, part)",
            " JOIN turns AS t ON s.evidence = t.up_evidence AND s.stream = t.up_stream AND s.part = t.up_part WHERE t.ups > 0 AND ",
        )
    } else {
        ("", " WHERE ")
    };
    format!(
        "WITH numbered AS (SELECT evidence, row, stream, {series} AS series, COALESCE({series}, '') AS part, seq, time, record \
           FROM {table} WHERE seq IS NOT NULL AND stream IS NOT NULL{dated}), \
         stepped AS (SELECT evidence, row, stream, series, part, seq, time, record, {} FROM numbered){turns} \
         SELECT s.evidence, s.row, s.stream, s.series, s.seq, s.previous_seq, s.time, s.previous_time, s.previous_evidence, s.previous_row \
         FROM stepped AS s{on}{steps}",
        lags.join(", ")
    )
}
