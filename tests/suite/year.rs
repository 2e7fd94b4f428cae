//! The sample that is shipped, and its clean twin: what was planted is found, nothing else is, and no loss of
//! evidence makes a result better.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Read, Write};

use assure::catalogue::Catalogue;
use assure::catalogue::control::TestFile;
use assure::catalogue::engagement::{Engagement, matches};
use assure::catalogue::format::{Content, From, Reader};
use assure::report::results::KeyUse;
use serde::Deserialize;

use crate::generator::{Variant, year};
use crate::world::{World, assure_in, names, shipped};

#[derive(Deserialize)]
struct Deviations {
    deviation: Vec<Deviation>,
}

#[derive(Deserialize)]
struct Deviation {
    causes: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    control: String,
    test: String,
    /// `line 12`, `object 3`, `sheet "Vetting", row 14`, after the path; or a stream.
    at: String,
}

#[test]
fn the_shipped_samples_are_what_the_generator_gives() {
    for (folder, variant) in [("secure-cohort", Variant::Planted), ("secure-cohort-clean", Variant::Clean)] {
        let (committed, generated) = (shipped(folder), year::files(variant));
        assert_eq!(committed.keys().collect::<Vec<_>>(), generated.keys().collect::<Vec<_>>());
        for (name, octets) in &generated {
            assert!(committed[name] == *octets, "{folder}/{name} is not what the generator gives");
        }
    }
}

#[test]
fn exactly_the_deviations_planted_in_the_year_are_found() {
    let text = String::from_utf8(shipped("secure-cohort").remove("deviations.toml").unwrap()).unwrap();
    let planted: Deviations = toml::from_str(&text).unwrap();
    assert!(planted.deviation.len() >= 45, "{} deviations are planted", planted.deviation.len());
    let expected: BTreeSet<(String, String, String)> =
        planted.deviation.into_iter().flat_map(|deviation| deviation.causes).map(|cause| (cause.control, cause.test, cause.at)).collect();
    let world = World::shipped("secure-cohort");
    let run = world.run().ends_with(1);
    let exceptions = run.exceptions();
    let on_streams: BTreeMap<(String, String), ()> = expected
        .iter()
        .filter(|(.., at)| at.starts_with("stream "))
        .map(|(control, test, _)| ((control.clone(), test.clone()), ()))
        .collect();
    let found: BTreeSet<(String, String, String)> = exceptions
        .iter()
        .map(|exception| {
            let key = (exception.control.clone(), exception.test.clone());
            let at = match (on_streams.contains_key(&key), exception.values.get("stream")) {
                (true, Some(Some(stream))) => format!("stream {stream}"),
                _ => format!("{}: {}", exception.path, exception.locator),
            };
            (key.0, key.1, at)
        })
        .collect();
    let missed: Vec<_> = expected.difference(&found).collect();
    let unplanned: Vec<_> = found.difference(&expected).collect();
    assert!(missed.is_empty() && unplanned.is_empty(), "not found: {missed:#?}\nnot planted: {unplanned:#?}");
}

#[test]
fn the_clean_twin_of_the_year_is_silent() {
    let world = World::shipped("secure-cohort-clean");
    // What the logs of its modules cannot tell of is not found absent.
    let run = world.run().ends_with(4);
    assert_eq!(run.exceptions().len(), 0);
    let controls = run.results().controls;
    let untested = controls.iter().flat_map(|control| control.tests.iter().map(|test| (control.id.as_str(), test)));
    let untested: Vec<_> = untested.filter(|(_, test)| test.outcome == "could_not_test").collect();
    let named: Vec<_> = untested.iter().map(|(control, test)| (*control, test.id.as_str())).collect();
    assert_eq!(named, [("KM-04", "exports"), ("KM-17", "backups-registered"), ("SY-03", "module-changes")]);
    assert!(untested.iter().all(|(_, test)| test.reason.contains("no log of the evidence could tell of ")));
    for test in run.results().controls.iter().flat_map(|control| &control.tests) {
        assert_eq!(test.population + test.excluded + test.outside + test.unreadable, test.records, "{}", test.id);
        assert_eq!(test.undecided, 0, "{}: {}", test.id, test.reason);
    }
}

