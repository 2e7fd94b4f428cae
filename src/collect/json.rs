//! JSON objects as values by path: numbers stay text, nested objects become `a.b`, and a key that stands
//! twice is refused: which of the two would count?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What becomes of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// Its values are `a.0`, `a.1` and so on.
    Numbered,
    /// Its values are one, joined with `; `.
    Joined,
}

/// The values of an object.
#[derive(Debug, Default)]
pub(crate) struct Object {
    /// By path; nulls are left out.
    pub(crate) values: BTreeMap<String, String>,
    /// Every path, those of nulls too.
    pub(crate) keys: BTreeSet<String>,
    problem: Option<String>,
}

impl Object {
    fn refuse(&mut self, why: impl Into<String>) {
        self.problem.get_or_insert_with(|| why.into());
    }

    /// The object, if it is one without contradiction.
    ///
    /// # Errors
    /// Why it is not, in words.
    pub(crate) fn whole(self) -> Result<Self, String> {
        match self.problem {
            None => Ok(self),
            Some(why) => Err(why),
        }
    }
}

/// The values of a text that is one object.
///
/// # Errors
/// Why it is not, in words.
pub(crate) fn object(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut object = Object::default();
    let mut input = serde_json::Deserializer::from_str(text);
    Value::top(&mut object, Lists::Numbered).deserialize(&mut input).map_err(|error| error.to_string())?;
    input.end().map_err(|error| error.to_string())?;
    Ok(object.whole()?.values)
}

/// Hands over the elements of a document that is one array, or of the arrays that are members of a
/// document that is one object, each with the ordinal of its array.
///
/// # Errors
/// Where the text is no JSON, or something else than these.
pub(crate) fn arrays(text: &str, take: &mut dyn FnMut(usize, Object)) -> Result<(), String> {
    let mut input = serde_json::Deserializer::from_str(text);
    Document { take, arrays: 0 }.deserialize(&mut input).map_err(|error| error.to_string())?;
    input.end().map_err(|error| error.to_string())
}

/// What `serde_json` hands over for a number under `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

struct Value<'a> {
    path: String,
    object: &'a mut Object,
    lists: Lists,
    /// Not inside an object yet.
    top: bool,
    /// Inside a list whose values are joined.
    joined: bool,
}

impl<'a> Value<'a> {
    fn top(object: &'a mut Object, lists: Lists) -> Self {
        Self { path: String::new(), object, lists, top: true, joined: false }
    }

    fn put(self, value: String) {
        if self.top {
            return self.object.refuse("not an object");
        }
        self.object.keys.insert(self.path.clone());
        match self.object.values.get_mut(&self.path) {
            None => {
                self.object.values.insert(self.path, value);
            }
            Some(list) if self.joined => {
                list.push_str("; ");
                list.push_str(&value);
            }
            Some(_) => self.object.refuse(format!("key {:?} stands twice", self.path)),
        }
    }

    fn inside(&mut self, key: &str) -> Value<'_> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Value { path, object: self.object, lists: self.lists, top: false, joined: self.joined }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(value.to_string());
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(value.to_string());
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(value.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(value.to_string());
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.put(value.to_owned());
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.top {
            self.object.refuse("not an object");
        } else {
            self.object.keys.insert(self.path);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        if self.top {
            self.object.refuse("not an object");
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        if self.lists == Lists::Joined {
            self.object.keys.insert(self.path.clone());
            while items
                .next_element_seed(Value { path: self.path.clone(), object: self.object, lists: self.lists, top: false, joined: true })?
                .is_some()
            {}
            return Ok(());
        }
        let mut index = 0_u32;
        while items.next_element_seed(self.inside(&index.to_string()))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if key == NUMBER {
                self.put(entries.next_value()?);
                return Ok(());
            }
            if !seen.insert(key.clone()) {
                self.object.refuse(format!("key {key:?} stands twice"));
            }
            entries.next_value_seed(self.inside(&key))?;
        }
        Ok(())
    }
}

struct Document<'a> {
    take: &'a mut dyn FnMut(usize, Object),
    arrays: usize,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects, or an object that has one")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        Member { take: self.take, array: 0 }.visit_seq(items).map(drop)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key::<IgnoredAny>()?.is_some() {
            let array = entries.next_value_seed(Member { take: self.take, array: self.arrays })?;
            self.arrays += usize::from(array);
        }
        Ok(())
    }
}

/// A member of the document; its value tells whether it is an array.
struct Member<'a> {
    take: &'a mut dyn FnMut(usize, Object),
    array: usize,
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<bool, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        loop {
            let mut object = Object::default();
            if items.next_element_seed(Value::top(&mut object, Lists::Joined))?.is_none() {
                return Ok(true);
            }
            (self.take)(self.array, object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_keep_their_digits() {
        let values = object(r#"{"serial": 123456789012345678901234567890, "a": {"b": [true, null, "x"]}}"#).unwrap();
        assert_eq!(values.get("serial").map(String::as_str), Some("123456789012345678901234567890"));
        assert_eq!(values.get("a.b.0").map(String::as_str), Some("true"));
        assert_eq!(values.get("a.b.2").map(String::as_str), Some("x"));
    }

    #[test]
    fn a_key_twice_is_refused() {
        assert!(object(r#"{"a": 1, "a": 2}"#).is_err());
        assert!(object(r#"{"a": null, "a": 2}"#).is_err());
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        for text in ["[1]", "3", "null", "\"x\"", "{} {}", "{\"a\": 1", ""] {
            assert!(object(text).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(object(&deep).is_err());
    }

    #[test]
    fn the_elements_of_every_array_are_handed_over_with_its_ordinal() {
        let mut seen = Vec::new();
        let text =
            r#"{"made": 1, "rows": [{"a": {"b": [1, {"c": "x"}, "y"]}}, 3, {"a": 1, "a": 2}], "none": {"rows": []}, "more": [null]}"#;
        arrays(text, &mut |array, object| seen.push((array, object.whole().map(|object| object.values)))).unwrap();
        let first = seen.first().unwrap().1.clone().unwrap();
        assert_eq!(first.get("a.b").map(String::as_str), Some("1; y"));
        assert_eq!(first.get("a.b.c").map(String::as_str), Some("x"));
        let kinds: Vec<(usize, bool)> = seen.iter().map(|(array, object)| (*array, object.is_ok())).collect();
        assert_eq!(kinds, [(0, true), (0, false), (0, false), (1, false)]);
        assert!(arrays("[{}", &mut |_, _| ()).is_err());
    }
}
