//! What the logs of the evidence can tell at all.
//!
//! That a log has no record of a kind shows something only where it could have had one. Two things keep a
//! kind out: the format knows no such record (the module of AWS never logs that a key was used), or a setting of
//! the source leaves it out (the audit filter of a Microsoft CA).

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::Catalogue;
use crate::catalogue::format::Format;
use crate::catalogue::statement::Statement;
use crate::engine::EngineError;
use crate::normalise::Normalised;

/// The column of a log that says what kind of event a record tells.
const KIND: &str = "event_type";

/// Why no log of the evidence tells of a kind of event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Silence {
    /// No format has a word for it.
    NoWord,
    /// Nothing shows that a setting, by its name, had it recorded the whole time.
    Setting(String),
}

/// A bit: of which program, under which key, and its value.
type Bit = (String, String, u64);

/// What the logs can tell, by what is known of their formats and settings.
pub struct Coverage<'a> {
    normalised: &'a Normalised,
    catalogue: &'a Catalogue,
    /// Bits that the evidence shows set, and never otherwise.
    set: BTreeSet<Bit>,
}

impl<'a> Coverage<'a> {
    /// Finds which bits of settings are shown set.
    ///
    /// # Errors
    /// [`EngineError`] where the settings cannot be read.
    pub fn of(normalised: &'a Normalised, catalogue: &'a Catalogue) -> Result<Self, EngineError> {
        let rows = normalised.engine.query(
            "SELECT component, key, bit, SUM(CASE WHEN is_set THEN 0 ELSE 1 END) AS unset FROM setting_flags GROUP BY component, key, bit",
        )?;
        let bit = |row| {
            let text = |name: &str| rows.named(row, name).text();
            let always = rows.named(row, "unset").integer() == Some(0);
            always.then_some((text("component")?, text("key")?, u64::try_from(rows.named(row, "bit").integer()?).ok()?))
        };
        Ok(Self { normalised, catalogue, set: (0..rows.len()).filter_map(bit).collect() })
    }

    /// The kinds of event that a test is about and that no log feeding its table could tell, and why.
    #[must_use]
    pub fn untold(&self, statement: &Statement, table: &str) -> BTreeMap<String, Silence> {
        let Some(wanted) = statement.wants(KIND) else { return BTreeMap::new() };
        let mut names: BTreeSet<Option<&str>> = BTreeSet::new();
        for source in self.normalised.sources.iter().filter(|source| source.tables.contains(table)) {
            let own = source.evidence.formats();
            names.extend(own.is_empty().then_some(None));
            names.extend(own.into_iter().map(Some));
        }
        let formats: Vec<Option<&Format>> = names.into_iter().map(|name| self.catalogue.formats.get(name?)).collect();
        wanted.into_iter().filter_map(|kind| self.left_out(&kind, table, &formats).map(|why| (kind, why))).collect()
    }

    /// Why none of these formats tells a kind; nothing where one does. A format that nobody knows may tell all.
    fn left_out(&self, kind: &str, table: &str, formats: &[Option<&Format>]) -> Option<Silence> {
        let mut silence = Silence::NoWord;
        for format in formats {
            if (*format)?.tells(table, KIND)?.contains(kind) {
                silence = Silence::Setting(self.setting(kind, table, (*format)?)?);
            }
        }
        Some(silence)
    }

    /// The setting that decides on a kind in the logs of a format, where it is not shown to have it recorded.
    fn setting(&self, kind: &str, table: &str, format: &Format) -> Option<String> {
        let program = format.tells(table, "system")?;
        let emits = self.catalogue.formats.values().flat_map(|format| &format.emits);
        let mut bits = emits.filter_map(|emit| Some((emit.constant("component")?, emit.constant("key")?, emit.bits.as_ref()?)));
        let leaves_out = |component: &str, key: &str, told: &BTreeMap<u64, Vec<String>>| {
            let of_kind = told.iter().filter(|(_, kinds)| kinds.iter().any(|told| told == kind));
            let mut set = of_kind.map(|(bit, _)| self.set.contains(&(component.to_owned(), key.to_owned(), *bit)));
            program.contains(component) && set.any(|set| !set)
        };
        bits.find(|(component, key, bits)| leaves_out(component, key, &bits.tells)).map(|(_, key, _)| key.to_owned())
    }
}
