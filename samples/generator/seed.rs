//! Everything that looks random is the SHA-256 of a label: the same bytes on every call.

use p256::FieldBytes;
use p256::ecdsa::SigningKey;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

const SEED: &str = "assure/secure-cohort/2020";

/// 32 octets for a label.
pub fn octets(label: &str) -> [u8; 32] {
    Sha256::digest(format!("{SEED}/{label}")).into()
}

/// The first so many octets for a label, in lower-case hexadecimal.
pub fn hex(label: &str, count: usize) -> String {
    lower(&octets(label)[..count])
}

pub fn lower(octets: &[u8]) -> String {
    let mut text = String::new();
    for octet in octets {
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(octets: &[u8]) -> String {
    lower(&Sha256::digest(octets))
}

/// A number below `limit`.
pub fn below(label: &str, limit: i64) -> i64 {
    let [a, b, c, d, ..] = octets(label);
    i64::from(u32::from_be_bytes([a, b, c, d])) % limit
}

/// A serial of 16 octets that needs no sign octet and has no leading zero.
pub fn serial(label: &str) -> Vec<u8> {
    let mut serial = octets(&format!("serial/{label}"))[..16].to_vec();
    serial[0] = (serial[0] & 0x7f) | 0x40;
    serial
}

/// A P-256 key. The counter covers the scalars that are zero or too large.
pub fn key(label: &str) -> SigningKey {
    (0_u32..)
        .find_map(|counter| {
            let scalar = octets(&format!("key/{label}/{counter}"));
            SigningKey::from_bytes(&FieldBytes::from(scalar)).ok()
        })
        .expect("almost every scalar is a key")
}
