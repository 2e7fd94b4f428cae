//! The controls of a plan: due or not and why, under which versions, with which parameters and tests.

use std::collections::BTreeSet;

use super::plan::{Completeness, Control, Ground, Parameter, Test};
use super::record;
use crate::catalogue::control::{AppliesTo, Control as Written, TestFile};
use crate::catalogue::statement::Statement;
use crate::domain::outcome::Outcome;
use crate::evaluate::scope;
use crate::judge::{self, Standing};
use crate::normalise::{self, Timeline};

/// A control with what its tests need.
pub(super) struct Planned<'a> {
    /// As the plan shows it.
    pub(super) control: Control,
    /// As it was written; none for an imported clause without a control of ours.
    pub(super) written: Option<&'a Written>,
    /// The tables that evidence has to feed.
    pub(super) needs: BTreeSet<&'a str>,
}

/// Every control, in order of checklist and id, then the imported clauses that are controls of their own.
pub(super) fn all<'a>(ground: Ground<'a>, timeline: Option<&Timeline>) -> Vec<Planned<'a>> {
    let mut all: Vec<Planned> = ground.catalogue.controls.values().map(|written| planned(written, ground, timeline)).collect();
    all.sort_by(|a, b| (&a.control.checklist, &a.control.id).cmp(&(&b.control.checklist, &b.control.id)));
    all.extend(record::own_controls(ground.criteria).into_iter().map(imported));
    all
}

/// The tables that evidence feeds behind a table: itself, or those it is made from.
pub(super) fn fed_behind<'a>(table: &'a str, found: &mut BTreeSet<&'a str>) {
    match normalise::made_from(table) {
        Some(origins) => origins.iter().for_each(|origin| fed_behind(origin, found)),
        None => drop(found.insert(table)),
    }
}

fn planned<'a>(written: &'a Written, ground: Ground<'a>, timeline: Option<&Timeline>) -> Planned<'a> {
    let Ground { catalogue, engagement, overrides, criteria } = ground;
    let file = &written.file;
    let counting = counting(written, ground, timeline);
    let versions: Vec<String> = counting.iter().map(|(version, _)| version.clone()).collect();
    let set_aside = scope::set_aside(written, engagement, overrides).or_else(|| not_in_force(written, ground, timeline, &versions));
    let Standing { confirmed, official, reclassified } = judge::standing(&written.id, &versions, criteria, overrides);
    let mut needs = BTreeSet::new();
    for (test, statement) in written.tests() {
        let rests = test.tables.keys().filter(|table| *table != "engagement");
        statement.tables.iter().chain(rests).for_each(|table| fed_behind(table, &mut needs));
    }
    let unfed = written.statements.iter().flat_map(|statement| &statement.tables).filter(|table| !is_fed(table, ground)).cloned();
    let control = Control {
        id: written.id.clone(),
        checklist: written.checklist.clone(),
        checklist_title: catalogue.checklists.get(&written.checklist).map_or(String::new(), |checklist| checklist.title.clone()),
        title: file.title.clone(),
        instrument: file.instrument.clone(),
        versions,
        position: file.expected_position.clone(),
        clause: official.as_ref().map(|(clause, _)| clause.clone()),
        requirement: file.requirement.clone(),
        basis: record::basis(written, official.as_ref().map(|(_, text)| text.as_str())),
        official_text: official.map(|(_, text)| text),
        qualifier: judge::qualifier(written, confirmed.is_some(), reclassified.as_deref()),
        confirmed: confirmed.map(|by| format!("confirmed by {by}")),
        due: set_aside.is_none(),
        because: set_aside.map_or_else(|| format!("due at this stage ({})", engagement.kind), |(_, reason)| reason),
        applies_to: match file.applies_to {
            AppliesTo::Event => "event",
            AppliesTo::State => "state",
            AppliesTo::Baseline => "baseline",
        }
        .to_owned(),
        method: file.method.clone(),
        assertion: file.assertion.clone(),
        judges: file.judges.clone(),
        tests: written.tests().map(|(test, statement)| self::test(test, statement, ground)).collect(),
        procedure: file.procedure.clone(),
        evidence_wanted: file.evidence.clone(),
        parameters: parameters(written, ground, &counting),
        leaves_open: file.leaves_open.clone(),
        requests: Vec::new(),
        unfed: unfed.collect::<BTreeSet<String>>().into_iter().collect(),
    };
    Planned { control, written: Some(written), needs }
}

/// The versions that count, each with the instant whose parameters it is tested with. Without a period
/// nobody knows which do, so all are shown.
fn counting(written: &Written, ground: Ground, timeline: Option<&Timeline>) -> Vec<(String, i64)> {
    if let Some(timeline) = timeline {
        let segments = scope::segments(written, ground.catalogue, timeline);
        return segments.into_iter().map(|(version, from, _)| (version, scope::instant(written, timeline, from))).collect();
    }
    let instrument = ground.catalogue.instruments.get(&written.file.instrument);
    instrument.into_iter().flat_map(|i| &i.versions).map(|version| (version.version.clone(), version.from)).collect()
}

