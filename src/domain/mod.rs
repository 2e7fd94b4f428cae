//! The nouns of the trade, shared by every stage. Nothing here reads a file or knows a format.

pub mod count;
pub mod digest;
pub mod evidence;
pub mod instant;
pub mod note;
pub mod outcome;
pub mod period;
pub(crate) mod secrets;
pub mod serial;
