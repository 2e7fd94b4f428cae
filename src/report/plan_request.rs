//! What to ask for: one request for each format that can feed a table some control needs, one for each such
//! table that no format feeds, and one for each control whose evidence no table holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::plan::{Ground, Terms};
use super::plan_control::{Planned, covers, fed_behind};
use super::plan_people::OWN_TEAM;
use super::untrusted::visible;
use crate::catalogue::control::{AppliesTo, RestsOn};
use crate::catalogue::engagement::{Engagement, Expected};
use crate::catalogue::format::{Content, Format};
use crate::catalogue::table::{Sequence, Table};

/// What is said where no format feeds a table.
pub(super) const NO_FORMAT: &str = "no format: describe one, see checklists/README.md";

/// One thing to ask for.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// `RQ-` and the format, the table or the control it is about.
    pub id: String,
    /// The format, where there is one.
    pub format: Option<String>,
    /// What it is.
    pub what: String,
    /// The export command or report to ask for.
    pub ask: String,
    /// Tables it feeds that some control needs; none where only a person reads it.
    pub feeds: Vec<Feed>,
    /// Controls that need it.
    pub controls: Vec<String>,
    /// Who keeps it, by role.
    pub kept_by: Vec<String>,
    /// Which time it covers.
    pub covers: Vec<String>,
    /// What proves it complete.
    pub complete: Vec<String>,
    /// What the engagement announces of it already: what, and where.
    pub announced: Vec<String>,
    /// The lines for `engagement.toml`; empty where no table holds it.
    pub block: String,
}

/// A table that a request feeds.
#[derive(Debug, Clone, Serialize)]
pub struct Feed {
    /// Table.
    pub table: String,
    /// What a row of it is.
    pub about: String,
    /// A file feeds it only if it holds such records.
    pub incidental: bool,
    /// Other formats that feed it: one is enough for each system that keeps such records.
    pub one_of: Vec<String>,
}

/// What the controls that are due need of a table.
#[derive(Default)]
struct Demand<'a> {
    controls: BTreeSet<&'a str>,
    completeness: BTreeSet<(RestsOn, &'a str)>,
    applies_to: Vec<AppliesTo>,
}

type Demands<'a> = BTreeMap<&'a str, Demand<'a>>;

/// Every request: by format, then tables without one, then what a person reads.
pub(super) fn all(ground: Ground, due: &[&Planned], terms: &Terms) -> Vec<Request> {
    let demands = demands(due);
    let formats = &ground.catalogue.formats;
    let feeds = |format: &Format| format.tables().into_iter().any(|table| demands.contains_key(table));
    let by_format = formats.values().filter(|format| feeds(format)).map(|format| by_format(format, ground, &demands, terms));
    let unfed = demands.keys().filter(|table| !formats.values().any(|format| format.tables().contains(*table)));
    let by_table = unfed.map(|table| by_table(table, ground, &demands, terms));
    let by_person = due.iter().filter(|planned| planned.needs.is_empty()).map(|planned| by_person(planned, terms));
    by_format.chain(by_table).chain(by_person).collect()
}

/// Evidence announced in the engagement that no request is about.
pub(super) fn announced_besides(engagement: &Engagement, requests: &[Request]) -> Vec<String> {
    let asked = |expected: &&Expected| requests.iter().any(|request| request.feeds.iter().any(|feed| expected.feeds.contains(&feed.table)));
    engagement.expected.iter().filter(|expected| !asked(expected)).map(announcement).collect()
}

fn demands<'a>(due: &[&Planned<'a>]) -> Demands<'a> {
    let mut demands = Demands::new();
    for planned in due {
        let Some(written) = planned.written else { continue };
        for table in &planned.needs {
            let demand = demands.entry(table).or_default();
            demand.controls.insert(&written.id);
            if !demand.applies_to.contains(&written.file.applies_to) {
                demand.applies_to.push(written.file.applies_to);
            }
        }
        for (table, rests_on) in written.file.test.iter().flat_map(|test| &test.tables).filter(|(table, _)| *table != "engagement") {
            let mut behind = BTreeSet::new();
            fed_behind(table, &mut behind);
            for origin in behind {
                demands.entry(origin).or_default().completeness.insert((*rests_on, table));
            }
        }
    }
    demands
}

