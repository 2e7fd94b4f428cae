//! The sample: an invented year of the SMETS1 PKI of a small operator, from 2021-07-01 to 2022-06-30, across the day
//! the key management policy came into force. Once with deviations planted in it, once without.

mod ca_log;
mod criteria;
mod deviations;
mod engagement;
mod keys;
mod modules;
mod node;
mod people;
mod pki;
mod registration;
mod rows;
mod symmetric;
mod systems;

use super::{Sample, Variant};
use std::collections::BTreeMap;

/// Every file, by path relative to the engagement folder. Same bytes on every call.
pub fn files(variant: Variant) -> BTreeMap<String, Vec<u8>> {
    let mut sample = Sample { planted: variant == Variant::Planted, ..Sample::default() };
    let pki = pki::build(&mut sample);
    ca_log::build(&mut sample, &pki);
    node::build(&mut sample);
    registration::build(&mut sample, &pki);
    people::build(&mut sample);
    keys::build(&mut sample, &pki);
    modules::build(&mut sample);
    systems::build(&mut sample);
    symmetric::build(&mut sample);
    criteria::build(&mut sample);
    let engagement = engagement::text(&sample);
    let deviations = if sample.planted { deviations::text(&sample) } else { String::new() };
    sample.files(engagement, deviations)
}
