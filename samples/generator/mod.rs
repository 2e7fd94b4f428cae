//! The sample: an invented two-month record of a small SMETS1 PKI, once with deviations planted
//! in it and once without. Nothing in it comes from a real certification authority.
//!
//! Each module adds its files to a [`Sample`] and marks where in them the things stand that
//! `deviations.toml` names, so that no line number is ever written by hand.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    missing_docs,
    reason = "the data is fixed: a generator that breaks is mended before anybody sees what it makes"
)]

mod ca_log;
mod der;
mod deviations;
mod engagement;
mod hosts;
mod node;
mod pki;
mod registers;
mod seed;
mod time;
mod x509;

use std::collections::BTreeMap;

/// Which of the two samples: with the planted deviations, or the clean twin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    Planted,
    Clean,
}

/// Every file of the sample, by path relative to the sample folder. Same bytes on every call.
pub fn files(variant: Variant) -> BTreeMap<String, Vec<u8>> {
    let mut sample = Sample { planted: variant == Variant::Planted, ..Sample::default() };
    let pki = pki::build(&mut sample);
    ca_log::build(&mut sample, &pki);
    node::build(&mut sample);
    registers::build(&mut sample, &pki);
    hosts::build(&mut sample);

    let mut files = BTreeMap::from([("engagement.toml".to_owned(), engagement::text(&sample).into_bytes())]);
    if sample.planted {
        files.insert("deviations.toml".to_owned(), deviations::text(&sample).into_bytes());
    }
    for (path, bytes) in sample.evidence {
        files.insert(format!("evidence/{path}"), bytes);
    }
    files
}

/// Where something stands in the evidence: the line, or the ordinal of the object in a bundle.
#[derive(Clone)]
struct Place {
    evidence: String,
    row: usize,
    serial: Option<String>,
}

/// The sample while it is made.
#[derive(Default)]
struct Sample {
    planted: bool,
    evidence: BTreeMap<String, Vec<u8>>,
    /// Records in each file, as the reader of that file would count them.
    records: BTreeMap<String, usize>,
    places: BTreeMap<String, Place>,
}

impl Sample {
    fn add(&mut self, path: &str, records: usize, bytes: impl Into<Vec<u8>>) {
        self.evidence.insert(path.to_owned(), bytes.into());
        self.records.insert(path.to_owned(), records);
    }

    fn mark(&mut self, what: String, evidence: &str, row: usize, serial: Option<&[u8]>) {
        let serial = serial.map(seed::lower);
        self.places.insert(what, Place { evidence: evidence.to_owned(), row, serial });
    }
}
