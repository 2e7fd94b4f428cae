//! Writes both samples: `cargo run --example sample -- samples`.
#![allow(clippy::print_stderr, reason = "it talks to whoever makes the sample anew")]

#[path = "mod.rs"]
mod generator;

use generator::Variant;
use generator::year::files;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    // A folder named like an option would be made where somebody asked for help.
    let Some(folder) = env::args_os().nth(1).filter(|folder| !folder.to_string_lossy().starts_with('-')) else {
        eprintln!("usage: sample FOLDER   (the folder that holds secure-cohort)");
        return ExitCode::from(2);
    };
    let folder = Path::new(&folder);
    let written =
        write(&folder.join("secure-cohort"), Variant::Planted).and_then(|()| write(&folder.join("secure-cohort-clean"), Variant::Clean));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write the samples: {error}");
            ExitCode::from(74)
        }
    }
}

fn write(folder: &Path, variant: Variant) -> io::Result<()> {
    // A file that an earlier generator made and this one does not would count as evidence.
    let evidence = folder.join("evidence");
    if evidence.exists() {
        fs::remove_dir_all(&evidence)?;
    }
    for (path, bytes) in files(variant) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}
