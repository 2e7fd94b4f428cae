//! The same record in more than one place is counted once, and every place is kept. Records that
//! claim one identity with different content are both kept, and said.

use std::collections::BTreeMap;
use std::path::Path;

use crate::catalogue::table::Table;
use crate::domain::note::Note;
use crate::engine::{Engine, EngineError, Part, Schema};

/// Evidence and row of a kept record, with those of the records left out for it.
pub type Places = BTreeMap<(i64, i64), Vec<(i64, i64)>>;

/// Most places that are kept.
pub(super) const KEPT: u64 = 100_000;

/// What was found in a table.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) removed: u64,
    pub(super) conflicts: u64,
    pub(super) elsewhere: Places,
    pub(super) notes: Vec<Note>,
}

/// Leaves repeated records out of a table.
pub(super) fn remove(engine: &mut Engine, table: &Table, folder: &Path) -> Result<Found, EngineError> {
    let mut found = Found::default();
    let name = &table.name;
    if table.apart || engine.files(name).is_empty() || (table.repeats && engine.files(name).len() < 2) {
        return Ok(found);
    }
    let apart = if table.repeats { " HAVING MIN(evidence) < MAX(evidence)" } else { " HAVING COUNT(*) > 1" };
    let doubled = format!("SELECT identity_print, content_print FROM {name} GROUP BY identity_print, content_print{apart}");
    if !engine.query(&doubled)?.is_empty() {
        let keys = table.keys().join(", ");
        let absent: String =
            table.prefer.iter().map(|column| format!(", CASE WHEN {column} IS NULL THEN 1 ELSE 0 END AS no_{column}")).collect();
        let preferred: String = table.prefer.iter().map(|column| format!("no_{column}, {column}, ")).collect();
        // Several happenings may well read alike within one file: the nth in one file is the nth in another.
        let turn = if table.repeats {
            "ROW_NUMBER() OVER (PARTITION BY t.evidence, t.identity_print, t.content_print ORDER BY t.row)"
        } else {
            "1"
        };
        let sql = format!(
            "WITH doubled AS ({doubled}), \
             numbered AS (SELECT t.*, {turn} AS turn{absent} FROM {name} AS t \
               JOIN doubled AS d ON t.identity_print = d.identity_print AND t.content_print = d.content_print), \
             ranked AS (SELECT {keys}, \
               FIRST_VALUE(evidence) OVER (PARTITION BY identity_print, content_print, turn ORDER BY {preferred}{keys}) AS kept_evidence, \
               FIRST_VALUE(row) OVER (PARTITION BY identity_print, content_print, turn ORDER BY {preferred}{keys}) AS kept_row, \
               ROW_NUMBER() OVER (PARTITION BY identity_print, content_print, turn ORDER BY {preferred}{keys}) AS place FROM numbered) \
             SELECT {keys}, kept_evidence, kept_row FROM ranked WHERE place > 1"
        );
        let path = folder.join(format!("{name}.duplicates.parquet"));
        found.removed = engine.write(&sql, &path)?;
        if !table.child && found.removed <= KEPT {
            found.elsewhere = elsewhere(engine, &path)?;
        }
        engine.leave_out(name, path, table.keys());
        if !table.child && found.removed > 0 {
            let what = format!("{} records of table {name} stand in more than one place", found.removed);
            found.notes.push(Note::general("N-DUP-001", what).times(found.removed).about(name));
        }
    }
    if !table.repeats && !table.identity.is_empty() {
        let sql = format!("SELECT identity_print, COUNT(*) AS n FROM {name} GROUP BY identity_print HAVING COUNT(*) > 1");
        found.conflicts = engine.query(&sql)?.len() as u64;
        if found.conflicts > 0 && !table.child {
            let what =
                format!("{} identities ({}) of table {name} have records of different content", found.conflicts, table.identity.join(", "));
            found.notes.push(Note::general("N-DUP-002", what).times(found.conflicts).about(name));
        }
    }
    Ok(found)
}

pub(super) fn elsewhere(engine: &mut Engine, removed: &Path) -> Result<Places, EngineError> {
    engine.register("removed", Schema(Vec::new()), vec![Part { path: removed.to_owned(), evidence: None }]);
    let rows = engine.query("SELECT evidence, row, kept_evidence, kept_row FROM removed")?;
    engine.forget("removed");
    let mut places = Places::new();
    for row in rows.sorted_by(&["evidence", "row"]) {
        let number = |name: &str| rows.named(row, name).integer().unwrap_or_default();
        places.entry((number("kept_evidence"), number("kept_row"))).or_default().push((number("evidence"), number("row")));
    }
    Ok(places)
}
