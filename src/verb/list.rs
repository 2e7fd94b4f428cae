//! `assure list`.

use std::path::Path;

use serde_json::{Value, json};

use super::{Failure, Form, Terminal};
use crate::catalogue::Catalogue;
use crate::domain::instant;
use crate::domain::note::{CODES, Weight};
use crate::domain::outcome::Outcome;
use crate::exit::Exit;

/// Lists what the program knows.
///
/// # Errors
/// [`Failure`] where the checklists of the engagement cannot be loaded.
pub fn list(what: &str, engagement: Option<&Path>, form: Form, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let own = engagement.map(|folder| folder.join("checklists"));
    let folders: Vec<&Path> = own.iter().map(std::path::PathBuf::as_path).collect();
    let catalogue = Catalogue::load(&folders)
        .map_err(|complaints| Failure::new(Exit::Usage, complaints.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
    let items: Vec<Value> = match what {
        "controls" => controls(&catalogue),
        "formats" => formats(&catalogue),
        "tables" => tables(&catalogue),
        "profiles" => profiles(&catalogue),
        "instruments" => instruments(&catalogue),
        _ => codes(),
    };
    let text = match form {
        Form::Json => format!("{:#}\n", Value::Array(items)),
        Form::Jsonl => items.iter().map(|item| format!("{item}\n")).collect(),
        Form::Human => items.iter().map(human).collect(),
    };
    terminal.data(&text)?;
    Ok(Exit::Clean)
}

/// The id and title on a line, everything else indented below.
fn human(item: &Value) -> String {
    let Some(object) = item.as_object() else { return String::new() };
    let word = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut text = format!("{:<24} {}\n", word("id"), word("title"));
    for (key, value) in object.iter().filter(|(key, _)| !["id", "title"].contains(&key.as_str())) {
        let shown = match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), ToOwned::to_owned)).collect::<Vec<_>>().join("; ")
            }
            other => other.to_string(),
        };
        if !shown.is_empty() {
            text.push_str(&format!("    {key}: {shown}\n"));
        }
    }
    text
}

fn controls(catalogue: &Catalogue) -> Vec<Value> {
    let describe = |control: &crate::catalogue::control::Control| {
        json!({
            "id": control.id,
            "title": control.file.title,
            "checklist": control.checklist,
            "basis": format!("{}, {}, confidence {}", control.file.basis.wording, control.file.basis.applies, control.file.basis.confidence),
            "tests": control.file.test.iter().map(|test| test.id.clone()).collect::<Vec<_>>(),
        })
    };
    catalogue.controls.values().map(describe).collect()
}

fn formats(catalogue: &Catalogue) -> Vec<Value> {
    let describe = |format: &crate::catalogue::format::Format| {
        json!({
            "id": format.name,
            "title": format.title,
            "feeds": format.tables(),
            "columns it is recognised by": format.recognise.header,
            "rests on": format.source,
            "ask for": format.export,
        })
    };
    catalogue.formats.values().map(describe).collect()
}

fn tables(catalogue: &Catalogue) -> Vec<Value> {
    let describe = |table: &crate::catalogue::table::Table| {
        let columns = table.columns.iter().map(|column| format!("{} ({:?}): {}", column.name, column.kind, column.about));
        json!({ "id": table.name, "title": table.about, "columns": columns.collect::<Vec<_>>() })
    };
    catalogue.tables.0.values().map(describe).collect()
}

fn profiles(catalogue: &Catalogue) -> Vec<Value> {
    let describe = |(name, profile): (&String, &crate::catalogue::profile::Profile)| {
        let rules = profile.rules.iter().map(|rule| format!("{}: {}", rule.id, rule.expected));
        json!({ "id": name, "title": profile.title, "kind": profile.kind, "source": profile.source, "rules": rules.collect::<Vec<_>>() })
    };
    catalogue.profiles.iter().map(describe).collect()
}

fn instruments(catalogue: &Catalogue) -> Vec<Value> {
    let describe = |instrument: &crate::catalogue::instrument::Instrument| {
        let versions = instrument.versions.iter().map(|v| format!("{} from {}", v.version, instant::day_text(v.from)));
        json!({ "id": instrument.id, "title": instrument.title, "sec": instrument.sec, "versions": versions.collect::<Vec<_>>(), "notes": instrument.notes })
    };
    catalogue.instruments.values().map(describe).collect()
}

fn codes() -> Vec<Value> {
    let exits = Exit::ALL.iter().map(|(_, number, meaning)| json!({ "id": format!("exit {number}"), "title": meaning }));
    let outcomes =
        Outcome::ALL.iter().map(|outcome| json!({ "id": outcome.code(), "title": outcome.words(), "meaning": outcome.meaning() }));
    let notes = CODES.iter().map(|entry| {
        let weight = if entry.weight == Weight::Weakens { "weakens" } else { "informs" };
        json!({ "id": entry.code, "title": entry.meaning, "weight": weight, "fix": entry.fix })
    });
    exits.chain(outcomes).chain(notes).collect()
}
