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
        let rows = engine.query(&statement(name, series))?;
        for row in rows.sorted_by(&["stream", "series", "kind", "evidence", "row"]) {
            let number = |name: &str| rows.named(row, name).integer();
            let text = |name: &str| cell_text(rows.named(row, name).text());
            position += 1;
            out.table_row(&[
                ("evidence", Value::or_null(number("evidence"), Value::Integer)),
                ("row", Value::or_null(number("row"), Value::Integer)),
                ("position", Value::Integer(position)),
                ("stream", text("stream")),
                ("series", text("series")),
                ("source", Value::text(name)),
                ("kind", text("kind")),
                ("seq", Value::or_null(number("seq"), Value::Integer)),
                ("previous_seq", Value::or_null(number("previous_seq"), Value::Integer)),
                ("at", Value::or_null(number("at"), Value::Time)),
                ("previous_at", Value::or_null(number("previous_at"), Value::Time)),
                ("previous_evidence", Value::or_null(number("previous_evidence"), Value::Integer)),
                ("previous_row", Value::or_null(number("previous_row"), Value::Integer)),
            ])?;
        }
    }
    let part = out.finish()?;
    engine.register("log_steps", table.schema().clone(), vec![part]);
    Ok(())
}

fn statement(table: &str, series: &str) -> String {
    let windows = |columns: &[(&str, &str)], over: &str| {
        let lags: Vec<String> = columns.iter().map(|(column, name)| format!("LAG({column}) OVER ({over}) AS {name}")).collect();
        lags.join(", ")
    };
    let before = [
        ("seq", "previous_seq"),
        ("at", "previous_at"),
        ("record", "previous_record"),
        ("evidence", "previous_evidence"),
        ("row", "previous_row"),
    ];
    let by_number = windows(&before, "PARTITION BY stream, part ORDER BY seq, evidence, row");
    let by_line = windows(&before, "PARTITION BY evidence, stream, part ORDER BY row");
    let in_file = windows(&before, "PARTITION BY evidence, stream ORDER BY row");
    let gives = "evidence, row, stream, series, seq, previous_seq, at, previous_at, previous_evidence, previous_row";
    format!(
        "WITH numbered AS (SELECT evidence, row, stream, {series} AS series, COALESCE({series}, '') AS part, seq, time AS at, record \
           FROM {table} WHERE seq IS NOT NULL AND stream IS NOT NULL), \
         by_number AS (SELECT evidence, row, stream, series, seq, at, record, {by_number} FROM numbered), \
         by_time AS (SELECT evidence, row, stream, series, seq, at, record, {by_number} FROM numbered WHERE at IS NOT NULL), \
         by_line AS (SELECT evidence, row, stream, series, part, seq, at, record, {by_line} FROM numbered), \
         upwards AS (SELECT evidence, stream, part, SUM(CASE WHEN seq > previous_seq THEN 1 ELSE 0 END) AS ups \
           FROM by_line GROUP BY evidence, stream, part), \
         in_file AS (SELECT evidence, row, stream, series, part, seq, at, {in_file}, LAG(part) OVER (PARTITION BY evidence, stream ORDER BY row) AS previous_part FROM numbered), \
         turned AS (SELECT b.evidence, b.row, b.stream, b.series, b.seq, b.at, b.previous_seq, b.previous_at, b.previous_evidence, b.previous_row \
           FROM by_line AS b JOIN upwards AS u ON b.evidence = u.evidence AND b.stream = u.stream AND b.part = u.part \
           WHERE b.seq < b.previous_seq AND u.ups > 0) \
         SELECT {gives}, 'gap' AS kind FROM by_number WHERE seq > previous_seq + 1 \
         UNION ALL \
         SELECT {gives}, 'repeat' AS kind FROM by_number \
         WHERE seq = previous_seq AND (record <> previous_record OR record IS NULL OR previous_record IS NULL) \
         UNION ALL \
         SELECT {gives}, 'back' AS kind FROM turned \
         UNION ALL \
         SELECT {gives}, 'reset' AS kind FROM in_file WHERE part <> previous_part AND seq <= previous_seq \
         UNION ALL \
         SELECT {gives}, 'time-back' AS kind FROM by_time WHERE seq > previous_seq AND at < previous_at"
    )
}
