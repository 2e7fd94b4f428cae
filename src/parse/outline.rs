//! Keys and values nested by indentation: maps, plain and quoted texts, lists of texts and lists of maps,
//! which is the part of YAML 1.1 that configuration dumps write. The rest of YAML (anchors, tags, blocks
//! of text, maps in braces) is rejected, line by line: a small reader that says what it does not
//! understand gives every setting its line, which a whole YAML reader does not.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use super::Output;
use super::text::Lines;
use crate::catalogue::format::Outline as Settings;
use crate::domain::secrets::{self, MASK};

/// Deepest nesting.
const MAX_DEPTH: usize = 32;

/// The texts of those keys at the top that say what the whole file is about.
pub(super) fn survey<R: Read>(fields: &[String], lines: &mut Lines<R>) -> io::Result<BTreeMap<String, String>> {
    let wanted: BTreeSet<&str> = fields.iter().filter_map(|field| field.strip_prefix("top:")).collect();
    let mut top = BTreeMap::new();
    while let Some(line) = lines.next()? {
        let Ok(text) = line.text.map(secrets::mask) else { continue };
        if let Some((key, rest)) = key_of(&text)
            && wanted.contains(key.as_str())
            && let Ok(Scalar::Plain(value) | Scalar::Whole(value)) = scalar(rest)
        {
            top.entry(key).or_insert(value);
        }
    }
    Ok(top)
}

pub(super) fn read<R: Read>(
    settings: &Settings,
    top: &BTreeMap<String, String>,
    lines: &mut Lines<R>,
    out: &mut Output<'_>,
) -> io::Result<()> {
    let records = settings.records.as_ref().map(|key| format!("{key}."));
    let dotted = BTreeSet::new();
    let mut reader = Reader { fields: out.fields(), top, records, out, levels: Vec::new(), pending: None, dotted, record: None };
    reader.levels.push(Level { column: Some(0), ..Level::new(String::new(), Holds::Map) });
    while let Some(line) = lines.next()? {
        let Some((number, text, ended)) = reader.out.text_of(&line) else { continue };
        if !ended {
            reader.out.parsed.truncated = true;
            reader.out.reject("N-LINE-003", number, "the last line has no end; the file may have been cut there");
            continue;
        }
        let masked = reader.out.masked(number, text);
        let secret = matches!(masked, Cow::Owned(_));
        let content = masked.trim_start_matches(' ');
        let indent = masked.len() - content.len();
        let content = content.trim_end();
        if content.starts_with('#') || (indent == 0 && ["---", "..."].contains(&content)) {
            reader.out.parsed.blank += 1;
        } else {
            reader.line(&Found { number, column: indent, text: content, secret });
        }
    }
    reader.flush();
    reader.end_record();
    Ok(())
}

struct Found<'t> {
    number: u64,
    column: usize,
    text: &'t str,
    secret: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Map,
    List,
}

/// An open map or list.
struct Level {
    path: String,
    holds: Holds,
    /// Where its keys or dashes stand.
    column: Option<usize>,
    /// Where the key stands that it belongs to.
    parent: Option<usize>,
    items: u64,
    /// Its keys so far, and the paths of those that opened a map.
    keys: BTreeSet<String>,
    maps: BTreeSet<String>,
}

impl Level {
    fn new(path: String, holds: Holds) -> Self {
        Self { path, holds, column: None, parent: None, items: 0, keys: BTreeSet::new(), maps: BTreeSet::new() }
    }
}

/// A key whose value may go on in the next line.
struct Pending {
    line: u64,
    column: usize,
    path: String,
    value: State,
}

