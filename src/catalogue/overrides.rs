//! `checklists/overrides.toml` of an engagement: what its people rule differently, each with by whom,
//! when and why.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::engagement::{Exclusion, Setting};
use super::{Catalogue, Complaint, instrument};

/// Rulings of an engagement.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    #[serde(rename = "schema")]
    _schema: u32,
    /// Versions of instruments.
    #[serde(default)]
    pub version: Vec<VersionRuling>,
    /// Official wording of the clause behind a control.
    #[serde(default)]
    pub clause: Vec<ClauseRuling>,
    /// Parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, BTreeMap<String, Setting>>,
    /// Controls left out.
    #[serde(default)]
    pub exclude: Vec<Exclusion>,
    /// Controls kept as good practice, which need no official wording.
    #[serde(default)]
    pub reclassify: Vec<Reclassified>,
}

/// A version of an instrument.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionRuling {
    /// Instrument.
    pub instrument: String,
    /// Version.
    pub version: String,
    /// First day in force.
    pub from: toml::value::Datetime,
    /// Parameters it sets: control, name, value.
    #[serde(default)]
    pub parameters: BTreeMap<String, BTreeMap<String, String>>,
    /// By whom.
    pub by: String,
    /// When.
    pub on: toml::value::Datetime,
    /// Why.
    pub reason: String,
}

/// Official wording.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClauseRuling {
    /// Control.
    pub control: String,
    /// Clause.
    pub clause: String,
    /// Its text.
    pub text: String,
    /// By whom.
    pub by: String,
    /// When.
    pub on: toml::value::Datetime,
    /// Why: where the text was taken from.
    pub reason: String,
}

/// A control kept as good practice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reclassified {
    /// Control.
    pub control: String,
    /// By whom.
    pub by: String,
    /// When.
    pub on: toml::value::Datetime,
    /// Why.
    pub reason: String,
}

impl Overrides {
    /// Reads `overrides.toml`; an absent file is no rulings.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read(path: &str, text: Option<&str>, catalogue: &mut Catalogue) -> Result<Self, Vec<Complaint>> {
        let Some(text) = text else { return Ok(Self::default()) };
        let overrides: Self = toml::from_str(text).map_err(|error| vec![Complaint::new(path, error)])?;
        let mut complaints = Vec::new();
        for ruling in &overrides.version {
            // Who ruled it, and why, stays in overrides.toml: this goes into what is issued.
            let what = format!("ruled in overrides.toml on {}", ruling.on);
            match (catalogue.instruments.get_mut(&ruling.instrument), instrument::date(&ruling.from)) {
                (Some(instrument), Some(from)) => {
                    instrument.add(ruling.version.clone(), from, what, ruling.parameters.clone());
                }
                (None, _) => complaints.push(Complaint::new(path, format!("no instrument {:?}", ruling.instrument))),
                (_, None) => complaints.push(Complaint::new(path, format!("{} is not a date", ruling.from))),
            }
        }
        let named = overrides
            .clause
            .iter()
            .map(|ruling| &ruling.control)
            .chain(overrides.parameters.keys())
            .chain(overrides.exclude.iter().map(|ruling| &ruling.control))
            .chain(overrides.reclassify.iter().map(|ruling| &ruling.control));
        for control in named {
            if !catalogue.controls.contains_key(control) {
                complaints.push(Complaint::new(path, format!("no control {control:?}")));
            }
        }
        if complaints.is_empty() { Ok(overrides) } else { Err(complaints) }
    }
}
