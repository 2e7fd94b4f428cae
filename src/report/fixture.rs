//! A run folder in which everything that evidence says is hostile or private.

use serde_json::{Value, json};

use super::results::SCHEMA;

/// Everything a hostile file would put in a cell.
pub(super) const HOSTILE: &str = "<script>alert(1)</script>{{ 7*7 }}{% raw %}\u{202e}\u{1b}[2J\" onmouseover=\"x' =cmd|' /C calc'!A0";
/// In every field that must not leave the assessor.
pub(super) const CANARY: &str = "Alice Canary";

fn test(id: &str, outcome: &str, words: &str, numbers: [u64; 3]) -> Value {
    let [population, exceptions, potential] = numbers;
    json!({"id": id, "outcome": outcome, "outcome_words": words, "reason": format!("Reason with {HOSTILE} in ca/{CANARY}.log."),
        "subject": "ca_events", "population": population, "excluded": 4, "outside": 2, "unreadable": 1,
        "records": population + 7, "exceptions": exceptions, "potential": potential, "undecided": 0,
        "coverage": format!("{population} of {} tested, 1 unreadable", population + 1),
        "completeness": [{"table": "ca_events", "rests_on": "sequence", "status": "not shown", "reason": format!("gap in {CANARY}")}],
        "segments": [{"version": "1.0", "from": "2021-01-01T00:00:00Z", "until": "2022-01-01T00:00:00Z",
            "population": population, "exceptions": exceptions, "parameters": ["max_interval = PT12H"]}], "sample": []})
}

fn control(id: &str, title: &str, confirmed: Option<&str>, outcome: (&str, &str), tests: &[Value]) -> Value {
    let qualifier = if confirmed.is_some() { "" } else { "Indicative: the wording of this clause has not been confirmed" };
    json!({"id": id, "checklist": "s1spki", "checklist_title": "S1SPKI Certificate Policy", "instrument": "s1spki-cp",
        "position": "RFC 3647 4.9.7", "clause": null, "official_text": null, "title": title,
        "requirement": "An issuing CA issues a CRL at least every twelve hours.", "method": "reperform", "assertion": "operation",
        "judges": "party", "basis": {"wording": "inferred", "applies": "analogue", "confidence": "medium", "source": "position 4.9.7"},
        "confirmed": confirmed, "qualifier": qualifier, "outcome": outcome.0, "outcome_words": outcome.1,
        "reason": format!("Gap found in ca/{CANARY}.log."), "leaves_open": "When the CRLs were lodged.",
        "procedure": ["Ask for the lodging record."], "evidence_wanted": ["every CRL of the period"],
        "parameters": [{"name": "max_interval", "value": "PT12H", "about": "longest time", "set_by": format!("engagement, by {CANARY} on 2022-02-01")}],
        "tests": tests,
        "judgement": {"judgement": "met", "rationale": CANARY, "prepared_by": CANARY, "prepared_on": "2022-02-01", "reviewed_by": null, "reviewed_on": null}})
}

