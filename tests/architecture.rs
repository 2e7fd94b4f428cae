//! The architecture, held by reading the source: the order of the stages, who alone may do what, and
//! that no file has grown too long. It does not link the crate.
#![allow(clippy::unwrap_used, reason = "a test that cannot read the source should fail there and then")]

use std::fs;
use std::path::{Path, PathBuf};

/// Leftmost first: a module may use only what stands to its left. `lib.rs`, `main.rs`, `inputs.rs` and
/// `verb/` stand outside and call the stages.
const ORDER: &[&str] = &["domain", "engine", "catalogue", "collect", "parse", "normalise", "evaluate", "judge", "report"];

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 40, "the source was found");
    found
}

fn list(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

fn stage(path: &Path) -> Option<usize> {
    let below = path.iter().skip_while(|part| *part != "src").nth(1)?.to_str()?;
    ORDER.iter().position(|stage| *stage == below)
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

fn offenders(allowed: &[&str], needles: &[&str]) -> Vec<String> {
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        let place = path.display().to_string().replace('\\', "/");
        if allowed.iter().any(|allowed| place.contains(allowed)) {
            continue;
        }
        let code = without_tests(&text).lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            if needles.iter().any(|needle| line.contains(needle)) {
                offenders.push(format!("{place}: {}", line.trim()));
            }
        }
    }
    offenders
}

#[test]
fn stages_look_only_to_their_left() {
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        let Some(own) = stage(&path) else { continue };
        for right in ORDER.iter().skip(own + 1).chain(&["verb", "inputs", "exit"]) {
            for needle in [format!("crate::{right}::"), format!("crate::{right};"), format!("crate::{{{right}")] {
                if without_tests(&text).contains(&needle) {
                    offenders.push(format!("{} uses {needle}", path.display()));
                }
            }
        }
    }
    assert!(offenders.is_empty(), "{offenders:#?}");
}

#[test]
fn only_the_engine_names_polars() {
    assert_eq!(offenders(&["/src/engine/"], &["polars::", "use polars"]), Vec::<String>::new());
}

#[test]
fn only_collect_walks_the_evidence() {
    let others = ["/src/collect/", "/src/catalogue/embedded.rs", "/src/report/folder.rs"];
    assert_eq!(offenders(&others, &["WalkDir"]), Vec::<String>::new());
}

#[test]
fn only_reports_know_xlsx_and_html() {
    assert_eq!(offenders(&["/src/report/"], &["rust_xlsxwriter", "minijinja"]), Vec::<String>::new());
}

#[test]
fn only_the_terminal_writes_to_standard_output_and_error() {
    let printing = ["println!", "eprintln!", "print!(", "io::stdout()", "io::stderr()"];
    assert_eq!(offenders(&["/src/verb/mod.rs", "/src/build.rs"], &printing), Vec::<String>::new());
}

#[test]
fn nothing_opens_a_connection() {
    assert_eq!(offenders(&[], &["std::net", "TcpStream", "UdpSocket", "reqwest", "ureq"]), Vec::<String>::new());
}

#[test]
fn no_template_marks_text_as_safe() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("reports")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "html") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains("|safe") && !text.contains("| safe"), "{}", path.display());
            assert!(!text.contains("http://") && !text.contains("https://"), "{}", path.display());
        }
    }
}

#[test]
fn no_file_has_grown_beyond_450_lines() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > 450)
        .map(|(path, text)| format!("{}: {}", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "would two nouns serve better than one? {long:#?}");
}
