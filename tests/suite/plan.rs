//! `assure plan`: what is due, whom to meet and what to ask for, before there is any evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use assure::catalogue::Catalogue;
use assure::catalogue::engagement::Engagement;
use assure::normalise::made_from;
use serde_json::Value;

use crate::world::{World, assure_in, files, parts};

/// What a call gave: exit code, standard output, standard error.
fn call(world: &World, arguments: &[&str]) -> (i32, String, String) {
    let output = assure_in(world.around(), arguments);
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// The plan of an engagement, as JSON.
fn plan(world: &World) -> Value {
    let (code, out, err) = call(world, &["plan", world.folder.to_str().unwrap(), "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn written(world: &World) -> BTreeMap<String, Vec<u8>> {
    files(&world.folder.join("plan"))
}

fn html(world: &World) -> String {
    String::from_utf8(written(world)["plan.html"].clone()).unwrap()
}

/// The texts of all sheets.
fn sheets(world: &World) -> String {
    let parts = parts(&written(world)["plan.xlsx"]);
    String::from_utf8(parts["xl/sharedStrings.xml"].clone()).unwrap()
}

fn control<'a>(plan: &'a Value, id: &str) -> &'a Value {
    plan["controls"].as_array().unwrap().iter().find(|control| control["id"] == id).unwrap_or_else(|| panic!("no control {id}"))
}

fn request<'a>(plan: &'a Value, id: &str) -> &'a Value {
    plan["requests"].as_array().unwrap().iter().find(|request| request["id"] == id).unwrap_or_else(|| panic!("no request {id}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// The small engagement with every control in scope.
fn everything() -> World {
    let world = World::planted();
    world.declare(|text| {
        let (before, rest) = text.split_once("[scope.only]").unwrap();
        format!("{before}{}", &rest[rest.find("\n[[").unwrap()..])
    });
    fs::remove_dir_all(world.folder.join("checklists")).unwrap();
    world
}

#[test]
fn the_plan_names_every_control_and_every_format_that_serves_it() {
    let world = everything();
    let plan = plan(&world);
    let catalogue = Catalogue::load(&[]).unwrap();
    let (html, sheets) = (html(&world), sheets(&world));
    for (id, written) in &catalogue.controls {
        assert!(html.contains(&format!("id=\"{id}\"")) && sheets.contains(&format!(">{id}<")), "{id} is not in the plan");
        let planned = control(&plan, id);
        let serving = texts(&planned["requests"]);
        let declared = written.tests().flat_map(|(test, _)| test.tables.keys());
        let read: BTreeSet<&str> = written.statements.iter().flat_map(|s| &s.tables).chain(declared).map(String::as_str).collect();
        let behind: BTreeSet<&str> = read.iter().flat_map(|table| made_from(table).map_or(vec![*table], <[_]>::to_vec)).collect();
        for (name, format) in &catalogue.formats {
            let serves = planned["due"] == true && format.tables().iter().any(|table| behind.contains(table));
            assert_eq!(serving.contains(&format!("RQ-{name}").as_str()), serves, "{id} and {name}");
            if serves {
                assert_eq!(request(&plan, &format!("RQ-{name}"))["ask"], format.export);
            }
        }
    }
    for format in catalogue.formats.keys() {
        let asked = plan["requests"].as_array().unwrap().iter().any(|request| request["format"] == format.as_str());
        let not_needed = texts(&plan["formats_not_needed"]).iter().any(|line| line.starts_with(&format!("{format}: ")));
        assert!(asked != not_needed, "{format} is asked for, or said not to be needed");
    }
}

#[test]
fn a_control_out_of_stage_is_listed_as_not_due() {
    let world = World::planted();
    world.declare(|text| text.replace("kind = \"subsequent\"", "kind = \"stage-1\""));
    let plan = plan(&world);
    let gap = control(&plan, "AU-04");
    assert_eq!(gap["due"], false);
    assert_eq!(gap["because"], "not due at this stage (stage-1); due at stage-2, subsequent, self-assessment");
    assert!(texts(&gap["requests"]).is_empty(), "nothing is asked for a control that is not due");
    assert_eq!(control(&plan, "PE-03")["due"], true);
    let log = request(&plan, "RQ-ejbca-log");
    assert!(!texts(&log["controls"]).contains(&"AU-04"));
    assert!(html(&world).contains("not due at this stage (stage-1)"));
    assert!(sheets(&world).contains("not due at this stage (stage-1)"));
}

#[test]
fn what_is_left_out_and_what_is_not_in_force_is_listed_with_its_reason() {
    let world = World::planted();
    world.declare(|text| {
        format!(
            "{text}\n[scope]\nexclude = [{{ control = \"PE-03\", reason = \"roles are shared\", by = \"A. Sample\", on = 2020-11-01 }}]\n"
        )
    });
    let excluded = plan(&world);
    assert_eq!(control(&excluded, "PE-03")["due"], false);
    assert!(control(&excluded, "PE-03")["because"].as_str().unwrap().contains("roles are shared"));

    let world = World::planted();
    world.declare(|text| text.replace("start = 2020-09-01, end = 2020-10-31", "start = 2019-09-01, end = 2019-10-31"));
    let early = plan(&world);
    let reason = control(&early, "AU-04")["because"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("no version of") && control(&early, "AU-04")["due"] == false, "{reason}");
}

#[test]
fn the_plan_says_of_controls_what_a_run_says() {
    let world = World::planted();
    world.declare(|text| {
        let setting =
            "[parameters.\"RV-02\"]\nmax_interval = { value = \"PT6H\", by = \"A. Sample\", on = 2020-11-01, reason = \"agreed\" }";
        format!("{text}\n{setting}\n").replace("kind = \"subsequent\"", "kind = \"self-assessment\"")
    });
    let plan = plan(&world);
    let results = world.run().ends_with(1).results();
    assert_eq!(results.controls.len(), plan["controls"].as_array().unwrap().len());
    for told in &results.controls {
        let planned = control(&plan, &told.id);
        assert_eq!(planned["due"], told.outcome != "not_applicable" && told.outcome != "not_in_force", "{}", told.id);
        assert_eq!(planned["qualifier"], told.qualifier);
        assert_eq!(planned["requirement"], told.requirement);
        let value = |name: &str| {
            let parameters = planned["parameters"].as_array().unwrap();
            let known = parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
            (known["value"].as_str().unwrap().to_owned(), known["set_by"].as_str().unwrap().to_owned())
        };
        for parameter in &told.parameters {
            assert_eq!(value(&parameter.name), (parameter.value.clone(), parameter.set_by.clone()), "{} {}", told.id, parameter.name);
        }
    }
    assert_eq!(control(&plan, "RV-02")["parameters"][0]["value"], "PT6H");
}

#[test]
fn a_paraphrase_is_never_shown_as_the_words_of_the_sec() {
    let world = World::planted();
    let plan = plan(&world);
    let (html, sheets) = (html(&world), sheets(&world));
    let controls = plan["controls"].as_array().unwrap();
    assert!(controls.iter().all(|control| control["confirmed"].is_null()));
    let worded = |wording: &str| controls.iter().filter(|control| control["basis"]["wording"] == wording).count();
    assert_eq!(worded("inferred") + worded("paraphrase"), controls.len());
    assert_eq!(html.matches("Paraphrase, not the words of the SEC.").count(), worded("paraphrase"));
    assert_eq!(html.matches("Inferred by the authors of this checklist; not the words of the SEC").count(), worded("inferred"));
    assert_eq!(html.matches("not confirmed: indicative</bdi>").count(), controls.len());
    assert!(sheets.contains("not confirmed: indicative"));
    assert!(!html.contains("Official text"));
    for word in ["compliant", "certified", "the sec requires"] {
        assert!(!html.to_lowercase().contains(word), "{word}");
    }
}

/// A control on a table that no format feeds.
fn with_a_table_of_its_own(kept_by: &str) -> World {
    let world = everything();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("checklists");
    let own = world.folder.join("checklists");
    let checklist = own.join("s1spki-certificate-policy");
    fs::create_dir_all(&checklist).unwrap();
    let tables = fs::read_to_string(built_in.join("tables.toml")).unwrap();
    let seals = "[seals]\nabout = \"Tamper-evident bags.\"\nKEPTidentity = [\"seal\"]\n[seals.columns]\nseal = { type = \"text\", about = \"number\" }\n";
    fs::write(own.join("tables.toml"), format!("{tables}\n{}", seals.replace("KEPT", kept_by))).unwrap();
    let control = fs::read_to_string(built_in.join("s1spki-certificate-policy/PE-03.toml")).unwrap();
    let head = control.split("[[test]]").next().unwrap().replace("\"event\"", "\"state\"");
    let test = "[[test]]\nid = \"number\"\nsubject = \"seals\"\nwhere = \"TRUE\"\ntables = { seals = \"declared\" }\nsays = \"{{ seal }}\"\n\
                exceptions = \"SELECT evidence, row, seal FROM population WHERE seal IS NULL\"\n";
    let parameters_used = !head.contains("[parameters");
    assert!(parameters_used, "the head has no parameter that the test would not use");
    fs::write(checklist.join("XX-01.toml"), format!("{head}{test}")).unwrap();
    world
}

#[test]
fn a_control_that_needs_a_table_no_format_feeds_is_said() {
    let world = with_a_table_of_its_own("kept_by = \"facilities\"\n");
    let plan = plan(&world);
    assert_eq!(texts(&control(&plan, "XX-01")["unfed"]), ["seals"]);
    let unfed = request(&plan, "RQ-table-seals");
    assert!(unfed["format"].is_null());
    assert_eq!(unfed["ask"], "no format: describe one, see checklists/README.md");
    assert_eq!(texts(&unfed["controls"]), ["XX-01"]);
    assert_eq!(texts(&unfed["kept_by"]), ["facilities"]);
    for shown in [html(&world), sheets(&world)] {
        assert!(shown.contains("RQ-table-seals") && shown.contains("describe one, see checklists/README.md"));
    }
    assert!(plan["people"].as_array().unwrap().iter().any(|meeting| meeting["role"] == "facilities"));
}

#[test]
fn a_table_that_names_no_keeper_is_still_asked_for() {
    let plan = plan(&with_a_table_of_its_own(""));
    let meeting = plan["people"].as_array().unwrap().iter().find(|meeting| meeting["role"].as_str().unwrap().starts_with("not named"));
    assert_eq!(meeting.unwrap()["evidence"][0]["about"], "seals");
}

#[test]
fn every_table_that_evidence_feeds_says_who_keeps_it() {
    let catalogue = Catalogue::load(&[]).unwrap();
    for table in catalogue.tables.stored() {
        assert_eq!(table.kept_by.is_none(), made_from(&table.name).is_some(), "{}: kept_by in tables.toml", table.name);
    }
}

#[test]
fn the_plan_never_opens_evidence() {
    let world = World::planted();
    let with = plan(&world);
    let before = written(&world);
    fs::remove_dir_all(world.folder.join("plan")).unwrap();
    fs::remove_dir_all(world.folder.join("evidence")).unwrap();
    assert_eq!(plan(&world), with);
    assert_eq!(written(&world), before);
    assert!(!world.folder.join("evidence").exists() && !world.folder.join(".cache").exists() && !world.folder.join("runs").exists());
}

#[test]
fn equal_engagements_have_equal_plans_to_the_byte() {
    let (one, other) = (World::planted(), World::planted());
    assert_eq!(plan(&one), plan(&other));
    assert_eq!(written(&one), written(&other));
    assert_eq!(written(&one).keys().collect::<Vec<_>>(), ["plan-sha256.txt", "plan.html", "plan.xlsx"]);
    let here = one.around().to_str().unwrap();
    assert!(!html(&one).contains(here) && !sheets(&one).contains(here), "no folder of the machine");
}

#[test]
fn text_of_an_engagement_is_never_a_formula_and_never_markup() {
    let world = World::planted();
    let hostile = "=cmd|' /C calc'!A0<script>alert(1)</script>\\u202e{{ 7*7 }}";
    world.declare(|text| {
        let text = text.replace("title = \"S1SPKI Secure cohort (invented sample)\"", &format!("title = \"{hostile}\""));
        let text = text.replace("marking = \"SAMPLE - invented data\"", &format!("marking = \"{hostile}\""));
        text.replace("what = \"CA log of ca-01\"", &format!("what = \"{hostile}\""))
    });
    plan(&world);
    let html = html(&world);
    assert!(!html.contains("<script") && !html.contains('\u{202e}') && html.contains("[U+202E]"));
    assert!(html.contains("{{ 7*7 }}") && html.contains("&lt;script&gt;"));
    assert!(html.find("http-equiv").unwrap() < html.find("<title").unwrap());
    for banned in ["style=", " src=", "http://", "https://", "<img", "javascript:"] {
        assert!(!html.contains(banned), "{banned}");
    }
    for (name, part) in parts(&written(&world)["plan.xlsx"]) {
        let part = String::from_utf8(part).unwrap();
        assert!(!part.contains("<f>") && !part.contains("<f "), "{name} has a formula");
        assert!(!part.contains('\u{202e}') && !part.contains("TargetMode=\"External\""), "{name}");
    }
    assert!(sheets(&world).contains("=cmd|"), "it is there, as text");
}

#[test]
fn every_link_of_the_plan_leads_to_one_place() {
    let world = World::planted();
    plan(&world);
    let html = html(&world);
    let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "an id stands twice");
    for target in html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&target.strip_prefix('#').expect("only own anchors")), "{target}");
    }
}

