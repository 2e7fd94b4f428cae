//! The table `evidence`: one row for each file, with what became of it.

use std::path::Path;

use super::SourceFacts;
use super::own::{Out, cell_text};
use super::rotation;
use super::table_file::Value;
use crate::catalogue::Catalogue;
use crate::engine::{Engine, EngineError};

/// Writes `evidence`.
pub(super) fn write(engine: &mut Engine, catalogue: &Catalogue, sources: &[SourceFacts], folder: &Path) -> Result<(), EngineError> {
    let Some(table) = catalogue.tables.get("evidence") else { return Ok(()) };
    let mut out = Out::for_table(&folder.join("evidence.parquet"), table)?;
    let count = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let members = rotation::members(sources);
    for source in sources {
        let evidence = &source.evidence;
        let member = members.get(&evidence.number);
        out.table_row(&[
            ("evidence", Value::Integer(i64::from(evidence.number))),
            ("row", Value::Integer(1)),
            ("id", Value::text(&evidence.id)),
            ("path", Value::text(&evidence.path)),
            ("sha256", Value::text(&evidence.sha256)),
            ("size", count(evidence.size)),
            ("format", cell_text(evidence.format_words())),
            ("status", Value::text(evidence.status.word())),
            ("reason", cell_text(evidence.reason.clone())),
            ("quality", Value::text(evidence.quality.word())),
            ("hash_status", Value::text(evidence.hash_status.word())),
            ("records", count(source.records)),
            ("rejected", count(source.rejected)),
            ("rotated_log", cell_text(member.map(|member| member.log.clone()))),
            ("rotation", cell_text(member.map(|member| member.name.clone()))),
            ("rotation_before", cell_text(member.and_then(|member| member.before.clone()))),
            ("rotation_missing", Value::or_null(member.and_then(|member| member.missing), Value::Integer)),
        ])?;
    }
    let part = out.finish()?;
    engine.register("evidence", table.schema().clone(), vec![part]);
    Ok(())
}
