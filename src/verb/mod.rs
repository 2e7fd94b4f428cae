//! What the command line does: one file for each verb. A verb gives its data as text for standard output
//! and says everything else on standard error; only [`Terminal`] writes to either.

pub mod cli;
pub mod criteria;
pub mod draft;
pub mod explain;
pub mod export;
pub mod init;
pub mod inventory;
pub mod lint;
pub mod list;
pub mod plan;
pub mod query;
pub mod recognition;
pub mod render;
pub mod run;

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use crate::Progress;
use crate::RunError;
use crate::collect::CollectError;
use crate::engine::EngineError;
use crate::exit::Exit;
use crate::inputs::InputsError;
use crate::report::folder::FolderError;
use crate::report::untrusted::visible;

/// Why a verb ended early: the exit code and the words.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// What happened.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with its words.
    #[must_use]
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Io, error.to_string())
    }
}

impl From<InputsError> for Failure {
    fn from(error: InputsError) -> Self {
        let hint = match &error {
            InputsError::Folder { .. } => Some("check the path; `assure init DIR` makes a new engagement"),
            InputsError::OutputsAmongEvidence { .. } => Some("use --out with a place outside the evidence, or run from another folder"),
            InputsError::Complaints(_) => None,
        };
        Self { exit: Exit::Usage, what: chain(&error), hint: hint.map(ToOwned::to_owned) }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let exit = match &error {
            EngineError::File { .. } => Exit::Io,
            EngineError::Statement(_) => Exit::Usage,
            EngineError::Panicked(_) => Exit::Internal,
        };
        Self::new(exit, chain(&error))
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        let exit = match &error {
            FolderError::Create { .. } => Exit::CannotCreate,
            FolderError::Write { .. } => Exit::Io,
            FolderError::Report { .. } => Exit::Internal,
            FolderError::Altered { .. } => Exit::Integrity,
        };
        let failure = Self::new(exit, chain(&error));
        if exit == Exit::Integrity { failure.hint("move the folder away, and run again") } else { failure }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Collect(error @ CollectError::Hashes { .. }) => Self::new(Exit::Usage, chain(&error)),
            RunError::Collect(error) => Self::new(Exit::NoEvidence, chain(&error)),
            RunError::Nothing { .. } => Self::new(Exit::NoEvidence, error.to_string()).hint("see what there is with `assure inventory`"),
            RunError::Secret { .. } => Self::new(Exit::Secret, error.to_string())
                .hint("treat it as a possible compromise under the operator's procedure, and remove it from the evidence"),
            RunError::Engine(EngineError::Statement(what)) => Self::new(Exit::Internal, what),
            RunError::Engine(error) => error.into(),
            RunError::Folder(error) => error.into(),
        }
    }
}

/// How much is said, and in which form data is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people.
    Human,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// Standard output and standard error.
pub struct Terminal {
    quiet: bool,
    bar: Option<ProgressBar>,
    stage: String,
}

impl Terminal {
    /// Progress shows on a terminal only.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        Self { quiet, bar: None, stage: String::new() }
    }

    /// Data. A closed pipe is a quiet end.
    ///
    /// # Errors
    /// [`Failure`] where writing fails otherwise.
    pub fn data(&mut self, text: &str) -> Result<(), Failure> {
        match io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(Failure::from),
        }
    }

    /// Talk: text that may hold evidence is made visible first.
    pub fn say(&mut self, text: &str) {
        if !self.quiet {
            self.always(text);
        }
    }

    /// Talk that `--quiet` does not silence.
    pub fn always(&mut self, text: &str) {
        self.clear();
        let mut out = io::stderr().lock();
        for line in text.split('\n') {
            // Nothing is left to tell it to.
            let _ = writeln!(out, "{}", visible(line));
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Terminal {
    fn stage(&mut self, name: &str, steps: u64) {
        self.clear();
        name.clone_into(&mut self.stage);
        if !self.quiet && io::stderr().is_terminal() {
            let bar = if steps == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(steps) };
            let style = if steps == 0 { "{msg}" } else { "{msg:<60!} {pos}/{len} {eta}" };
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(name.to_owned());
            bar.tick();
            self.bar = Some(bar);
        }
    }

    fn step(&mut self, name: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{} {}", self.stage, visible(name)));
            bar.inc(1);
        }
    }
}
