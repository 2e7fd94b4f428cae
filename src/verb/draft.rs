//! `assure init format`: a format file drafted from what stands in a file. Every line that would settle something
//! is proposed in a comment: the program guesses no meaning, a person takes it over.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::{Failure, Terminal};
use crate::catalogue::Catalogue;
use crate::catalogue::format::{Content, Format, From, Reader};
use crate::catalogue::table::{Declared, Table};
use crate::collect::recognise::{HEADING_ROWS, near};
use crate::collect::top::{Kind, Top, tops};
use crate::engine::Type;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::report::untrusted::visible;

/// What is drafted, and where it goes.
pub struct Wish<'a> {
    /// A file of the kind to be described.
    pub file: &'a Path,
    /// The table it is to feed; the nearest ones are named where nobody says.
    pub table: Option<&'a str>,
    /// The sheet of a workbook; the first one where nobody says.
    pub sheet: Option<&'a str>,
    /// The engagement whose checklists it joins; standard output where there is none.
    pub engagement: Option<&'a Path>,
}

/// Drafts a format file.
///
/// # Errors
/// [`Failure`] where the file does not read, there is no such table or sheet, or the draft is there already.
pub fn draft(wish: &Wish, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let catalogue = match wish.engagement {
        Some(folder) => Inputs::load(folder, &crate::inputs::Flags::default())?.catalogue,
        None => Catalogue::load(&[]).map_err(|complaints| Failure::from(crate::inputs::InputsError::Complaints(complaints)))?,
    };
    let unreadable = |error: std::io::Error| Failure::new(Exit::Usage, format!("cannot draft from {}: {error}", wish.file.display()));
    let tops = tops(wish.file).map_err(unreadable)?;
    let top = match wish.sheet {
        None => tops.iter().find(|top| !top.rows.is_empty()),
        Some(name) => tops.iter().find(|top| top.sheet.as_deref() == Some(name)),
    };
    let Some(top) = top else {
        let sheets: Vec<&str> = tops.iter().filter_map(|top| top.sheet.as_deref()).collect();
        return Err(Failure::new(Exit::Usage, "nothing to draft from: the file is empty, or has no such sheet")
            .hint(format!("sheets: {}", sheets.join(", "))));
    };
    let seen = Seen::of(top, &catalogue);
    let table = match wish.table {
        Some(name) => Some(
            catalogue
                .tables
                .get(name)
                .ok_or_else(|| Failure::new(Exit::Usage, format!("no table {name:?}")).hint("`assure list tables` names them"))?,
        ),
        None => None,
    };
    let nearest = nearest(&seen, &catalogue);
    let table = table.or_else(|| nearest.first().map(|(table, _)| *table));
    if wish.table.is_none() {
        let named: Vec<String> =
            nearest.iter().take(3).map(|(table, columns)| format!("{} ({columns} columns alike)", table.name)).collect();
        let words = if named.is_empty() { "no table has columns like these: name one with --table".to_owned() } else { named.join(", ") };
        terminal.say(&format!("tables it might feed: {words}"));
    }
    let text = text(wish.file, top, &seen, table, &catalogue);
    let Some(folder) = wish.engagement else {
        terminal.data(&text)?;
        return Ok(Exit::Clean);
    };
    let formats = folder.join("checklists/formats");
    let place = formats.join(format!("{}.toml", name_of(wish.file, top)));
    let create = |error: std::io::Error| Failure::new(Exit::CannotCreate, format!("cannot create {}: {error}", place.display()));
    std::fs::create_dir_all(&formats).map_err(create)?;
    OpenOptions::new().write(true).create_new(true).open(&place).map_err(create)?.write_all(text.as_bytes())?;
    terminal.say(&format!("made {}", place.display()));
    terminal.say(&format!("next: settle what it proposes, then `assure lint {0}` and `assure inventory {0}`", folder.display()));
    Ok(Exit::Clean)
}

/// The heading that was found, and what stands below it.
struct Seen<'a> {
    row: u64,
    heading: &'a [String],
    below: Vec<&'a [String]>,
}

impl<'a> Seen<'a> {
    /// The heading is the row near the top in which most cells are names that some register knows; where none is
    /// known, the first one of the rows with most cells.
    fn of(top: &'a Top, catalogue: &Catalogue) -> Self {
        let known: BTreeSet<String> = catalogue
            .tables
            .0
            .values()
            .flat_map(|table| table.columns.iter().flat_map(|c| called(table, c, catalogue)))
            .map(|n| words(&n))
            .collect();
        let score = |(_, cells): &(u64, Vec<String>)| {
            let named = cells.iter().filter(|cell| known.contains(&words(cell))).count();
            (named, cells.iter().filter(|cell| !cell.is_empty()).count())
        };
        let mut at = 0;
        for (index, row) in top.rows.iter().enumerate().take(HEADING_ROWS) {
            if top.rows.get(at).is_some_and(|best| score(row) > score(best)) {
                at = index;
            }
        }
        let (row, heading) = top.rows.get(at).map_or((0, [].as_slice()), |(row, cells)| (*row, cells.as_slice()));
        let below = top.rows.iter().skip(at + 1).map(|(_, cells)| cells.as_slice()).collect();
        Self { row, heading, below }
    }

