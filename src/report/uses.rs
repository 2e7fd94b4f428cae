//! The uses of root and issuing keys, each with the ceremony it falls in and who is known to have been
//! there. Three kinds of proof are kept apart: the minutes, the door, the log of the use. Names of the three
//! are never matched to one another: that is for a person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::Matter;
use crate::domain::instant;
use crate::engine::{Cell, EngineError, Rows};

/// Ceremonies are minuted by hand: a use so long before the begin or after the end still counts as part of
/// one (microseconds).
const MARGIN: i64 = 15 * 60 * 1_000_000;

/// One use of a root or issuing key, or of the module that holds it; a line of `views/key-uses.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyUse {
    /// Evidence id.
    pub evidence: String,
    /// Path of the evidence.
    pub path: String,
    /// Where in the file.
    pub locator: String,
    /// When; none where the instant is not settled, and then nobody is known to have been there.
    pub time: Option<String>,
    /// Canonical type, as the table of key events has it.
    pub event_type: String,
    /// The module that the register gives for the module or crypto token which the log names.
    pub module: String,
    /// The key as the log names it.
    pub key_ref: Option<String>,
    /// The ceremony in whose time it falls, 15 minutes before and after included.
    pub ceremony: Option<String>,
    /// Whether that ceremony is minuted for this module; none where its minutes name none.
    pub module_minuted: Option<bool>,
    /// Who the minutes have there at that instant.
    pub minuted: Vec<Presence>,
    /// Who the door log has inside at that instant.
    pub inside: Vec<Presence>,
    /// Who the log of the use says did it.
    pub authenticated: Vec<String>,
}

/// A person in a place, by one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// As the record names them.
    pub person: String,
    /// Role at the ceremony, or zone behind the door.
    pub place: Option<String>,
    /// Since when; none where the minutes do not say.
    pub since: Option<String>,
    /// The person signed the minutes; none for the door.
    pub signed: Option<bool>,
    /// Path of the evidence, and where in the file.
    pub stands_in: String,
}

/// The log of a module names the module, that of CA software only its crypto token: the register knows both.
/// What counts as a use is what control KM-10 looks for in the minutes.
const USES: &str = "WITH holdings AS (SELECT hsm AS place, hsm AS module, purpose FROM keys WHERE hsm IS NOT NULL \
    UNION ALL SELECT token AS place, hsm AS module, purpose FROM keys WHERE token IS NOT NULL), \
    places AS (SELECT place, MIN(module) AS module FROM holdings WHERE purpose IN ('root-ca', 'issuing-ca') GROUP BY place), \
    uses AS (SELECT evidence, row, time, event_type, COALESCE(hsm, token) AS place, key_ref, actor, second_actor FROM key_events \
    WHERE outcome <> 'failure' AND event_type IN \
    ('activate', 'login', 'sign', 'keygen', 'import', 'export', 'backup', 'restore', 'destroy', 'zeroize', 'init') AND retold IS NULL) \
    SELECT u.evidence, u.row, u.time, u.event_type, COALESCE(p.module, u.place) AS module, u.key_ref, u.actor, u.second_actor \
    FROM uses AS u JOIN places AS p ON u.place = p.place";
const CEREMONIES: &str = "SELECT ceremony, hsm, started_at, ended_at FROM ceremonies WHERE started_at IS NOT NULL AND ended_at IS NOT NULL";
const PEOPLE: &str = "SELECT ceremony, evidence, row, person, role, arrived_at, departed_at, signed FROM ceremony_people";
const DOORS: &str = "SELECT person, zone, door, time, evidence, row, direction FROM door_access \
    WHERE result = 'granted' AND time IS NOT NULL AND person IS NOT NULL AND direction IS NOT NULL";

struct Ceremony {
    name: String,
    hsm: Option<String>,
    start: i64,
    end: i64,
}

/// The passages of a person through the doors of a zone, in order: when, inwards, and where it stands.
type Passages = BTreeMap<(String, Option<String>), Vec<(i64, bool, String)>>;

