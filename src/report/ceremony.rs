//! Key ceremonies as the minutes, the doors and the modules tell them: one picture of all, and one of each
//! with who was there. The three kinds of proof stand side by side; none is taken for another.

use std::collections::{BTreeMap, BTreeSet};

use super::drawing::{Grid, Lane, Look, Mark, Picture};
use super::pictures::{MOST_LINES, MOST_ROWS, at, counted, moment};
use super::results::{KeyUse, Presence};
use super::untrusted::Naming;
use super::view::{Line, ReportView, ViewError, cell, grouped};

/// Ceremonies drawn one by one.
const DRAWN: usize = 12;
/// What is drawn before and after a ceremony: the time in which a use counts as part of it (microseconds).
const MARGIN: i64 = 15 * 60 * 1_000_000;

/// What is known of all ceremonies and uses, named as the report may name them.
struct Told {
    ceremonies: Vec<Ceremony>,
    uses: Vec<Use>,
    uses_total: u64,
}

struct Ceremony {
    id: String,
    name: String,
    kind: String,
    module: String,
    line: Line,
    times: Option<(i64, i64)>,
    people: Vec<Person>,
    /// It falls in the period, a use falls in it, or an exception stands on a line of its minutes.
    matters: bool,
}

struct Person {
    name: String,
    role: String,
    organisation: String,
    line: Line,
}

struct Use {
    of: KeyUse,
    at: Option<i64>,
    module: String,
    ceremony: Option<String>,
    minuted: Vec<String>,
    inside: Vec<String>,
    authenticated: Vec<String>,
}

impl Use {
    /// No minuted ceremony has it. Of a use whose time is not settled that is not known.
    fn outside(&self) -> bool {
        self.at.is_some() && self.ceremony.is_none()
    }
}

/// The pictures, none where there is neither a ceremony nor a use.
pub(super) fn pictures(view: &ReportView, naming: &mut Naming, from: i64, to: i64) -> Result<Vec<Picture>, ViewError> {
    let told = told(view, naming, from, to)?;
    if told.ceremonies.is_empty() && told.uses.is_empty() {
        return Ok(Vec::new());
    }
    let numbered = told.ceremonies.iter().zip(1..).filter(|(ceremony, _)| ceremony.matters);
    let each: Vec<Picture> = numbered.filter_map(|(ceremony, number)| each(ceremony, number, &told)).take(DRAWN).collect();
    let mut all = vec![overview(&told, naming, (from, to), each.len())];
    all.extend(each);
    Ok(all)
}

/// A value of a column whose vocabulary is closed; of another only where names may stand.
fn word<'a>(line: &'a Line, column: &str, naming: &Naming) -> &'a str {
    let closed = cell(line, "closed").split(',').any(|name| name == column);
    match cell(line, column) {
        "" => "not minuted",
        value if closed => value,
        value => naming.only_open(value, "withheld"),
    }
}