#[test]
fn the_criteria_of_the_sample_are_what_its_sheet_gives() {
    let world = World::shipped("secure-cohort-clean");
    let place = world.folder.join("checklists/criteria.toml");
    let kept = fs::read_to_string(&place).unwrap();
    fs::remove_file(&place).unwrap();
    let (folder, sheet) = (world.folder.to_str().unwrap(), world.folder.join("criteria.xlsx"));
    let arguments = ["criteria", "import", sheet.to_str().unwrap(), "--engagement", folder, "--by", "A. Sample", "--on", "2022-07-19"];
    let output = assure_in(world.around(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(&place).unwrap(), kept);
}

/// A sample without its certificates and lists, which cost most of the time: what rests on them is tried on the
/// small engagement.
fn registers_and_logs(sample: &str) -> World {
    let world = World::shipped(sample);
    for folder in ["certificates", "crl"] {
        fs::remove_dir_all(world.evidence(folder)).unwrap();
    }
    world
}

#[test]
fn every_use_of_the_root_that_a_control_objects_to_stands_in_the_picture_as_outside_a_ceremony() {
    let world = registers_and_logs("secure-cohort");
    let run = world.run();
    let page = |name: &str| fs::read_to_string(run.folder().join(name)).unwrap();
    let uses: Vec<KeyUse> = page("views/key-uses.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outside: BTreeSet<(&str, &str)> =
        uses.iter().filter(|used| used.ceremony.is_none()).map(|used| (used.path.as_str(), used.locator.as_str())).collect();
    let night = uses.iter().find(|used| used.time.as_deref().is_some_and(|time| time.starts_with("2022-03-19T22:14")));
    let night = night.expect("the night use is a use");
    assert_eq!((night.path.as_str(), night.module.as_str(), night.ceremony.as_deref()), ("ca/root-01.log", "hsm-02", None));
    let objected: Vec<_> = run.exceptions().into_iter().filter(|e| e.control == "KM-10" && e.test == "in-ceremony").collect();
    assert!(!objected.is_empty());
    for exception in objected {
        assert!(outside.contains(&(exception.path.as_str(), exception.locator.as_str())), "{}: {}", exception.path, exception.locator);
    }
    let papers = page("working-papers.html");
    assert!(papers.contains(&format!("{} with no minuted ceremony.", outside.len())) && papers.contains("2022-03-19T22:14"));
}

#[test]
fn numbers_that_are_missing_from_a_log_stand_beside_its_silences() {
    let world = registers_and_logs("secure-cohort");
    let run = world.run();
    let missing = run.exceptions().into_iter().filter(|e| e.control == "AU-04" && e.says.contains("records are missing")).count();
    assert!(missing > 0);
    let view = fs::read_to_string(run.folder().join("views/coverage.jsonl")).unwrap();
    let streams: Vec<BTreeMap<String, Option<String>>> = view.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let breaks = |name: &str| streams.iter().find(|line| line["stream"].as_deref() == Some(name)).unwrap()["breaks"].clone();
    assert_eq!(breaks("ra-01"), Some(missing.to_string()));
    assert_eq!(breaks("hsm-01"), None, "a log without numbers has no breaks in them, and is not without breaks");
}

/// For each file of evidence, the controls with the tests that touch a table it feeds.
fn touched(world: &World) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let catalogue = Catalogue::load(&[]).unwrap();
    let text = fs::read_to_string(world.folder.join("engagement.toml")).unwrap();
    let engagement = Engagement::read("engagement.toml", &text).unwrap();
    let mut touched: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for path in names(&world.folder.join("evidence")) {
        let feeds: BTreeSet<&String> =
            engagement.expected.iter().filter(|expected| matches(&expected.path, &path)).flat_map(|expected| &expected.feeds).collect();
        for control in catalogue.controls.values() {
            for (test, statement) in control.tests() {
                if statement.tables.iter().any(|table| feeds.contains(table)) {
                    touched.entry(path.clone()).or_default().insert((control.id.clone(), test.id.clone()));
                }
            }
        }
    }
    touched
}

/// Makes a change to every file in turn; no test that touches what the file feeds may still speak well of it.
fn no_test_overlooks(change: impl Fn(&str, &[u8]) -> Option<Vec<u8>>, concerns: impl Fn(&str, &[u8], &TestFile) -> bool) {
    let catalogue = Catalogue::load(&[]).unwrap();
    let world = registers_and_logs("secure-cohort-clean");
    let cache = tempfile::tempdir().unwrap();
    let mut overlooked = Vec::new();
    let (mut tried, mut held) = (0, 0);
    for (path, tests) in touched(&world) {
        let octets = fs::read(world.evidence(&path)).unwrap();
        let Some(changed) = change(&path, &octets) else { continue };
        assert_ne!(octets, changed, "{path} was not changed");
        world.put(&path, changed);
        let controls: BTreeSet<&str> = tests.iter().map(|(control, _)| control.as_str()).collect();
        let after = world.weigh(&controls.into_iter().collect::<Vec<_>>(), cache.path());
        world.put(&path, &octets);
        tried += 1;
        for key in tests {
            let written = catalogue.controls[&key.0].tests().find(|(test, _)| test.id == key.1).unwrap().0;
            if !concerns(&path, &octets, written) {
                continue;
            }
            held += 1;
            if after.tests.get(&key).is_some_and(|verdict| verdict.outcome == "no_exceptions") {
                overlooked.push(format!("{path}: {key:?}"));
            }
        }
    }
    assert!(tried > 25 && held > 50, "only {tried} files were changed, and {held} tests held to it");
    assert!(overlooked.is_empty(), "{}", overlooked.join("\n"));
}

/// The line in the middle of a text, and all others.
fn middle(text: &str) -> (Vec<&str>, usize) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = lines.len() / 2;
    (lines, at)
}

