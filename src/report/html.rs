//! The HTML reports. `report.html` leaves the assessor, so what it is made of is an allow-list
//! built here field by field; `working-papers.html` has everything.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use base64::Engine as _;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value as Shown};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::results::{Control, Note, Test};
use super::untrusted::{Withheld, cut, place, visible};
use super::view::{Listed, ReportError, ReportView, SHOWN_PER_CONTROL, actual, basis_words, clause_words, grouped};

const STYLE: &str = include_str!("../../reports/style.css");
const TEMPLATES: [(&str, &str); 7] = [
    ("style.css", STYLE),
    ("layout.html", include_str!("../../reports/layout.html")),
    ("title.html", include_str!("../../reports/title.html")),
    ("method.html", include_str!("../../reports/method.html")),
    ("report.html", include_str!("../../reports/report.html")),
    ("working-papers.html", include_str!("../../reports/working-papers.html")),
    ("plan.html", include_str!("../../reports/plan.html")),
];

/// Longest text of one field; the JSON files have it whole.
const LONGEST: usize = 20_000;
/// Places shown of the notes of one code.
const PLACES: usize = 20;

/// Writes `report.html`: for DCC and the PMA. No names, no paths, no text from evidence.
///
/// # Errors
/// When the run folder cannot be read, or the output cannot be written.
pub fn report(view: &ReportView, out: &mut dyn Write) -> Result<(), ReportError> {
    let listed = view.listed()?;
    let results = &view.results;
    let mut context = shared(view, &listed);
    let controls: Vec<Value> = results.controls.iter().map(|c| public_control(view, c, listed.get(&c.id))).collect();
    let evidence: Vec<Value> = results
        .evidence
        .iter()
        .map(|e| {
            json!({
                "id": e.id, "format": e.format, "status": e.status, "sha256": e.sha256, "records": grouped(e.records),
                "rejected": grouped(e.rejected), "first": e.first, "last": e.last,
            })
        })
        .collect();
    let notes = public_notes(&results.notes);
    add(&mut context, json!({ "name": "Assurance report", "controls": controls, "evidence": anchored(evidence), "notes": notes }));
    let withheld = Withheld::of(results);
    render("report.html", context, &|t| withheld.apply(t), out)
}

/// Writes `working-papers.html`: for the assessor, in full.
///
/// # Errors
/// When the run folder cannot be read, or the output cannot be written.
pub fn working_papers(view: &ReportView, out: &mut dyn Write) -> Result<(), ReportError> {
    let listed = view.listed()?;
    let results = &view.results;
    let mut context = shared(view, &listed);
    let mut controls = Vec::new();
    for control in &results.controls {
        let mut value = serde_json::to_value(control)?;
        add(&mut value, public_control(view, control, listed.get(&control.id)));
        let first = listed.get(&control.id).map_or(&[][..], |l| &l.first);
        let rows: Vec<Value> = first
            .iter()
            .map(|e| {
                json!({
                    "id": e.id, "certainty": e.certainty, "test": e.test, "evidence": e.evidence, "path": e.path, "locator": e.locator,
                    "says": e.says, "also": e.also,
                })
            })
            .collect();
        let tests: Vec<Value> = control.tests.iter().map(full_test).collect::<Result<_, _>>()?;
        let rationale: Vec<&str> = control.judgement.iter().flat_map(|j| j.rationale.lines()).collect();
        add(&mut value, json!({ "listed": rows, "tests": tests, "rationale": rationale }));
        controls.push(value);
    }
    let mut evidence = Vec::new();
    for file in &results.evidence {
        let mut value = serde_json::to_value(file)?;
        add(&mut value, json!({ "records": grouped(file.records), "rejected": grouped(file.rejected), "size": grouped(file.size) }));
        evidence.push(value);
    }
    let mut codes = BTreeSet::new();
    let notes: Vec<Value> = results
        .notes
        .iter()
        .map(|n| {
            json!({
                "code": n.code, "anchor": codes.insert(&n.code), "weight": n.weight, "evidence": n.evidence, "path": n.path,
                "locator": n.locator, "what": n.what, "count": grouped(n.count), "affects": n.affects, "fix": n.fix,
            })
        })
        .collect();
    add(
        &mut context,
        json!({
            "name": "Working papers", "controls": controls, "evidence": anchored(evidence), "notes": notes,
            "integrity": results.run.integrity_failures, "coverage": results.instruments.iter().flat_map(|i| &i.coverage).collect::<Vec<_>>(),
        }),
    );
    render("working-papers.html", context, &str::to_owned, out)
}

