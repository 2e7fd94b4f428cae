//! SHA-256, and the short ids people see.

use sha2::{Digest, Sha256};

/// A running SHA-256.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Adds octets.
    pub fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// The hash as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// SHA-256 of `octets` as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256(octets: &[u8]) -> String {
    hex(&Sha256::digest(octets))
}

/// SHA-256 over several texts, each ended by a NUL so that no two lists give the same input.
#[must_use]
pub fn sha256_of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Hasher::default();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(b"\0");
    }
    hasher.finish()
}

/// The first `digits` digits of a hexadecimal hash.
#[must_use]
pub fn short(hash: &str, digits: usize) -> &str {
    hash.get(..digits).unwrap_or(hash)
}

/// The octets of hexadecimal digits; nothing where they are none, or odd.
#[must_use]
pub fn octets(hex: &str) -> Option<Vec<u8>> {
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some((nibble(high)? << 4) | nibble(low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}

/// The first 16 hexadecimal digits of a SHA-256.
#[derive(Debug, Clone, Copy)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The digits.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What tells a record from every other: the beginning of the SHA-256 of its text.
#[must_use]
pub fn fingerprint(octets: &[u8]) -> Fingerprint {
    let mut digits = [b'0'; 16];
    for (pair, octet) in digits.chunks_exact_mut(2).zip(Sha256::digest(octets)) {
        pair.copy_from_slice(&[digit(octet >> 4), digit(octet & 15)]);
    }
    Fingerprint(digits)
}

/// The same of several texts, each ended by a NUL so that no two lists give the same input.
#[must_use]
pub fn fingerprint_of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Fingerprint {
    let mut all = Vec::with_capacity(900);
    for part in parts {
        all.extend_from_slice(part.as_bytes());
        all.push(0);
    }
    fingerprint(&all)
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        for nibble in [octet >> 4, octet & 15] {
            text.push(char::from(digit(nibble)));
        }
    }
    text
}

/// The octets of a hexadecimal text; nothing where it is none.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() % 2 == 1 || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}
