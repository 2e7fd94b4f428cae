//! Records of several lines, each `key : value`, that begin with a known key: what a command prints, once
//! or again and again into one file. A line above a record may say when it was printed.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::Output;
use super::text::Lines;
use crate::catalogue::format::Blocks as Settings;
use crate::domain::digest;

struct Block {
    line: u64,
    dated: Option<BTreeMap<String, String>>,
    pairs: BTreeMap<String, String>,
    twice: bool,
}

struct Reader<'a, 'o> {
    settings: &'a Settings,
    fields: Vec<String>,
    out: &'a mut Output<'o>,
    open: Option<Block>,
    /// The first record, until it is known whether there are more.
    first: Option<Block>,
    closed: u64,
}

pub(super) fn read<R: Read>(settings: &Settings, lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let fields = out.fields();
    let mut reader = Reader { settings, fields, out, open: None, first: None, closed: 0 };
    while let Some(line) = lines.next()? {
        let Some((number, text, ended)) = reader.out.text_of(&line) else { continue };
        if ended {
            let masked = reader.out.masked(number, text.trim()).into_owned();
            reader.line(number, &masked);
        } else {
            reader.out.parsed.truncated = true;
            reader.out.reject("N-LINE-003", number, "the last line has no end; the file may have been cut there");
        }
    }
    reader.close();
    reader.give_first();
    Ok(())
}

impl Reader<'_, '_> {
    fn line(&mut self, number: u64, text: &str) {
        if let Some(dated) = &self.settings.dated
            && let Some(groups) = dated.captures(text)
        {
            let named = |name: &str| Some((name.to_owned(), groups.name(name)?.as_str().to_owned()));
            let date = dated.capture_names().flatten().filter_map(named).collect();
            self.begin(number, Some(date));
            return;
        }
        let pair = text.split_once(':').map(|(key, value)| (key.trim(), value.trim()));
        let known =
            |key: &str| key == self.settings.begin || self.settings.needs.iter().chain(&self.settings.also).any(|known| known == key);
        let Some((key, value)) = pair.filter(|(key, _)| known(key)) else {
            let start: String = text.chars().take(60).collect();
            self.out.reject("N-LINE-001", number, format!("no line of a record: {start}"));
            return;
        };
        let begins = key == self.settings.begin;
        if begins && self.open.as_ref().is_none_or(|block| !block.pairs.is_empty()) {
            self.begin(number, None);
        } else if self.open.is_some() {
            self.out.parsed.blank += 1;
        }
        match &mut self.open {
            Some(block) => {
                if block.pairs.insert(key.to_owned(), value.to_owned()).is_some() {
                    block.twice = true;
                }
            }
            None => self.out.reject("N-LINE-001", number, format!("{key:?} stands outside of a record")),
        }
    }

    fn begin(&mut self, line: u64, dated: Option<BTreeMap<String, String>>) {
        self.close();
        self.open = Some(Block { line, dated, pairs: BTreeMap::new(), twice: false });
    }

    fn close(&mut self) {
        let Some(block) = self.open.take() else { return };
        self.closed += 1;
        self.give_first();
        let missing = self.settings.needs.iter().find(|key| !block.pairs.contains_key(*key));
        let why = match missing {
            _ if block.twice => "a key stands twice in the record".to_owned(),
            Some(_) if block.pairs.is_empty() => "a date, and no record below it".to_owned(),
            Some(key) => format!("the record has no line {key:?}"),
            None if self.closed == 1 => {
                self.first = Some(block);
                return;
            }
            None => return self.give(&block),
        };
        self.out.reject("N-LINE-001", block.line, why);
    }

    fn give_first(&mut self) {
        if let Some(block) = self.first.take() {
            self.give(&block);
        }
    }

    fn give(&mut self, block: &Block) {
        // What is declared of the whole file dates the one record in it, and not one of several.
        if self.settings.dated.is_some() && block.dated.is_none() && self.closed > 1 {
            self.out.reject("N-LINE-001", block.line, "one record of several, and no line says when it was made");
            return;
        }
        let fields = &self.fields;
        let wants = |name: &str| fields.iter().any(|field| field == name);
        let print = if wants("record") { print(&block.pairs) } else { String::new() };
        let text = if wants("text") { text(&block.pairs) } else { String::new() };
        self.out.record(block.line, |index| {
            let field = fields.get(index)?;
            match field.as_str() {
                "record" => return Some(print.as_str()),
                "text" => return Some(text.as_str()),
                _ => {}
            }
            let dated = block.dated.as_ref().and_then(|dated| dated.get(field));
            dated.or_else(|| block.pairs.get(field)).map(String::as_str).filter(|text| !text.is_empty())
        });
    }
}

/// A record on one line, as people need it.
fn text(pairs: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    pairs.join("; ").chars().take(1_000).collect()
}

/// The fingerprint of a record, whatever the order and spacing of its lines.
fn print(pairs: &BTreeMap<String, String>) -> String {
    let parts = pairs.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    digest::fingerprint_of_parts(parts).as_str().to_owned()
}
