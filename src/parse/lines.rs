//! Log lines: fixed fields and a tail of keys with values, or a pattern with named groups.
//!
//! No log format can be split safely at its separator, because values may hold it. So a fixed
//! number of fields is taken from the left, and the tail is cut only where a key begins.

use std::borrow::Cow;
use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regex::Regex;

use super::Output;
use super::pairs::{self, Pairs, cut};
use super::text::{Lines, MAX_LINE};
use crate::catalogue::format::{Lines as Settings, Pairs as Kind};
use crate::collect::json;
use crate::domain::note::Note;
use crate::domain::{digest, secrets};

pub(super) fn read<R: Read>(settings: &Settings, lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let wanted = Wanted::new(settings, &out.fields());
    let mut numbering = Numbering::default();
    let mut open: Option<Open> = None;
    while let Some(found) = lines.next()? {
        let Some((number, text, ended)) = out.text_of(&found) else { continue };
        if !ended {
            out.parsed.truncated = true;
            match open.take() {
                Some(record) if settings.continued && !begins(settings, text) => {
                    out.parsed.blank += 1;
                    out.reject("N-LINE-003", record.number, "the last record has no end; the file may have been cut there");
                }
                before => {
                    close(settings, &wanted, &mut numbering, before, out);
                    out.reject("N-LINE-003", number, "the last line has no end; the file may have been cut there");
                }
            }
        } else if !settings.continued {
            line(settings, &wanted, &mut numbering, number, text, out);
        } else if let Some(record) = open.as_mut().filter(|_| !begins(settings, text)) {
            out.parsed.blank += 1;
            record.add(text);
        } else {
            close(settings, &wanted, &mut numbering, open.take(), out);
            open = begins(settings, text).then(|| Open { number, text: text.to_owned(), long: false });
            if open.is_none() {
                line(settings, &wanted, &mut numbering, number, text, out);
            }
        }
    }
    close(settings, &wanted, &mut numbering, open, out);
    Ok(())
}

/// A record that may go on with the next line.
struct Open {
    number: u64,
    text: String,
    long: bool,
}

impl Open {
    fn add(&mut self, text: &str) {
        self.long |= self.text.len() + text.len() > MAX_LINE;
        if !self.long {
            self.text.push('\n');
            self.text.push_str(text);
        }
    }
}

fn begins(settings: &Settings, text: &str) -> bool {
    settings.start.as_ref().and_then(|start| start.find(text)).is_some_and(|found| found.start() == 0)
}

fn close(settings: &Settings, wanted: &Wanted, numbering: &mut Numbering, open: Option<Open>, out: &mut Output<'_>) {
    match open {
        Some(record) if record.long => out.reject("N-LINE-004", record.number, "a record longer than 1 MiB"),
        Some(record) => line(settings, wanted, numbering, record.number, &record.text, out),
        None => {}
    }
}

fn line(settings: &Settings, wanted: &Wanted, numbering: &mut Numbering, number: u64, text: &str, out: &mut Output<'_>) {
    // Where a value ends at something else than a separator, only its own text can be masked.
    let whole = settings.pairs == Kind::Separated && !settings.checksum;
    let text = if whole { out.masked(number, text) } else { Cow::Borrowed(text) };
    let parts = match parts(settings, &text) {
        Ok(Some(parts)) => parts,
        Ok(None) => return not_a_record(settings, number, &text, out),
        Err((code, why)) => return out.reject(code, number, why),
    };
    let intact = settings.checksum.then(|| check(&parts, number, out)).flatten();
    numbering.take(settings, &parts);
    // What is written in another way in the line may read otherwise.
    let plain = !matches!(settings.pairs, Kind::JavaBeans | Kind::Json) && !text.contains('\\');
    let harmless = whole || (plain && secrets::none_in(&text));
    let print = match wanted.record {
        true if harmless => Wanted::print(parts.record),
        true => Wanted::print(&secrets::mask(parts.record)),
        false => String::new(),
    };
    // A secret is told of even where nothing of it is kept.
    let secret = |(key, value): &(Cow<'_, str>, Cow<'_, str>)| matches!(secrets::mask_under(key, value), Cow::Owned(_));
    let mut masked = !harmless && (matches!(secrets::mask(&text), Cow::Owned(_)) || parts.pairs.iter().any(secret));
    let mut values: Vec<Option<Cow<'_, str>>> = Vec::with_capacity(wanted.places.len());
    for place in &wanted.places {
        let value = match place {
            Place::Key(key) if whole => parts.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| Cow::Borrowed(&**value)),
            Place::Key(key) => match pairs::value(&parts.pairs, key) {
                Ok(value) if harmless => value.map(Cow::Borrowed),
                Ok(value) => value.map(|value| secrets::mask_under(key, value)).inspect(|value| masked |= matches!(value, Cow::Owned(_))),
                Err(why) => return out.reject("N-LINE-001", number, why),
            },
            Place::Record => Some(Cow::Borrowed(print.as_str())),
            Place::Intact => intact.map(|holds| Cow::Owned(holds.to_string())),
            Place::Series => numbering.name.as_deref().map(Cow::Borrowed),
            Place::Line => Some(Cow::Owned(number.to_string())),
            Place::Tail if settings.pairs == Kind::JavaBeans => Some(Cow::Owned(pairs::words(&parts.pairs))),
            Place::Tail | Place::Group(_) | Place::Fixed(_) if harmless => parts.text(place).map(Cow::Borrowed),
            Place::Tail | Place::Group(_) | Place::Fixed(_) => {
                parts.text(place).map(secrets::mask).inspect(|value| masked |= matches!(value, Cow::Owned(_)))
            }
            Place::Nowhere => None,
        };
        values.push(value.filter(|text| !text.is_empty()));
    }
    out.saw_secret(number, masked);
    out.record(number, |index| values.get(index)?.as_deref());
}

