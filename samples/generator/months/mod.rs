//! The small engagement that tests change piece by piece: two months of one issuing CA, once with deviations
//! planted in it and once without.

mod ca_log;
mod deviations;
mod engagement;
mod hosts;
mod node;
mod pki;
mod registers;

use super::{Sample, Variant};
use std::collections::BTreeMap;

const CONTROLS: [(&str, &str); 3] = [
    ("DO-01.toml", include_str!("checklists/DO-01.toml")),
    ("PE-03.toml", include_str!("checklists/PE-03.toml")),
    ("SY-02.toml", include_str!("checklists/SY-02.toml")),
];

/// Every file, by path relative to the engagement folder. Same bytes on every call.
pub fn files(variant: Variant) -> BTreeMap<String, Vec<u8>> {
    let mut sample = Sample { planted: variant == Variant::Planted, ..Sample::default() };
    let pki = pki::build(&mut sample);
    ca_log::build(&mut sample, &pki);
    node::build(&mut sample);
    registers::build(&mut sample, &pki);
    hosts::build(&mut sample);
    // Smaller versions of three controls, which need no more registers than this engagement has.
    for (name, text) in CONTROLS {
        sample.beside.insert(format!("checklists/s1spki-certificate-policy/{name}"), text.into());
    }
    let engagement = engagement::text(&sample);
    let deviations = if sample.planted { deviations::text(&sample) } else { String::new() };
    sample.files(engagement, deviations)
}
