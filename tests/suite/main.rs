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

mod ca_logs;
mod cases;
mod corpus;
mod described;
#[allow(clippy::pedantic, reason = "the generator is checked as the example it is")]
#[path = "../../samples/generator/mod.rs"]
mod generator;
mod hostile;
mod laid_out;
mod lost;
mod module_logs;
mod objects;
mod plan;
mod program;
mod sample;
mod scans;
mod settings_and_clocks;
mod shown;
mod windows;
mod workbooks;
mod world;
mod year;
