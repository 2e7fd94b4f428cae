//! Whom to meet: the roles that keep what the controls need, with what to ask each for and which procedures
//! to go through with them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::Ground;
use super::plan_control::Planned;
use super::plan_request::Request;

/// The role of controls that judge the assessment itself.
pub(super) const OWN_TEAM: &str = "the assessor's own team";
/// The role of tables for which `tables.toml` names none.
const NOT_NAMED: &str = "not named: tables.toml does not say who keeps the table";
/// The role of controls that rest on no table.
const NOT_KNOWN: &str = "not known: no table says whose evidence it is, decide whom to ask";

/// A role to meet.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Meeting {
    /// Role.
    pub role: String,
    /// What to ask for, by what it is for: a table, or what is wanted in words.
    pub evidence: Vec<Asked>,
    /// Of the controls that rest on it, those with a procedure to go through together.
    pub procedures: Vec<String>,
}

/// Something to ask a role for.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// The table it feeds, or the control whose wanted evidence it is.
    pub about: String,
    /// Requests that would serve, by id; one of them is enough for each system.
    pub requests: Vec<String>,
    /// Controls that rest on it.
    pub controls: Vec<String>,
}

/// Every role, in order of name; those nobody has settled come last.
pub(super) fn all(ground: Ground, due: &[&Planned], requests: &[Request]) -> Vec<Meeting> {
    let mut roles: BTreeMap<(u8, &str), Meeting> = BTreeMap::new();
    for planned in due {
        let control = &planned.control;
        let by_table = planned.needs.iter().map(|table| {
            let kept_by = ground.catalogue.tables.get(table).and_then(|known| known.kept_by.as_deref());
            (kept_by.map_or((2, NOT_NAMED), |role| (0, role)), *table)
        });
        let without = if control.judges == "assessment" { (1, OWN_TEAM) } else { (3, NOT_KNOWN) };
        let alone = planned.needs.is_empty() && (control.tests.is_empty() || !control.procedure.is_empty());
        let without = alone.then_some((without, control.id.as_str()));
        for (role, about) in by_table.chain(without) {
            let meeting = roles.entry(role).or_default();
            match meeting.evidence.iter_mut().find(|asked| asked.about == about) {
                Some(asked) => asked.controls.push(control.id.clone()),
                None => meeting.evidence.push(Asked {
                    about: about.to_owned(),
                    requests: serving(about, requests),
                    controls: vec![control.id.clone()],
                }),
            }
            if !control.procedure.is_empty() && !meeting.procedures.contains(&control.id) {
                meeting.procedures.push(control.id.clone());
            }
        }
    }
    let named = roles.into_iter().map(|((_, role), meeting)| Meeting { role: role.to_owned(), ..meeting });
    let mut all: Vec<Meeting> = named.collect();
    for meeting in &mut all {
        meeting.evidence.sort_by(|a, b| a.about.cmp(&b.about));
    }
    all
}

/// The requests about a table, or about a control that rests on none.
fn serving(about: &str, requests: &[Request]) -> Vec<String> {
    let serves = |request: &&Request| {
        request.feeds.iter().any(|feed| feed.table == about) || (request.feeds.is_empty() && request.controls.iter().any(|id| id == about))
    };
    requests.iter().filter(serves).map(|request| request.id.clone()).collect()
}
