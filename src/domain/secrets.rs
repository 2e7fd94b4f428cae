//! Secrets inside records: passwords in transcripts, PINs, one-time tokens, keys that a log or a cell
//! quotes. The value is masked and the rest of the record kept.
//!
//! A run of hexadecimal digits is a hash, a fingerprint or a serial unless a word beside it says that it
//! is a key; a run of base64 is a certificate unless what it decodes to begins like a private key.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;

use super::der_kind::{DerKind, kind_of};
pub(crate) use super::triggers::none_in;
use super::triggers::{Look, Looks, none_under, runs};

/// What stands for a secret.
pub(crate) const MASK: &str = "[masked]";
/// How much base64 tells what it is: fewer digits hold no key.
pub(super) const TELLING: usize = 32;

/// A word that a value follows.
pub(super) static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(?P<word>pass ?word|passwd|pass ?phrase|pass ?code|storepass|keypass|pwd|pin|secret|token|t?otp|ott|api[_-]?key|one[- ]time code|(?:authentication|authori[sz]ation|activation|verification|enroll?ment) code)\\?["']?\s*[=:]\s*"#,
    )
    .ok()
});
/// A prompt, and what was typed behind it.
pub(super) static PROMPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:enter|type|input|confirm|repeat|verify|provide|supply)\b[^:=\n]{0,80}?\b(?P<word>pin|pass ?word|pass ?phrase|pass ?code|secret|otp|one[- ]time token)\b[^:=\n]{0,80}[:=]\s*(?P<value>[^;\t\n]+)",
    )
    .ok()
});
/// An option of a command, and its value.
pub(super) static OPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(?:^|\s)--?(?:[a-z0-9]+-)*(?P<word>pin|password|passwd|passphrase|passcode|pass|pwd|storepass|keypass|srcstorepass|deststorepass|secret|ott)\s+["']?(?P<value>[^\s"'-][^\s"']*)|-pass(?:in|out|word)?\s+pass:(?P<second>\S+)|(?:logonpass|changeuser)=[^,\s]+,(?P<third>\S+)|adduser=[^,\s]+,[^,\s]*,[^,\s]*,(?P<fourth>\S+)|\.key#(?P<fifth>[^\s,]+)"#,
    )
    .ok()
});
/// `PIN is 123456`.
pub(super) static STATED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?P<word>pin|pass ?word|pass ?phrase|pass ?code) (?:is|was|set to)\s+(?P<value>\d{4,})\b").ok());
/// What carries an authority by itself.
pub(super) static BEARER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*|\b[Bb]earer\s+(?P<value>[A-Za-z0-9_.~+/=-]{16,})|(?i:\bauthorization\W{1,4}basic\s+)(?P<second>[A-Za-z0-9+/=]+)",
    )
    .ok()
});
/// A password in a URL, or between the tags of XML.
pub(super) static EMBEDDED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"://[^/\s:@]+:(?P<value>[^/\s@]+)@|<(?i:[a-z0-9_.-]*(?:password|passwd|passphrase|secret|pin))>(?P<second>[^<\s]+)</").ok()
});
/// Hexadecimal digits beside the word key.
pub(super) static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(?P<word>\bkek|\bzmk|\blmk|key(?:[ _-]?(?:value|material|bytes|data|hex))?)\\?["']?\s*[=:]\s*\\?["']?(?P<value>(?:0x)?[0-9a-f]{32,})\b"#,
    )
    .ok()
});
/// A text whose secrets are masked.
pub(crate) struct Masked {
    /// The text.
    pub(crate) text: String,
    /// What was masked.
    pub(crate) kinds: BTreeSet<&'static str>,
}

/// The text with every secret masked; nothing where there is none.
pub(crate) fn find(text: &str) -> Option<Masked> {
    let mut found = places(text);
    if found.is_empty() {
        return None;
    }
    found.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut masked, mut kinds, mut end) = (String::with_capacity(text.len()), BTreeSet::new(), 0);
    for (range, kind) in found {
        kinds.insert(kind);
        if range.start >= end {
            masked.push_str(text.get(end..range.start).unwrap_or_default());
            masked.push_str(MASK);
        }
        end = end.max(range.end);
    }
    masked.push_str(text.get(end..).unwrap_or_default());
    Some(Masked { text: masked, kinds })
}

/// The text with every secret masked; borrowed where there is none.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    find(text).map_or(Cow::Borrowed(text), |masked| Cow::Owned(masked.text))
}

