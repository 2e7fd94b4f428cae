//! Stage 3: typed canonical tables.
//!
//! Takes the collected evidence, gives the tables as Parquet behind an [`Engine`], and for every
//! file and table how many records went where. Nothing is dropped in silence: a record is a row, or
//! rejected and counted; a cell is typed, or listed as unsettled in its row; a duplicate is counted
//! once and its places are kept. The only stage that types cells.

mod cache;
mod cell;
mod certificate;
mod certificate_request;
mod chains;
mod crl;
pub mod declared;
pub mod duplicates;
pub mod given;
mod landing;
mod linked;
mod listed;
mod ocsp;
mod own;
mod retold;
mod rotation;
mod skew;
mod steps;
mod streams;
mod table_file;
mod timeline;
mod yubihsm;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::catalogue::Catalogue;
use crate::catalogue::engagement::Engagement;
use crate::catalogue::format::{Format, Reader};
use crate::collect::Collected;
use crate::domain::evidence::{Container, Evidence, HashStatus, Quality, Status};
use crate::domain::note::Note;
use crate::engine::{Engine, EngineError, Part};
use crate::parse;

use cache::Reading;
use landing::Landing;
pub use timeline::Timeline;

/// The tables of a run.
pub struct Normalised {
    /// The tables.
    pub engine: Engine,
    /// Every file, with what became of it.
    pub sources: Vec<SourceFacts>,
    /// Every canonical table, with where its rows come from.
    pub tables: BTreeMap<String, TableFacts>,
    /// The bounds of the assessment.
    pub timeline: Timeline,
    /// What was noticed.
    pub notes: Vec<Note>,
    /// Files that changed while they were read.
    pub integrity_failures: Vec<String>,
    /// Deleted when the tables are no longer used.
    _work: WorkFolder,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub struct SourceFacts {
    /// The file.
    pub evidence: Evidence,
    /// Records read.
    pub records: u64,
    /// Records rejected, by the reader or by a decoder.
    pub rejected: u64,
    /// Blank lines, comments, headings, and the lines over which a record goes on.
    pub blank: u64,
    /// Lines known to be no records.
    pub passed_over: u64,
    /// Physical lines, objects, or rows of the sheets that were read.
    pub total: u64,
    /// Earliest dated record.
    pub first: Option<i64>,
    /// Latest dated record.
    pub last: Option<i64>,
    /// How times were placed.
    pub bases: BTreeSet<String>,
    /// Log stream.
    pub stream: Option<String>,
    /// Tables it feeds.
    pub tables: BTreeSet<String>,
}

/// Where the rows of a table come from.
#[derive(Debug, Clone, Default)]
pub struct TableFacts {
    /// Files that feed it.
    pub sources: BTreeSet<u32>,
    /// Files that should feed it and could not be read, with the reason.
    pub unreadable: BTreeMap<u32, String>,
    /// Records rejected in the files that feed it.
    pub rejected: u64,
    /// Repeated records that were left out.
    pub removed: u64,
    /// Identities that have records of different content.
    pub conflicts: u64,
    /// Where else a record stands, by evidence and row; kept up to 100,000 places.
    pub elsewhere: duplicates::Places,
}

struct WorkFolder(PathBuf);

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // Left-over work files harm nobody; the folder is a cache.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Reads all evidence into tables. `progress` is told each file before it is read.
///
/// # Errors
/// [`EngineError`] where the cache cannot be written or a table cannot be made.
pub fn normalise(
    collected: Collected,
    engagement: &Engagement,
    catalogue: &Catalogue,
    cache: &Path,
    progress: &mut dyn FnMut(&Evidence),
) -> Result<Normalised, EngineError> {
    let work = WorkFolder(cache.join(format!("work-{}", std::process::id())));
    fs::create_dir_all(&work.0).map_err(|source| EngineError::File { path: work.0.clone(), source })?;
    let mut notes = collected.notes;
    let mut tables: BTreeMap<String, TableFacts> = catalogue.tables.0.keys().map(|name| (name.clone(), TableFacts::default())).collect();
    ambiguous(&notes, &mut tables);
    let mut parts: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    let mut sources = Vec::new();
    let mut integrity_failures = Vec::new();
    for evidence in collected.evidence {
        progress(&evidence);
        let mut facts = SourceFacts::unread(evidence);
        let formats: Vec<&Format> = facts.evidence.formats().into_iter().filter_map(|name| catalogue.formats.get(name)).collect();
        if formats.is_empty() || facts.evidence.status != Status::Used {
            doubt(&facts.evidence, &formats, &mut tables);
            sources.push(facts);
            continue;
        }
        let (reading, folder, changed) = read(&facts.evidence, &formats, engagement, catalogue, cache)?;
        if changed {
            let what = "the file changed while it was being read";
            notes.push(Note::on("N-HASH-002", facts.evidence.number, what));
            integrity_failures.push(facts.evidence.path.clone());
        }
        notes.extend(reading.notes(facts.evidence.number));
        facts.take(&reading, &formats, engagement);
        if facts.evidence.hash_status == HashStatus::Mismatch || facts.evidence.quality.proves_nothing() {
            doubt(&facts.evidence, &formats, &mut tables);
        }
        feed(&mut facts, &reading, &formats, &folder, &mut tables, &mut parts);
        sources.push(facts);
    }
    let mut engine = Engine::default();
    for table in catalogue.tables.stored() {
        engine.register(&table.name, table.schema().clone(), parts.remove(&table.name).unwrap_or_default());
    }
    chains::write(&mut engine, catalogue, &work.0)?;
    for table in catalogue.tables.stored().filter(|table| table.name != "log_chains") {
        let found = duplicates::remove(&mut engine, table, &work.0)?;
        notes.extend(found.notes);
        if let Some(facts) = tables.get_mut(&table.name) {
            (facts.removed, facts.conflicts, facts.elsewhere) = (found.removed, found.conflicts, found.elsewhere);
        }
    }
    notes.extend(retold::mark(&mut engine, catalogue, &sources, &mut tables, &work.0)?);
    notes.extend(skew::notes(&engine)?);
    notes.extend(linked::link(&mut engine, catalogue, &engagement.environment, &work.0)?);
    let timeline = timeline::timeline(&engine, catalogue, engagement)?;
    let span = streams::Span { start: timeline.period_start, end: timeline.period_end };
    steps::write(&mut engine, catalogue, &work.0)?;
    streams::write(&mut engine, catalogue, engagement, &span, &work.0)?;
    listed::write(&mut engine, catalogue, &sources, &work.0)?;
    declared::write(&mut engine, catalogue, engagement, &sources, &tables.values().collect::<Vec<_>>(), &work.0)?;
    derived(&mut tables);
    Ok(Normalised { engine, sources, tables, timeline, notes, integrity_failures, _work: work })
}

/// A file that fits two formats might feed the tables of either.
fn ambiguous(notes: &[Note], tables: &mut BTreeMap<String, TableFacts>) {
    for note in notes.iter().filter(|note| note.code == "N-FMT-002") {
        for table in &note.tables {
            if let (Some(facts), Some(number)) = (tables.get_mut(table), note.evidence) {
                facts.unreadable.insert(number, note.what.clone());
            }
        }
    }
}

/// A file that is known for what it is but cannot be used, or is not the one the operator declared, leaves
/// every table it would feed incomplete.
fn doubt(evidence: &Evidence, formats: &[&Format], tables: &mut BTreeMap<String, TableFacts>) {
    let why = match (evidence.hash_status, evidence.status) {
        (HashStatus::Mismatch, _) => "its hash is not the one the operator declared",
        _ if evidence.quality.proves_nothing() => "a template, a placeholder or a sample",
        (_, Status::Unreadable) => evidence.reason.as_deref().unwrap_or("unreadable"),
        _ => return,
    };
    for name in formats.iter().flat_map(|format| format.tables()) {
        if let Some(facts) = tables.get_mut(name) {
            facts.unreadable.insert(evidence.number, why.to_owned());
        }
    }
}

/// Reads a file, or takes what was kept of it. The last value tells whether it changed.
fn read(
    evidence: &Evidence,
    formats: &[&Format],
    engagement: &Engagement,
    catalogue: &Catalogue,
    cache: &Path,
) -> Result<(Reading, PathBuf, bool), EngineError> {
    let source = engagement.on(&evidence.path);
    let profile = engagement.profile_of(&evidence.path);
    let stream = stream_of(evidence, formats, &source);
    let layout = layout_of(evidence);
    let declared = [&source.zone, &source.date_order, &source.host, &source.clock_ahead].map(|value| value.as_deref().unwrap_or_default());
    let obtained = source.obtained_on().unwrap_or_default();
    let key = [
        env!("ASSURE_SOURCE"),
        catalogue.sha256.as_str(),
        evidence.sha256.as_str(),
        layout.as_str(),
        declared[0],
        declared[1],
        declared[2],
        declared[3],
        obtained.as_str(),
        if formats.iter().any(|format| format.reads_file_name()) { evidence.path.as_str() } else { "" },
        stream.as_str(),
        profile.unwrap_or_default(),
    ];
    let folder = cache::folder(cache, &key);
    if let Some(reading) = cache::load(&folder) {
        return Ok((reading, folder, false));
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|source| EngineError::File { path: folder.clone(), source })?;
    let locator = parse::locator(evidence, &catalogue.formats);
    let mut landing = Landing::new(evidence, locator, &source, &stream, profile, &catalogue.tables, &folder);
    // A reader that dies costs its file, not the audit.
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        parse::parse(evidence, &catalogue.formats, &source, &mut |format, batch| landing.take(format, batch))
    }));
    let parsed = parsed.unwrap_or_else(|_| parse::Parsed {
        failed: Some("the reader failed".to_owned()),
        sha256: evidence.sha256.clone(),
        notes: vec![Note::on("N-READ-001", evidence.number, "the reader failed")],
        ..parse::Parsed::default()
    });
    let (landed, mut notes) = landing.finish()?;
    notes.splice(0..0, parsed.notes);
    let changed = parsed.sha256 != evidence.sha256 && !parsed.sha256.is_empty();
    let failed = parsed.failed.is_some();
    let mut reading = Reading {
        records: parsed.records,
        rejected: parsed.rejected,
        rejected_by: parsed.rejected_by,
        blank: parsed.blank,
        passed_over: parsed.passed_over,
        total: parsed.total,
        truncated: parsed.truncated,
        failed: parsed.failed,
        tables: landed,
        ..Reading::default()
    };
    reading.keep_notes(&notes);
    // A failure may be of the moment: it is not kept.
    if !changed && !failed {
        cache::store(&folder, &reading)?;
    }
    Ok((reading, folder, changed))
}

