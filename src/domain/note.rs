//! Notes: everything that weakened the evidence, or that a reader should know. A note says what,
//! where, how many, and how to mend it; which controls it touches is worked out by `judge`.

/// Whether a note can change an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It can: the tables its evidence feeds are weaker for it.
    Weakens,
    /// It cannot, but a reader should know.
    Informs,
}

/// One note.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Stable code from [`CODES`].
    pub code: &'static str,
    /// Number of the evidence it concerns, if it concerns one.
    pub evidence: Option<u32>,
    /// Where in the file: `line 12`, `object 3`, `column "Granted on"`; empty for the whole.
    pub locator: String,
    /// What, in words.
    pub what: String,
    /// How many records.
    pub count: u64,
    /// How to mend it.
    pub fix: String,
    /// Tables it concerns; empty means the tables the evidence feeds.
    pub tables: Vec<String>,
    /// A control it concerns by name.
    pub control: Option<String>,
}

impl Note {
    /// A note on a whole file.
    #[must_use]
    pub fn on(code: &'static str, evidence: u32, what: impl Into<String>) -> Self {
        Self { evidence: Some(evidence), ..Self::general(code, what) }
    }

    /// A note on no file.
    #[must_use]
    pub fn general(code: &'static str, what: impl Into<String>) -> Self {
        Self {
            code,
            evidence: None,
            locator: String::new(),
            what: what.into(),
            count: 1,
            fix: entry(code).map_or_else(String::new, |entry| entry.fix.to_owned()),
            tables: Vec::new(),
            control: None,
        }
    }

    /// The same note at a place.
    #[must_use]
    pub fn at(mut self, locator: impl Into<String>) -> Self {
        self.locator = locator.into();
        self
    }

    /// The same note for so many records.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = count;
        self
    }

    /// The same note with its own advice.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// The same note about one table.
    #[must_use]
    pub fn about(mut self, table: &str) -> Self {
        self.tables.push(table.to_owned());
        self
    }

    /// Whether it can change an outcome.
    #[must_use]
    pub fn weight(&self) -> Weight {
        entry(self.code).map_or(Weight::Weakens, |entry| entry.weight)
    }
}

/// What a code stands for.
#[derive(Debug)]
pub struct Entry {
    /// The code.
    pub code: &'static str,
    /// Whether it can change an outcome.
    pub weight: Weight,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// The entry of a code.
#[must_use]
pub fn entry(code: &str) -> Option<&'static Entry> {
    CODES.iter().find(|entry| entry.code == code)
}

const fn code(code: &'static str, weight: Weight, meaning: &'static str, fix: &'static str) -> Entry {
    Entry { code, weight, meaning, fix }
}

