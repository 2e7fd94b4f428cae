//! `assure report`.

use std::fs;
use std::path::Path;

use super::run::LOG;
use super::{Failure, Terminal};
use crate::exit::Exit;
use crate::report::folder;

/// Lays out the reports of a run again. The run folder must be as it was written; no evidence is needed.
///
/// # Errors
/// [`Failure`].
pub fn render(run: &Path, out: &Path, terminal: &mut Terminal) -> Result<Exit, Failure> {
    folder::verify(run, &[LOG])?;
    fs::create_dir_all(out).map_err(|error| Failure::new(Exit::CannotCreate, format!("cannot create {}: {error}", out.display())))?;
    folder::render(run, out)?;
    terminal.say(&format!("reports: {}", out.display()));
    Ok(Exit::Clean)
}
