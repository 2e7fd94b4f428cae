//! Exit codes: one list, from which the help and `list codes` are made.

use std::process::ExitCode;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything evaluated, no exceptions.
    Clean,
    /// Exceptions noted.
    Exceptions,
    /// Usage or configuration.
    Usage,
    /// No usable evidence.
    NoEvidence,
    /// Something could not be tested, and no exceptions were noted.
    CouldNotTest,
    /// Evidence changed during the run, or a run folder is not as it was written.
    Integrity,
    /// A secret was found and the policy is to stop.
    Secret,
    /// A mistake in the program.
    Internal,
    /// An output cannot be created.
    CannotCreate,
    /// Reading or writing failed.
    Io,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// Every ending, with its number and meaning. When several apply, the first in the order
    /// 70, 74, 73, 5, 6, 2, 3, 1, 4, 0 wins.
    pub const ALL: [(Self, u8, &'static str); 11] = [
        (Self::Clean, 0, "all evaluated, no exceptions"),
        (Self::Exceptions, 1, "exceptions noted"),
        (Self::Usage, 2, "usage or configuration"),
        (Self::NoEvidence, 3, "no usable evidence"),
        (Self::CouldNotTest, 4, "something could not be tested, no exceptions"),
        (Self::Integrity, 5, "integrity failure: evidence changed during the run, or a run folder was altered"),
        (Self::Secret, 6, "a secret was found and the policy is to stop"),
        (Self::Internal, 70, "a mistake in the program"),
        (Self::CannotCreate, 73, "an output cannot be created"),
        (Self::Io, 74, "reading or writing failed"),
        (Self::Interrupted, 130, "interrupted"),
    ];

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        Self::ALL.iter().find(|(exit, ..)| *exit == self).map_or(70, |(_, number, _)| *number)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
