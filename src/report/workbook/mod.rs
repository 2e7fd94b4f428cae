//! `workbook.xlsx`: the assessor's working sheets. `T:` columns are the tool's, `A:` columns the
//! assessor's, `P:` columns the PMA's. Every text is a text cell with a quote prefix, so that none can
//! become a formula, not even after F2 and Enter; links go only to cells of this workbook.

mod assessment;
mod certificate;
mod choices;
mod cover;
mod evidence;
mod exception;
mod finding;
mod key;
mod method;
mod sheet;
mod summary;
mod timeline;

use std::io::Write;

use rust_xlsxwriter::Workbook;

use super::results::Exception;
use super::view::{ReportError, ReportView};
use sheet::{Filled, Layout};

/// Rows of a sheet; the JSON files have all of them.
const MOST_ROWS: usize = 100_000;

/// Writes `workbook.xlsx`.
///
/// # Errors
/// When the run folder cannot be read, or the output cannot be written.
pub fn workbook(view: &ReportView, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut all = view.exceptions()?;
    let exceptions: Vec<Exception> = all.by_ref().take(MOST_ROWS).collect::<Result<_, _>>()?;
    let total = all.try_fold(exceptions.len(), |n, exception| exception.map(|_| n + 1))?;
    let layout = Layout::read()?;
    let mut sheets: Vec<Filled> = Vec::new();
    for what in &layout.sheets {
        let results = &view.results;
        let (rows, total) = match what.name.as_str() {
            "Assessment" => (assessment::rows(view, &exceptions, &layout), results.controls.len()),
            "Findings" => (finding::rows(view), results.findings.len()),
            "Exceptions" => (exceptions.iter().map(exception::row).collect(), total),
            "Evidence" => (results.evidence.iter().take(MOST_ROWS).map(evidence::file).collect(), results.evidence.len()),
            "Requests" => (results.requests.iter().take(MOST_ROWS).map(evidence::request).collect(), results.requests.len()),
            "Data quality" => (results.notes.iter().take(MOST_ROWS).zip(1..).map(evidence::note).collect(), results.notes.len()),
            "Timeline" => timeline::rows(view)?,
            "Certificates and CRLs" => certificate::rows(view)?,
            "Key register" => key::rows(view)?,
            "Method and limits" => method::method(view, &layout),
            "Meta" => method::meta(view, &sheets),
            _ => continue,
        };
        // A sheet that would have no rows is left out: an Excel table cannot be empty.
        if !rows.is_empty() {
            sheets.push(Filled { what, rows, total });
        }
    }
    let mut book = Workbook::new();
    book.set_properties(&cover::properties(view)?);
    cover::cover(&mut book, view, &layout, &sheets)?;
    summary::summary(&mut book, view, &layout, &sheets)?;
    for filled in sheets.iter().filter(|filled| filled.what.name != "Meta") {
        filled.write(&mut book, view, &layout)?;
    }
    cover::lists(&mut book, view, &layout, &sheets)?;
    for filled in sheets.iter().filter(|filled| filled.what.name == "Meta") {
        filled.write(&mut book, view, &layout)?;
    }
    out.write_all(&book.save_to_buffer()?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::run_folder;
    use super::*;

    fn bytes(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let folder = run_folder(change);
        let mut out = Vec::new();
        workbook(&ReportView::open(folder.path()).unwrap(), &mut out).unwrap();
        out
    }

    #[test]
    fn equal_input_gives_equal_bytes() {
        assert_eq!(bytes(|_| ()), bytes(|_| ()));
    }

    #[test]
    fn text_longer_than_a_cell_makes_no_failed_workbook() {
        assert!(!bytes(|v| v["notes"][0]["what"] = "😀".repeat(20_000).into()).is_empty());
    }

    #[test]
    fn a_run_with_nothing_in_it_is_still_a_workbook() {
        let none = |v: &mut serde_json::Value| {
            for list in ["evidence", "controls", "notes", "instruments", "findings", "requests"] {
                v[list] = serde_json::json!([]);
            }
            v["views"] = serde_json::json!({});
        };
        assert!(!bytes(none).is_empty());
    }

    #[test]
    fn the_judgements_to_choose_from_are_those_that_are_read_back() {
        let layout = Layout::read().unwrap();
        let list = layout.lists.iter().find(|list| list.title == "Judgement").unwrap();
        assert_eq!(list.values, crate::judge::judgement::JUDGEMENTS);
    }

    #[test]
    fn every_row_fills_the_tool_s_columns_of_its_sheet_and_no_others() {
        let layout = Layout::read().unwrap();
        let folder = run_folder(|_| ());
        let view = ReportView::open(folder.path()).unwrap();
        let exceptions: Vec<Exception> = view.exceptions().unwrap().map(Result::unwrap).collect();
        let rows = [
            ("Assessment", assessment::rows(&view, &exceptions, &layout)),
            ("Findings", finding::rows(&view)),
            ("Exceptions", exceptions.iter().map(exception::row).collect()),
            ("Evidence", view.results.evidence.iter().map(evidence::file).collect()),
            ("Requests", view.results.requests.iter().map(evidence::request).collect()),
            ("Data quality", view.results.notes.iter().zip(1..).map(evidence::note).collect()),
            ("Timeline", timeline::rows(&view).unwrap().0),
            ("Certificates and CRLs", certificate::rows(&view).unwrap().0),
            ("Key register", key::rows(&view).unwrap().0),
            ("Method and limits", method::method(&view, &layout).0),
            ("Meta", method::meta(&view, &[]).0),
        ];
        for (name, rows) in rows {
            let what = layout.sheet(name).unwrap();
            let own = what.columns.iter().filter(|(header, _)| header.starts_with("T:") && !header.starts_with("T: Fingerprint")).count();
            assert!(!rows.is_empty(), "{name}");
            for row in rows {
                assert_eq!(row.tool.len(), own, "{name}");
                assert!(row.given.iter().all(|(header, _)| what.column(header).is_some()), "{name}");
            }
        }
    }
}
