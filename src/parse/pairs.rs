//! What is written inside a line or a cell as keys with values: bracketed, quoted, or a map in XML.

use std::borrow::Cow;

use super::{Output, java_beans};
use crate::domain::note::Note;
use crate::domain::secrets;

/// Most characters of a text that is kept for people to read; what it holds is in columns of its own.
pub(super) const SHOWN: usize = 1_000;

/// The text as people need it.
pub(super) fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(index, _)| index);
    text.get(..end).unwrap_or(text)
}

/// Pairs that most tails have room for.
const PAIRS: usize = 20;

/// Keys with their values.
pub(super) type Pairs<'t> = Vec<(Cow<'t, str>, Cow<'t, str>)>;

/// The value of a key; a key that stands twice has none that could be relied on.
///
/// # Errors
/// That it stands twice, in words.
pub(super) fn value<'p>(pairs: &'p Pairs<'_>, key: &str) -> Result<Option<&'p str>, String> {
    let mut found = pairs.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_ref());
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(format!("{key:?} stands twice")),
        (value, None) => Ok(value),
    }
}

/// The pairs of `[key=value][key=value] words`. A value may hold brackets: it ends where the next pair begins, or the
/// words do.
pub(super) fn bracketed(text: &str) -> Result<Pairs<'_>, String> {
    let mut pairs = Pairs::with_capacity(PAIRS);
    let mut rest = text;
    while let Some(inside) = rest.strip_prefix('[') {
        let (key, from) = inside.split_once('=').filter(|(key, _)| is_key(key)).ok_or("a bracket without a key and a value")?;
        let end = value_end(from).ok_or_else(|| format!("the value of {key:?} has no end"))?;
        pairs.push((Cow::Borrowed(key), Cow::Borrowed(from.get(..end).unwrap_or_default())));
        rest = from.get(end + 1..).unwrap_or_default();
    }
    Ok(pairs)
}

fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a text begins with a key and `=`; looks no further than the key.
fn key_stands_at(text: &str) -> bool {
    let end = text.bytes().take_while(|octet| octet.is_ascii_alphanumeric() || *octet == b'_').count();
    text.as_bytes().get(end) == Some(&b'=') && text.get(..end).is_some_and(is_key)
}

/// Where a bracketed value ends: before the next pair, or else at its closing bracket, those within it counted.
fn value_end(text: &str) -> Option<usize> {
    let next = text.match_indices("][").map(|(at, _)| at).find(|at| key_stands_at(text.get(at + 2..).unwrap_or_default()));
    if next.is_some() {
        return next;
    }
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 0 => return Some(at),
            ']' => depth -= 1,
            _ => {}
        }
    }
    // A bracket that is opened in the value and never closed: the last one there is ends it.
    text.rfind(']')
}

/// The pairs of `key=value key="quoted \"value\"" key=`, as logrus writes them.
pub(super) fn quoted(text: &str) -> Result<Pairs<'_>, String> {
    let mut pairs = Pairs::with_capacity(PAIRS);
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, from) = rest.split_once('=').ok_or("words without a key")?;
        if key.is_empty() || key.contains('"') || space(key).is_some() {
            return Err("words without a key".to_owned());
        }
        let (value, after) = match from.strip_prefix('"') {
            Some(inside) => unquoted(inside).ok_or_else(|| format!("the quote of {key:?} never closes"))?,
            None => {
                let end = space(from).unwrap_or(from.len());
                (Cow::Borrowed(from.get(..end).unwrap_or_default()), from.get(end..).unwrap_or_default())
            }
        };
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return Err(format!("text stands after the quote of {key:?}"));
        }
        pairs.push((Cow::Borrowed(key), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// Where the first white space stands.
fn space(text: &str) -> Option<usize> {
    let at = text.bytes().position(|octet| matches!(octet, b'\t'..=b'\r' | b' ') || !octet.is_ascii())?;
    let rest = text.get(at..)?;
    if rest.starts_with(|c: char| c.is_ascii()) { Some(at) } else { Some(at + rest.find(char::is_whitespace)?) }
}

/// A quoted value without its escapes, and what stands after it.
fn unquoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let first = memchr::memchr2(b'"', b'\\', text.as_bytes())?;
    if text.as_bytes().get(first) == Some(&b'"') {
        return Some((Cow::Borrowed(text.get(..first)?), text.get(first + 1..)?));
    }
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((Cow::Owned(value), text.get(at + 1..)?)),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                other => value.push(other),
            },
            c => value.push(c),
        }
    }
    None
}

