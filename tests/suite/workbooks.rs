//! Registers as people keep them: workbooks and JSON, read on the real way from the file to the tables.

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::rc::Rc;

use assure::collect::Collected;
use assure::domain::note::Note;
use assure::inputs::{Flags, Inputs};
use assure::normalise::{Normalised, SourceFacts};
use proptest::prelude::*;
use rust_xlsxwriter::{Chart, ChartType, ExcelDateTime, Format, Formula, Workbook, Worksheet};

use crate::corpus::corpus;
use crate::world::{Reading as _, Silent, World, assure_in};

const ROLES: [&str; 6] = ["Name", "Trusted role", "System", "Granted on", "Revoked on", "Authorised by"];

/// An engagement with one file of evidence.
struct Kept {
    world: Rc<World>,
    path: String,
}

/// The tables of an engagement, as text, and what became of its file.
struct Read {
    normalised: Normalised,
    /// Holds the folder of the tables.
    _world: Rc<World>,
}

fn kept(path: &str, octets: impl AsRef<[u8]>) -> Kept {
    let world = World::empty();
    world.put(path, octets);
    fs::write(
        world.folder.join("engagement.toml"),
        "schema = 1\n[engagement]\ntitle = \"t\"\nkind = \"subsequent\"\nperiod = { start = 2020-01-01, end = 2020-12-31 }\n",
    )
    .unwrap();
    Kept { world: Rc::new(world), path: path.to_owned() }
}

impl Kept {
    fn source(self, settings: &str) -> Self {
        let path = &self.path;
        self.world.declare(|text| format!("{text}[[source]]\npath = \"{path}\"\n{settings}\n"));
        self
    }

    fn format(self, name: &str, text: &str) -> Self {
        let folder = self.world.folder.join("checklists/formats");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.toml")), text).unwrap();
        self
    }

    fn collected(&self) -> (Inputs, Collected) {
        let inputs = Inputs::load(&self.world.folder, &Flags::default()).unwrap();
        let collected = assure::gather(&inputs).unwrap();
        (inputs, collected)
    }

    fn read(&self) -> Read {
        let (inputs, collected) = self.collected();
        let normalised = assure::tabulate(&inputs, collected, &mut Silent).unwrap();
        let read = Read { normalised, _world: Rc::clone(&self.world) };
        let facts = read.facts();
        if facts.evidence.reason.is_none() {
            assert_eq!(facts.records + facts.rejected + facts.blank + facts.passed_over, facts.total, "every row is counted once");
        }
        read
    }
}

impl Read {
    fn facts(&self) -> &SourceFacts {
        &self.normalised.sources[0]
    }

    /// Records, rejected, blank, passed over.
    fn counts(&self) -> [u64; 4] {
        let facts = self.facts();
        [facts.records, facts.rejected, facts.blank, facts.passed_over]
    }

    fn noted(&self, code: &str) -> Vec<&Note> {
        self.normalised.notes.iter().filter(|note| note.code == code).collect()
    }

    /// The one note of a code: where, and what.
    fn one(&self, code: &str) -> (&str, &str) {
        let found = self.noted(code);
        assert_eq!(found.len(), 1, "{code} among {:#?}", self.normalised.notes);
        (&found[0].locator, &found[0].what)
    }

    fn cells(&self, sql: &str) -> Vec<Vec<String>> {
        let rows = self.normalised.engine.query(sql).unwrap();
        let cell = |row, name: &String| rows.named(row, name).text().unwrap_or_default();
        (0..rows.len()).map(|row| rows.names().iter().map(|name| cell(row, name)).collect()).collect()
    }

    fn places(&self, table: &str) -> Vec<String> {
        let locator = assure::domain::evidence::Locator::Sheet(self.facts().evidence.sheets());
        let rows = self.cells(&format!("SELECT row FROM {table} ORDER BY row"));
        rows.iter().map(|row| locator.text(row[0].parse().unwrap())).collect()
    }
}

fn book(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(&mut workbook);
    workbook.save_to_buffer().unwrap()
}

fn sheet<'b>(workbook: &'b mut Workbook, name: &str, rows: &[&[&str]]) -> &'b mut Worksheet {
    let sheet = workbook.add_worksheet();
    sheet.set_name(name).unwrap();
    for (number, row) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(*row) {
            if !cell.is_empty() {
                sheet.write(number, column, *cell).unwrap();
            }
        }
    }
    sheet
}

fn role<'a>(person: &'a str, granted: &'a str) -> [&'a str; 6] {
    [person, "Auditor", "CA", granted, "", "M"]
}

