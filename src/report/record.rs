//! The record of a run: `results.json`, `exceptions.jsonl` and `views/`, from which every report is made.

use std::collections::{BTreeMap, BTreeSet};

use super::exceptions::Traces;
use super::folder::{FolderError, RunFolder, line};
use super::results;
use crate::catalogue::Catalogue;
use crate::catalogue::control::{Control, TestFile};
use crate::catalogue::criteria::{Criteria, illustrative};
use crate::catalogue::engagement::{Engagement, Obtained};
use crate::domain::note::Weight;
use crate::domain::outcome::Outcome;
use crate::domain::{digest, instant};
use crate::evaluate::{ParameterFacts, SegmentFacts, TestFacts};
use crate::judge::certainty::{self, Certainty};
use crate::judge::{Judged, JudgedControl, JudgedTest, qualifier};
use crate::normalise::{Normalised, SourceFacts};

/// Everything the record is made from.
pub struct Matter<'a> {
    /// Id of the run.
    pub id: &'a str,
    /// SHA-256 over the evidence.
    pub evidence_root: &'a str,
    /// The tables.
    pub normalised: &'a Normalised,
    /// The checklists.
    pub catalogue: &'a Catalogue,
    /// The engagement.
    pub engagement: &'a Engagement,
    /// Imported criteria.
    pub criteria: &'a Criteria,
    /// What the run came to.
    pub judged: &'a Judged,
}