    fn cells(&self) -> impl Iterator<Item = (usize, &'a String)> {
        self.heading.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty())
    }

    /// Different values of a column, as they first stand.
    fn values(&self, place: usize) -> Vec<&'a str> {
        let mut values = Vec::new();
        for cell in self.below.iter().filter_map(|row| row.get(place)) {
            if !cell.is_empty() && !values.contains(&cell.as_str()) {
                values.push(cell);
            }
        }
        values
    }

    /// The cells of the heading that resemble a column: those that are one of its names, else those that share
    /// most of their words with one.
    fn like(&self, table: &Table, column: &Declared, catalogue: &Catalogue) -> Vec<(usize, &'a String)> {
        let names: Vec<String> = called(table, column, catalogue).iter().map(|name| words(name)).collect();
        let equal: Vec<_> = self.cells().filter(|(_, cell)| names.contains(&words(cell))).collect();
        if equal.is_empty() { self.cells().filter(|(_, cell)| names.iter().any(|name| alike(&words(cell), name))).collect() } else { equal }
    }
}

/// Every name a column goes by: its own, and those of the fields that fill it in a register.
fn called(table: &Table, column: &Declared, catalogue: &Catalogue) -> Vec<String> {
    let mut names = vec![column.name.clone()];
    for format in catalogue.formats.values() {
        let Reader::Delimited(settings) = &format.reader else { continue };
        for field in fields_of(format, &table.name, &column.name) {
            names.push(field.to_owned());
            names.extend(settings.synonyms.get(field).into_iter().flatten().cloned());
        }
    }
    names
}

fn fields_of<'f>(format: &'f Format, table: &str, column: &str) -> Vec<&'f str> {
    let mut fields = Vec::new();
    for emit in format.emits.iter().filter(|emit| emit.table == table) {
        let Content::Columns(columns) = &emit.content else { continue };
        for (_, mapping) in columns.iter().filter(|(name, _)| name == column) {
            if let From::Field(index) = mapping.from {
                fields.extend(format.fields.get(index).map(String::as_str));
            }
        }
    }
    fields
}

/// Lower case, one space between words, and nothing else but letters and digits.
fn words(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Half of the words of both together stand in both.
fn alike(one: &str, other: &str) -> bool {
    let set = |text: &str| text.split(' ').map(ToOwned::to_owned).collect::<BTreeSet<String>>();
    let (one, other) = (set(one), set(other));
    one.intersection(&other).count() * 2 >= one.union(&other).count()
}

/// The tables in which most cells of the heading are like a column, with how many.
fn nearest<'c>(seen: &Seen, catalogue: &'c Catalogue) -> Vec<(&'c Table, usize)> {
    let fed = |table: &&Table| table.kept_by.is_some();
    let count = |table: &'c Table| {
        let like = table.columns.iter().flat_map(|column| seen.like(table, column, catalogue));
        (table, like.map(|(place, _)| place).collect::<BTreeSet<usize>>().len())
    };
    let mut near: Vec<(&Table, usize)> = catalogue.tables.stored().filter(fed).map(count).filter(|(_, columns)| *columns > 1).collect();
    near.sort_by_key(|(table, columns)| (std::cmp::Reverse(*columns), table.name.clone()));
    near
}

fn name_of(file: &Path, top: &Top) -> String {
    let stem = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let name = words(&format!("{stem} {}", top.sheet.as_deref().unwrap_or_default())).replace(' ', "-");
    if name.is_empty() { "drafted".to_owned() } else { name }
}

fn quoted(text: &str) -> String {
    toml::Value::String(visible(text)).to_string()
}

