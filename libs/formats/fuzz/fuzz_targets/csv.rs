//! No bytes may panic the CSV reader, and whatever it reads survives writing: the measurement at
//! once, its texts from the first writing on (a text that would begin a block is defused there).

#![no_main]

use assay_formats::{Format, read_csv, write_csv};
use assay_spectrum::{Recipe, Spectrum};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Format::detect(None, bytes);
    let Ok(reading) = read_csv(bytes) else { return };
    let _ = Recipe::default().apply(&reading.spectrum);
    let first = reading.spectrum;
    let once = rewritten(&first);
    assert_eq!(rewritten(&once), once);
    let Spectrum { title, blocks, .. } = first.clone();
    assert_eq!(
        Spectrum {
            title,
            blocks,
            ..once
        },
        first
    );
});

fn rewritten(spectrum: &Spectrum) -> Spectrum {
    match read_csv(&write_csv(spectrum)) {
        Ok(reading) => reading.spectrum,
        Err(error) => panic!("a written file is refused: {error}"),
    }
}
