//! Log lines: fixed fields and a tail of keys with values, or a pattern with named groups.
//!
//! No log format can be split safely at its separator, because values may hold it. So a fixed
//! number of fields is taken from the left, and the tail is cut only where a key begins.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;

use super::Output;
use super::pairs::{self, Pairs, cut};
use super::text::{Lines, MAX_LINE};
use crate::catalogue::format::{Lines as Settings, Pairs as Kind};
use crate::collect::json;
use crate::domain::note::Note;
use crate::domain::pattern::{Groups, Pattern};
use crate::domain::{digest, secrets};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(super) fn read<R: Read>(settings: &Settings, lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let mut reader = Reader::new(settings, out);
    let mut open: Option<Open> = None;
    while let Some(found) = lines.next()? {
        let Some((number, text, ended)) = reader.out.text_of(&found) else { continue };
        let begins = settings.continued && begins(settings, text);
        if !ended {
            reader.out.parsed.truncated = true;
            match open.take() {
                Some(record) if settings.continued && !begins => {
                    reader.out.parsed.blank += 1;
                    reader.out.reject("N-LINE-003", record.number, "the last record has no end; the file may have been cut there");
                }
                before => {
                    reader.close(before);
                    reader.out.reject("N-LINE-003", number, "the last line has no end; the file may have been cut there");
                }
            }
        } else if !settings.continued {
            reader.line(number, text, false);
        } else if let Some(record) = open.as_mut().filter(|_| !begins) {
            reader.out.parsed.blank += 1;
            record.add(text);
        } else {
            reader.close(open.take());
            open = begins.then(|| Open { number, text: text.to_owned(), long: false });
            if open.is_none() {
                reader.line(number, text, false);
            }
        }
    }
    reader.close(open);
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

struct Reader<'s, 'o, 'f> {
    settings: &'s Settings,
    wanted: Wanted,
    numbering: Numbering,
    out: &'o mut Output<'f>,
    places: Places,
}

/// Where the parts of a line stand in it, kept from line to line.
struct Places {
    /// Its fixed fields, then those after the tail.
    fixed: Vec<Range<usize>>,
    groups: Option<Groups>,
}

impl<'s, 'o, 'f> Reader<'s, 'o, 'f> {
    fn new(settings: &'s Settings, out: &'o mut Output<'f>) -> Self {
        let wanted = Wanted::new(settings, &out.fields());
        let places = Places { fixed: Vec::new(), groups: settings.pattern.as_ref().map(Pattern::groups) };
        Self { settings, wanted, numbering: Numbering::new(settings), out, places }
    }

    fn close(&mut self, open: Option<Open>) {
        match open {
            Some(record) if record.long => self.out.reject("N-LINE-004", record.number, "a record longer than 1 MiB"),
            Some(record) => self.line(record.number, &record.text, true),
            None => {}
        }
    }