/// What reads what of a file: with its content, this decides its rows.
fn layout_of(evidence: &Evidence) -> String {
    let sheets = evidence.sheets().iter().map(|sheet| format!("{}={}", sheet.ordinal, sheet.format.as_deref().unwrap_or_default()));
    let json = (evidence.container == Container::Json).then(|| "json".to_owned());
    evidence.format.iter().cloned().chain(json).chain(sheets).collect::<Vec<_>>().join(" ")
}

/// The stream the engagement names; a log without one is a stream of its own.
fn stream_of(evidence: &Evidence, formats: &[&Format], source: &crate::catalogue::engagement::Source) -> String {
    match &source.stream {
        Some(stream) => stream.clone(),
        None if formats.iter().any(|format| format.reads_stream()) => evidence.path.clone(),
        None => String::new(),
    }
}

impl SourceFacts {
    fn unread(evidence: Evidence) -> Self {
        Self {
            evidence,
            records: 0,
            rejected: 0,
            blank: 0,
            passed_over: 0,
            total: 0,
            first: None,
            last: None,
            bases: BTreeSet::new(),
            stream: None,
            tables: BTreeSet::new(),
        }
    }

    fn take(&mut self, reading: &Reading, formats: &[&Format], engagement: &Engagement) {
        // An object its decoder refuses is no record; a log line whose certificate is refused is one still.
        let objects = formats.iter().any(|format| matches!(format.reader, Reader::X509));
        let refused = if objects { reading.tables.values().map(|landed| landed.rejected).sum() } else { 0 };
        self.records = reading.records - refused.min(reading.records);
        self.rejected = reading.rejected + refused;
        self.blank = reading.blank;
        self.passed_over = reading.passed_over;
        self.total = reading.total;
        self.first = reading.tables.values().filter_map(|landed| landed.first).min();
        self.last = reading.tables.values().filter_map(|landed| landed.last).max();
        self.bases = reading.tables.values().flat_map(|landed| landed.bases.iter().cloned()).collect();
        let stream = stream_of(&self.evidence, formats, &engagement.on(&self.evidence.path));
        self.stream = Some(stream).filter(|stream| !stream.is_empty());
        if reading.truncated {
            self.evidence.quality = Quality::Truncated;
        }
        if let Some(why) = &reading.failed {
            self.evidence.status = Status::Unreadable;
            self.evidence.reason = Some(why.clone());
        }
    }
}