/// What both reports say of the run as a whole.
fn shared(view: &ReportView, listed: &BTreeMap<String, Listed>) -> Value {
    let (run, engagement) = (&view.results.run, &view.results.engagement);
    let instruments: Vec<Value> = view
        .results
        .instruments
        .iter()
        .map(|i| {
            let mut covered: BTreeMap<&str, u64> = BTreeMap::new();
            for clause in &i.coverage {
                *covered.entry(&clause.covered_by).or_default() += 1;
            }
            let covered: Vec<String> = covered.into_iter().map(|(by, n)| format!("{by}: {}", grouped(n))).collect();
            json!({ "title": i.title, "sec": i.sec, "versions": i.versions, "imported": grouped(i.clauses_imported), "covered": covered })
        })
        .collect();
    json!({
        "title": engagement.title, "title_block": view.title_block(), "self_assessment": engagement.kind == "self-assessment",
        "marking": engagement.marking, "final": run.state == "final", "illustrative": run.illustrative_criteria,
        "changed_files": run.integrity_failures.len(), "run_id": run.id, "tool": view.results.tool,
        "evidence_root": run.evidence_root_sha256, "results_sha256": view.results_sha256,
        "assumptions": run.assumptions, "instruments": instruments, "discrepancies": view.discrepancies(listed),
        "actual": grouped(view.results.counts.failures_actual), "potential": grouped(view.results.counts.failures_potential),
        "confirmed": view.results.counts.confirmed, "facts": view.facts(), "shown_per_control": SHOWN_PER_CONTROL,
    })
}

/// A control as it may leave the assessor.
fn public_control(view: &ReportView, control: &Control, listed: Option<&Listed>) -> Value {
    let tests: Vec<Value> = control.tests.iter().map(public_test).collect();
    let first = listed.map_or(&[][..], |l| &l.first);
    let rows: Vec<Value> = first
        .iter()
        .map(|e| {
            json!({
                "id": e.id, "test": e.test, "certainty": e.certainty, "evidence": e.evidence, "place": place(&e.locator),
            })
        })
        .collect();
    let evidence: Vec<Value> = view.evidence_of(&control.id).map(|e| json!({ "id": e.id, "sha256": e.sha256 })).collect();
    let exceptions: u64 = control.tests.iter().map(|t| t.exceptions).sum();
    let total = listed.map_or(0, |l| l.total);
    json!({
        "id": control.id, "title": control.title, "clause_words": clause_words(control), "instrument": control.instrument,
        "checklist_title": control.checklist_title, "judges": control.judges, "requirement": control.requirement,
        "official_lines": control.official_text.iter().flat_map(|text| text.lines()).collect::<Vec<_>>(),
        "basis_words": basis_words(&control.basis), "is_confirmed": control.confirmed.is_some(),
        "qualifier": control.qualifier, "outcome": control.outcome, "outcome_words": control.outcome_words,
        "tag": tag(&control.outcome), "reason": control.reason, "leaves_open": control.leaves_open,
        "evidence_wanted": control.evidence_wanted, "tests": tests, "evidence": evidence, "listed": rows,
        "listed_total": grouped(total), "listed_all": total == first.len() as u64, "has_exceptions": exceptions > 0,
        "exceptions": grouped(exceptions), "actual": grouped(control.tests.iter().map(actual).sum()),
        "potential": grouped(control.tests.iter().map(|t| t.potential).sum()),
    })
}