impl Matter<'_> {
    /// Writes the record.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn write(&self, folder: &RunFolder) -> Result<results::Results, FolderError> {
        folder.file("evidence-manifest-sha256.txt", |out| {
            let mut lines: Vec<(String, String)> = Vec::new();
            for source in &self.normalised.sources {
                for path in std::iter::once(&source.evidence.path).chain(&source.evidence.also) {
                    lines.push((path.clone(), source.evidence.sha256.clone()));
                }
            }
            lines.sort();
            lines.iter().filter(|(_, hash)| !hash.is_empty()).try_for_each(|(path, hash)| out.write_all(line(hash, path).as_bytes()))
        })?;
        let mut traces = Traces::new();
        folder.file("exceptions.jsonl", |out| self.exceptions(out, &mut traces))?;
        let mut results = self.results(&traces);
        results.views = self.views(folder)?;
        folder.file("results.json", |out| {
            serde_json::to_writer_pretty(&mut *out, &results)?;
            out.write_all(b"\n")
        })?;
        Ok(results)
    }

    fn results(&self, traces: &Traces) -> results::Results {
        let controls: Vec<results::Control> =
            self.judged.controls.iter().filter_map(|judged| self.control(judged, traces)).chain(own_controls(self.criteria)).collect();
        let notes: Vec<results::Note> = self.judged.notes.iter().map(|judged| self.note(judged)).collect();
        let counts = self.counts(&controls, &notes);
        let in_scope = |control: &&results::Control| !["not_applicable", "not_in_force"].contains(&control.outcome.as_str());
        let settled =
            controls.iter().filter(in_scope).all(|control| control.confirmed.is_some() || control.qualifier.starts_with("Good practice"));
        let timeline = &self.normalised.timeline;
        let findings = self.findings(&controls, traces);
        let requests = self.requests(&controls);
        let invented = controls.iter().filter_map(|control| control.official_text.as_deref()).any(illustrative);
        results::Results {
            schema: results::SCHEMA.to_owned(),
            tool: results::Tool {
                name: "assure".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                checklists_sha256: self.catalogue.sha256.clone(),
            },
            run: results::Run {
                id: self.id.to_owned(),
                state: if settled && !invented { "final" } else { "indicative" }.to_owned(),
                evidence_root_sha256: self.evidence_root.to_owned(),
                assumptions: timeline.assumptions.clone(),
                illustrative_criteria: invented,
                integrity_failures: self.normalised.integrity_failures.clone(),
            },
            engagement: results::Engagement {
                title: self.engagement.title.clone(),
                audited_party: self.engagement.audited_party.clone(),
                assessor: self.engagement.assessor.clone(),
                marking: self.engagement.marking.clone(),
                kind: self.engagement.kind.clone(),
                period_start: instant::day_text(timeline.period_start),
                period_end: instant::day_text(timeline.period_end - 1),
                as_of: instant::day_text(timeline.as_of - 1),
                environment: self.engagement.environment.clone(),
                declared: self.engagement.declared,
            },
            instruments: self.instruments(),
            evidence: self.normalised.sources.iter().map(|source| self.evidence(source)).collect(),
            controls,
            notes,
            counts,
            conclusion: self.engagement.conclusion.as_ref().map(|conclusion| results::Conclusion {
                recommendation: conclusion.recommendation.clone(),
                asks: conclusion.asks.clone(),
                by: conclusion.by.clone(),
                on: conclusion.on.to_string(),
            }),
            findings,
            requests,
            views: BTreeMap::new(),
        }
    }

    fn control(&self, judged: &JudgedControl, traces: &Traces) -> Option<results::Control> {
        let control = self.catalogue.controls.get(&judged.facts.id)?;
        let file = &control.file;
        let official = judged.official.as_ref();
        let tests = judged.facts.tests.iter().zip(&judged.tests).zip(&file.test);
        Some(results::Control {
            id: control.id.clone(),
            checklist: control.checklist.clone(),
            checklist_title: self.catalogue.checklists.get(&control.checklist).map_or(String::new(), |c| c.title.clone()),
            instrument: file.instrument.clone(),
            position: file.expected_position.clone(),
            clause: official.map(|(clause, _)| clause.clone()),
            official_text: official.map(|(_, text)| text.clone()),
            title: file.title.clone(),
            requirement: file.requirement.clone(),
            method: file.method.clone(),
            assertion: file.assertion.clone(),
            judges: file.judges.clone(),
            basis: basis(control, official.map(|(_, text)| text.as_str())),
            confirmed: judged.confirmed.as_ref().map(|by| format!("confirmed by {by}")),
            qualifier: qualifier(control, judged.confirmed.is_some(), judged.reclassified.as_deref()),
            outcome: judged.outcome.code().to_owned(),
            outcome_words: judged.outcome.words().to_owned(),
            reason: judged.reason.clone(),
            leaves_open: file.leaves_open.clone(),
            consequence: file.consequence.clone(),
            procedure: file.procedure.clone(),
            evidence_wanted: file.evidence.clone(),
            parameters: judged.facts.parameters.iter().map(|p| parameter(p, control)).collect(),
            tests: tests.map(|((facts, judged_test), file)| test(facts, judged_test, file, control, traces)).collect(),
            judgement: self.judged.judgements.by_control.get(&control.id).map(|judgement| results::Judgement {
                judgement: judgement.judgement.clone(),
                rationale: judgement.rationale.clone(),
                prepared_by: judgement.prepared_by.clone(),
                prepared_on: judgement.prepared_on.clone(),
                reviewed_by: judgement.reviewed_by.clone(),
                reviewed_on: judgement.reviewed_on.clone(),
            }),
        })
    }

    fn instruments(&self) -> Vec<results::Instrument> {
        self.catalogue
            .instruments
            .values()
            .map(|instrument| {
                let clauses: Vec<_> = self.criteria.criterion.iter().filter(|criterion| criterion.instrument == instrument.id).collect();
                results::Instrument {
                    id: instrument.id.clone(),
                    title: instrument.title.clone(),
                    sec: instrument.sec.clone(),
                    versions: instrument
                        .versions
                        .iter()
                        .map(|v| format!("{}, from {} ({})", v.version, instant::day_text(v.from), v.source))
                        .collect(),
                    clauses_imported: clauses.len() as u64,
                    coverage: clauses.into_iter().map(|criterion| self.coverage(criterion)).collect(),
                }
            })
            .collect()
    }

    fn coverage(&self, criterion: &crate::catalogue::criteria::Criterion) -> results::Coverage {
        let tested =
            criterion.controls.iter().any(|id| self.catalogue.controls.get(id).is_some_and(|control| !control.file.test.is_empty()));
        let covered_by = match (criterion.is_duty(), &criterion.excluded, tested) {
            (_, Some(_), _) => "excluded",
            (false, None, false) => "not a duty",
            (_, None, true) => "test",
            (true, None, false) => "procedure",
        };
        results::Coverage {
            clause: criterion.clause.clone(),
            version: criterion.version.clone(),
            text: criterion.text.clone(),
            controls: criterion.controls.clone(),
            covered_by: covered_by.to_owned(),
            reason: criterion.excluded.clone(),
        }
    }

    fn evidence(&self, source: &SourceFacts) -> results::Evidence {
        let evidence = &source.evidence;
        let used_by: Vec<String> = self
            .judged
            .controls
            .iter()
            .filter(|control| control.facts.tests.iter().any(|test| test.sources.contains(&evidence.number)))
            .map(|control| control.facts.id.clone())
            .collect();
        results::Evidence {
            id: evidence.id.clone(),
            path: evidence.path.clone(),
            sha256: evidence.sha256.clone(),
            size: evidence.size,
            format: evidence.format_words(),
            status: evidence.status.word().to_owned(),
            quality: evidence.quality.word().to_owned(),
            hash_status: evidence.hash_status.word().to_owned(),
            records: source.records,
            rejected: source.rejected,
            blank: source.blank,
            passed_over: source.passed_over,
            first: source.first.map(instant::text),
            last: source.last.map(instant::text),
            zone_basis: source.bases.iter().cloned().collect::<Vec<_>>().join(", "),
            clock_ahead: self.engagement.on(&evidence.path).clock_ahead,
            stream: source.stream.clone(),
            obtained: self.engagement.on(&evidence.path).obtained.as_ref().map(obtained),
            tables: source.tables.iter().cloned().collect(),
            sheets: evidence.sheets().iter().map(|sheet| (sheet.name.clone(), sheet.ordinal)).collect(),
            used_by,
            also: evidence.also.clone(),
            reason: evidence.reason.clone(),
        }
    }

    fn note(&self, judged: &crate::judge::JudgedNote) -> results::Note {
        let note = &judged.note;
        let source = self.normalised.sources.iter().find(|source| Some(source.evidence.number) == note.evidence);
        results::Note {
            code: note.code.to_owned(),
            weight: match note.weight() {
                Weight::Weakens => "weakens",
                Weight::Informs => "informs",
            }
            .to_owned(),
            evidence: source.map(|source| source.evidence.id.clone()),
            path: source.map(|source| source.evidence.path.clone()),
            locator: note.locator.clone(),
            what: note.what.clone(),
            count: note.count,
            affects: judged.affects.clone(),
            fix: note.fix.clone(),
        }
    }

    fn counts(&self, controls: &[results::Control], notes: &[results::Note]) -> results::Counts {
        let tally = |items: &mut dyn Iterator<Item = &str>, keys: &[&str]| {
            let mut counts: BTreeMap<String, u64> = keys.iter().map(|key| ((*key).to_owned(), 0)).collect();
            items.for_each(|item| *counts.entry(item.to_owned()).or_default() += 1);
            counts
        };
        let codes: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.code()).collect();
        let confirmed: BTreeSet<&str> = controls.iter().filter(|c| c.confirmed.is_some()).map(|c| c.id.as_str()).collect();
        let scope: Vec<&results::Control> =
            controls.iter().filter(|c| !["not_applicable", "not_in_force"].contains(&c.outcome.as_str())).collect();
        let exceptions = |confirmed_only: bool, certainty: Certainty| -> u64 {
            let chosen = self.judged.controls.iter().filter(|c| confirmed.contains(c.facts.id.as_str()) == confirmed_only);
            chosen
                .flat_map(|c| &c.tests)
                .map(|test| match certainty {
                    Certainty::Actual => test.tally.actual,
                    Certainty::Potential => test.tally.potential,
                    Certainty::Undecided => test.tally.undecided,
                })
                .sum()
        };
        results::Counts {
            evidence: tally(
                &mut self.normalised.sources.iter().map(|s| s.evidence.status.word()),
                &["used", "not-recognised", "unreadable"],
            ),
            outcomes: tally(&mut controls.iter().map(|c| c.outcome.as_str()), &codes),
            confirmed_outcomes: tally(&mut controls.iter().filter(|c| c.confirmed.is_some()).map(|c| c.outcome.as_str()), &codes),
            in_scope: scope.len() as u64,
            confirmed: scope.iter().filter(|c| c.confirmed.is_some()).count() as u64,
            failures_actual: exceptions(true, Certainty::Actual),
            failures_potential: exceptions(true, Certainty::Potential),
            indicative_exceptions: exceptions(false, Certainty::Actual) + exceptions(false, Certainty::Potential),
            notes: tally(&mut notes.iter().map(|n| n.weight.as_str()), &["weakens", "informs"]),
        }
    }
}