fn not_in_force(written: &Written, ground: Ground, timeline: Option<&Timeline>, versions: &[String]) -> Option<(Outcome, String)> {
    let without_period = || (Outcome::NotInForce, "no version of its instrument is known".to_owned());
    versions.is_empty().then(|| timeline.map_or_else(without_period, |timeline| scope::not_in_force(written, ground.catalogue, timeline)))
}

fn is_fed(table: &str, ground: Ground) -> bool {
    let mut behind = BTreeSet::new();
    fed_behind(table, &mut behind);
    behind.is_empty() || behind.iter().any(|table| ground.catalogue.formats.values().any(|format| format.tables().contains(table)))
}

fn parameters(written: &Written, ground: Ground, counting: &[(String, i64)]) -> Vec<Parameter> {
    let mut all: Vec<Parameter> = Vec::new();
    // Without a version that counts, the value is what the engagement or the control says.
    let none = [(String::new(), i64::MIN)];
    for (version, at) in if counting.is_empty() { &none[..] } else { counting } {
        for facts in scope::parameters(written, ground.catalogue, ground.engagement, ground.overrides, *at) {
            let same = |known: &&mut Parameter| known.name == facts.name && known.value == facts.value && known.set_by == facts.set_by;
            if let Some(known) = all.iter_mut().find(same) {
                known.versions.push(version.clone());
                continue;
            }
            let about = written.file.parameters.get(&facts.name).map_or(String::new(), |parameter| parameter.about.clone());
            let versions = vec![version.clone()];
            all.push(Parameter { name: facts.name, value: facts.value, about, set_by: facts.set_by, versions });
        }
    }
    for parameter in all.iter_mut().filter(|parameter| parameter.versions.len() >= counting.len()) {
        parameter.versions.clear();
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn test(test: &TestFile, statement: &Statement, ground: Ground) -> Test {
    let subject = ground.catalogue.tables.get(&test.subject);
    let needed: BTreeSet<&String> = test.needs.iter().chain(&test.dated_by).collect();
    let untested_where = needed.into_iter().filter_map(|name| Some(format!("{name}: {}", subject?.column(name)?.empty_means.as_ref()?)));
    Test {
        id: test.id.clone(),
        subject: test.subject.clone(),
        selects: statement.selects(),
        says: plain(&test.says),
        reads: statement.tables.iter().cloned().collect(),
        completeness: test.tables.iter().map(|(table, on)| Completeness { table: table.clone(), rests_on: on.word().to_owned() }).collect(),
        untested_where: untested_where.collect(),
    }
}

/// The words of an exception, with the names of its values in brackets.
fn plain(says: &str) -> String {
    let mut parts = says.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once("}}") {
            Some((name, rest)) => text.push_str(&format!("[{}]{rest}", name.trim())),
            None => text.push_str(&format!("{{{{{part}")),
        }
    }
    text
}

/// An imported clause without a control of ours: a person decides how it is tested.
fn imported<'a>(control: super::results::Control) -> Planned<'a> {
    let control = Control {
        id: control.id,
        checklist: control.checklist,
        checklist_title: control.checklist_title,
        title: control.title,
        instrument: control.instrument,
        versions: Vec::new(),
        position: control.position,
        clause: control.clause,
        official_text: control.official_text,
        requirement: control.requirement,
        basis: control.basis,
        confirmed: control.confirmed,
        qualifier: control.qualifier,
        due: true,
        because: "an imported clause that no control of the checklists tests".to_owned(),
        applies_to: "not stated".to_owned(),
        method: control.method,
        assertion: control.assertion,
        judges: control.judges,
        tests: Vec::new(),
        procedure: control.procedure,
        evidence_wanted: control.evidence_wanted,
        parameters: Vec::new(),
        leaves_open: control.leaves_open,
        requests: Vec::new(),
        unfed: Vec::new(),
    };
    Planned { control, written: None, needs: BTreeSet::new() }
}

/// The days and kinds of records a control is tested on, in words.
pub(super) fn covers(applies_to: AppliesTo, terms: &super::plan::Terms) -> String {
    let as_of = terms.as_of.as_deref().unwrap_or("the day the assessment looks back from, not declared");
    match applies_to {
        AppliesTo::Event => match terms.period_start {
            Some(_) => format!("what happened from {}", terms.period()),
            None => "what happened in the period, which is not declared".to_owned(),
        },
        AppliesTo::State => format!("what is relied on as of {as_of}"),
        AppliesTo::Baseline => format!("what is relied on as of {as_of}, whenever it was made"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_record_stand_in_brackets() {
        assert_eq!(plain("no CRL of {{ issuer }} after {{at}}"), "no CRL of [issuer] after [at]");
        assert_eq!(plain("plain, {{ open"), "plain, {{ open");
    }

    #[test]
    fn what_is_made_from_a_log_needs_the_log() {
        let mut behind = BTreeSet::new();
        fed_behind("log_holes", &mut behind);
        assert!(behind.contains("ca_events") && !behind.contains("log_holes"));
        let mut behind = BTreeSet::new();
        fed_behind("evidence", &mut behind);
        assert!(behind.is_empty(), "the program lists the folder itself");
    }
}
