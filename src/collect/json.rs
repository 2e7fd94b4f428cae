//! JSON objects as values by path: numbers stay text, nested objects become `a.b`, and a key that stands
//! twice is refused: which of the two would count?

use std::borrow::Cow;
use std::collections::BTreeSet;
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

/// An object as it was read.
#[derive(Debug, Default)]
pub(crate) struct Object<'t> {
    entries: Vec<Entry<'t>>,
    problem: Option<String>,
}

#[derive(Debug)]
struct Entry<'t> {
    path: Cow<'t, str>,
    held: Held<'t>,
    /// Within a list whose values are joined.
    joined: bool,
}

#[derive(Debug)]
enum Held<'t> {
    Value(Cow<'t, str>),
    Null,
    /// An object, or a list: what it holds stands under paths of its own.
    More,
}

/// Values by path, in the order of the paths. Nulls are left out.
#[derive(Debug, Default)]
pub(crate) struct Values<'t>(Vec<(Cow<'t, str>, Cow<'t, str>)>);

impl<'t> Values<'t> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, value)| (path.as_ref(), value.as_ref()))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Cow<'t, str>)> {
        self.0.iter_mut().map(|(path, value)| (&**path, value))
    }

    pub(crate) fn into_pairs(self) -> Vec<(Cow<'t, str>, Cow<'t, str>)> {
        self.0
    }

    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        let place = self.position(path)?;
        self.at(place).map(|(_, value)| value)
    }

    /// The path and the value at a place.
    pub(crate) fn at(&self, place: usize) -> Option<(&str, &str)> {
        self.0.get(place).map(|(path, value)| (path.as_ref(), value.as_ref()))
    }

    /// The place of a path.
    pub(crate) fn position(&self, path: &str) -> Option<usize> {
        self.0.binary_search_by(|(known, _)| known.as_ref().cmp(path)).ok()
    }
}

impl<'t> Object<'t> {
    fn refuse(&mut self, why: impl Into<String>) {
        self.problem.get_or_insert_with(|| why.into());
    }

    /// Every path that holds a value or a null.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| !matches!(entry.held, Held::More)).map(|entry| entry.path.as_ref())
    }

    /// The values of the object, if it is one without contradiction.
    ///
    /// # Errors
    /// Why it is not, in words.
    pub(crate) fn whole(self) -> Result<Values<'t>, String> {
        let (values, problem) = self.settle();
        problem.map_or(Ok(values), Err)
    }

    /// The values of the object, whatever is wrong with it.
    pub(crate) fn values(self) -> Values<'t> {
        self.settle().0
    }

    fn settle(self) -> (Values<'t>, Option<String>) {
        let Self { mut entries, mut problem } = self;
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        if let Some([entry, _]) = entries.windows(2).find_map(|pair| match pair {
            [one, other] if one.path == other.path && !(one.joined && other.joined) => Some([one, other]),
            _ => None,
        }) {
            problem.get_or_insert_with(|| format!("key {:?} stands twice", entry.path));
        }
        let mut values: Vec<(Cow<'t, str>, Cow<'t, str>)> = Vec::with_capacity(entries.len());
        for Entry { path, held, .. } in entries {
            let Held::Value(value) = held else { continue };
            match values.last_mut() {
                Some((last, all)) if *last == path => {
                    let all = all.to_mut();
                    all.push_str("; ");
                    all.push_str(&value);
                }
                _ => values.push((path, value)),
            }
        }
        (Values(values), problem)
    }
}

/// The values of a text that is one object.
///
/// # Errors
/// Why it is not, in words.
pub(crate) fn object(text: &str) -> Result<Values<'_>, String> {
    let mut object = Object { entries: Vec::with_capacity(ENTRIES), problem: None };
    let mut input = serde_json::Deserializer::from_str(text);
    Value::top(&mut object, Lists::Numbered).deserialize(&mut input).map_err(|error| error.to_string())?;
    input.end().map_err(|error| error.to_string())?;
    object.whole()
}

/// Hands over the elements of a document that is one array, or of the arrays that are members of a
/// document that is one object, each with the ordinal of its array.
///
/// # Errors
/// Where the text is no JSON, or something else than these.
pub(crate) fn arrays<'t>(text: &'t str, take: &mut dyn FnMut(usize, Object<'t>)) -> Result<(), String> {
    let mut input = serde_json::Deserializer::from_str(text);
    Document { take, arrays: 0 }.deserialize(&mut input).map_err(|error| error.to_string())?;
    input.end().map_err(|error| error.to_string())
}

/// Entries that most objects have room for, and that an allocator has at hand.
const ENTRIES: usize = 18;
/// What `serde_json` hands over for a number under `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

struct Value<'a, 't> {
    path: Cow<'t, str>,
    object: &'a mut Object<'t>,
    lists: Lists,
    /// Not inside an object yet.
    top: bool,
    /// Inside a list whose values are joined.
    joined: bool,
}

impl<'a, 't> Value<'a, 't> {
    fn top(object: &'a mut Object<'t>, lists: Lists) -> Self {
        Self { path: Cow::Borrowed(""), object, lists, top: true, joined: false }
    }

