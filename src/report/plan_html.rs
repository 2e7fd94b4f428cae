//! `plan.html`: the plan as one printable page.

use std::io::Write;

use serde_json::{Value, json};

use super::html::{add, render};
use super::plan::{Control, Plan};
use super::view::{ReportError, basis_words, wording_note};

/// Writes `plan.html`.
///
/// # Errors
/// When the output cannot be written.
pub fn page(plan: &Plan, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut controls = Vec::new();
    for control in &plan.controls {
        let mut value = serde_json::to_value(control)?;
        add(&mut value, words(control));
        add(&mut value, json!({ "roles": plan.roles_for(&control.id) }));
        controls.push(value);
    }
    let of = |wanted: fn(&Control) -> bool| -> Vec<Value> {
        controls.iter().zip(&plan.controls).filter(|(_, control)| wanted(control)).map(|(value, _)| value.clone()).collect()
    };
    let (due, set_aside) = (of(|control| control.due), of(|control| !control.due));
    let procedures = of(|control| control.due && !control.procedure.is_empty());
    let mut requests = Vec::new();
    for request in &plan.requests {
        let mut value = serde_json::to_value(request)?;
        let lines: Vec<&str> = request.block.lines().collect();
        add(&mut value, json!({ "anchor": anchor(&request.id), "linked": linked(&request.controls), "block_lines": lines }));
        requests.push(value);
    }
    let mut context = serde_json::to_value(plan)?;
    add(
        &mut context,
        json!({
            "name": "Assessment plan", "title": plan.engagement.title, "marking": plan.engagement.marking,
            "title_block": plan.title_block(), "facts": plan.facts(), "controls": controls, "due": due, "set_aside": set_aside,
            "procedures": procedures, "people": people(plan), "requests": requests,
        }),
    );
    render("plan.html", context, &str::to_owned, out)
}

fn words(control: &Control) -> Value {
    json!({
        "anchor": anchor(&control.id), "linked": linked(&control.requests), "basis_words": basis_words(&control.basis),
        "wording_note": wording_note(control.official_text.as_deref(), &control.basis), "criterion": control.criterion(), "clause_words": control.clause_words(),
        "official_lines": control.official_text.iter().flat_map(|text| text.lines()).collect::<Vec<_>>(),
    })
}

fn people(plan: &Plan) -> Vec<Value> {
    let what = |id: &String| plan.requests.iter().find(|request| request.id == *id).map_or("", |request| request.what.as_str());
    plan.people
        .iter()
        .map(|meeting| {
            let evidence: Vec<Value> = meeting
                .evidence
                .iter()
                .map(|asked| {
                    let requests = asked.requests.iter().map(|id| json!({ "id": id, "anchor": anchor(id), "what": what(id) }));
                    json!({ "about": asked.about, "linked": requests.collect::<Vec<_>>(), "controls": linked(&asked.controls) })
                })
                .collect();
            json!({ "role": meeting.role, "evidence": evidence, "steps": linked(&meeting.procedures) })
        })
        .collect()
}

fn linked(ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| json!({ "id": id, "anchor": anchor(id) })).collect()
}

/// An id as an anchor: a file of an engagement may have any name.
fn anchor(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect()
}