/// A value under a name: all of it is masked where the name is that of a secret.
pub(crate) fn find_under(name: &str, value: &str) -> Option<Masked> {
    let name = name.rsplit('.').next().unwrap_or(name);
    if value.is_empty() || none_under(name, value) || harmless(value) {
        return None;
    }
    if let Some(named) = find(&format!("{name}=zQ7")) {
        return Some(Masked { text: MASK.to_owned(), kinds: named.kinds });
    }
    let found = find(&format!("{name}={value}"))?;
    Some(Masked { text: found.text.get(name.len() + 1..)?.to_owned(), kinds: found.kinds })
}

/// The value under a name with every secret masked; borrowed where there is none.
pub(crate) fn mask_under<'t>(name: &str, value: &'t str) -> Cow<'t, str> {
    find_under(name, value).map_or(Cow::Borrowed(value), |masked| Cow::Owned(masked.text))
}

type Place = (Range<usize>, &'static str);

fn places(text: &str) -> Vec<Place> {
    let mut found = Vec::new();
    let looks = Looks::of(text);
    if looks.has(Look::Word) {
        words(text, &mut found);
    }
    for (pattern, wanted) in [(&PROMPT, looks.prompts()), (&OPTION, looks.has(Look::Option)), (&STATED, looks.has(Look::Stated))] {
        if wanted {
            groups(pattern, text, &mut found, |text, start, word| {
                (!harmless(text)).then(|| (start..start + text.trim_end().len(), kind_of_word(word)))
            });
        }
    }
    if looks.has(Look::Embedded) {
        groups(&EMBEDDED, text, &mut found, |text, start, _| (!harmless(text)).then(|| (start..start + text.len(), "password")));
    }
    if looks.has(Look::Bearer) {
        groups(&BEARER, text, &mut found, |text, start, _| Some((start..start + text.len(), "token")));
    }
    let runs = runs(text);
    if looks.has(Look::Key) && !runs.is_empty() {
        groups(&KEY, text, &mut found, |value, start, word| {
            let before = text.get(..start)?;
            let before = before.get(..before.to_ascii_lowercase().rfind(&word.to_ascii_lowercase())?)?;
            secret_key(before).then(|| (start..start + value.len(), "key"))
        });
    }
    let encoded = |run: &Range<usize>| text.as_bytes().get(run.clone()).is_some_and(|run| encoded_key(run).is_some());
    found.extend(runs.into_iter().filter(encoded).map(|run| (run, "private key")));
    found
}

/// The group of the value that a pattern caught, else all it caught.
fn groups(pattern: &LazyLock<Option<Regex>>, text: &str, found: &mut Vec<Place>, take: impl Fn(&str, usize, &str) -> Option<Place>) {
    let Some(pattern) = pattern.as_ref() else { return };
    for groups in pattern.captures_iter(text) {
        let value = ["value", "second", "third", "fourth", "fifth"].iter().find_map(|name| groups.name(name)).or_else(|| groups.get(0));
        let word = groups.name("word").map_or("password", |word| word.as_str());
        found.extend(value.and_then(|value| take(value.as_str(), value.start(), word)));
    }
}

fn words(text: &str, found: &mut Vec<Place>) {
    let Some(pattern) = WORD.as_ref() else { return };
    for groups in pattern.captures_iter(text) {
        let (Some(all), Some(word)) = (groups.get(0), groups.name("word")) else { continue };
        let before = text.get(..word.start()).unwrap_or_default();
        let Some((start, value)) = value_at(text, all.end()) else { continue };
        if names_a_secret(before, word.as_str()) && !harmless(value) {
            found.push((start..start + value.len(), kind_of_word(word.as_str())));
        }
    }
}

/// The value that begins at a place: within its quotes, or up to a space or a separator.
fn value_at(text: &str, start: usize) -> Option<(usize, &str)> {
    let rest = text.get(start..)?;
    for quote in ["\\\"", "\"", "'"] {
        if let Some(inside) = rest.strip_prefix(quote) {
            let escaped = |end: usize| quote.len() == 1 && inside.get(..end).is_some_and(|text| text.ends_with('\\'));
            let end = inside.match_indices(quote).map(|(end, _)| end).find(|end| !escaped(*end)).unwrap_or(inside.len());
            return Some((start + quote.len(), inside.get(..end)?)).filter(|(_, value)| !value.is_empty());
        }
    }
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | '"' | '\'' | '&')).unwrap_or(rest.len());
    Some((start, rest.get(..end)?)).filter(|(_, value)| !value.is_empty())
}

