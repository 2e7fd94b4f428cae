//! What the first page says, in an order that puts the answer first: every number with what it is out of,
//! and what was not assessed as large as what failed. No sentence of it is taken from evidence.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::pictures;
use super::results::{Control, Test};
use super::untrusted::cut;
use super::view::{ReportView, ViewError, actual, grouped, kind_words};
use crate::domain::outcome::Outcome;

/// Lines of a list on the first page; the rest is counted there and stands further on.
const LISTED: usize = 5;
/// Longest line of such a list.
const LINE: usize = 78;
/// Longest words of the assessor on the first page.
const WORDS: usize = 320;

/// Outcomes after which a control gives no assurance yet.
const OPEN: [Outcome; 2] = [Outcome::CouldNotTest, Outcome::ProcedureOpen];

impl ReportView {
    /// The seven key facts, each with what it is out of.
    pub(super) fn facts(&self) -> Result<Vec<(&'static str, String)>, ViewError> {
        let (results, counts) = (&self.results, &self.results.counts);
        let of = |outcome: Outcome| counts.outcomes.get(outcome.code()).copied().unwrap_or(0);
        let waiting = OPEN.into_iter().map(of).sum::<u64>();
        let scope = grouped(counts.in_scope);
        let tests = || results.controls.iter().flat_map(|control| &control.tests);
        let sum = |field: fn(&Test) -> u64| tests().map(field).sum::<u64>();
        let (tested, lost) = (sum(|t| t.population), sum(|t| t.unreadable));
        let (all_actual, all_potential) = (sum(actual), sum(|t| t.potential));
        let announced = || results.requests.iter().filter(|request| request.kind == "announced");
        let received = announced().filter(|request| request.status.starts_with("received")).count() as u64;
        let evidence = match announced().count() as u64 {
            0 => "nothing was announced, so nothing shows that it is all".to_owned(),
            all => format!("{} of {} items announced", grouped(received), grouped(all)),
        };
        let streams = pictures::continuity(self)?;
        let files = results.evidence.len() as u64;
        let used = counts.evidence.get("used").copied().unwrap_or(0);
        Ok(vec![
            (
                "Controls tested",
                format!(
                    "{} of {scope} in scope; {} could not be tested, {} wait for a person",
                    grouped(counts.in_scope.saturating_sub(waiting)),
                    grouped(of(Outcome::CouldNotTest)),
                    grouped(of(Outcome::ProcedureOpen))
                ),
            ),
            (
                "Records tested",
                format!(
                    "{} of {} in {} tests; a record counts once in each",
                    grouped(tested),
                    grouped(tested + lost),
                    grouped(tests().count() as u64)
                ),
            ),
            ("Evidence received", evidence),
            (
                "Log streams with no silence longer than declared",
                format!(
                    "{} of {}; {} of {} numbered with numbers missing",
                    grouped(streams.unbroken),
                    grouped(streams.all),
                    grouped(streams.misnumbered),
                    grouped(streams.numbered)
                ),
            ),
            (
                "Exceptions",
                format!(
                    "{}: {} actual, {} potential; {} of them against confirmed criteria",
                    grouped(all_actual + all_potential),
                    grouped(all_actual),
                    grouped(all_potential),
                    grouped(counts.failures_actual + counts.failures_potential)
                ),
            ),
            ("Criteria confirmed", format!("{} of {scope} in scope", grouped(counts.confirmed))),
            ("Files not used", format!("{} of {} supplied", grouped(files.saturating_sub(used)), grouped(files))),
        ])
    }

    /// The first page.
    pub(super) fn front(&self) -> Result<Value, ViewError> {
        let (results, counts) = (&self.results, &self.results.counts);
        let engagement = &results.engagement;
        let or = |text: &Option<String>| cut(text.clone().unwrap_or_else(|| "not declared".to_owned()), 90, "…");
        let head = [
            ("Cohort", cut(engagement.title.clone(), 110, "…")),
            ("Stage", kind_words(&engagement.kind).to_owned()),
            ("Period", format!("{} to {}, seen from {}", engagement.period_start, engagement.period_end, engagement.as_of)),
            ("Audited party", or(&engagement.audited_party)),
            ("Assessor", or(&engagement.assessor)),
            ("Marking", or(&engagement.marking)),
        ];
        let failing: Vec<&Control> = results.controls.iter().filter(|c| c.confirmed.is_some() && excepted(c) > 0).collect();
        let open: Vec<&Control> = results.controls.iter().filter(|c| OPEN.iter().any(|outcome| outcome.code() == c.outcome)).collect();
        let indicative: Vec<&Control> = results.controls.iter().filter(|c| c.confirmed.is_none() && excepted(c) > 0).collect();
        let aside = results.controls.len() as u64 - counts.in_scope;
        let failure = |c: &&Control| {
            json!({
                "id": c.id, "title": cut(c.title.clone(), LINE, "…"), "actual": grouped(c.tests.iter().map(actual).sum()),
                "potential": grouped(c.tests.iter().map(|t| t.potential).sum()), "consequence": cut(c.consequence.clone(), LINE, "…"),
            })
        };
        let gap = |c: &&Control| json!({ "id": c.id, "title": cut(c.title.clone(), LINE, "…"), "why": c.outcome_words });
        Ok(json!({
            "head": head, "conclusion": self.conclusion(), "facts": self.facts()?,
            "failing": failing.iter().take(LISTED).map(failure).collect::<Vec<_>>(), "failing_more": more(&failing),
            "open": open.iter().take(LISTED).map(gap).collect::<Vec<_>>(), "open_more": more(&open), "open_count": grouped(open.len() as u64),
            "aside": grouped(aside), "in_scope": grouped(counts.in_scope), "confirmed": grouped(counts.confirmed),
            "unconfirmed": grouped(counts.in_scope.saturating_sub(counts.confirmed)),
            "clauses": grouped(results.instruments.iter().map(|i| i.clauses_imported).sum()),
            "indicative": grouped(counts.indicative_exceptions), "indicative_controls": grouped(indicative.len() as u64),
            "indicative_ids": ids(&indicative), "fix_first": self.fix_first(), "to_provide": self.to_provide(),
        }))
    }

