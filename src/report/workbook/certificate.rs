//! Sheet Certificates and CRLs: facts, and which rules of the profile are not kept. Authorities and lists
//! stand first, so that a limit cuts end entities only.

use std::collections::BTreeMap;

use super::super::untrusted::{Cell, lines, words};
use super::super::view::{Line, ReportView, ViewError, cell};
use super::MOST_ROWS;
use super::sheet::Row;
use super::timeline::{number, stands};

/// The rows, and how many there are.
pub(super) fn rows(view: &ReportView) -> Result<(Vec<Row>, usize), ViewError> {
    let mut leaves = 0;
    let certificates = view.lines_where::<Line>("certificates.jsonl", |line| {
        leaves += usize::from(cell(line, "kind") == "end-entity");
        leaves <= MOST_ROWS || cell(line, "kind") != "end-entity"
    })?;
    let lists = view.lines::<Line>("crls.jsonl", MOST_ROWS)?;
    let mut broken: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in view.lines::<Line>("rules.jsonl", MOST_ROWS)?.first {
        let value = |name| cell(&rule, name);
        let words = match value("holds") {
            "false" => format!("{}: expected {}, found {}", value("rule"), value("expected"), value("found")),
            _ => format!("{}: undecided, {}", value("rule"), value("reason")),
        };
        broken.entry(value("certificate").to_owned()).or_default().push(words);
    }
    let (leaves, authorities): (Vec<Line>, Vec<Line>) = certificates.first.into_iter().partition(|line| cell(line, "kind") == "end-entity");
    let total = usize::try_from(certificates.total + lists.total).unwrap_or(usize::MAX);
    let certified = |line: &Line| certificate(line, broken.get(cell(line, "certificate")));
    let rows = authorities.iter().map(certified).chain(lists.first.iter().map(list)).chain(leaves.iter().map(certified));
    Ok((rows.take(MOST_ROWS).collect(), total))
}

fn signed(line: &Line) -> Cell {
    words(match cell(line, "signature_ok") {
        "true" => "verifies",
        "false" => "does not verify",
        _ => "not decided",
    })
}

fn certificate(line: &Line, broken: Option<&Vec<String>>) -> Row {
    let text = |name: &str| words(cell(line, name));
    let until = if cell(line, "indefinite") == "true" { words("indefinite") } else { text("not_after") };
    let mut cells = vec![
        words(format!("{} certificate", cell(line, "kind"))),
        text("certificate"),
        text("serial"),
        text("subject"),
        text("issuer"),
        text("not_before"),
        until,
        words(""),
        signed(line),
        words(if cell(line, "profile").is_empty() { "none assigned" } else { cell(line, "profile") }),
    ];
    let ruled = |name: &str| if cell(line, "profile").is_empty() { words("not tested") } else { number(line, name) };
    cells.extend(["rules_kept", "rules_broken", "rules_undecided"].map(ruled));
    cells.push(lines(broken.map_or(&[], Vec::as_slice)));
    cells.extend(stands(line));
    Row::from(cells)
}

fn list(line: &Line) -> Row {
    let text = |name: &str| words(cell(line, name));
    let kind = match (cell(line, "issuer_role"), cell(line, "is_delta")) {
        (_, "true") => "delta CRL",
        ("root", _) => "ARL",
        ("issuing", _) => "CRL",
        _ => "CRL or ARL: the issuer's certificate was not supplied",
    };
    let mut cells = vec![words(kind), text("crl"), text("crl_number"), words(""), text("issuer"), text("this_update"), text("next_update")];
    cells.extend([number(line, "entries"), signed(line)]);
    cells.extend((0..5).map(|_| words("")));
    cells.extend(stands(line));
    Row::from(cells)
}
