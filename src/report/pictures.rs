//! The pictures of both HTML reports: what logs cover, which revocation lists were in force, and who was
//! there when a root or issuing key was used. Every number in a picture stands in a table beside it.

use std::collections::BTreeMap;

pub(super) use super::drawing::Picture;
use super::drawing::{Grid, Lane, Look, Mark};
use super::untrusted::Naming;
use super::view::{Line, ReportView, ViewError, cell, grouped};
use crate::domain::instant;

/// Rows of a table beside a picture.
pub(super) const MOST_ROWS: usize = 200;
/// Lines of a view that are read for a picture.
pub(super) const MOST_LINES: usize = 100_000;
const DAY: i64 = 86_400_000_000;

/// An instant of a view.
pub(super) fn at(line: &Line, name: &str) -> Option<i64> {
    moment(cell(line, name))
}

pub(super) fn moment(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}

/// First instant of the period and first after it.
pub(super) fn period(view: &ReportView) -> Option<(i64, i64)> {
    let day = |text: &str| text.parse::<jiff::civil::Date>().ok().map(instant::day);
    let engagement = &view.results.engagement;
    Some((day(&engagement.period_start)?, day(&engagement.period_end)? + DAY))
}

/// So many, in words.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.is_empty() { none } else { text }
}

fn length(micros: i64) -> String {
    let minutes = micros / 60_000_000;
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}

/// The pictures of a run; one without anything in it is left out.
pub(super) fn pictures(view: &ReportView, naming: &mut Naming) -> Result<Vec<Picture>, ViewError> {
    let Some((from, to)) = period(view) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    all.extend(coverage(view, naming, from, to)?);
    all.extend(revocation(view, naming, from, to)?);
    all.extend(super::ceremony::pictures(view, naming, from, to)?);
    Ok(all)
}

/// A log stream, and the holes in it.
struct Stream {
    name: String,
    line: Line,
    holes: Vec<Line>,
}

impl Stream {
    fn covered(&self) -> bool {
        self.holes.is_empty() && !cell(&self.line, "allowed_gap").is_empty() && cell(&self.line, "records") != "0"
    }

    fn words(&self) -> &'static str {
        match (cell(&self.line, "records"), cell(&self.line, "allowed_gap"), self.holes.is_empty()) {
            ("0", ..) => "nothing supplied",
            (_, "", _) => "not decided: no allowed silence is declared",
            (.., true) => "covers the period",
            (.., false) => "has holes",
        }
    }

    fn marks(&self, from: i64, to: i64) -> Vec<Mark> {
        let (first, last) = (at(&self.line, "first"), at(&self.line, "last"));
        let (Some(first), Some(last)) = (first, last) else { return vec![Mark { look: Look::Absent, from, to }] };
        if last < from || first > to {
            return vec![Mark { look: Look::Absent, from, to }];
        }
        let mut marks = Vec::new();
        let look = if cell(&self.line, "allowed_gap").is_empty() { Look::Outline } else { Look::Solid };
        let mut start = first.max(from);
        for hole in &self.holes {
            let silent = at(hole, "after").unwrap_or(from).max(from);
            let ends = at(hole, "ends_at").unwrap_or(to);
            let beyond = cell(hole, "beyond") == "true";
            marks.push(Mark { look: if beyond { Look::Absent } else { Look::Hole }, from: silent, to: ends });
            if silent > start {
                marks.push(Mark { look, from: start, to: silent });
            }
            start = start.max(ends);
        }
        if last.min(to) > start {
            marks.push(Mark { look, from: start, to: last.min(to) });
        }
        if look == Look::Outline {
            marks.extend((first > from).then_some(Mark { look: Look::Absent, from, to: first }));
            marks.extend((last < to).then_some(Mark { look: Look::Absent, from: last, to }));
        }
        marks
    }
}

fn streams(view: &ReportView, naming: &mut Naming) -> Result<Vec<Stream>, ViewError> {
    let mut holes: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for hole in view.lines::<Line>("holes.jsonl", MOST_LINES)?.first {
        holes.entry(cell(&hole, "stream").to_owned()).or_default().push(hole);
    }
    let mut lines = view.lines::<Line>("coverage.jsonl", MOST_LINES)?.first;
    lines.sort_by(|a, b| cell(a, "stream").cmp(cell(b, "stream")));
    let named = lines.into_iter().map(|line| {
        let mut holes = holes.remove(cell(&line, "stream")).unwrap_or_default();
        holes.sort_by(|a, b| cell(a, "due_at").cmp(cell(b, "due_at")));
        Stream { name: naming.of("Log stream", cell(&line, "stream")), line, holes }
    });
    Ok(named.collect())
}

/// Log streams that cover the period, of all.
pub(super) fn covered(view: &ReportView) -> Result<(usize, usize), ViewError> {
    let streams = streams(view, &mut Naming::open())?;
    Ok((streams.iter().filter(|stream| stream.covered()).count(), streams.len()))
}

