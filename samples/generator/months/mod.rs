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

/// Every file, by path relative to the engagement folder. Same bytes on every call.
pub fn files(variant: Variant) -> BTreeMap<String, Vec<u8>> {
    let mut sample = Sample { planted: variant == Variant::Planted, ..Sample::default() };
    let pki = pki::build(&mut sample);
    ca_log::build(&mut sample, &pki);
    node::build(&mut sample);
    registers::build(&mut sample, &pki);
    hosts::build(&mut sample);
    let engagement = engagement::text(&sample);
    let deviations = if sample.planted { deviations::text(&sample) } else { String::new() };
    sample.files(engagement, deviations)
}
