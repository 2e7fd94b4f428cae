//! Tables of what the engagement declares of the evidence: what was agreed, and how each file was obtained.

use std::collections::BTreeSet;
use std::path::Path;

use super::own::{Out, cell_text};
use super::table_file::Value;
use super::{SourceFacts, TableFacts};
use crate::catalogue::Catalogue;
use crate::catalogue::engagement::{Engagement, Expected, Source, matches};
use crate::catalogue::instrument;
use crate::domain::evidence::Status;
use crate::domain::instant::day;
use crate::engine::{Engine, EngineError};

/// Writes `expected_evidence` and `extracts`.
pub(super) fn write(
    engine: &mut Engine,
    catalogue: &Catalogue,
    engagement: &Engagement,
    sources: &[SourceFacts],
    tables: &[&TableFacts],
    folder: &Path,
) -> Result<(), EngineError> {
    if let Some(table) = catalogue.tables.get("expected_evidence") {
        let mut out = Out::for_table(&folder.join("expected_evidence.parquet"), table)?;
        for (item, expected) in (1..).zip(&engagement.expected) {
            let came: Vec<&SourceFacts> = sources.iter().filter(|source| is_used(source) && on(&expected.path, source)).collect();
            out.table_row(&[
                ("evidence", Value::Integer(0)),
                ("row", Value::Integer(item)),
                ("item", Value::Integer(item)),
                ("what", Value::text(&expected.what)),
                ("path", Value::text(&expected.path)),
                ("wanted", Value::or_null(expected.count, number)),
                ("received", number(files(expected, &came))),
                ("records", number(came.iter().map(|source| source.records).sum())),
                ("covers_period", Value::Boolean(expected.covers.is_some())),
            ])?;
        }
        let part = out.finish()?;
        engine.register("expected_evidence", table.schema().clone(), vec![part]);
    }
    if let Some(table) = catalogue.tables.get("extracts") {
        let mut out = Out::for_table(&folder.join("extracts.parquet"), table)?;
        for source in sources.iter().filter(|source| is_used(source)) {
            let declared = engagement.sources.iter().rev().find(|entry| entry.obtained.is_some() && on(&entry.path, source));
            let obtained = declared.and_then(|entry| entry.obtained.as_ref());
            let instant = obtained.and_then(|o| instrument::date(&o.on)).map(day);
            out.table_row(&[
                ("evidence", Value::Integer(i64::from(source.evidence.number))),
                ("row", Value::Integer(1)),
                ("path", Value::text(&source.evidence.path)),
                ("how", cell_text(obtained.map(|o| o.how.clone()))),
                ("obtained_by", cell_text(obtained.map(|o| o.by.clone()))),
                ("obtained_at", Value::or_null(instant, Value::Time)),
                ("query", cell_text(obtained.and_then(|o| o.query.clone()))),
                ("source_count", Value::or_null(obtained.and_then(|o| o.source_count), number)),
                ("records", number(declared.map_or(source.records, |entry| read(entry, sources, tables)))),
                ("rejected", number(source.rejected)),
            ])?;
        }
        let part = out.finish()?;
        engine.register("extracts", table.schema().clone(), vec![part]);
    }
    Ok(())
}

/// Records of all files of a declaration; one that stands in several of them counts once.
pub fn read(declared: &Source, sources: &[SourceFacts], tables: &[&TableFacts]) -> u64 {
    let files: Vec<&SourceFacts> = sources.iter().filter(|source| on(&declared.path, source)).collect();
    let among = |number: i64| files.iter().any(|file| i64::from(file.evidence.number) == number);
    let mut repeated: BTreeSet<(i64, i64)> = BTreeSet::new();
    for ((kept, _), places) in tables.iter().flat_map(|table| &table.elsewhere) {
        if among(*kept) {
            repeated.extend(places.iter().filter(|(number, _)| among(*number) && number != kept));
        }
    }
    let read: u64 = files.iter().map(|file| file.records).sum();
    read.saturating_sub(repeated.len() as u64)
}

/// Files that came for an entry; files of equal content are several.
pub fn files(expected: &Expected, came: &[&SourceFacts]) -> u64 {
    came.iter().map(|source| 1 + source.evidence.also.iter().filter(|path| matches(&expected.path, path)).count() as u64).sum()
}

/// Whether a path of the file is meant.
pub fn on(glob: &str, source: &SourceFacts) -> bool {
    std::iter::once(&source.evidence.path).chain(&source.evidence.also).any(|path| matches(glob, path))
}

fn is_used(source: &SourceFacts) -> bool {
    source.evidence.status == Status::Used
}

fn number(count: u64) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}
