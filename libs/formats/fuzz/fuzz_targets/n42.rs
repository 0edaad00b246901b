//! No bytes may panic the N42 reader, and whatever it reads survives writing: the measurement at
//! once, its texts from the first writing on; the calibration up to rounding.

#![no_main]

use assay_formats::{Format, read_n42, write_n42};
use assay_spectrum::{EnergyCalibration, Recipe, Spectrum};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Format::detect(None, bytes);
    let Ok(reading) = read_n42(bytes) else { return };
    let _ = Recipe::default().apply(&reading.spectrum);
    let first = reading.spectrum;
    let once = rewritten(&first);
    let twice = rewritten(&once);
    assert_same_energies(&first, &once);
    let calibration = once.calibration;
    assert_eq!(
        Spectrum {
            calibration,
            ..twice
        },
        once
    );
    let Spectrum {
        title,
        blocks,
        calibration,
        ..
    } = first.clone();
    assert_eq!(
        Spectrum {
            title,
            blocks,
            calibration,
            ..once
        },
        first
    );
});

fn rewritten(spectrum: &Spectrum) -> Spectrum {
    match read_n42(&write_n42(spectrum)) {
        Ok(reading) => reading.spectrum,
        Err(error) => panic!("a written file is refused: {error}"),
    }
}

fn assert_same_energies(a: &Spectrum, b: &Spectrum) {
    let terms = |c: EnergyCalibration| {
        [
            c.intercept_kev,
            c.slope_kev_per_channel,
            c.quadratic_kev_per_channel2,
        ]
    };
    let (Some(a), Some(b)) = (a.calibration.map(terms), b.calibration.map(terms)) else {
        assert_eq!(a.calibration.is_some(), b.calibration.is_some());
        return;
    };
    let scale = a.iter().fold(0.0, |scale: f64, term| scale.max(term.abs()));
    for (a, b) in a.into_iter().zip(b) {
        assert!((a - b).abs() <= 1e-13 * scale, "{a} became {b}");
    }
}
