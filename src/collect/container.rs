//! Registers that are no text: the sheets of a workbook, and the array of a JSON document. Each is
//! recognised by its own columns.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::archive::Refused;
use super::recognise::{HEADING_ROWS, by_columns};
use super::workbook::{Listed, Row, Workbook};
use super::{content, encoding, json};
use crate::catalogue::format::Format;
use crate::domain::evidence::{Container, Evidence, Sheet, Status};
use crate::domain::note::Note;
use crate::domain::secrets;

/// Largest workbook that is read.
pub(crate) const MAX_WORKBOOK: u64 = 256 << 20;
/// Largest JSON document that is read.
pub(crate) const MAX_JSON: u64 = 64 << 20;

/// How to mend a workbook that is not read.
const RESAVE: &str = "ask for it saved as .xlsx, without macros and without a password, or for its sheets as CSV";

/// What a file turned out to be.
pub(super) struct Opened {
    /// What its records are wrapped in.
    pub(super) container: Container,
    /// What becomes of it.
    pub(super) status: Status,
    /// Why it is not used.
    pub(super) reason: Option<String>,
    /// The one format of all its records.
    pub(super) format: Option<String>,
    /// The private key it holds, in words.
    pub(super) secret: Option<String>,
    /// What was noticed.
    pub(super) notes: Vec<Note>,
}

impl Opened {
    fn refused(number: u32, refused: &Refused) -> Self {
        let note = Note::on(refused.code, number, &refused.why);
        let note = if refused.code == "N-XLS-001" { note.fix(RESAVE) } else { note };
        Self {
            container: Container::Plain,
            status: Status::Unreadable,
            reason: Some(refused.why.clone()),
            format: None,
            secret: None,
            notes: vec![note],
        }
    }
}

/// Opens a file that is a workbook, or cannot be read because of the kind of workbook it is. Nothing where
/// it is something else.
pub(super) fn workbook(evidence: &Evidence, head: &[u8], formats: &[&Format]) -> Option<Opened> {
    let kind = kind(&evidence.file, head)?;
    let opened = kind.and_then(|()| {
        let octets = whole(&evidence.file, MAX_WORKBOOK)?;
        let looked = catch_unwind(AssertUnwindSafe(|| look(evidence.number, &octets, formats)));
        looked.unwrap_or_else(|_| Err(Refused { code: "N-READ-001", why: "the reader of workbooks failed".to_owned() }))
    });
    Some(opened.unwrap_or_else(|refused| Opened::refused(evidence.number, &refused)))
}

pub(super) fn whole(path: &Path, most: u64) -> Result<Vec<u8>, Refused> {
    let unreadable = |error: std::io::Error| Refused { code: "N-FS-003", why: format!("cannot be read: {error}") };
    let mut octets = Vec::new();
    File::open(path).map_err(unreadable)?.take(most + 1).read_to_end(&mut octets).map_err(unreadable)?;
    if octets.len() as u64 > most {
        return Err(Refused::beyond(format!("larger than {} MiB", most >> 20)));
    }
    Ok(octets)
}

/// Whether a file is a workbook that can be opened; nothing where it is no workbook at all.
fn kind(path: &Path, head: &[u8]) -> Option<Result<(), Refused>> {
    let refuse = |why: &str| Some(Err(Refused::damaged(why)));
    if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        let octets = whole(path, MAX_WORKBOOK).unwrap_or_default();
        let names = |name: &str| {
            let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            memchr::memmem::find(&octets, &name).is_some()
        };
        return if names("EncryptedPackage") {
            refuse("an encrypted workbook, or another Office document with a password")
        } else if names("Workbook") || names("Book") {
            refuse("a workbook of the old kind (.xls)")
        } else {
            None
        };
    }
    if !head.starts_with(b"PK") {
        return None;
    }
    let Some(archive) = File::open(path).ok().and_then(|file| zip::ZipArchive::new(file).ok()) else {
        let workbook = [&b"xl/"[..], b"[Content_Types].xml"].iter().any(|name| memchr::memmem::find(head, name).is_some());
        return if workbook { refuse("a workbook that is cut or damaged") } else { None };
    };
    let has = |name: &str| archive.file_names().flatten().any(|part| part.replace('\\', "/").eq_ignore_ascii_case(name));
    match () {
        () if has("xl/workbook.bin") => refuse("a binary workbook (.xlsb)"),
        () if has("xl/vbaProject.bin") => refuse("a workbook with macros (.xlsm)"),
        () if has("xl/workbook.xml") => Some(Ok(())),
        () => None,
    }
}

