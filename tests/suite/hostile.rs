//! Evidence that is cut, forged, hidden or made to harm: each on the clean twin, and each must end in a
//! note that says what, where and how to mend it, with everything else unchanged.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use assure::report::results::{Note, Results};
use base64::Engine as _;
use calamine::{Data, Reader as _, Xlsx, open_workbook};
use p256::pkcs8::{EncodePrivateKey, LineEnding};

use crate::world::{CLEAN, Ran, Reading, World, assure_in, files, holds, nothing_else_changed, parts, populations_stand};

const REQUESTS: &str = "registers/requests.csv";
const ROLES: &str = "registers/roles.csv";
const LOG: &str = "ca/server-2020-10.log";
const BUNDLE: &str = "certificates/organisation/organisation-2020.pem";

/// A note that touches a control, and leaves all controls it does not name as they were.
fn touches<'a>(results: &'a Results, code: &str, path: &str, control: &str) -> &'a Note {
    let note = results.noted(code, path);
    assert!(note.affects.contains(&control.to_owned()), "{code} on {path} names {:?} and not {control}", note.affects);
    nothing_else_changed(results, &touched(results));
    note
}

/// Every control that a note which weakens the evidence names.
fn touched(results: &Results) -> Vec<String> {
    results.notes.iter().filter(|note| note.weight == "weakens").flat_map(|note| note.affects.clone()).collect()
}

/// The files of the sample that the run could not use wholly.
fn accounted(world: &World, results: &Results) {
    for evidence in results.evidence.iter().filter(|evidence| evidence.status == "used" && evidence.format.as_deref() != Some("x509")) {
        let octets = fs::read(world.evidence(&evidence.path)).unwrap();
        let end = if octets.contains(&b'\n') { b'\n' } else { b'\r' };
        let lines = octets.split_inclusive(|octet| *octet == end).count() as u64;
        let counted = evidence.records + evidence.rejected + evidence.blank + evidence.passed_over;
        assert_eq!(counted, lines, "the lines of {}", evidence.path);
    }
}

fn line_of(text: &str, starts: &str) -> usize {
    text.lines().position(|line| line.starts_with(starts)).unwrap()
}

/// A text with one line changed.
fn with_line(text: &str, at: usize, change: impl Fn(&str) -> String) -> String {
    text.lines().enumerate().map(|(index, line)| if index == at { change(line) } else { line.to_owned() } + "\n").collect()
}

#[test]
fn every_line_of_both_samples_is_accounted_for() {
    for world in [World::planted(), World::clean()] {
        let results = world.run().results();
        assert!(results.evidence.iter().all(|evidence| evidence.rejected == 0));
        accounted(&world, &results);
    }
}

#[test]
fn a_log_cut_in_the_middle_of_a_line_is_not_whole() {
    let world = World::clean();
    world.edit(LOG, |text| text[..text.len() - 40].to_owned());
    let results = world.run().ends_with(4).results();
    let note = touches(&results, "N-LINE-003", LOG, "RA-03");
    assert_eq!(note.locator, format!("line {}", world.text(LOG).lines().count()));
    assert_eq!(results.file(LOG).quality, "truncated");
    assert_eq!(results.file(LOG).rejected, 1);
    assert_eq!(results.test("RA-03", "three-way").outcome, "could_not_test");
    assert_eq!(results.test("AU-04", "silence").outcome, "could_not_test");
    accounted(&world, &results);
}

#[test]
fn a_register_cut_in_the_middle_of_a_row_is_not_whole() {
    for left in [5, 40] {
        let world = World::clean();
        world.edit(REQUESTS, |text| text.trim_end()[..text.trim_end().len() - left].to_owned());
        let results = world.run().ends_with(4).results();
        let note = results.notes.iter().find(|note| note.path.as_deref() == Some(REQUESTS) && note.weight == "weakens").expect("a note");
        touches(&results, &note.code, REQUESTS, "RA-03");
        assert_eq!(note.locator, "line 41", "{left} octets short");
        assert_eq!(results.file(REQUESTS).rejected, 1, "{left} octets short: half a row is no row");
        accounted(&world, &results);
    }
}

#[test]
fn a_quote_that_is_never_closed_costs_one_row() {
    let world = World::clean();
    world.edit(REQUESTS, |text| with_line(text, line_of(text, "RQ-00434"), |line| line.replace("Hollow", "\"Hollow")));
    let results = world.run().ends_with(4).results();
    let note = touches(&results, "N-CSV-001", REQUESTS, "RA-03");
    assert_eq!(note.locator, format!("line {}", line_of(&world.text(REQUESTS), "RQ-00434") + 1), "the line of the opening quote");
    assert_eq!((results.file(REQUESTS).records, results.file(REQUESTS).rejected), (39, 1), "the rows after it are not lost");
    assert!(results.test("RA-03", "three-way").exceptions == results.test("RA-03", "three-way").potential);
    accounted(&world, &results);
}

