//! Invented engagements: nothing in them comes from a real certification authority. [`year`] is the sample that
//! is shipped; [`months`] is a small one for the tests.
//!
//! Each module adds its files to a [`Sample`] and marks where in them the things stand that
//! `deviations.toml` names, so that no line number is ever written by hand.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "the data is fixed: a generator that breaks is mended before anybody sees what it makes"
)]

pub mod der;
pub mod months;
pub mod seed;
pub mod time;
pub mod x509;
pub mod year;

use std::collections::BTreeMap;

/// Which of two twins: with the planted deviations, or without.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    Planted,
    Clean,
}

/// Where something stands in the evidence: the line of a text, the ordinal of an object, the row of a sheet.
#[derive(Clone)]
struct Place {
    evidence: String,
    sheet: Option<String>,
    row: usize,
    serial: Option<String>,
}

/// A sample while it is made.
#[derive(Default)]
struct Sample {
    planted: bool,
    evidence: BTreeMap<String, Vec<u8>>,
    /// Records in each file, as the reader of that file would count them.
    records: BTreeMap<String, usize>,
    places: BTreeMap<String, Place>,
    /// Files of the engagement that are no evidence.
    beside: BTreeMap<String, Vec<u8>>,
}

impl Sample {
    fn add(&mut self, path: &str, records: usize, bytes: impl Into<Vec<u8>>) {
        self.evidence.insert(path.to_owned(), bytes.into());
        self.records.insert(path.to_owned(), records);
    }

    fn mark(&mut self, what: String, evidence: &str, row: usize, serial: Option<&[u8]>) {
        let serial = serial.map(seed::lower);
        self.places.insert(what, Place { evidence: evidence.to_owned(), sheet: None, row, serial });
    }

    fn files(self, engagement: String, deviations: String) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::from([("engagement.toml".to_owned(), engagement.into_bytes())]);
        if self.planted {
            files.insert("deviations.toml".to_owned(), deviations.into_bytes());
        }
        files.extend(self.beside);
        files.extend(self.evidence.into_iter().map(|(path, bytes)| (format!("evidence/{path}"), bytes)));
        files
    }
}