    fn conclusion(&self) -> Value {
        self.results.conclusion.as_ref().map_or(Value::Null, |conclusion| {
            let short = |text: &String| cut(text.split_whitespace().collect::<Vec<_>>().join(" "), WORDS, " … [whole below]");
            let asks: Vec<String> = conclusion.asks.iter().take(4).map(|ask| cut(short(ask), 130, " … [whole below]")).collect();
            let whole = asks.iter().zip(&conclusion.asks).all(|(short, whole)| short == whole) && asks.len() == conclusion.asks.len();
            json!({
                "recommendation": short(&conclusion.recommendation), "asks": asks, "on": conclusion.on,
                "more": conclusion.asks.len().saturating_sub(4), "whole": whole && short(&conclusion.recommendation) == conclusion.recommendation,
                "lines": conclusion.recommendation.lines().collect::<Vec<_>>(), "all_asks": conclusion.asks,
            })
        })
    }

    /// Controls with exceptions: confirmed before indicative, actual before potential, many before few.
    fn fix_first(&self) -> Value {
        let mut controls: Vec<&Control> = self.results.controls.iter().filter(|control| excepted(control) > 0).collect();
        let certain = |control: &Control| control.tests.iter().map(actual).sum::<u64>();
        controls.sort_by_key(|c| (c.confirmed.is_none(), certain(c) == 0, std::cmp::Reverse(excepted(c)), c.id.clone()));
        let row = |control: &&Control| {
            json!({
                "id": control.id, "title": cut(control.title.clone(), LINE, "…"), "actual": grouped(certain(control)),
                "potential": grouped(excepted(control) - certain(control)), "confirmed": control.confirmed.is_some(),
                "consequence": cut(control.consequence.clone(), LINE, "…"),
            })
        };
        json!({ "rows": controls.iter().map(row).collect::<Vec<_>>(), "more": more(&controls), "first": LISTED })
    }

    /// Evidence that did not come or came short, and what to ask for where a control could not be tested.
    fn to_provide(&self) -> Value {
        let lacking = self.results.requests.iter().filter(|request| !request.status.starts_with("received"));
        let rows: Vec<Value> = lacking
            .map(|request| {
                json!({
                    "id": request.id, "kind": request.kind, "what": request.what.lines().collect::<Vec<_>>(), "status": request.status,
                    "ask": request.ask, "controls": request.controls, "short": cut(request.what.lines().collect::<Vec<_>>().join("; "), LINE, "…"),
                })
            })
            .collect();
        json!({ "count": grouped(rows.len() as u64), "more": rows.len().saturating_sub(LISTED), "first": LISTED, "rows": rows })
    }

    /// Why a control came out as it did, from codes and counts alone.
    pub(super) fn bare_reason(&self, control: &Control) -> String {
        let mut parts: Vec<String> = control.tests.iter().filter(|test| test.outcome == control.outcome).map(bare).collect();
        if parts.is_empty() && control.outcome == Outcome::ProcedureOpen.code() {
            parts.push("a person's part is pending".to_owned());
        }
        let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
        for note in self.results.notes.iter().filter(|note| note.weight == "weakens" && note.affects.contains(&control.id)) {
            *codes.entry(&note.code).or_default() += 1;
        }
        if !codes.is_empty() {
            let codes: Vec<String> = codes.into_iter().map(|(code, n)| format!("{code} ({})", grouped(n))).collect();
            parts.push(format!("notes that weaken it: {}", codes.join(", ")));
        }
        if parts.is_empty() { control.outcome_words.clone() } else { parts.join("; ") }
    }
}

fn excepted(control: &Control) -> u64 {
    control.tests.iter().map(|test| test.exceptions).sum()
}

/// What is beyond the lines listed.
fn more(controls: &[&Control]) -> Value {
    let rest = controls.get(LISTED..).unwrap_or_default();
    json!({ "count": grouped(rest.len() as u64), "some": !rest.is_empty(), "ids": ids(rest) })
}

/// The first ids, and how many there are beyond.
fn ids(controls: &[&Control]) -> String {
    let first: Vec<&str> = controls.iter().take(18).map(|control| control.id.as_str()).collect();
    let beyond = controls.len().saturating_sub(first.len());
    if beyond > 0 { format!("{} and {beyond} more", first.join(", ")) } else { first.join(", ") }
}

fn bare(test: &Test) -> String {
    let mut parts = Vec::new();
    if test.coverage == "not run" {
        parts.push(format!("not run, no readable source of a table it needs (judges {})", test.subject));
    } else {
        parts.push(format!(
            "{} of {} records of {} tested",
            grouped(test.population),
            grouped(test.population + test.unreadable),
            test.subject
        ));
    }
    for (count, what) in
        [(actual(test), "actual"), (test.potential, "potential"), (test.undecided, "undecided"), (test.unreadable, "unreadable")]
    {
        if count > 0 {
            parts.push(format!("{} {what}", grouped(count)));
        }
    }
    let weak = test.completeness.iter().filter(|known| known.status != "shown");
    parts.extend(weak.map(|known| format!("completeness of {} {} ({})", known.table, known.status, known.rests_on)));
    format!("{}: {}", test.id, parts.join(", "))
}
