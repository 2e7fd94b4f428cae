//! Configuration files of one key and value a line, with comments, conditional blocks and includes.
//! The first line of a key within its scope decides; a line after an include may be decided elsewhere.

use std::collections::BTreeSet;
use std::io::{self, Read};

use super::Output;
use super::text::Lines;
use crate::catalogue::format::KeyValue;
use crate::domain::note::Note;

pub(super) fn read<R: Read>(settings: &KeyValue, effective: bool, lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let fields = out.fields();
    let mut scope = "global".to_owned();
    let mut decided: BTreeSet<(String, String)> = BTreeSet::new();
    let mut included = false;
    while let Some(line) = lines.next()? {
        let Some((number, text, ended)) = out.text_of(&line) else { continue };
        if !ended {
            out.parsed.truncated = true;
            out.reject("N-LINE-003", number, "the last line has no end; the file may have been cut there");
            continue;
        }
        let masked = out.masked(text.trim());
        let text = masked.as_ref();
        if text.starts_with(settings.comment.as_str()) {
            out.parsed.blank += 1;
            continue;
        }
        if settings.include.as_ref().is_some_and(|include| include.is_match(text)) {
            included = true;
            out.note(Note::on("N-CFG-003", out.evidence(), text.to_owned()).at(format!("line {number}")).about("settings"));
        }
        if settings.block.as_ref().is_some_and(|block| block.is_match(text)) {
            scope = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        let Some((key, value)) = text.split_once(|c: char| c.is_whitespace() || c == '=') else {
            out.reject("N-LINE-001", number, format!("a key without a value: {text}"));
            continue;
        };
        let value = value.trim_start_matches(|c: char| c.is_whitespace() || c == '=').trim();
        let value = match value.find(&format!(" {}", settings.comment)) {
            Some(end) if !value.starts_with('"') => value.get(..end).unwrap_or(value).trim_end(),
            _ => value.trim_matches('"'),
        };
        let first = decided.insert((scope.clone(), key.to_ascii_lowercase()));
        let in_force = match (first, included) {
            (false, _) => Some("false"),
            (true, false) => Some("true"),
            (true, true) => None,
        };
        let line = number.to_string();
        out.record(number, |index| match fields.get(index).map(String::as_str) {
            Some("key") => Some(key),
            Some("value") => Some(value),
            Some("scope") => Some(scope.as_str()),
            Some("line") => Some(line.as_str()),
            Some("in_force") => in_force,
            Some("effective") => Some(if effective { "true" } else { "false" }),
            _ => None,
        });
    }
    Ok(())
}
