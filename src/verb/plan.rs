//! `assure plan`.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Failure, Form, Terminal};
use crate::catalogue::Catalogue;
use crate::catalogue::criteria::Criteria;
use crate::catalogue::engagement::Engagement;
use crate::catalogue::overrides::Overrides;
use crate::domain::digest;
use crate::exit::Exit;
use crate::inputs::{Flags, Inputs, InputsError, apart};
use crate::report::folder::line;
use crate::report::plan::{Ground, Plan};
use crate::report::view::ReportError;
use crate::report::{plan_html, plan_workbook};

/// The hashes of the plan as the program wrote it: what is still like this may be written over.
const WRITTEN: &str = "plan-sha256.txt";

/// Writes the plan of an engagement, or that of the checklists as they are.
///
/// # Errors
/// [`Failure`]; a file that is no plan as this program wrote it is never written over.
pub fn plan(folder: Option<&Path>, flags: &Flags, form: Form, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let (plan, place) = match folder {
        Some(folder) => of_folder(folder, flags)?,
        None => of_checklists(flags)?,
    };
    let mut files: [(&str, Vec<u8>); 2] = [("plan.html", Vec::new()), ("plan.xlsx", Vec::new())];
    let [(_, html), (_, xlsx)] = &mut files;
    let internal = |error: ReportError| Failure::new(Exit::Internal, error.to_string());
    plan_html::page(&plan, html).map_err(internal)?;
    plan_workbook::sheets(&plan, xlsx).map_err(internal)?;
    put(&place, &files)?;
    let json = |error: serde_json::Error| Failure::new(Exit::Internal, error.to_string());
    match form {
        Form::Human => {}
        Form::Json => terminal.data(&format!("{}\n", serde_json::to_string_pretty(&plan).map_err(json)?))?,
        Form::Jsonl => {
            for request in &plan.requests {
                terminal.data(&format!("{}\n", serde_json::to_string(request).map_err(json)?))?;
            }
        }
    }
    let due = plan.controls.iter().filter(|control| control.due).count();
    terminal.say(&format!(
        "{due} of {} controls due, {} requests, {} roles to meet; no evidence was opened\nplan: {}\nnext: open plan.html there, and announce in engagement.toml what was agreed",
        plan.controls.len(),
        plan.requests.len(),
        plan.people.len(),
        place.display()
    ));
    Ok(Exit::Clean)
}

fn of_folder(folder: &Path, flags: &Flags) -> Result<(Plan, PathBuf), Failure> {
    let inputs = Inputs::load(folder, flags)?;
    let place = if flags.out.is_some() { inputs.out } else { inputs.home.join("plan") };
    apart(&place, &inputs.evidence_folder)?;
    let ground =
        Ground { catalogue: &inputs.catalogue, engagement: &inputs.engagement, overrides: &inputs.overrides, criteria: &inputs.criteria };
    Ok((Plan::of(ground), place))
}

fn of_checklists(flags: &Flags) -> Result<(Plan, PathBuf), Failure> {
    let folders: Vec<&Path> = flags.checklists.iter().map(PathBuf::as_path).collect();
    let catalogue = Catalogue::load(&folders).map_err(InputsError::Complaints)?;
    let mut engagement = Engagement::assumed("the checklists as they are");
    engagement.as_of = flags.as_of;
    let ground =
        Ground { catalogue: &catalogue, engagement: &engagement, overrides: &Overrides::default(), criteria: &Criteria::default() };
    Ok((Plan::of(ground), flags.out.clone().unwrap_or_else(|| PathBuf::from("assure-plan"))))
}

/// Puts the files in their place, over none but those of an earlier plan that nobody has changed since.
fn put(place: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), Failure> {
    let create = |error: std::io::Error| Failure::new(Exit::CannotCreate, format!("cannot create {}: {error}", place.display()));
    fs::create_dir_all(place).map_err(create)?;
    let known = place.join(WRITTEN);
    let earlier = match fs::read_to_string(&known) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(create(error)),
    };
    let lines: BTreeSet<&str> = earlier.split_inclusive('\n').collect();
    let foreign = |line: &&str| !files.iter().any(|(name, _)| is_hash_of(line, name));
    if lines.iter().any(foreign) {
        return Err(taken(&known));
    }
    for (name, _) in files {
        match fs::read(place.join(name)) {
            Ok(octets) if lines.contains(line(&digest::sha256(&octets), name).as_str()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            _ => return Err(taken(&place.join(name))),
        }
    }
    let now: String = files.iter().map(|(name, octets)| line(&digest::sha256(octets), name)).collect();
    // Both, until all files are in place: what is left of an interrupted call is still known as ours.
    replace(&known, format!("{earlier}{now}").as_bytes())?;
    for (name, octets) in files {
        replace(&place.join(name), octets)?;
    }
    replace(&known, now.as_bytes())
}

/// A line of the hashes that is about a file of the plan.
fn is_hash_of(line: &str, name: &str) -> bool {
    let hash = line.strip_suffix('\n').and_then(|line| line.strip_suffix(name)).and_then(|line| line.strip_suffix("  "));
    hash.is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn taken(path: &Path) -> Failure {
    let what = format!("{} is not a plan as this program wrote it: it was changed, or is something else", path.display());
    Failure::new(Exit::CannotCreate, what).hint("move it away, or name another place with --out")
}

/// Writes beside the place and renames, so that a link there is replaced and never followed.
fn replace(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&partial)?;
    file.write_all(octets)?;
    file.sync_all()?;
    Ok(fs::rename(&partial, path)?)
}
