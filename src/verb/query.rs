//! `assure query`.

use std::collections::BTreeMap;
use std::path::Path;

use super::cli::Common;
use super::{Failure, Form, Terminal};
use crate::catalogue::statement;
use crate::engine::Rows;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::report::untrusted::visible;

/// Runs one SELECT over the tables of the evidence.
///
/// # Errors
/// [`Failure`].
pub fn query(folder: &Path, sql: &str, common: &Common, form: Form, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let inputs = Inputs::load(folder, &common.flags())?;
    statement::guard(sql, &|name| inputs.catalogue.tables.get(name).is_some()).map_err(|what| Failure::new(Exit::Usage, what))?;
    let collected = crate::gather(&inputs)?;
    let normalised = crate::tabulate(&inputs, collected, terminal)?;
    let rows = normalised.engine.query(sql)?;
    let order = if sql.to_lowercase().contains("order by") { (0..rows.len()).collect() } else { rows.sorted_by(&[]) };
    let text = match form {
        Form::Human => table(&rows, &order),
        Form::Json => format!("[{}]\n", order.iter().map(|row| object(&rows, *row)).collect::<Vec<_>>().join(",\n")),
        Form::Jsonl => order.iter().map(|row| object(&rows, *row) + "\n").collect(),
    };
    terminal.data(&text)?;
    terminal.say(&format!("{} rows", rows.len()));
    Ok(Exit::Clean)
}

fn object(rows: &Rows, row: usize) -> String {
    let object: BTreeMap<&String, Option<String>> = rows.names().iter().map(|name| (name, rows.named(row, name).text())).collect();
    serde_json::to_string(&object).unwrap_or_default()
}

fn table(rows: &Rows, order: &[usize]) -> String {
    let cell = |row: usize, column: usize| visible(&rows.cell(row, column).text().unwrap_or_default()).chars().take(60).collect::<String>();
    let width = |column: usize, name: &String| {
        order.iter().map(|row| cell(*row, column).chars().count()).chain([name.chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = rows.names().iter().enumerate().map(|(column, name)| width(column, name)).collect();
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut rows.names().iter().cloned());
    for row in order {
        text.push_str(&line(&mut (0..rows.names().len()).map(|column| cell(*row, column))));
    }
    text
}