enum State {
    /// Nothing yet: a map, a list or nothing at all follows.
    Open,
    /// A text without quotes, which a deeper line carries on.
    Plain(String),
    /// A text that is whole.
    Whole(String),
    /// Texts of a list, and where their dashes stand.
    Items(Vec<String>, usize),
    /// What deeper lines carry on cannot be read either.
    Unread(&'static str),
}

struct Reader<'a, 'o> {
    fields: Vec<String>,
    top: &'a BTreeMap<String, String>,
    /// How the paths begin whose maps are records.
    records: Option<String>,
    out: &'a mut Output<'o>,
    levels: Vec<Level>,
    pending: Option<Pending>,
    /// The paths of keys with a dot in them, which may be those of other keys in maps.
    dotted: BTreeSet<String>,
    record: Option<Record>,
}

/// A map that is a record: its keys are fields.
struct Record {
    line: u64,
    name: String,
    fields: BTreeMap<String, String>,
}

impl Reader<'_, '_> {
    fn line(&mut self, found: &Found<'_>) {
        if self.carries_on(found) {
            self.out.parsed.blank += 1;
            return;
        }
        self.open_level(found);
        self.flush();
        if let Some(item) = item_of(found.text) {
            self.item(found, item);
        } else {
            self.leave(found.column, Holds::Map);
            self.pair(found, found.column, found.text);
        }
    }

    /// Whether the line belongs to the pending key as a whole.
    fn carries_on(&mut self, found: &Found<'_>) -> bool {
        let Some(pending) = &mut self.pending else { return false };
        let deeper = found.column > pending.column;
        match &mut pending.value {
            State::Plain(text) if deeper && key_of(found.text).is_none() => {
                text.push(' ');
                text.push_str(found.text);
            }
            State::Plain(_) | State::Whole(_) if deeper => pending.value = State::Unread("a value, and deeper lines below it"),
            State::Unread(_) if deeper => {}
            State::Open => {
                let Some(Ok(text)) = item_of(found.text).filter(|_| found.column >= pending.column).map(text_of_item) else { return false };
                let text = if found.secret { MASK.to_owned() } else { text };
                pending.value = State::Items(vec![text], found.column);
            }
            State::Items(items, column) if found.column == *column => {
                let Some(Ok(text)) = item_of(found.text).map(text_of_item) else { return false };
                items.push(if found.secret { MASK.to_owned() } else { text });
            }
            State::Items(..) if found.column > pending.column => {
                pending.value = State::Unread("a list whose items do not stand in one column");
            }
            _ => return false,
        }
        true
    }

    /// A key without a value, and a map or a list of maps below it.
    fn open_level(&mut self, found: &Found<'_>) {
        let Some(Pending { column, value: State::Open, .. }) = &self.pending else { return };
        let list = item_of(found.text).is_some();
        if (found.column > *column || (list && found.column == *column))
            && self.levels.len() < MAX_DEPTH
            && let Some(pending) = self.pending.take()
        {
            self.out.parsed.blank += 1;
            let holds = if list { Holds::List } else { Holds::Map };
            if let Some(level) = self.levels.last_mut() {
                level.maps.insert(pending.path.clone());
            }
            self.levels.push(Level { column: Some(found.column), parent: Some(pending.column), ..Level::new(pending.path, holds) });
        }
    }

    /// Ends the maps and lists that the line no longer belongs to.
    fn leave(&mut self, column: usize, wanted: Holds) {
        while let Some(level) = self.levels.last()
            && let Some(parent) = level.parent
            && (column < level.column.unwrap_or(0) || (column <= parent && level.holds != wanted))
        {
            self.levels.pop();
        }
    }

    fn item(&mut self, found: &Found<'_>, item: &str) {
        self.leave(found.column, Holds::List);
        let depth = self.levels.len();
        let Some(list) = self.levels.last_mut().filter(|list| list.holds == Holds::List && list.column == Some(found.column)) else {
            return self.refuse(found, "an item of no list");
        };
        if key_of(item).is_none() || depth >= MAX_DEPTH {
            return self.refuse(found, "an item that is no map, in a list of maps");
        }
        let path = format!("{}.{}", list.path, list.items);
        list.items += 1;
        let column = found.column + (found.text.len() - item.len());
        self.levels.push(Level { column: Some(column), parent: Some(found.column), ..Level::new(path, Holds::Map) });
        self.pair(found, column, item);
    }