fn coverage(view: &ReportView, naming: &mut Naming, from: i64, to: i64) -> Result<Option<Picture>, ViewError> {
    let streams = streams(view, naming)?;
    if streams.is_empty() {
        return Ok(None);
    }
    let holes: usize = streams.iter().map(|stream| stream.holes.len()).sum();
    let lanes = streams.iter().map(|stream| Lane {
        name: stream.name.clone(),
        says: format!(
            "{}, {}",
            counted(cell(&stream.line, "records").parse().unwrap_or(0), "record", "records"),
            counted(stream.holes.len() as u64, "hole", "holes")
        ),
        marks: stream.marks(from, to),
    });
    let row = |stream: &Stream| {
        let value = |name| or(cell(&stream.line, name), "none").to_owned();
        let silence = cell(&stream.line, "allowed_gap").parse().map_or("not declared".to_owned(), |s: i64| length(s * 1_000_000));
        vec![
            stream.name.clone(),
            value("evidence"),
            value("first"),
            value("last"),
            grouped(cell(&stream.line, "records").parse().unwrap_or(0)),
            grouped(cell(&stream.line, "undated").parse().unwrap_or(0)),
            silence,
            grouped(stream.holes.len() as u64),
            stream.words().to_owned(),
        ]
    };
    let hole = |stream: &Stream, line: &Line| {
        let silent = at(line, "after").unwrap_or(from);
        let ends = at(line, "ends_at").unwrap_or(to);
        let kind = if cell(line, "beyond") == "true" { "before the first or after the last record supplied" } else { "between records" };
        vec![
            stream.name.clone(),
            or(cell(line, "after"), "start of the period").to_owned(),
            or(cell(line, "ends_at"), "end of the period").to_owned(),
            length(ends - silent),
            kind.to_owned(),
        ]
    };
    let mut grids = vec![Grid {
        caption: "Log streams and what they cover".to_owned(),
        headings: vec![
            ("Stream", false),
            ("First evidence", false),
            ("First record", false),
            ("Last record", false),
            ("Records", true),
            ("Without a settled time", true),
            ("Allowed silence", true),
            ("Holes", true),
            ("In the period", false),
        ],
        rows: streams.iter().take(MOST_ROWS).map(row).collect(),
        total: streams.len(),
    }];
    if holes > 0 {
        grids.push(Grid {
            caption: "Holes longer than the engagement allows".to_owned(),
            headings: vec![("Stream", false), ("After", false), ("Until", false), ("Silent for", true), ("Where", false)],
            rows: streams.iter().flat_map(|s| s.holes.iter().map(move |line| hole(s, line))).take(MOST_ROWS).collect(),
            total: holes,
        });
    }
    let covered = streams.iter().filter(|stream| stream.covered()).count();
    Ok(Some(Picture {
        id: "coverage".to_owned(),
        title: "What the logs cover".to_owned(),
        says: format!(
            "{covered} of {} cover the period; {} longer than the engagement allows.",
            counted(streams.len() as u64, "log stream", "log streams"),
            counted(holes as u64, "silence", "silences")
        ),
        from,
        to,
        lanes: lanes.collect(),
        legend: vec![
            (Look::Solid, "records, no silence longer than allowed"),
            (Look::Outline, "records; allowed silence not declared"),
            (Look::Hole, "hole: silent for longer than allowed"),
            (Look::Absent, "no record supplied"),
        ],
        grids,
    }))
}

/// The lists of one issuer.
struct Issuer {
    name: String,
    role: &'static str,
    lists: Vec<(i64, i64)>,
    undated: u64,
    deltas: u64,
}

impl Issuer {
    /// Times between the lists supplied at which none of them was current. `lists` is in order.
    fn gaps(&self) -> Vec<(i64, i64)> {
        let mut until: Option<i64> = None;
        let mut gaps = Vec::new();
        for (this, next) in &self.lists {
            if let Some(until) = until.filter(|until| until < this) {
                gaps.push((until, *this));
            }
            until = Some(until.map_or(*next, |until| until.max(*next)));
        }
        gaps
    }
}

fn issuers(view: &ReportView, naming: &mut Naming) -> Result<Vec<Issuer>, ViewError> {
    let mut by_name: BTreeMap<(String, String), Vec<Line>> = BTreeMap::new();
    for line in view.lines::<Line>("crls.jsonl", MOST_LINES)?.first {
        by_name.entry((cell(&line, "issuer").to_owned(), cell(&line, "issuer_name").to_owned())).or_default().push(line);
    }
    let one = |((name, _), lines): ((String, String), Vec<Line>)| {
        let (deltas, whole): (Vec<_>, Vec<_>) = lines.iter().partition(|line| cell(line, "is_delta") == "true");
        let mut lists: Vec<(i64, i64)> = whole.iter().filter_map(|line| at(line, "this_update").zip(at(line, "next_update"))).collect();
        lists.sort_unstable();
        Issuer {
            name: naming.of("Issuer", &name),
            role: match lines.first().map_or("", |line| cell(line, "issuer_role")) {
                "root" => "ARL of a root",
                "issuing" => "CRL of an issuing CA",
                _ => "issuer's certificate not supplied",
            },
            undated: (whole.len() - lists.len()) as u64,
            deltas: deltas.len() as u64,
            lists,
        }
    };
    Ok(by_name.into_iter().map(one).collect())
}

