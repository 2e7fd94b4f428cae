//! The plan of an assessment: what is in scope, what a person does, whom to meet and what to ask for, made
//! from the checklists and the engagement before there is any evidence. Schema `assure-plan/1`: structs of
//! their own, every field always written.
//!
//! Nothing here is a result. Text of the engagement is raw: each writer escapes it for its own medium.

use serde::Serialize;

use super::plan_control::{self, Planned};
use super::plan_people::{self, Meeting};
use super::plan_request::{self, Request};
use super::results::{Basis, Tool};
use crate::catalogue::Catalogue;
use crate::catalogue::criteria::{Criteria, illustrative};
use crate::catalogue::engagement::Engagement;
use crate::catalogue::overrides::Overrides;
use crate::domain::instant;
use crate::normalise::Timeline;

/// The name of the schema.
pub const SCHEMA: &str = "assure-plan/1";

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The checklists.
    pub catalogue: &'a Catalogue,
    /// The engagement, declared or assumed.
    pub engagement: &'a Engagement,
    /// Rulings of the engagement.
    pub overrides: &'a Overrides,
    /// Imported criteria.
    pub criteria: &'a Criteria,
}

/// A plan.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// The program and its checklists.
    pub tool: Tool,
    /// The engagement, as far as it is declared.
    pub engagement: Terms,
    /// What the engagement leaves open, and what the plan therefore assumes.
    pub open: Vec<String>,
    /// A text among the criteria says that it is invented.
    pub illustrative_criteria: bool,
    /// Every control, due or not, in order of checklist and id.
    pub controls: Vec<Control>,
    /// Whom to meet, by role.
    pub people: Vec<Meeting>,
    /// What to ask for.
    pub requests: Vec<Request>,
    /// Evidence announced in the engagement that no request is about: what, and where.
    pub announced_besides: Vec<String>,
    /// Formats the program reads that no control that is due needs.
    pub formats_not_needed: Vec<String>,
}

/// The terms of the assessment.
#[derive(Debug, Clone, Serialize)]
pub struct Terms {
    /// Title.
    pub title: String,
    /// Audited party, where declared.
    pub audited_party: Option<String>,
    /// Assessor, where declared.
    pub assessor: Option<String>,
    /// Protective marking, where declared.
    pub marking: Option<String>,
    /// stage-1, stage-2, subsequent or self-assessment.
    pub kind: String,
    /// First day of the period, where declared.
    pub period_start: Option<String>,
    /// Last day of the period.
    pub period_end: Option<String>,
    /// The day the assessment looks back from.
    pub as_of: Option<String>,
    /// live, test or unknown.
    pub environment: String,
    /// An `engagement.toml` was there.
    pub declared: bool,
}

/// One control.
#[derive(Debug, Clone, Serialize)]
pub struct Control {
    /// `AU-08`.
    pub id: String,
    /// Checklist id.
    pub checklist: String,
    /// Title of the checklist.
    pub checklist_title: String,
    /// Title.
    pub title: String,
    /// Instrument id.
    pub instrument: String,
    /// The versions of the instrument that count; all of them where no period is declared.
    pub versions: Vec<String>,
    /// Where the clause is expected; a position, not a citation.
    pub position: String,
    /// The clause, once criteria are imported.
    pub clause: Option<String>,
    /// The official text, once imported.
    pub official_text: Option<String>,
    /// One sentence. A paraphrase unless `official_text` is there.
    pub requirement: String,
    /// How sure the criterion is.
    pub basis: Basis,
    /// Who confirmed the criterion, where somebody did.
    pub confirmed: Option<String>,
    /// The heading its results will have: empty when confirmed, else "Indicative: …".
    pub qualifier: String,
    /// It is tested in this engagement.
    pub due: bool,
    /// Why it is, or why it is not.
    pub because: String,
    /// event, state or baseline: which records it is tested on.
    pub applies_to: String,
    /// examine, interview, test, observe or reperform.
    pub method: String,
    /// design, implementation or operation.
    pub assertion: String,
    /// `party`, or `assessment` where it judges the assessment itself.
    pub judges: String,
    /// Its tests.
    pub tests: Vec<Test>,
    /// What a person does, step by step.
    pub procedure: Vec<String>,
    /// Evidence wanted, in words.
    pub evidence_wanted: Vec<String>,
    /// Parameters with their values, and who set them.
    pub parameters: Vec<Parameter>,
    /// What no exceptions would leave open.
    pub leaves_open: String,
    /// Requests that serve it, by id.
    pub requests: Vec<String>,
    /// Tables it reads that no format feeds.
    pub unfed: Vec<String>,
}

