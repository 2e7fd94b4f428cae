//! Sheet Summary: live counts over the other sheets, each beside what the program counted when it ran.
//! Where the two differ in a `T:` row, somebody changed a column of the tool.

use std::collections::BTreeMap;

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Formula, Workbook, Worksheet, XlsxError};

use super::super::results::Control;
use super::super::untrusted::{cell_text, visible};
use super::super::view::ReportView;
use super::choices::QUIET;
use super::sheet::{FIRST, Filled, GREY, HEADER, Layout, heading, paper, text_format};
use crate::domain::outcome::Outcome;

/// A line: what is counted, the formula that counts it, and what the program counted.
struct Count {
    labels: [String; 3],
    formula: String,
    snapshot: u64,
}

/// Writes the sheet; a workbook without controls has none.
pub(super) fn summary(book: &mut Workbook, view: &ReportView, layout: &Layout, sheets: &[Filled]) -> Result<(), XlsxError> {
    let named = |name: &str| sheets.iter().find(|filled| filled.what.name == name);
    let Some(assessment) = named("Assessment") else { return Ok(()) };
    let range = |header: &str| assessment.range(header).unwrap_or_default();
    let mut blocks: Vec<(&str, Vec<Count>)> = vec![
        ("Controls by tool outcome", outcomes(view, &range)),
        ("Controls by checklist, criterion and tool outcome", sections(view, &range)),
        ("Controls by judgement", judgements(view, layout, &range)),
    ];
    let mut open = progress(view, &range);
    let blank = |what: &str, sheet: &str, header: &str, open: &mut Vec<Count>| {
        if let Some(filled) = named(sheet)
            && let Some(range) = filled.range(header)
        {
            open.push(count([what, "", ""], format!("=COUNTBLANK({range})"), filled.rows.len() as u64));
        }
    };
    blank("Findings without a grade", "Findings", "A: Grade", &mut open);
    blank("Exceptions without a disposition", "Exceptions", "A: Disposition", &mut open);
    blank("Notes on the evidence neither accepted nor refused", "Data quality", "A: Accepted?", &mut open);
    if let Some(range) = named("Requests").and_then(|filled| filled.range("T: Status")) {
        let lacking = view.results.requests.iter().filter(|request| !request.status.starts_with("received")).count();
        open.push(count(
            ["Requests for evidence still open", "", ""],
            format!("=ROWS({range})-COUNTIF({range},\"received*\")"),
            lacking as u64,
        ));
    }
    blocks.push(("Progress and open items", open));
    let sheet = paper(book.add_worksheet().set_name("Summary")?, view);
    sheet.write_string_with_format(0, 0, "Summary: live counts beside the counts of the run", &heading())?;
    sheet.write_url_with_text(
        1,
        0,
        "internal:Cover!A1",
        "Column Live follows the other sheets as you fill them in; column Run is as the program left it. Back to Cover.",
    )?;
    let mut at = HEADER;
    for (title, counts) in &blocks {
        at = block(sheet, at, title, counts)? + 1;
    }
    for (col, width) in (0..).zip([46.0, 26.0, 24.0, 12.0, 12.0]) {
        sheet.set_column_width(col, width)?;
    }
    sheet.set_freeze_panes(FIRST - 1, 0)?.protect();
    Ok(())
}

/// Writes a block; gives the row after it.
fn block(sheet: &mut Worksheet, at: u32, title: &str, counts: &[Count]) -> Result<u32, XlsxError> {
    let header = text_format().set_bold().set_border(FormatBorder::Thin).set_background_color(GREY);
    for (col, words) in (0..).zip([title, "", "", "Live", "Run"]) {
        sheet.write_string_with_format(at, col, words, &header)?;
    }
    let (text, number) = (text_format(), Format::new().set_num_format("#,##0").set_align(FormatAlign::Top));
    for (count, row) in counts.iter().zip(at + 1..) {
        for (label, col) in count.labels.iter().zip(0..) {
            sheet.write_string_with_format(row, col, cell_text(&visible(label)), &text)?;
        }
        let formula = Formula::new(count.formula.replace("{row}", &(row + 1).to_string())).set_result(count.snapshot.to_string());
        sheet.write_formula_with_format(row, 3, formula, &number)?;
        sheet.write_with_format(row, 4, count.snapshot, &number)?;
    }
    Ok(at + 1 + u32::try_from(counts.len()).unwrap_or(u32::MAX / 2))
}

fn count(labels: [&str; 3], formula: String, snapshot: u64) -> Count {
    Count { labels: labels.map(ToOwned::to_owned), formula, snapshot }
}

