//! An invented criteria sheet, and the file that importing it gives: some controls are confirmed by it, the rest stay
//! indicative. Every row says that its text is invented.

use super::super::seed;
use super::Sample;
use rust_xlsxwriter::{ExcelDateTime, Workbook};
use std::fmt::Write as _;

const CP: (&str, &str) = ("s1spki-cp-secure", "first");

/// Instrument and version, clause, invented text, controls, why it is left out.
type Clause = ((&'static str, &'static str), &'static str, &'static str, &'static str, &'static str);

const CLAUSES: [Clause; 12] = [
    (CP, "4.3", "No certificate shall be issued but on a request that was authorised.", "RA-03, RA-07", ""),
    (CP, "4.9.3", "A certificate shall be revoked on an authenticated request, and promptly.", "RV-06, RV-07", ""),
    (CP, "4.9.7", "Lists shall be issued at the times set out in this clause.", "RV-01, RV-02", ""),
    (CP, "5.2.4", "No person shall hold roles that conflict.", "PE-03", ""),
    (CP, "5.3.2", "Persons in trusted roles shall be cleared before they begin.", "PE-04", ""),
    (CP, "5.4.2", "Audit logs shall be complete, and shall be reviewed.", "AU-04, AU-05", ""),
    (CP, "6.2.2", "Keys shall be under the control of several persons.", "KM-03, KM-14, KM-16", ""),
    (CP, "6.2.8", "The root key shall be used at ceremonies only.", "KM-10, PE-02", ""),
    (CP, "6.6", "Changes shall be approved.", "SY-03, SY-10", ""),
    (("s1ckmp", "1.0"), "3", "Keys of devices shall have an owner, and shall be rotated.", "CK-01, CK-03, CK-04", ""),
    (CP, "9.1", "Fees shall be published.", "", "it is no matter of assurance"),
    (CP, "5.8", "A plan for the end of the service shall be kept.", "", ""),
];

fn text(words: &str) -> String {
    format!("ILLUSTRATIVE, NOT THE SEC'S TEXT: {words}")
}

pub fn build(sample: &mut Sample) {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_ymd(2022, 7, 18).expect("a date");
    book.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&made));
    let sheet = book.add_worksheet().set_name("Criteria").expect("a name for a sheet");
    let headings = ["Instrument", "Version", "Clause", "Text", "From", "To", "Allocation", "Control ids", "Excluded because"];
    for (column, heading) in (0..).zip(headings) {
        sheet.write(0, column, heading).expect("a cell");
    }
    for (row, ((instrument, version), clause, words, controls, excluded)) in (1..).zip(CLAUSES) {
        for (column, cell) in [(0, instrument), (1, version), (2, clause), (3, &text(words)), (6, "DCC"), (7, controls), (8, excluded)] {
            sheet.write_string(row, column, cell).expect("a cell");
        }
    }
    let octets = book.save_to_buffer().expect("a workbook");
    let sha256 = seed::sha256(&octets);
    let mut file = "schema = 1\n".to_owned();
    for ((instrument, version), clause, words, controls, excluded) in CLAUSES {
        let ids: Vec<String> = controls.split(", ").filter(|id| !id.is_empty()).map(|id| format!("\"{id}\"")).collect();
        // As the import writes it.
        let controls = match ids.as_slice() {
            [] | [_] => format!("[{}]", ids.concat()),
            several => format!("[\n{}]", several.iter().map(|id| format!("    {id},\n")).collect::<String>()),
        };
        let excluded = if excluded.is_empty() { String::new() } else { format!("excluded = \"{excluded}\"\n") };
        let _ = write!(
            file,
            "\n[[criterion]]\ninstrument = \"{instrument}\"\nversion = \"{version}\"\nclause = \"{clause}\"\ntext = \"{}\"\n\
             allocation = \"DCC\"\ncontrols = {controls}\n{excluded}by = \"A. Sample\"\non = \"2022-07-19\"\nsheet = \"{sha256}\"\n",
            text(words)
        );
    }
    sample.beside.insert("criteria.xlsx".to_owned(), octets);
    sample.beside.insert("checklists/criteria.toml".to_owned(), file.into_bytes());
}