/// A workbook in which something of every sheet was changed.
fn in_every_sheet(octets: &[u8], pattern: &str) -> Vec<u8> {
    let pattern = regex::Regex::new(pattern).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(octets)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        if name.starts_with("xl/worksheets/sheet") {
            let text = String::from_utf8(content).unwrap();
            assert!(pattern.is_match(&text), "{name} has nothing to change");
            content = pattern.replace(&text, "").into_owned().into_bytes();
        }
        out.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(&content).unwrap();
    }
    out.finish().unwrap().into_inner()
}

#[test]
#[ignore = "takes a quarter of an hour in a build that is not optimised: cargo test --release -- --ignored year"]
fn a_record_taken_away_from_any_register_or_log_is_missed() {
    no_test_overlooks(
        |path, octets| match path.rsplit('.').next() {
            Some("xlsx") => Some(in_every_sheet(octets, r#"(?s)<row r="5".*?</row>"#)),
            // A profile is one map, and a reading of a clock takes several lines.
            Some("xml") => None,
            _ if path.ends_with("tracking.txt") => None,
            _ => {
                let text = String::from_utf8(octets.to_vec()).unwrap();
                let (mut lines, at) = middle(&text);
                lines.remove(at);
                Some(lines.concat().into_bytes())
            }
        },
        |_, _, _| true,
    );
}

/// The columns that the first column of a register becomes in the tables it feeds.
fn first_columns(catalogue: &Catalogue, text: &str) -> BTreeSet<(String, String)> {
    let fold = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let heading = fold(text.split([',', '\n']).next().unwrap_or_default());
    let mut columns = BTreeSet::new();
    for format in catalogue.formats.values() {
        let Reader::Delimited(settings) = &format.reader else { continue };
        for (index, field) in format.fields.iter().enumerate() {
            let names = std::iter::once(field).chain(settings.synonyms.get(field).into_iter().flatten());
            if !names.into_iter().any(|name| fold(name) == heading) {
                continue;
            }
            for emit in &format.emits {
                let Content::Columns(mapped) = &emit.content else { continue };
                let fed = mapped.iter().filter(|(_, mapping)| matches!(mapping.from, From::Field(from) if from == index));
                columns.extend(fed.map(|(name, _)| (emit.table.clone(), name.clone())));
            }
        }
    }
    columns
}

#[test]
#[ignore = "takes some minutes: cargo test --release -- --ignored year"]
fn a_needed_column_blanked_in_any_register_and_a_record_garbled_in_any_log_are_missed() {
    let catalogue = Catalogue::load(&[]).unwrap();
    let needed = |test: &TestFile, fed: &BTreeSet<(String, String)>| {
        let own: Vec<&String> = fed.iter().filter(|(table, _)| *table == test.subject).map(|(_, column)| column).collect();
        !own.is_empty() && own.iter().all(|column| test.needs.contains(column))
    };
    no_test_overlooks(
        |path, octets| match path.rsplit('.').next() {
            Some("csv") => {
                let text = String::from_utf8(octets.to_vec()).unwrap();
                let blanked = text.split_inclusive('\n').enumerate().map(|(number, line)| match line.split_once(',') {
                    Some((_, rest)) if number > 0 => format!(",{rest}"),
                    _ => line.to_owned(),
                });
                Some(blanked.collect::<String>().into_bytes())
            }
            Some("log" | "jsonl") => {
                let text = String::from_utf8(octets.to_vec()).unwrap();
                let (mut lines, at) = middle(&text);
                let garbled: String = lines[at].chars().map(|c| if c.is_ascii_digit() { 'x' } else { c }).collect();
                lines[at] = &garbled;
                Some(lines.concat().into_bytes())
            }
            _ => None,
        },
        |path, octets, test| !path.ends_with(".csv") || needed(test, &first_columns(&catalogue, &String::from_utf8_lossy(octets))),
    );
}