fn utf16(text: &str, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_log_in_utf16_with_a_mark_reads_as_the_same_log() {
    let world = World::clean();
    world.put(LOG, utf16(&world.text(LOG), true));
    let results = world.run().ends_with(0).results();
    results.noted("N-ENC-001", LOG);
    let (before, after) = (CLEAN.file(LOG), results.file(LOG));
    assert_eq!((before.records, before.rejected, before.passed_over), (after.records, after.rejected, after.passed_over));
    nothing_else_changed(&results, &[]);
}

#[test]
fn a_log_in_utf16_without_a_mark_is_not_guessed_at() {
    let world = World::clean();
    world.put(LOG, utf16(&world.text(LOG), false));
    let results = world.run().ends_with(4).results();
    let file = results.file(LOG);
    assert_ne!(file.status, "used");
    assert!(file.reason.is_some());
    let note = results.notes.iter().find(|note| note.path.as_deref() == Some(LOG)).expect("a note on the file");
    assert!(!note.fix.is_empty());
    assert_eq!(results.test("RA-03", "three-way").outcome, "could_not_test");
    assert_eq!(results.test("AU-04", "silence").outcome, "could_not_test");
    assert!(results.controls.iter().all(|control| control.outcome != "exceptions"));
}

#[test]
fn a_log_in_utf16_without_a_mark_is_rejected_even_where_its_format_is_declared() {
    let world = World::clean();
    world.put(LOG, utf16(&world.text(LOG), false));
    world.declare(|text| text.replace("path = \"ca/server-*.log\"\nstream", "path = \"ca/server-*.log\"\nformat = \"ejbca-log\"\nstream"));
    let results = world.run().ends_with(4).results();
    touches(&results, "N-ENC-002", LOG, "RA-03");
    assert_eq!(results.file(LOG).status, "unreadable");
}

#[test]
fn missing_expected_evidence_is_a_line_of_its_own() {
    let world = World::clean();
    fs::remove_file(world.evidence(ROLES)).unwrap();
    let results = world.run().ends_with(4).results();
    let note = results.notes.iter().find(|note| note.code == "N-EXP-001").expect("a note on what is missing");
    assert!(note.what.contains("register of trusted roles"), "{}", note.what);
    assert_eq!(note.affects, ["PE-03"]);
    assert!(!note.fix.is_empty());
}

#[test]
fn half_a_certificate_costs_one_object() {
    const END: &str = "-----END CERTIFICATE-----\n";
    for keep_end in [false, true] {
        let world = World::clean();
        world.edit(BUNDLE, |text| {
            let mut blocks: Vec<String> = text.split_inclusive(END).map(ToOwned::to_owned).collect();
            let half: Vec<&str> = blocks[4].lines().take(5).collect();
            blocks[4] = half.join("\n") + "\n" + if keep_end { END } else { "" };
            blocks.concat()
        });
        let results = world.run().ends_with(4).results();
        let note = touches(&results, "N-OBJ-001", BUNDLE, "PR-13");
        assert_eq!(note.locator, "object 5");
        assert_eq!((results.file(BUNDLE).records, results.file(BUNDLE).rejected), (23, 1));
        for (control, test) in [("PR-13", "signature"), ("PR-09", "validity"), ("PR-08", "role-code")] {
            assert_eq!(results.test(control, test).outcome, "could_not_test", "{control}");
        }
    }
}

/// The register of roles with its dates written with slashes.
fn slashed(text: &str, day: impl Fn(&str) -> String) -> String {
    let date = regex::Regex::new(r"(\d{4})-(\d{2})-(\d{2})").unwrap();
    date.replace_all(text, |found: &regex::Captures<'_>| format!("{}/{}/{} 09:00", day(&found[3]), &found[2], &found[1])).into_owned()
}

#[test]
fn dates_whose_order_nobody_can_tell_are_not_guessed_at() {
    let world = World::clean();
    world.edit(ROLES, |text| slashed(text, |_| "03".to_owned()));
    let results = world.run().ends_with(4).results();
    let note = touches(&results, "N-TIME-003", ROLES, "PE-03");
    assert!(note.locator.contains("Granted on") || note.locator.contains("granted_at"), "{}", note.locator);
    assert!(note.fix.contains("date_order"), "{}", note.fix);
    assert_eq!(results.control("PE-03").outcome, "could_not_test");
}

#[test]
fn dates_whose_order_the_engagement_declares_are_read() {
    let world = World::clean();
    world.edit(ROLES, |text| slashed(text, |_| "03".to_owned()));
    world
        .declare(|text| text.replace("path = \"registers/roles.csv\"\nzone", "path = \"registers/roles.csv\"\ndate_order = \"dmy\"\nzone"));
    let results = world.run().results();
    assert_eq!(results.test("PE-03", "overlap").unreadable, 0);
    assert_eq!(results.test("PE-03", "overlap").population + results.test("PE-03", "overlap").outside, 15);
}

#[test]
fn dates_whose_order_one_of_them_proves_are_read() {
    let world = World::clean();
    world.edit(ROLES, |text| slashed(text, ToOwned::to_owned));
    let results = world.run().ends_with(0).results();
    let note = results.noted("N-TIME-005", ROLES);
    assert!(note.what.contains("day first"), "{}", note.what);
    nothing_else_changed(&results, &[]);
}

/// A private key, and the lines of its base64.
fn private_key() -> (String, Vec<String>) {
    let key = p256::SecretKey::from_slice(&[0x5a; 32]).unwrap();
    let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    let lines = pem.lines().filter(|line| !line.starts_with("-----")).map(ToOwned::to_owned).collect();
    (pem, lines)
}

/// No octet of a secret stands in any output or in the cache.
fn nowhere(world: &World, run: &Ran, lines: &[String]) {
    let mut places: Vec<(String, Vec<u8>)> = vec![("the terminal".to_owned(), run.terminal().to_vec())];
    for (name, octets) in files(&world.folder).into_iter().filter(|(name, _)| !name.starts_with("evidence/")) {
        if name.ends_with(".xlsx") {
            places.extend(parts(&octets).into_iter().map(|(part, octets)| (format!("{name} {part}"), octets)));
        }
        places.push((name, octets));
    }
    assert!(places.iter().any(|(name, _)| name.starts_with(".cache/")), "there is no cache to look into");
    for line in lines {
        let raw = base64::engine::general_purpose::STANDARD_NO_PAD.decode(line.trim_end_matches('=')).unwrap_or_default();
        for (name, octets) in &places {
            assert!(!holds(octets, line.as_bytes()), "the secret stands in {name}");
            assert!(raw.len() < 16 || !holds(octets, &raw), "the secret stands in {name}");
        }
    }
}

#[test]
fn a_private_key_is_put_aside_and_copied_nowhere() {
    let (pem, lines) = private_key();
    let world = World::clean();
    world.put("keys/backup.pem", &pem);
    let run = world.run().ends_with(4);
    let results = run.results();
    let note = results.noted("N-SEC-001", "keys/backup.pem");
    assert_eq!((note.weight.as_str(), note.locator.as_str()), ("weakens", "octet 0"));
    assert_eq!(results.file("keys/backup.pem").quality, "secret");
    assert_ne!(results.file("keys/backup.pem").status, "used");
    nothing_else_changed(&results, &[]);
    nowhere(&world, &run, &lines);
}

#[test]
fn a_private_key_among_certificates_puts_the_whole_file_aside() {
    let (pem, lines) = private_key();
    let world = World::clean();
    world.edit(BUNDLE, |text| format!("{text}{pem}"));
    let run = world.run().ends_with(4);
    let results = run.results();
    results.noted("N-SEC-001", BUNDLE);
    assert_ne!(results.file(BUNDLE).status, "used");
    assert_eq!(results.test("PR-08", "role-code").outcome, "could_not_test");
    assert!(results.controls.iter().all(|control| control.outcome != "exceptions"));
    nowhere(&world, &run, &lines);
}

#[test]
fn a_private_key_in_der_is_put_aside_too() {
    let key = p256::SecretKey::from_slice(&[0x5a; 32]).unwrap();
    let world = World::clean();
    world.put("keys/backup.der", key.to_pkcs8_der().unwrap().as_bytes());
    let results = world.run().ends_with(4).results();
    results.noted("N-SEC-001", "keys/backup.der");
}

#[test]
fn a_private_key_stops_the_run_where_that_is_the_policy() {
    let (pem, lines) = private_key();
    let world = World::clean();
    world.put("keys/backup.pem", &pem);
    let run = world.run_with(&["--on-secret", "stop"]).ends_with(6);
    assert!(run.err.contains("keys/backup.pem"), "{}", run.err);
    assert!(lines.iter().all(|line| !run.err.contains(line.as_str())));
    assert!(!world.folder.join("runs").exists(), "a stopped run leaves no run folder");
}

#[test]
fn a_register_with_carriage_returns_alone_reads_as_the_same_register() {
    let world = World::clean();
    world.edit(REQUESTS, |text| text.replace('\n', "\r"));
    let results = world.run().ends_with(0).results();
    assert_eq!(results.file(REQUESTS).records, 40);
    nothing_else_changed(&results, &[]);
    accounted(&world, &results);
}

#[test]
fn a_register_with_windows_line_ends_and_a_mark_reads_as_the_same_register() {
    let world = World::clean();
    world.edit(REQUESTS, |text| format!("\u{feff}{}", text.replace('\n', "\r\n")));
    let results = world.run().ends_with(0).results();
    assert_eq!(results.file(REQUESTS).records, 40);
    nothing_else_changed(&results, &[]);
}

#[test]
fn nul_octets_in_a_cell_are_kept_and_harm_nothing() {
    let world = World::clean();
    world.edit(REQUESTS, |text| with_line(text, line_of(text, "RQ-00434"), |line| line.replace("Hollow", "Hol\0\0low")));
    let run = world.run();
    assert!([0, 4].contains(&run.code), "{}", run.err);
    let results = run.results();
    assert_eq!(results.file(REQUESTS).records + results.file(REQUESTS).rejected, 40);
    if run.code == 0 {
        nothing_else_changed(&results, &[]);
    }
    for report in ["report.html", "working-papers.html", "results.json", "exceptions.jsonl"] {
        assert!(!holds(&fs::read(run.folder().join(report)).unwrap(), b"\0"), "{report} holds a NUL");
    }
}

#[cfg(unix)]
#[test]
fn links_are_listed_and_never_followed() {
    use std::os::unix::fs::symlink;
    let world = World::clean();
    fs::write(world.around().join("outside.txt"), "CANARY-42\n").unwrap();
    let roles = World::clean().text(ROLES);
    fs::create_dir_all(world.around().join("outside")).unwrap();
    fs::write(world.around().join("outside/more-roles.csv"), roles).unwrap();
    symlink("../../outside.txt", world.evidence("a-link")).unwrap();
    symlink("../../outside", world.evidence("a-folder")).unwrap();
    symlink("..", world.evidence("a-loop")).unwrap();
    symlink("nowhere", world.evidence("broken")).unwrap();
    let run = world.run().ends_with(4);
    let results = run.results();
    for link in ["a-link", "a-folder", "a-loop", "broken"] {
        results.noted("N-FS-001", link);
        assert_eq!(results.file(link).status, "unreadable");
    }
    assert_eq!(results.evidence.len(), CLEAN.evidence.len() + 4, "nothing behind a link is listed");
    nothing_else_changed(&results, &[]);
    for (name, octets) in files(run.folder()) {
        assert!(!holds(&octets, b"CANARY-42"), "{name} holds what a link points at");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_evidence_leaves_its_controls_untested() {
    let world = World::clean();
    fs::rename(world.evidence(ROLES), world.around().join("roles.csv")).unwrap();
    std::os::unix::fs::symlink("../../../roles.csv", world.evidence(ROLES)).unwrap();
    let results = world.run().ends_with(4).results();
    assert_eq!(results.control("PE-03").outcome, "could_not_test");
    nothing_else_changed(&results, &["PE-03".to_owned()]);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_never_opened() {
    let world = World::clean();
    let made = std::process::Command::new("mkfifo").arg(world.evidence("ca/pipe.log")).status().unwrap();
    assert!(made.success());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_assure"))
        .args(["-q", "run"])
        .arg(&world.folder)
        .stdin(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if begun.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("the program waits for a pipe");
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(code, Some(4));
    let results = world.run().ends_with(4).results();
    results.noted("N-FS-002", "ca/pipe.log");
    nothing_else_changed(&results, &[]);
}

#[test]
fn a_folder_without_evidence_is_said_to_be_one() {
    let world = World::empty();
    let output = assure_in(world.around(), &["run", "engagement"]);
    assert_eq!(output.status.code(), Some(3));
    for junk in [".DS_Store", "Thumbs.db"] {
        fs::write(world.folder.join(junk), [0, 0, 0, 1]).unwrap();
    }
    fs::write(world.folder.join("empty.log"), "").unwrap();
    assert_eq!(assure_in(world.around(), &["run", "engagement"]).status.code(), Some(3));

    let declared = World::clean();
    fs::remove_dir_all(declared.folder.join("evidence")).unwrap();
    declared.run().ends_with(3);
    fs::create_dir(declared.folder.join("evidence")).unwrap();
    let run = declared.run().ends_with(3);
    assert!(!run.err.is_empty());
}

#[test]
fn an_unknown_key_of_the_engagement_is_named() {
    for (place, key) in [("environment = \"live\"", "enviroment"), ("stream = \"ca-01\"", "steam"), ("feeds = [\"roles\"]", "feds")] {
        let world = World::clean();
        world.declare(|text| text.replacen(place, &format!("{place}\n{key} = \"x\""), 1));
        let run = world.run().ends_with(2);
        assert!(run.err.contains(key), "{}", run.err);
        assert!(run.err.contains("engagement.toml"), "{}", run.err);
        assert!(!world.folder.join("runs").exists());
    }
}

#[test]
fn outputs_never_land_among_the_evidence() {
    let world = World::clean();
    let before = files(&world.folder.join("evidence"));
    let inside = world.evidence("out");
    let run = world.run_with(&["--out", inside.to_str().unwrap()]).ends_with(2);
    assert!(run.err.contains("evidence"), "{}", run.err);
    let run = world.run_with(&["--out", world.evidence("ca/../out").to_str().unwrap()]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(files(&world.folder.join("evidence")) == before, "a refused run wrote among the evidence");
    world.run().ends_with(0);
    assert!(files(&world.folder.join("evidence")) == before, "a run changes no evidence");
}

#[cfg(unix)]
#[test]
fn outputs_never_land_among_the_evidence_by_way_of_a_link() {
    let world = World::clean();
    let before = files(&world.folder.join("evidence"));
    let link = world.around().join("elsewhere");
    std::os::unix::fs::symlink(world.folder.join("evidence"), &link).unwrap();
    let run = world.run_with(&["--out", link.join("out").to_str().unwrap()]);
    assert!(files(&world.folder.join("evidence")) == before, "outputs landed among the evidence through a link");
    assert_eq!(run.code, 2, "{}", run.err);
}

#[test]
fn outputs_never_land_among_the_evidence_by_way_of_a_folder_above() {
    let world = World::clean();
    let before = files(&world.folder.join("evidence"));
    fs::create_dir(world.folder.join("there")).unwrap();
    let run = world.run_with(&["--out", world.folder.join("there/../evidence/out").to_str().unwrap()]);
    assert!(files(&world.folder.join("evidence")) == before, "outputs landed among the evidence through a folder above");
    assert_eq!(run.code, 2, "{}", run.err);
}

#[test]
fn a_line_whose_certificate_is_damaged_is_still_one_line() {
    let world = World::clean();
    let at = line_of(&world.text(LOG), "2020-10-01 11:47:17");
    world.edit(LOG, |text| {
        with_line(text, at, |line| {
            let from = line.find(";cert=").unwrap() + 206;
            line[..from].to_owned()
        })
    });
    let results = world.run().results();
    assert!(results.controls.iter().all(|control| control.outcome != "exceptions"), "a damaged copy is no failing");
    accounted(&world, &results);
}

#[test]
fn a_run_folder_that_was_altered_is_not_believed() {
    let world = World::clean();
    let run = world.run().ends_with(0);
    let report = run.folder().join("report.html");
    let original = fs::read(&report).unwrap();
    let again = |what: &str| {
        let run = world.run().ends_with(5);
        assert!(run.err.contains(what), "{}", run.err);
        let output = assure_in(world.around(), &["report", run.folder().to_str().unwrap(), "--out", "again"]);
        assert_eq!(output.status.code(), Some(5));
    };
    fs::write(&report, [original.as_slice(), b" "].concat()).unwrap();
    again("report.html");
    fs::write(&report, &original).unwrap();
    world.run().ends_with(0);
    fs::write(run.folder().join("added.txt"), "x").unwrap();
    again("added.txt");
    fs::remove_file(run.folder().join("added.txt")).unwrap();
    fs::remove_file(&report).unwrap();
    again("report.html");
    fs::write(&report, &original).unwrap();
    fs::remove_file(run.folder().join("manifest-sha256.txt")).unwrap();
    again("manifest");
}

const FORMULA: &str = "=cmd|'/c calc'!A1";
const IMAGE: &str = "<img src=x onerror=1>";
const TEMPLATE: &str = "{{ 7*7 }}";
const ESCAPE: &str = "E\u{1b}]0;title\u{7}\u{1b}[2J";
const BIDI: &str = "B\u{202e}idi";

/// Nothing of the harmful texts acts in the reports or on the terminal.
fn inert(run: &Ran) {
    for name in ["report.html", "working-papers.html"] {
        let html = fs::read_to_string(run.folder().join(name)).unwrap();
        for tag in ["<img", "onerror=1>", "<script>alert"] {
            assert!(!html.contains(tag), "{name} holds {tag}");
        }
        for character in ['\u{1b}', '\u{202e}', '\u{7}', '\0'] {
            assert!(!html.contains(character), "{name} holds {character:?}");
        }
        assert!(!html.contains("javascript:"), "{name} holds a link that acts");
    }
    for character in [b"\x1b".as_slice(), "\u{202e}".as_bytes(), b"\x07"] {
        assert!(!holds(run.terminal(), character), "the terminal was sent {character:?}");
    }
    let path = run.folder().join("workbook.xlsx");
    let mut workbook: Xlsx<_> = open_workbook(&path).unwrap();
    for sheet in workbook.sheet_names() {
        for (_, _, cell) in workbook.worksheet_range(&sheet).unwrap().used_cells() {
            let text = cell.to_string();
            let harmful = ["cmd|", "onerror", "7*7", "idi", "alert"].iter().any(|part| text.contains(part));
            assert!(!harmful || matches!(cell, Data::String(_)), "{sheet}: {text:?} is not a string");
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{sheet}: {text:?}");
        }
        let formulas = workbook.worksheet_formula(&sheet).unwrap();
        assert!(!formulas.used_cells().any(|(_, _, formula)| formula.contains("cmd")), "{sheet} holds a formula from evidence");
    }
    for (name, octets) in parts(&fs::read(&path).unwrap()) {
        assert!(!holds(&octets, b"<f>=cmd") && !holds(&octets, b"<f>cmd"), "{name} holds a formula from evidence");
        assert!(!holds(&octets, b"javascript:"), "{name} holds a link that acts");
    }
}

#[test]
fn harmful_text_in_a_register_does_nothing_in_any_output() {
    let world = World::clean();
    let people = [FORMULA, IMAGE, TEMPLATE, ESCAPE, BIDI, "javascript:alert(1)", "{% raw %}", "<script>alert(1)</script>"];
    world.edit(ROLES, |text| {
        let rows = people.iter().flat_map(|person| {
            ["Registration officer", "Auditor"].map(|role| format!("\"{person}\",{role},all,2020-09-20,,\"{person}\"\n"))
        });
        text.to_owned() + &rows.collect::<String>()
    });
    world.declare(|text| text.replace("source_count = 15", "source_count = 31"));
    let run = world.run().ends_with(1);
    let exceptions = run.exceptions();
    for person in people {
        let known = exceptions.iter().any(|exception| exception.values.get("person").is_some_and(|value| value.as_deref() == Some(person)));
        assert!(known, "{person:?} is not in exceptions.jsonl as it stands in the evidence");
    }
    assert_eq!(exceptions.len(), people.len());
    inert_but_for_words(&run);
    let papers = fs::read_to_string(run.folder().join("working-papers.html")).unwrap();
    assert!(papers.contains("7*7"), "text like a template is printed as it is");
    let shown = world.run_with(&["-q", "--format", "jsonl"]);
    assert!(!holds(shown.terminal(), b"\x1b"), "exceptions.jsonl escapes what acts on a terminal");
}

/// As [`inert`]; the word `javascript:` may stand in text, but in no attribute.
fn inert_but_for_words(run: &Ran) {
    for name in ["report.html", "working-papers.html"] {
        let html = fs::read_to_string(run.folder().join(name)).unwrap();
        for tag in ["<img", "<script>alert", "href=\"javascript:", "href='javascript:", "src=\"javascript:"] {
            assert!(!html.contains(tag), "{name} holds {tag}");
        }
        for character in ['\u{1b}', '\u{202e}', '\u{7}', '\0'] {
            assert!(!html.contains(character), "{name} holds {character:?}");
        }
    }
    for (name, octets) in parts(&fs::read(run.folder().join("workbook.xlsx")).unwrap()) {
        assert!(!holds(&octets, b"<f>=cmd") && !holds(&octets, b"<f>cmd"), "{name} holds a formula from evidence");
        assert!(!holds(&octets, b"\x1b") && !holds(&octets, "\u{202e}".as_bytes()), "{name} holds what acts on a terminal");
        assert!(!holds(&octets, b"Target=\"javascript:"), "{name} holds a link from evidence");
    }
    let mut workbook: Xlsx<_> = open_workbook(run.folder().join("workbook.xlsx")).unwrap();
    let mut seen = 0;
    for sheet in workbook.sheet_names() {
        for (_, _, cell) in workbook.worksheet_range(&sheet).unwrap().used_cells() {
            let text = cell.to_string();
            if ["cmd|", "onerror", "7*7"].iter().any(|part| text.contains(part)) {
                assert!(matches!(cell, Data::String(_)), "{sheet}: {text:?} is not a string");
                seen += 1;
            }
        }
        let formulas = workbook.worksheet_formula(&sheet).unwrap();
        assert!(!formulas.used_cells().any(|(_, _, formula)| formula.contains("cmd")), "{sheet} holds a formula from evidence");
    }
    assert!(seen > 0, "the workbook tells nothing of the exceptions");
    for character in [b"\x1b".as_slice(), "\u{202e}".as_bytes(), b"\x07"] {
        assert!(!holds(run.terminal(), character), "the terminal was sent {character:?}");
    }
}

#[cfg(unix)]
#[test]
fn harmful_names_of_files_do_nothing_in_any_output() {
    let world = World::clean();
    let names = [
        "line\nend.txt",
        "esc\u{1b}[2J.txt",
        "bidi\u{202e}txt.exe",
        "<script>alert(1)<img src=x onerror=1>.txt",
        FORMULA_NAME,
        "{{ 7*7 }}.txt",
        "100%0A.txt",
        "report.html",
    ];
    for (turn, name) in names.iter().enumerate() {
        fs::write(world.folder.join("evidence").join(name), format!("words {turn}\n")).unwrap();
    }
    let run = world.run().ends_with(0);
    let results = run.results();
    for name in names {
        assert_eq!(results.file(name).status, "not-recognised", "{name:?}");
    }
    inert(&run);
    let manifest = fs::read_to_string(run.folder().join("evidence-manifest-sha256.txt")).unwrap();
    let listed = results.evidence.iter().map(|evidence| 1 + evidence.also.len()).sum::<usize>();
    assert_eq!(manifest.lines().count(), listed, "a name cannot add a line");
    assert!(manifest.contains("line%0Aend.txt") && manifest.contains("100%250A.txt"));
    let output = assure_in(world.around(), &["inventory", world.folder.to_str().unwrap()]);
    for character in [b"\x1b".as_slice(), "\u{202e}".as_bytes()] {
        assert!(!holds(&output.stdout, character) && !holds(&output.stderr, character), "the inventory sends {character:?}");
    }
    nothing_else_changed(&results, &[]);
}

#[cfg(unix)]
const FORMULA_NAME: &str = "=cmd|calc!A1.txt";

#[test]
fn the_same_log_under_a_second_name_is_counted_once() {
    let world = World::clean();
    let text = world.text(LOG);
    world.put("ca/server-2020-10-copy.log", text);
    let results = world.run().ends_with(0).results();
    let listed = results
        .evidence
        .iter()
        .filter(|evidence| evidence.path.contains("2020-10"))
        .filter(|e| e.path.starts_with("ca/"))
        .collect::<Vec<_>>();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].also.len(), 1);
    assert!(results.notes.iter().any(|note| note.code == "N-FS-006"));
    populations_stand(&results);
    nothing_else_changed(&results, &[]);
}

#[test]
fn an_export_that_overlaps_another_adds_no_record() {
    let world = World::clean();
    let text = world.text(LOG);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    world.put("ca/server-2020-10-late.log", lines[lines.len() / 2..].concat());
    let results = world.run().results();
    populations_stand(&results);
    let note =
        results.notes.iter().find(|note| note.code == "N-DUP-001" && note.what.contains("ca_events")).expect("a note on what was removed");
    assert!(note.count >= 80, "{}", note.what);
    assert!(results.controls.iter().all(|control| control.outcome != "exceptions"), "a repeated record is no failing");
    nothing_else_changed(&results, &[]);
}

/// The records of an EJBCA log as the rows of an export of the table behind it.
fn as_audit_table(log: &str) -> String {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let mut out = "pk,nodeId,sequenceNumber,timeStamp,eventType,eventStatus,authToken,service,module,customId,searchDetail1,searchDetail2,additionalDetails\n".to_owned();
    for (number, line) in log.lines().filter_map(|line| line.split_once(") 20").map(|(_, record)| format!("20{record}"))).enumerate() {
        let parts: Vec<&str> = line.splitn(10, ';').collect();
        let time = jiff::Timestamp::strptime("%Y-%m-%d %H:%M:%S%:z", parts[0]).unwrap().as_millisecond() + 345;
        let details: String = parts
            .get(9)
            .into_iter()
            .flat_map(|tail| tail.split(';'))
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| {
                format!(
                    "<void method=\"put\"><string>{name}</string><string>{}</string></void>",
                    value.replace('&', "&amp;").replace('<', "&lt;")
                )
            })
            .collect();
        let map = format!(
            "<?xml version=\"1.0\"?><java class=\"java.beans.XMLDecoder\"><object class=\"java.util.LinkedHashMap\">{details}</object></java>"
        );
        let cells = [
            format!("pk{number}"),
            "node-1".to_owned(),
            number.to_string(),
            time.to_string(),
            parts[1].to_owned(),
            parts[2].to_owned(),
            parts[5].to_owned(),
            parts[4].to_owned(),
            parts[3].to_owned(),
            parts[6].to_owned(),
            parts[7].to_owned(),
            parts[8].to_owned(),
            map,
        ];
        out += &(cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\n");
    }
    out
}

#[test]
fn a_log_and_an_export_of_the_table_behind_it_are_one_telling() {
    let world = World::clean();
    world.put("ca/audit.csv", as_audit_table(&world.text(LOG)));
    let run = world.run();
    let results = run.results();
    let file = results.file("ca/audit.csv");
    assert!(file.records > 80 && file.rejected == 0, "{} records, {} rejected", file.records, file.rejected);
    let note = results.notes.iter().find(|note| note.code == "N-DUP-003").expect("a note on what is told twice");
    assert_eq!(note.count, file.records, "{}", note.what);
    for (control, test) in [("RA-03", "three-way"), ("RV-02", "after-revocation")] {
        assert_eq!(results.test(control, test).population, CLEAN.test(control, test).population, "{control} {test}");
        assert_eq!(results.test(control, test).exceptions, 0, "{control} {test}");
    }
}

#[test]
fn two_rows_of_one_request_that_differ_are_both_tested() {
    let world = World::clean();
    world.edit(REQUESTS, |text| {
        let row = text.lines().nth(line_of(text, "RQ-00497")).unwrap().replace(",issued,", ",rejected,");
        format!("{text}{row}\n")
    });
    world.declare(|text| text.replace("source_count = 40", "source_count = 41"));
    let run = world.run();
    assert!([1, 4].contains(&run.code), "a conflict is not passed over: {}", run.err);
    let results = run.results();
    let note = results.notes.iter().find(|note| note.code == "N-DUP-002").expect("a note on the conflict");
    assert_eq!(note.weight, "weakens");
    assert!(note.affects.contains(&"RA-03".to_owned()), "{:?}", note.affects);
    assert_eq!(results.file(REQUESTS).records, 41);
    assert_eq!(results.test("RA-03", "outcome").records, 41, "both rows are tested");
    assert_ne!(results.control("RA-03").outcome, "no_exceptions");
    nothing_else_changed(&results, &note.affects);
}

#[test]
fn octets_that_are_no_text_cost_one_line() {
    let world = World::clean();
    let at = line_of(&world.text(LOG), "2020-10-01 11:47:17");
    let mut lines: Vec<Vec<u8>> = world.text(LOG).split_inclusive('\n').map(|line| line.as_bytes().to_vec()).collect();
    lines[at][120] = 0xff;
    world.put(LOG, lines.concat());
    let results = world.run().ends_with(4).results();
    let note = touches(&results, "N-ENC-002", LOG, "RA-03");
    assert_eq!(note.locator, format!("line {}", at + 1));
    assert_eq!(results.file(LOG).rejected, 1);
}

#[test]
fn a_line_that_claims_to_be_a_record_and_is_none_is_rejected() {
    let world = World::clean();
    world.edit(LOG, |text| {
        format!(
            "{text}2020-10-31 23:59:00,000 INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (default task-1) CERT_CREATION of nobody\n"
        )
    });
    let results = world.run().ends_with(4).results();
    touches(&results, "N-LINE-001", LOG, "RA-03");
    assert_eq!(results.file(LOG).rejected, 1);
    accounted(&world, &results);
}

#[test]
fn a_declared_hash_that_does_not_fit_weakens_what_rests_on_the_file() {
    let world = World::clean();
    world.declare(|text| {
        text.replace(
            "path = \"registers/roles.csv\"\nzone",
            &format!("path = \"registers/roles.csv\"\nsha256 = \"{}\"\nzone", "0".repeat(64)),
        )
    });
    let run = world.run();
    let results = run.results();
    assert_eq!(results.file(ROLES).hash_status, "mismatch");
    touches(&results, "N-HASH-001", ROLES, "PE-03");
    assert_eq!(run.code, 4, "a file that is not the one the operator declared proves nothing");
}

#[test]
fn a_declaration_that_matches_nothing_is_noted() {
    let world = World::clean();
    world.declare(|text| {
        format!(
            "{text}\n[[profile]]\npath = \"certificats/**\"\nprofile = \"device\"\n\n[[source]]\npath = \"no-such/*.log\"\nstream = \"x\"\n"
        )
    });
    let results = world.run().results();
    let noted = results.notes.iter().filter(|note| note.code == "N-CFG-001").count();
    assert_eq!(noted, 2, "a declaration that matches nothing protects nothing");
}

#[test]
fn an_interrupted_run_leaves_nothing_that_looks_like_a_run() {
    let world = World::clean();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_assure")).args(["-q", "run"]).arg(&world.folder).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    child.kill().unwrap();
    child.wait().unwrap();
    let whole = |folder: &Path| folder.join("manifest-sha256.txt").is_file();
    for entry in fs::read_dir(world.folder.join("runs")).into_iter().flatten().map(Result::unwrap) {
        assert!(entry.file_name().to_string_lossy().starts_with('.') || whole(&entry.path()), "a partial run has a final name");
    }
    let results = world.run().ends_with(0).results();
    nothing_else_changed(&results, &[]);
}
