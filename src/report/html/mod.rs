//! The HTML reports. `report.html` leaves the assessor, so what it is made of is an allow-list
//! built here field by field; `working-papers.html` has everything.

mod papers;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use base64::Engine as _;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value as Shown};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::pictures;
use super::untrusted::{Naming, cut, visible};
use super::view::{Listed, ReportError, ReportView, SHOWN_PER_CONTROL, grouped};

pub use papers::working_papers;
pub use report::report;

const STYLE: &str = include_str!("../../../reports/style.css");
const TEMPLATES: [(&str, &str); 9] = [
    ("style.css", STYLE),
    ("layout.html", include_str!("../../../reports/layout.html")),
    ("front.html", include_str!("../../../reports/front.html")),
    ("pictures.html", include_str!("../../../reports/pictures.html")),
    ("title.html", include_str!("../../../reports/title.html")),
    ("method.html", include_str!("../../../reports/method.html")),
    ("report.html", include_str!("../../../reports/report.html")),
    ("working-papers.html", include_str!("../../../reports/working-papers.html")),
    ("plan.html", include_str!("../../../reports/plan.html")),
];

/// Longest text of one field; the JSON files have it whole.
const LONGEST: usize = 20_000;

/// What both reports say of the run as a whole.
fn shared(view: &ReportView, listed: &BTreeMap<String, Listed>, naming: &mut Naming) -> Result<Value, ReportError> {
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
    let pictures: Vec<Value> = pictures::pictures(view, naming)?.iter().map(pictures::Picture::laid_out).collect();
    let mut context = json!({
        "title": engagement.title, "title_block": view.title_block(), "self_assessment": engagement.kind == "self-assessment",
        "marking": engagement.marking, "final": run.state == "final", "illustrative": run.illustrative_criteria,
        "changed_files": run.integrity_failures.len(), "run_id": run.id, "tool": view.results.tool,
        "evidence_root": run.evidence_root_sha256, "results_sha256": view.results_sha256,
        "assumptions": run.assumptions, "instruments": instruments, "discrepancies": view.discrepancies(listed),
        "actual": grouped(view.results.counts.failures_actual), "potential": grouped(view.results.counts.failures_potential),
        "confirmed": grouped(view.results.counts.confirmed), "shown_per_control": SHOWN_PER_CONTROL, "pictures": pictures,
    });
    add(&mut context, view.front()?);
    Ok(context)
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

pub(in crate::report) fn add(to: &mut Value, more: Value) {
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

pub(in crate::report) fn render(
    name: &str,
    mut context: Value,
    first: &dyn Fn(&str) -> String,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
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
    use super::super::fixture::{CANARY, HOSTILE, run_folder};
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
        assert!(
            page.contains(
                "kept: 1,200 of 1,201 of the population tested, of 1,207 records of ca_events supplied, 1 actual, 1 potential, 1 unreadable"
            ),
            "reasons are codes and counts"
        );
        assert!(!page.contains("900123") && !page.contains("canary.example"));
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

    /// The table that follows a picture, and how many marks of a look the picture has.
    fn picture<'a>(page: &'a str, id: &str) -> (&'a str, impl Fn(&str) -> usize + 'a) {
        let from = page.find(&format!("id=\"picture-{id}\"")).unwrap();
        let rest = &page[from + 10..];
        let rest = &rest[..rest.find("id=\"picture-").unwrap_or(rest.len())];
        let (svg, tables) = rest.split_once("</svg>").unwrap();
        // The legend has one swatch of each.
        (tables, move |part| svg.matches(part).count() - 1)
    }

    #[test]
    fn a_picture_has_as_many_marks_as_its_tables_have_rows() {
        for page in [html(report, |_| ()), html(working_papers, |_| ())] {
            let (tables, marks) = picture(&page, "coverage");
            assert_eq!(marks("fill=\"url(#hatch"), 1);
            assert!(tables.contains("2021-05-03T00:00:00Z") && tables.contains("48 h 00 min") && tables.contains("1,234"));
            let (tables, marks) = picture(&page, "lists");
            assert_eq!(marks("fill=\"url(#hatch"), 1);
            assert!(tables.contains("24 h 00 min"));
            let (tables, marks) = picture(&page, "ceremonies");
            assert_eq!((marks("<circle"), marks("<g stroke")), (1, 1));
            assert_eq!(tables.matches("no minuted ceremony").count(), 2, "once in the caption, once in its row");
            let (tables, _) = picture(&page, "ceremony-1");
            assert!(tables.contains("2021-03-01T09:00:00Z"));
        }
    }

    #[test]
    fn the_report_has_numbers_for_names_and_the_papers_say_which() {
        let page = html(report, |_| ());
        assert!(page.contains("Person 1 (signed)") && page.contains("Log stream 1") && page.contains("withheld, signed"));
        let page = html(working_papers, |_| ());
        let named = page.split("What the numbers of the report stand for").nth(1).unwrap();
        assert!(named.contains("Person 1") && named.contains(CANARY));
    }

    #[test]
    fn the_first_page_answers_in_order() {
        let page = html(report, |_| ());
        let order = [
            "Cohort",
            "Marking",
            "id=\"recommendation\"",
            "id=\"asked\"",
            "id=\"failures\"",
            "id=\"indicative-exceptions\"",
            "id=\"not-tested\"",
            "Controls in scope: 2 with exceptions + 0 without exceptions noted + 0 with nothing to test + 1 could not be tested",
            "id=\"facts\"",
            "id=\"criteria\"",
            "End of page one",
        ];
        let places: Vec<usize> = order.iter().map(|part| page.find(part).unwrap_or_else(|| panic!("{part}"))).collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn without_a_confirmed_criterion_no_number_of_failures_is_stated() {
        let page = html(report, |v| {
            v["controls"][0]["confirmed"] = Value::Null;
            v["counts"]["confirmed"] = json!(0);
        });
        assert!(page.contains("not stated: no criterion is confirmed") && !page.contains("</b> actual"));
        assert!(html(report, |_| ()).contains("<b>1</b> actual <b>1</b> potential"));
    }

    #[test]
    fn indicative_exceptions_stand_worst_first() {
        let page = html(report, |v| {
            v["controls"][0]["confirmed"] = Value::Null;
            v["controls"][2]["consequence"] = json!("A revocation is not seen.");
        });
        let front = page.split("id=\"indicative-exceptions\"").nth(1).unwrap().split("</section>").next().unwrap();
        let at = |words: &str| front.find(words).unwrap_or_else(|| panic!("{words}"));
        assert!(at("under 2 controls") < at("Exceptions to: CRLs are issued"), "{front}");
        assert!(at("A revocation is not seen.") < at("Exceptions to: Audit logs are kept"), "a consequence goes first");
    }

    #[test]
    fn what_was_not_assessed_is_split_and_what_could_not_be_tested_stands_first() {
        let page = html(report, |v| {
            for at in [0, 2] {
                v["controls"][at]["outcome"] = json!("procedure_open");
            }
            v["controls"][0]["tests"] = json!([]);
        });
        assert!(page.contains("1 could not be tested; 1 tested in part, a person&#x27;s part pending; 1 not begun"));
        let list = page.split("id=\"not-tested\"").nth(1).unwrap();
        let at = |id: &str| list.find(&format!("href=\"#{id}\"")).unwrap();
        assert!(at("KM-11") < at("RV-02") && at("RV-02") < at("AU-08"));
    }

    #[test]
    fn a_note_says_what_its_code_means() {
        let page = html(report, |_| ());
        assert!(page.contains("the order of day and month cannot be decided"));
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
        for words in ["INDICATIVE – not final", "ILLUSTRATIVE", "In the words of the assessor, 2022-02-01."] {
            assert!(page.contains(words), "{words}");
        }
        let page = html(report, |v| v["conclusion"] = Value::Null);
        assert!(page.contains("Draft: no recommendation is made") && page.contains("Draft: nothing is asked yet."));
        let page = html(report, |v| v["engagement"]["kind"] = json!("self-assessment"));
        assert!(page.contains("Readiness view. This is not an assurance opinion."));
        assert!(page.contains("Fix first") && page.contains("Still to provide: 1"));
        assert!(!page.contains("Recommendation") && !page.contains("Failures"));
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
