//! The program, tested from outside.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that meets the unexpected should fail there and then"
)]

mod cases;
mod corpus;
mod hostile;
mod laid_out;
mod lost;
mod program;
mod sample;
mod shown;
mod world;