/// A line that is no record, and known to be none, or rejected.
fn not_a_record(settings: &Settings, number: u64, text: &str, out: &mut Output<'_>) {
    let claims = settings.claims.as_ref().is_some_and(|claims| claims.is_match(text));
    let start = settings.start.as_ref().is_some_and(|start: &Regex| start.is_match(text));
    if !claims && !start && settings.other.as_ref().is_some_and(|other| other.is_match(text)) {
        out.parsed.passed_over += 1;
    } else {
        let start: String = secrets::mask(text).chars().take(60).collect();
        out.reject("N-LINE-001", number, format!("does not read as a record: {start}…"));
    }
}

/// The parts of a record.
struct Parts<'t> {
    record: &'t str,
    fixed: Vec<&'t str>,
    ends: Vec<&'t str>,
    groups: Option<regex::Captures<'t>>,
    tail: &'t str,
    pairs: Pairs<'t>,
}

impl<'t> Parts<'t> {
    fn group(&self, name: &str) -> Option<&'t str> {
        self.groups.as_ref()?.name(name).map(|group| group.as_str())
    }

    fn text(&self, place: &Place) -> Option<&str> {
        match place {
            Place::Fixed(place) => self.fixed.get(*place).or_else(|| self.ends.get((*place).checked_sub(self.fixed.len())?)).copied(),
            Place::Group(name) if name == "checked" => self.group(name).map(cut),
            Place::Group(name) => self.group(name),
            Place::Tail => Some(cut(self.tail)),
            _ => None,
        }
    }
}

type Refused = (&'static str, String);

/// Takes a line apart; nothing where it is no record.
fn parts<'t>(settings: &Settings, text: &'t str) -> Result<Option<Parts<'t>>, Refused> {
    if let Some(pattern) = &settings.pattern {
        let Some(groups) = pattern.captures(text) else { return Ok(None) };
        let tail = groups.name("tail").map_or("", |tail| tail.as_str());
        let pairs = inside(settings, tail)?;
        return Ok(Some(Parts { record: text, fixed: Vec::new(), ends: Vec::new(), groups: Some(groups), tail, pairs }));
    }
    let Some(start) = settings.start.as_ref().map_or(Some(0), |start| start.find(text).map(|found| found.start())) else {
        return Ok(None);
    };
    let record = text.get(start..).unwrap_or_default();
    let mut parts = record.splitn(settings.fixed.len() + 1, settings.separator);
    let mut fixed: Vec<&str> = parts.by_ref().take(settings.fixed.len()).collect();
    if fixed.len() != settings.fixed.len() {
        return Ok(None);
    }
    let mut tail = parts.next().unwrap_or_default();
    if !settings.tail && !tail.is_empty() {
        return Ok(None);
    }
    let mut ends = Vec::new();
    for _ in &settings.ends {
        let Some((before, end)) = tail.rsplit_once(settings.separator) else { return Ok(None) };
        tail = before;
        ends.insert(0, end);
    }
    if settings.pairs == Kind::JavaBeans {
        // Java prints what is absent as this word.
        fixed.iter_mut().chain(&mut ends).chain([&mut tail]).filter(|text| **text == "null").for_each(|text| *text = "");
    }
    let pairs = inside(settings, tail)?;
    Ok(Some(Parts { record, fixed, ends, groups: None, tail, pairs }))
}