/// One test of a control.
#[derive(Debug, Clone, Serialize)]
pub struct Test {
    /// Id within the control.
    pub id: String,
    /// The table whose records are judged.
    pub subject: String,
    /// Which of them.
    pub selects: String,
    /// How an exception reads; a name in brackets stands for a value of the record.
    pub says: String,
    /// Every table it reads.
    pub reads: Vec<String>,
    /// What the completeness of a table rests on.
    pub completeness: Vec<Completeness>,
    /// When a record of the subject is not tested.
    pub untested_where: Vec<String>,
}

/// What the completeness of a table rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Completeness {
    /// Table.
    pub table: String,
    /// declared, sequence, period or none.
    pub rests_on: String,
}

/// A parameter and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// ISO 8601.
    pub value: String,
    /// What it means.
    pub about: String,
    /// Which declaration won, and its reason.
    pub set_by: String,
    /// The versions of the instrument under which it has this value; empty where that is all of them.
    pub versions: Vec<String>,
}

impl Plan {
    /// Makes the plan. It opens no file.
    #[must_use]
    pub fn of(ground: Ground) -> Self {
        let Ground { catalogue, engagement, criteria, .. } = ground;
        let timeline = Timeline::declared(engagement);
        let planned = plan_control::all(ground, timeline.as_ref());
        let due: Vec<&Planned> = planned.iter().filter(|planned| planned.control.due).collect();
        let terms = terms(engagement, timeline.as_ref());
        let requests = plan_request::all(ground, &due, &terms);
        let people = plan_people::all(ground, &due, &requests);
        let named = |format: &&crate::catalogue::format::Format| !requests.iter().any(|r| r.format.as_deref() == Some(&format.name));
        let mut controls: Vec<Control> = planned.into_iter().map(|planned| planned.control).collect();
        for control in controls.iter_mut().filter(|control| control.due) {
            control.requests = requests.iter().filter(|r| r.controls.contains(&control.id)).map(|r| r.id.clone()).collect();
        }
        Self {
            schema: SCHEMA,
            tool: Tool {
                name: "assure".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                checklists_sha256: catalogue.sha256.clone(),
            },
            open: open(engagement, timeline.as_ref()),
            illustrative_criteria: controls.iter().filter_map(|c| c.official_text.as_deref()).any(illustrative)
                || criteria.criterion.iter().any(crate::catalogue::criteria::Criterion::illustrative),
            announced_besides: plan_request::announced_besides(engagement, &requests),
            formats_not_needed: catalogue.formats.values().filter(named).map(|f| format!("{}: {}", f.name, f.title)).collect(),
            engagement: terms,
            controls,
            people,
            requests,
        }
    }

    /// The controls that are tested in this engagement.
    pub(super) fn due(&self) -> impl Iterator<Item = &Control> {
        self.controls.iter().filter(|control| control.due)
    }

    /// The roles to go through the procedure of a control with.
    pub(super) fn roles_for(&self, control: &str) -> Vec<&str> {
        let through = self.people.iter().filter(|meeting| meeting.procedures.iter().any(|id| id == control));
        through.map(|meeting| meeting.role.as_str()).collect()
    }

    /// The title block: what the engagement is.
    pub(super) fn title_block(&self) -> Vec<(&'static str, String)> {
        let terms = &self.engagement;
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "not declared".to_owned());
        vec![
            ("Kind", super::view::kind_words(&terms.kind).to_owned()),
            ("Period", terms.period()),
            ("As of", or(&terms.as_of)),
            ("Audited party", or(&terms.audited_party)),
            ("Assessor", or(&terms.assessor)),
            ("Environment", terms.environment.clone()),
            ("Marking", or(&terms.marking)),
        ]
    }

    /// The key facts, each with what it is out of.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let due = self.due().count();
        let of_due = |count: usize| format!("{count} of {due} controls due");
        let formats = self.requests.iter().filter(|request| request.format.is_some()).count();
        let unfed = self.requests.iter().filter(|request| request.format.is_none() && !request.feeds.is_empty()).count();
        vec![
            ("Controls due", format!("{due} of {} on the checklists", self.controls.len())),
            ("Criteria confirmed", of_due(self.due().filter(|c| c.confirmed.is_some()).count())),
            ("With a test by the program", of_due(self.due().filter(|c| !c.tests.is_empty()).count())),
            ("With a procedure for a person", of_due(self.due().filter(|c| !c.procedure.is_empty()).count())),
            ("Reading a table that no format feeds", of_due(self.due().filter(|c| !c.unfed.is_empty()).count())),
            ("People to meet", format!("{} roles", self.people.len())),
            (
                "Evidence requests",
                format!(
                    "{}: {formats} by format, {unfed} without one, {} read by a person",
                    self.requests.len(),
                    self.requests.len() - formats - unfed
                ),
            ),
        ]
    }
}