/// Whether the word stands for a secret, by what precedes it. `mapping` ends in no PIN, and a crypto token
/// is a thing that has a name.
fn names_a_secret(before: &str, word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    if !["pin", "token", "ott", "otp", "totp"].contains(&lower.as_str()) {
        return true;
    }
    let letters = before.bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
    let (rest, part) = before.split_at_checked(before.len() - letters).unwrap_or((before, ""));
    let camel = word.starts_with(|c: char| c.is_ascii_uppercase());
    // `user_token`: the part before the sign that joins them.
    let joined = part.is_empty() && rest.ends_with(['_', '-', '.']);
    let last = if joined {
        let rest = rest.get(..rest.len() - 1).unwrap_or_default();
        rest.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
    } else {
        part
    };
    let last = last.to_ascii_lowercase();
    match lower.as_str() {
        "token" if joined || !part.is_empty() => {
            let of = ["access", "refresh", "id", "client", "bearer", "session", "api", "vault", "time", "wrapping"];
            (joined || camel) && of.contains(&last.as_str())
        }
        "token" => !["crypto ", "ca "].iter().any(|thing| before.to_ascii_lowercase().ends_with(thing)),
        "pin" => part.is_empty() || camel || ["so", "user", "hsm", "new", "old", "card", "slot", "admin", "p11"].contains(&last.as_str()),
        _ => part.is_empty(),
    }
}

/// Whether a key by this name is a secret one.
fn secret_key(before: &str) -> bool {
    let letters: String = before.chars().rev().take(24).collect::<Vec<_>>().into_iter().rev().collect::<String>().to_ascii_lowercase();
    let public = ["public", "pub", "print", "hash", "digest", "sha", "subject", "issuer", "authority", "foreign", "primary", "api"];
    !public.iter().any(|word| letters.contains(word))
}

/// What a word stands before, where it is no secret that follows.
fn harmless(value: &str) -> bool {
    let value = value.trim().trim_end_matches(['.', ')']).to_ascii_lowercase();
    let words = ["", "n/a", "none", "null", "yes", "no", "true", "false", "required", MASK];
    words.contains(&value.as_str())
        || value.chars().all(|c| matches!(c, '*' | '.' | '-' | '_' | '\u{2022}'))
        || value.starts_with(MASK)
        || value.starts_with("hmac-sha256:")
}

fn kind_of_word(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "pin" => "PIN",
        "secret" => "secret",
        "token" | "ott" | "otp" | "totp" | "one time token" | "one-time token" => "token",
        word if word.ends_with("key") => "key",
        word if word.ends_with(" code") && word != "pass code" => "code",
        _ => "password",
    }
}

/// The encoding of the private key that a run of base64 or hexadecimal digits begins with; nothing where it
/// is none. Armour and keystores count as well.
pub(crate) fn encoded_key(run: &[u8]) -> Option<&'static str> {
    const ARMOUR: &[u8] = b"LS0tLS1CRUdJT";
    let sure = [&b"/u3+7QAAAA"[..], b"zs7OzgAAAA"].iter().any(|magic| run.starts_with(magic));
    if sure {
        return Some("keystore");
    }
    let enough = run.len() >= TELLING;
    let digits = run.strip_prefix(b"0x").unwrap_or(run);
    if enough && digits.starts_with(b"30") && digits.iter().take(2 * TELLING).all(u8::is_ascii_hexdigit) {
        let pairs = digits.chunks_exact(2).take(TELLING);
        let octets: Option<Vec<u8>> = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        return octets.as_deref().and_then(key_name);
    }
    if !enough || !(run.starts_with(b"M") || run.starts_with(ARMOUR)) {
        return None;
    }
    let alphabet = if run.iter().any(|octet| matches!(octet, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
    let digits = run.get(..run.len().min(8 * TELLING)).unwrap_or(run);
    let digits = digits.get(..digits.len() - digits.len() % 4).unwrap_or(digits);
    let octets = GeneralPurpose::new(alphabet, lenient).decode(digits).ok()?;
    if run.starts_with(ARMOUR) {
        let private = octets.windows(11).any(|window| window == b"PRIVATE KEY");
        return private.then_some("PEM");
    }
    key_name(&octets)
}

fn key_name(octets: &[u8]) -> Option<&'static str> {
    match kind_of(octets)? {
        DerKind::PrivateKey(name) => Some(name),
        DerKind::Pkcs12 => Some("PKCS #12"),
        _ => None,
    }
}

