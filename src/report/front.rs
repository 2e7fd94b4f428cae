//! What the first page says, in an order that puts the answer first: every number with what it is out of,
//! and what was not assessed as large as what failed. No sentence of it is taken from evidence.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::finding::exceptions_to;
use super::pictures;
use super::results::{Control, Test};
use super::untrusted::cut;
use super::view::{ReportView, ViewError, actual, grouped, kind_words};
use crate::domain::count::counted;
use crate::domain::outcome::Outcome;

/// Lines of a list on the first page; the rest is counted there and stands further on.
const LISTED: usize = 5;
/// The same where the words of the assessor need the room.
const LISTED_BESIDE_WORDS: usize = 3;
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
                    "{} of {} supplied, over {} tests, once in each; {} not of the population, {} outside the time, {} unreadable",
                    grouped(sum(|t| t.population)),
                    grouped(sum(|t| t.records)),
                    grouped(tests().count() as u64),
                    grouped(sum(|t| t.excluded)),
                    grouped(sum(|t| t.outside)),
                    grouped(sum(|t| t.unreadable))
                ) + &undecided(sum(|t| t.undecided)),
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
        let most = if results.conclusion.is_some() { LISTED_BESIDE_WORDS } else { LISTED };
        let or = |text: &Option<String>| cut(text.clone().unwrap_or_else(|| "not declared".to_owned()), 90, "…");
        let head = [
            ("Cohort", cut(engagement.title.clone(), 110, "…")),
            ("Stage", kind_words(&engagement.kind).to_owned()),
            ("Period", format!("{} to {}, seen from {}", engagement.period_start, engagement.period_end, engagement.as_of)),
            ("Audited party", or(&engagement.audited_party)),
            ("Assessor", or(&engagement.assessor)),
            ("Marking", or(&engagement.marking)),
        ];
        let mut worst: Vec<&Control> = results.controls.iter().filter(|c| excepted(c) > 0).collect();
        worst.sort_by_key(|c| (c.consequence.is_empty(), certain(c) == 0, &c.id));
        let (failing, indicative): (Vec<&Control>, Vec<&Control>) = worst.into_iter().partition(|c| c.confirmed.is_some());
        let mut open: Vec<(Standing, &Control)> = results.controls.iter().filter_map(|c| Some((Standing::of(c)?, c))).collect();
        open.sort_by_key(|(standing, _)| *standing);
        let standing = |wanted: Standing| open.iter().filter(|(standing, _)| *standing == wanted).count() as u64;
        let of = |outcome: Outcome| results.controls.iter().filter(|c| c.outcome == outcome.code()).count() as u64;
        let failure = |c: &&Control| {
            json!({
                "id": c.id, "title": cut(exceptions_to(&c.title), LINE, "…"), "actual": grouped(certain(c)),
                "potential": grouped(excepted(c) - certain(c)), "consequence": cut(c.consequence.clone(), LINE, "…"),
            })
        };
        let gap =
            |(standing, c): &(Standing, &Control)| json!({ "id": c.id, "title": cut(c.title.clone(), LINE, "…"), "why": standing.words() });
        let parts = [
            ("with exceptions", of(Outcome::Exceptions)),
            ("without exceptions noted", of(Outcome::NoExceptions)),
            ("with nothing to test", of(Outcome::NothingToTest)),
            (Standing::Untested.words(), standing(Standing::Untested)),
            (Standing::InPart.words(), standing(Standing::InPart)),
            (Standing::NotBegun.words(), standing(Standing::NotBegun)),
        ];
        let sum: Vec<String> = parts.iter().map(|(words, number)| format!("{} {words}", grouped(*number))).collect();
        let total: u64 = parts.iter().map(|(_, number)| number).sum();
        let standings = [Standing::Untested, Standing::InPart, Standing::NotBegun];
        let open_parts: Vec<String> = standings.iter().map(|s| format!("{} {}", grouped(standing(*s)), s.words())).collect();
        let open_controls: Vec<&Control> = open.iter().map(|(_, control)| *control).collect();
        Ok(json!({
            "head": head, "conclusion": self.conclusion(), "facts": self.facts()?,
            "failing": failing.iter().take(most).map(failure).collect::<Vec<_>>(), "failing_more": more(&failing, most),
            "open": open.iter().take(most).map(gap).collect::<Vec<_>>(), "open_more": more(&open_controls, most), "open_count": grouped(open.len() as u64),
            "open_parts": open_parts, "sum": sum, "sum_total": grouped(total), "left_out": grouped(of(Outcome::NotApplicable)),
            "not_in_force": grouped(of(Outcome::NotInForce)), "in_scope": grouped(counts.in_scope), "confirmed": grouped(counts.confirmed),
            "unconfirmed": grouped(counts.in_scope.saturating_sub(counts.confirmed)),
            "clauses": grouped(results.instruments.iter().map(|i| i.clauses_imported).sum()),
            "indicative": grouped(counts.indicative_exceptions), "indicative_controls": counted(indicative.len() as u64, "control", "controls"),
            "indicative_worst": indicative.iter().take(most).map(failure).collect::<Vec<_>>(), "indicative_more": more(&indicative, most),
            "fix_first": self.fix_first(), "to_provide": self.to_provide(),
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
        controls.sort_by_key(|c| (c.confirmed.is_none(), certain(c) == 0, std::cmp::Reverse(excepted(c)), c.id.clone()));
        let row = |control: &&Control| {
            json!({
                "id": control.id, "title": cut(control.title.clone(), LINE, "…"), "actual": grouped(certain(control)),
                "potential": grouped(excepted(control) - certain(control)), "confirmed": control.confirmed.is_some(),
                "consequence": cut(control.consequence.clone(), LINE, "…"),
            })
        };
        json!({ "rows": controls.iter().map(row).collect::<Vec<_>>(), "more": more(&controls, LISTED), "first": LISTED })
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

/// How a control that gives no assurance yet stands, the furthest from it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Untested,
    InPart,
    NotBegun,
}

impl Standing {
    fn of(control: &Control) -> Option<Self> {
        let is = |outcome: Outcome| control.outcome == outcome.code();
        match (is(Outcome::CouldNotTest), is(Outcome::ProcedureOpen), control.tests.is_empty()) {
            (true, ..) => Some(Self::Untested),
            (_, true, false) => Some(Self::InPart),
            (_, true, true) => Some(Self::NotBegun),
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Untested => "could not be tested",
            Self::InPart => "tested in part, a person's part pending",
            Self::NotBegun => "not begun, all of it a person's",
        }
    }
}

fn undecided(number: u64) -> String {
    if number > 0 { format!("; of these tested, {} undecided", grouped(number)) } else { String::new() }
}

/// Actual exceptions.
fn certain(control: &Control) -> u64 {
    control.tests.iter().map(actual).sum()
}

fn excepted(control: &Control) -> u64 {
    control.tests.iter().map(|test| test.exceptions).sum()
}

/// What is beyond the lines listed.
fn more(controls: &[&Control], listed: usize) -> Value {
    let rest = controls.get(listed..).unwrap_or_default();
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
            "{} of {} of the population tested, of {} records of {} supplied",
            grouped(test.population),
            grouped(test.population + test.unreadable),
            grouped(test.records),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn what_can_come_of_every_control_is_said_and_fits_a_line_of_the_first_page() {
        for (id, written) in Catalogue::load(&[]).unwrap().controls {
            let consequence = written.file.consequence;
            assert!(consequence.ends_with('.') && consequence.chars().count() <= LINE, "{id}: {consequence:?}");
        }
    }
}
