//! `assure inventory --explain`: how one file was recognised, what its columns became, the first rows as they
//! landed, and what was not understood.

use serde::Serialize;

use super::{Failure, Form, Terminal};
use crate::collect::Collected;
use crate::collect::recognise::{self, HEADING_ROWS};
use crate::collect::top::{Top, tops};
use crate::domain::evidence::Evidence;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::parse::{self, Layout};
use crate::report::untrusted::visible;

/// Rows of a table that are shown.
const SHOWN: usize = 3;

/// What is said of a file.
#[derive(Debug, Serialize)]
struct Explanation {
    id: String,
    path: String,
    sha256: String,
    size: u64,
    status: String,
    quality: String,
    reason: Option<String>,
    /// What it was taken for, and why.
    recognised: Vec<String>,
    /// Sheet by sheet, or once: the cells of the heading, and what each became.
    headings: Vec<HeadingRow>,
    records: u64,
    rejected: u64,
    blank: u64,
    passed_over: u64,
    total: u64,
    /// First rows as they stand in the tables.
    landed: Vec<Landed>,
    /// What was noticed, and what was not understood.
    notes: Vec<Noticed>,
}

#[derive(Debug, Serialize)]
struct HeadingRow {
    sheet: Option<String>,
    row: u64,
    format: String,
    columns: Vec<(String, Option<String>)>,
    without: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Landed {
    table: String,
    rows_in_table: usize,
    locator: String,
    cells: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Noticed {
    code: String,
    locator: String,
    what: String,
    count: u64,
    fix: String,
}

/// Explains the file of `wanted`: its path inside the evidence folder, its place on disk, or its evidence id.
///
/// # Errors
/// [`Failure`] where there is no such file, or the tables cannot be made.
pub fn explain(inputs: &Inputs, collected: Collected, wanted: &str, form: Form, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let on_disk = std::fs::canonicalize(wanted).ok();
    let is = |evidence: &&Evidence| {
        evidence.path == wanted
            || evidence.id == wanted
            || evidence.also.iter().any(|also| also == wanted)
            || on_disk.as_ref().is_some_and(|place| *place == evidence.file)
    };
    let Some(evidence) = collected.evidence.iter().find(is).cloned() else {
        let hint = "give its path inside the evidence folder, as `assure inventory` shows it";
        return Err(Failure::new(Exit::Usage, format!("no file {wanted:?} in the evidence")).hint(hint));
    };
    let notes = collected.notes.into_iter().filter(|note| note.evidence == Some(evidence.number)).collect();
    let top = tops(&evidence.file).unwrap_or_default();
    let (recognised, headings) = recognition(&evidence, &top, inputs);
    let alone = Collected { evidence: vec![evidence], notes };
    let normalised = crate::tabulate(inputs, alone, terminal)?;
    let Some(facts) = normalised.sources.first() else {
        return Err(Failure::new(Exit::Internal, "the file was lost on its way"));
    };
    let locator = parse::locator(&facts.evidence, &inputs.catalogue.formats);
    let mut landed = Vec::new();
    for table in facts.tables.iter().filter_map(|name| inputs.catalogue.tables.get(name)) {
        let columns = table.visible_columns();
        let order = if table.child { "evidence, row, position" } else { "evidence, row" };
        let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let rows = normalised.engine.query(&format!("SELECT {names} FROM {} ORDER BY {order}", table.name))?;
        for row in 0..rows.len().min(SHOWN) {
            let cells = columns.iter().filter(|name| !["evidence", "row"].contains(name));
            let text = |name: &&&str| Some(((**name).to_owned(), rows.named(row, name).text()?));
            landed.push(Landed {
                table: table.name.clone(),
                rows_in_table: rows.len(),
                locator: locator.text(rows.named(row, "row").integer().and_then(|row| u64::try_from(row).ok()).unwrap_or_default()),
                cells: cells.filter_map(|name| text(&name)).filter(|(_, text)| !text.is_empty()).collect(),
            });
        }
    }
    let noticed = |note: &crate::domain::note::Note| Noticed {
        code: note.code.to_owned(),
        locator: note.locator.clone(),
        what: note.what.clone(),
        count: note.count,
        fix: note.fix.clone(),
    };
    let number = Some(facts.evidence.number);
    let explanation = Explanation {
        id: facts.evidence.id.clone(),
        path: facts.evidence.path.clone(),
        sha256: facts.evidence.sha256.clone(),
        size: facts.evidence.size,
        status: facts.evidence.status.word().to_owned(),
        quality: facts.evidence.quality.word().to_owned(),
        reason: facts.evidence.reason.clone(),
        recognised,
        headings,
        records: facts.records,
        rejected: facts.rejected,
        blank: facts.blank,
        passed_over: facts.passed_over,
        total: facts.total,
        landed,
        notes: normalised.notes.iter().filter(|note| note.evidence == number).map(noticed).collect(),
    };
    let text = match form {
        Form::Human => human(&explanation),
        Form::Json => serde_json::to_string_pretty(&explanation).unwrap_or_default() + "\n",
        Form::Jsonl => serde_json::to_string(&explanation).unwrap_or_default() + "\n",
    };
    terminal.data(&text)?;
    Ok(Exit::Clean)
}

/// Why the file has its format, or what comes nearest; and the headings of the registers in it.
fn recognition(evidence: &Evidence, tops: &[Top], inputs: &Inputs) -> (Vec<String>, Vec<HeadingRow>) {
    let formats = &inputs.catalogue.formats;
    let declared = inputs.engagement.on(&evidence.path).format;
    let mut words = Vec::new();
    let mut headings = Vec::new();
    let layouts = parse::layouts(evidence, formats);
    for Layout { sheet, format } in &layouts {
        let of = |top: &&Top| sheet.is_none_or(|sheet| top.sheet.as_deref() == Some(&sheet.name));
        let place = sheet.map_or_else(String::new, |sheet| format!("{}: ", sheet.place()));
        let by_declaration = declared.as_deref() == Some(&format.name);
        let needed = &format.recognise.header;
        let heading = tops.iter().find(of).and_then(|top| {
            let has = |cells: &[String]| recognise::near(cells, std::iter::once(*format)).iter().any(|near| near.missing.is_empty());
            top.rows.iter().take(HEADING_ROWS).find(|(_, cells)| has(cells))
        });
        words.push(match (&format.recognise.any_line, heading) {
            _ if by_declaration => format!("{place}{}, because engagement.toml says so", format.name),
            (Some(pattern), _) => {
                let first = tops.iter().find(of).and_then(|top| top.first_like(pattern));
                let line = first.map_or_else(String::new, |line| format!(" (line {line})"));
                format!("{place}{}, because a line{line} is like {}", format.name, pattern.as_str())
            }
            (None, Some((row, _))) => format!("{place}{}, because row {row} has the columns {}", format.name, needed.join(", ")),
            (None, None) => format!("{place}{}, by its octets", format.name),
        });
        if let Some((row, cells)) = heading {
            let became = |cell: &String| (cell.clone(), recognise::field_of(format, cell).map(ToOwned::to_owned));
            let columns: Vec<(String, Option<String>)> = cells.iter().filter(|cell| !cell.is_empty()).map(became).collect();
            let has = |field: &&String| columns.iter().any(|(_, became)| became.as_ref() == Some(*field));
            headings.push(HeadingRow {
                sheet: sheet.map(|sheet| sheet.name.clone()),
                row: *row,
                format: format.name.clone(),
                without: format.fields.iter().filter(|field| !has(field)).cloned().collect(),
                columns,
            });
        }
    }
    for top in tops.iter().filter(|top| !layouts.iter().any(|layout| layout.sheet.map(|s| s.name.as_str()) == top.sheet.as_deref())) {
        let rows = top.rows.iter().take(HEADING_ROWS);
        let nearest = rows.filter_map(|(row, cells)| {
            let near = recognise::near(cells, formats.values()).into_iter().next()?;
            Some((near.missing.len(), *row, near))
        });
        let place = top.sheet.as_ref().map_or_else(String::new, |sheet| format!("sheet {sheet:?}: "));
        words.push(match nearest.min_by_key(|(missing, row, _)| (*missing, *row)) {
            Some((_, row, near)) if near.missing.is_empty() => format!("{place}row {row} fits {}", near.format.name),
            Some((_, row, near)) => {
                let found: Vec<&str> = near.found.iter().map(|(column, _)| *column).collect();
                format!("{place}nearest is {}: row {row} has {}, and not {}", near.format.name, found.join(", "), near.missing.join(", "))
            }
            None => format!("{place}no column of any register, and no line that a format is known by"),
        });
    }
    (words, headings)
}

fn human(said: &Explanation) -> String {
    let mut out = format!("{}  {}\n{} octets, SHA-256 {}\n", said.id, visible(&said.path), said.size, said.sha256);
    let why = said.reason.as_ref().map_or_else(String::new, |why| format!(" ({})", visible(why)));
    out.push_str(&format!("{}, quality {}{why}\n\nrecognised\n", said.status, said.quality));
    for line in &said.recognised {
        out.push_str(&format!("  {}\n", visible(line)));
    }
    for heading in &said.headings {
        let sheet = heading.sheet.as_ref().map_or_else(String::new, |sheet| format!("sheet {}, ", visible(&format!("{sheet:?}"))));
        out.push_str(&format!("\ncolumns ({sheet}row {}) as {}\n", heading.row, heading.format));
        for (cell, became) in &heading.columns {
            out.push_str(&format!("  {:<28} {}\n", visible(cell), became.as_deref().unwrap_or("- not used")));
        }
        if !heading.without.is_empty() {
            out.push_str(&format!("  no column gives: {}\n", heading.without.join(", ")));
        }
    }
    out.push_str(&format!(
        "\nof {} lines, rows or objects: {} records, {} rejected, {} blank, {} passed over\n",
        said.total, said.records, said.rejected, said.blank, said.passed_over
    ));
    if !said.landed.is_empty() {
        out.push_str("\nfirst rows as they landed\n");
    }
    for row in &said.landed {
        out.push_str(&format!("  {} ({} rows), {}\n", row.table, row.rows_in_table, visible(&row.locator)));
        for (column, text) in &row.cells {
            out.push_str(&format!("    {column:<24} {}\n", visible(text).chars().take(120).collect::<String>()));
        }
    }
    out.push_str(if said.notes.is_empty() { "\nnothing was left over\n" } else { "\nnoticed, or not understood\n" });
    for note in &said.notes {
        let count = if note.count > 1 { format!(" ({} times)", note.count) } else { String::new() };
        let place = if note.locator.is_empty() { String::new() } else { format!(", {}", visible(&note.locator)) };
        out.push_str(&format!("  {}{place}: {}{count}\n", note.code, visible(&note.what)));
        if !note.fix.is_empty() {
            out.push_str(&format!("    fix: {}\n", visible(&note.fix)));
        }
    }
    out
}
