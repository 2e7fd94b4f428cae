//! `assure lint`.

use std::path::Path;

use super::{Failure, Terminal};
use crate::catalogue::{Catalogue, Complaint};
use crate::evaluate;
use crate::exit::Exit;

/// Checks the built-in checklists, and those of a folder or engagement, down to the plan of every statement.
///
/// # Errors
/// [`Failure`] with every complaint.
pub fn lint(folder: Option<&Path>, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let own = folder.map(|folder| if folder.join("engagement.toml").is_file() { folder.join("checklists") } else { folder.to_owned() });
    if let Some(own) = own.as_ref().filter(|own| !own.is_dir()) {
        return Err(Failure::new(Exit::Usage, format!("no folder {}", own.display())));
    }
    let folders: Vec<&Path> = own.iter().map(std::path::PathBuf::as_path).collect();
    let catalogue = Catalogue::load(&folders).map_err(|complaints| failure(&complaints))?;
    let complaints = plan(&catalogue);
    if !complaints.is_empty() {
        return Err(failure(&complaints));
    }
    terminal.say(&format!(
        "{} controls, {} formats, {} profiles, {} tables: nothing to complain of",
        catalogue.controls.len(),
        catalogue.formats.len(),
        catalogue.profiles.len(),
        catalogue.tables.0.len()
    ));
    Ok(Exit::Clean)
}

/// What the engine says of every statement.
#[must_use]
pub fn plan(catalogue: &Catalogue) -> Vec<Complaint> {
    let planned = catalogue.controls.values().map(|control| (control, evaluate::plan(control, catalogue)));
    planned.filter_map(|(control, plan)| plan.err().map(|what| Complaint::new(&control.path(), what))).collect()
}

fn failure(complaints: &[Complaint]) -> Failure {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    Failure::new(Exit::Usage, lines.join("\n"))
}