    /// Takes a line as a record; where it is known to begin one, its start is not looked for again.
    fn line(&mut self, number: u64, text: &str, begins: bool) {
        let Self { settings, wanted, numbering, out, places } = self;
        // Where a value ends at something else than a separator, only its own text can be masked.
        let whole = settings.pairs == Kind::Separated && !settings.checksum;
        let text = if whole { out.masked(number, text) } else { Cow::Borrowed(text) };
        let parts = match parts(settings, wanted, &text, begins, places) {
            Ok(Some(parts)) => parts,
            Ok(None) => return not_a_record(settings, number, &text, out),
            Err((code, why)) => return out.reject(code, number, why),
        };
        let intact = settings.checksum.then(|| check(wanted, &parts, number, out)).flatten();
        numbering.take(&parts);
        let clean = whole || secrets::none_in(&text);
        // A value that is written in another way in the line may read otherwise.
        let harmless = whole || (clean && !matches!(settings.pairs, Kind::JavaBeans | Kind::Json) && !text.contains('\\'));
        let shown = || if clean { Cow::Borrowed(parts.record) } else { secrets::mask(parts.record) };
        let print = wanted.record.then(|| digest::fingerprint(shown().as_bytes()));
        // A secret is told of even where nothing of it is kept.
        let secret = |(key, value): &(Cow<'_, str>, Cow<'_, str>)| matches!(secrets::mask_under(key, value), Cow::Owned(_));
        let mut masked = (!clean && matches!(secrets::mask(&text), Cow::Owned(_))) || (!harmless && parts.pairs.iter().any(secret));
        let mut values: Vec<Option<Cow<'_, str>>> = Vec::with_capacity(wanted.places.len());
        for place in &wanted.places {
            let value = match place {
                Place::Key(key) if whole => parts.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| Cow::Borrowed(&**value)),
                Place::Key(key) => match pairs::value(&parts.pairs, key) {
                    Ok(value) if harmless => value.map(Cow::Borrowed),
                    Ok(value) => {
                        value.map(|value| secrets::mask_under(key, value)).inspect(|value| masked |= matches!(value, Cow::Owned(_)))
                    }
                    Err(why) => return out.reject("N-LINE-001", number, why),
                },
                Place::Record => print.as_ref().map(|print| Cow::Borrowed(print.as_str())),
                Place::Intact => intact.map(|holds| Cow::Owned(holds.to_string())),
                Place::Series => numbering.name.as_deref().map(Cow::Borrowed),
                Place::Line => Some(Cow::Owned(number.to_string())),
                Place::Tail if settings.pairs == Kind::JavaBeans => Some(Cow::Owned(pairs::words(&parts.pairs))),
                Place::Tail | Place::Group(_) | Place::Checked(_) | Place::Fixed(_) if clean => parts.text(place).map(Cow::Borrowed),
                Place::Tail | Place::Group(_) | Place::Checked(_) | Place::Fixed(_) => {
                    parts.text(place).map(secrets::mask).inspect(|value| masked |= matches!(value, Cow::Owned(_)))
                }
                Place::Nowhere => None,
            };
            values.push(value.filter(|text| !text.is_empty()));
        }
        out.saw_secret(number, masked);
        out.record(number, |index| values.get(index)?.as_deref());
    }
}

/// A line that is no record, and known to be none, or rejected.
fn not_a_record(settings: &Settings, number: u64, text: &str, out: &mut Output<'_>) {
    let claims = settings.claims.as_ref().is_some_and(|claims| claims.is_match(text));
    let start = settings.start.as_ref().is_some_and(|start| start.is_match(text));
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
    places: &'t Places,
    tail: &'t str,
    pairs: Pairs<'t>,
    /// How the record says that a field is absent.
    absent: Option<&'static str>,
}

impl<'t> Parts<'t> {
    fn group(&self, group: Option<usize>) -> Option<&'t str> {
        self.record.get(self.places.groups.as_ref()?.range(group?)?)
    }

    fn text(&self, place: &Place) -> Option<&'t str> {
        let text = match place {
            Place::Fixed(place) => self.record.get(self.places.fixed.get(*place)?.clone()),
            Place::Checked(group) => self.group(Some(*group)).map(cut),
            Place::Group(group) => self.group(Some(*group)),
            Place::Tail => Some(cut(self.tail)),
            _ => None,
        };
        text.filter(|text| Some(*text) != self.absent)
    }
}

type Refused = (&'static str, String);

/// Takes a line apart; nothing where it is no record.
fn parts<'t>(
    settings: &Settings,
    wanted: &Wanted,
    text: &'t str,
    begins: bool,
    places: &'t mut Places,
) -> Result<Option<Parts<'t>>, Refused> {
    if let (Some(pattern), Some(groups)) = (&settings.pattern, &mut places.groups) {
        if !pattern.find(text, groups) {
            return Ok(None);
        }
        let tail = wanted.tail.and_then(|tail| text.get(groups.range(tail)?)).unwrap_or_default();
        let pairs = wanted.pairs(settings, tail)?;
        return Ok(Some(Parts { record: text, places, tail, pairs, absent: None }));
    }
    let start = settings.start.as_ref().filter(|_| !begins);
    let Some(start) = start.map_or(Some(0), |start| start.find(text).map(|found| found.start())) else { return Ok(None) };
    let record = text.get(start..).unwrap_or_default();
    let Some(tail) = cut_up(settings, record, &mut places.fixed) else { return Ok(None) };
    // Java prints what is absent as this word.
    let absent = (settings.pairs == Kind::JavaBeans).then_some("null");
    let tail = if Some(tail) == absent { "" } else { tail };
    let pairs = wanted.pairs(settings, tail)?;
    Ok(Some(Parts { record, places, tail, pairs, absent }))
}

