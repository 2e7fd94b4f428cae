//! One file of the evidence folder.

/// What became of a file. Every file ends as one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Recognised; its records are in the tables.
    Used,
    /// No format fits, or more than one.
    NotRecognised,
    /// Could not be opened, or not be read as what it is.
    Unreadable,
}

impl Status {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::NotRecognised => "not-recognised",
            Self::Unreadable => "unreadable",
        }
    }
}

/// How far a file is what it looks like. A template, a placeholder or a sample proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Nothing against it.
    Ok,
    /// No octets, or nothing but white space.
    Empty,
    /// Ends in the middle of a record.
    Truncated,
    /// Holds a private key, or is a keystore that may hold one.
    Secret,
    /// Of a known kind, and not opened: encrypted, or an archive.
    Opaque,
    /// Pages without a text layer, or a picture.
    Scanned,
    /// Has a signature, which was not verified.
    Signed,
    /// Has a field for a signature, and no signature in it.
    Unsigned,
    /// A form that was not filled in.
    Template,
    /// Stands for what is still to come.
    Placeholder,
    /// Says of itself that it is a sample.
    Sample,
}

impl Quality {
    /// Whether nothing in it can prove that something happened.
    #[must_use]
    pub fn proves_nothing(self) -> bool {
        matches!(self, Self::Template | Self::Placeholder | Self::Sample)
    }

    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Secret => "secret",
            Self::Opaque => "opaque",
            Self::Scanned => "scanned",
            Self::Signed => "signed",
            Self::Unsigned => "unsigned",
            Self::Template => "template",
            Self::Placeholder => "placeholder",
            Self::Sample => "sample",
        }
    }
}

/// How the hash stands to one the operator declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashStatus {
    /// Equal.
    Match,
    /// Different.
    Mismatch,
    /// The operator supplied a list of hashes, and the file is not in it.
    Missing,
    /// In the list of hashes, and there is no such file.
    Orphan,
    /// None declared.
    None,
}

impl HashStatus {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
            Self::Orphan => "orphan",
            Self::None => "none",
        }
    }
}

/// One file of the evidence folder, as `collect` found it.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Its number in this run, from 1, in order of path.
    pub number: u32,
    /// The id people see: `EV-` and 12 digits of the content hash; `-2` and so on follow where equal
    /// content is declared differently (two hosts with one configuration).
    pub id: String,
    /// Path inside the evidence folder, with `/`.
    pub path: String,
    /// Where it is on this machine; never written to an output.
    pub file: std::path::PathBuf,
    /// Octets.
    pub size: u64,
    /// SHA-256 of the content; empty where it could not be read.
    pub sha256: String,
    /// How that stands to the operator's declaration.
    pub hash_status: HashStatus,
    /// The format it was recognised as; the sheets of a workbook have their own.
    pub format: Option<String>,
    /// What its records are wrapped in.
    pub container: Container,
    /// What became of it.
    pub status: Status,
    /// How far it is what it looks like.
    pub quality: Quality,
    /// Why it is not used, where it is not.
    pub reason: Option<String>,
    /// Other paths with the same content, which are not read again.
    pub also: Vec<String>,
}

impl Evidence {
    /// The formats it is read by, without repetition: one, or those of the sheets of a workbook.
    #[must_use]
    pub fn formats(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.format.iter().map(String::as_str).collect();
        for name in self.sheets().iter().filter_map(|sheet| sheet.format.as_deref()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The names of its formats as reports show them.
    #[must_use]
    pub fn format_words(&self) -> Option<String> {
        Some(self.formats().join(", ")).filter(|words| !words.is_empty())
    }

    /// Its sheets; none where it is no workbook.
    #[must_use]
    pub fn sheets(&self) -> &[Sheet] {
        match &self.container {
            Container::Workbook(sheets) => sheets,
            Container::Plain | Container::Json => &[],
        }
    }
}

/// What the records of a file are wrapped in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Container {
    /// Nothing: its format says all.
    #[default]
    Plain,
    /// A workbook. Each sheet has a format of its own, or none.
    Workbook(Vec<Sheet>),
    /// One JSON document; the objects of its array are the records.
    Json,
}

/// A sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Its place among the sheets, from 1.
    pub ordinal: u32,
    /// Its name, as the workbook has it.
    pub name: String,
    /// The format it was recognised as.
    pub format: Option<String>,
    /// Why it is not used, where it is not.
    pub reason: Option<String>,
}

/// Rows of a sheet take this many bits of `row`: spreadsheets end at row 1,048,576.
const SHEET_BITS: u32 = 21;

impl Sheet {
    /// The `row` of a record: unique among all sheets of the workbook.
    #[must_use]
    pub fn row(&self, spreadsheet_row: u64) -> u64 {
        (u64::from(self.ordinal) << SHEET_BITS) | spreadsheet_row
    }

    /// `sheet "Vetting"`, whatever characters the name has.
    #[must_use]
    pub fn place(&self) -> String {
        format!("sheet {:?}", self.name)
    }
}

/// Where records of a file stand: what `row` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locator<'a> {
    /// Physical lines.
    Line,
    /// Objects of a bundle, or of a JSON array.
    Object,
    /// Entries of a map, or records of an XML document.
    Entry,
    /// Events of a Windows event log, in the order of the file.
    Event,
    /// Rows of these sheets.
    Sheet(&'a [Sheet]),
}

impl Locator<'_> {
    /// `line 12`, `object 3`, `entry 4`, `event 5`, `sheet "Vetting", row 14`.
    #[must_use]
    pub fn text(self, row: u64) -> String {
        match self {
            Self::Line => format!("line {row}"),
            Self::Object => format!("object {row}"),
            Self::Entry => format!("entry {row}"),
            Self::Event => format!("event {row}"),
            Self::Sheet(sheets) => {
                let sheet = sheets.iter().find(|sheet| u64::from(sheet.ordinal) == row >> SHEET_BITS);
                let row = row & ((1 << SHEET_BITS) - 1);
                sheet.map_or_else(|| format!("row {row}"), |sheet| format!("{}, row {row}", sheet.place()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_a_sheet_says_the_sheet_and_the_row_as_a_spreadsheet_counts_it() {
        let sheet = |ordinal, name: &str| Sheet { ordinal, name: name.to_owned(), format: None, reason: None };
        let sheets = [sheet(1, "Vetting"), sheet(2, "a\"b\u{7}")];
        let locator = Locator::Sheet(&sheets);
        assert_eq!(locator.text(sheets[0].row(14)), "sheet \"Vetting\", row 14");
        assert_eq!(locator.text(sheets[1].row(1_048_576)), "sheet \"a\\\"b\\u{7}\", row 1048576");
        assert_ne!(sheets[0].row(1_048_576), sheets[1].row(1));
    }
}
