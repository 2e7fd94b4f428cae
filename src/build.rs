//! Lists every file below `checklists/` for `catalogue::embedded`, so that adding a control is
//! adding a file, and none can be left out by forgetting a line of Rust.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let checklists = root.join("checklists");
    println!("cargo::rerun-if-changed={}", checklists.display());
    let files = list(&checklists, "toml")?;
    let mut code = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&checklists).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let _ = writeln!(code, "    ({name:?}, include_str!({:?})),", file.display().to_string());
    }
    code.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("checklists.rs"), code)?;
    // What was read by other code may read otherwise: the cache of tables is keyed by the source too.
    let mut hasher = DefaultHasher::new();
    println!("cargo::rerun-if-changed={}", root.join("src").display());
    for file in list(&root.join("src"), "rs")? {
        hasher.write(&fs::read(file)?);
    }
    println!("cargo::rustc-env=ASSURE_SOURCE={:016x}", hasher.finish());
    Ok(())
}

fn list(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(list(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
