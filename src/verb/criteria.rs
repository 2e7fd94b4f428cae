//! `assure criteria import|export`.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use calamine::{Data, DataRef, Reader};

use super::{Failure, Terminal};
use crate::catalogue::criteria::{Criteria, Criterion};
use crate::collect::workbook;
use crate::domain::digest;
use crate::exit::Exit;
use crate::inputs::{Flags, Inputs};
use crate::report::criteria_sheet::{self, COLUMNS};

/// Most octets of a sheet, and most cells: it is written by people.
const MAX_SHEET: u64 = 50 << 20;
const MAX_CELLS: usize = 1_000_000;

/// Reads a filled sheet. Rows without a text are not yet filled and are passed over, and said.
///
/// # Errors
/// [`Failure`] with every mistake; the engagement is changed only if there is none.
pub fn import(file: &Path, engagement: &Path, by: &str, on: jiff::civil::Date, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let inputs = Inputs::load(engagement, &Flags::default())?;
    let Some(folder) = &inputs.engagement_folder else {
        return Err(
            Failure::new(Exit::Usage, format!("{} has no engagement.toml", engagement.display())).hint("make one with `assure init`")
        );
    };
    let octets = read_limited(file)?;
    let sheet = digest::sha256(&octets);
    let rows = cells(&octets).map_err(|what| Failure::new(Exit::Usage, format!("{}: {what}", file.display())))?;
    let mut criteria = Criteria { schema: 1, criterion: Vec::new() };
    let mut empty = 0_u64;
    for (_, row) in rows {
        let [instrument, version, clause, text, from, to, allocation, controls, excluded] = row;
        if text.is_empty() && excluded.is_empty() {
            empty += 1;
            continue;
        }
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        criteria.criterion.push(Criterion {
            instrument,
            version,
            clause,
            text,
            from: some(from),
            to: some(to),
            allocation: some(allocation),
            controls: controls.split([',', ';', ' ', '\n']).filter(|id| !id.is_empty()).map(ToOwned::to_owned).collect(),
            excluded: some(excluded),
            by: by.to_owned(),
            on: on.to_string(),
            sheet: sheet.clone(),
        });
    }
    let mut complaints = criteria.check(&file.display().to_string(), &inputs.catalogue);
    for criterion in criteria.criterion.iter().filter(|criterion| criterion.clause.is_empty()) {
        complaints.push(crate::catalogue::Complaint::new(
            &file.display().to_string(),
            format!("a row of {} has no clause", criterion.instrument),
        ));
    }
    if !complaints.is_empty() {
        return Err(Failure::new(Exit::Usage, complaints.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")));
    }
    let text = toml::to_string_pretty(&criteria).map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    fs::create_dir_all(folder.join("checklists"))?;
    let place = folder.join("checklists/criteria.toml");
    let partial = folder.join("checklists/.criteria.partial");
    fs::write(&partial, text)?;
    fs::rename(&partial, &place)?;
    report(&criteria, &inputs, empty, terminal)
}

/// How every imported duty is covered.
fn report(criteria: &Criteria, inputs: &Inputs, empty: u64, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let mut lines = Vec::new();
    for criterion in &criteria.criterion {
        let tests: usize =
            criterion.controls.iter().filter_map(|id| inputs.catalogue.controls.get(id)).map(|control| control.file.test.len()).sum();
        let covered = match (&criterion.excluded, criterion.is_duty(), tests) {
            (Some(reason), ..) => format!("excluded: {reason}"),
            (None, false, 0) => "lays down no duty (no \"shall\")".to_owned(),
            (None, true, 0) => {
                format!("procedure, as control {}", criterion.controls.first().cloned().unwrap_or_else(|| criterion.own_control()))
            }
            (None, _, tests) => format!("{tests} tests of {}", criterion.controls.join(", ")),
        };
        lines.push(format!("{} {} {}: {covered}\n", criterion.instrument, criterion.version, criterion.clause));
    }
    terminal.data(&lines.concat())?;
    let illustrative = criteria.criterion.iter().filter(|criterion| criterion.illustrative()).count();
    if illustrative > 0 {
        terminal.always(&format!("{illustrative} rows say that they are ILLUSTRATIVE, NOT THE SEC'S TEXT: so will every report"));
    }
    terminal.say(&format!("{} clauses imported, {empty} rows not filled in yet", criteria.criterion.len()));
    Ok(Exit::Clean)
}

/// Writes the sheet to fill.
///
/// # Errors
/// [`Failure`].
pub fn export(engagement: &Path, file: &Path, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let inputs = Inputs::load(engagement, &Flags::default())?;
    if file.exists() {
        return Err(Failure::new(Exit::CannotCreate, format!("{} exists already", file.display())));
    }
    let octets =
        criteria_sheet::write(&inputs.catalogue, &inputs.criteria).map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    fs::write(file, octets)?;
    terminal.say(&format!("wrote {}; fill in Clause and Text from the instrument itself, then `assure criteria import`", file.display()));
    Ok(Exit::Clean)
}

fn read_limited(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    let input = File::open(file).map_err(|error| Failure::new(Exit::Usage, format!("cannot open {}: {error}", file.display())))?;
    input.take(MAX_SHEET + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > MAX_SHEET {
        return Err(Failure::new(Exit::Usage, format!("{} is larger than 50 MiB", file.display())));
    }
    Ok(octets)
}

type Row = [String; 9];

/// The rows of the first sheet, by the names of the columns; never by their places.
///
/// # Errors
/// In words, where the workbook cannot be read or is not such a sheet.
pub fn cells(octets: &[u8]) -> Result<Vec<(u32, Row)>, String> {
    let (mut workbook, _) = workbook::xlsx(octets, &mut |_| ()).map_err(|refused| refused.to_string())?;
    let name = workbook.sheet_names().into_iter().next().ok_or("the workbook has no sheet")?;
    let mut reader = workbook.worksheet_cells_reader(&name).map_err(|error| error.to_string())?;
    let mut places: Vec<Option<u32>> = vec![None; 9];
    let mut rows: std::collections::BTreeMap<u32, Row> = std::collections::BTreeMap::new();
    let mut count = 0;
    while let Some(cell) = reader.next_cell().map_err(|error| error.to_string())? {
        count += 1;
        if count > MAX_CELLS {
            return Err("more than 1,000,000 cells".to_owned());
        }
        let (row, column) = cell.get_position();
        let text = text(cell.get_value());
        if row == 0 {
            let found = COLUMNS.iter().take(9).position(|known| known.eq_ignore_ascii_case(text.trim()));
            if let Some(slot) = found.and_then(|found| places.get_mut(found)) {
                *slot = Some(column);
            }
        } else if let Some(place) = places.iter().position(|place| *place == Some(column))
            && let Some(slot) = rows.entry(row).or_default().get_mut(place)
        {
            text.trim().clone_into(slot);
        }
    }
    let missing: Vec<&str> = COLUMNS.iter().zip(&places).take(4).filter(|(_, place)| place.is_none()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        return Err(format!("no column {}; the first row of the first sheet names the columns", missing.join(", ")));
    }
    Ok(rows.into_iter().filter(|(_, row)| row.iter().any(|cell| !cell.is_empty())).collect())
}

fn text(value: &DataRef<'_>) -> String {
    match Data::from(value.clone()) {
        Data::Empty => String::new(),
        Data::DateTime(date) => {
            let (year, month, day, ..) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_octets_are_a_sheet_or_a_reason(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(cells(&octets).is_err());
        }
    }

    #[test]
    fn columns_are_found_by_name_wherever_they_stand() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        for (column, name) in (0..).zip(["Note", "Text", "clause", "VERSION", "Instrument"]) {
            sheet.write(0, column, name).unwrap();
        }
        for (column, cell) in (0..).zip(["mine", "The CA shall …", "4.9.7", "first", "s1spki-cp-secure"]) {
            sheet.write(2, column, cell).unwrap();
        }
        let rows = cells(&workbook.save_to_buffer().unwrap()).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].1[..4], ["s1spki-cp-secure", "first", "4.9.7", "The CA shall …"]);
    }

    #[test]
    fn a_sheet_without_the_columns_is_refused() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        workbook.add_worksheet().write(0, 0, "Something else").unwrap();
        assert!(cells(&workbook.save_to_buffer().unwrap()).unwrap_err().contains("Instrument"));
    }
}
