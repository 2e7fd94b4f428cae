//! `working-papers.html`: the assessor's own, in full.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::{Value, json};

use super::super::results::Test;
use super::super::untrusted::Naming;
use super::super::view::{ReportError, ReportView, grouped};
use super::report::{public_control, public_test};
use super::{add, anchored, render, shared};

/// Writes `working-papers.html`: for the assessor, in full.
///
/// # Errors
/// When the run folder cannot be read, or the output cannot be written.
pub fn working_papers(view: &ReportView, out: &mut dyn Write) -> Result<(), ReportError> {
    let listed = view.listed()?;
    let results = &view.results;
    let mut naming = Naming::open();
    let mut context = shared(view, &listed, &mut naming)?;
    let mut controls = Vec::new();
    for control in &results.controls {
        let mut value = serde_json::to_value(control)?;
        add(&mut value, public_control(view, control, listed.get(&control.id)));
        add(&mut value, json!({ "qualifier": control.qualifier, "reason": control.reason }));
        let first = listed.get(&control.id).map_or(&[][..], |l| &l.first);
        let rows: Vec<Value> = first
            .iter()
            .map(|e| {
                json!({
                    "id": e.id, "certainty": e.certainty, "test": e.test, "evidence": e.evidence, "path": e.path, "locator": e.locator,
                    "says": e.says, "also": e.also,
                })
            })
            .collect();
        let tests: Vec<Value> = control.tests.iter().map(full_test).collect::<Result<_, _>>()?;
        let rationale: Vec<&str> = control.judgement.iter().flat_map(|j| j.rationale.lines()).collect();
        add(&mut value, json!({ "listed": rows, "tests": tests, "rationale": rationale }));
        controls.push(value);
    }
    let mut evidence = Vec::new();
    for file in &results.evidence {
        let mut value = serde_json::to_value(file)?;
        add(&mut value, json!({ "records": grouped(file.records), "rejected": grouped(file.rejected), "size": grouped(file.size) }));
        evidence.push(value);
    }
    let mut findings = Vec::new();
    for finding in &results.findings {
        let mut value = serde_json::to_value(finding)?;
        let (condition, extent): (Vec<&str>, Vec<&str>) = (finding.condition.lines().collect(), finding.extent.lines().collect());
        add(&mut value, json!({ "condition_lines": condition, "extent_lines": extent }));
        findings.push(value);
    }
    let mut codes = BTreeSet::new();
    let notes: Vec<Value> = results
        .notes
        .iter()
        .map(|n| {
            json!({
                "code": n.code, "anchor": codes.insert(&n.code), "weight": n.weight, "evidence": n.evidence, "path": n.path,
                "locator": n.locator, "what": n.what, "count": grouped(n.count), "affects": n.affects, "fix": n.fix,
            })
        })
        .collect();
    add(
        &mut context,
        json!({
            "name": "Working papers", "naming": naming.key(), "findings": findings, "concluded_by": results.conclusion.as_ref().map(|c| &c.by), "requests": results.requests, "controls": controls, "evidence": anchored(evidence), "notes": notes,
            "integrity": results.run.integrity_failures, "coverage": results.instruments.iter().flat_map(|i| &i.coverage).collect::<Vec<_>>(),
        }),
    );
    render("working-papers.html", context, &str::to_owned, out)
}

fn full_test(test: &Test) -> Result<Value, ReportError> {
    let mut value = serde_json::to_value(test)?;
    add(&mut value, public_test(test));
    let segments: Vec<Value> = test
        .segments
        .iter()
        .map(|s| {
            json!({
                "version": s.version, "from": s.from, "until": s.until, "population": grouped(s.population),
                "exceptions": grouped(s.exceptions), "parameters": s.parameters,
            })
        })
        .collect();
    add(&mut value, json!({ "completeness": test.completeness, "segments": segments }));
    Ok(value)
}
