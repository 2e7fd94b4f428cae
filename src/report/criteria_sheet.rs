//! The sheet an assessor fills with the official wording: one row for each control, with our expected
//! position and paraphrase as a guide.

use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, Workbook, XlsxError};

use super::untrusted::visible;
use crate::catalogue::Catalogue;
use crate::catalogue::criteria::Criteria;

/// Headings of the columns that `criteria import` reads, in the order in which they are written.
pub const COLUMNS: [&str; 10] =
    ["Instrument", "Version", "Clause", "Text", "From", "To", "Allocation", "Control ids", "Excluded because", "Guide (not imported)"];

/// Writes the sheet as the octets of a workbook.
///
/// # Errors
/// [`XlsxError`] where a text does not fit a cell.
pub fn write(catalogue: &Catalogue, criteria: &Criteria) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    workbook.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?));
    let head = Format::new().set_bold().set_background_color("#D9E2EC");
    let text = Format::new().set_num_format("@").set_text_wrap().set_align(FormatAlign::Top).set_quote_prefix();
    let sheet = workbook.add_worksheet().set_name("Criteria")?;
    for (column, name) in (0_u16..).zip(COLUMNS) {
        sheet.write_with_format(0, column, name, &head)?;
    }
    for (column, width) in [(0, 24.0), (3, 70.0), (7, 16.0), (8, 30.0), (9, 70.0)] {
        sheet.set_column_width(column, width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    let mut row = 1_u32;
    for criterion in &criteria.criterion {
        let controls = criterion.controls.join(", ");
        let cells = [
            criterion.instrument.as_str(),
            &criterion.version,
            &criterion.clause,
            &criterion.text,
            criterion.from.as_deref().unwrap_or_default(),
            criterion.to.as_deref().unwrap_or_default(),
            criterion.allocation.as_deref().unwrap_or_default(),
            &controls,
            criterion.excluded.as_deref().unwrap_or_default(),
        ];
        for (column, cell) in (0_u16..).zip(cells) {
            sheet.write_string_with_format(row, column, visible(cell), &text)?;
        }
        row += 1;
    }
    for control in catalogue.controls.values().filter(|control| criteria.of(&control.id).next().is_none()) {
        let version =
            catalogue.instruments.get(&control.file.instrument).and_then(|i| i.versions.last()).map_or("", |v| v.version.as_str());
        let guide = format!(
            "Expected at {}. Our {} ({}, confidence {}): {}",
            control.file.expected_position,
            control.file.basis.wording,
            control.file.basis.applies,
            control.file.basis.confidence,
            control.file.requirement
        );
        let cells = [control.file.instrument.as_str(), version, "", "", "", "", "", control.id.as_str(), "", guide.as_str()];
        for (column, cell) in (0_u16..).zip(cells) {
            sheet.write_string_with_format(row, column, cell, &text)?;
        }
        row += 1;
    }
    workbook.save_to_buffer()
}