    fn put(self, held: Held<'t>) {
        if self.top {
            return self.object.refuse("not an object");
        }
        self.object.entries.push(Entry { path: self.path, held, joined: self.joined });
    }

    /// What stands under a key, or an ordinal; the value of a number has no name of its own.
    fn inside(&mut self, key: Cow<'t, str>) -> Value<'_, 't> {
        let path = if self.path.is_empty() { key } else { Cow::Owned([&self.path, ".", &key].concat()) };
        Value { path, object: self.object, lists: self.lists, top: false, joined: self.joined }
    }

    /// Says that an object or a list stands here.
    fn more(&mut self) {
        if !self.top {
            self.object.entries.push(Entry { path: self.path.clone(), held: Held::More, joined: self.joined });
        }
    }
}

impl<'t> DeserializeSeed<'t> for Value<'_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Value<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(Held::Value(Cow::Borrowed(if value { "true" } else { "false" })));
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(Held::Value(Cow::Owned(value.to_string())));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(Held::Value(Cow::Owned(value.to_string())));
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(Held::Value(Cow::Owned(value.to_string())));
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, value: &'t str) -> Result<(), E> {
        self.put(Held::Value(Cow::Borrowed(value)));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.put(Held::Value(Cow::Owned(value.to_owned())));
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put(Held::Null);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(mut self, mut items: A) -> Result<(), A::Error> {
        if self.top {
            self.object.refuse("not an object");
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        if self.lists == Lists::Joined {
            let (path, lists) = (self.path.clone(), self.lists);
            self.object.entries.push(Entry { path: path.clone(), held: Held::Null, joined: true });
            while items.next_element_seed(Value { path: path.clone(), object: self.object, lists, top: false, joined: true })?.is_some() {}
            return Ok(());
        }
        self.more();
        let mut index = 0_u32;
        while items.next_element_seed(self.inside(Cow::Owned(index.to_string())))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut entries: A) -> Result<(), A::Error> {
        // Joined values may have one path: then only here can a key be seen to stand twice.
        let mut seen = BTreeSet::new();
        let mut first = true;
        while let Some(key) = entries.next_key_seed(Key)? {
            if key == NUMBER {
                self.put(Held::Value(Cow::Owned(entries.next_value()?)));
                return Ok(());
            }
            if std::mem::take(&mut first) {
                self.more();
            }
            if self.joined && !seen.insert(key.clone()) {
                self.object.refuse(format!("key {key:?} stands twice"));
            }
            entries.next_value_seed(self.inside(key))?;
        }
        if first {
            self.more();
        }
        Ok(())
    }
}

/// The key of an entry.
struct Key;

impl<'t> DeserializeSeed<'t> for Key {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, input: D) -> Result<Cow<'t, str>, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for Key {
    type Value = Cow<'t, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'t str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

struct Document<'a, 't> {
    take: &'a mut dyn FnMut(usize, Object<'t>),
    arrays: usize,
}

impl<'t> DeserializeSeed<'t> for Document<'_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Document<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects, or an object that has one")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, items: A) -> Result<(), A::Error> {
        Member { take: self.take, array: 0 }.visit_seq(items).map(drop)
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key::<IgnoredAny>()?.is_some() {
            let array = entries.next_value_seed(Member { take: self.take, array: self.arrays })?;
            self.arrays += usize::from(array);
        }
        Ok(())
    }
}

/// A member of the document; its value tells whether it is an array.
struct Member<'a, 't> {
    take: &'a mut dyn FnMut(usize, Object<'t>),
    array: usize,
}

impl<'t> DeserializeSeed<'t> for Member<'_, 't> {
    type Value = bool;

    fn deserialize<D: Deserializer<'t>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Member<'_, 't> {
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

    fn visit_map<A: MapAccess<'t>>(self, mut entries: A) -> Result<bool, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> Result<bool, A::Error> {
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
        assert_eq!(values.get("serial"), Some("123456789012345678901234567890"));
        assert_eq!(values.get("a.b.0"), Some("true"));
        assert_eq!(values.get("a.b.2"), Some("x"));
    }

    #[test]
    fn a_key_twice_is_refused() {
        assert!(object(r#"{"a": 1, "a": 2}"#).is_err());
        assert!(object(r#"{"a": null, "a": 2}"#).is_err());
        assert!(object(r#"{"a": {"b": 1}, "a": {"c": 1}}"#).is_err());
        assert!(object(r#"{"a": {}, "a": []}"#).is_err());
        assert!(object(r#"{"a": {"b": 1}, "a.b": 1}"#).is_err());
        assert!(object(r#"{"a": [{"b": 1}, {"b": 1}], "b": {"a": 1}}"#).is_ok());
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
        arrays(text, &mut |array, object| seen.push((array, object.whole()))).unwrap();
        let first = seen.first().unwrap().1.as_ref().unwrap();
        assert_eq!(first.get("a.b"), Some("1; y"));
        assert_eq!(first.get("a.b.c"), Some("x"));
        let kinds: Vec<(usize, bool)> = seen.iter().map(|(array, object)| (*array, object.is_ok())).collect();
        assert_eq!(kinds, [(0, true), (0, false), (0, false), (1, false)]);
        assert!(arrays("[{}", &mut |_, _| ()).is_err());
    }
}