/// Adds what a file gave to the tables of its format.
fn feed(
    facts: &mut SourceFacts,
    reading: &Reading,
    formats: &[&Format],
    folder: &Path,
    tables: &mut BTreeMap<String, TableFacts>,
    parts: &mut BTreeMap<String, Vec<Part>>,
) {
    let number = facts.evidence.number;
    let nothing = reading.tables.values().all(|landed| landed.rows == 0);
    let objects = formats.iter().any(|format| matches!(format.reader, Reader::X509));
    let rows = |table: &str| reading.tables.get(table).map_or(0, |landed| landed.rows);
    let named: BTreeSet<&str> = formats.iter().flat_map(|format| format.tables()).collect();
    for name in named {
        let Some(table) = tables.get_mut(name) else { continue };
        let feeding = || formats.iter().filter(|format| format.tables().contains(&name));
        let incidental = feeding().flat_map(|format| &format.emits).filter(|emit| emit.table == name).all(|emit| emit.incidental);
        let unread: u64 = feeding().filter_map(|format| reading.rejected_by.get(&format.name)).sum();
        let rejected = reading.tables.get(name).map_or(0, |landed| landed.rejected);
        // What an unread record would have been, nobody knows: it counts for every table it might feed.
        if incidental && rows(name) == 0 && rejected == 0 && !((nothing || objects) && (unread > 0 || reading.failed.is_some())) {
            continue;
        }
        table.rejected += unread + rejected;
        facts.tables.insert(name.to_owned());
        if let Some(why) = &reading.failed {
            table.unreadable.insert(number, why.clone());
        } else {
            table.sources.insert(number);
        }
    }
    for (name, landed) in &reading.tables {
        if landed.rows > 0 {
            let path = folder.join(format!("{name}.parquet"));
            facts.tables.insert(name.clone());
            parts.entry(name.clone()).or_default().push(Part { path, evidence: Some(number) });
            if let Some(table) = tables.get_mut(name) {
                table.sources.insert(number);
            }
        }
    }
}

