//! Secrets inside records: passwords in transcripts, PINs, one-time tokens. The value is masked and
//! the rest of the record kept.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)\b(password|passwd|passphrase|pwd|pin|secret|token|ott|api[_-]?key)(["']?\s*[=:]\s*["']?)([^\s;,"'&]+)"#).ok()
});

/// The text with every secret masked; borrowed where there is none.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    match SECRET.as_ref() {
        Some(pattern) => pattern.replace_all(text, "$1$2[masked]"),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_goes_and_the_rest_stays() {
        assert_eq!(mask("user=so1 password=hunter2;next=1"), "user=so1 password=[masked];next=1");
        assert_eq!(mask(r#"{"ott": "eyJhbGci"}"#), r#"{"ott": "[masked]"}"#);
        assert_eq!(mask("PIN: 123456 accepted"), "PIN: [masked] accepted");
    }

    #[test]
    fn a_word_that_only_begins_like_a_secret_is_left_alone() {
        for text in ["tokentype=2", "PasswordAuthentication no", "authToken\":\"CN=x", "pinned=3"] {
            assert_eq!(mask(text), text);
        }
    }
}
