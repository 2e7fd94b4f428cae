//! Chains: whether each record of a log follows on from the one before it, as its seal says.
//!
//! A chain is tested in the order of the lines of each file, over every record as supplied: an overlapping
//! export repeats records, and a line that stands out of its place shows. The first record of a file
//! follows on from a record of another file of the stream, or begins the chain, or from nothing supplied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::own::{Out, cell_text};
use super::table_file::Value;
use super::yubihsm;
use crate::catalogue::Catalogue;
use crate::engine::{Engine, EngineError, Rows};

/// The table whose records may be chained.
const CHAINED: &str = "key_events";

/// More rows than a file has.
const FILE: i64 = 1 << 40;

/// How the records of a log are chained.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The seal is a hash over the entry and the seal before it.
    Yubihsm,
    /// The record names the seal before it.
    PreviousSeal,
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        match word {
            "yubihsm-sha256" => Some(Self::Yubihsm),
            "prev-sig" => Some(Self::PreviousSeal),
            _ => None,
        }
    }
}

/// A record, as far as its chain is concerned.
struct Link {
    evidence: i64,
    row: i64,
    number: Option<i64>,
    at: Option<i64>,
    sealed: Option<String>,
    seal: Option<String>,
}

impl Link {
    fn of(rows: &Rows, row: usize) -> Self {
        let number = |name: &str| rows.named(row, name).integer();
        let text = |name: &str| rows.named(row, name).text();
        Self {
            evidence: number("evidence").unwrap_or_default(),
            row: number("row").unwrap_or_default(),
            number: number("seq"),
            at: number("time"),
            sealed: text("sealed"),
            seal: text("seal"),
        }
    }

    /// It is the first of all: nothing stands before it.
    fn begins(&self, kind: Kind) -> bool {
        let sealed = self.sealed.as_deref().unwrap_or_default();
        match kind {
            Kind::Yubihsm => yubihsm::begins(sealed),
            Kind::PreviousSeal => !sealed.is_empty() && sealed.bytes().all(|digit| digit == b'0'),
        }
    }

    /// What the link to the record before it should be, and is; nothing where either has no seal.
    fn seals(&self, kind: Kind, before: &Self) -> Option<(String, String)> {
        let (seal, sealed, before) = (self.seal.clone()?, self.sealed.clone()?, before.seal.clone()?);
        match kind {
            Kind::Yubihsm => Some((yubihsm::hash(&sealed, &before)?, seal)),
            Kind::PreviousSeal => Some((before, sealed)),
        }
    }

    fn follows(&self, kind: Kind, before: &Self) -> bool {
        self.seals(kind, before).is_some_and(|(expected, found)| expected == found)
    }
}

/// A run of records whose links hold.
struct Run {
    opens: &'static str,
    first: usize,
    last: usize,
    links: i64,
}

/// One numbering of a stream, chained in one way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    stream: String,
    series: Option<String>,
    system: Option<String>,
    kind: String,
}

/// Writes `log_chains`: before repeated records are left out of the tables.
pub(super) fn write(engine: &mut Engine, catalogue: &Catalogue, folder: &Path) -> Result<(), EngineError> {
    let Some(table) = catalogue.tables.get("log_chains") else { return Ok(()) };
    let mut out = Chains { out: Out::for_table(&folder.join("log_chains.parquet"), table)?, position: 0 };
    let mut chained = BTreeSet::new();
    for group in groups(engine)? {
        let Some(kind) = Kind::of(&group.kind) else { continue };
        chained.insert(group.stream.clone());
        let links = links(engine, &group)?;
        let index = Index::of(&links);
        for file in &files(&links) {
            let opening = links.get(file.0).map_or(Opening::Unknown, |first| index.opening(kind, first));
            out.file(&group, kind, &links, *file, &opening)?;
        }
    }
    out.unchained(engine, catalogue, &chained)?;
    let part = out.out.finish()?;
    engine.register("log_chains", table.schema().clone(), vec![part]);
    Ok(())
}