    fn pair(&mut self, found: &Found<'_>, column: usize, text: &str) {
        let Some((key, rest)) = key_of(text) else { return self.refuse(found, "neither a key with a value nor an item") };
        let level = self.levels.last_mut().filter(|level| level.holds == Holds::Map && level.column == Some(column));
        let Some(level) = level else { return self.refuse(found, "a key that does not stand below another") };
        let path = if level.path.is_empty() { key.clone() } else { format!("{}.{key}", level.path) };
        let dots: Vec<usize> = key.match_indices('.').map(|(dot, _)| path.len() - key.len() + dot).collect();
        let in_a_map = dots.iter().any(|dot| path.get(..*dot).is_some_and(|above| level.maps.contains(above)));
        let again = !level.keys.insert(key) || in_a_map;
        if again || self.dotted.contains(&path) {
            return self.refuse(found, "a key that stands twice");
        }
        if !dots.is_empty() {
            self.dotted.insert(path.clone());
        }
        let value = match scalar(rest) {
            _ if found.secret => State::Whole(MASK.to_owned()),
            Ok(Scalar::Nothing) => State::Open,
            Ok(Scalar::Plain(text)) => State::Plain(text),
            Ok(Scalar::Whole(text)) => State::Whole(text),
            Err(why) => State::Unread(why),
        };
        self.pending = Some(Pending { line: found.number, column, path, value });
    }

    fn refuse(&mut self, found: &Found<'_>, why: &str) {
        let start: String = found.text.chars().take(60).collect();
        self.out.reject("N-LINE-001", found.number, format!("{why}: {start}"));
    }

    fn flush(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let value = match pending.value {
            State::Unread(why) => return self.out.reject("N-LINE-001", pending.line, format!("{}: {why}", pending.path)),
            State::Open => String::new(),
            State::Plain(text) | State::Whole(text) => text,
            State::Items(items, _) => items.join(", "),
        };
        if let Some(rest) = self.records.as_ref().and_then(|start| pending.path.strip_prefix(start.as_str())) {
            let (name, field) = rest.split_once('.').unwrap_or((rest, ""));
            let (name, field) = (name.to_owned(), field.to_owned());
            return self.field(pending.line, name, field, value);
        }
        self.end_record();
        let line = pending.line.to_string();
        let (fields, top) = (&self.fields, self.top);
        self.out.record(pending.line, |index| match fields.get(index).map(String::as_str) {
            Some("key") => Some(pending.path.as_str()),
            Some("value") => Some(value.as_str()),
            Some("line") => Some(line.as_str()),
            Some(field) => field.strip_prefix("top:").and_then(|key| top.get(key)).map(String::as_str),
            None => None,
        });
    }
}

impl Reader<'_, '_> {
    /// The record stands in the line of its first field; the lines of the others go on with it.
    fn field(&mut self, line: u64, name: String, field: String, value: String) {
        if self.record.as_ref().is_none_or(|record| record.name != name) {
            self.end_record();
            self.record = Some(Record { line, name, fields: BTreeMap::new() });
        } else {
            self.out.parsed.blank += 1;
        }
        if let Some(record) = &mut self.record {
            record.fields.insert(field, value);
        }
    }

    fn end_record(&mut self) {
        let Some(record) = self.record.take() else { return };
        let wanted = &self.fields;
        self.out.record(record.line, |index| match wanted.get(index)?.as_str() {
            "name" => Some(record.name.as_str()),
            field => record.fields.get(field).map(String::as_str).filter(|text| !text.is_empty()),
        });
    }
}

/// What follows the dash of an item.
fn item_of(text: &str) -> Option<&str> {
    text.strip_prefix("- ").map(str::trim_start)
}

/// The text of an item that is one.
fn text_of_item(item: &str) -> Result<String, &'static str> {
    match scalar(item)? {
        Scalar::Plain(text) | Scalar::Whole(text) if item_of(item).is_none() => Ok(text),
        _ => Err("no text"),
    }
}

