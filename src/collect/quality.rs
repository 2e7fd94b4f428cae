//! Files that only look like evidence: templates, placeholders, samples. None of them proves that
//! something happened.

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::evidence::Quality;

/// A text of fewer octets may be nothing but a promise.
const PROMISE: u64 = 256;

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)Y{4}[-_.]?M{2}[-_.]?D{2}").ok());
static MARKS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)(?P<todo>\[TODO)|\b(?P<tbd>TBD)\b|(?P<blank>[^_\s][^_\n]*_{4,}|_{4,}[^_\n]*[^_\s])").ok());
static SAMPLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)^\W*(?:an? |the )?(?:sample|specimen|example)\b").ok());
static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:placeholder|to follow|tbd|tbc|todo|to be (?:added|supplied|provided|confirmed|completed|done)|coming soon)\b")
        .ok()
});

/// What a name says: a date that nobody filled in.
pub(super) fn of_name(path: &str) -> Option<(Quality, String)> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let found = NAME.as_ref()?.find(name)?;
    Some((Quality::Template, format!("its name has {:?} where a date should stand", found.as_str())))
}

/// What the text of a file says that no format reads.
pub(super) fn of_text(text: &str, size: u64) -> Option<(Quality, String)> {
    if size < PROMISE && PLACEHOLDER.as_ref()?.is_match(text) {
        return Some((Quality::Placeholder, "a few words that stand for what is still to come".to_owned()));
    }
    let mut lines = text.lines().filter(|line| line.chars().any(char::is_alphanumeric)).take(5);
    if lines.any(|line| SAMPLE.as_ref().is_some_and(|pattern| pattern.is_match(line))) {
        return Some((Quality::Sample, "it says of itself that it is a sample".to_owned()));
    }
    let mut marks = [("[TODO", 0_u64), ("TBD", 0), ("____", 0)];
    for found in MARKS.as_ref()?.captures_iter(text) {
        for ((_, count), group) in marks.iter_mut().zip(["todo", "tbd", "blank"]) {
            *count += u64::from(found.name(group).is_some());
        }
    }
    let seen: Vec<String> = marks.iter().filter(|(_, count)| *count > 0).map(|(mark, count)| format!("{mark:?} {count} times")).collect();
    (!seen.is_empty()).then(|| (Quality::Template, format!("it was not filled in: {}", seen.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(text: &str) -> Option<Quality> {
        of_text(text, text.len() as u64).map(|(quality, _)| quality)
    }

    #[test]
    fn what_was_not_filled_in_is_a_template() {
        assert_eq!(quality(&format!("{}\nSigned: ________  Date: ________\n", "Ceremony ".repeat(40))), Some(Quality::Template));
        assert_eq!(quality(&format!("{}\nScope: [TODO: name the CA]\n", "Policy ".repeat(60))), Some(Quality::Template));
        assert_eq!(quality("Letter of attestation, will follow: placeholder"), Some(Quality::Placeholder));
        assert_eq!(quality("# example ksrsigner configuration\nkey: 1\n"), Some(Quality::Sample));
        assert_eq!(of_name("a/ceremony-YYYYMMDD.csv").map(|(quality, _)| quality), Some(Quality::Template));
    }

    #[test]
    fn a_rule_across_the_page_and_a_word_in_a_word_are_no_marks() {
        for text in ["Minutes\n________________\nAgreed.\n", "TBDX and ATBD\n", "snake__case\n", "for example, this\n", "1001\n"] {
            assert_eq!(quality(text), None, "{text}");
        }
        assert_eq!(of_name("a/ceremony-20200101.csv"), None);
        assert_eq!(of_name("yyyymmdd/ceremony.csv"), None);
    }
}
