//! Patterns with named groups, for texts that come in millions: the lines of a log.

use std::ops::Range;

use regex::{CaptureLocations, Regex};

use super::steps::{Steps, Trail};

/// A pattern that a whole text is matched against.
#[derive(Debug)]
pub struct Pattern {
    /// What says what the pattern means, and decides where the steps do not.
    regex: Regex,
    steps: Option<Steps>,
}

/// The groups of the last text that matched, kept so that a text costs no memory of its own.
pub struct Groups {
    trail: Trail,
    locations: CaptureLocations,
    by_steps: bool,
}

impl Pattern {
    /// Compiles a pattern in the syntax of the crate `regex`.
    ///
    /// # Errors
    /// Where it is none.
    pub fn new(pattern: &str) -> Result<Self, regex::Error> {
        let regex = Regex::new(pattern)?;
        let steps = regex_syntax::parse(pattern).ok().and_then(|tree| Steps::new(&tree));
        Ok(Self { regex, steps })
    }

    /// The number of a group; nothing where none has this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<usize> {
        self.regex.capture_names().position(|known| known == Some(name))
    }

    /// Where the groups of a text will be put.
    #[must_use]
    pub fn groups(&self) -> Groups {
        Groups { trail: Trail::default(), locations: self.regex.capture_locations(), by_steps: false }
    }

    /// Whether a text matches, and where its groups are.
    pub fn find(&self, text: &str, groups: &mut Groups) -> bool {
        let quick = self.steps.as_ref().filter(|_| text.is_ascii()).and_then(|steps| steps.find(text.as_bytes(), &mut groups.trail));
        groups.by_steps = quick.is_some();
        quick.unwrap_or_else(|| self.regex.captures_read(&mut groups.locations, text).is_some())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }
}

impl Groups {
    /// Where a group stands in the text; nothing where it took no part.
    #[must_use]
    #[inline]
    pub fn range(&self, group: usize) -> Option<Range<usize>> {
        let found = if self.by_steps { self.trail.group(group) } else { self.locations.get(group) };
        found.map(|(start, end)| start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::catalogue::format::Reader;
    use proptest::prelude::*;

    /// What each says of a text: nothing, or its groups.
    fn both(pattern: &Pattern, text: &str) -> [Option<Vec<Option<Range<usize>>>>; 2] {
        let mut groups = pattern.groups();
        let found = pattern.find(text, &mut groups);
        let ours = (1..pattern.regex.captures_len()).map(|group| groups.range(group)).collect();
        let theirs = pattern.regex.captures(text).map(|groups| groups.iter().skip(1).map(|group| Some(group?.range())).collect());
        [found.then_some(ours), theirs]
    }

    /// Lines that the patterns of the formats match, or nearly.
    const LINES: &[&str] = &[
        "2021/04/11 10:00:12 [INFO] signed certificate with serial number 1234567",
        "2021/04/11 10:00:12 [INFO] signed certificate with serial number x 12",
        "000007 11.01.21 22:48:22.428 csxlan[573]: sig_handler() | got SIGTERM",
        "2021-01-12 21:23:22,097: keymaster: INFO Generated key: key_label=x1",
        "1,21/01/12 16:14:22,S/N 15 session 1 Access 21:2 SO container:20 operation LUNA_LOGIN returned RC_OK(0x00)",
        "12.01.21 12:52:22 [ADMIN~0,B~0] FC:0x083 SFC:0x0E Add User 'C' (C~0,0,00000002) [0]",
        "12.01.21 12:52:22 [] POST: ok  ",
        "0.h - [12/Jan/2021:09:00:22 GMT] [14] [6] [AuditEvent=A][SubjectID=a - [b]] words",
        "INFO[0015]  duration-ns=1 path=/sign serial=8 request-id=r status=201",
        "2021-01-12 14:12:22,success,0,Audit, x, 00000000000000000000,692f4100000000000000",
        "<13>1 2021-01-12T10:00:22Z h CEF:0|nCip\\|her|nShield|1|7|Sign|5|outcome=ok cn1=1",
        "2020-09-22T14:49:22Z host dc 6 boulder-ca[1]: x_ZkUQ [AUDIT] Signing cert JSON={\"a\":1}",
        "2020-09-22 host 6 boulder-ra x_ZkUQ [AUDIT] Revoked serial=[0a] certificate=[0b]",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 *usr/bin/a",
    ];

    #[test]
    fn the_lines_of_every_format_are_read_as_the_pattern_means() {
        let catalogue = Catalogue::load(&[]).unwrap();
        let patterns: Vec<&Pattern> = catalogue
            .formats
            .values()
            .filter_map(|format| match &format.reader {
                Reader::Lines(lines) => lines.pattern.as_ref(),
                _ => None,
            })
            .collect();
        assert!(patterns.iter().filter(|pattern| pattern.steps.is_some()).count() > 12);
        let mut matched = 0;
        for pattern in patterns {
            for line in LINES {
                // Every line with each of its octets taken away, doubled, or another.
                for at in 0..line.len() {
                    let (before, rest) = line.split_at(at);
                    let after = rest.get(1..).unwrap();
                    for changed in ["", " ", "]", "|", "=", "0", "é", &rest[..1].repeat(2)] {
                        let text = format!("{before}{changed}{after}");
                        let [ours, theirs] = both(pattern, &text);
                        matched += usize::from(theirs.is_some());
                        assert_eq!(ours, theirs, "{} in {text}", pattern.as_str());
                    }
                }
            }
        }
        assert!(matched > 4_000, "{matched}");
    }

    #[test]
    fn a_pattern_that_steps_back_without_end_is_left_to_regex() {
        let pattern = Pattern::new("^(?P<a>(?:a+)+(?:a+)+)b$").unwrap();
        let text = "a".repeat(5_000);
        assert_eq!(both(&pattern, &text), [None, None]);
        assert_eq!(pattern.steps.unwrap().find(text.as_bytes(), &mut Trail::default()), None);
    }

    /// Patterns of pieces that are hard to get right together.
    fn patterns() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("a".to_owned()),
            Just("bc".to_owned()),
            Just("[ab]".to_owned()),
            Just("[^b]".to_owned()),
            Just(".".to_owned()),
            Just("$".to_owned()),
            Just(String::new()),
            Just("\\w".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let times = prop_oneof![
                Just("*"),
                Just("+"),
                Just("?"),
                Just("*?"),
                Just("+?"),
                Just("??"),
                Just("{2}"),
                Just("{1,2}"),
                Just("{2,}?"),
                Just("{0,3}?")
            ];
            prop_oneof![
                (inner.clone(), times).prop_map(|(part, times)| format!("(?:{part}){times}")),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.concat()),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
                inner.prop_map(|part| format!("({part})")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn the_steps_find_what_the_pattern_means(pattern in patterns(), texts in proptest::collection::vec("[abcé]{0,12}", 1..6)) {
            let pattern = Pattern::new(&format!("^{pattern}")).unwrap();
            for text in texts {
                let [ours, theirs] = both(&pattern, &text);
                prop_assert_eq!(ours, theirs, "{} in {}", pattern.as_str(), text);
            }
        }
    }
}