/// The pairs of a tail.
fn inside<'t>(settings: &Settings, tail: &'t str) -> Result<Pairs<'t>, Refused> {
    let read = |code, pairs: Result<Pairs<'t>, String>| pairs.map_err(|why| (code, why));
    match settings.pairs {
        _ if tail.trim().is_empty() => Ok(Pairs::new()),
        Kind::Separated => Ok(separated(tail, settings.separator)),
        Kind::Brackets => read("N-LINE-001", pairs::bracketed(tail)),
        Kind::Quoted => read("N-LINE-001", pairs::quoted(tail)),
        Kind::JavaBeans => read("N-XML-002", pairs::beans(tail)),
        Kind::Json => read(
            "N-JSON-001",
            json::object(tail).map(|values| values.into_iter().map(|(key, value)| (Cow::Owned(key), Cow::Owned(value))).collect()),
        ),
    }
}

/// Whether the checksum of a line is that of its text: unpadded base64url of a little-endian CRC-32
/// (boulder, log.LogLineChecksum). What does not hold is said.
fn check(parts: &Parts<'_>, number: u64, out: &mut Output<'_>) -> Option<bool> {
    let (checksum, checked) = (parts.group("checksum")?, parts.group("checked")?);
    let holds = checksum == URL_SAFE_NO_PAD.encode(crc32fast::hash(checked.as_bytes()).to_le_bytes());
    if !holds {
        let form = if checksum.len() == 7 {
            "a checksum of the older form of seven characters, which boulder itself no longer accepts"
        } else {
            "the checksum is not that of the text"
        };
        out.note(Note::on("N-LINE-005", out.evidence(), form).at(out.locator.text(number)));
    }
    Some(holds)
}

/// The `key=value` pairs of a tail: a separator ends a value only where a key follows it.
fn separated(tail: &str, separator: char) -> Pairs<'_> {
    let mut pairs = Pairs::new();
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
            pairs.push((Cow::Borrowed(key), Cow::Borrowed(value)));
        }
        from = end + separator.len_utf8();
        search = from;
    }
    pairs
}

/// Looks no further than the key: a line of separators alone must not be read again for each of them.
fn begins_with_key(text: &str) -> bool {
    let end = text.bytes().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b' ' | b'.' | b'-')).count();
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.as_bytes().get(end) == Some(&b'=')
}

/// Where a numbering stands that begins anew now and then.
#[derive(Default)]
struct Numbering {
    last: Option<u64>,
    name: Option<String>,
}

impl Numbering {
    fn take(&mut self, settings: &Settings, parts: &Parts<'_>) {
        let Some(series) = &settings.series else { return };
        let Some(number) = parts.group(&series.number).and_then(|number| number.parse().ok()) else { return };
        if self.last.is_none_or(|last| number <= last) {
            self.name = parts.group(&series.named).map(ToOwned::to_owned);
        }
        self.last = Some(number);
    }
}

enum Place {
    Fixed(usize),
    Key(String),
    Tail,
    Record,
    Intact,
    Series,
    Line,
    Group(String),
    Nowhere,
}

/// Where each wanted field is found in a line.
struct Wanted {
    places: Vec<Place>,
    record: bool,
}

impl Wanted {
    fn new(settings: &Settings, fields: &[String]) -> Self {
        let place = |field: &String| {
            if field == "record" {
                Place::Record
            } else if settings.checksum && field == "intact" {
                Place::Intact
            } else if field == "line"
                && settings.pattern.as_ref().is_some_and(|pattern| !pattern.capture_names().flatten().any(|n| n == "line"))
            {
                Place::Line
            } else if field == "series" && settings.series.is_some() {
                Place::Series
            } else if let Some(key) = field.strip_prefix("tail:") {
                Place::Key(key.to_owned())
            } else if field == "tail" {
                Place::Tail
            } else if settings.pattern.is_some() {
                Place::Group(field.clone())
            } else {
                settings.fixed.iter().chain(&settings.ends).position(|name| name == field).map_or(Place::Nowhere, Place::Fixed)
            }
        };
        let places: Vec<Place> = fields.iter().map(place).collect();
        let record = places.iter().any(|place| matches!(place, Place::Record));
        Self { places, record }
    }

    fn print(record: &str) -> String {
        digest::short(&digest::sha256(record.as_bytes()), 16).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(tail: &str, separator: char) -> Vec<(String, String)> {
        separated(tail, separator).into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
    }

    #[test]
    fn a_separator_inside_a_value_does_not_end_it() {
        assert_eq!(
            plain("msg=one; two;subjectdn=CN=a;b,O=c;cert=MII=", ';'),
            [("msg", "one; two"), ("subjectdn", "CN=a;b,O=c"), ("cert", "MII=")].map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn a_tail_without_a_key_has_no_pairs() {
        assert!(separated("just words", ';').is_empty());
        assert!(separated("", ';').is_empty());
    }
}