/// The pairs of a map in the XML of `java.beans.XMLEncoder`.
pub(super) fn beans(text: &str) -> Result<Pairs<'_>, String> {
    // Neither a key that stands twice nor text that is encoded is plain.
    let plain = |entries: &Vec<(&str, &str)>| {
        let mut keys: Vec<&str> = entries.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        !keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
            && !entries.iter().any(|(_, value)| value.starts_with("B64:"))
    };
    if let Some(entries) = java_beans::flat(text).filter(plain) {
        return Ok(entries.into_iter().map(|(key, value)| (Cow::Borrowed(key), Cow::Borrowed(value))).collect());
    }
    let entries = java_beans::map(text)?;
    Ok(entries.into_iter().map(|(key, value)| (Cow::Owned(key), Cow::Owned(value))).collect())
}

/// Pairs as a text for people, with their secrets masked.
pub(super) fn words(pairs: &Pairs<'_>) -> String {
    let word = |(key, value): &(Cow<'_, str>, Cow<'_, str>)| format!("{key}={}", secrets::mask_under(key, value));
    let all: Vec<String> = pairs.iter().map(word).collect();
    cut(&all.join(";")).to_owned()
}

/// The cells of a record that hold maps, and the fields taken out of them, which are called `cell:key`.
pub(super) struct Maps {
    names: Vec<String>,
    /// By index of the field: which map, and the key in it; none where the field is the map itself.
    wanted: Vec<(usize, usize, Option<String>)>,
}

impl Maps {
    pub(super) fn new(names: &[String], fields: &[String]) -> Self {
        let mut wanted = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            for (map, name) in names.iter().enumerate() {
                match field.strip_prefix(name.as_str()) {
                    Some("") => wanted.push((index, map, None)),
                    Some(rest) if rest.starts_with(':') => wanted.push((index, map, rest.get(1..).map(ToOwned::to_owned))),
                    _ => {}
                }
            }
        }
        Self { names: names.to_vec(), wanted }
    }

    /// The maps of a record; `harmless` says that none of its cells can hold a secret as it is written. A map that
    /// cannot be read leaves all its fields in doubt.
    pub(super) fn open<'c>(&self, harmless: bool, cell: impl Fn(&str) -> Option<&'c str>) -> Opened<'_> {
        let mut opened = Opened { maps: self, harmless, pairs: Vec::new(), doubts: Vec::new(), problems: Vec::new() };
        for (map, name) in self.names.iter().enumerate() {
            let text = cell(name).map(str::trim).filter(|text| !text.is_empty() && *text != "null");
            let pairs = text.map_or_else(|| Ok(Pairs::new()), beans);
            let owned = |(key, value): (Cow<'_, str>, Cow<'_, str>)| (Cow::Owned(key.into_owned()), Cow::Owned(value.into_owned()));
            let pairs: Result<Pairs<'static>, String> = pairs.map(|pairs| pairs.into_iter().map(owned).collect());
            if let Err(why) = &pairs {
                opened.problems.push(format!("{name}: {why}"));
                let fields = self.wanted.iter().filter(|(_, of, key)| *of == map && key.is_some());
                opened.doubts.extend(fields.map(|(index, ..)| (*index, "N-XML-002")));
            }
            opened.pairs.push(pairs.unwrap_or_default());
        }
        opened
    }
}

/// The maps of one record.
pub(super) struct Opened<'m> {
    maps: &'m Maps,
    harmless: bool,
    pairs: Vec<Pairs<'static>>,
    /// Fields that cannot be relied on, with the code of the note.
    pub(super) doubts: Vec<(usize, &'static str)>,
    problems: Vec<String>,
}