fn look(number: u32, octets: &[u8], formats: &[&Format]) -> Result<Opened, Refused> {
    let (mut armoured, mut embedded) = (None, None);
    // Two pieces at a time: what is looked for may lie across their border.
    let mut before: Vec<u8> = Vec::new();
    let mut see = |piece: &[u8]| {
        before.extend_from_slice(piece);
        armoured = armoured.take().or_else(|| content::armour(&before).map(|(_, what)| what));
        embedded = embedded.or_else(|| secrets::base64_key(&before).map(|(_, kind)| kind));
        before.drain(..before.len().saturating_sub(320));
    };
    let mut workbook = Workbook::open(octets, &mut see)?;
    let mut opened = Opened {
        container: Container::Plain,
        status: Status::NotRecognised,
        reason: Some("workbook, no sheet recognised".to_owned()),
        format: None,
        secret: armoured,
        notes: embedded
            .map(|kind| inside(number, &format!("a private key ({kind}) in base64"), "inside the workbook"))
            .into_iter()
            .collect(),
    };
    let mut sheets = Vec::new();
    for (ordinal, listed) in (1..).zip(workbook.sheets()) {
        let head = if listed.cells { head_of(&mut workbook, &listed.name)? } else { Head::default() };
        let mut sheet = Sheet { ordinal, name: listed.name.clone(), format: None, reason: None };
        let (format, notes) = recognise(number, &sheet, &listed, &head, formats);
        match format {
            Ok(name) => sheet.format = Some(name),
            Err(why) => sheet.reason = Some(why),
        }
        opened.notes.extend(notes);
        sheets.push(sheet);
    }
    if sheets.iter().any(|sheet| sheet.format.is_some()) {
        (opened.status, opened.reason) = (Status::Used, None);
    } else {
        opened.notes.insert(0, Note::on("N-FMT-001", number, "workbook, no sheet recognised"));
    }
    opened.container = Container::Workbook(sheets);
    Ok(opened)
}

/// The top of a sheet.
#[derive(Default)]
struct Head {
    /// The rows among which the heading is.
    rows: Vec<Vec<String>>,
    /// The first row that holds something, wherever it is.
    first: Option<(u64, String)>,
}