fn groups(engine: &Engine) -> Result<Vec<Group>, EngineError> {
    let sql =
        format!("SELECT DISTINCT stream, series, system, chain AS kind FROM {CHAINED} WHERE chain IS NOT NULL AND stream IS NOT NULL");
    let rows = engine.query(&sql)?;
    let group = |row: usize| {
        let text = |name: &str| rows.named(row, name).text();
        Group {
            stream: text("stream").unwrap_or_default(),
            series: text("series"),
            system: text("system"),
            kind: text("kind").unwrap_or_default(),
        }
    };
    let mut groups: Vec<Group> = (0..rows.len()).map(group).collect();
    groups.sort();
    Ok(groups)
}

/// The records of a group, file by file, in the order of their lines.
fn links(engine: &Engine, group: &Group) -> Result<Vec<Link>, EngineError> {
    let quoted = |text: &str| text.replace('\'', "''");
    let is = |column: &str, text: Option<&str>| match text {
        Some(text) => format!("{column} = '{}'", quoted(text)),
        None => format!("{column} IS NULL"),
    };
    let sql = format!(
        "SELECT evidence, row, seq, time, sealed, seal FROM {CHAINED} WHERE stream = '{}' AND chain = '{}' AND {} AND {}",
        quoted(&group.stream),
        quoted(&group.kind),
        is("series", group.series.as_deref()),
        is("system", group.system.as_deref()),
    );
    let rows = engine.query(&sql)?;
    Ok(rows.sorted_by(&["evidence", "row"]).into_iter().map(|row| Link::of(&rows, row)).collect())
}

/// Where the records of each file begin and end.
fn files(links: &[Link]) -> Vec<(usize, usize)> {
    let mut files = Vec::new();
    let mut begin = 0;
    for (end, link) in (1..).zip(links) {
        if links.get(end).is_none_or(|next| next.evidence != link.evidence) {
            files.push((begin, end));
            begin = end;
        }
    }
    files
}

/// What stands before the first record of a file.
enum Opening {
    Start,
    Joined,
    Unknown,
    /// A record that should stand before it, and does not fit: what would hold, and what stands there.
    Broken(String, String),
}

/// The records of a group, as the first record of a file may follow on from one of another file.
struct Index<'l> {
    seals: BTreeMap<&'l str, Vec<i64>>,
    numbers: BTreeMap<i64, Vec<&'l Link>>,
}

impl<'l> Index<'l> {
    fn of(links: &'l [Link]) -> Self {
        let mut index = Self { seals: BTreeMap::new(), numbers: BTreeMap::new() };
        for link in links {
            if let Some(seal) = &link.seal {
                index.seals.entry(seal).or_default().push(link.evidence);
            }
            if let Some(number) = link.number {
                index.numbers.entry(number).or_default().push(link);
            }
        }
        index
    }

    fn opening(&self, kind: Kind, first: &Link) -> Opening {
        if first.begins(kind) {
            return Opening::Start;
        }
        let named = || first.sealed.as_deref().and_then(|seal| self.seals.get(seal));
        if kind == Kind::PreviousSeal && named().is_some_and(|files| files.iter().any(|file| *file != first.evidence)) {
            return Opening::Joined;
        }
        let before = first.number.and_then(|number| self.numbers.get(&number.checked_sub(1)?));
        let others = || before.into_iter().flatten().filter(|other| other.evidence != first.evidence);
        if others().any(|other| first.follows(kind, other)) {
            return Opening::Joined;
        }
        others().find_map(|other| first.seals(kind, other)).map_or(Opening::Unknown, |(expected, found)| Opening::Broken(expected, found))
    }
}

struct Chains {
    out: Out,
    position: i64,
}

impl Chains {
    fn file(&mut self, group: &Group, kind: Kind, links: &[Link], file: (usize, usize), opening: &Opening) -> Result<(), EngineError> {
        let begin = |opens: &'static str, at: usize, links: i64| Run { opens, first: at, last: at, links };
        let mut run = match opening {
            Opening::Start => begin("start", file.0, 0),
            Opening::Joined => begin("joined", file.0, 1),
            Opening::Unknown => begin("unknown", file.0, 0),
            Opening::Broken(expected, found) => {
                self.broken(group, links, file.0, Some((expected.clone(), found.clone())))?;
                begin("broken", file.0, 0)
            }
        };
        for at in file.0 + 1..file.1 {
            let (Some(before), Some(link)) = (links.get(at - 1), links.get(at)) else { continue };
            if link.follows(kind, before) {
                (run.last, run.links) = (at, run.links + 1);
                continue;
            }
            // A reset begins a new chain within one file, and breaks none.
            let starts = link.begins(kind);
            self.run(group, links, &run, !starts)?;
            if !starts {
                self.broken(group, links, at, link.seals(kind, before))?;
            }
            run = begin(if starts { "start" } else { "broken" }, at, 0);
        }
        self.run(group, links, &run, false)
    }