fn public_test(test: &Test) -> Value {
    let completeness: Vec<Value> =
        test.completeness.iter().map(|c| json!({ "table": c.table, "rests_on": c.rests_on, "status": c.status })).collect();
    json!({
        "id": test.id, "outcome_words": test.outcome_words, "tag": tag(&test.outcome), "subject": test.subject,
        "population": grouped(test.population), "excluded": grouped(test.excluded), "outside": grouped(test.outside),
        "unreadable": grouped(test.unreadable), "records": grouped(test.records), "exceptions": grouped(test.exceptions),
        "actual": grouped(actual(test)), "potential": grouped(test.potential), "undecided": grouped(test.undecided),
        "completeness": completeness,
    })
}

fn full_test(test: &Test) -> Result<Value, ReportError> {
    let mut value = serde_json::to_value(test)?;
    add(&mut value, public_test(test));
    let segments: Vec<Value> = test
        .segments
        .iter()
        .map(|s| {
            json!({
                "version": s.version, "from": s.from, "until": s.until, "population": grouped(s.population),
                "exceptions": grouped(s.exceptions), "parameters": s.parameters,
            })
        })
        .collect();
    add(&mut value, json!({ "completeness": test.completeness, "segments": segments }));
    Ok(value)
}

/// Notes by code, with places and counts but without what they say.
fn public_notes(notes: &[Note]) -> Vec<Value> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Note>> = BTreeMap::new();
    for note in notes {
        groups.entry((&note.code, &note.weight)).or_default().push(note);
    }
    let mut codes = BTreeSet::new();
    groups
        .into_iter()
        .map(|((code, weight), notes)| {
            let affects: BTreeSet<&str> = notes.iter().flat_map(|n| &n.affects).map(String::as_str).collect();
            let places: Vec<Value> = notes
                .iter()
                .take(PLACES)
                .filter(|n| n.evidence.is_some() || !n.locator.is_empty())
                .map(|n| json!({ "evidence": n.evidence, "place": place(&n.locator) }))
                .collect();
            json!({
                "code": code, "anchor": codes.insert(code), "weight": weight, "notes": grouped(notes.len() as u64),
                "records": grouped(notes.iter().map(|n| n.count).sum()), "affects": affects, "places": places,
                "more": grouped(notes.len().saturating_sub(PLACES) as u64), "has_more": notes.len() > PLACES,
            })
        })
        .collect()
}

/// Marks the first row of each id: an anchor may stand only once, and files that could not be
/// opened may share an id.
fn anchored(mut rows: Vec<Value>) -> Vec<Value> {
    let mut ids = BTreeSet::new();
    for row in &mut rows {
        let first = ids.insert(row.get("id").and_then(Value::as_str).unwrap_or_default().to_owned());
        add(row, json!({ "anchor": first }));
    }
    rows
}

/// The style of an outcome's tag: never text from data in an attribute.
fn tag(outcome: &str) -> &'static str {
    match outcome {
        "exceptions" => "tag-exceptions",
        "could_not_test" => "tag-untested",
        "procedure_open" => "tag-open",
        "no_exceptions" => "tag-none",
        _ => "tag-other",
    }
}

pub(super) fn add(to: &mut Value, more: Value) {
    if let (Value::Object(to), Value::Object(more)) = (to, more) {
        to.extend(more);
    }
}

/// The one way into a template: every text of the context, whatever field it stands in, becomes
/// visible and of bounded length.
fn shown(value: Value, first: &dyn Fn(&str) -> String) -> Shown {
    match value {
        Value::Null => Shown::from(()),
        Value::Bool(is) => Shown::from(is),
        Value::Number(n) => n.as_u64().map_or_else(|| Shown::from(n.to_string()), Shown::from),
        Value::String(s) => Shown::from(cut(visible(&first(&s)), LONGEST, " … [cut; whole in the JSON files of the run]")),
        Value::Array(items) => items.into_iter().map(|item| shown(item, first)).collect(),
        Value::Object(fields) => {
            Shown::from(fields.into_iter().map(|(name, field)| (visible(&name), shown(field, first))).collect::<BTreeMap<_, _>>())
        }
    }
}

