//! Which patterns of secrets are worth looking for in a text: nearly no record has a secret, and every record is
//! searched.

use std::ops::Range;
use std::sync::LazyLock;

use super::secrets::TELLING;

/// What must stand in a text, in any case, for a pattern to be worth looking for. None is shorter than three octets.
static TRIGGERS: [(&str, &[Look]); 28] = [
    ("pass", &[Look::Word, Look::Asked, Look::Option, Look::Stated, Look::Embedded]),
    ("pin", &[Look::Word, Look::Asked, Look::Option, Look::Stated, Look::Embedded]),
    ("secret", &[Look::Word, Look::Asked, Look::Option, Look::Embedded]),
    ("token", &[Look::Word, Look::Asked]),
    ("otp", &[Look::Word, Look::Asked]),
    ("ott", &[Look::Word, Look::Option]),
    ("pwd", &[Look::Word, Look::Option]),
    ("api", &[Look::Word]),
    (" code", &[Look::Word]),
    ("enter", &[Look::Prompt]),
    ("type", &[Look::Prompt]),
    ("input", &[Look::Prompt]),
    ("confirm", &[Look::Prompt]),
    ("repeat", &[Look::Prompt]),
    ("verify", &[Look::Prompt]),
    ("provide", &[Look::Prompt]),
    ("supply", &[Look::Prompt]),
    ("changeuser", &[Look::Option]),
    ("adduser", &[Look::Option]),
    (".key#", &[Look::Option]),
    ("eyj", &[Look::Bearer]),
    ("bearer", &[Look::Bearer]),
    ("authorization", &[Look::Bearer]),
    ("://", &[Look::Embedded]),
    ("key", &[Look::Key]),
    ("kek", &[Look::Key]),
    ("zmk", &[Look::Key]),
    ("lmk", &[Look::Key]),
];

/// By the place in a trigger and the octet there, in any case: which triggers have it, each as a bit.
static OCTETS: LazyLock<[[u32; 256]; BEGIN]> = LazyLock::new(|| {
    let mut octets = [[0; 256]; BEGIN];
    for (place, table) in octets.iter_mut().enumerate() {
        for (number, (trigger, _)) in TRIGGERS.iter().enumerate() {
            let wanted = trigger.as_bytes().get(place);
            let fits = |octet: u8| wanted.is_none_or(|wanted| octet.eq_ignore_ascii_case(wanted));
            (0..=u8::MAX).zip(table.iter_mut()).filter(|(octet, _)| fits(*octet)).for_each(|(_, has)| *has |= 1 << number);
        }
    }
    octets
});
/// How many octets of a trigger are looked at.
const BEGIN: usize = 6;

/// A pattern that a trigger is of; a prompt has a word that asks, and one that is asked for.
#[derive(Clone, Copy)]
pub(super) enum Look {
    Word,
    Prompt,
    Asked,
    Option,
    Stated,
    Bearer,
    Embedded,
    Key,
}

fn has(table: &[u32; 256], octet: u8) -> u32 {
    table.get(usize::from(octet)).copied().unwrap_or_default()
}

/// The patterns whose triggers stand in a text, or at least how they begin.
pub(super) struct Looks(u32);

impl Looks {
    pub(super) fn of(text: &str) -> Self {
        // Letters beyond ASCII fold into it: then anything may stand there.
        if !text.is_ascii() {
            return Self(u32::MAX);
        }
        let [first, second, third, others @ ..] = &*OCTETS;
        let octets = text.as_bytes();
        let mut found = 0;
        for (at, three) in octets.windows(3).enumerate() {
            let [a, b, c] = three else { continue };
            let begun = has(first, *a) & has(second, *b) & has(third, *c);
            if begun != 0 {
                let rest = octets.get(at + 3..).unwrap_or_default().iter().chain(&[0; BEGIN]);
                found |= others.iter().zip(rest).fold(begun, |begun, (table, octet)| begun & has(table, *octet));
            }
        }
        let looks = TRIGGERS.iter().enumerate().filter(|(number, _)| found >> number & 1 == 1).flat_map(|(_, (_, looks))| *looks);
        Self(if found == 0 { 0 } else { looks.fold(0, |all, look| all | 1 << *look as u32) })
    }

    pub(super) fn has(&self, look: Look) -> bool {
        self.0 & (1 << look as u32) != 0
    }

