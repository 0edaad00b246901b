//! No bytes may panic the N42 reader, and whatever it reads survives writing.

#![no_main]

#[path = "../../tests/survives/mod.rs"]
#[expect(dead_code, reason = "each target uses one format of four")]
mod survives;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| survives::n42(bytes));
