//! No bytes may panic the CHN reader, and whatever it reads survives writing: the measurement at
//! once, its texts from the first writing on (long ones are cut there).

#![no_main]

use assay_formats::{Format, read_chn, write_chn};
use assay_spectrum::{Recipe, Spectrum};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Format::detect(None, bytes);
    let Ok(reading) = read_chn(bytes) else { return };
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
    match write_chn(spectrum).and_then(|bytes| read_chn(&bytes)) {
        Ok(reading) => reading.spectrum,
        Err(error) => panic!("a written file is refused: {error}"),
    }
}