/// The place and the kind of the first private key in base64 on one line. What begins behind the end is
/// looked for with what follows.
pub(crate) fn base64_key(octets: &[u8]) -> Option<(usize, &'static str)> {
    let digit = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'-' | b'_');
    let mut from = 0;
    while let Some(start) = memchr::memchr2(b'M', b'L', octets.get(from..)?).map(|found| from + found) {
        let run = octets.get(start..)?;
        let length = run.iter().take(8 * TELLING).take_while(|octet| digit(octet)).count();
        let inside = start > 0 && octets.get(start - 1).is_some_and(digit);
        if !inside
            && length >= TELLING
            && let Some(kind) = encoded_key(run.get(..length)?)
        {
            return Some((start, kind));
        }
        from = start + if inside { 1 } else { length.max(1) };
    }
    None
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
        assert_eq!(mask(r#"{\"password\":\"two words\",\"a\":1}"#), r#"{\"password\":\"[masked]\",\"a\":1}"#);
        assert_eq!(mask(r#"storePassword = "two words" x"#), r#"storePassword = "[masked]" x"#);
    }

    #[test]
    fn a_pin_that_is_typed_or_given_to_a_command_goes() {
        let texts = [
            ("Enter the PKCS11 User PIN, it must be between 4 and 32 digits : 123456", "between 4 and 32 digits : [masked]"),
            ("Re-enter the PKCS11 User PIN : 123456", "User PIN : [masked]"),
            ("    so_pin: 123456", "so_pin: [masked]"),
            ("pkcs11-tool --login --pin 1234 --list-objects", "--pin [masked] --list-objects"),
            ("softhsm2-util --init-token --so-pin '98 76' --label x", "--so-pin '[masked]"),
            ("Pin : 123456", "Pin : [masked]"),
            ("enter password: xyz", "enter password: [masked]"),
            ("Enter PEM pass phrase: correct horse battery", "pass phrase: [masked]"),
            ("openssl rsa -in k -passin pass:hunter2 -out x", "pass:[masked] -out x"),
            ("csadm LogonPass=ADMIN,hunter2 GetState", "LogonPass=ADMIN,[masked] GetState"),
            ("userPin=1234", "userPin=[masked]"),
            ("the PIN is 123456", "PIN is [masked]"),
            ("GET https://so:hunter2@hsm/x", "https://so:[masked]@hsm/x"),
            ("<keystorePassword>hunter2</keystorePassword>", "<keystorePassword>[masked]</keystorePassword>"),
        ];
        for (text, kept) in texts {
            let masked = mask(text);
            assert!(masked.contains(kept), "{text} became {masked}");
        }
    }

    #[test]
    fn tokens_go_wherever_they_stand() {
        let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln";
        assert_eq!(mask(&format!("GET /x {jwt} 200")), "GET /x [masked] 200");
        assert_eq!(mask("Authorization: Bearer abcdefghijklmnop123"), "Authorization: Bearer [masked]");
        assert_eq!(mask("access_token=abc client_token: def"), "access_token=[masked] client_token: [masked]");
    }

    #[test]
    fn a_private_key_on_one_line_goes_and_a_certificate_stays() {
        let key = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAA";
        assert_eq!(mask(&format!("cert=x;key {key}== end")), "cert=x;key [masked] end");
        assert_eq!(find(key).unwrap().kinds, BTreeSet::from(["private key"]));
        assert_eq!(base64_key(format!("a,{key}\n").as_bytes()), Some((2, "PKCS #8")));
        assert_eq!(mask("30770201010420aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), MASK);
        let certificate = "MIIBszCCAVmgAwIBAgIUdT2q8v9wQm3XxJvVbQ0y0bW0pGwwCgYIKoZIzj0EAwIw";
        let public = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for text in [certificate, public] {
            assert_eq!(mask(text), text);
            assert_eq!(base64_key(text.as_bytes()), None);
        }
    }

    #[test]
    fn digits_are_a_key_only_where_a_word_says_so() {
        let digits = "00112233445566778899aabbccddeeff";
        assert_eq!(mask(&format!("wrapping key: {digits}")), "wrapping key: [masked]");
        assert_eq!(mask(&format!("secret={digits}")), "secret=[masked]");
        for before in ["sha256=", "serial ", "public key: ", "public_key=", "fingerprint of key: ", "keyid=", "key_label=", "subject key: "]
        {
            let text = format!("{before}{digits}{digits}");
            assert_eq!(mask(&text), text);
        }
    }

    #[test]
    fn a_word_that_only_begins_like_a_secret_is_left_alone() {
        for text in [
            "tokentype=2",
            "PasswordAuthentication no",
            "authToken\":\"CN=x",
            "pinned=3",
            "mapping: 5",
            "spin: 3",
            "Crypto Token: Issuing",
            "password=********",
            "Password: required",
            "Enter the slot number :0",
            "PKCS11 Token Name :kirei-test",
            "pass: 12 fail: 3",
            "PIN policy changed by SO1",
            "http://ocsp.example.com:8080/x",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn a_value_goes_whole_where_its_name_is_that_of_a_secret() {
        let under = |name, value| find_under(name, value).map(|masked| masked.text);
        assert_eq!(under("request.data.password", "two words").as_deref(), Some(MASK));
        assert_eq!(under("ott", "x").as_deref(), Some(MASK));
        assert_eq!(under("msg", "pin=1234 given").as_deref(), Some("pin=[masked] given"));
        assert_eq!(under("token_type", "service"), None);
        assert_eq!(under("authToken", "CN=x"), None);
    }
}