fn results() -> Value {
    let confirmed = format!("confirmed by {CANARY} on 2022-02-01");
    json!({"schema": SCHEMA, "tool": {"name": "assure", "version": "0.1.0", "checklists_sha256": "c".repeat(64)},
        "run": {"id": "0123456789abcdef", "state": "indicative", "evidence_root_sha256": "e".repeat(64),
            "assumptions": [format!("ca/{CANARY}.log is in UTC.")], "illustrative_criteria": true, "integrity_failures": [format!("ca/{CANARY}.log")]},
        "engagement": {"title": "S1SPKI Secure cohort 2021", "audited_party": "Data Communications Company", "assessor": "Assessor & Sons",
            "marking": "OFFICIAL & SENSITIVE", "kind": "subsequent", "period_start": "2021-01-01", "period_end": "2021-12-31",
            "as_of": "2022-01-31", "environment": "live", "declared": true},
        "instruments": [{"id": "s1spki-cp", "title": "S1SPKI Certificate Policy", "sec": "Appendix AP", "versions": ["first, from 2020-09-17"],
            "clauses_imported": 1, "coverage": [{"clause": "4.9.7", "version": "first", "text": CANARY, "controls": ["RV-02"], "covered_by": "test", "reason": null}]}],
        "evidence": [{"id": "EV-0123456789ab", "path": format!("ca/{CANARY}.log"), "sha256": "a".repeat(64), "size": 12345, "format": "ejbca-log",
            "status": "used", "quality": "ok", "hash_status": "match", "records": 1234, "rejected": 1, "blank": 2, "passed_over": 3,
            "first": "2021-01-01T00:00:00Z", "last": "2021-12-31T23:00:00Z", "zone_basis": "explicit", "stream": CANARY,
            "obtained": format!("observed by {CANARY} on 2022-01-10"), "tables": ["ca_events"], "used_by": ["AU-08", "RV-02"], "also": [], "reason": null},
          {"id": "EV-ba9876543210", "path": format!("notes/{HOSTILE}.txt"), "sha256": "b".repeat(64), "size": 5, "format": null,
            "status": "not recognised", "quality": "ok", "hash_status": "none", "records": 0, "rejected": 0, "blank": 0, "passed_over": 0,
            "first": null, "last": null, "zone_basis": "", "stream": null, "obtained": null, "tables": [], "used_by": [], "also": [],
            "reason": format!("no format matches {CANARY}")}],
        "controls": [
            control("AU-08", "Audit logs are kept", Some(&confirmed), ("exceptions", "exceptions noted"), &[test("kept", "exceptions", "exceptions noted", [1200, 2, 1])]),
            control("KM-11", "Keys are used within their period", None, ("could_not_test", "could not test"), &[]),
            control("RV-02", "CRLs are issued at least every twelve hours", None, ("exceptions", "exceptions noted"), &[test("interval", "exceptions", "exceptions noted", [730, 1, 0])])],
        "notes": [{"code": "N-TIME-003", "weight": "weakens", "evidence": "EV-0123456789ab", "path": format!("ca/{CANARY}.log"),
            "locator": format!("column {CANARY}, rows 2-418"), "what": format!("date order of {HOSTILE} cannot be decided"), "count": 417,
            "affects": ["KM-11"], "fix": format!("declare date_order for {CANARY}")}],
        "counts": {"evidence": {"used": 1, "not recognised": 1}, "outcomes": {"exceptions": 2, "could_not_test": 1},
            "confirmed_outcomes": {"exceptions": 1}, "in_scope": 3, "confirmed": 1, "failures_actual": 1, "failures_potential": 1,
            "indicative_exceptions": 1, "notes": {"weakens": 1}},
        "conclusion": {"recommendation": format!("Approved with caveats, says {CANARY} (alice@canary.example, +44 7700 900123)"),
            "asks": ["Note the findings."], "by": CANARY, "on": "2022-02-01"},
        "findings": [{"id": "F-AU-08", "control": "AU-08", "title": "Audit logs are kept", "confirmed": true, "criteria": "Clause 5.4.3",
            "condition": format!("Test kept: 2 exceptions in ca/{CANARY}.log, {HOSTILE}"), "extent": "all", "actual": 1, "potential": 1,
            "evidence": ["EV-0123456789ab"], "suggested_grade": "Actual non-compliance"}],
        "requests": [{"id": "RQ-001", "kind": "announced", "what": format!("log of {CANARY}"), "path": format!("ca/{CANARY}.log"), "announced": 2,
            "received": 0, "status": "not received", "missing": format!("{CANARY} has it"), "ask": ["EJBCA log: server.log"], "controls": ["KM-11"]}],
        "views": views().iter().map(|(name, lines)| (name.to_string(), lines.len())).collect::<std::collections::BTreeMap<_, _>>()})
}