fn told(view: &ReportView, naming: &mut Naming, from: i64, to: i64) -> Result<Told, ViewError> {
    let mut people: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in view.lines::<Line>("ceremony-people.jsonl", MOST_LINES)?.first {
        people.entry(cell(&line, "ceremony").to_owned()).or_default().push(line);
    }
    let mut lines = view.lines::<Line>("ceremonies.jsonl", MOST_LINES)?.first;
    lines.sort_by(|a, b| (cell(a, "started_at"), cell(a, "ceremony")).cmp(&(cell(b, "started_at"), cell(b, "ceremony"))));
    let uses = view.lines::<KeyUse>("key-uses.jsonl", MOST_LINES)?;
    let used: BTreeSet<&str> = uses.first.iter().filter_map(|of| of.ceremony.as_deref()).collect();
    let excepted = excepted(view, lines.iter().chain(people.values().flatten()))?;
    let mut ceremonies = Vec::new();
    for line in lines {
        let id = cell(&line, "ceremony").to_owned();
        let mut there = people.remove(&id).unwrap_or_default();
        there.sort_by(|a, b| (cell(a, "arrived_at"), cell(a, "person")).cmp(&(cell(b, "arrived_at"), cell(b, "person"))));
        let times = at(&line, "started_at").zip(at(&line, "ended_at"));
        let matters = times.is_some_and(|(start, end)| end >= from && start < to)
            || used.contains(id.as_str())
            || there.iter().chain([&line]).any(|line| excepted.contains(&place(line)));
        let people = there.into_iter().map(|line| Person {
            name: naming.of("Person", cell(&line, "person")),
            role: word(&line, "role", naming).to_owned(),
            organisation: naming.only_open(cell(&line, "organisation"), "").to_owned(),
            line,
        });
        let people = people.collect();
        ceremonies.push(Ceremony {
            name: naming.of("Ceremony", &id),
            kind: word(&line, "kind", naming).to_owned(),
            module: if cell(&line, "hsm").is_empty() { "none minuted".to_owned() } else { naming.of("Module", cell(&line, "hsm")) },
            times,
            matters,
            id,
            line,
            people,
        });
    }
    let named = uses.first.into_iter().map(|of| {
        let mut names = |all: &[Presence], say: &dyn Fn(&Presence) -> String| -> Vec<String> {
            let mut told = Vec::new();
            for one in all {
                let place = match naming.only_open(&one.stands_in, "") {
                    "" => String::new(),
                    place => format!("; {place}"),
                };
                told.push(format!("{} ({}{place})", naming.of("Person", &one.person), say(one)));
            }
            told
        };
        let minuted = names(&of.minuted, &|one| {
            let signed = if one.signed == Some(true) { "signed" } else { "not signed" };
            if one.since.is_some() { signed.to_owned() } else { format!("{signed}; arrival not minuted") }
        });
        let inside = names(&of.inside, &|one| format!("since {}", one.since.as_deref().unwrap_or("an unknown time")));
        Use {
            at: of.time.as_deref().and_then(moment),
            module: naming.of("Module", &of.module),
            ceremony: of.ceremony.as_ref().map(|id| naming.of("Ceremony", id)),
            minuted,
            inside,
            authenticated: of.authenticated.iter().map(|name| naming.of("Person", name)).collect(),
            of,
        }
    });
    let named = named.collect();
    Ok(Told { ceremonies, uses: named, uses_total: uses.total })
}

/// Where a line of a view stands: evidence and place.
fn place(line: &Line) -> (String, String) {
    (cell(line, "evidence").to_owned(), cell(line, "locator").to_owned())
}

/// Of the places of these lines, those that an exception names as its own.
fn excepted<'a>(view: &ReportView, lines: impl Iterator<Item = &'a Line>) -> Result<BTreeSet<(String, String)>, ViewError> {
    let places: BTreeSet<(String, String)> = lines.map(place).collect();
    let mut found = BTreeSet::new();
    for exception in view.exceptions()? {
        let exception = exception?;
        found.extend(Some((exception.evidence, exception.locator)).filter(|place| places.contains(place)));
    }
    Ok(found)
}

fn list(all: &[String]) -> String {
    if all.is_empty() { "nobody".to_owned() } else { all.join("\n") }
}

fn mark(used: &Use) -> Option<Mark> {
    let at = used.at?;
    Some(Mark { look: if used.ceremony.is_some() { Look::Dot } else { Look::Cross }, from: at, to: at })
}

/// The uses in words. That none was matched to a key says nothing of whether there were any.
fn uses_in_words(told: &Told) -> String {
    if told.uses.is_empty() {
        return "no use could be matched to a root or issuing key; this says nothing about whether there were any.".to_owned();
    }
    let outside = told.uses.iter().filter(|used| used.outside()).count() as u64;
    let uses = counted(told.uses.len() as u64, "use", "uses");
    format!("{uses} of root and issuing keys or their modules, {} with no minuted ceremony.", grouped(outside))
}

