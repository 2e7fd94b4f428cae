//! What the tests share: copies of the samples in temporary folders, runs of them, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use assure::Progress;
use assure::evaluate;
use assure::inputs::{Flags, Inputs};
use assure::judge::{self, judgement::Judgements};
use assure::report::results::{Control, Evidence, Exception, Note, Results, Test};
use tempfile::TempDir;

use crate::generator::{Variant, months};

/// Says nothing while a run goes on.
pub(crate) struct Silent;

impl Progress for Silent {
    fn stage(&mut self, _: &str, _: u64) {}
    fn step(&mut self, _: &str) {}
}

/// An engagement or a bare folder in a temporary place.
pub(crate) struct World {
    temp: TempDir,
    /// The folder that `assure run` is pointed at.
    pub(crate) folder: PathBuf,
}

static PLANTED: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| months::files(Variant::Planted));
static CLEAN_FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| months::files(Variant::Clean));

/// The files of a sample as it is committed, without the outputs of runs on it.
pub(crate) fn shipped(sample: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(sample);
    let ours = |name: &String| !name.starts_with("runs/") && !name.starts_with(".cache/");
    files(&folder).into_iter().filter(|(name, _)| ours(name)).collect()
}

impl World {
    /// The small engagement of two months, with deviations planted in it.
    pub(crate) fn planted() -> Self {
        Self::of(&PLANTED)
    }

    /// The same without.
    pub(crate) fn clean() -> Self {
        Self::of(&CLEAN_FILES)
    }

    /// A sample that is shipped.
    pub(crate) fn shipped(sample: &str) -> Self {
        Self::of(&shipped(sample))
    }

    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("engagement");
        fs::create_dir_all(&folder).unwrap();
        Self { temp, folder }
    }

    fn of(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let world = Self::empty();
        for (name, octets) in files.iter().filter(|(name, _)| *name != "deviations.toml") {
            let place = world.folder.join(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, octets).unwrap();
        }
        world
    }

    /// The temporary folder around it.
    pub(crate) fn around(&self) -> &Path {
        self.temp.path()
    }

    /// A file of the evidence.
    pub(crate) fn evidence(&self, path: &str) -> PathBuf {
        self.folder.join("evidence").join(path)
    }

    /// The text of an evidence file.
    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.evidence(path)).unwrap()
    }

    /// Replaces or adds an evidence file.
    pub(crate) fn put(&self, path: &str, octets: impl AsRef<[u8]>) {
        let place = self.evidence(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, octets).unwrap();
    }

    /// Changes the text of an evidence file.
    pub(crate) fn edit(&self, path: &str, change: impl FnOnce(&str) -> String) {
        let text = self.text(path);
        self.put(path, change(&text));
    }

    /// Changes `engagement.toml`.
    pub(crate) fn declare(&self, change: impl FnOnce(&str) -> String) {
        let place = self.folder.join("engagement.toml");
        let text = fs::read_to_string(&place).unwrap();
        let changed = change(&text);
        assert_ne!(text, changed, "the change to engagement.toml did not take");
        fs::write(place, changed).unwrap();
    }

    /// The program, run on it.
    pub(crate) fn run(&self) -> Ran {
        self.run_with(&[])
    }

    /// The program, run on it with further arguments.
    pub(crate) fn run_with(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["run", self.folder.to_str().unwrap()];
        all.extend(arguments);
        let output = assure_in(self.around(), &all);
        Ran::of(output, &self.folder)
    }

    /// What the run would come to, without writing a run folder; `only` names the controls, none meaning all.
    /// Tables are kept in `cache`, so that many runs on almost the same evidence cost little.
    ///
    /// The engine plans deep statements by recursion, and the thread of a test has a small stack.
    pub(crate) fn weigh(&self, only: &[&str], cache: &Path) -> Weighed {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(64 << 20);
            thread.spawn_scoped(scope, || self.weigh_here(only, cache)).unwrap().join().unwrap()
        })
    }

    fn weigh_here(&self, only: &[&str], cache: &Path) -> Weighed {
        let mut inputs = Inputs::load(&self.folder, &Flags::default()).unwrap();
        cache.clone_into(&mut inputs.cache);
        if !only.is_empty() {
            inputs.catalogue.controls.retain(|id, _| only.contains(&id.as_str()));
        }
        let collected = assure::gather(&inputs).unwrap();
        let normalised = assure::tabulate(&inputs, collected, &mut Silent).unwrap();
        let facts = evaluate::evaluate(&normalised, &inputs.catalogue, &inputs.engagement, &inputs.overrides, &mut |_| ()).unwrap();
        let judgements = Judgements::read("", &inputs.catalogue);
        let judged =
            judge::judge(facts, &normalised, &inputs.catalogue, &inputs.engagement, &inputs.criteria, &inputs.overrides, judgements);
        let mut weighed = Weighed::default();
        for control in &judged.controls {
            for (facts, test) in control.facts.tests.iter().zip(&control.tests) {
                let verdict = Verdict {
                    outcome: test.outcome.code().to_owned(),
                    actual: test.tally.actual,
                    potential: test.tally.potential,
                    reason: test.reason.clone(),
                };
                weighed.tests.insert((control.facts.id.clone(), facts.id.clone()), verdict);
            }
        }
        weighed
    }
}

