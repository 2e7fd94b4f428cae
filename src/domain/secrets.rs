//! Secrets inside records: passwords in transcripts, PINs, one-time tokens. The value is masked and
//! the rest of the record kept.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)\b(?P<thing>(?:crypto|ca) )?(?P<word>(?:[a-z]{1,20}[_-])?(?:password|passwd|passphrase|pwd|pin)|secret|token|ott|api[_-]?key|authentication code)(?P<sign>["']?\s*[=:]\s*["']?)[^\s;,"'&]+"#,
    )
    .ok()
});

/// Where a secret stands that no word and sign stand right before: what is typed at a prompt, and the arguments of
/// Utimaco's csadm.
static PLACES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        r"(?i)(?P<before>\benter\b[^:]{0,80}\b(?:pin|password|passphrase)\b[^:]{0,80}:\s*)(?P<secret>\S+)",
        r"(?i)(?P<before>\b(?:LogonPass|ChangeUser)=[^,\s]+,)(?P<secret>\S+)",
        r"(?i)(?P<before>\bAddUser=[^,\s]+,[^,\s]*,[^,\s]*,)(?P<secret>\S+)",
        r"(?i)(?P<before>\.key#)(?P<secret>[^\s,]+)",
    ];
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
});
/// What stands for a secret; and what stands where csadm asks for it instead.
const NONE: [&str; 2] = ["[masked]", "ask"];

/// The text with every secret masked; borrowed where there is none. A crypto token is a thing that has a
/// name, and no secret.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    let mut masked = after_words(text);
    for place in PLACES.iter() {
        let hidden = |found: &Captures<'_>| found.name("secret").is_some_and(|secret| NONE.contains(&secret.as_str()));
        if place.captures_iter(&masked).all(|found| hidden(&found)) {
            continue;
        }
        masked = Cow::Owned(place.replace_all(&masked, "${before}[masked]").into_owned());
    }
    masked
}

fn after_words(text: &str) -> Cow<'_, str> {
    let Some(pattern) = SECRET.as_ref() else { return Cow::Borrowed(text) };
    if pattern.captures_iter(text).all(|found| found.name("thing").is_some()) {
        return Cow::Borrowed(text);
    }
    pattern.replace_all(text, |found: &Captures<'_>| {
        let group = |name: &str| found.name(name).map_or("", |group| group.as_str());
        let all = found.get(0).map_or("", |all| all.as_str());
        if group("thing").is_empty() { format!("{}{}[masked]", group("word"), group("sign")) } else { all.to_owned() }
    })
}

/// A key that stands for a secret, in the last part of its path.
static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:^|[._-])(?:password|passwd|passphrase|pwd|pin|secret|token|ott|api[_-]?key|key[_-]?phrase|wrapping[_-]?token)$")
        .ok()
});

/// The value of a key with every secret masked: all of it where the key says that it is one. A keyed hash of a secret
/// is no secret.
pub(crate) fn mask_under<'t>(key: &str, value: &'t str) -> Cow<'t, str> {
    let bare = !value.is_empty() && !value.starts_with("hmac-sha256:");
    if bare && KEY.as_ref().is_some_and(|pattern| pattern.is_match(key)) {
        return Cow::Owned("[masked]".to_owned());
    }
    mask(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_goes_and_the_rest_stays() {
        assert_eq!(mask("user=so1 password=hunter2;next=1"), "user=so1 password=[masked];next=1");
        assert_eq!(mask(r#"{"ott": "eyJhbGci"}"#), r#"{"ott": "[masked]"}"#);
        assert_eq!(mask("PIN: 123456 accepted"), "PIN: [masked] accepted");
        assert_eq!(mask("Crypto Token: Issuing; token: abc"), "Crypto Token: Issuing; token: [masked]");
    }

    #[test]
    fn what_stands_under_the_key_of_a_secret_goes() {
        for key in ["ott", "auth.client_token", "request.data.password", "Token", "pin"] {
            assert_eq!(mask_under(key, "eyJhbGci"), "[masked]", "{key}");
        }
        assert_eq!(mask_under("auth.client_token", "hmac-sha256:00"), "hmac-sha256:00");
        for key in ["auth.token_type", "cryptotoken name", "serial", "shipping"] {
            assert_eq!(mask_under(key, "x"), "x", "{key}");
        }
        assert_eq!(mask_under("msg", "password=x"), "password=[masked]");
    }

    #[test]
    fn what_is_typed_at_a_prompt_or_given_to_csadm_goes() {
        for (text, masked) in [
            ("so_pin: 1234", "so_pin: [masked]"),
            (
                "Enter the PKCS11 User PIN, it must be between 4 and 32 digits : 1234",
                "Enter the PKCS11 User PIN, it must be between 4 and 32 digits : [masked]",
            ),
            ("Re-enter the PKCS11 User PIN : 1234", "Re-enter the PKCS11 User PIN : [masked]"),
            ("csadm Dev=x LogonPass=ADMIN,hunter2 GetState", "csadm Dev=x LogonPass=ADMIN,[masked] GetState"),
            ("csadm AddUser=b,00000002{G=*},hmacpwd,87654321", "csadm AddUser=b,00000002{G=*},hmacpwd,[masked]"),
            ("LogonSign=ADMIN,ADMIN.key#hunter2 GetState", "LogonSign=ADMIN,ADMIN.key#[masked] GetState"),
        ] {
            assert_eq!(mask(text), masked);
        }
        assert_eq!(mask("LogonPass=ADMIN,ask GetState"), "LogonPass=ADMIN,ask GetState");
    }

    #[test]
    fn a_word_that_only_begins_like_a_secret_is_left_alone() {
        for text in ["tokentype=2", "PasswordAuthentication no", "authToken\":\"CN=x", "pinned=3", "Crypto Token: Issuing"] {
            assert_eq!(mask(text), text);
        }
    }
}
