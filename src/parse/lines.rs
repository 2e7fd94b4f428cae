//! Log lines: fixed fields and a tail of `key=value`, or a pattern with named groups.
//!
//! No log format can be split safely at its separator, because values may hold it. So a fixed
//! number of fields is taken from the left, and the tail is cut only where a key begins.

use std::io::{self, Read};

use regex::Regex;

use super::Output;
use super::text::Lines;
use crate::catalogue::format::Lines as Settings;
use crate::domain::digest;

pub(super) fn read<R: Read>(settings: &Settings, lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let wanted = Wanted::new(settings, &out.fields());
    while let Some(found) = lines.next()? {
        let Some((number, text, ended)) = out.text_of(&found) else { continue };
        if ended {
            let masked = out.masked(number, text);
            line(settings, &wanted, number, &masked, out);
        } else {
            out.parsed.truncated = true;
            out.reject("N-LINE-003", number, "the last line has no end; the file may have been cut there");
        }
    }
    Ok(())
}

fn line(settings: &Settings, wanted: &Wanted, number: u64, text: &str, out: &mut Output<'_>) {
    if let Some(pattern) = &settings.pattern {
        if let Some(groups) = pattern.captures(text) {
            let print = wanted.print(text);
            out.record(number, |index| match wanted.places.get(index) {
                Some(Place::Group(name)) => groups.name(name).map(|group| group.as_str()).filter(|text| !text.is_empty()),
                Some(Place::Record) => Some(&print),
                _ => None,
            });
            return;
        }
    } else if let Some(start) = settings.start.as_ref().map_or(Some(0), |start| start.find(text).map(|found| found.start())) {
        let record = text.get(start..).unwrap_or_default();
        let mut parts = record.splitn(settings.fixed.len() + 1, settings.separator);
        let fixed: Vec<&str> = parts.by_ref().take(settings.fixed.len()).collect();
        if fixed.len() == settings.fixed.len() {
            let tail = parts.next().unwrap_or_default();
            if settings.tail || tail.is_empty() {
                let pairs = if wanted.keys { pairs(tail, settings.separator) } else { Vec::new() };
                let print = wanted.print(record);
                out.record(number, |index| {
                    let text = match wanted.places.get(index)? {
                        Place::Fixed(place) => fixed.get(*place).copied(),
                        Place::Key(key) => pairs.iter().find(|(name, _)| name == key).map(|(_, value)| *value),
                        Place::Tail => Some(cut(tail)),
                        Place::Record => Some(print.as_str()),
                        Place::Group(_) | Place::Nowhere => None,
                    };
                    text.filter(|text| !text.is_empty())
                });
                return;
            }
        }
    }
    let claims = settings.claims.as_ref().is_some_and(|claims| claims.is_match(text));
    let start = settings.start.as_ref().is_some_and(|start: &Regex| start.is_match(text));
    if !claims && !start && settings.other.as_ref().is_some_and(|other| other.is_match(text)) {
        out.parsed.passed_over += 1;
    } else {
        let start: String = text.chars().take(60).collect();
        out.reject("N-LINE-001", number, format!("does not read as a record: {start}…"));
    }
}

/// The tail as people need it: long values such as whole certificates are in tables of their own.
fn cut(tail: &str) -> &str {
    let end = tail.char_indices().nth(1_000).map_or(tail.len(), |(index, _)| index);
    tail.get(..end).unwrap_or(tail)
}

/// The `key=value` pairs of a tail: a separator ends a value only where a key follows it.
fn pairs(tail: &str, separator: char) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    let mut from = 0;
    let mut search = 0;
    while from < tail.len() {
        let rest = tail.get(search..).unwrap_or_default();
        let next = rest.find(separator).map(|found| search + found);
        if let Some(next) = next
            && !begins_with_key(tail.get(next + separator.len_utf8()..).unwrap_or_default())
        {
            search = next + separator.len_utf8();
            continue;
        }
        let end = next.unwrap_or(tail.len());
        if let Some((key, value)) = tail.get(from..end).unwrap_or_default().split_once('=') {
            pairs.push((key, value));
        }
        from = end + separator.len_utf8();
        search = from;
    }
    pairs
}

fn begins_with_key(text: &str) -> bool {
    let Some((key, _)) = text.split_once('=') else { return false };
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '.' | '-'))
}

enum Place {
    Fixed(usize),
    Key(String),
    Tail,
    Record,
    Group(String),
    Nowhere,
}

/// Where each wanted field is found in a line.
struct Wanted {
    places: Vec<Place>,
    keys: bool,
    record: bool,
}

impl Wanted {
    fn new(settings: &Settings, fields: &[String]) -> Self {
        let place = |field: &String| {
            if field == "record" {
                Place::Record
            } else if let Some(key) = field.strip_prefix("tail:") {
                Place::Key(key.to_owned())
            } else if field == "tail" {
                Place::Tail
            } else if settings.pattern.is_some() {
                Place::Group(field.clone())
            } else {
                settings.fixed.iter().position(|name| name == field).map_or(Place::Nowhere, Place::Fixed)
            }
        };
        let places: Vec<Place> = fields.iter().map(place).collect();
        let keys = places.iter().any(|place| matches!(place, Place::Key(_)));
        let record = places.iter().any(|place| matches!(place, Place::Record));
        Self { places, keys, record }
    }

    fn print(&self, record: &str) -> String {
        if self.record { digest::short(&digest::sha256(record.as_bytes()), 16).to_owned() } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_inside_a_value_does_not_end_it() {
        assert_eq!(
            pairs("msg=one; two;subjectdn=CN=a;b,O=c;cert=MII=", ';'),
            [("msg", "one; two"), ("subjectdn", "CN=a;b,O=c"), ("cert", "MII=")]
        );
    }

    #[test]
    fn a_tail_without_a_key_has_no_pairs() {
        assert!(pairs("just words", ';').is_empty());
        assert!(pairs("", ';').is_empty());
    }
}
