//! Stage 6: what people read.
//!
//! Takes what the run came to and writes the run folder: first the record (`results.json`,
//! `exceptions.jsonl`, `views/`), then, from that record alone, the reports. A writer lays out what
//! is in the record and decides nothing.

mod ceremony;
pub mod criteria_sheet;
mod drawing;
mod exceptions;
mod fault;
mod finding;
#[cfg(test)]
mod fixture;
pub mod folder;
mod front;
pub mod html;
mod pictures;
pub mod plan;
mod plan_control;
pub mod plan_html;
pub mod plan_people;
pub mod plan_request;
pub mod plan_workbook;
pub mod record;
mod request;
pub mod results;
pub mod untrusted;
mod uses;
pub mod view;
mod views;
pub mod workbook;

use std::io::Write;

use view::{ReportError, ReportView};

/// A report format: lays out a view.
pub type Writer = fn(&ReportView, &mut dyn Write) -> Result<(), ReportError>;

/// Every report, by file name. A new one is a file, its `mod` line and its entry here.
pub const WRITERS: &[(&str, Writer)] =
    &[("report.html", html::report), ("working-papers.html", html::working_papers), ("workbook.xlsx", workbook::workbook)];

/// The reports that leave the assessor: copied to `issue/` with a manifest of their own.
pub const ISSUED: &[&str] = &["report.html"];