/// Every note code, in order.
pub const CODES: &[Entry] = &[
    code(
        "N-CFG-001",
        Weight::Weakens,
        "an entry of engagement.toml or overrides.toml matched nothing",
        "mend or remove the entry: a declaration that matches nothing protects nothing",
    ),
    code("N-CFG-002", Weight::Informs, "the program assumed something because nobody declared it", "declare it in engagement.toml"),
    code(
        "N-CHAIN-001",
        Weight::Weakens,
        "certificates or CRLs whose issuer is not in the evidence: their chain cannot be tested",
        "ask for the certificate of the issuer",
    ),
    code(
        "N-CSV-001",
        Weight::Weakens,
        "a quote is opened and never closed; the line is rejected and reading went on with the next",
        "ask for a fresh export; do not repair evidence by hand",
    ),
    code(
        "N-CSV-002",
        Weight::Weakens,
        "a row has more or fewer cells than the heading",
        "ask for a fresh export, or have the operator correct the register",
    ),
    code(
        "N-CSV-003",
        Weight::Weakens,
        "the heading lacks columns that the format needs, or names one twice",
        "name the columns as `assure list formats` shows them, or add a format file",
    ),
    code(
        "N-CSV-004",
        Weight::Informs,
        "columns that the format does not use",
        "none needed; add them to a format file if a control should use them",
    ),
    code(
        "N-CFG-003",
        Weight::Weakens,
        "the configuration includes other files, which may decide first",
        "supply the effective configuration (sshd -T) instead, or the included files as well",
    ),
    code(
        "N-CFG-004",
        Weight::Informs,
        "what is configured is named by the file name alone",
        "see that nobody renamed the file: what it is called is not part of its content",
    ),
    code("N-DUP-001", Weight::Informs, "the same record stands in more than one place; it is counted once", "none needed"),
    code(
        "N-DUP-002",
        Weight::Weakens,
        "records with the same identity have different content; both are tested",
        "ask the operator which one holds, and why there are two",
    ),
    code("N-DUP-003", Weight::Informs, "two sources of different kinds tell the same happenings; each counts once", "none needed"),
    code("N-ENC-001", Weight::Informs, "the text is not UTF-8 and was converted", "none needed"),
    code(
        "N-ENC-002",
        Weight::Weakens,
        "octets that are not text in the encoding of the file; the line is rejected",
        "ask for a fresh export",
    ),
    code(
        "N-EVTX-001",
        Weight::Weakens,
        "a file, chunk or record of a Windows event log that is cut, altered or cannot be read; rejected",
        "ask for a fresh export of the log (wevtutil epl), not a copy of the file in use",
    ),
    code(
        "N-EVTX-002",
        Weight::Informs,
        "a Windows event log that was copied while it was in use",
        "ask for an export (wevtutil epl): it is closed, and holds all that was written by then",
    ),
    code(
        "N-EXP-001",
        Weight::Weakens,
        "expected evidence is missing, or fewer records came than the source holds",
        "ask for what is missing",
    ),
    code("N-EXP-002", Weight::Informs, "evidence that nobody had announced", "add it to [[expected]] if it was agreed"),
    code(
        "N-FMT-001",
        Weight::Informs,
        "not recognised as any known format; not used",
        "declare its format in engagement.toml ([[source]] path, format), or add a format file",
    ),
    code(
        "N-FMT-002",
        Weight::Weakens,
        "could be more than one format; not used",
        "declare the format in engagement.toml ([[source]] path, format)",
    ),
    code(
        "N-FMT-003",
        Weight::Weakens,
        "declared or recognised as a format it cannot be read as",
        "check the file and its [[source]] entry",
    ),
    code(
        "N-FMT-004",
        Weight::Informs,
        "a file of a known kind that is not opened: encrypted, an archive, a picture",
        "ask for what is inside, in a form that can be read",
    ),
    code(
        "N-FMT-005",
        Weight::Weakens,
        "a template, a placeholder or a sample: it proves nothing, whatever it says",
        "ask for the document as it was filled in",
    ),
    code(
        "N-FMT-006",
        Weight::Informs,
        "a PDF: looked at for pages, a text layer and a signature, and not read into tables",
        "have what it records put into a register; of a scan, by two people (see the register of transcriptions)",
    ),
    code(
        "N-FMT-007",
        Weight::Weakens,
        "a signed container (CMS); what it wraps is not read",
        "verify and unwrap it (openssl cms -verify -inform DER -in FILE.p7m -CAfile CA.pem -out FILE.xml), supply what comes out beside it, and keep how the signature was verified",
    ),
    code("N-FS-001", Weight::Informs, "a symbolic link; not followed", "supply the file itself"),
    code("N-FS-002", Weight::Weakens, "not a regular file; never opened", "supply the file itself"),
    code("N-FS-003", Weight::Weakens, "cannot be opened or read", "give the program permission to read it, or supply it again"),
    code("N-FS-004", Weight::Weakens, "over a limit on size, depth or number of files", "split the evidence, or ask for a smaller extract"),
    code("N-FS-005", Weight::Informs, "the file is empty", "ask whether it should be"),
    code("N-FS-006", Weight::Informs, "the same content under more than one name; read once", "none needed"),
    code("N-FS-007", Weight::Informs, "the name is not valid UTF-8, or differs from another only in case", "none needed"),
    code(
        "N-HASH-001",
        Weight::Weakens,
        "the hash declared by the operator is not that of the file",
        "treat the file as altered until the operator explains it",
    ),
    code(
        "N-HASH-002",
        Weight::Weakens,
        "the file changed while it was being read",
        "copy the evidence to a folder nobody writes to, and run again",
    ),
    code(
        "N-HASH-003",
        Weight::Informs,
        "files that are not in the list of hashes that the operator supplied",
        "ask where they come from, and for a list that has them all",
    ),
    code("N-JSON-001", Weight::Weakens, "a line or element that is not one JSON object, or has a key twice", "ask for a fresh export"),
    code(
        "N-JSON-002",
        Weight::Weakens,
        "a JSON register that does not read to its end: it may have been cut",
        "ask for the whole file, as the system wrote it",
    ),
    code(
        "N-LINE-001",
        Weight::Weakens,
        "a line that does not read as a record of this format; rejected",
        "look at the line: it may be cut, forged, or of a layout not yet known",
    ),
    code("N-LINE-002", Weight::Informs, "lines of other loggers, passed over", "none needed"),
    code(
        "N-LINE-003",
        Weight::Weakens,
        "the last line has no line end: the file may have been cut there; the line is rejected",
        "ask for the whole file, as the system wrote it",
    ),
    code("N-LINE-004", Weight::Weakens, "a line longer than the limit", "ask for a fresh export"),
    code(
        "N-LINE-005",
        Weight::Weakens,
        "a line whose own checksum does not hold over its text: it was altered, or written by something else",
        "compare the line with another copy of the log; treat it as altered until the operator explains it",
    ),
    code(
        "N-OBJ-001",
        Weight::Weakens,
        "an object that cannot be read as the certificate, CRL, request or response it claims to be",
        "ask for the object again; if it is as issued, that is a matter for the report",
    ),
    code("N-OBJ-002", Weight::Informs, "an object of a kind that is not read", "none needed"),
    code("N-OBJ-003", Weight::Informs, "octets after the end of an object", "ask where they come from"),
    code(
        "N-PROF-001",
        Weight::Weakens,
        "certificates to which no profile is assigned",
        "assign one in engagement.toml ([[profile]] path, profile)",
    ),
    code(
        "N-READ-001",
        Weight::Weakens,
        "reading stopped: the reader failed",
        "please report this with the file's format; the rest of the run stands",
    ),
    code(
        "N-REG-001",
        Weight::Informs,
        "a row of a register that its first cell marks as a sample or a total; passed over, and no evidence",
        "look at the row: if it is a record, have the operator take the mark away",
    ),
    code(
        "N-SEC-001",
        Weight::Weakens,
        "a private key, or a keystore that may hold one, in the evidence; it is copied nowhere",
        "treat it as a possible compromise under the operator's procedure, and remove it from the evidence",
    ),
    code(
        "N-SEC-002",
        Weight::Informs,
        "secrets inside records were masked before anything was stored",
        "tell the operator that the log holds secrets",
    ),
    code(
        "N-SEC-003",
        Weight::Informs,
        "a private key on one line of a record; masked wherever the record is read",
        "treat it as a possible compromise under the operator's procedure, and remove it from the evidence",
    ),
    code("N-TIME-001", Weight::Weakens, "a time that cannot be read", "look at the cell"),
    code(
        "N-TIME-002",
        Weight::Weakens,
        "times without a zone, and none declared for the source",
        "in engagement.toml, in the [[source]] of this file, set  zone = \"UTC\"  (or the zone of the system)",
    ),
    code(
        "N-TIME-003",
        Weight::Weakens,
        "the order of day and month cannot be decided",
        "in engagement.toml, in the [[source]] of this file, set  date_order = \"dmy\"  or  \"mdy\"",
    ),
    code("N-TIME-004", Weight::Weakens, "a time in the hour that the zone skips or repeats", "ask for an export with offsets"),
    code("N-TIME-005", Weight::Informs, "day and month order proven by a value above 12", "none needed"),
    code(
        "N-TIME-006",
        Weight::Informs,
        "the clock of the source was off by what the engagement declares (clock_ahead); its instants were corrected by it, their raw text stays",
        "none needed; keep the record of how the clock was measured",
    ),
    code(
        "N-TIME-007",
        Weight::Weakens,
        "a record that does not say when it was made, from a file of which nobody declared when it was obtained",
        "in engagement.toml, in the [[source]] of this file, set  obtained = { how = \"observed\", by = \"…\", on = 2022-01-10T09:00:00Z }",
    ),
    code(
        "N-TIME-008",
        Weight::Weakens,
        "a time with the name of a zone that the declared zone does not go by at that time",
        "in engagement.toml, in the [[source]] of this file, set  zone  to that of the system's clock, such as America/New_York for EST and EDT",
    ),
    code("N-TIME-009", Weight::Weakens, "the clocks of two logs seem to differ", "have both measured, and declare clock_ahead for one"),
    code("N-VAL-001", Weight::Weakens, "a value outside the closed list of its column", "correct the register, or extend the format file"),
    code(
        "N-VAL-002",
        Weight::Weakens,
        "a value that is not a number or serial as its column needs",
        "look at the cell; a spreadsheet may have rounded it",
    ),
    code("N-VAL-003", Weight::Weakens, "a cell that every record needs is empty", "have the operator complete the register"),
    code(
        "N-VAL-004",
        Weight::Weakens,
        "a value of which the source logged a keyed hash alone: nothing can be matched with it",
        "ask for the log of a mount tuned with audit_non_hmac_response_keys=serial_number,certificate, and until then for the certificates themselves",
    ),
    code(
        "N-VAL-005",
        Weight::Weakens,
        "a cell that was not filled in (TBD, ____, [TODO], YYYY-MM-DD): it is not settled",
        "have the operator complete the register",
    ),
    code(
        "N-XLS-001",
        Weight::Weakens,
        "a workbook that is not read: encrypted, with macros, binary, of the old kind, or damaged",
        "ask for it saved as .xlsx, without macros and without a password, or for its sheets as CSV",
    ),
    code(
        "N-XLS-002",
        Weight::Informs,
        "a sheet that fits no known format; not used",
        "look at the sheet: if it is a register, name its columns as `assure list formats` shows them, or add a format file",
    ),
    code("N-XLS-003", Weight::Informs, "hidden rows, columns or sheets; they were read", "ask why they are hidden"),
    code(
        "N-XLS-004",
        Weight::Weakens,
        "merged cells: only the first has the value, and the others are not settled",
        "have the operator take the cells apart and fill each",
    ),
    code("N-XLS-005", Weight::Informs, "cells worked out by formulas; their last value was read", "none needed"),
    code(
        "N-XLS-006",
        Weight::Weakens,
        "a cell without a value: an error such as #N/A, a formula that was never worked out, or a number that is no date",
        "have the operator open, mend and save the workbook",
    ),
    code(
        "N-XLS-007",
        Weight::Weakens,
        "a number of more than 15 digits: a spreadsheet may have rounded it",
        "ask for the column as text, from the system that holds it",
    ),
    code(
        "N-XLS-008",
        Weight::Informs,
        "cells outside the columns of the heading; not used",
        "look at them: they may be remarks, or belong to a column without a name",
    ),
    code(
        "N-XML-001",
        Weight::Weakens,
        "an XML file with a document type declaration: entities could make it say or reach anything; not read",
        "ask for a fresh export: the program that writes this format writes no such declaration",
    ),
    code(
        "N-XML-002",
        Weight::Weakens,
        "an XML file, or an entry in it, that does not read as its format",
        "ask for a fresh export; do not repair evidence by hand",
    ),
    code(
        "N-JUDGE-001",
        Weight::Informs,
        "a judgement on record for a control that does not exist, or that is not one of the judgements",
        "mend judgements.jsonl",
    ),
];