impl Opened<'_> {
    /// The text of a field, out of a map or of the cell of its name, and whether a secret in it was masked.
    pub(super) fn field<'c>(&self, index: usize, name: &str, cell: impl Fn(&str) -> Option<&'c str>) -> (Option<Cow<'c, str>>, bool) {
        match self.maps.wanted.iter().find(|(of, ..)| *of == index) {
            Some((_, map, Some(key))) => {
                let value = self.pairs.get(*map).and_then(|pairs| value(pairs, key).ok().flatten());
                let masked = value.map(|value| secrets::mask_under(key, value));
                let hidden = matches!(masked, Some(Cow::Owned(_)));
                (masked.map(|text| Cow::Owned(text.into_owned())), hidden)
            }
            Some((_, map, None)) => match self.pairs.get(*map).filter(|pairs| !pairs.is_empty()) {
                Some(pairs) => {
                    let hidden = pairs.iter().any(|(key, value)| matches!(secrets::mask_under(key, value), Cow::Owned(_)));
                    (Some(Cow::Owned(words(pairs))), hidden)
                }
                None => self.shown(cell(name).filter(|text| *text != "null").map(cut)),
            },
            None => self.shown(cell(name)),
        }
    }

    fn shown<'c>(&self, text: Option<&'c str>) -> (Option<Cow<'c, str>>, bool) {
        let masked = text.map(|text| if self.harmless { Cow::Borrowed(text) } else { secrets::mask(text) });
        let hidden = matches!(masked, Some(Cow::Owned(_)));
        (masked, hidden)
    }

    /// Says which maps could not be read.
    pub(super) fn note(&self, row: u64, out: &mut Output<'_>) {
        for problem in &self.problems {
            out.note(Note::on("N-XML-002", out.evidence(), problem).at(out.locator.text(row)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(pairs: &Pairs<'_>) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    fn read(text: &str) -> Vec<(String, String)> {
        plain(&bracketed(text).unwrap())
    }

    #[test]
    fn a_bracketed_value_may_hold_brackets() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            read("[AuditEvent=A][Info=x [y] z][Outcome=Success] words [with] brackets"),
            [pair("AuditEvent", "A"), pair("Info", "x [y] z"), pair("Outcome", "Success")]
        );
        assert_eq!(read("[A=a]b][B=c [d] text"), [pair("A", "a]b"), pair("B", "c [d")]);
        assert_eq!(read("[A=<null>] text"), [pair("A", "<null>")]);
        assert_eq!(read("[A=CN=x][O=y,B=z] text"), [pair("A", "CN=x"), pair("O", "y,B=z")], "this is how a DN with brackets looks");
        assert!(bracketed("[A=b").is_err() && bracketed("[no key] text").is_err());
        assert!(bracketed("no brackets").unwrap().is_empty());
    }

    #[test]
    fn a_key_that_stands_twice_has_no_value() {
        let pairs = bracketed("[Outcome=Success][Outcome=Failure] x").unwrap();
        assert!(value(&pairs, "Outcome").is_err());
        assert_eq!(value(&pairs, "Other"), Ok(None));
    }

    #[test]
    fn white_space_is_found_where_it_is_none_of_ascii() {
        for text in ["", "a", "é", "a b", "é b", "éb\u{a0}c", "a\u{2003}", "\u{b}x", "x\u{85}"] {
            assert_eq!(space(text), text.find(char::is_whitespace), "{text:?}");
        }
    }

    #[test]
    fn quoted_values_end_at_their_quote() {
        let pairs = quoted("   duration=\"1 \\\"µs\\\"\" referer= status=200").unwrap();
        let all: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect();
        assert_eq!(all, [("duration", "1 \"µs\""), ("referer", ""), ("status", "200")]);
        for text in ["words", "a=\"x", "a=\"x\"y", "=x", "\"a=b"] {
            assert!(quoted(text).is_err(), "{text}");
        }
    }

    /// Maps as Java writes them, and some that only look so.
    fn maps() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("<void method=\"put\"><string>a</string><string>b</string></void>"),
            Just("\n <void method=\"put\">\n  <string>c</string>\n  <int>1</int>\n </void>"),
            Just("<void method=\"put\"><string>d</string><long>-2</long></void>"),
            Just("<void method=\"put\"><string>e</string><string> &amp; </string></void>"),
            Just("<void method=\"put\"><string>f</string><string></string></void>"),
            Just("<void method=\"put\"><string>g</string><string>B64:w6k=</string></void>"),
            Just("<void method=\"put\"><string>h</string><null/></void>"),
            Just(
                "<void method=\"put\"><string>i</string><object class=\"java.util.ArrayList\"><void method=\"add\"><int>1</int></void></object></void>"
            ),
            Just("<void method=\"add\"><string>j</string></void>"),
            Just("<!-- x -->"),
            Just("words"),
            Just("</object>"),
            Just("<string>k</string>"),
            Just("<void method=\"put\"><string>l</string><string> m </string></void>"),
        ];
        let head = prop_oneof![
            Just(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<java version=\"11.0.1\" class=\"java.beans.XMLDecoder\">\n <object class=\"java.util.LinkedHashMap\">"
            ),
            Just("<java version=\"1\" class=\"java.beans.XMLDecoder\"><object class=\"java.util.HashMap\">"),
            Just("<java version=\"1\" class=\"java.beans.XMLDecoder\"><object class=\"x\">"),
            Just("<java><object>"),
        ];
        let end = prop_oneof![Just("</object></java>"), Just("\n</object>\n</java>\n"), Just("</object></java>x"), Just("</object>")];
        (head, proptest::collection::vec(piece, 0..4), end).prop_map(|(head, pieces, end)| format!("{head}{}{end}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn a_map_reads_the_same_as_any_xml(text in maps()) {
            let tree = java_beans::map(&text);
            let read = beans(&text).map(|pairs| pairs.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect());
            prop_assert_eq!(read, tree);
        }

        #[test]
        fn any_text_has_pairs_or_a_reason(text in "[\\[\\]=a-c \"\\\\é]{0,40}") {
            let _ = bracketed(&text);
            let _ = quoted(&text);
        }
    }
}
