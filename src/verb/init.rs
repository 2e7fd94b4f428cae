//! `assure init`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::{Failure, Terminal};
use crate::exit::Exit;

/// Makes an engagement folder: what is there already stays as it is.
///
/// # Errors
/// [`Failure`] where the folder cannot be written.
pub fn init(folder: &Path, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let create = |error: std::io::Error| Failure::new(Exit::CannotCreate, format!("cannot create {}: {error}", folder.display()));
    fs::create_dir_all(folder.join("evidence")).map_err(create)?;
    fs::create_dir_all(folder.join("checklists")).map_err(create)?;
    let file = folder.join("engagement.toml");
    match OpenOptions::new().write(true).create_new(true).open(&file) {
        Ok(mut file) => {
            file.write_all(template("…", "2021-01-01", "2021-12-31", "2022-01-31", "subsequent").as_bytes())?;
            terminal.say(&format!("made {}", folder.join("engagement.toml").display()));
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            terminal.say(&format!("{} is there already, and stays as it is", file.display()));
        }
        Err(error) => return Err(create(error)),
    }
    terminal.say(&format!(
        "next: fill in engagement.toml, see with `assure plan {}` what to ask for, put the evidence into {}, then `assure run {}`",
        folder.display(),
        folder.join("evidence").display(),
        folder.display()
    ));
    Ok(Exit::Clean)
}

/// An `engagement.toml` to fill in.
#[must_use]
pub fn template(title: &str, start: &str, end: &str, as_of: &str, kind: &str) -> String {
    let title = title.replace(['"', '\\', '\n'], " ");
    format!(
        r#"schema = 1

[engagement]
title = "{title}"
# audited_party = "…"
# assessor = "…"
# marking = "…"
kind = "{kind}"            # stage-1 | stage-2 | subsequent | self-assessment
period = {{ start = {start}, end = {end} }}
as_of = {as_of}
# environment = "live"           # live | test

# What is known of the files of a path. Times without an offset need a zone, dates such as
# 03/04/2021 an order; neither is ever guessed.
# [[source]]
# path = "ca/server-*.log"
# stream = "ca-01"
# zone = "UTC"
# date_order = "dmy"
# host = "ca-01"
# clock_ahead = "PT42S"          # its clock was measured to be 42 s ahead; "-PT42S" where it was behind
# obtained = {{ how = "observed", by = "…", on = {as_of}, query = "…", source_count = 0 }}

# What was agreed before fieldwork. Without it the program cannot say that evidence is complete.
# [[expected]]
# what = "CA log"
# path = "ca/server-*.log"
# covers = "period"
# count = 12
# feeds = ["ca_events"]

# How long a log stream may be silent, since when its system is live, and the oldest record a
# person saw on the system itself.
# [[stream]]
# name = "ca-01"
# live_since = 2019-06-01
# allowed_gap = "PT12H"
# oldest_record = {{ at = 2019-06-01T09:00:00Z, how = "observed", by = "…", on = {as_of} }}

# The profile that certificates of a path are tested against (`assure list profiles`).
# [[profile]]
# path = "certificates/organisation/**"
# profile = "organisation"

# What the assessor concludes: printed as the assessor's words, and never anything else as a conclusion.
# [conclusion]
# recommendation = "…"           # approved | approved with caveats | not approved, and why
# asks = ["…"]                   # what the PMA is asked to note or decide
# by = "…"
# on = {as_of}
"#
    )
}