fn overview(told: &Told, naming: &Naming, (from, to): (i64, i64), drawn: usize) -> Picture {
    let within = |mark: &Mark| mark.to >= from && mark.from < to;
    let bands: Vec<Mark> =
        told.ceremonies.iter().filter_map(|c| c.times).map(|(from, to)| Mark { look: Look::Outline, from, to }).filter(within).collect();
    let placed = bands.len();
    let mut modules: BTreeMap<&str, Vec<&Use>> = BTreeMap::new();
    for used in &told.uses {
        modules.entry(&used.module).or_default().push(used);
    }
    let mut lanes = vec![Lane {
        name: "Ceremonies minuted".to_owned(),
        says: format!("{}, {placed} in the period", grouped(told.ceremonies.len() as u64)),
        marks: bands,
    }];
    lanes.extend(modules.into_iter().map(|(module, uses)| {
        let out = uses.iter().filter(|used| used.outside()).count();
        Lane {
            name: module.to_owned(),
            says: format!("{}, {out} outside", counted(uses.len() as u64, "use", "uses")),
            marks: uses.iter().filter_map(|used| mark(used)).filter(within).collect(),
        }
    }));
    let undrawn = told.uses.iter().filter(|used| !used.at.is_some_and(|at| (from..to).contains(&at))).count();
    let aside = if undrawn > 0 {
        format!(" {undrawn} of them lie outside the period or have no settled time, and are in the table only.")
    } else {
        String::new()
    };
    let more = told.uses_total - told.uses.len() as u64;
    let more = if more > 0 { format!(" {more} further uses are in views/key-uses.jsonl only.") } else { String::new() };
    let tabled = told.ceremonies.len() - drawn;
    let tabled = if tabled > 0 {
        let them = if tabled == 1 { "1 ceremony is".to_owned() } else { format!("{} ceremonies are", grouped(tabled as u64)) };
        format!(
            " {them} in the table only: one by one are drawn the first {DRAWN} with settled times that fall in the period, or that have a use or an exception."
        )
    } else {
        String::new()
    };
    Picture {
        id: "ceremonies".to_owned(),
        title: "Uses of root and issuing keys, in and outside ceremonies".to_owned(),
        says: format!(
            "{} minuted; {}{aside}{more}{tabled}",
            counted(told.ceremonies.len() as u64, "ceremony", "ceremonies"),
            uses_in_words(told)
        ),
        from,
        to,
        lanes,
        legend: vec![
            (Look::Outline, "minuted ceremony"),
            (Look::Dot, "use within a ceremony"),
            (Look::Cross, "use with no minuted ceremony"),
        ],
        grids: vec![ceremonies(told), uses(told, naming)],
    }
}

fn ceremonies(told: &Told) -> Grid {
    let row = |ceremony: &Ceremony| {
        let value = |name| match cell(&ceremony.line, name) {
            "" => "not settled".to_owned(),
            value => value.to_owned(),
        };
        let signed = ceremony.people.iter().filter(|person| cell(&person.line, "signed") == "true").count();
        let used = told.uses.iter().filter(|used| used.of.ceremony.as_deref() == Some(ceremony.id.as_str())).count();
        vec![
            ceremony.name.clone(),
            ceremony.kind.clone(),
            value("started_at"),
            value("ended_at"),
            ceremony.module.clone(),
            grouped(ceremony.people.len() as u64),
            grouped(signed as u64),
            grouped(used as u64),
            cell(&ceremony.line, "evidence").to_owned(),
        ]
    };
    Grid {
        caption: "Ceremonies minuted".to_owned(),
        headings: vec![
            ("Ceremony", false),
            ("Kind", false),
            ("Begin", false),
            ("End", false),
            ("Module", false),
            ("People minuted", true),
            ("Of them signed", true),
            ("Uses", true),
            ("Evidence", false),
        ],
        rows: told.ceremonies.iter().take(MOST_ROWS).map(row).collect(),
        total: told.ceremonies.len(),
    }
}