fn head_of(workbook: &mut Workbook<'_>, name: &str) -> Result<Head, Refused> {
    let mut head = Head::default();
    workbook.rows(name, &mut |row: Row| {
        let texts: Vec<String> = row.cells.into_iter().map(|cell| cell.text).filter(|text| !text.is_empty()).collect();
        if head.first.is_none() && !texts.is_empty() {
            head.first = Some((row.number, secrets::mask(&texts.join(", ")).chars().take(80).collect()));
        }
        if row.number <= HEADING_ROWS as u64 {
            head.rows.push(texts);
        }
        if row.number > HEADING_ROWS as u64 && head.first.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(head)
}

/// The format of a sheet, or why it has none; and what is to be noted of it.
fn recognise(number: u32, sheet: &Sheet, listed: &Listed, head: &Head, formats: &[&Format]) -> (Result<String, String>, Vec<Note>) {
    let note = |code, what: String| Note::on(code, number, what).at(sheet.place());
    let hidden = if listed.hidden { "hidden " } else { "" };
    if !listed.cells {
        let what = format!("a {hidden}sheet without cells (a chart, a dialogue)");
        return (Err(what.clone()), vec![note("N-XLS-002", what)]);
    }
    let Some((row, first)) = &head.first else {
        return (Err("empty".to_owned()), Vec::new());
    };
    let names: BTreeSet<&str> = head.rows.iter().flat_map(|cells| by_columns(cells, formats)).collect();
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => {
            let what = format!("a {hidden}sheet that fits no known format; its first row ({row}) reads {first:?}");
            (Err("no known format fits its heading".to_owned()), vec![note("N-XLS-002", what)])
        }
        [name] => {
            let notes = listed.hidden.then(|| note("N-XLS-003", "the sheet is hidden; it was read all the same".to_owned()));
            (Ok((*name).to_owned()), notes.into_iter().collect())
        }
        several => {
            let (what, note) = ambiguous(number, several, formats);
            (Err(what), vec![note.at(sheet.place())])
        }
    }
}

/// A private key inside a record, which is masked wherever the record is read.
pub(super) fn inside(number: u32, what: &str, at: &str) -> Note {
    Note::on("N-SEC-003", number, what).at(at)
}

/// What fits several formats might feed the tables of each.
pub(super) fn ambiguous(number: u32, names: &[&str], formats: &[&Format]) -> (String, Note) {
    let what = format!("fits {}", names.join(" and "));
    let mut note = Note::on("N-FMT-002", number, &what);
    let tables = formats.iter().filter(|format| names.contains(&format.name.as_str())).flat_map(|format| format.tables());
    note.tables = tables.map(ToOwned::to_owned).collect();
    (what, note)
}

/// Opens a file that is a JSON register; nothing where it is something else.
pub(super) fn json(evidence: &Evidence, head: &[u8], formats: &[&Format]) -> Option<Opened> {
    let number = evidence.number;
    let text = encoding::head_text(head.get(..head.len().min(4_096)).unwrap_or_default());
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with(['[', '{']) || evidence.size > MAX_JSON {
        return None;
    }
    let text = encoding::whole_text(&whole(&evidence.file, MAX_JSON).ok()?)?;
    let (register, broken) = register(&text);
    let keys: Vec<String> = register?.keys.into_iter().collect();
    let names = by_columns(&keys, formats);
    let mut opened =
        Opened { container: Container::Json, status: Status::Used, reason: None, format: None, secret: None, notes: Vec::new() };
    match (names.as_slice(), broken) {
        ([], _) => return None,
        ([name], None) => opened.format = Some((*name).to_owned()),
        ([name], Some(why)) => {
            opened.format = Some((*name).to_owned());
            opened.status = Status::Unreadable;
            opened.reason = Some(format!("a JSON register that does not read to its end: {why}"));
            opened.notes.extend(opened.reason.clone().map(|what| Note::on("N-JSON-002", number, what)));
        }
        (several, _) => {
            let (what, note) = ambiguous(number, several, formats);
            (opened.status, opened.reason) = (Status::NotRecognised, Some(what));
            opened.notes.push(note);
        }
    }
    Some(opened)
}

/// The array that is the register.
pub(crate) struct Register {
    /// Which of the arrays of the document.
    pub(crate) array: usize,
    /// The keys of its objects.
    pub(crate) keys: BTreeSet<String>,
}

/// The one array of objects of a document, and why the document does not read to its end, if it does not.
pub(crate) fn register(text: &str) -> (Option<Register>, Option<String>) {
    let mut arrays: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let read = json::arrays(text, &mut |array, object| {
        let mut keys = object.keys().map(ToOwned::to_owned).peekable();
        if keys.peek().is_some() {
            arrays.entry(array).or_default().extend(keys);
        }
    });
    let alone = arrays.len() == 1;
    (arrays.pop_first().filter(|_| alone).map(|(array, keys)| Register { array, keys }), read.err())
}
