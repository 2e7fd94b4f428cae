//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::Form;
use crate::exit::Exit;
use crate::inputs::Flags;

/// Offline independent assurance of a certification authority.
#[derive(Debug, Parser)]
#[command(
    name = "assure",
    version,
    about = "Tests the evidence of a certification authority against checklists, and writes the assessor's workbook and reports.",
    long_about = None,
    after_help = after_help(),
    max_term_width = 110
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Say nothing but errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Threads of the query engine; results are the same whatever their number.
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<u16>,
}

fn after_help() -> String {
    let codes: Vec<String> = Exit::ALL.iter().map(|(_, number, meaning)| format!("  {number:>3}  {meaning}")).collect();
    format!(
        "Examples:\n  assure run samples/secure-cohort        test a whole engagement, write its reports\n  \
         assure inventory my-evidence            what is there, and how it was recognised\n  \
         assure explain RV-02                    what a control tests, and on what basis\n\n\
         Exit codes:\n{}",
        codes.join("\n")
    )
}

/// Flags of verbs that look at evidence.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Where run folders go (default: `runs` in the engagement, or in `./assure-NAME` for a bare folder).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A folder of further checklist files; one of the same path replaces the built-in one.
    #[arg(long, value_name = "DIR")]
    pub checklists: Option<PathBuf>,
    /// The day the assessment looks back from (YYYY-MM-DD).
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<jiff::civil::Date>,
    /// What a private key in the evidence does: quarantine the file, or stop the run.
    #[arg(long, value_parser = ["quarantine", "stop"], default_value = "quarantine")]
    pub on_secret: String,
}

impl Common {
    /// As the inputs take them.
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags { out: self.out.clone(), checklists: self.checklists.clone(), as_of: self.as_of, stop_at_secrets: self.on_secret == "stop" }
    }
}

/// Verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a new engagement folder, or draft a format file; nothing that is there is overwritten.
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Init {
        /// The folder.
        #[arg(required = true)]
        folder: Option<PathBuf>,
        /// What else to make.
        #[command(subcommand)]
        what: Option<InitVerb>,
    },
    /// Say what to test, whom to meet and what to ask for, before there is any evidence.
    Plan {
        /// An engagement, or a folder of evidence; without one, the checklists as they are.
        folder: Option<PathBuf>,
        /// Where the plan goes (default: `plan` in the engagement, `./assure-plan` without one).
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// A folder of further checklist files; one of the same path replaces the built-in one.
        #[arg(long, value_name = "DIR")]
        checklists: Option<PathBuf>,
        /// The day the assessment looks back from (YYYY-MM-DD).
        #[arg(long, value_name = "DATE")]
        as_of: Option<jiff::civil::Date>,
        /// What goes to standard output: nothing (human), the plan, or its requests one a line.
        #[arg(long, value_enum, default_value_t = Form::Human)]
        format: Form,
    },
    /// List every file of the evidence with its hash, format and quality; judge nothing.
    Inventory {
        /// An engagement, or a folder of evidence.
        folder: PathBuf,
        /// One file of it: how it was recognised, what its columns became, its first rows, what was not understood.
        #[arg(long, value_name = "FILE")]
        explain: Option<String>,
        /// Flags of all verbs that look at evidence.
        #[command(flatten)]
        common: Common,
        /// Form of the list.
        #[arg(long, value_enum, default_value_t = Form::Human)]
        format: Form,
    },
    /// Test the evidence and write the run folder with all reports.
    #[command(alias = "check")]
    Run {
        /// An engagement, or a folder of evidence.
        folder: PathBuf,
        /// Flags of all verbs that look at evidence.
        #[command(flatten)]
        common: Common,
        /// What goes to standard output: nothing (human), `results.json`, or `exceptions.jsonl`.
        #[arg(long, value_enum, default_value_t = Form::Human)]
        format: Form,
        /// End with 0 where exceptions were noted or something could not be tested.
        #[arg(long)]
        exit_zero: bool,
    },
    /// Lay out the reports of a run again, from its folder alone.
    Report {
        /// A run folder.
        run: PathBuf,
        /// Where the reports go.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Bring the official wording into an engagement, or write the sheet to fill.
    #[command(subcommand)]
    Criteria(CriteriaVerb),
    /// Explain a control, an outcome, a note code or an exit code.
    Explain {
        /// Its id: RV-02, `could_not_test`, N-TIME-003, 4.
        id: String,
    },
    /// List what the program knows.
    List {
        /// What to list.
        #[arg(value_parser = ["controls", "formats", "tables", "profiles", "instruments", "codes"])]
        what: String,
        /// An engagement whose checklists are added.
        #[arg(long, value_name = "DIR")]
        engagement: Option<PathBuf>,
        /// Form of the list.
        #[arg(long, value_enum, default_value_t = Form::Human)]
        format: Form,
    },
    /// Check checklists: every reference, every statement, and that the engine can plan each one.
    Lint {
        /// A folder of further checklist files, or an engagement.
        folder: Option<PathBuf>,
    },
    /// Run one SELECT over the canonical tables of the evidence.
    Query {
        /// An engagement, or a folder of evidence.
        folder: PathBuf,
        /// The statement.
        sql: String,
        /// Flags of all verbs that look at evidence.
        #[command(flatten)]
        common: Common,
        /// Form of the rows.
        #[arg(long, value_enum, default_value_t = Form::Human)]
        format: Form,
    },
    /// Write the canonical tables as Parquet and every bound statement as SQL, to run them elsewhere.
    Export {
        /// An engagement, or a folder of evidence.
        folder: PathBuf,
        /// Where to; it must not exist.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Flags of all verbs that look at evidence.
        #[command(flatten)]
        common: Common,
    },
}

/// What else `init` makes.
#[derive(Debug, Subcommand)]
pub enum InitVerb {
    /// Draft a format file from a file nobody has described yet: everything in it is proposed, nothing applied.
    Format {
        /// A file of that kind: a log, a register as CSV, XLSX or JSON.
        file: PathBuf,
        /// The table it is to feed (default: the one with most columns like those of the file).
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
        /// The sheet of a workbook (default: the first one).
        #[arg(long, value_name = "NAME")]
        sheet: Option<String>,
        /// The engagement in whose `checklists/formats/` it is made (default: it goes to standard output).
        #[arg(long, value_name = "DIR")]
        engagement: Option<PathBuf>,
    },
}

/// What `criteria` does.
#[derive(Debug, Subcommand)]
pub enum CriteriaVerb {
    /// Read a filled sheet into the engagement: its rows confirm the controls they name.
    Import {
        /// The workbook.
        file: PathBuf,
        /// The engagement.
        #[arg(long, value_name = "DIR")]
        engagement: PathBuf,
        /// Who confirms that the texts are the official ones.
        #[arg(long)]
        by: String,
        /// When (YYYY-MM-DD).
        #[arg(long)]
        on: jiff::civil::Date,
    },
    /// Write the sheet to fill, with our expected positions and paraphrases as a guide.
    Export {
        /// The engagement.
        #[arg(long, value_name = "DIR")]
        engagement: PathBuf,
        /// The workbook to write; it must not exist.
        file: PathBuf,
    },
}
