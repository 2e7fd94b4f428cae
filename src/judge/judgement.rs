//! Judgements on record: `judgements.jsonl` of the engagement. Later lines stand in place of earlier ones;
//! none is ever deleted.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalogue::Catalogue;
use crate::domain::note::Note;

/// What an assessor may say of a control.
pub const JUDGEMENTS: [&str; 7] = [
    "met",
    "met on sample",
    "not met (actual)",
    "not met (potential)",
    "mitigated (still not met)",
    "not testable with the evidence supplied",
    "not applicable",
];

/// A judgement.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Control.
    pub control: String,
    /// One of [`JUDGEMENTS`].
    pub judgement: String,
    /// Why.
    pub rationale: String,
    /// By whom.
    pub prepared_by: String,
    /// When.
    pub prepared_on: String,
    /// Reviewed by.
    pub reviewed_by: Option<String>,
    /// Reviewed on.
    pub reviewed_on: Option<String>,
}

/// All judgements on record.
#[derive(Debug, Default)]
pub struct Judgements {
    /// The one that stands, by control.
    pub by_control: BTreeMap<String, Judgement>,
    /// Lines that could not be used.
    pub notes: Vec<Note>,
}

impl Judgements {
    /// Reads the lines of `judgements.jsonl`. A line that cannot be used is noted, never dropped.
    #[must_use]
    pub fn read(text: &str, catalogue: &Catalogue) -> Self {
        let mut judgements = Self::default();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let place = format!("judgements.jsonl, line {number}");
            match serde_json::from_str::<Judgement>(line) {
                Err(error) => judgements.refuse(&place, &error.to_string()),
                Ok(judgement) if !catalogue.controls.contains_key(&judgement.control) => {
                    judgements.refuse(&place, &format!("no control {:?}", judgement.control));
                }
                Ok(judgement) if !JUDGEMENTS.contains(&judgement.judgement.as_str()) => {
                    judgements.refuse(&place, &format!("{:?} is none of: {}", judgement.judgement, JUDGEMENTS.join("; ")));
                }
                Ok(judgement) => {
                    judgements.by_control.insert(judgement.control.clone(), judgement);
                }
            }
        }
        judgements
    }

    fn refuse(&mut self, place: &str, why: &str) {
        self.notes.push(Note::general("N-JUDGE-001", why).at(place));
    }
}