/// What every test came to, by control and test.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Weighed {
    pub(crate) tests: BTreeMap<(String, String), Verdict>,
}

/// What one test came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: String,
    pub(crate) actual: u64,
    pub(crate) potential: u64,
    pub(crate) reason: String,
}

impl Verdict {
    /// The tool speaks well of it.
    pub(crate) fn favourable(&self) -> bool {
        ["no_exceptions", "nothing_to_test"].contains(&self.outcome.as_str())
    }
}

/// A finished call of `assure run`.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    raw: Vec<u8>,
    folder: Option<PathBuf>,
}

impl Ran {
    /// The run folder is looked for where an engagement keeps it.
    fn of(output: Output, engagement: &Path) -> Self {
        Self::at(output, &engagement.join("runs"))
    }

    /// The run folder is looked for in `runs`: the newest, where there are several.
    pub(crate) fn at(output: Output, runs: &Path) -> Self {
        let found = fs::read_dir(runs).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
        let mut found: Vec<PathBuf> = found.filter(|path| path.join("results.json").is_file()).collect();
        found.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
        let raw = [output.stdout.clone(), output.stderr.clone()].concat();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            raw,
            folder: found.pop(),
        }
    }

    /// The run folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_deref().unwrap_or_else(|| panic!("no run folder; the program ended with {} and said: {}", self.code, self.err))
    }

    /// Everything that came to a terminal.
    pub(crate) fn terminal(&self) -> &[u8] {
        &self.raw
    }

    /// The same, after a check of the exit code.
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "the program said: {}", self.err);
        self
    }

    pub(crate) fn results(&self) -> Results {
        serde_json::from_slice(&fs::read(self.folder().join("results.json")).unwrap()).unwrap()
    }

    pub(crate) fn exceptions(&self) -> Vec<Exception> {
        let text = fs::read_to_string(self.folder().join("exceptions.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Reading results as sentences.
pub(crate) trait Reading {
    fn file(&self, path: &str) -> &Evidence;
    fn control(&self, id: &str) -> &Control;
    fn test(&self, control: &str, test: &str) -> &Test;
    fn noted(&self, code: &str, path: &str) -> &Note;
}

impl Reading for Results {
    fn file(&self, path: &str) -> &Evidence {
        self.evidence.iter().find(|evidence| evidence.path == path).unwrap_or_else(|| panic!("{path} is not listed"))
    }

    fn control(&self, id: &str) -> &Control {
        self.controls.iter().find(|control| control.id == id).unwrap_or_else(|| panic!("no control {id}"))
    }

    fn test(&self, control: &str, test: &str) -> &Test {
        self.control(control).tests.iter().find(|known| known.id == test).unwrap_or_else(|| panic!("no test {control} {test}"))
    }

    /// The note of a code on a file, which must be whole: what, and how to mend it.
    fn noted(&self, code: &str, path: &str) -> &Note {
        let note = self.notes.iter().find(|note| note.code == code && note.path.as_deref() == Some(path));
        let note = note.unwrap_or_else(|| {
            let all: Vec<String> = self.notes.iter().map(|n| format!("{} {}", n.code, n.path.as_deref().unwrap_or("-"))).collect();
            panic!("no note {code} on {path}; there are {all:?}")
        });
        assert!(!note.what.is_empty(), "the note {code} does not say what");
        assert!(!note.fix.is_empty(), "the note {code} does not say how to mend it");
        note
    }
}

/// The results of the clean twin as it stands.
pub(crate) static CLEAN: LazyLock<Results> = LazyLock::new(|| World::clean().run().ends_with(0).results());

/// Every test of a control outside `touched` has the outcome and population it has on the clean twin.
pub(crate) fn nothing_else_changed(results: &Results, touched: &[String]) {
    for before in CLEAN.controls.iter().filter(|control| !touched.contains(&control.id)) {
        let after = results.control(&before.id);
        for (before, after) in before.tests.iter().zip(&after.tests) {
            let figures = |test: &Test| (test.id.clone(), test.outcome.clone(), test.population, test.exceptions, test.unreadable);
            assert_eq!(figures(before), figures(after), "a test of a control that no note touches changed: {}", after.reason);
        }
    }
}

/// Every population of the clean twin is as it was.
pub(crate) fn populations_stand(results: &Results) {
    for before in &CLEAN.controls {
        for test in &before.tests {
            let after = results.test(&before.id, &test.id);
            assert_eq!(test.population, after.population, "the population of {} {} changed", before.id, test.id);
        }
    }
}

/// The program, called from a folder.
pub(crate) fn assure_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_assure")).current_dir(folder).args(arguments).output().unwrap()
}

/// Every file below a folder, by path with `/`.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder).min_depth(1) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// The names of [`files`], in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    files(folder).into_keys().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    for (name, octets) in files(from) {
        let place = to.join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, octets).unwrap();
    }
}

/// Whether `needle` stands anywhere in `octets`.
pub(crate) fn holds(octets: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(octets, needle).is_some()
}

/// The parts of a workbook, unpacked.
pub(crate) fn parts(workbook: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(workbook)).unwrap();
    let mut found = BTreeMap::new();
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let mut octets = Vec::new();
        std::io::Read::read_to_end(&mut part, &mut octets).unwrap();
        found.insert(part.name().unwrap().into_owned(), octets);
    }
    found
}
