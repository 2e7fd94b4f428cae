//! `assure explain`.

use super::{Failure, Terminal};
use crate::catalogue::Catalogue;
use crate::catalogue::control::Control;
use crate::domain::note;
use crate::domain::outcome::Outcome;
use crate::exit::Exit;

/// Explains a control, an outcome, a note code or an exit code.
///
/// # Errors
/// [`Failure`] where nothing has that id.
pub fn explain(id: &str, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let catalogue = Catalogue::load(&[])
        .map_err(|complaints| Failure::new(Exit::Internal, complaints.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
    let control = catalogue.controls.values().find(|control| control.id.eq_ignore_ascii_case(id));
    let text = if let Some(known) = control {
        self::control(known, &catalogue)
    } else if let Some(outcome) = Outcome::from_code(id) {
        format!("{} ({}): {}\n", outcome.words(), outcome.code(), outcome.meaning())
    } else if let Some(entry) = note::entry(&id.to_uppercase()) {
        format!("{}: {}\nfix: {}\n", entry.code, entry.meaning, entry.fix)
    } else if let Some((_, number, meaning)) = Exit::ALL.iter().find(|(_, number, _)| number.to_string() == id.trim_start_matches("exit "))
    {
        format!("exit code {number}: {meaning}\n")
    } else {
        let close = catalogue.controls.keys().filter(|known| known.get(..2).is_some_and(|start| id.to_uppercase().starts_with(start)));
        let close: Vec<&str> = close.map(String::as_str).collect();
        let failure = Failure::new(Exit::Usage, format!("nothing is called {id:?}"));
        return Err(if close.is_empty() {
            failure.hint("see `assure list controls` and `assure list codes`")
        } else {
            failure.hint(format!("did you mean one of {}?", close.join(", ")))
        });
    };
    terminal.data(&text)?;
    Ok(Exit::Clean)
}

fn control(control: &Control, catalogue: &Catalogue) -> String {
    let file = &control.file;
    let instrument = catalogue.instruments.get(&file.instrument).map_or("", |instrument| instrument.title.as_str());
    let mut text = format!(
        "{}  {}\n\n{}\n\n  instrument   {instrument}\n  expected at  {} (a position, not a citation)\n  basis        {} wording, {}, confidence {}\n  source       {}\n  method       {} ({})\n",
        control.id,
        file.title,
        file.requirement,
        file.expected_position,
        file.basis.wording,
        file.basis.applies,
        file.basis.confidence,
        file.basis.source,
        file.method,
        file.assertion,
    );
    if file.basis.wording != "official" {
        text.push_str("\nThe wording of the clause is not confirmed: results are indicative until criteria are imported.\n");
    }
    let mut section = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            text.push_str(&format!("\n{title}\n"));
            for line in lines {
                text.push_str(&format!("  - {line}\n"));
            }
        }
    };
    section("Ask for", &file.evidence);
    section("A person does", &file.procedure);
    let parameters: Vec<String> = file
        .parameters
        .iter()
        .map(|(name, p)| format!("{name} = {}: {} ({}, {}, confidence {})", p.value, p.about, p.wording, p.applies, p.confidence))
        .collect();
    section("Parameters", &parameters);
    let tests: Vec<String> = file
        .test
        .iter()
        .map(|test| {
            let rests: Vec<String> = test.tables.iter().map(|(table, on)| format!("{table}: {}", on.word())).collect();
            format!(
                "{}: of {} where {}; completeness rests on {}\n    an exception reads: {}",
                test.id,
                test.subject,
                test.selects,
                rests.join(", "),
                test.says
            )
        })
        .collect();
    section("Tests", &tests);
    if !file.leaves_open.is_empty() {
        section("No exceptions would leave open", std::slice::from_ref(&file.leaves_open));
    }
    text
}