impl Matter<'_> {
    /// Every use, in order of time.
    pub(super) fn key_uses(&self) -> Result<Vec<KeyUse>, EngineError> {
        let query = |sql| self.normalised.engine.query(sql);
        let uses = query(USES)?;
        if uses.is_empty() {
            return Ok(Vec::new());
        }
        let (ceremonies, people, passages) = (ceremonies(&query(CEREMONIES)?), query(PEOPLE)?, self.passages(&query(DOORS)?));
        let mut minuted: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for row in people.sorted_by(&["evidence", "row"]) {
            minuted.entry(text(&people, row, "ceremony")).or_default().push(row);
        }
        let one = |row: usize| {
            let (source, locator) = self.place(&uses.named(row, "evidence"), &uses.named(row, "row"));
            let at = uses.named(row, "time").integer();
            let module = text(&uses, row, "module");
            let ceremony = at.and_then(|at| during(&ceremonies, at, &module));
            let there = ceremony.and_then(|ceremony| minuted.get(&ceremony.name));
            let actors = ["actor", "second_actor"].iter().filter_map(|name| uses.named(row, name).text());
            KeyUse {
                evidence: source.map_or(String::new(), |source| source.evidence.id.clone()),
                path: source.map_or(String::new(), |source| source.evidence.path.clone()),
                locator,
                time: at.map(instant::text),
                event_type: text(&uses, row, "event_type"),
                ceremony: ceremony.map(|ceremony| ceremony.name.clone()),
                module_minuted: ceremony.and_then(|ceremony| Some(*ceremony.hsm.as_ref()? == module)),
                minuted: there.into_iter().flatten().filter_map(|person| self.minuted(&people, *person, at?)).collect(),
                inside: at.map_or_else(Vec::new, |at| inside(&passages, at)),
                authenticated: actors.collect(),
                key_ref: uses.named(row, "key_ref").text(),
                module,
            }
        };
        Ok(uses.sorted_by(&["time", "evidence", "row"]).into_iter().map(one).collect())
    }

    /// A person of the minutes, unless they had not come yet or had left.
    fn minuted(&self, people: &Rows, row: usize, at: i64) -> Option<Presence> {
        let bound = |name| people.named(row, name).integer();
        if bound("arrived_at").is_some_and(|arrived| at < arrived) || bound("departed_at").is_some_and(|left| at > left) {
            return None;
        }
        Some(Presence {
            person: text(people, row, "person"),
            place: people.named(row, "role").text(),
            since: bound("arrived_at").map(instant::text),
            signed: people.named(row, "signed").truth(),
            stands_in: self.stands(&people.named(row, "evidence"), &people.named(row, "row")),
        })
    }

    fn passages(&self, rows: &Rows) -> Passages {
        let mut passages = Passages::new();
        for row in rows.sorted_by(&["time", "evidence", "row"]) {
            let zone = rows.named(row, "zone").text().or_else(|| rows.named(row, "door").text());
            let stands = self.stands(&rows.named(row, "evidence"), &rows.named(row, "row"));
            let passage = (rows.named(row, "time").integer().unwrap_or_default(), text(rows, row, "direction") == "in", stands);
            passages.entry((text(rows, row, "person"), zone)).or_default().push(passage);
        }
        passages
    }

    fn stands(&self, evidence: &Cell, row: &Cell) -> String {
        let (source, locator) = self.place(evidence, row);
        format!("{}, {locator}", source.map_or("?", |source| source.evidence.path.as_str()))
    }
}

fn text(rows: &Rows, row: usize, name: &str) -> String {
    rows.named(row, name).text().unwrap_or_default()
}

fn ceremonies(rows: &Rows) -> Vec<Ceremony> {
    let bound = |row, name| rows.named(row, name).integer().unwrap_or_default();
    rows.sorted_by(&["started_at", "ceremony"])
        .into_iter()
        .map(|row| Ceremony {
            name: text(rows, row, "ceremony"),
            hsm: rows.named(row, "hsm").text(),
            start: bound(row, "started_at"),
            end: bound(row, "ended_at"),
        })
        .collect()
}

/// The ceremony that an instant falls in: of several the one minuted for the module, then the first.
fn during<'a>(ceremonies: &'a [Ceremony], at: i64, module: &str) -> Option<&'a Ceremony> {
    let mut holding = ceremonies.iter().filter(|ceremony| ceremony.start - MARGIN <= at && at <= ceremony.end + MARGIN);
    let own = holding.clone().find(|ceremony| ceremony.hsm.as_deref() == Some(module));
    own.or_else(|| holding.next())
}

/// Everybody whose last passage into or out of a zone was inwards.
fn inside(passages: &Passages, at: i64) -> Vec<Presence> {
    let last = passages.iter().filter_map(|(who, all)| {
        let past = all.partition_point(|(time, ..)| *time <= at);
        let (since, inwards, stands_in) = all.get(past.checked_sub(1)?)?;
        inwards.then(|| Presence {
            person: who.0.clone(),
            place: who.1.clone(),
            since: Some(instant::text(*since)),
            signed: None,
            stands_in: stands_in.clone(),
        })
    });
    last.collect()
}
