//! `cargo fuzz run spe seeds/spe`: no bytes may panic the SPE reader, and whatever it reads is
//! read back the same after writing.

#![no_main]

use assay_formats::{Format, read_spe, write_spe};
use assay_spectrum::Recipe;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Format::detect(None, bytes);
    let Ok(reading) = read_spe(bytes) else { return };
    let _ = Recipe::default().apply(&reading.spectrum);
    let again = match read_spe(&write_spe(&reading.spectrum)) {
        Ok(reading) => reading.spectrum,
        Err(error) => panic!("a written file is refused: {error}"),
    };
    assert_eq!(again, reading.spectrum);
});