fn revocation(view: &ReportView, naming: &mut Naming, from: i64, to: i64) -> Result<Option<Picture>, ViewError> {
    let issuers = issuers(view, naming)?;
    if issuers.is_empty() {
        return Ok(None);
    }
    let within = |gap: &(i64, i64)| gap.1 > from && gap.0 < to;
    let gaps: Vec<Vec<(i64, i64)>> = issuers.iter().map(|issuer| issuer.gaps().into_iter().filter(within).collect()).collect();
    let total: usize = gaps.iter().map(Vec::len).sum();
    let lanes = issuers.iter().zip(&gaps).map(|(issuer, gaps)| {
        let looks = [Look::Solid, Look::Second].into_iter().cycle();
        let lists = issuer.lists.iter().zip(looks).filter(|((this, next), _)| *next > from && *this < to);
        let mut marks: Vec<Mark> = lists.map(|((this, next), look)| Mark { look, from: *this, to: *next }).collect();
        marks.extend(gaps.iter().map(|(from, to)| Mark { look: Look::Hole, from: *from, to: *to }));
        let (first, last) = (issuer.lists.first().map_or(to, |l| l.0), issuer.lists.iter().map(|l| l.1).max().unwrap_or(from));
        marks.extend((first > from).then_some(Mark { look: Look::Absent, from, to: first.min(to) }));
        marks.extend((last < to && last > from).then_some(Mark { look: Look::Absent, from: last, to }));
        let (lists, gaps) = (counted(issuer.lists.len() as u64, "list", "lists"), counted(gaps.len() as u64, "gap", "gaps"));
        Lane { name: issuer.name.clone(), says: format!("{}: {lists}, {gaps}", issuer.role.get(..3).unwrap_or_default()), marks }
    });
    let row = |(issuer, gaps): (&Issuer, &Vec<(i64, i64)>)| {
        vec![
            issuer.name.clone(),
            issuer.role.to_owned(),
            grouped(issuer.lists.len() as u64),
            grouped(issuer.deltas),
            grouped(issuer.undated),
            issuer.lists.first().map_or("none".to_owned(), |l| instant::text(l.0)),
            issuer.lists.iter().map(|l| l.1).max().map_or("none".to_owned(), instant::text),
            grouped(gaps.len() as u64),
            gaps.iter().map(|gap| gap.1 - gap.0).max().map_or("none".to_owned(), length),
        ]
    };
    let mut grids = vec![Grid {
        caption: "Revocation lists by issuer".to_owned(),
        headings: vec![
            ("Issuer", false),
            ("Kind", false),
            ("Lists", true),
            ("Delta lists, not drawn", true),
            ("Lists without both times, not drawn", true),
            ("First thisUpdate", false),
            ("Last nextUpdate", false),
            ("Gaps in the period", true),
            ("Longest gap", true),
        ],
        rows: issuers.iter().zip(&gaps).take(MOST_ROWS).map(row).collect(),
        total: issuers.len(),
    }];
    if total > 0 {
        let gap = |issuer: &Issuer, gap: &(i64, i64)| {
            vec![issuer.name.clone(), instant::text(gap.0), instant::text(gap.1), length(gap.1 - gap.0)]
        };
        grids.push(Grid {
            caption: "Gaps: no list supplied was current".to_owned(),
            headings: vec![("Issuer", false), ("From nextUpdate", false), ("Until thisUpdate", false), ("Length", true)],
            rows: issuers.iter().zip(&gaps).flat_map(|(i, gaps)| gaps.iter().map(move |g| gap(i, g))).take(MOST_ROWS).collect(),
            total,
        });
    }
    let lists: usize = issuers.iter().map(|issuer| issuer.lists.len()).sum();
    Ok(Some(Picture {
        id: "lists".to_owned(),
        title: "Which revocation lists were current".to_owned(),
        says: format!(
            "{} of {}, each from thisUpdate to nextUpdate; {} in the period at which no list supplied was current.",
            counted(lists as u64, "list", "lists"),
            counted(issuers.len() as u64, "issuer", "issuers"),
            counted(total as u64, "gap", "gaps")
        ),
        from,
        to,
        lanes: lanes.collect(),
        legend: vec![
            (Look::Solid, "one list"),
            (Look::Second, "the next list"),
            (Look::Hole, "gap: no list current"),
            (Look::Absent, "no list supplied"),
        ],
        grids,
    }))
}
