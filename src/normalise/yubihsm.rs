//! Entries of the audit log of a `YubiHSM` 2, as `yubihsm-shell` prints them. The module has no clock: what
//! orders its entries is their number, and what holds them together a hash over each entry and the hash
//! before it (Yubico, `YubiHSM` 2 concepts, "Logs"; the device keeps the first 16 octets of SHA-256).

use sha2::{Digest, Sha256};

use crate::domain::digest;

/// Octets of a hash in the log.
const KEPT: usize = 16;
/// Set in the result of a command that the module carried out.
const CARRIED_OUT: u8 = 0x80;
/// What the module writes as commands of its own: a boot, and a reset to the factory state.
const OWN: [u8; 2] = [0x00, 0xff];

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    number: u16,
    command: u8,
    length: u16,
    session: u16,
    target: u16,
    second: u16,
    result: u8,
    tick: u32,
}

impl Entry {
    /// Reads `item: 5 -- cmd: 0x44 -- length: 93 -- session key: 0x0001 -- target key: 0x0002 -- second key: 0xffff
    /// -- result: 0xc4 -- tick: 548`; nothing where it is not that.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split("--").map(str::trim);
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix(':').map(str::trim);
        let hex = |text: &str| u16::from_str_radix(text.strip_prefix("0x")?, 16).ok();
        let octet = |text: &str| hex(text).and_then(|number| u8::try_from(number).ok());
        Some(Self {
            number: part("item")?.parse().ok()?,
            command: octet(part("cmd")?)?,
            length: part("length")?.parse().ok()?,
            session: hex(part("session key")?)?,
            target: hex(part("target key")?)?,
            second: hex(part("second key")?)?,
            result: octet(part("result")?)?,
            tick: part("tick")?.parse().ok()?,
        })
    }

    /// What its hash covers beside the hash before it, in hexadecimal: its fields, most significant octet first.
    pub(crate) fn covered(&self) -> String {
        let mut octets = Vec::with_capacity(16);
        octets.extend(self.number.to_be_bytes());
        octets.push(self.command);
        for field in [self.length, self.session, self.target, self.second] {
            octets.extend(field.to_be_bytes());
        }
        octets.push(self.result);
        octets.extend(self.tick.to_be_bytes());
        digest::hex(&octets)
    }

    /// What came of its command.
    pub(crate) fn outcome(&self) -> &'static str {
        if OWN.contains(&self.command) {
            "unknown"
        } else if self.result == self.command | CARRIED_OUT {
            "success"
        } else {
            "failure"
        }
    }
}

/// An entry with all its bits set: the first the module writes after a reset, chained to nothing.
pub(crate) fn begins(covered: &str) -> bool {
    covered.len() == 32 && covered.get(4..).is_some_and(|rest| rest.bytes().all(|octet| octet == b'f'))
}

/// The hash of an entry, by what it covers and the hash before it; nothing where these are no octets.
pub(crate) fn hash(covered: &str, before: &str) -> Option<String> {
    let mut octets = digest::octets(covered)?;
    octets.extend(digest::octets(before)?);
    Some(digest::hex(Sha256::digest(&octets).get(..KEPT)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: &str = "item:     2 -- cmd: 0x00 -- length:    0 -- session key: 0xffff -- target key: 0x0000 -- second key: 0x0000 -- result: 0x00 -- tick: 0";

    #[test]
    fn the_hash_of_an_entry_covers_its_fields_and_the_hash_before_it() {
        let entry = Entry::read(BOOT).unwrap();
        assert_eq!(entry.covered(), "0002000000ffff00000000000000000000"[..32]);
        let hash = hash(&entry.covered(), "00112233445566778899aabbccddeeff").unwrap();
        assert_eq!(hash.len(), 32);
        assert_ne!(Some(hash), super::hash(&entry.covered(), "00112233445566778899aabbccddeefe"));
    }

    #[test]
    fn the_result_of_a_command_that_was_carried_out_is_the_command_with_its_top_bit() {
        let with = |command: &str, result: &str| {
            let text = BOOT.replace("cmd: 0x00", &format!("cmd: {command}")).replace("result: 0x00", &format!("result: {result}"));
            Entry::read(&text).map(|entry| entry.outcome())
        };
        assert_eq!(with("0x44", "0xc4"), Some("success"));
        assert_eq!(with("0x44", "0x7f"), Some("failure"));
        assert_eq!(with("0x44", "0xc5"), Some("failure"));
        assert_eq!(with("0xff", "0xff"), Some("unknown"));
        assert_eq!(with("0x144", "0xc4"), None);
    }

    #[test]
    fn only_an_entry_with_all_bits_set_begins_a_chain() {
        let first = "item: 1 -- cmd: 0xff -- length: 65535 -- session key: 0xffff -- target key: 0xffff -- second key: 0xffff -- result: 0xff -- tick: 4294967295";
        assert!(begins(&Entry::read(first).unwrap().covered()));
        assert!(!begins(&Entry::read(BOOT).unwrap().covered()));
        assert!(!begins(""));
    }
}