/// Finds the fixed fields of a record, and gives its tail; nothing where it has not that many.
fn cut_up<'t>(settings: &Settings, record: &'t str, fixed: &mut Vec<Range<usize>>) -> Option<&'t str> {
    let separator = settings.separator;
    fixed.clear();
    let mut next = Some(0);
    for _ in &settings.fixed {
        let start = next?;
        let end = record.get(start..)?.find(separator).map(|end| start + end);
        fixed.push(start..end.unwrap_or(record.len()));
        next = end.map(|end| end + separator.len_utf8());
    }
    let mut tail = next.unwrap_or(record.len())..record.len();
    if !settings.tail && !tail.is_empty() {
        return None;
    }
    for _ in &settings.ends {
        let end = tail.start + record.get(tail.clone())?.rfind(separator)?;
        fixed.push(end + separator.len_utf8()..tail.end);
        tail.end = end;
    }
    fixed.get_mut(settings.fixed.len()..)?.reverse();
    record.get(tail)
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
        Kind::Json => read("N-JSON-001", json::object(tail).map(json::Values::into_pairs)),
    }
}

/// Whether the checksum of a line is that of its text: unpadded base64url of a little-endian CRC-32
/// (boulder, log.LogLineChecksum). What does not hold is said.
fn check(wanted: &Wanted, parts: &Parts<'_>, number: u64, out: &mut Output<'_>) -> Option<bool> {
    let (checksum, checked) = (parts.group(wanted.checksum)?, parts.group(wanted.checked)?);
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
    number: Option<usize>,
    named: Option<usize>,
    last: Option<u64>,
    name: Option<String>,
}

impl Numbering {
    fn new(settings: &Settings) -> Self {
        let group = |name: &String| settings.pattern.as_ref()?.group(name);
        let series = settings.series.as_ref();
        let (number, named) = (series.and_then(|series| group(&series.number)), series.and_then(|series| group(&series.named)));
        Self { number, named, ..Self::default() }
    }

    fn take(&mut self, parts: &Parts<'_>) {
        let Some(number) = parts.group(self.number).and_then(|number| number.parse().ok()) else { return };
        if self.last.is_none_or(|last| number <= last) {
            self.name = parts.group(self.named).map(ToOwned::to_owned);
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
    Group(usize),
    /// A group that is kept for people to read.
    Checked(usize),
    Nowhere,
}

/// Where each wanted field is found in a line.
struct Wanted {
    places: Vec<Place>,
    record: bool,
    keys: bool,
    tail: Option<usize>,
    checksum: Option<usize>,
    checked: Option<usize>,
}

impl Wanted {
    fn new(settings: &Settings, fields: &[String]) -> Self {
        let group = |name: &str| settings.pattern.as_ref().and_then(|pattern| pattern.group(name));
        let fixed = |field: &String| settings.fixed.iter().chain(&settings.ends).position(|name| name == field);
        let place = |field: &String| match field.as_str() {
            "record" => Place::Record,
            "intact" if settings.checksum => Place::Intact,
            "line" if settings.pattern.is_some() && group("line").is_none() => Place::Line,
            "series" if settings.series.is_some() => Place::Series,
            "tail" => Place::Tail,
            name => match name.strip_prefix("tail:") {
                Some(key) => Place::Key(key.to_owned()),
                None if settings.pattern.is_none() => fixed(field).map_or(Place::Nowhere, Place::Fixed),
                None if name == "checked" => group(name).map_or(Place::Nowhere, Place::Checked),
                None => group(name).map_or(Place::Nowhere, Place::Group),
            },
        };
        let places: Vec<Place> = fields.iter().map(place).collect();
        let record = places.iter().any(|place| matches!(place, Place::Record));
        let keys = places.iter().any(|place| matches!(place, Place::Key(_)));
        Self { places, record, keys, tail: group("tail"), checksum: group("checksum"), checked: group("checked") }
    }

    /// The pairs of a tail: all of them where one alone may hold a secret, else only if one is wanted.
    fn pairs<'t>(&self, settings: &Settings, tail: &'t str) -> Result<Pairs<'t>, Refused> {
        if self.keys || settings.pairs != Kind::Separated || settings.checksum { inside(settings, tail) } else { Ok(Pairs::new()) }
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