/// A workbook with one part changed.
fn altered(octets: &[u8], part: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(octets)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let mut changed = false;
    for index in 0..archive.len() {
        let mut from = archive.by_index(index).unwrap();
        let name = from.name().unwrap().into_owned();
        let mut text = Vec::new();
        from.read_to_end(&mut text).unwrap();
        if name == part {
            let before = String::from_utf8(text).unwrap();
            text = change(before.clone()).into_bytes();
            changed = text != before.as_bytes();
        }
        out.start_file(name, options).unwrap();
        out.write_all(&text).unwrap();
    }
    assert!(changed, "{part} was not changed");
    out.finish().unwrap().into_inner()
}

fn with_part(octets: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new_append(Cursor::new(octets.to_vec())).unwrap();
    out.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    out.write_all(content).unwrap();
    out.finish().unwrap().into_inner()
}

fn roles(rows: &[[&str; 6]]) -> Vec<u8> {
    let mut all: Vec<&[&str]> = vec![&ROLES];
    all.extend(rows.iter().map(|row| &row[..]));
    book(|workbook| {
        sheet(workbook, "Roles", &all);
    })
}

#[test]
fn a_sheet_is_read_by_the_names_of_its_columns_and_its_rows_say_where_they_stand() {
    let octets = book(|workbook| {
        let rows: [&[&str]; 5] = [&["Register of roles"], &["Owner:", "M"], &[], &ROLES, &role("Ann", "2020-02-01")];
        sheet(workbook, "Roles", &rows);
    });
    let read = kept("registers/anything.bin", octets).read();
    assert_eq!(read.counts(), [1, 0, 4, 0]);
    let rows = read.cells("SELECT person, role, granted_at_raw, granted_by FROM roles");
    assert_eq!(rows, [["Ann", "auditor", "2020-02-01", "M"]]);
    assert_eq!(read.places("roles"), ["sheet \"Roles\", row 5"]);
    assert_eq!(read.facts().evidence.format_words().as_deref(), Some("roles-register"));
}

