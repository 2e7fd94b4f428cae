//! Lists, dates and warnings on the columns that people fill in. A warning always has words: sheet
//! Assessment has a live column for them.

use rust_xlsxwriter::{
    Color, ConditionalFormatFormula, DataValidation, DataValidationRule as Rule, Format, FormatBorder, Formula, Worksheet, XlsxError,
};

use super::super::view::ReportView;
use super::sheet::{FIRST, Layout, Sheet, iso_date};

const RED: Color = Color::RGB(0x00D4_351C);
const YELLOW: Color = Color::RGB(0x00FF_F7BF);
/// Outcomes in words, and a fill beside them.
const FILLS: [(&str, Color); 4] = [
    ("exceptions noted", Color::RGB(0x00F4_CDC6)),
    ("could not test", YELLOW),
    ("procedure open", Color::RGB(0x00BB_D4EA)),
    ("no exceptions noted", Color::RGB(0x00CC_E2D8)),
];

/// What column Check says where nothing is amiss.
pub(super) const QUIET: &str = "no warning";

/// Whether the judgement and the tool outcome of a row say different things.
pub(super) fn differs(judged: &str, outcome: &str) -> String {
    format!(
        "OR(AND(LEFT({judged},3)=\"met\",{outcome}<>\"no exceptions noted\"),\
         AND(OR(LEFT({judged},7)=\"not met\",LEFT({judged},9)=\"mitigated\"),{outcome}<>\"exceptions noted\"))"
    )
}

/// Validations and conditional formats of a sheet.
pub(super) fn choices(sheet: &mut Worksheet, view: &ReportView, what: &Sheet, layout: &Layout, last_row: u32) -> Result<(), XlsxError> {
    for ((header, _), col) in what.columns.iter().zip(0..) {
        let Some(name) = header.strip_prefix("A: ").or_else(|| header.strip_prefix("P: ")) else { continue };
        let rule = DataValidation::new();
        let list = layout.lists.iter().find(|list| list.title == name).map(|list| list.name.as_str());
        // The findings themselves are a list.
        let list = list.or_else(|| (name == "Finding" && !view.results.findings.is_empty()).then_some("lst_Finding"));
        let rule = match (list, name) {
            (Some(list), _) => rule.allow_list_formula(Formula::new(format!("={list}"))),
            (None, "Prepared on") => match iso_date(&view.results.engagement.period_start) {
                Some(start) => rule.allow_date_formula(Rule::Between(start.to_excel().to_string().as_str().into(), "TODAY()+1".into())),
                None => continue,
            },
            (None, "Reviewed on") => rule.allow_date_formula(Rule::GreaterThanOrEqualTo(what.cell("A: Prepared on").as_str().into())),
            (None, name) if name.ends_with(" on") || name.ends_with(" date") => match iso_date("2000-01-01") {
                Some(start) => rule.allow_date_formula(Rule::GreaterThan(start.to_excel().to_string().as_str().into())),
                None => continue,
            },
            (None, "Rationale") => rule
                .allow_text_length(Rule::LessThanOrEqualTo(4000))
                .set_input_message("Needed where the judgement differs from the tool outcome.")?,
            (None, "Prepared by" | "Reviewed by") => rule.allow_text_length(Rule::LessThanOrEqualTo(40)),
            (None, "Title") => rule.allow_text_length(Rule::LessThanOrEqualTo(120)),
            _ => continue,
        };
        sheet.add_data_validation(FIRST, col, last_row, col, &rule)?;
    }
    let [judged, outcome, why, by, reviewer, check] =
        ["A: Judgement", "T: Outcome", "A: Rationale", "A: Prepared by", "A: Reviewed by", "T: Check"].map(|header| what.cell(header));
    if let Some(col) = what.column("T: Outcome") {
        for (words, fill) in FILLS {
            let rule = format!("={outcome}=\"{words}\"");
            let rule = ConditionalFormatFormula::new().set_rule(rule.as_str()).set_format(Format::new().set_background_color(fill));
            sheet.add_conditional_format(FIRST, col, last_row, col, &rule)?;
        }
    }
    let warn = Format::new().set_bold().set_border(FormatBorder::Thin).set_border_color(RED).set_background_color(YELLOW);
    let needed = format!("=AND({judged}<>\"\",{why}=\"\",{})", differs(&judged, &outcome));
    let same = format!("=AND({reviewer}<>\"\",{reviewer}={by})");
    for (header, rule) in [("A: Rationale", needed), ("A: Reviewed by", same), ("T: Check", format!("={check}<>\"{QUIET}\""))] {
        if let Some(col) = what.column(header).filter(|_| !judged.is_empty()) {
            let rule = ConditionalFormatFormula::new().set_rule(rule.as_str()).set_format(&warn);
            sheet.add_conditional_format(FIRST, col, last_row, col, &rule)?;
        }
    }
    Ok(())
}
