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
    fn unbroken(&self) -> bool {
        self.holes.is_empty() && self.allowed().is_some() && cell(&self.line, "records") != "0"
    }

    /// Longest silence the engagement declares (microseconds).
    fn allowed(&self) -> Option<i64> {
        Some(cell(&self.line, "allowed_gap").parse::<i64>().ok()?.saturating_mul(1_000_000))
    }

    /// How often numbers of records are missing; none where records have no numbers.
    fn breaks(&self) -> Option<u64> {
        cell(&self.line, "breaks").parse().ok()
    }

    fn words(&self) -> String {
        match (cell(&self.line, "records"), self.allowed(), self.holes.is_empty()) {
            ("0", ..) => "nothing supplied".to_owned(),
            (_, None, _) => "not decided: no allowed silence is declared".to_owned(),
            (_, Some(allowed), true) => format!("no silence longer than the one declared ({})", length(allowed)),
            (.., false) => "has holes".to_owned(),
        }
    }

    fn marks(&self, from: i64, to: i64) -> Vec<Mark> {
        let (first, last) = (at(&self.line, "first"), at(&self.line, "last"));
        let (Some(first), Some(last)) = (first, last) else { return vec![Mark { look: Look::Absent, from, to }] };
        if last < from || first > to {
            return vec![Mark { look: Look::Absent, from, to }];
        }
        let mut marks = Vec::new();
        let look = if self.allowed().is_none() { Look::Outline } else { Look::Solid };
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
        // Before the first record and after the last: not declared, declared as too long (drawn above), or allowed.
        let blank = if look == Look::Outline { Look::Absent } else { Look::Blank };
        let live = if look == Look::Outline { from } else { at(&self.line, "live_since").unwrap_or(from).clamp(from, first.max(from)) };
        let holed = |begin, end| marks.iter().any(|mark| mark.look == Look::Absent && mark.from < end && mark.to > begin);
        let ends = [(Look::Absent, from, live), (blank, live, first), (blank, last, to)];
        let ends = ends.into_iter().filter(|(_, begin, end)| begin < end && !holed(*begin, *end));
        let ends: Vec<Mark> = ends.map(|(look, from, to)| Mark { look, from, to }).collect();
        marks.extend(ends);
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

/// Log streams counted: neither number says that a stream is complete.
pub(super) struct Continuity {
    pub(super) all: u64,
    /// With no silence longer than the one declared.
    pub(super) unbroken: u64,
    /// Whose records are numbered.
    pub(super) numbered: u64,
    /// Of those, with numbers missing.
    pub(super) misnumbered: u64,
}

fn counts(streams: &[Stream]) -> Continuity {
    let count = |is: &dyn Fn(&&Stream) -> bool| streams.iter().filter(is).count() as u64;
    Continuity {
        all: streams.len() as u64,
        unbroken: count(&|stream| stream.unbroken()),
        numbered: count(&|stream| stream.breaks().is_some()),
        misnumbered: count(&|stream| stream.breaks().is_some_and(|breaks| breaks > 0)),
    }
}

/// The log streams of a run, counted.
pub(super) fn continuity(view: &ReportView) -> Result<Continuity, ViewError> {
    Ok(counts(&streams(view, &mut Naming::open())?))
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
        let silence = stream.allowed().map_or("not declared".to_owned(), length);
        vec![
            stream.name.clone(),
            value("evidence"),
            value("first"),
            value("last"),
            grouped(cell(&stream.line, "records").parse().unwrap_or(0)),
            grouped(cell(&stream.line, "undated").parse().unwrap_or(0)),
            silence,
            grouped(stream.holes.len() as u64),
            stream.breaks().map_or("not numbered".to_owned(), grouped),
            stream.words(),
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
        caption: "Log streams: what was supplied of each".to_owned(),
        headings: vec![
            ("Stream", false),
            ("First evidence", false),
            ("First record", false),
            ("Last record", false),
            ("Records", true),
            ("Without a settled time", true),
            ("Allowed silence", true),
            ("Holes", true),
            ("Breaks in numbering", true),
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
    let told = counts(&streams);
    Ok(Some(Picture {
        id: "coverage".to_owned(),
        title: "When the logs have records".to_owned(),
        says: format!(
            "{} of {} with no silence longer than the one declared; {} longer. Of {} whose records are numbered, {} with numbers missing.",
            grouped(told.unbroken),
            counted(told.all, "log stream", "log streams"),
            match holes {
                1 => "1 silence is".to_owned(),
                _ => format!("{} silences are", grouped(holes as u64)),
            },
            counted(told.numbered, "stream", "streams"),
            grouped(told.misnumbered)
        ),
        from,
        to,
        lanes: lanes.collect(),
        legend: vec![
            (Look::Solid, "records, no silence longer than allowed"),
            (Look::Outline, "records; allowed silence not declared"),
            (Look::Hole, "hole: silent for longer than allowed"),
            (Look::Blank, "before the first or after the last record: no record, for no longer than allowed"),
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
            (Look::Solid, "a list current"),
            (Look::Second, "the next list"),
            (Look::Hole, "gap: no list current"),
            (Look::Absent, "no list supplied"),
        ],
        grids,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(allowed: Option<&str>) -> Stream {
        let facts =
            [("records", "2"), ("first", "1970-01-11T00:00:00Z"), ("last", "1970-01-21T00:00:00Z"), ("live_since", "1970-01-06T00:00:00Z")];
        let mut line: Line = facts.into_iter().map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).collect();
        line.insert("allowed_gap".to_owned(), allowed.map(str::to_owned));
        Stream { name: "s".to_owned(), line, holes: Vec::new() }
    }

    #[test]
    fn an_allowed_blank_at_an_end_is_drawn_as_one() {
        let drawn: Vec<(Look, i64, i64)> =
            stream(Some("864000")).marks(0, 30 * DAY).into_iter().map(|mark| (mark.look, mark.from / DAY, mark.to / DAY)).collect();
        let blank = [(Look::Absent, 0, 5), (Look::Blank, 5, 10), (Look::Blank, 20, 30)];
        assert_eq!(drawn, [&[(Look::Solid, 10, 20)][..], &blank].concat(), "nothing is allowed before the stream was live");
        let undeclared = stream(None).marks(0, 30 * DAY);
        assert!(undeclared.iter().all(|mark| mark.look != Look::Blank), "nothing is allowed that is not declared");
    }

    #[test]
    fn a_blank_that_is_too_long_is_drawn_once() {
        let mut stream = stream(Some("3600"));
        let hole = [("after", "1970-01-21T00:00:00Z"), ("ends_at", "1970-01-31T00:00:00Z"), ("beyond", "true")];
        stream.holes.push(hole.into_iter().map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).collect());
        let after: Vec<Look> = stream.marks(0, 30 * DAY).into_iter().filter(|mark| mark.to > 20 * DAY).map(|mark| mark.look).collect();
        assert_eq!(after, [Look::Absent]);
    }

    #[test]
    fn a_stream_without_a_long_silence_is_not_said_to_be_complete() {
        assert_eq!(stream(Some("17280000")).words(), "no silence longer than the one declared (4800 h 00 min)");
    }
}