fn text(file: &Path, top: &Top, seen: &Seen, table: Option<&Table>, catalogue: &Catalogue) -> String {
    let name = file.file_name().map_or_else(String::new, |name| visible(&name.to_string_lossy()));
    let sheet = top.sheet.as_ref().map_or_else(String::new, |sheet| format!(", sheet {}", quoted(sheet)));
    let mut out = format!(
        "# Drafted from {name}{sheet}. A line that says \"proposed\" is a guess, and counts only once somebody has looked at it\n\
         # and taken its first # away. `assure lint` checks this file; `assure inventory --explain` shows what it reads.\n\
         schema = 1\ntitle  = {}\n",
        quoted(&name)
    );
    match top.kind {
        Kind::Lines => log(&mut out, top),
        Kind::JsonLines => {
            out.push_str(&head("json-lines"));
            let marks: Vec<String> = seen.cells().map(|(_, path)| quoted(path)).collect();
            let _ = write!(out, "\n[recognise]\n# proposed: a key that only this source writes; its paths are {}\n", marks.join(", "));
            let first = seen.cells().map(|(_, path)| path.rsplit('.').next().unwrap_or(path)).next().unwrap_or("…");
            let _ = writeln!(out, "# any_line = '^\\s*\\{{.*\"{}\"\\s*:'", regex::escape(first));
        }
        Kind::Sheet | Kind::Delimited(_) | Kind::JsonArray => {
            out.push_str(&head("delimited"));
            let columns: Vec<String> = seen.cells().map(|(_, cell)| quoted(cell)).collect();
            let _ =
                write!(out, "\n# The heading of row {}: leave here the columns by which it is told from every other register.\n", seen.row);
            let _ = writeln!(out, "[recognise]\nheader = [{}]", columns.join(", "));
            for nearness in near(seen.heading, catalogue.formats.values()).into_iter().take(2) {
                let missing = if nearness.missing.is_empty() { "nothing".to_owned() } else { nearness.missing.join(", ") };
                let _ = writeln!(out, "# {} is a format already; what it needs and is not here: {missing}", nearness.format.name);
            }
        }
    }
    match table {
        Some(table) => emit(&mut out, top, seen, table, catalogue),
        None => out.push_str("\n# [[emit]]\n# table = \"…\"  # `assure list tables`\n# [emit.columns]\n# … = { from = \"…\" }\n"),
    }
    out
}

fn head(reader: &str) -> String {
    format!(
        "reader = \"{reader}\"\nsource = \"…\"  # vendor page, or who keeps it and how\nexport = \"…\"  # what to ask the operator for, with the number that proves it complete\n"
    )
}