#[test]
fn the_lines_for_the_engagement_can_be_pasted_and_show_nothing_complete() {
    let world = everything();
    let blocks: Vec<String> =
        plan(&world)["requests"].as_array().unwrap().iter().map(|request| request["block"].as_str().unwrap().to_owned()).collect();
    let head = "schema = 1\n[engagement]\ntitle = \"t\"\nkind = \"subsequent\"\nperiod = { start = 2020-09-01, end = 2020-10-31 }\n\n";
    let text = format!("{head}{}\n", blocks.join("\n\n"));
    let engagement = Engagement::read("engagement.toml", &text).unwrap();
    assert_eq!(engagement.expected.len(), blocks.iter().filter(|block| block.contains("[[expected]]")).count());
    assert!(engagement.expected.len() > 6, "the formats that the controls in scope need");
    assert!(engagement.sources.iter().all(|source| source.obtained.is_none()), "nobody said how it was obtained");
    fs::write(world.folder.join("engagement.toml"), &text).unwrap();
    fs::remove_dir_all(world.folder.join("plan")).unwrap();
    let pasted = plan(&world);
    for request in pasted["requests"].as_array().unwrap().iter().filter(|request| !request["format"].is_null()) {
        assert!(!texts(&request["announced"]).is_empty(), "{} is announced", request["id"]);
    }
    let results = world.run_with(&["--exit-zero"]).ends_with(0).results();
    let known = results.controls.iter().flat_map(|control| &control.tests).flat_map(|test| &test.completeness);
    for known in known.filter(|known| known.rests_on == "declared" && known.table != "engagement") {
        assert_eq!(known.status, "broken", "{}: it was announced elsewhere and is not there", known.table);
    }
}

