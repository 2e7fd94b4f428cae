//! The nouns of the trade, shared by every stage. Nothing here reads a file or knows a format.

pub(crate) mod ber;
pub mod count;
pub(crate) mod der_kind;
pub mod digest;
pub mod evidence;
pub mod instant;
pub mod note;
pub mod outcome;
pub mod pattern;
pub mod period;
pub(crate) mod secret_names;
pub(crate) mod secrets;
pub mod serial;
mod steps;
mod triggers;