/// Imported clauses without a control of ours: each is a control of its own, for a person.
pub(super) fn own_controls(criteria: &Criteria) -> Vec<results::Control> {
    let alone = criteria.criterion.iter().filter(|criterion| criterion.controls.is_empty() && criterion.excluded.is_none());
    alone
        .map(|criterion| results::Control {
            id: criterion.own_control(),
            checklist: "imported".to_owned(),
            checklist_title: "Imported clauses without a test".to_owned(),
            instrument: criterion.instrument.clone(),
            position: criterion.clause.clone(),
            clause: Some(criterion.clause.clone()),
            official_text: Some(criterion.text.clone()),
            title: format!("Clause {}", criterion.clause),
            requirement: criterion.text.clone(),
            method: "examine".to_owned(),
            assertion: "operation".to_owned(),
            judges: "party".to_owned(),
            basis: results::Basis {
                wording: wording(&criterion.text).to_owned(),
                applies: if criterion.illustrative() { "practice" } else { "binding" }.to_owned(),
                confidence: "high".to_owned(),
                source: format!("imported sheet {}", digest::short(&criterion.sheet, 12)),
            },
            confirmed: Some(format!("confirmed by {} on {}", criterion.by, criterion.on)),
            qualifier: String::new(),
            outcome: Outcome::ProcedureOpen.code().to_owned(),
            outcome_words: Outcome::ProcedureOpen.words().to_owned(),
            reason: "no test is attached to this clause: a person's part is pending".to_owned(),
            leaves_open: "everything: no part of this control is decided by the program".to_owned(),
            consequence: String::new(),
            procedure: vec!["Decide how this clause is tested, and test it.".to_owned()],
            evidence_wanted: Vec::new(),
            parameters: Vec::new(),
            tests: Vec::new(),
            judgement: None,
        })
        .collect()
}