fn by_format(format: &Format, ground: Ground, demands: &Demands, terms: &Terms) -> Request {
    let tables: Vec<&Table> =
        format.tables().into_iter().filter(|table| demands.contains_key(table)).filter_map(|t| ground.catalogue.tables.get(t)).collect();
    let feed = |table: &&Table| {
        let others = ground.catalogue.formats.values().filter(|other| other.name != format.name);
        Feed {
            table: table.name.clone(),
            about: table.about.clone(),
            incidental: format.emits.iter().filter(|emit| emit.table == table.name).all(|emit| emit.incidental),
            one_of: others.filter(|other| other.tables().contains(&table.name.as_str())).map(|other| other.name.clone()).collect(),
        }
    };
    let mut request = request(format!("RQ-{}", format.name), &tables, ground, demands, terms);
    request.format = Some(format.name.clone());
    request.what.clone_from(&format.title);
    request.ask.clone_from(&format.export);
    request.feeds = tables.iter().map(feed).collect();
    let certificates = format.emits.iter().any(|emit| matches!(emit.content, Content::Certificate(_)));
    let profiles: Vec<&str> = ground.catalogue.profiles.keys().map(String::as_str).filter(|_| certificates).collect();
    request.block = block(&format.name, &format.title, Some(&format.export), &tables, &profiles);
    request
}

fn by_table(table: &str, ground: Ground, demands: &Demands, terms: &Terms) -> Request {
    let tables: Vec<&Table> = ground.catalogue.tables.get(table).into_iter().collect();
    let mut request = request(format!("RQ-table-{table}"), &tables, ground, demands, terms);
    let about = tables.first().map_or("", |table| table.about.as_str());
    request.what = format!("Table {table}: {about}");
    NO_FORMAT.clone_into(&mut request.ask);
    request.feeds = vec![Feed { table: table.to_owned(), about: about.to_owned(), incidental: false, one_of: Vec::new() }];
    request.block = block(table, about, None, &tables, &[]);
    request
}

/// A control that no table of evidence serves: it has no test, or is tested on the engagement itself. What it
/// wants is read by a person.
fn by_person(planned: &Planned, terms: &Terms) -> Request {
    let control = &planned.control;
    let wanted = control.evidence_wanted.join("; ");
    Request {
        id: format!("RQ-{}", control.id),
        format: None,
        what: format!("For a person to read: {}", control.title),
        ask: if wanted.is_empty() { "nothing is stated: decide how the clause is tested".to_owned() } else { wanted },
        feeds: Vec::new(),
        controls: vec![control.id.clone()],
        kept_by: (control.judges == "assessment").then(|| OWN_TEAM.to_owned()).into_iter().collect(),
        covers: planned.written.map(|written| covers(written.file.applies_to, terms)).into_iter().collect(),
        complete: vec![if control.tests.is_empty() {
            "the program does not test it: say in the working papers how it was".to_owned()
        } else {
            "its test reads engagement.toml: what that announces is what the list says".to_owned()
        }],
        announced: Vec::new(),
        block: String::new(),
    }
}

/// What holds for requests of tables, whatever feeds them.
fn request(id: String, tables: &[&Table], ground: Ground, demands: &Demands, terms: &Terms) -> Request {
    let of: Vec<&Demand> = tables.iter().filter_map(|table| demands.get(table.name.as_str())).collect();
    let controls: BTreeSet<&str> = of.iter().flat_map(|demand| &demand.controls).copied().collect();
    let kept_by: BTreeSet<&str> = tables.iter().filter_map(|table| table.kept_by.as_deref()).collect();
    let kinds = [AppliesTo::Event, AppliesTo::State, AppliesTo::Baseline];
    let wanted = kinds.into_iter().filter(|kind| of.iter().any(|demand| demand.applies_to.contains(kind)));
    let feeds = |expected: &&Expected| tables.iter().any(|table| expected.feeds.contains(&table.name));
    Request {
        id,
        format: None,
        what: String::new(),
        ask: String::new(),
        feeds: Vec::new(),
        controls: controls.into_iter().map(ToOwned::to_owned).collect(),
        kept_by: kept_by.into_iter().map(ToOwned::to_owned).collect(),
        covers: wanted.map(|kind| covers(kind, terms)).collect(),
        complete: complete(&of, ground),
        announced: ground.engagement.expected.iter().filter(feeds).map(announcement).collect(),
        block: String::new(),
    }
}

