//! What the program may say of a test. It gives no verdict: the assessor judges, the PMA decides.

use serde::Serialize;

/// Tool outcomes, worst first: the order in which tests and segments combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one record departs from the criterion.
    Exceptions,
    /// Evidence is missing, incomplete or unreadable.
    CouldNotTest,
    /// A person's part is pending, or nobody has tested that the extract is complete.
    ProcedureOpen,
    /// The whole population was tested and none departs from the criterion.
    NoExceptions,
    /// Complete evidence, and nothing in it that the test is about.
    NothingToTest,
    /// Scope, reading or stage leave the control out.
    NotApplicable,
    /// No version of the instrument was in force.
    NotInForce,
}

impl Outcome {
    /// Every outcome, worst first.
    pub const ALL: [Self; 7] = [
        Self::Exceptions,
        Self::CouldNotTest,
        Self::ProcedureOpen,
        Self::NoExceptions,
        Self::NothingToTest,
        Self::NotApplicable,
        Self::NotInForce,
    ];

    /// The code in files.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Exceptions => "exceptions",
            Self::CouldNotTest => "could_not_test",
            Self::ProcedureOpen => "procedure_open",
            Self::NoExceptions => "no_exceptions",
            Self::NothingToTest => "nothing_to_test",
            Self::NotApplicable => "not_applicable",
            Self::NotInForce => "not_in_force",
        }
    }

    /// The words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Exceptions => "exceptions noted",
            Self::CouldNotTest => "could not test",
            Self::ProcedureOpen => "procedure open",
            Self::NoExceptions => "no exceptions noted",
            Self::NothingToTest => "nothing to test",
            Self::NotApplicable => "not applicable",
            Self::NotInForce => "not in force",
        }
    }

    /// What it means, for `explain`.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Exceptions => "at least one record departs from the criterion, and the evidence establishes it",
            Self::CouldNotTest => "evidence is missing, incomplete or unreadable; it gives no assurance either way",
            Self::ProcedureOpen => "a person's part is pending, or nobody has tested that the extract is complete",
            Self::NoExceptions => "the stated test found none in the stated population",
            Self::NothingToTest => "the evidence is shown complete and holds nothing that the test is about",
            Self::NotApplicable => "scope, reading or stage leave the control out; the reason is given",
            Self::NotInForce => "no version of the instrument was in force at the time",
        }
    }

    /// The outcome with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }
}