#[test]
fn two_registers_in_one_workbook_feed_their_own_tables_and_an_unknown_sheet_beside_them_is_said() {
    let octets = book(|workbook| {
        sheet(workbook, "Roles", &[&ROLES, &role("Ann", "2020-02-01"), &role("Bob", "2020-03-01")]);
        sheet(workbook, "Read me", &[&[], &["This workbook is kept by the registration authority", "password=hunter2"]]);
        let request = ["R1", "2020-02-02", "Ann", "dev1", "manual", "Issued"];
        sheet(workbook, "Requests", &[&["Request ID", "Requested on", "Requester", "Entity", "Channel", "Outcome"], &request]);
        workbook.add_worksheet().set_name("Empty").unwrap();
        let mut chart = Chart::new(ChartType::Bar);
        chart.add_series().set_values("Roles!$A$1:$A$2");
        workbook.add_chartsheet().set_name("Chart").unwrap().insert_chart(0, 0, &chart).unwrap();
    });
    let kept = kept("registers/all.xlsx", octets);
    let read = kept.read();
    assert_eq!(read.cells("SELECT person FROM roles ORDER BY row"), [["Ann"], ["Bob"]]);
    assert_eq!(read.cells("SELECT request_id, outcome FROM requests"), [["R1", "issued"]]);
    assert_eq!(read.places("requests"), ["sheet \"Requests\", row 2"]);
    assert_eq!(read.counts(), [3, 0, 2, 0]);
    assert_eq!(read.facts().evidence.format_words().as_deref(), Some("roles-register, requests-register"));
    let unknown: Vec<(&str, &str)> = read.noted("N-XLS-002").iter().map(|note| (note.locator.as_str(), note.what.as_str())).collect();
    let words = "a sheet that fits no known format; its first row (2) reads \
                 \"This workbook is kept by the registration authority, password=[masked]\"";
    assert_eq!(unknown[0], ("sheet \"Read me\"", words));
    assert_eq!(unknown[1].0, "sheet \"Chart\"");
    let inventory = assure_in(kept.world.around(), &["inventory", kept.world.folder.to_str().unwrap()]);
    let shown = String::from_utf8(inventory.stdout).unwrap();
    for line in [
        "sheet \"Roles\": roles-register",
        "sheet \"Read me\": not used (no known format fits its heading)",
        "sheet \"Empty\": not used (empty)",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn a_rejected_row_of_one_sheet_does_not_count_for_the_table_of_another() {
    let octets = book(|workbook| {
        sheet(workbook, "Roles", &[&role("Cut", "2020-01-01"), &ROLES, &role("Ann", "2020-02-01")]);
        let request = ["R1", "2020-02-02", "Ann", "dev1", "manual", "Issued"];
        sheet(workbook, "Requests", &[&["Request ID", "Requested on", "Requester", "Entity", "Channel", "Outcome"], &request]);
    });
    let read = kept("registers/all.xlsx", octets).read();
    assert_eq!(read.counts(), [2, 1, 2, 0]);
    assert_eq!(read.one("N-CSV-002"), ("sheet \"Roles\", row 1", "a row above the heading"));
    assert_eq!(read.normalised.tables["roles"].rejected, 1);
    assert_eq!(read.normalised.tables["requests"].rejected, 0);
}

#[test]
fn the_same_record_in_two_sheets_of_one_workbook_is_counted_once() {
    let octets = book(|workbook| {
        for name in ["2020", "2020 (2)"] {
            sheet(workbook, name, &[&ROLES, &role("Ann", "2020-02-01")]);
        }
    });
    let read = kept("registers/roles.xlsx", octets).read();
    assert_eq!(read.cells("SELECT person FROM roles"), [["Ann"]]);
    assert_eq!((read.facts().records, read.normalised.tables["roles"].removed), (2, 1));
}

#[test]
fn a_sheet_that_fits_two_formats_leaves_the_tables_of_both_doubtful() {
    let twin = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/checklists/formats/roles-register.toml")).unwrap();
    let read = kept("registers/roles.xlsx", roles(&[role("Ann", "2020-02-01")])).format("twin", &twin).read();
    assert_eq!(read.one("N-FMT-002"), ("sheet \"Roles\"", "fits roles-register and twin"));
    assert!(read.normalised.tables["roles"].unreadable.contains_key(&1));
    assert_eq!(read.facts().evidence.status.word(), "not-recognised");
}

#[test]
fn a_date_cell_needs_no_order_and_a_time_of_day_needs_a_zone() {
    let dated = |workbook: &mut Workbook| {
        let sheet = sheet(workbook, "Roles", &[&ROLES, &role("Ann", ""), &role("Bob", ""), &role("Cem", "03/04/2020")]);
        let day = Format::new().set_num_format("dd/mm/yyyy");
        let minute = Format::new().set_num_format("dd/mm/yyyy hh:mm");
        sheet.write_with_format(1, 3, ExcelDateTime::from_ymd(2020, 4, 3).unwrap(), &day).unwrap();
        sheet.write_with_format(2, 3, ExcelDateTime::from_ymd(2020, 7, 3).unwrap().and_hms(14, 30, 0).unwrap(), &minute).unwrap();
    };
    let sql = "SELECT person, granted_at, granted_at_raw FROM roles ORDER BY row";
    let read = kept("r.xlsx", book(dated)).read();
    assert_eq!(
        read.cells(sql),
        [["Ann", "2020-04-03T00:00:00Z", "2020-04-03"], ["Bob", "", "2020-07-03 14:30:00"], ["Cem", "", "03/04/2020"]]
    );
    assert_eq!((read.noted("N-TIME-002").len(), read.noted("N-TIME-003").len()), (1, 1));
    let read = kept("r.xlsx", book(dated)).source("zone = \"Europe/London\"\ndate_order = \"dmy\"").read();
    let times: Vec<String> = read.cells(sql).into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(times, ["2020-04-03T00:00:00Z", "2020-07-03T13:30:00Z", "2020-04-03T00:00:00Z"]);
}

#[test]
fn dates_in_the_system_of_1904_are_the_same_days() {
    let octets = book(|workbook| {
        let sheet = sheet(workbook, "Roles", &[&ROLES, &role("Ann", "")]);
        sheet.write_with_format(1, 3, 42_453, &Format::new().set_num_format("yyyy-mm-dd")).unwrap();
    });
    let octets = altered(&octets, "xl/workbook.xml", |xml| xml.replace("<workbookPr ", "<workbookPr date1904=\"1\" "));
    assert_eq!(kept("r.xlsx", octets).read().cells("SELECT granted_at_raw FROM roles"), [["2020-03-25"]]);
}

#[test]
fn text_dates_of_a_sheet_prove_their_order_by_a_value_above_twelve() {
    let octets = roles(&[role("Ann", "03/04/2020"), role("Bob", "25/03/2020")]);
    let read = kept("r.xlsx", octets).read();
    assert_eq!(read.cells("SELECT granted_at FROM roles ORDER BY row"), [["2020-04-03T00:00:00Z"], ["2020-03-25T00:00:00Z"]]);
    assert!(read.one("N-TIME-005").1.contains("day first"));
}

#[test]
fn rows_marked_as_samples_and_totals_are_passed_over_and_said() {
    let rows = [["1 (SAMPLE)", "Auditor", "CA", "2020-01-01", "", "M"], role("Ann", "2020-02-01"), ["Totals", "1", "", "", "", ""]];
    let read = kept("r.xlsx", roles(&rows)).read();
    assert_eq!((read.counts(), read.cells("SELECT person FROM roles")), ([1, 0, 1, 2], vec![vec!["Ann".to_owned()]]));
    let places: Vec<(&str, &str)> = read.noted("N-REG-001").iter().map(|note| (note.locator.as_str(), note.what.as_str())).collect();
    assert_eq!(places, [("sheet \"Roles\", row 2", "marked as a sample"), ("sheet \"Roles\", row 4", "a row of totals")]);
    assert!(read.noted("N-LINE-002").is_empty());
}

#[test]
fn rows_marked_as_samples_and_totals_are_passed_over_in_delimited_text_too() {
    let text = "person,role,granted_at,revoked_at\nEXAMPLE,Auditor,2020-01-01,\nAnn,Auditor,2020-02-01,\nTotal,1\n";
    let read = kept("r.csv", text).read();
    assert_eq!((read.counts(), read.cells("SELECT person FROM roles")), ([1, 0, 1, 2], vec![vec!["Ann".to_owned()]]));
    let places: Vec<&str> = read.noted("N-REG-001").iter().map(|note| note.locator.as_str()).collect();
    assert_eq!(places, ["line 2", "line 4"]);
}

#[test]
fn hidden_rows_columns_and_sheets_are_read_and_said() {
    let octets = book(|workbook| {
        workbook.add_worksheet().set_name("Cover").unwrap();
        let sheet = sheet(workbook, "Roles", &[&ROLES, &role("Ann", "2020-02-01"), &role("Bob", "2020-03-01")]);
        sheet.set_row_hidden(2).unwrap();
        sheet.set_column_hidden(5).unwrap();
        sheet.set_hidden(true);
    });
    let read = kept("r.xlsx", octets).read();
    assert_eq!(read.cells("SELECT person, granted_by FROM roles ORDER BY row"), [["Ann", "M"], ["Bob", "M"]]);
    let said: Vec<&str> = read.noted("N-XLS-003").iter().map(|note| note.what.as_str()).collect();
    assert_eq!(
        said,
        ["the sheet is hidden; it was read all the same", "hidden rows 3; they were read", "hidden columns F; they were read"]
    );
}

#[test]
fn a_value_merged_over_several_rows_is_never_filled_down() {
    let octets = book(|workbook| {
        let sheet =
            sheet(workbook, "Roles", &[&["Register of roles"], &ROLES, &role("Ann", ""), &role("Bob", ""), &role("Cem", "2020-05-01")]);
        sheet.merge_range(0, 0, 0, 5, "Register of roles", &Format::new()).unwrap();
        sheet.merge_range(2, 3, 3, 3, "2020-02-01", &Format::new()).unwrap();
        sheet.merge_range(2, 4, 3, 4, "", &Format::new()).unwrap();
    });
    let read = kept("r.xlsx", octets).read();
    assert_eq!(
        read.cells("SELECT person, granted_at_raw FROM roles ORDER BY row"),
        [["Ann", "2020-02-01"], ["Bob", ""], ["Cem", "2020-05-01"]]
    );
    let unsettled = read.cells("SELECT unsettled FROM roles ORDER BY row");
    assert_eq!(unsettled[1], [",granted_at,revoked_at,"], "a date that is covered is not an absent date");
    let said: Vec<&str> = read.noted("N-XLS-004").iter().map(|note| note.what.as_str()).collect();
    assert!(said.contains(&"merged cells at D3:D4: only the first row has the value"), "{said:?}");
    assert!(!said.iter().any(|what| what.contains("A1")), "a merged title says nothing");
}

#[test]
fn rows_that_only_have_formats_are_blank_down_to_the_end_of_the_range() {
    let octets = altered(&roles(&[role("Ann", "2020-02-01")]), "xl/worksheets/sheet1.xml", |xml| {
        let blank: String = (3..=531).map(|row| format!("<row r=\"{row}\"><c r=\"A{row}\" s=\"0\"/></row>")).collect();
        xml.replace("</sheetData>", &format!("{blank}</sheetData>")).replace("<dimension ref=\"A1:F2\"/>", "<dimension ref=\"A1:Z1000\"/>")
    });
    let read = kept("r.xlsx", octets).read();
    assert_eq!((read.counts(), read.facts().total), ([1, 0, 999, 0], 1_000));
}

#[test]
fn errors_and_formulas_without_a_value_leave_their_cell_unsettled() {
    let octets = book(|workbook| {
        let sheet = sheet(workbook, "Roles", &[&ROLES, &role("Ann", ""), &role("Bob", "2020-01-01")]);
        sheet.write_formula(1, 3, Formula::new("=NA()").set_result("#N/A")).unwrap();
        sheet.write_formula(2, 5, Formula::new("=F1").set_result("Dee")).unwrap();
        sheet.write_formula(1, 5, Formula::new("=F2").set_result("none")).unwrap();
    });
    let octets = altered(&octets, "xl/worksheets/sheet1.xml", |xml| xml.replace(" t=\"str\"><f>F2</f><v>none</v>", "><f>F2</f>"));
    let read = kept("r.xlsx", octets).read();
    let rows = read.cells("SELECT person, granted_at_raw, granted_by, unsettled FROM roles ORDER BY row");
    assert_eq!(rows, [["Ann", "#N/A", "", ",granted_at,granted_by,"], ["Bob", "2020-01-01", "Dee", ""]]);
    assert_eq!(read.noted("N-XLS-006").len(), 2);
    assert_eq!(read.one("N-XLS-005").1, "3 cells hold formulas; the values they last had were read");
}

#[test]
fn a_sheet_of_formulas_that_were_never_worked_out_settles_nothing() {
    let octets = book(|workbook| {
        let sheet = sheet(workbook, "Roles", &[&ROLES]);
        for column in 0..6 {
            sheet.write_formula(1, column, Formula::new("=A9").set_result("none")).unwrap();
        }
    });
    let octets = altered(&octets, "xl/worksheets/sheet1.xml", |xml| xml.replace(" t=\"str\"><f>A9</f><v>none</v>", "><f>A9</f>"));
    let read = kept("r.xlsx", octets).read();
    assert_eq!(read.counts(), [1, 0, 1, 0]);
    assert_eq!(read.cells("SELECT unsettled FROM roles"), [[",person,role,system,granted_at,revoked_at,granted_by,"]]);
}

#[test]
fn a_number_that_a_spreadsheet_may_have_rounded_is_not_settled() {
    let octets = book(|workbook| {
        let head = ["Request ID", "Requested on", "Requester", "Entity", "Channel", "Outcome", "Serial"];
        let row = |id| [id, "2020-02-02", "Ann", "dev1", "manual", "issued", ""];
        let sheet = sheet(workbook, "Requests", &[&head, &row(""), &row("R2"), &row("R3"), &row("R4")]);
        sheet.write(1, 0, 42).unwrap();
        sheet.write(1, 6, 1_234_567_890_123_456_789_u64 as f64).unwrap();
        sheet.write(2, 6, "1.23457E+18").unwrap();
        sheet.write(3, 6, 999_999_999_999_999_f64).unwrap();
        sheet.write(4, 6, true).unwrap();
    });
    let read = kept("r.xlsx", octets).read();
    let rows = read.cells("SELECT request_id, serial, unsettled FROM requests ORDER BY row");
    assert_eq!(rows, [["42", "", ",serial,"], ["R2", "", ",serial,"], ["R3", "0999999999999999", ""], ["R4", "", ",serial,"]]);
    assert_eq!((read.noted("N-XLS-007")[0].count, read.noted("N-VAL-002").len()), (2, 1));
}

#[test]
fn columns_that_stand_twice_and_cells_beside_the_table_are_said() {
    let octets = book(|workbook| {
        let head = ["Name", "Trusted role", "From", "To", "name", "Appointed on"];
        let sheet = sheet(workbook, "Roles", &[&head, &["Ann", "Auditor", "2020-02-01", "", "Zed", "2020-09-09"]]);
        sheet.write(1, 9, "a remark").unwrap();
        sheet.write(4, 8, "another").unwrap();
    });
    let read = kept("r.xlsx", octets).read();
    assert_eq!(read.cells("SELECT person, granted_at_raw FROM roles"), [["Ann", "2020-02-01"]]);
    let twice: Vec<&str> = read.noted("N-CSV-003").iter().map(|note| note.what.as_str()).collect();
    assert_eq!(twice, ["column \"Appointed on\" stands twice; the first is used", "column \"name\" stands twice; the first is used"]);
    assert_eq!(read.one("N-XLS-008"), ("sheet \"Roles\"", "2 cells outside the columns of the heading, first in row 2"));
    assert_eq!(read.counts(), [1, 0, 4, 0]);
}

#[test]
fn a_heading_below_the_fifteenth_row_is_none() {
    let at = |rows: usize| {
        let mut all: Vec<&[&str]> = vec![&[]; rows];
        let row = role("Ann", "2020-02-01");
        all.extend([&ROLES[..], &row[..]]);
        book(|workbook| {
            sheet(workbook, "Roles", &all);
        })
    };
    assert_eq!(kept("r.xlsx", at(14)).read().facts().records, 1);
    let read = kept("r.xlsx", at(15)).read();
    assert_eq!(read.facts().evidence.reason.as_deref(), Some("workbook, no sheet recognised"));
    assert_eq!(read.one("N-XLS-002").0, "sheet \"Roles\"");
    let read = kept("r.xlsx", at(15)).source("format = \"roles-register\"").read();
    assert_eq!(read.facts().evidence.status.word(), "unreadable");
    assert!(read.normalised.tables["roles"].unreadable.contains_key(&1));
    assert!(read.one("N-CSV-003").1.starts_with("no sheet has a heading with the columns person"));
}

#[test]
fn a_declared_format_reads_its_own_sheets_only() {
    let octets = book(|workbook| {
        sheet(workbook, "Roles", &[&ROLES, &role("Ann", "2020-02-01")]);
        sheet(workbook, "Requests", &[&["Request ID", "Requested on", "Requester", "Entity"], &["R1", "2020-02-02", "Ann", "dev1"]]);
    });
    let read = kept("r.xlsx", octets).source("format = \"roles-register\"").read();
    assert_eq!(read.cells("SELECT person FROM roles"), [["Ann"]]);
    assert_eq!(read.one("N-XLS-002").0, "sheet \"Requests\"");
}

#[test]
fn the_name_of_a_sheet_may_have_any_characters() {
    let octets = altered(&roles(&[role("Ann", "2020-02-01")]), "xl/workbook.xml", |xml| {
        xml.replace("\"Roles\"", "\"R&#7;&quot;\u{202e},\n row 9\"")
    });
    let read = kept("r.xlsx", octets).read();
    assert_eq!(read.places("roles"), [r#"sheet "R\u{7}\"\u{202e},\n row 9", row 2"#]);
}

#[test]
fn workbooks_of_a_kind_that_is_not_read_say_which_and_how_to_mend_it() {
    let whole = roles(&[role("Ann", "2020-02-01")]);
    let mut encrypted = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    let mut old = encrypted.clone();
    encrypted.extend("..EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    old.extend("..Workbook".encode_utf16().flat_map(u16::to_le_bytes));
    let twice = altered(&whole, "xl/worksheets/sheet1.xml", |xml| xml.replace("r=\"B2\"", "r=\"A2\""));
    let upward = altered(&whole, "xl/worksheets/sheet1.xml", |xml| xml.replace("r=\"2\"", "r=\"3\"").replace("1\"", "9\""));
    let far = altered(&whole, "xl/worksheets/sheet1.xml", |xml| xml.replace("r=\"B2\"", "r=\"B1048577\""));
    let strings = altered(&whole, "xl/sharedStrings.xml", |xml| xml.replace("uniqueCount=\"", "uniqueCount=\"9999999999"));
    for (octets, code, words) in [
        (with_part(&whole, "xl/vbaProject.bin", b"x"), "N-XLS-001", "macros"),
        (with_part(&whole, "xl/workbook.bin", b"x"), "N-XLS-001", "binary"),
        (encrypted, "N-XLS-001", "password"),
        (old, "N-XLS-001", ".xls"),
        (whole[..whole.len() / 2].to_vec(), "N-XLS-001", "cut or damaged"),
        (twice, "N-XLS-001", "cell A2 stands twice"),
        (upward, "N-XLS-001", "stands after row"),
        (far, "N-FS-004", "1,048,576"),
        (strings, "N-XLS-001", "claims more strings"),
        (with_part(&whole, "xl/media/bomb.bin", &vec![0; 40 << 20]), "N-FS-004", "200 times"),
    ] {
        let read = kept("r.xlsx", octets).source("format = \"roles-register\"").read();
        assert_eq!(read.facts().evidence.status.word(), "unreadable", "{words}");
        let (_, what) = read.one(code);
        assert!(what.contains(words), "{what}");
        assert!(!read.noted(code)[0].fix.is_empty());
        assert!(read.normalised.tables["roles"].unreadable.contains_key(&1), "{words}: its table is known to be incomplete");
    }
}

#[test]
fn a_workbook_without_sheets_is_listed() {
    let octets = altered(&roles(&[role("Ann", "2020-02-01")]), "xl/workbook.xml", |xml| {
        let (start, rest) = xml.split_once("<sheets>").unwrap();
        format!("{start}<sheets>{}", &rest[rest.find("</sheets>").unwrap()..])
    });
    let read = kept("r.xlsx", octets).read();
    assert_eq!(read.facts().evidence.reason.as_deref(), Some("workbook, no sheet recognised"));
}

#[test]
fn a_private_key_in_a_cell_puts_the_workbook_aside() {
    let read = kept("r.xlsx", roles(&[role("-----BEGIN PRIVATE KEY-----", "2020-02-01")])).read();
    assert_eq!((read.facts().evidence.quality.word(), read.facts().records), ("secret", 0));
    assert!(read.normalised.tables["roles"].unreadable.contains_key(&1));
}

#[test]
fn a_private_key_on_one_line_of_a_cell_is_masked_and_told() {
    let key = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWlpaWlpa";
    let read = kept("r.xlsx", roles(&[role(&format!("Ann {key}"), "2020-02-01")])).read();
    assert_eq!(read.cells("SELECT person FROM roles"), [["Ann [masked]"]]);
    assert_eq!((read.noted("N-SEC-003").len(), read.noted("N-SEC-002").len()), (1, 1));
}

#[test]
fn a_secret_in_a_cell_is_masked() {
    let read = kept("r.xlsx", roles(&[role("Ann password=hunter2", "2020-02-01")])).read();
    assert_eq!(read.cells("SELECT person FROM roles"), [["Ann password=[masked]"]]);
    assert_eq!(read.noted("N-SEC-002").len(), 1);
}

#[test]
fn a_json_register_is_read_by_its_keys() {
    let text = r#"{"exported": "2021-01-01", "roles": [
        {"person": "Ann", "Trusted role": "Auditor", "granted_at": "25/03/2020", "revoked_at": null, "system": ["CA", "RA"]},
        {"person": "Bob", "role": "Auditor", "granted_at": "01/02/2020", "person": "Zed"},
        17,
        {"person": "Cem", "role": "Operator", "granted_at": "01/02/2020", "granted_by": {"name": "M"}}]}"#;
    let read = kept("r.txt", text).read();
    assert_eq!((read.counts(), read.facts().total), ([2, 2, 0, 0], 4));
    let rows = read.cells("SELECT row, person, role, system, granted_at FROM roles ORDER BY row");
    assert_eq!(rows, [["1", "Ann", "auditor", "CA; RA", "2020-03-25T00:00:00Z"], ["4", "Cem", "operator", "", "2020-02-01T00:00:00Z"]]);
    let rejected: Vec<&str> = read.noted("N-JSON-001").iter().map(|note| note.locator.as_str()).collect();
    assert_eq!(rejected, ["object 2", "object 3"]);
    assert_eq!(read.one("N-CSV-004").1, "columns not used: granted_by.name");
}

#[test]
fn a_json_register_that_is_cut_is_known_for_what_it_is() {
    let text = r#"[{"person": "Ann", "role": "Auditor", "granted_at": "2020-03-25", "revoked_at": null}, {"person""#;
    let read = kept("r.json", text).read();
    assert_eq!(read.facts().evidence.status.word(), "unreadable");
    assert!(read.one("N-JSON-002").1.contains("does not read to its end"));
    assert!(read.normalised.tables["roles"].unreadable.contains_key(&1));
}

#[test]
fn json_that_is_no_register_is_not_taken_for_one() {
    let object = r#"{"person": "A", "role": "Auditor", "granted_at": "2020-03-25", "revoked_at": null}"#;
    for text in [object.to_owned(), format!(r#"{{"a": [{object}], "b": [{object}]}}"#), "[]".to_owned(), "[1, 2]".to_owned()] {
        let read = kept("r.json", &text).read();
        assert_eq!(read.facts().evidence.status.word(), "not-recognised", "{text}");
    }
}

/// The XML of a sheet that is right often enough to be read far.
fn xml() -> impl Strategy<Value = String> {
    let cell = (
        "[A-G]",
        1_u32..20,
        prop_oneof![
            Just(" t=\"inlineStr\"><is><t>Name</t></is>".to_owned()),
            Just(" t=\"inlineStr\"><is><t>Total</t></is>".to_owned()),
            Just(" t=\"e\"><v>#N/A</v>".to_owned()),
            Just(" t=\"b\"><v>1</v>".to_owned()),
            Just("><f>A1</f>".to_owned()),
            Just(">".to_owned()),
            "[0-9]{1,18}(\\.[0-9]{1,3})?(E[+-]?[0-9]{1,3})?".prop_map(|number| format!("><v>{number}</v>")),
        ],
    );
    let cell = cell.prop_map(|(column, row, rest)| format!("<c r=\"{column}{row}\"{rest}</c>"));
    let row = (16_u32..40, proptest::collection::vec(cell, 0..7), any::<bool>(), any::<bool>());
    proptest::collection::vec(row, 0..6).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        let heading: String = ('A'..).zip(ROLES).map(|(column, name)| format!("<c r=\"{column}3\" t=\"inlineStr\"><is><t>{name}</t></is></c>")).collect();
        let rows: String = rows
            .into_iter()
            .map(|(number, cells, hidden, own)| {
                let cells = cells.concat();
                // Cells of their own row, or whatever row they name.
                let cells = if own { regex::Regex::new("([A-G])\\d+\"").unwrap().replace_all(&cells, format!("${{1}}{number}\"")).into_owned() } else { cells };
                format!("<row r=\"{number}\"{}>{cells}</row>", if hidden { " hidden=\"1\"" } else { "" })
            })
            .collect();
        format!("<worksheet><dimension ref=\"A1:F50\"/><sheetData><row r=\"3\">{heading}</row>{rows}</sheetData><mergeCells><mergeCell ref=\"A17:B19\"/></mergeCells></worksheet>")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_sheet_holds_every_row_is_counted_once_or_the_file_fails(xml in xml()) {
        let octets = altered(&roles(&[]), "xl/worksheets/sheet1.xml", |_| xml.clone());
        let read = kept("r.xlsx", octets).read();
        let reason = read.facts().evidence.reason.as_deref().unwrap_or_default();
        prop_assert!(reason != "the reader failed" && reason != "the reader of workbooks failed", "{}", reason);
    }

    #[test]
    fn any_octets_are_a_workbook_or_a_reason(at in any::<prop::sample::Index>(), put in proptest::collection::vec(any::<u8>(), 0..24), cut in any::<bool>()) {
        let mut octets = roles(&[role("Ann", "2020-02-01")]);
        let at = at.index(octets.len());
        if cut { octets.truncate(at) }
        octets.splice(at.min(octets.len())..(at + put.len()).min(octets.len()), put);
        let read = kept("r.xlsx", octets).read();
        let reason = read.facts().evidence.reason.as_deref().unwrap_or_default();
        prop_assert!(reason != "the reader failed" && reason != "the reader of workbooks failed", "{}", reason);
    }
}

const ATTESTATIONS: &str = r#"
schema = 1
title  = "Attestations"
reader = "delimited"
source = "a test"
export = "a test"
[recognise]
header = ["Control_ID", "Status", "Updated"]
[[emit]]
table = "roles"
[emit.columns]
person     = { from = "Control_ID" }
role       = { value = "auditor" }
system     = { from = "Explanation" }
granted_at = { from = "Updated", as = "datetime", pattern = "auto" }
"#;

#[test]
fn a_real_workbook_opens_and_gives_its_rows_to_a_format_that_knows_it() {
    let Some(corpus) = corpus() else { return };
    let octets = fs::read(corpus.join("registers/attestations_xlsxInputFormat.xlsx")).unwrap();
    let read = kept("a.xlsx", &octets).read();
    assert_eq!(read.facts().evidence.reason.as_deref(), Some("workbook, no sheet recognised"));
    assert_eq!(read.one("N-XLS-002").0, "sheet \"attestations\"");
    let read = kept("a.xlsx", &octets).format("attestations", ATTESTATIONS).read();
    assert_eq!((read.counts(), read.facts().total), ([9, 0, 1, 0], 10));
    let rows = read.cells("SELECT granted_at_raw, granted_at FROM roles ORDER BY row");
    assert_eq!(rows[0], ["3000-01-01", "3000-01-01T00:00:00Z"]);
    assert_eq!(rows[1], ["1999-01-01", "1999-01-01T00:00:00Z"]);
    assert_eq!(rows[8][1], "2024-03-21T22:17:52.761Z");
}

#[test]
fn a_run_on_a_workbook_says_the_same_as_a_run_on_the_same_register_as_text() {
    let world = World::clean();
    let before = world.run().results();
    let text = world.text("registers/roles.csv");
    let octets = book(|workbook| {
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        sheet(workbook, "Roles", &rows);
    });
    world.put("registers/roles.csv", octets);
    let after = world.run().results();
    let listed = after.file("registers/roles.csv");
    assert_eq!((listed.format.as_deref(), listed.records), (Some("roles-register"), before.file("registers/roles.csv").records));
    let outcomes = |results: &assure::report::results::Results| -> Vec<(String, String)> {
        results.controls.iter().map(|control| (control.id.clone(), control.outcome.clone())).collect()
    };
    assert_eq!(outcomes(&before), outcomes(&after));
}
