//! Imported criteria: the official wording of clauses, as an assessor took it from the instrument.
//! They live in the engagement, in `checklists/criteria.toml`.

use serde::{Deserialize, Serialize};

use super::{Catalogue, Complaint};

/// The words that an invented sheet carries in every row.
pub const ILLUSTRATIVE: &str = "ILLUSTRATIVE, NOT THE SEC'S TEXT";

/// The criteria of an engagement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// Schema of the file.
    pub schema: u32,
    /// Clauses.
    #[serde(default)]
    pub criterion: Vec<Criterion>,
}

/// One clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Instrument id.
    pub instrument: String,
    /// Version of the instrument.
    pub version: String,
    /// Clause.
    pub clause: String,
    /// Its text.
    pub text: String,
    /// First day in force, where the sheet says it.
    pub from: Option<String>,
    /// Last day in force, where the sheet says it.
    pub to: Option<String>,
    /// Who the duty is allotted to.
    pub allocation: Option<String>,
    /// The controls that test it.
    pub controls: Vec<String>,
    /// Why it is left out, where it is.
    pub excluded: Option<String>,
    /// Who confirmed it.
    pub by: String,
    /// When, `YYYY-MM-DD`.
    pub on: String,
    /// SHA-256 of the sheet it came from.
    pub sheet: String,
}

/// A text says of itself that it is invented, however its apostrophes and letters are written.
#[must_use]
pub fn illustrative(text: &str) -> bool {
    text.to_uppercase().contains("ILLUSTRATIVE")
}

impl Criterion {
    /// The sheet says that its text is invented.
    #[must_use]
    pub fn illustrative(&self) -> bool {
        illustrative(&self.text)
    }

    /// The clause lays down a duty.
    #[must_use]
    pub fn is_duty(&self) -> bool {
        self.text.split(|c: char| !c.is_alphabetic()).any(|word| word.eq_ignore_ascii_case("shall"))
    }

    /// The id of the control that a clause without a control of ours becomes.
    #[must_use]
    pub fn own_control(&self) -> String {
        let clause: String = self.clause.chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '-' }).collect();
        format!("CR-{}-{}", self.instrument, clause.trim_matches('-'))
    }
}

impl Criteria {
    /// Reads `criteria.toml`; an absent file is no criteria.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read(path: &str, text: Option<&str>, catalogue: &Catalogue) -> Result<Self, Vec<Complaint>> {
        let Some(text) = text else { return Ok(Self { schema: 1, criterion: Vec::new() }) };
        let criteria: Self = toml::from_str(text).map_err(|error| vec![Complaint::new(path, error)])?;
        let complaints = criteria.check(path, catalogue);
        if complaints.is_empty() { Ok(criteria) } else { Err(complaints) }
    }

    /// Everything in which the criteria do not fit the catalogue.
    #[must_use]
    pub fn check(&self, path: &str, catalogue: &Catalogue) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (index, criterion) in self.criterion.iter().enumerate() {
            let place = format!("{path}, clause {} ({})", index + 1, criterion.clause);
            match catalogue.instruments.get(&criterion.instrument) {
                None => complaints.push(Complaint::new(&place, format!("no instrument {:?}", criterion.instrument))),
                Some(instrument) if !instrument.versions.iter().any(|version| version.version == criterion.version) => {
                    let what =
                        format!("instrument {} has no version {:?}; add it to overrides.toml", criterion.instrument, criterion.version);
                    complaints.push(Complaint::new(&place, what));
                }
                Some(_) => {}
            }
            for control in &criterion.controls {
                match catalogue.controls.get(control) {
                    None => complaints.push(Complaint::new(&place, format!("no control {control:?}"))),
                    Some(known) if known.file.instrument != criterion.instrument => {
                        let what = format!("control {control} is of instrument {}", known.file.instrument);
                        complaints.push(Complaint::new(&place, what));
                    }
                    Some(_) => {}
                }
            }
        }
        complaints
    }

    /// The clauses attached to a control: those with a text, and not left out.
    pub fn of<'a>(&'a self, control: &'a str) -> impl Iterator<Item = &'a Criterion> {
        let counts = |criterion: &&Criterion| !criterion.text.trim().is_empty() && criterion.excluded.is_none();
        self.criterion.iter().filter(counts).filter(move |criterion| criterion.controls.iter().any(|id| id == control))
    }

    /// The clause that confirms a control: there is one for every version of the instrument in force.
    #[must_use]
    pub fn confirming<'a>(&'a self, control: &'a str, versions: &[String]) -> Option<&'a Criterion> {
        let all = versions.iter().all(|version| self.of(control).any(|criterion| criterion.version == *version));
        let last = versions.last()?;
        self.of(control).find(|criterion| criterion.version == *last).filter(|_| all)
    }
}
