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
#[allow(clippy::pedantic, reason = "the generator is checked as the example it is")]
#[path = "../../samples/generator/mod.rs"]
mod generator;
mod hostile;
mod laid_out;
mod lost;
mod objects;
mod plan;
mod program;
mod sample;
mod settings_and_clocks;
mod shown;
mod workbooks;
mod world;
mod year;
