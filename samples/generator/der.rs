//! As much DER as certificates and CRLs need.

use super::time::Utc;

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OBJECT_IDENTIFIER: u8 = 0x06;
pub const ENUMERATED: u8 = 0x0a;
pub const UTF8_STRING: u8 = 0x0c;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// One element: tag, shortest length, content.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("an element of the sample is small").to_be_bytes();
    let mut out = vec![tag];
    match length {
        [0, 0, 0, short] if short < 0x80 => out.push(short),
        [0, 0, 0, one] => out.extend([0x81, one]),
        [0, 0, two, one] => out.extend([0x82, two, one]),
        [four, three, two, one] => out.extend([0x84, four, three, two, one]),
    }
    out.extend_from_slice(content);
    out
}

pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// A context-specific constructed element, explicit.
pub fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    element(0xa0 | number, content)
}

/// A small non-negative INTEGER.
pub fn integer(value: u32) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let first = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len() - 1);
    let mut content = octets[first..].to_vec();
    if content[0] >= 0x80 {
        content.insert(0, 0);
    }
    element(INTEGER, &content)
}

/// A BIT STRING whose last octet has `unused` bits that are not part of it.
pub fn bits(unused: u8, octets: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[unused], octets].concat())
}

pub fn text(value: &str) -> Vec<u8> {
    element(UTF8_STRING, value.as_bytes())
}

pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u32> = dotted.split('.').map(|arc| arc.parse().expect("an arc is a number")).collect();
    let mut content = Vec::new();
    let joined = std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied());
    for arc in joined {
        let mut group = Vec::new();
        let mut rest = arc;
        loop {
            let low = u8::try_from(rest & 0x7f).expect("seven bits");
            group.insert(0, if group.is_empty() { low } else { low | 0x80 });
            rest >>= 7;
            if rest == 0 {
                break;
            }
        }
        content.extend(group);
    }
    element(OBJECT_IDENTIFIER, &content)
}

/// A time as RFC 5280 4.1.2.5 wants it: two-digit years up to 2049.
pub fn time(at: Utc) -> Vec<u8> {
    let full = at.generalized();
    if at.civil().year < 2050 { element(UTC_TIME, &full.as_bytes()[2..]) } else { element(GENERALIZED_TIME, full.as_bytes()) }
}
