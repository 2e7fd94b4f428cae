//! Secrets inside records: passwords in transcripts, PINs, one-time tokens, keys that a log or a cell
//! quotes. The value is masked and the rest of the record kept.
//!
//! A run of hexadecimal digits is a hash, a fingerprint or a serial unless a word beside it says that it
//! is a key; a run of base64 is a certificate unless what it decodes to begins like a private key.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;

use super::der_kind::{DerKind, kind_of};

/// What stands for a secret.
pub(crate) const MASK: &str = "[masked]";
/// How much base64 tells what it is: fewer digits hold no key.
const TELLING: usize = 32;

/// A word that a value follows.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(?P<word>pass ?word|passwd|pass ?phrase|pass ?code|storepass|keypass|pwd|pin|secret|token|t?otp|ott|api[_-]?key|one[- ]time code|(?:authentication|authori[sz]ation|activation|verification|enroll?ment) code)\\?["']?\s*[=:]\s*"#,
    )
    .ok()
});
/// A prompt, and what was typed behind it.
static PROMPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:enter|type|input|confirm|repeat|verify|provide|supply)\b[^:=\n]{0,80}?\b(?P<word>pin|pass ?word|pass ?phrase|pass ?code|secret|otp|one[- ]time token)\b[^:=\n]{0,80}[:=]\s*(?P<value>[^;\t\n]+)",
    )
    .ok()
});
/// An option of a command, and its value.
static OPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(?:^|\s)--?(?:[a-z0-9]+-)*(?P<word>pin|password|passwd|passphrase|passcode|pass|pwd|storepass|keypass|srcstorepass|deststorepass|secret|ott)\s+["']?(?P<value>[^\s"'-][^\s"']*)|-pass(?:in|out|word)?\s+pass:(?P<second>\S+)|(?:logonpass|changeuser)=[^,\s]+,(?P<third>\S+)|adduser=[^,\s]+,[^,\s]*,[^,\s]*,(?P<fourth>\S+)|\.key#(?P<fifth>[^\s,]+)"#,
    )
    .ok()
});
/// `PIN is 123456`.
static STATED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?P<word>pin|pass ?word|pass ?phrase|pass ?code) (?:is|was|set to)\s+(?P<value>\d{4,})\b").ok());
/// What carries an authority by itself.
static BEARER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*|\b[Bb]earer\s+(?P<value>[A-Za-z0-9_.~+/=-]{16,})|(?i:\bauthorization\W{1,4}basic\s+)(?P<second>[A-Za-z0-9+/=]+)",
    )
    .ok()
});
/// A password in a URL, or between the tags of XML.
static EMBEDDED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"://[^/\s:@]+:(?P<value>[^/\s@]+)@|<(?i:[a-z0-9_.-]*(?:password|passwd|passphrase|secret|pin))>(?P<second>[^<\s]+)</").ok()
});
/// Hexadecimal digits beside the word key.
static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(?P<word>\bkek|\bzmk|\blmk|key(?:[ _-]?(?:value|material|bytes|data|hex))?)\\?["']?\s*[=:]\s*\\?["']?(?P<value>(?:0x)?[0-9a-f]{32,})\b"#,
    )
    .ok()
});
/// What must stand in a text, in any case, for a pattern to be worth looking for: nearly no record has a secret,
/// and every record is searched.
const TRIGGERS: [(&str, &[Look]); 28] = [
    ("pass", &[Look::Word, Look::Asked, Look::Option, Look::Stated, Look::Embedded]),
    ("pin", &[Look::Word, Look::Asked, Look::Option, Look::Stated, Look::Embedded]),
    ("secret", &[Look::Word, Look::Asked, Look::Option, Look::Embedded]),
    ("token", &[Look::Word, Look::Asked]),
    ("otp", &[Look::Word, Look::Asked]),
    ("ott", &[Look::Word, Look::Option]),
    ("pwd", &[Look::Word, Look::Option]),
    ("api", &[Look::Word]),
    ("code", &[Look::Word]),
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
static TRIGGER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let builder =
        AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(TRIGGERS.map(|(text, _)| text));
    builder.ok()
});

/// A pattern that a trigger is of; a prompt has a word that asks, and one that is asked for.
#[derive(Clone, Copy)]
enum Look {
    Word,
    Prompt,
    Asked,
    Option,
    Stated,
    Bearer,
    Embedded,
    Key,
}

/// The patterns whose triggers stand in a text.
struct Looks(u32);

impl Looks {
    fn of(text: &str) -> Self {
        // Letters beyond ASCII fold into it: then anything may stand there.
        let Some(triggers) = TRIGGER.as_ref().filter(|_| text.is_ascii()) else { return Self(u32::MAX) };
        let found = triggers.find_overlapping_iter(text).filter_map(|found| TRIGGERS.get(found.pattern().as_usize()));
        Self(found.flat_map(|(_, looks)| *looks).fold(0, |all, look| all | 1 << *look as u32))
    }

    fn has(&self, look: Look) -> bool {
        self.0 & (1 << look as u32) != 0
    }

    fn prompts(&self) -> bool {
        self.has(Look::Prompt) && self.has(Look::Asked)
    }
}

/// Whether neither a text nor any of its parts, put together as names and values, can hold a secret.
pub(crate) fn none_in(text: &str) -> bool {
    let looks = Looks::of(text);
    let others = [Look::Word, Look::Option, Look::Stated, Look::Bearer, Look::Embedded];
    !looks.prompts() && !others.into_iter().any(|look| looks.has(look)) && runs(text).is_empty()
}

/// The runs of digits, of base64 or hexadecimal, that are long enough to be an encoded key, with their padding.
fn runs(text: &str) -> Vec<Range<usize>> {
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
    if value.is_empty() || harmless(value) {
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
    use proptest::prelude::*;

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
