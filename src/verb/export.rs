//! `assure export`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::cli::Common;
use super::{Failure, Terminal};
use crate::engine::Rows;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::{Progress, evaluate};

/// Writes `tables/<name>.parquet`, `sql/<control>.<test>.<n>.sql`, and `statements.json`, which holds for every
/// statement the rows it gave here, so that another engine can be held against this one.
///
/// # Errors
/// [`Failure`].
pub fn export(folder: &Path, to: &Path, common: &Common, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let inputs = Inputs::load(folder, &common.flags())?;
    if to.exists() {
        return Err(Failure::new(Exit::CannotCreate, format!("{} exists already", to.display())).hint("name a folder that does not"));
    }
    let create = |error: std::io::Error| Failure::new(Exit::CannotCreate, format!("cannot create {}: {error}", to.display()));
    fs::create_dir_all(to.join("tables")).map_err(create)?;
    fs::create_dir_all(to.join("sql")).map_err(create)?;
    let collected = crate::gather(&inputs)?;
    let normalised = crate::tabulate(&inputs, collected, terminal)?;
    for table in inputs.catalogue.tables.stored() {
        let sql = format!("SELECT {} FROM {}", table.visible_columns().join(", "), table.name);
        normalised.engine.write(&sql, &to.join("tables").join(format!("{}.parquet", table.name)))?;
    }
    terminal.stage("evaluate", inputs.catalogue.controls.len() as u64);
    let facts = evaluate::evaluate(&normalised, &inputs.catalogue, &inputs.engagement, &inputs.overrides, &mut |id| terminal.step(id))?;
    let mut statements = Vec::new();
    for control in &facts {
        for test in &control.tests {
            for (number, segment) in (1..).zip(&test.segments) {
                let name = format!("{}.{}.{number}.sql", control.id, test.id);
                fs::write(to.join("sql").join(&name), format!("{};\n", segment.sql))?;
                statements.push(json!({
                    "control": control.id,
                    "test": test.id,
                    "segment": segment.version,
                    "sql": format!("sql/{name}"),
                    "columns": segment.rows.names(),
                    "rows": rows(&segment.rows),
                }));
            }
        }
    }
    fs::write(to.join("statements.json"), format!("{:#}\n", Value::Array(statements)))?;
    terminal.say(&format!("exported to {}", to.display()));
    Ok(Exit::Clean)
}

fn rows(rows: &Rows) -> Value {
    let row = |row: usize| -> Value {
        (0..rows.names().len()).map(|column| rows.cell(row, column).text().map_or(Value::Null, Value::String)).collect::<Vec<_>>().into()
    };
    rows.sorted_by(&["evidence", "row"]).into_iter().map(row).collect::<Vec<_>>().into()
}