#[test]
fn only_a_plan_that_nobody_has_changed_is_written_over() {
    let world = World::planted();
    let folder = world.folder.to_str().unwrap();
    assert_eq!(call(&world, &["plan", folder]).0, 0);
    world.declare(|text| text.replace("(invented sample)", "(another title)"));
    assert_eq!(call(&world, &["plan", folder]).0, 0, "an earlier plan as the program wrote it");
    assert!(html(&world).contains("(another title)"));

    let filled = world.folder.join("plan/plan.xlsx");
    fs::write(&filled, "received on Monday").unwrap();
    let before = written(&world);
    let (code, _, err) = call(&world, &["plan", folder]);
    assert_eq!(code, 73);
    assert!(err.contains("plan.xlsx") && err.contains("--out"), "{err}");
    assert_eq!(written(&world), before, "nothing was touched");

    fs::create_dir(world.around().join("notes")).unwrap();
    fs::write(world.around().join("notes/plan.html"), "mine").unwrap();
    assert_eq!(call(&world, &["plan", folder, "--out", "notes"]).0, 73);
    assert_eq!(files(&world.around().join("notes")), [("plan.html".to_owned(), b"mine".to_vec())].into());
    fs::rename(world.around().join("notes/plan.html"), world.around().join("notes/plan-sha256.txt")).unwrap();
    assert_eq!(call(&world, &["plan", folder, "--out", "notes"]).0, 73, "a list of hashes that is not the program's");
}

