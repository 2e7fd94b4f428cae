//! `assure run`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::cli::Common;
use super::{Failure, Form, Terminal};
use crate::Run;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::report::results::Results;

/// Start and end times; outside the manifest, because they differ from run to run.
pub const LOG: &str = "run.log";

/// Runs the whole way and says what came of it.
///
/// # Errors
/// [`Failure`].
pub fn run(folder: &Path, common: &Common, form: Form, exit_zero: bool, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let inputs = Inputs::load(folder, &common.flags())?;
    let started = now();
    let run = crate::run(&inputs, terminal)?;
    log(&run, &started);
    if !inputs.engagement.declared {
        terminal.say(&assumed(&run.results, folder));
    }
    for note in run.results.notes.iter().filter(|note| note.weight == "weakens") {
        let place = [note.path.as_deref().unwrap_or("engagement"), note.locator.as_str()];
        let place = place.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ");
        let touches = if note.affects.is_empty() { "no control".to_owned() } else { note.affects.join(", ") };
        terminal.say(&format!(
            "warning[{}]: {}\n  --> {place}\n  why it matters: it can change {touches}\n  fix: {}",
            note.code, note.what, note.fix
        ));
    }
    match form {
        Form::Human => {}
        Form::Json => terminal.data(&fs::read_to_string(run.folder.join("results.json"))?)?,
        Form::Jsonl => terminal.data(&fs::read_to_string(run.folder.join("exceptions.jsonl"))?)?,
    }
    terminal.say(&closing(&run));
    Ok(exit(&run.results, exit_zero))
}

fn exit(results: &Results, exit_zero: bool) -> Exit {
    let any = |code: &str| {
        results.controls.iter().any(|control| control.outcome == code || control.tests.iter().any(|test| test.outcome == code))
    };
    if !results.run.integrity_failures.is_empty() {
        Exit::Integrity
    } else if exit_zero {
        Exit::Clean
    } else if any("exceptions") {
        Exit::Exceptions
    } else if any("could_not_test") || results.evidence.iter().any(|evidence| evidence.status == "unreadable") {
        Exit::CouldNotTest
    } else {
        Exit::Clean
    }
}

/// Three lines: the result, where the files are, what to do next.
fn closing(run: &Run) -> String {
    let counts = &run.results.counts;
    let of = |code: &str| counts.outcomes.get(code).copied().unwrap_or_default();
    let kept = if run.kept { " (an equal run was there already, and is as it was written)" } else { "" };
    format!(
        "{} controls in scope, {} confirmed: {} with exceptions, {} could not be tested, {} with a procedure open, {} without exceptions\n\
         reports: {}{kept}\n\
         next: open workbook.xlsx there, or `assure explain {}`",
        counts.in_scope,
        counts.confirmed,
        of("exceptions"),
        of("could_not_test"),
        of("procedure_open"),
        of("no_exceptions"),
        run.folder.display(),
        run.results
            .controls
            .iter()
            .find(|control| control.outcome == "exceptions")
            .or(run.results.controls.first())
            .map_or("ID", |c| c.id.as_str()),
    )
}

/// What was assumed for a bare folder, and the file that would settle it.
fn assumed(results: &Results, folder: &Path) -> String {
    let engagement = &results.engagement;
    let assumptions: Vec<String> = results.run.assumptions.iter().map(|what| format!("  assumed: {what}")).collect();
    format!(
        "{} has no engagement.toml; the run went on with assumptions:\n{}\nTo settle them, put the evidence in a folder `evidence` beside this engagement.toml:\n\n{}",
        folder.display(),
        assumptions.join("\n"),
        super::init::template(&engagement.title, &engagement.period_start, &engagement.period_end, &engagement.as_of, "self-assessment"),
    )
}

#[expect(clippy::disallowed_methods, reason = "run.log alone carries the clock; it is outside the manifest")]
fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn log(run: &Run, started: &str) {
    let line = format!("run {} started {started} ended {}{}\n", run.results.run.id, now(), if run.kept { " kept" } else { "" });
    let file = OpenOptions::new().create(true).append(true).open(run.folder.join(LOG));
    // The log is a courtesy; a run is whole without it.
    let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
}
