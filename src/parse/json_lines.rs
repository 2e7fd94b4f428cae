//! One JSON object a line. Numbers stay text, nested objects become `a.b`, a key that stands twice is
//! refused: which of the two would count?

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::text::Lines;
use super::{Output, secrets};
use crate::domain::digest;

pub(super) fn read<R: Read>(lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let fields = out.fields();
    while let Some(line) = lines.next()? {
        let Some((number, text, ended)) = out.text_of(&line) else { continue };
        match flatten(text) {
            Ok(mut values) => {
                let mut masked = false;
                for value in values.values_mut() {
                    if let std::borrow::Cow::Owned(clean) = secrets::mask(value) {
                        *value = clean;
                        masked = true;
                    }
                }
                out.parsed.masked += u64::from(masked);
                let all = values.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
                let print = digest::sha256_of_parts(all);
                out.record(number, |index| match fields.get(index).map(String::as_str) {
                    Some("record") => Some(digest::short(&print, 16)),
                    Some(field) => values.get(field).map(String::as_str).filter(|text| !text.is_empty()),
                    None => None,
                });
            }
            Err(error) if !ended => {
                out.parsed.truncated = true;
                out.reject("N-LINE-003", number, format!("the last line has no end and is no whole object: {error}"));
            }
            Err(error) => out.reject("N-JSON-001", number, error.to_string()),
        }
    }
    Ok(())
}

/// The values of an object by path; nulls are left out.
fn flatten(text: &str) -> Result<BTreeMap<String, String>, serde_json::Error> {
    let mut values = BTreeMap::new();
    let mut input = serde_json::Deserializer::from_str(text);
    Into { prefix: String::new(), values: &mut values, top: true }.deserialize(&mut input)?;
    input.end()?;
    Ok(values)
}

struct Into<'a> {
    prefix: String,
    values: &'a mut BTreeMap<String, String>,
    top: bool,
}

impl Into<'_> {
    fn put<E: Error>(self, value: String) -> Result<(), E> {
        if self.top {
            return Err(E::custom("not an object"));
        }
        match self.values.insert(self.prefix.clone(), value) {
            None => Ok(()),
            Some(_) => Err(E::custom(format!("key {:?} stands twice", self.prefix))),
        }
    }

    fn inside(&mut self, key: &str) -> Into<'_> {
        let prefix = if self.prefix.is_empty() { key.to_owned() } else { format!("{}.{key}", self.prefix) };
        Into { prefix, values: self.values, top: false }
    }
}

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.put(value.to_owned())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.top { Err(E::custom("not an object")) } else { Ok(()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        if self.top {
            return Err(A::Error::custom("not an object"));
        }
        let mut index = 0_u32;
        while items.next_element_seed(self.inside(&index.to_string()))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        // serde_json hands a number over as a map under `arbitrary_precision`.
        let mut seen = std::collections::BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if key == "$serde_json::private::Number" {
                let number: String = entries.next_value()?;
                return self.put(number);
            }
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("key {key:?} stands twice")));
            }
            entries.next_value_seed(self.inside(&key))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_keep_their_digits() {
        let values = flatten(r#"{"serial": 123456789012345678901234567890, "a": {"b": [true, null, "x"]}}"#).unwrap();
        assert_eq!(values.get("serial").map(String::as_str), Some("123456789012345678901234567890"));
        assert_eq!(values.get("a.b.0").map(String::as_str), Some("true"));
        assert_eq!(values.get("a.b.2").map(String::as_str), Some("x"));
    }

    #[test]
    fn a_key_twice_is_refused() {
        assert!(flatten(r#"{"a": 1, "a": 2}"#).is_err());
        assert!(flatten(r#"{"a": null, "a": 2}"#).is_err());
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        for text in ["[1]", "3", "null", "\"x\"", "{} {}", "{\"a\": 1", ""] {
            assert!(flatten(text).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(flatten(&deep).is_err());
    }
}
