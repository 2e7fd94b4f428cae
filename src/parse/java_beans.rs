//! Maps as `java.beans.XMLEncoder` writes them: one of settings, many of records, or one inside a record. They are read as text and nothing more: no class it names is
//! looked for, and what is neither a map, a list nor a plain value is rejected.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Output;
use super::pairs::Maps;
use super::xml::{self, Element};
use crate::domain::digest;
use crate::domain::secrets::{self, MASK};

enum Value {
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

/// A setting: the line it stands in, its path and value.
struct Setting {
    line: u64,
    key: String,
    value: String,
}

/// Reads the entries of the map. Rows are their ordinals.
pub(super) fn read(octets: &[u8], out: &mut Output<'_>) {
    if octets.len() as u64 > xml::MAX_FILE {
        return out.fail("N-FS-004", "larger than 16 MiB");
    }
    let Some(text) = xml::text_of(octets, out) else { return };
    let root = match xml::tree(&text) {
        Ok(root) => root,
        Err(refused) => {
            out.parsed.truncated = refused.cut;
            return out.fail(refused.code, &refused.why);
        }
    };
    match root.children.as_slice() {
        [map] if root.name == "java" && map.name == "object" => entries(map, out),
        _ => out.fail("N-XML-002", "not one object within an element java"),
    }
}

/// Reads a file of maps, each of them a record. Rows are their ordinals.
pub(super) fn read_records(input: impl BufRead, names: &[String], out: &mut Output<'_>) {
    let fields = out.fields();
    let maps = Maps::new(names, &fields);
    let mut ordinal = 0;
    let read = xml::each_child(input, "java", &mut |element| {
        ordinal += 1;
        out.parsed.total += 1;
        match record(&element) {
            Ok(cells) => {
                let cell = |name: &str| cells.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
                let opened = maps.open(false, cell);
                let print = digest::fingerprint_of_parts(cells.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]));
                let mut masked = false;
                let values: Vec<Option<Cow<'_, str>>> = (0..)
                    .zip(&fields)
                    .map(|(index, field)| match field.as_str() {
                        "record" => Some(Cow::Borrowed(print.as_str())),
                        name => {
                            let (found, hidden) = opened.field(index, name, cell);
                            masked |= hidden;
                            found
                        }
                    })
                    .collect();
                out.saw_secret(ordinal, masked);
                out.record_with(ordinal, &opened.doubts, |index| values.get(index)?.as_deref().filter(|text| !text.is_empty()));
                opened.note(ordinal, out);
            }
            Err(why) => out.reject("N-XML-002", ordinal, why),
        }
    });
    if let Err(refused) = read {
        out.parsed.truncated = refused.cut;
        out.fail(refused.code, &refused.why);
    }
}

/// The plain values of a map; a key that stands twice is refused: which of the two would count?
fn record(map: &Element) -> Result<Vec<(String, String)>, String> {
    if map.name != "object" || map.attribute("idref").is_some() {
        return Err(format!("an element {} that is no map", map.name));
    }
    let mut seen = BTreeSet::new();
    let mut cells: Vec<(String, String)> = Vec::new();
    for child in &map.children {
        let (key, value) = entry(child)?;
        let Value::Text(value) = value else { return Err(format!("{key:?} is no plain value")) };
        if !seen.insert(key.clone()) {
            return Err(format!("the key {key:?} stands twice"));
        }
        cells.push((key, value));
    }
    if cells.is_empty() { Err("a map with nothing in it".to_owned()) } else { Ok(cells) }
}

/// The entries of a map that stands as text inside a record; those of maps within it have their path.
///
/// # Errors
/// Why the text is no such map, in words.
pub(super) fn map(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.trim();
    if !text.starts_with('<') {
        return Err("text stands before the map".to_owned());
    }
    let root = xml::tree(text).map_err(|refused| refused.why)?;
    let map = match root.children.as_slice() {
        [map] if root.name == "java" && map.name == "object" => map,
        _ => return Err("not one map within an element java".to_owned()),
    };
    let mut settings = Vec::new();
    for child in &map.children {
        let (key, value) = entry(child)?;
        flatten(0, key, value, &mut settings);
    }
    let mut seen = BTreeSet::new();
    let mut entries: Vec<(String, String)> = Vec::new();
    for Setting { key, value, .. } in settings.into_iter().filter_map(Result::ok) {
        if !seen.insert(key.clone()) {
            return Err(format!("the key {key:?} stands twice"));
        }
        entries.push((key, plain(value)));
    }
    Ok(entries)
}