/// Tables that no evidence feeds by itself, and those they are made from.
const DERIVED: [(&str, &[&str]); 10] = [
    ("certificate_rules", &["certificates"]),
    ("certificate_extensions", &["certificates"]),
    ("certificate_policies", &["certificates"]),
    ("certificate_names", &["certificates"]),
    ("crl_entries", &["crls"]),
    ("log_streams", &["ca_events", "key_events"]),
    ("log_holes", &["ca_events", "key_events"]),
    ("log_chains", &["ca_events", "key_events"]),
    ("log_steps", &["ca_events", "key_events"]),
    ("log_tallies", &["ca_events", "key_events"]),
];

/// The tables that a table is made from: none for those that list the folder and what is declared of it; nothing for
/// a table that evidence feeds.
#[must_use]
pub fn made_from(table: &str) -> Option<&'static [&'static str]> {
    let derived = DERIVED.iter().find(|(name, _)| *name == table).map(|(_, origins)| *origins);
    derived.or(["evidence", "expected_evidence", "extracts"].contains(&table).then_some(&[]))
}

/// Derived tables rest on what they are derived from.
fn derived(tables: &mut BTreeMap<String, TableFacts>) {
    for (name, origins) in DERIVED {
        let mut facts = TableFacts::default();
        for origin in origins.iter().filter_map(|origin| tables.get(*origin)) {
            facts.sources.extend(&origin.sources);
            facts.unreadable.extend(origin.unreadable.clone());
            facts.rejected = facts.rejected.max(origin.rejected);
            facts.conflicts = facts.conflicts.max(origin.conflicts);
        }
        tables.insert(name.to_owned(), facts);
    }
}