fn announcement(expected: &Expected) -> String {
    let count = expected.count.map_or(String::new(), |count| format!(", {count} {}", if count == 1 { "file" } else { "files" }));
    let feeds = if expected.feeds.is_empty() { "no table named".to_owned() } else { expected.feeds.join(", ") };
    format!("{} ({}{count}; {feeds})", expected.what, expected.path)
}

/// What proves tables complete, in words.
fn complete(of: &[&Demand], ground: Ground) -> Vec<String> {
    let all: BTreeSet<(RestsOn, &str)> = of.iter().flat_map(|demand| &demand.completeness).copied().collect();
    let resting = |on: RestsOn| all.iter().filter(|(rests_on, _)| *rests_on == on).map(|(_, table)| *table).collect::<Vec<&str>>();
    let mut words = Vec::new();
    if let tables @ [_, ..] = resting(RestsOn::Declared).as_slice() {
        words.push(format!(
            "declared ({}): [[expected]] announces it with covers = \"period\", and obtained.source_count is the number of records the source itself counts, taken with the export",
            tables.join(", ")
        ));
    }
    for table in resting(RestsOn::Sequence) {
        words.push(match ground.catalogue.tables.get(table).and_then(|table| table.sequence.as_ref()) {
            Some(Sequence { by, number }) => format!("sequence ({table}): {number} runs without a gap within {}", by.join(", ")),
            None => format!("sequence ({table}): its records carry no numbers, so it cannot be shown"),
        });
    }
    if let tables @ [_, ..] = resting(RestsOn::Period).as_slice() {
        words.push(format!("period ({}): no stream is silent for longer than [[stream]] allowed_gap", tables.join(", ")));
    }
    if let tables @ [_, ..] = resting(RestsOn::None).as_slice() {
        words.push(format!("nothing shows that {} is complete", tables.join(", ")));
    }
    if words.is_empty() {
        words.push("no test says what its completeness rests on".to_owned());
    }
    words
}

/// Lines to paste into `engagement.toml`. Pasted as they are they announce evidence and show nothing
/// complete; what only a person knows stands in comments.
fn block(folder: &str, what: &str, export: Option<&str>, tables: &[&Table], profiles: &[&str]) -> String {
    let path = quoted(&format!("{folder}/**"));
    let feeds: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
    let mut lines = vec![
        "[[source]]".to_owned(),
        format!("path = {path}"),
        "# zone = \"UTC\"  # where its times carry no offset".to_owned(),
        "# date_order = \"dmy\"  # where its dates read 03/04/2020".to_owned(),
        format!("# obtained = {{ how = \"observed\", by = \"…\", on = …, query = {}, source_count = … }}", quoted(export.unwrap_or("…"))),
        String::new(),
        "[[expected]]".to_owned(),
        format!("what = {}", quoted(what)),
        format!("path = {path}"),
        "covers = \"period\"".to_owned(),
        "# count = …  # files".to_owned(),
        format!("feeds = [{}]", feeds.join(", ")),
    ];
    if tables.iter().any(|table| table.stream.is_some()) {
        lines.extend(["", "# [[stream]]", "# name = \"…\"", "# live_since = …", "# allowed_gap = \"…\""].map(ToOwned::to_owned));
        lines.push("# oldest_record = { at = …, how = \"observed\", by = \"…\", on = … }".to_owned());
    }
    if !profiles.is_empty() {
        let names: Vec<String> = profiles.iter().map(|name| visible(name)).collect();
        lines.extend([String::new(), "# [[profile]]".to_owned(), "# path = \"…\"".to_owned()]);
        lines.push(format!("# profile = \"…\"  # {}", names.join(", ")));
    }
    lines.join("\n")
}

/// A text as TOML, on one line.
fn quoted(text: &str) -> String {
    toml::Value::String(visible(text)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line_of_the_block() {
        for text in ["plain", "a \"quoted\" 'word'", "two\nlines", "back\\slash", "'''\"\"\""] {
            let line = format!("what = {}", quoted(text));
            assert_eq!(line.lines().count(), 1, "{line}");
            let read: toml::Table = toml::from_str(&line).unwrap();
            assert_eq!(read["what"].as_str().unwrap(), visible(text));
        }
    }
}
