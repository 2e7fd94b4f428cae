//! Names that stand in record after record, so that each is asked only once whether it names a secret.

use super::secrets::{Masked, TELLING, find, find_under};
use super::triggers::{Look, Looks, runs};

/// Most names that are kept; the values under others are looked at one by one.
const MOST: usize = 256;

/// What is known of the names met so far.
#[derive(Default)]
pub(crate) struct Names(Vec<Name>);

struct Name {
    path: String,
    /// A value that can hold no secret by itself holds none under it.
    harmless: bool,
}

impl Name {
    fn of(path: &str) -> Self {
        let name = path.rsplit('.').next().unwrap_or(path);
        let looks = Looks::of(name);
        let words = || looks.only(&[Look::Word, Look::Asked, Look::Key]) && !name.contains(['=', ':']);
        let harmless = name.len() < TELLING && (looks.only(&[]) || (words() && find(&format!("{name}=zQ7")).is_none()));
        Self { path: path.to_owned(), harmless }
    }
}

impl Names {
    /// A value with its secrets masked; nothing where it holds none. Where the name stands at the same place as in
    /// the record before, it is not looked for.
    pub(crate) fn find(&mut self, place: usize, path: &str, value: &str) -> Option<Masked> {
        let own = Looks::of(value);
        let known = match self.0.get(place) {
            Some(name) if name.path == path => Some(name),
            _ => match self.0.iter().position(|name| name.path == path) {
                Some(found) => self.0.get(found),
                None if self.0.len() < MOST => {
                    self.0.push(Name::of(path));
                    self.0.last()
                }
                None => None,
            },
        };
        // Every pattern has more in it than one word.
        let word = || value.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_');
        let none = known.is_some_and(|name| name.harmless) && (own.only(&[]) || word());
        if none && runs(value).is_empty() { None } else { find_under(path, value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("pin"),
            Just("authToken"),
            Just("token"),
            Just("password"),
            Just("authorization"),
            Just("Basic abc"),
            Just("enter"),
            Just("key"),
            Just("."),
            Just("="),
            Just(":"),
            Just(" "),
            Just("x"),
            Just("1234"),
            Just("is"),
            Just("--pass"),
            Just("://a:b@c"),
            Just("00112233445566778899aabbccddeeff"),
            Just("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"),
            Just("é"),
            Just("n/a"),
        ];
        proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn a_value_is_masked_as_if_its_name_had_never_been_met(pairs in proptest::collection::vec((words(), words()), 1..8)) {
            let mut names = Names::default();
            for (place, (name, value)) in pairs.iter().chain(&pairs).enumerate() {
                let found = names.find(place % pairs.len(), name, value).map(|masked| masked.text);
                prop_assert_eq!(found, find_under(name, value).map(|masked| masked.text), "{} under {}", value, name);
            }
        }
    }
}