pub(super) fn basis(control: &Control, official: Option<&str>) -> results::Basis {
    let basis = &control.file.basis;
    results::Basis {
        wording: official.map_or_else(|| basis.wording.clone(), |text| wording(text).to_owned()),
        applies: basis.applies.clone(),
        confidence: basis.confidence.clone(),
        source: basis.source.clone(),
    }
}

/// An invented text is never shown as the SEC's.
fn wording(text: &str) -> &'static str {
    if illustrative(text) { "illustrative, not the SEC's text" } else { "official" }
}

fn parameter(facts: &ParameterFacts, control: &Control) -> results::Parameter {
    results::Parameter {
        name: facts.name.clone(),
        value: facts.value.clone(),
        about: control.file.parameters.get(&facts.name).map_or(String::new(), |p| p.about.clone()),
        set_by: facts.set_by.clone(),
    }
}

fn obtained(obtained: &Obtained) -> String {
    let query = obtained.query.as_ref().map_or(String::new(), |query| format!("; {query}"));
    let count = obtained.source_count.map_or(String::new(), |count| format!("; the source holds {count}"));
    format!("{} by {} on {}{query}{count}", obtained.how, obtained.by, obtained.on)
}

fn test(facts: &TestFacts, judged: &JudgedTest, file: &TestFile, control: &Control, traces: &Traces) -> results::Test {
    let census = &facts.census;
    let coverage = if facts.missing.is_empty() {
        let mut words = format!("{} of {} tested", census.population, census.population + census.unreadable);
        for (count, what) in [
            (census.unreadable, "unreadable"),
            (census.excluded, "excluded"),
            (census.outside, "outside the period or the time of the instrument"),
        ] {
            if count > 0 {
                words = format!("{words}, {count} {what}");
            }
        }
        words
    } else {
        "not run".to_owned()
    };
    results::Test {
        id: facts.id.clone(),
        outcome: judged.outcome.code().to_owned(),
        outcome_words: judged.outcome.words().to_owned(),
        reason: judged.reason.clone(),
        subject: file.subject.clone(),
        population: census.population,
        excluded: census.excluded,
        outside: census.outside,
        unreadable: census.unreadable,
        records: census.records(),
        exceptions: judged.tally.exceptions(),
        potential: judged.tally.potential,
        undecided: judged.tally.undecided,
        coverage,
        completeness: facts
            .completeness
            .iter()
            .map(|known| results::Completeness {
                table: known.table.clone(),
                rests_on: known.rests_on.word().to_owned(),
                status: known.state.words().to_owned(),
                reason: known.reason.clone(),
            })
            .collect(),
        segments: facts.segments.iter().map(|segment| self::segment(segment, facts)).collect(),
        sample: traces.get(&(control.id.clone(), facts.id.clone())).map(|trace| trace.sample.clone()).unwrap_or_default(),
    }
}

fn segment(segment: &SegmentFacts, test: &TestFacts) -> results::Segment {
    let decided = (0..segment.rows.len()).filter(|row| certainty::of_row(test, &segment.rows, *row) != Certainty::Undecided);
    results::Segment {
        version: segment.version.clone(),
        from: instant::text(segment.from),
        until: instant::text(segment.until),
        population: segment.population,
        exceptions: decided.count() as u64,
        parameters: segment.parameters.iter().map(|p| format!("{} = {}", p.name, p.value)).collect(),
    }
}