/// The key that a line begins with, and what follows its colon.
fn key_of(text: &str) -> Option<(String, &str)> {
    if text.starts_with(['\'', '"']) {
        let (key, rest) = quoted(text).ok()?;
        let rest = rest.strip_prefix(':')?;
        return (rest.is_empty() || rest.starts_with(' ')).then(|| (key, rest.trim_start()));
    }
    if text.starts_with([' ', '\t', '#', '[', ']', '{', '}', '&', '*', '!', '|', '>', '%', '@', '`', ',']) || text.starts_with("? ") {
        return None;
    }
    let (key, rest) = text.split_once(": ").or_else(|| Some((text.strip_suffix(':')?, "")))?;
    let key = key.trim_end();
    (!key.is_empty() && !key.contains(" #") && !key.starts_with("- ")).then(|| (key.to_owned(), rest.trim_start()))
}

enum Scalar {
    Nothing,
    Plain(String),
    Whole(String),
}

/// A value as it stands behind its colon or dash.
fn scalar(text: &str) -> Result<Scalar, &'static str> {
    let text = text.trim();
    let text = if text.starts_with('#') { "" } else { text };
    if text == MASK {
        return Ok(Scalar::Whole(text.to_owned()));
    }
    match text.chars().next() {
        None => Ok(Scalar::Nothing),
        Some('\'' | '"') => match quoted(text)? {
            (value, rest) if rest.trim_start().is_empty() || rest.trim_start().starts_with('#') => Ok(Scalar::Whole(value)),
            _ => Err("something stands behind the quotes"),
        },
        Some('[') => flow(text).map(Scalar::Whole),
        Some('{') if text == "{}" => Ok(Scalar::Whole(String::new())),
        Some('{') => Err("a map in braces"),
        Some('|' | '>') => Err("a block of text"),
        Some('&' | '*' | '!' | '%' | '@' | '`') => Err("an anchor, an alias or a tag"),
        Some(_) => {
            let plain = text.split(" #").next().unwrap_or(text).trim_end();
            match plain {
                "~" | "null" => Ok(Scalar::Whole(String::new())),
                _ if plain.contains(": ") || plain.ends_with(':') => Err("a key within a value"),
                _ => Ok(Scalar::Plain(plain.to_owned())),
            }
        }
    }
}

/// `[a, b]`, of texts without quotes.
fn flow(text: &str) -> Result<String, &'static str> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or("a list in brackets that does not end in its line")?;
    if inner.contains(['[', ']', '{', '}', '\'', '"', '#']) || inner.contains(": ") {
        return Err("a list in brackets of more than plain texts");
    }
    let items: Vec<&str> = inner.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
    Ok(items.join(", "))
}

/// The text in quotes, and what follows them.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    const OPEN: &str = "a text in quotes that does not end in its line";
    let mut value = String::new();
    let mut characters = text.char_indices();
    let quote = characters.next().map_or('"', |(_, quote)| quote);
    while let Some((at, character)) = characters.next() {
        let after = |skip: usize| text.get(at + skip..).unwrap_or_default();
        match character {
            '\'' if quote == '\'' && after(1).starts_with('\'') => {
                characters.next();
                value.push('\'');
            }
            found if found == quote => return Ok((value, after(1))),
            '\\' if quote == '"' => value.push(escaped(&mut characters)?),
            other => value.push(other),
        }
    }
    Err(OPEN)
}

fn escaped(characters: &mut std::str::CharIndices<'_>) -> Result<char, &'static str> {
    const UNKNOWN: &str = "an escape that is not known";
    let digits = match characters.next().ok_or("a text in quotes that does not end in its line")?.1 {
        'n' => return Ok('\n'),
        't' => return Ok('\t'),
        'r' => return Ok('\r'),
        plain @ ('"' | '\\' | '/' | ' ') => return Ok(plain),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return Err(UNKNOWN),
    };
    let code: String = characters.by_ref().take(digits).map(|(_, digit)| digit).collect();
    let code = Some(code).filter(|code| code.len() == digits && code.bytes().all(|digit| digit.is_ascii_hexdigit()));
    code.and_then(|code| char::from_u32(u32::from_str_radix(&code, 16).ok()?)).ok_or(UNKNOWN)
}