/// Views in which every text is one that must not leave the assessor.
fn views() -> Vec<(&'static str, Vec<Value>)> {
    let place = |mut line: Value| {
        for (name, value) in [("evidence", "EV-0123456789ab"), ("path", &*format!("ca/{CANARY}.log")), ("locator", "line 3")] {
            line[name] = json!(value);
        }
        line
    };
    let there = json!({"person": CANARY, "place": CANARY, "since": "2021-03-01T09:00:00Z", "signed": true, "stands_in": format!("ca/{CANARY}.csv, line 2")});
    vec![
        (
            "coverage.jsonl",
            vec![place(json!({"stream": CANARY, "system": CANARY, "first": "2021-01-01T00:00:00Z", "last": "2021-12-31T00:00:00Z",
            "records": "1234", "undated": "0", "allowed_gap": "43200", "live_since": null, "oldest_record_at": null}))],
        ),
        (
            "holes.jsonl",
            vec![place(json!({"stream": CANARY, "after": "2021-05-01T00:00:00Z", "due_at": "2021-05-01T12:00:00Z",
            "ends_at": "2021-05-03T00:00:00Z", "beyond": "false"}))],
        ),
        (
            "certificates.jsonl",
            vec![place(json!({"certificate": "d".repeat(64), "kind": "root", "subject": HOSTILE, "issuer": CANARY, "serial": "01"}))],
        ),
        (
            "rules.jsonl",
            vec![place(json!({"certificate": "d".repeat(64), "rule": "validity", "holds": "false", "expected": "P10Y", "found": HOSTILE}))],
        ),
        (
            "crls.jsonl",
            vec![
                place(
                    json!({"crl": "e".repeat(64), "issuer": format!("CN={CANARY} {HOSTILE}"), "issuer_name": "n", "issuer_role": "issuing",
            "crl_number": "1", "this_update": "2021-01-01T00:00:00Z", "next_update": "2021-01-02T00:00:00Z"}),
                ),
                place(
                    json!({"crl": "f".repeat(64), "issuer": format!("CN={CANARY} {HOSTILE}"), "issuer_name": "n", "issuer_role": "issuing",
            "crl_number": "2", "this_update": "2021-01-03T00:00:00Z", "next_update": "2022-01-04T00:00:00Z"}),
                ),
            ],
        ),
        (
            "keys.jsonl",
            vec![place(
                json!({"stands_in": "register", "key_id": "K-1", "owner": CANARY, "label": HOSTILE, "events_of_id": "2", "certificates": "1"}),
            )],
        ),
        (
            "ceremonies.jsonl",
            vec![place(json!({"ceremony": CANARY, "kind": "key-generation", "closed": "kind", "started_at": "2021-03-01T09:00:00Z",
            "ended_at": "2021-03-01T11:00:00Z", "hsm": CANARY, "location": CANARY, "script": HOSTILE}))],
        ),
        (
            "ceremony-people.jsonl",
            vec![place(json!({"ceremony": CANARY, "person": CANARY, "role": format!("friend of {CANARY}"), "organisation": CANARY,
            "arrived_at": "2021-03-01T09:00:00Z", "departed_at": null, "signed": "true"}))],
        ),
        (
            "key-uses.jsonl",
            vec![
                json!({"evidence": "EV-0123456789ab", "path": format!("ca/{CANARY}.log"), "locator": format!("sheet {CANARY}, line 3"),
            "time": "2021-03-01T10:00:00Z", "event_type": "sign", "module": CANARY, "key_ref": HOSTILE, "ceremony": CANARY, "module_minuted": true,
            "minuted": [there], "inside": [there], "authenticated": [CANARY]}),
                json!({"evidence": "EV-0123456789ab", "path": "x", "locator": "line 9", "time": "2021-06-01T10:00:00Z", "event_type": "sign", "module": CANARY,
            "key_ref": null, "ceremony": null, "module_minuted": null, "minuted": [], "inside": [], "authenticated": []}),
            ],
        ),
    ]
}

/// A run folder with all of it.
pub(super) fn run_folder(change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut value = results();
    change(&mut value);
    std::fs::write(folder.path().join("results.json"), value.to_string()).unwrap();
    let lines: String = [("1", "AU-08", "actual"), ("2", "AU-08", "potential"), ("3", "RV-02", "actual")]
        .map(|(n, control, certainty)| {
            json!({"id": format!("EX-{n}00000000000"), "control": control, "test": "t", "segment": "1.0", "certainty": certainty,
                "confirmed": control == "AU-08", "evidence": "EV-0123456789ab", "path": format!("ca/{CANARY}.log"),
                "locator": format!("sheet {CANARY}, line {n}2"), "says": HOSTILE, "values": {"who": CANARY, "=col": HOSTILE, "none": null},
                "also": [format!("ca/{CANARY}.log, line 3")]})
            .to_string()
                + "\n"
        })
        .concat();
    std::fs::write(folder.path().join("exceptions.jsonl"), lines).unwrap();
    std::fs::create_dir(folder.path().join("views")).unwrap();
    for (name, lines) in views() {
        let text: String = lines.iter().map(|line| line.to_string() + "\n").collect();
        std::fs::write(folder.path().join("views").join(name), text).unwrap();
    }
    folder
}