    /// Whether none but these are worth looking for.
    pub(super) fn only(&self, looks: &[Look]) -> bool {
        self.0 & !looks.iter().fold(0, |all, look| all | 1 << *look as u32) == 0
    }

    fn none(&self) -> bool {
        let others = [Look::Word, Look::Option, Look::Stated, Look::Bearer, Look::Embedded];
        !self.prompts() && !others.into_iter().any(|look| self.has(look))
    }

    pub(super) fn prompts(&self) -> bool {
        self.has(Look::Prompt) && self.has(Look::Asked)
    }
}

/// Whether neither a text nor any of its parts, put together as names and values, can hold a secret.
pub(crate) fn none_in(text: &str) -> bool {
    Looks::of(text).none() && runs(text).is_empty()
}

/// Whether a value under a name can be no secret: what is looked for begins in the one or the other.
pub(super) fn none_under(name: &str, value: &str) -> bool {
    let looks = Looks(Looks::of(name).0 | Looks::of(value).0);
    looks.none() && runs(value).is_empty() && name.len() < TELLING
}

/// The runs of digits, of base64 or hexadecimal, that are long enough to be an encoded key, with their padding.
pub(super) fn runs(text: &str) -> Vec<Range<usize>> {
    let octets = text.as_bytes();
    let digit = |at: usize| octets.get(at).is_some_and(|o| o.is_ascii_alphanumeric() || matches!(o, b'+' | b'/' | b'-' | b'_'));
    let (mut found, mut from) = (Vec::new(), 0);
    // A run that begins here has a digit where it is just long enough: else the next begins behind that place.
    while from + TELLING <= octets.len() {
        let last = from + TELLING - 1;
        if let Some(other) = (from..=last).rev().find(|at| !digit(*at)) {
            from = other + 1;
            continue;
        }
        let mut end = last + 1;
        while digit(end) {
            end += 1;
        }
        let padding = octets.iter().skip(end).take(2).take_while(|octet| **octet == b'=').count();
        found.push(from..end + padding);
        from = end + padding;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secrets::{BEARER, EMBEDDED, KEY, OPTION, PROMPT, STATED, WORD, find};
    use proptest::prelude::*;
    use regex::Regex;

    /// The patterns that make up a text often enough.
    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("password"),
            Just("PIN"),
            Just("tok"),
            Just("en"),
            Just("Enter "),
            Just("key"),
            Just("="),
            Just(": "),
            Just("--"),
            Just(" "),
            Just("0011223344556677"),
            Just("8899aabbccddeeff"),
            Just("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"),
            Just("_"),
            Just("otp"),
            Just("t"),
            Just("Bearer "),
            Just("eyJhbGciOi"),
            Just("."),
            Just("://a:b@c"),
            Just("<pin>1</pin>"),
            Just("is 1234"),
            Just("-pass"),
            Just("in pass:x"),
            Just(".key#"),
            Just("AddUser=a,b,c,d"),
            Just("ſ"),
            Just("api"),
            Just("one time code"),
            Just("pwd"),
        ];
        proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn a_pattern_that_a_trigger_passes_by_is_not_there(text in texts()) {
            let looks = Looks::of(&text);
            let there = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().unwrap().is_match(&text);
            prop_assert!(looks.prompts() || !there(&PROMPT));
            prop_assert!(!none_in(&text) || find(&text).is_none());
            let (name, value) = text.split_once('=').unwrap_or((&text, ""));
            let together = format!("{name}={value}");
            prop_assert!(!none_under(name, value) || find(&together).is_none());
            for (look, pattern) in [
                (Look::Word, &WORD), (Look::Option, &OPTION), (Look::Stated, &STATED), (Look::Bearer, &BEARER),
                (Look::Embedded, &EMBEDDED), (Look::Key, &KEY),
            ] {
                prop_assert!(looks.has(look) || !there(pattern), "{}", pattern.as_ref().unwrap());
            }
            let pattern = Regex::new(r"[A-Za-z0-9+/_-]{32,}={0,2}").unwrap();
            prop_assert_eq!(runs(&text), pattern.find_iter(&text).map(|run| run.range()).collect::<Vec<_>>());
            prop_assert!(!runs(&text).is_empty() || !there(&KEY));
        }
    }
}
