//! Instruments and their versions by date in force, from `instruments.toml`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::Complaint;
use crate::domain::instant;

/// An instrument.
#[derive(Debug, Clone)]
pub struct Instrument {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Where it stands in the SEC.
    pub sec: String,
    /// What is known of it.
    pub notes: String,
    /// Versions in order of their dates.
    pub versions: Vec<Version>,
}

/// A version of an instrument.
#[derive(Debug, Clone)]
pub struct Version {
    /// Name of the version.
    pub version: String,
    /// First instant in force.
    pub from: i64,
    /// First instant no longer in force; none while it is.
    pub until: Option<i64>,
    /// Where the date comes from.
    pub source: String,
    /// Parameters it sets: control, name, value.
    pub parameters: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InstrumentsFile {
    #[serde(rename = "schema")]
    _schema: u32,
    instrument: Vec<InstrumentFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InstrumentFile {
    id: String,
    title: String,
    sec: String,
    #[serde(rename = "wording")]
    _wording: String,
    versions: Vec<VersionFile>,
    #[serde(default)]
    notes: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionFile {
    version: String,
    from: toml::value::Datetime,
    source: String,
    #[serde(default)]
    parameters: BTreeMap<String, BTreeMap<String, String>>,
}

/// Reads `instruments.toml`.
pub fn read(path: &str, text: &str, complaints: &mut Vec<Complaint>) -> BTreeMap<String, Instrument> {
    let file: InstrumentsFile = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            complaints.push(Complaint::new(path, error));
            return BTreeMap::new();
        }
    };
    let mut instruments = BTreeMap::new();
    for raw in file.instrument {
        let mut instrument = Instrument { id: raw.id.clone(), title: raw.title, sec: raw.sec, notes: raw.notes, versions: Vec::new() };
        for version in raw.versions {
            match date(&version.from) {
                Some(from) => instrument.add(version.version, from, version.source, version.parameters),
                None => complaints.push(Complaint::new(path, format!("{}: {} is not a date", raw.id, version.from))),
            }
        }
        instruments.insert(raw.id, instrument);
    }
    instruments
}

/// A TOML date, without a time.
#[must_use]
pub fn date(value: &toml::value::Datetime) -> Option<Date> {
    if value.time.is_some() || value.offset.is_some() {
        return None;
    }
    let date = value.date?;
    Date::new(i16::try_from(date.year).ok()?, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
}

impl Instrument {
    /// Adds a version; the one before it ends where it begins.
    pub fn add(&mut self, version: String, from: Date, source: String, parameters: BTreeMap<String, BTreeMap<String, String>>) {
        self.versions.push(Version { version, from: instant::day(from), until: None, source, parameters });
        self.versions.sort_by_key(|version| version.from);
        let starts: Vec<i64> = self.versions.iter().map(|version| version.from).collect();
        for (version, next) in self.versions.iter_mut().zip(starts.iter().skip(1)) {
            version.until = Some(*next);
        }
    }

    /// The version in force at an instant.
    #[must_use]
    pub fn at(&self, micros: i64) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.from <= micros)
    }
}