    /// A run without a link beside a broken one says nothing that the broken one does not.
    fn run(&mut self, group: &Group, links: &[Link], run: &Run, breaks: bool) -> Result<(), EngineError> {
        if run.links == 0 && (breaks || run.opens == "broken") {
            return Ok(());
        }
        let verified = if run.links > 0 { Value::Boolean(true) } else { Value::Null };
        self.row(group, links, run, &[("verified", verified)])
    }

    /// Without what stands there, nobody knows whether the link holds: then it is not tested.
    fn broken(&mut self, group: &Group, links: &[Link], at: usize, seals: Option<(String, String)>) -> Result<(), EngineError> {
        let run = Run { opens: "broken", first: at, last: at, links: 0 };
        match seals {
            None => self.row(group, links, &run, &[("verified", Value::Null)]),
            Some((expected, found)) => {
                let cells = [("verified", Value::Boolean(false)), ("expected", Value::Text(expected)), ("found", Value::Text(found))];
                self.row(group, links, &run, &cells)
            }
        }
    }

    fn row(&mut self, group: &Group, links: &[Link], run: &Run, more: &[(&'static str, Value)]) -> Result<(), EngineError> {
        let (Some(first), Some(last)) = (links.get(run.first), links.get(run.last)) else { return Ok(()) };
        self.position += 1;
        let mut cells = vec![
            ("evidence", Value::Integer(first.evidence)),
            ("row", Value::Integer(first.row)),
            ("position", Value::Integer(self.position)),
            ("stream", Value::text(&group.stream)),
            ("series", cell_text(group.series.clone())),
            ("system", cell_text(group.system.clone())),
            ("kind", Value::text(&group.kind)),
            ("links", Value::Integer(run.links)),
            ("opens", Value::text(run.opens)),
            ("first_seq", Value::or_null(first.number, Value::Integer)),
            ("last_seq", Value::or_null(last.number, Value::Integer)),
            ("first_at", Value::or_null(first.at, Value::Time)),
            ("last_row", Value::Integer(last.row)),
        ];
        cells.extend(more.iter().cloned());
        self.out.table_row(&cells)
    }

    /// A stream whose records carry no chain is a row too: nothing of it could be verified.
    fn unchained(&mut self, engine: &Engine, catalogue: &Catalogue, chained: &BTreeSet<String>) -> Result<(), EngineError> {
        let mut streams: BTreeMap<String, (i64, i64, Option<String>)> = BTreeMap::new();
        for table in catalogue.tables.0.values() {
            let Some(stream) = &table.stream else { continue };
            // The first file, and within it the first row, as one number.
            let sql = format!(
                "SELECT {by} AS stream, MIN(system) AS system, MIN(evidence * {FILE} + row) AS place FROM {name} WHERE {by} IS NOT NULL GROUP BY {by}",
                by = stream.by,
                name = table.name
            );
            let rows = engine.query(&sql)?;
            for row in rows.sorted_by(&["stream"]) {
                let place = rows.named(row, "place").integer().unwrap_or_default();
                let name = rows.named(row, "stream").text().unwrap_or_default();
                streams.entry(name).or_insert_with(|| (place / FILE, place % FILE, rows.named(row, "system").text()));
            }
        }
        for (name, (evidence, row, system)) in streams.into_iter().filter(|(name, _)| !chained.contains(name)) {
            self.position += 1;
            self.out.table_row(&[
                ("evidence", Value::Integer(evidence)),
                ("row", Value::Integer(row)),
                ("position", Value::Integer(self.position)),
                ("stream", Value::Text(name)),
                ("system", cell_text(system)),
                ("kind", Value::text("none")),
            ])?;
        }
        Ok(())
    }
}