#[test]
fn what_an_interrupted_call_left_is_written_over() {
    let world = World::planted();
    let folder = world.folder.to_str().unwrap();
    assert_eq!(call(&world, &["plan", folder]).0, 0);
    let first = written(&world);
    world.declare(|text| text.replace("(invented sample)", "(another title)"));
    assert_eq!(call(&world, &["plan", folder]).0, 0);
    let second = written(&world);
    // Both lists of hashes, one file of each plan, and one half written.
    let place = world.folder.join("plan");
    fs::write(place.join("plan-sha256.txt"), [first["plan-sha256.txt"].clone(), second["plan-sha256.txt"].clone()].concat()).unwrap();
    fs::write(place.join("plan.html"), &first["plan.html"]).unwrap();
    fs::write(place.join("plan.xlsx.partial"), "half").unwrap();
    assert_eq!(call(&world, &["plan", folder]).0, 0);
    assert_eq!(written(&world), second);
}

#[test]
fn a_plan_never_lands_among_the_evidence() {
    let world = World::planted();
    let folder = world.folder.to_str().unwrap();
    let inside = world.evidence("plan");
    assert_eq!(call(&world, &["plan", folder, "--out", inside.to_str().unwrap()]).0, 2);
    assert!(!inside.exists());

    let bare = World::empty();
    bare.put("registers/roles.csv", world.text("registers/roles.csv"));
    let evidence = bare.folder.join("evidence");
    let (code, out, err) = call(&bare, &["plan", evidence.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(bare.around().join("assure-evidence/plan/plan.html").is_file());
    assert_eq!(crate::world::names(&evidence), ["registers/roles.csv"]);
}

#[cfg(unix)]
#[test]
fn a_link_leads_no_output_into_the_evidence() {
    use std::os::unix::fs::symlink;
    let world = World::planted();
    let elsewhere = world.around().join("elsewhere");
    fs::rename(world.folder.join("evidence"), &elsewhere).unwrap();
    symlink(&elsewhere, world.folder.join("evidence")).unwrap();
    let before = files(&elsewhere);
    let folder = world.folder.to_str().unwrap();
    for place in [elsewhere.join("plan"), world.folder.join("evidence/plan")] {
        assert_eq!(call(&world, &["plan", folder, "--out", place.to_str().unwrap()]).0, 2);
        assert_eq!(call(&world, &["run", folder, "--out", place.to_str().unwrap()]).0, 2);
    }
    fs::create_dir(world.folder.join("plan")).unwrap();
    symlink(elsewhere.join("ca/new.xlsx"), world.folder.join("plan/plan.xlsx")).unwrap();
    call(&world, &["plan", folder]);
    assert_eq!(files(&elsewhere), before);
}

#[test]
fn without_an_engagement_the_checklists_are_planned_as_they_are() {
    let world = World::empty();
    let (code, out, err) = call(&world, &["plan"]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    let page = fs::read_to_string(world.around().join("assure-plan/plan.html")).unwrap();
    assert!(page.contains("there is no engagement.toml") && page.contains("no period is declared"));
    let (_, lines, _) = call(&world, &["plan", "--format", "jsonl"]);
    assert!(lines.lines().count() > 5 && lines.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["id"].is_string()));
}

#[test]
fn an_imported_clause_without_a_test_is_planned_as_a_procedure() {
    let world = World::planted();
    fs::create_dir_all(world.folder.join("checklists")).unwrap();
    let criterion = |clause: &str, text: &str, controls: &str| {
        format!(
            "[[criterion]]\ninstrument = \"s1spki-cp-secure\"\nversion = \"first\"\nclause = \"{clause}\"\ntext = \"{text}\"\ncontrols = [{controls}]\nby = \"J. Smith\"\non = \"2022-02-01\"\nsheet = \"0123456789abcdef\"\n\n"
        )
    };
    let both = criterion("9.9.9", "ILLUSTRATIVE: the Authority shall keep a diary.", "")
        + &criterion("4.9.7", "ILLUSTRATIVE: a CRL shall be issued.", "\"RV-02\"");
    fs::write(world.folder.join("checklists/criteria.toml"), format!("schema = 1\n\n{both}")).unwrap();
    let plan = plan(&world);
    let own = control(&plan, "CR-s1spki-cp-secure-9.9.9");
    assert_eq!(own["due"], true);
    assert_eq!(texts(&own["requests"]), ["RQ-CR-s1spki-cp-secure-9.9.9"]);
    let confirmed = control(&plan, "RV-02");
    assert!(confirmed["confirmed"].as_str().unwrap().contains("J. Smith") && confirmed["qualifier"] == "");
    assert_eq!(plan["illustrative_criteria"], true);
    for shown in [html(&world), sheets(&world)] {
        assert!(shown.contains("the Authority shall keep a diary") && shown.contains("THE SEC"));
        assert!(shown.contains("Decide how this clause is tested"));
    }
}

#[test]
fn every_step_of_a_person_has_somebody_to_go_through_it_with() {
    let plan = plan(&World::planted());
    for planned in plan["controls"].as_array().unwrap().iter().filter(|control| control["due"] == true) {
        let id = planned["id"].as_str().unwrap();
        let people = plan["people"].as_array().unwrap();
        let met = people.iter().filter(|meeting| texts(&meeting["procedures"]).contains(&id)).count();
        assert_eq!(met > 0, !texts(&planned["procedure"]).is_empty(), "{id}");
    }
}
