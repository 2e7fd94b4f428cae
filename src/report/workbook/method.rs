//! Sheets Method and limits, and Meta: what the results rest on, and what this workbook was made from.

use super::super::untrusted::words;
use super::super::view::{ReportView, SHOWN_PER_CONTROL, grouped};
use super::MOST_ROWS;
use super::sheet::{Filled, Layout, Row};
use crate::collect::{MAX_DEPTH, MAX_FILES, MAX_SIZE};

fn line(cells: [&str; 3]) -> Row {
    Row::from(cells.map(words).into_iter().collect::<Vec<_>>())
}

/// Method, limits, parameters, assumptions, and what was set aside.
pub(super) fn method(view: &ReportView, layout: &Layout) -> (Vec<Row>, usize) {
    let results = &view.results;
    let mut rows: Vec<Row> = layout.method.iter().map(|(part, item, text)| line([part, item, text])).collect();
    for (item, text) in [
        ("Files of an evidence folder", grouped(MAX_FILES as u64)),
        ("Depth of its folders", grouped(MAX_DEPTH as u64)),
        ("Octets of a file", grouped(MAX_SIZE)),
        ("Rows of a sheet of this workbook; the JSON files have all", grouped(MOST_ROWS as u64)),
        ("Exceptions of a control in the HTML reports; exceptions.jsonl has all", grouped(SHOWN_PER_CONTROL as u64)),
    ] {
        rows.push(line(["Limits of the program", item, &text]));
    }
    for instrument in &results.instruments {
        let versions = instrument.versions.join("; ");
        let text = format!("{}. Versions: {versions}. Clauses imported: {}", instrument.sec, grouped(instrument.clauses_imported));
        rows.push(line(["Instruments", &instrument.title, &text]));
    }
    for control in &results.controls {
        for p in &control.parameters {
            let text = format!("{}: {}. Set by: {}", p.value, p.about, p.set_by);
            rows.push(line(["Parameters", &format!("{} {}", control.id, p.name), &text]));
        }
    }
    rows.extend(results.run.assumptions.iter().map(|text| line(["Assumptions", "nobody declared it", text])));
    let aside = results.controls.iter().filter(|control| ["not_applicable", "not_in_force"].contains(&control.outcome.as_str()));
    rows.extend(aside.map(|control| line(["Set aside", &control.id, &format!("{}: {}", control.outcome_words, control.reason)])));
    let open = results.controls.iter().filter(|control| !control.leaves_open.is_empty());
    rows.extend(open.map(|control| line(["Left open", &control.id, &control.leaves_open])));
    let total = rows.len();
    (rows, total)
}

/// Schema, run and hashes, and how many rows each sheet has.
pub(super) fn meta(view: &ReportView, sheets: &[Filled]) -> (Vec<Row>, usize) {
    let results = &view.results;
    let mut rows: Vec<(String, String)> = vec![
        ("schema".to_owned(), results.schema.clone()),
        ("workbook".to_owned(), "assure-workbook/1".to_owned()),
        ("run_id".to_owned(), results.run.id.clone()),
        ("results_sha256".to_owned(), view.results_sha256.clone()),
        ("evidence_root_sha256".to_owned(), results.run.evidence_root_sha256.clone()),
        ("checklists_sha256".to_owned(), results.tool.checklists_sha256.clone()),
        ("program".to_owned(), format!("{} {}", results.tool.name, results.tool.version)),
        ("state".to_owned(), results.run.state.clone()),
    ];
    rows.extend(sheets.iter().map(|filled| (format!("rows {}", filled.what.name), filled.rows.len().to_string())));
    let total = rows.len();
    (rows.into_iter().map(|(key, value)| Row::from(vec![words(key), words(value)])).collect(), total)
}