fn uses(told: &Told, naming: &Naming) -> Grid {
    let row = |used: &Use| {
        let other = if used.of.module_minuted == Some(false) { "\nminuted for another module" } else { "" };
        let stands = format!("{}\n{}", used.of.evidence, naming.only_open(&used.of.path, ""));
        let key = used.of.key_ref.as_deref().map_or(String::new(), |key| naming.only_open(key, "").to_owned());
        vec![
            used.of.time.clone().unwrap_or_else(|| "not settled".to_owned()),
            used.of.event_type.clone(),
            format!("{}\n{key}", used.module),
            format!("{}{other}", used.ceremony.as_deref().unwrap_or(if used.outside() { "no minuted ceremony" } else { "not settled" })),
            list(&used.minuted),
            list(&used.inside),
            list(&used.authenticated),
            format!("{}\n{}", stands.trim_end(), super::untrusted::place(&used.of.locator)),
        ]
    };
    Grid {
        caption: "Uses of root and issuing keys; uses with no minuted ceremony stand first".to_owned(),
        headings: vec![
            ("Time", false),
            ("Use", false),
            ("Module and key", false),
            ("Ceremony", false),
            ("There by the minutes", false),
            ("Inside by the door log", false),
            ("By the log of the use", false),
            ("Evidence", false),
        ],
        rows: {
            let (out, within): (Vec<&Use>, Vec<&Use>) = told.uses.iter().partition(|used| used.outside());
            out.into_iter().chain(within).take(MOST_ROWS).map(row).collect()
        },
        total: usize::try_from(told.uses_total).unwrap_or(usize::MAX),
    }
}

/// One ceremony: who was there by the minutes, and what was done. None where its times are not settled.
fn each(ceremony: &Ceremony, number: usize, told: &Told) -> Option<Picture> {
    let (start, end) = ceremony.times?;
    let times = |person: &Person| (at(&person.line, "arrived_at"), at(&person.line, "departed_at"));
    let uses: Vec<&Use> = told.uses.iter().filter(|used| used.of.ceremony.as_deref() == Some(ceremony.id.as_str())).collect();
    let bounds = ceremony.people.iter().map(times).flat_map(|(from, to)| [from, to]).flatten();
    let (from, to) = bounds.fold((start, end), |(from, to), at| (from.min(at), to.max(at)));
    let (from, to) = (from - MARGIN, to + MARGIN);
    let mut lanes = vec![Lane {
        name: "The ceremony, by its minutes".to_owned(),
        says: ceremony.kind.clone(),
        marks: vec![Mark { look: Look::Outline, from: start, to: end }],
    }];
    lanes.extend(ceremony.people.iter().map(|person| {
        let (arrived, left) = times(person);
        let look = if arrived.is_some() && left.is_some() { Look::Solid } else { Look::Outline };
        let signed = if cell(&person.line, "signed") == "true" { "signed" } else { "not signed" };
        Lane {
            name: person.name.clone(),
            says: format!("{}, {signed}", person.role),
            marks: vec![Mark { look, from: arrived.unwrap_or(start), to: left.unwrap_or(end) }],
        }
    }));
    lanes.push(Lane {
        name: "Uses matched to it".to_owned(),
        says: counted(uses.len() as u64, "use", "uses"),
        marks: uses.iter().filter_map(|used| mark(used)).collect(),
    });
    let row = |person: &Person| {
        let value = |name| match cell(&person.line, name) {
            "" => "not minuted".to_owned(),
            value => value.to_owned(),
        };
        let signed = match cell(&person.line, "signed") {
            "true" => "yes",
            "false" => "no",
            _ => "not said",
        };
        let role = format!("{}\n{}", person.role, person.organisation);
        vec![
            person.name.clone(),
            role,
            value("arrived_at"),
            value("departed_at"),
            signed.to_owned(),
            cell(&person.line, "evidence").to_owned(),
        ]
    };
    Some(Picture {
        id: format!("ceremony-{number}"),
        title: format!("Ceremony {number}: who was there"),
        says: format!(
            "{} by the minutes, {} of a root or issuing key matched to it.",
            counted(ceremony.people.len() as u64, "person", "people"),
            counted(uses.len() as u64, "use", "uses")
        ),
        from,
        to,
        lanes,
        legend: vec![
            (Look::Outline, "the ceremony; or a person whose times are not both minuted"),
            (Look::Solid, "present by the minutes"),
            (Look::Dot, "use"),
        ],
        grids: vec![Grid {
            caption: format!("People of ceremony {number}, by its minutes"),
            headings: vec![("Person", false), ("Role", false), ("Arrived", false), ("Left", false), ("Signed", false), ("Evidence", false)],
            rows: ceremony.people.iter().take(MOST_ROWS).map(row).collect(),
            total: ceremony.people.len(),
        }],
    })
}
