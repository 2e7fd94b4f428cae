//! A returned criteria sheet of any octets is rows or a reason.
#![no_main]

use assure::verb::criteria::cells;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let _ = cells(octets);
});