/// The entries of a map that is written as Java writes one of plain values: millions of records have one each. Nothing
/// where the text is any other XML, which is then read as such.
pub(super) fn flat(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = text.trim();
    for start in [r#"<?xml version="1.0""#, r#" encoding="UTF-8""#, "?>"] {
        rest = rest.strip_prefix(start).unwrap_or(rest);
    }
    let (version, after) = rest.trim_start().strip_prefix(r#"<java version=""#)?.split_once(r#"" class="java.beans.XMLDecoder">"#)?;
    let number = version.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'_' | b'-' | b'+'));
    let object = after.trim_start().strip_prefix(r#"<object class="java.util."#)?;
    let mut rest = ["LinkedHashMap", "HashMap", "TreeMap"].iter().find_map(|class| object.strip_prefix(class)?.strip_prefix(r#"">"#))?;
    let mut entries = Vec::with_capacity(16);
    while let Some(entry) = rest.trim_start().strip_prefix(r#"<void method="put">"#) {
        let (key, after) = text_of("string", entry)?;
        let kind = after.trim_start().get(1..)?.split('>').next()?;
        let known = ["string", "int", "long", "boolean"].into_iter().find(|known| *known == kind)?;
        let (value, after) = text_of(known, after)?;
        entries.push((key, value));
        rest = after.trim_start().strip_prefix("</void>")?;
    }
    let end = rest.trim_start().strip_prefix("</object>")?.trim_start().strip_prefix("</java>")?;
    (number && end.trim().is_empty()).then_some(entries)
}

/// The text of the element that comes next, and what follows it; nothing where it holds anything but text as it is.
fn text_of<'t>(name: &str, text: &'t str) -> Option<(&'t str, &'t str)> {
    let inside = text.trim_start().strip_prefix('<')?.strip_prefix(name)?.strip_prefix('>')?;
    let end = inside.bytes().position(|octet| matches!(octet, b'<' | b'&' | b'\r'))?;
    let after = inside.get(end..)?.strip_prefix("</")?.strip_prefix(name)?.strip_prefix('>')?;
    Some((inside.get(..end)?, after))
}

/// EJBCA writes text that is not plain ASCII as `B64:` and base64.
fn plain(value: String) -> String {
    let decoded = value.strip_prefix("B64:").and_then(|encoded| STANDARD.decode(encoded).ok());
    decoded.and_then(|octets| String::from_utf8(octets).ok()).unwrap_or(value)
}

fn entries(map: &Element, out: &mut Output<'_>) {
    let mut settings = Vec::new();
    for child in &map.children {
        match entry(child) {
            Ok((key, value)) => flatten(child.line, key, value, &mut settings),
            Err(why) => settings.push(Err((child.line, why))),
        }
    }
    // Of two entries under one key a map keeps the later.
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for (ordinal, setting) in (1..).zip(&settings) {
        last.extend(setting.as_ref().ok().map(|setting| (setting.key.as_str(), ordinal)));
    }
    let fields = out.fields();
    for (ordinal, setting) in (1..).zip(&settings) {
        out.parsed.total += 1;
        match setting {
            Err((line, why)) => out.reject("N-XML-002", ordinal, format!("line {line}: {why}")),
            Ok(Setting { line, key, value }) => {
                let secret = secrets::find_under(key, value).or_else(|| secrets::find(&format!("{key}={value}")));
                if let Some(masked) = &secret {
                    out.saw_secrets(ordinal, &masked.kinds);
                }
                let value = if secret.is_some() { MASK } else { value.as_str() };
                let in_force = last.get(key.as_str()) == Some(&ordinal);
                let line = line.to_string();
                out.record(ordinal, |index| match fields.get(index).map(String::as_str) {
                    Some("key") => Some(key.as_str()),
                    Some("value") => Some(value),
                    Some("line") => Some(line.as_str()),
                    Some("in_force") => Some(if in_force { "true" } else { "false" }),
                    _ => None,
                });
            }
        }
    }
}

type Read = Result<Setting, (u64, String)>;

/// A map within becomes its entries under a path; a list one text.
fn flatten(line: u64, key: String, value: Value, settings: &mut Vec<Read>) {
    match value {
        Value::Map(entries) if !entries.is_empty() => {
            for (inner, value) in entries {
                flatten(line, format!("{key}.{inner}"), value, settings);
            }
        }
        value => settings.push(Ok(Setting { line, key, value: words(&value) })),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Map(entries) => {
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}={}", words(value))).collect();
            if entries.is_empty() { String::new() } else { format!("{{{}}}", entries.join(", ")) }
        }
    }
}

/// `<void method="put">`, a key and a value.
fn entry(element: &Element) -> Result<(String, Value), String> {
    match (element.name.as_str(), element.attribute("method"), element.children.as_slice()) {
        ("void", Some("put"), [key, value]) => match self::value(key)? {
            Value::Text(key) => Ok((key, self::value(value)?)),
            _ => Err("a key that is no plain value".to_owned()),
        },
        _ => Err(format!("an element {} that puts no key and value", element.name)),
    }
}

fn value(element: &Element) -> Result<Value, String> {
    let unknown = || Err(format!("a value {} of a kind that is not read", element.name));
    match element.name.as_str() {
        "string" | "int" | "long" | "short" | "byte" | "float" | "double" | "boolean" | "char" | "class" if element.children.is_empty() => {
            Ok(Value::Text(element.text.clone()))
        }
        "null" => Ok(Value::Text(String::new())),
        // A method makes the object from something else; an idref stands for one elsewhere.
        "object" | "array" if element.attribute("method").is_none() && element.attribute("idref").is_none() => {
            let adds = |child: &Element| {
                let puts = child.attribute("method") == Some("add") || child.attribute("index").is_some();
                child.name == "void" && puts && child.children.len() == 1
            };
            if element.children.iter().all(adds) {
                let items = element.children.iter().filter_map(|child| child.children.first());
                return items.map(value).collect::<Result<_, _>>().map(Value::List);
            }
            element.children.iter().map(entry).collect::<Result<_, _>>().map(Value::Map)
        }
        _ => unknown(),
    }
}