/// How lines begin that are dated.
static DATED: LazyLock<Vec<(&str, Option<Regex>)>> = LazyLock::new(|| {
    let known = [
        ("%Y-%m-%dT%H:%M:%S", r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?"),
        ("%d.%m.%y %H:%M:%S", r"\d{2}\.\d{2}\.\d{2} \d{2}:\d{2}:\d{2}"),
        ("%d/%b/%Y:%H:%M:%S %z", r"\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2}(?: [+-]\d{4}| [A-Z]+)?"),
        ("%m/%d/%Y %H:%M:%S", r"\d{1,2}/\d{1,2}/\d{2,4},? \d{1,2}:\d{2}:\d{2}(?: [AP]M)?"),
        ("%b %e %H:%M:%S", r"[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}"),
    ];
    known.into_iter().map(|(pattern, text)| (pattern, Regex::new(&format!(r"^(?P<before>.{{0,40}}?)(?P<time>{text})")).ok())).collect()
});

fn log(out: &mut String, top: &Top) {
    out.push_str(&head("lines"));
    let lines: Vec<&String> = top.rows.iter().filter_map(|(_, cells)| cells.first()).collect();
    let fits = |regex: &Regex| lines.iter().filter(|line| regex.is_match(line)).count();
    let best =
        DATED.iter().filter_map(|(pattern, regex)| Some((fits(regex.as_ref()?), *pattern, regex.as_ref()?))).max_by_key(|(fits, ..)| *fits);
    out.push_str("\n# The first lines, secrets masked:\n");
    for line in lines.iter().take(5) {
        let _ = writeln!(out, "#   {}", visible(line).chars().take(180).collect::<String>());
    }
    let Some((count, pattern, regex)) = best.filter(|(fits, ..)| *fits > 0) else {
        out.push_str("\n[recognise]\n# any_line = '^…'  # a line that only this source writes\n\n[lines]\n# pattern = '^(?P<time>…) (?P<said>.+)$'\n");
        return;
    };
    let _ = writeln!(out, "# {count} of {} of them are dated like {}", lines.len(), quoted(pattern));
    // What stands before the time differs from line to line, or is the same in all.
    let time = regex.as_str().split_once("(?P<time>").map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let begins =
        if lines.iter().filter_map(|l| regex.captures(l)).all(|c| c.name("before").is_none_or(|b| b.is_empty())) { "" } else { ".*?" };
    let _ = write!(
        out,
        "\n[recognise]\n# proposed: name what only this source writes\n# any_line = '^{begins}{time} …'\n\n[lines]\n\
         # proposed: a group for every part that means something\n# pattern = '^{begins}(?P<time>{time}) (?P<said>.+)$'\n\
         # other = '^#'  # lines known to be no records; any other line is rejected, and counted\n"
    );
    let _ = writeln!(
        out,
        "# the time: as = \"datetime\", pattern = {} or \"iso\"; without an offset the engagement declares the zone",
        quoted(pattern)
    );
}

fn emit(out: &mut String, top: &Top, seen: &Seen, table: &Table, catalogue: &Catalogue) {
    let _ = write!(out, "\n# {}\n[[emit]]\ntable = \"{}\"\n[emit.columns]\n", table.about, table.name);
    let registers = top.kind != Kind::Lines;
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    for column in table.columns.iter().filter(|column| !column.linked && !column.origin) {
        let need = if column.required { ", needed" } else { "" };
        let like = if registers { seen.like(table, column, catalogue) } else { Vec::new() };
        match like.as_slice() {
            [] if registers && !column.required => {}
            [] => {
                let _ = writeln!(out, "# {} = {{ from = \"…\"{} }}  # {}{need}", column.name, transform(column, &[]), column.about);
            }
            some => {
                for (place, cell) in some {
                    taken.insert(*place);
                    let values = seen.values(*place);
                    let how = transform(column, &values);
                    let _ = writeln!(out, "# proposed{need}: {}", column.about);
                    let _ = writeln!(out, "# {} = {{ from = {}{how} }}", column.name, quoted(cell));
                    if let Some(left) = left_over(column, &values) {
                        let _ = writeln!(out, "#   values the table has no word for: {left}; its words are {}", column.values.join(", "));
                    }
                }
            }
        }
    }
    if registers {
        let left: Vec<String> = seen.cells().filter(|(place, _)| !taken.contains(place)).map(|(_, cell)| quoted(cell)).collect();
        if !left.is_empty() {
            let _ = writeln!(out, "# nothing is proposed for: {}", left.join(", "));
        }
        let without: Vec<&str> = table
            .columns
            .iter()
            .filter(|c| !c.linked && !c.origin && !c.required)
            .filter(|c| seen.like(table, c, catalogue).is_empty())
            .map(|c| c.name.as_str())
            .collect();
        if !without.is_empty() {
            let _ = writeln!(out, "# other columns of the table: {}", without.join(", "));
        }
    }
}

fn transform(column: &Declared, values: &[&str]) -> String {
    match column.kind {
        Type::Timestamp => ", as = \"datetime\", pattern = \"auto\"".to_owned(),
        Type::Integer => ", as = \"integer\"".to_owned(),
        Type::Boolean => ", as = \"boolean\"".to_owned(),
        Type::Text if column.serial => ", as = \"serial-hex\"".to_owned(),
        Type::Text if column.values.is_empty() => String::new(),
        Type::Text => {
            let known = |value: &&&str| column.values.iter().any(|word| words(word) == words(value));
            let mut pairs: Vec<String> = Vec::new();
            for value in values.iter().filter(known) {
                let word = column.values.iter().find(|word| words(word) == words(value)).cloned().unwrap_or_default();
                pairs.push(format!("{} = {}", quoted(&value.to_lowercase()), quoted(&word)));
            }
            pairs.sort();
            pairs.dedup();
            format!(", as = \"map\", fold = true, map = {{ {} }}", pairs.join(", "))
        }
    }
}

/// Values of a closed vocabulary that are none of its words.
fn left_over(column: &Declared, values: &[&str]) -> Option<String> {
    if column.values.is_empty() {
        return None;
    }
    let unknown = |value: &&&str| !column.values.iter().any(|word| words(word) == words(value));
    let left: Vec<String> = values.iter().filter(unknown).take(12).map(|value| quoted(value)).collect();
    (!left.is_empty()).then(|| left.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_when_they_share_half_their_words() {
        assert!(alike("date requested", "requested"));
        assert!(alike("key owner", "owner"));
        assert!(!alike("date of the request", "requested by"));
    }

    #[test]
    fn a_draft_is_toml_whatever_the_heading_says() {
        let catalogue = Catalogue::load(&[]).unwrap();
        let rows = vec![(1, vec!["A \"b\"\n".to_owned(), "Key\\ID".to_owned(), "'''".to_owned(), "# x".to_owned()])];
        let top = Top { sheet: Some("S\"\n]".to_owned()), kind: Kind::Sheet, rows };
        let seen = Seen::of(&top, &catalogue);
        let drafted = text(Path::new("x/y\n.xlsx"), &top, &seen, catalogue.tables.get("keys"), &catalogue);
        let read: toml::Table = toml::from_str(&drafted).unwrap();
        assert_eq!(read["recognise"]["header"].as_array().unwrap().len(), 4, "{drafted}");
        assert!(read["emit"][0]["columns"].as_table().unwrap().is_empty(), "nothing is applied silently: {drafted}");
    }
}