pub(super) fn render(name: &str, mut context: Value, first: &dyn Fn(&str) -> String, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    // The browser hashes the style as it stands, to its last newline.
    env.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build()?);
    for (name, source) in TEMPLATES {
        env.add_template(name, source)?;
    }
    add(&mut context, json!({ "style_hash": base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE)) }));
    out.write_all(env.get_template(name)?.render(shown(context, first))?.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::{CANARY, HOSTILE, run_folder};
    use super::*;

    type Writer = fn(&ReportView, &mut dyn Write) -> Result<(), ReportError>;

    fn html(writer: Writer, change: impl FnOnce(&mut Value)) -> String {
        let folder = run_folder(change);
        let mut out = Vec::new();
        writer(&ReportView::open(folder.path()).unwrap(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_private_leaves_the_assessor() {
        let page = html(report, |_| ());
        for private in [CANARY, "Canary", "Alice", "alert(1)", "onmouseover", "7*7", "cmd|", "ca/", "notes/"] {
            assert!(!page.contains(private), "{private}");
        }
        assert!(page.contains("Gap found in EV-0123456789ab."));
    }

    #[test]
    fn evidence_is_inert_and_visible() {
        let page = html(working_papers, |_| ());
        assert!(!page.contains("<script"));
        assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
        assert!(page.contains("{{ 7*7 }}") && page.contains("{% raw %}") && page.contains("[U+202E]␛[2J"));
        assert!(!page.contains(HOSTILE) && page.contains(CANARY));
        assert!(!page.contains("\" onmouseover"));
    }

    #[test]
    fn loads_nothing_and_has_no_dead_anchor() {
        for page in [html(report, |_| ()), html(working_papers, |_| ())] {
            assert!(page.find("http-equiv").unwrap() < page.find("<title").unwrap());
            for banned in ["style=", " src=", "http://", "https://", "<script", "<img", "javascript:"] {
                assert!(!page.contains(banned), "{banned}");
            }
            let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|s| s.split('"').next()).collect();
            let unique: BTreeSet<&&str> = ids.iter().collect();
            assert_eq!(ids.len(), unique.len(), "an id stands twice");
            for target in page.split("href=\"").skip(1).filter_map(|s| s.split('"').next()) {
                let anchor = target.strip_prefix('#').expect("only own anchors");
                assert!(ids.contains(&anchor), "{anchor}");
            }
        }
    }

    #[test]
    fn the_style_is_the_one_that_was_hashed() {
        let page = html(report, |_| ());
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        assert_eq!(style, STYLE);
    }

    #[test]
    fn equal_input_gives_equal_bytes() {
        assert_eq!(html(report, |_| ()), html(report, |_| ()));
        assert_eq!(html(working_papers, |_| ()), html(working_papers, |_| ()));
    }

    #[test]
    fn says_what_state_it_is_in() {
        let page = html(report, |_| ());
        for words in ["INDICATIVE – not final", "ILLUSTRATIVE", "Draft: no recommendation is made"] {
            assert!(page.contains(words), "{words}");
        }
        let page = html(report, |v| v["engagement"]["kind"] = json!("self-assessment"));
        assert!(page.contains("Readiness view. This is not an assurance opinion."));
        let page = html(report, |v| v["run"]["state"] = json!("final"));
        assert!(!page.contains("INDICATIVE – not final"));
    }

    #[test]
    fn keeps_to_its_vocabulary() {
        for page in [html(report, |_| ()), html(working_papers, |_| ())] {
            let page = page.to_lowercase();
            for word in ["compliant", "certified", "passed", " score", "the sec requires", "all records"] {
                assert!(!page.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn no_template_switches_escaping_off() {
        for (name, source) in TEMPLATES {
            assert!(!source.contains("safe") && !source.contains("autoescape"), "{name}");
        }
    }
}