fn outcomes(view: &ReportView, range: &dyn Fn(&str) -> String) -> Vec<Count> {
    let column = range("T: Outcome");
    let of = |outcome: &Outcome| view.results.controls.iter().filter(|control| control.outcome == outcome.code()).count() as u64;
    let mut counts: Vec<Count> = Outcome::ALL
        .iter()
        .map(|outcome| count([outcome.words(), "", ""], format!("=COUNTIFS({column},\"{}\")", outcome.words()), of(outcome)))
        .collect();
    counts.push(count(["all controls", "", ""], format!("=ROWS({column})-COUNTBLANK({column})"), view.results.controls.len() as u64));
    counts
}

/// Confirmed and indicative results never share a line.
fn sections(view: &ReportView, range: &dyn Fn(&str) -> String) -> Vec<Count> {
    let mut found: BTreeMap<(&str, bool, &str), u64> = BTreeMap::new();
    for control in &view.results.controls {
        *found.entry((&control.checklist_title, control.confirmed.is_none(), &control.outcome_words)).or_default() += 1;
    }
    let (checklist, confirmed, outcome) = (range("T: Checklist"), range("T: Confirmed"), range("T: Outcome"));
    found
        .into_iter()
        .map(|((title, indicative, words), snapshot)| {
            // The title is compared with the cell it stands in, so that no text goes into a formula.
            let criterion = if indicative { "indicative*" } else { "<>indicative*" };
            let formula = format!("=COUNTIFS({checklist},$A{{row}},{confirmed},\"{criterion}\",{outcome},\"{words}\")");
            count([title, if indicative { "indicative" } else { "confirmed" }, words], formula, snapshot)
        })
        .collect()
}

fn judgements(view: &ReportView, layout: &Layout, range: &dyn Fn(&str) -> String) -> Vec<Count> {
    let column = range("A: Judgement");
    let judged = |value: &str| {
        let on_record = view.results.controls.iter().filter_map(|control| control.judgement.as_ref());
        on_record.filter(|judgement| judgement.judgement == value).count() as u64
    };
    let values = layout.lists.iter().find(|list| list.title == "Judgement").map_or(&[][..], |list| &list.values);
    let mut counts: Vec<Count> =
        values.iter().map(|value| count([value, "", ""], format!("=COUNTIFS({column},\"{value}\")"), judged(value))).collect();
    let none = view.results.controls.iter().filter(|control| control.judgement.is_none()).count();
    counts.push(count(["none yet", "", ""], format!("=COUNTBLANK({column})"), none as u64));
    counts
}

fn progress(view: &ReportView, range: &dyn Fn(&str) -> String) -> Vec<Count> {
    let (judged, outcome) = (range("A: Judgement"), range("T: Outcome"));
    let (prepared, reviewed, check) = (range("A: Prepared by"), range("A: Reviewed by"), range("T: Check"));
    let having = |what: &dyn Fn(&Control) -> bool| view.results.controls.iter().filter(|control| what(control)).count() as u64;
    let said = |control: &Control| control.judgement.as_ref().map_or(String::new(), |judgement| judgement.judgement.clone());
    let differs = |control: &Control| {
        let said = said(control);
        let (met, not) = (said.starts_with("met"), said.starts_with("not met") || said.starts_with("mitigated"));
        (met && control.outcome != Outcome::NoExceptions.code()) || (not && control.outcome != Outcome::Exceptions.code())
    };
    let unreviewed = |control: &Control| control.judgement.as_ref().is_some_and(|judgement| judgement.reviewed_by.is_none());
    let same = |control: &Control| control.judgement.as_ref().is_some_and(|j| j.reviewed_by.as_ref() == Some(&j.prepared_by));
    let warned = |control: &Control| {
        same(control) || (differs(control) && control.judgement.as_ref().is_some_and(|judgement| judgement.rationale.is_empty()))
    };
    let differing = ["met*", "not met*", "mitigated*"].map(|value| {
        let fits = if value == "met*" { "no exceptions noted" } else { "exceptions noted" };
        format!("COUNTIFS({judged},\"{value}\",{outcome},\"<>{fits}\")")
    });
    vec![
        count(["Controls judged", "", ""], format!("=ROWS({judged})-COUNTBLANK({judged})"), having(&|c| c.judgement.is_some())),
        count(["Tool outcome and judgement differ", "", ""], format!("={}", differing.join("+")), having(&differs)),
        count(["Prepared and not reviewed", "", ""], format!("=SUMPRODUCT(({prepared}<>\"\")*({reviewed}=\"\"))"), having(&unreviewed)),
        count(["Rows with a warning in column Check", "", ""], format!("=COUNTIF({check},\"<>{QUIET}\")"), having(&warned)),
    ]
}