impl Control {
    /// Whether the criterion is confirmed, in words.
    pub(super) fn criterion(&self) -> &str {
        match &self.confirmed {
            Some(by) => by,
            None if self.qualifier.starts_with("Good practice") => "good practice, not a requirement",
            None => "not confirmed: indicative",
        }
    }

    /// The clause where one was imported, else the position with a word that it is no citation.
    pub(super) fn clause_words(&self) -> String {
        self.clause.clone().unwrap_or_else(|| format!("{} (expected position, not a citation)", self.position))
    }
}

impl Terms {
    /// The period in words.
    pub(super) fn period(&self) -> String {
        let period = self.period_start.as_ref().zip(self.period_end.as_ref());
        period.map_or_else(|| "not declared".to_owned(), |(start, end)| format!("{start} to {end}"))
    }
}

fn terms(engagement: &Engagement, timeline: Option<&Timeline>) -> Terms {
    Terms {
        title: engagement.title.clone(),
        audited_party: engagement.audited_party.clone(),
        assessor: engagement.assessor.clone(),
        marking: engagement.marking.clone(),
        kind: engagement.kind.clone(),
        period_start: timeline.map(|timeline| instant::day_text(timeline.period_start)),
        period_end: timeline.map(|timeline| instant::day_text(timeline.period_end - 1)),
        as_of: timeline.map(|timeline| instant::day_text(timeline.as_of - 1)).or(engagement.as_of.map(|day| day.to_string())),
        environment: engagement.environment.clone(),
        declared: engagement.declared,
    }
}

fn open(engagement: &Engagement, timeline: Option<&Timeline>) -> Vec<String> {
    let mut open = Vec::new();
    if !engagement.declared {
        open.push(format!("there is no engagement.toml: the plan is that of a {} with the checklists as they are", engagement.kind));
    }
    match timeline {
        Some(timeline) => open.extend(timeline.assumptions.iter().cloned()),
        None => open.push("no period is declared: every version of an instrument is taken to count".to_owned()),
    }
    if engagement.declared && engagement.expected.is_empty() {
        open.push("no evidence is announced ([[expected]]): nothing that comes can be shown to be complete".to_owned());
    }
    open
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The plan for no engagement at all.
    pub(in super::super) fn assumed(catalogue: &Catalogue) -> Plan {
        let engagement = Engagement::assumed("none");
        Plan::of(Ground { catalogue, engagement: &engagement, overrides: &Overrides::default(), criteria: &Criteria::default() })
    }

    #[test]
    fn every_control_stands_in_the_plan_once() {
        let catalogue = Catalogue::load(&[]).unwrap();
        let mut planned: Vec<String> = assumed(&catalogue).controls.into_iter().map(|control| control.id).collect();
        planned.sort();
        assert_eq!(planned, catalogue.controls.keys().cloned().collect::<Vec<_>>());
    }

    #[test]
    fn every_request_serves_a_control_and_every_need_is_asked_for() {
        let catalogue = Catalogue::load(&[]).unwrap();
        let plan = assumed(&catalogue);
        assert!(plan.requests.iter().all(|request| !request.controls.is_empty()));
        for control in plan.due() {
            assert!(!control.requests.is_empty(), "{} is due, and nothing is asked for", control.id);
        }
        for asked in plan.people.iter().flat_map(|meeting| &meeting.evidence) {
            assert!(!asked.requests.is_empty(), "{} is to be met for, and nothing is asked for", asked.about);
        }
    }
}
