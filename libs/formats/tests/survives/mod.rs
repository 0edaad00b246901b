//! What must hold for any bytes: no reader panics, and what one reads survives writing: the
//! measurement at once, its texts from the first writing on (those that would begin a block are
//! defused there, long ones are cut). The fuzz targets and the tests over the seeds share this.

#![expect(clippy::panic, reason = "a check fails by panicking")]

use assay_formats::{
    Format, FormatError, Reading, read_chn, read_csv, read_n42, read_spe, write_chn, write_csv,
    write_n42, write_spe,
};
use assay_spectrum::{EnergyCalibration, Recipe, Spectrum};

type Read = fn(&[u8]) -> Result<Reading, FormatError>;

/// SPE.
pub(crate) fn spe(bytes: &[u8]) {
    texts_settle(bytes, read_spe, write_spe);
}

/// CSV.
pub(crate) fn csv(bytes: &[u8]) {
    texts_settle(bytes, read_csv, write_csv);
}

/// CHN.
pub(crate) fn chn(bytes: &[u8]) {
    texts_settle(bytes, read_chn, |spectrum| match write_chn(spectrum) {
        Ok(bytes) => bytes,
        Err(error) => panic!("what was read cannot be written: {error}"),
    });
}

/// N42, whose calibration is kept up to rounding.
pub(crate) fn n42(bytes: &[u8]) {
    let Some(first) = accepted(bytes, read_n42) else {
        return;
    };
    let once = rewritten(&first, read_n42, write_n42);
    let twice = rewritten(&once, read_n42, write_n42);
    assert_same_energies(&first, &once);
    let calibration = once.calibration;
    assert_eq!(
        Spectrum {
            calibration,
            ..twice
        },
        once
    );
    let calibration = first.calibration;
    assert_eq!(
        with_texts_of(
            &first,
            Spectrum {
                calibration,
                ..once
            }
        ),
        first
    );
}

fn texts_settle(bytes: &[u8], read: Read, write: impl Fn(&Spectrum) -> Vec<u8>) {
    let Some(first) = accepted(bytes, read) else {
        return;
    };
    let once = rewritten(&first, read, &write);
    assert_eq!(rewritten(&once, read, &write), once);
    assert_eq!(with_texts_of(&first, once), first);
}

fn accepted(bytes: &[u8], read: Read) -> Option<Spectrum> {
    let _ = Format::detect(None, bytes);
    let spectrum = read(bytes).ok()?.spectrum;
    let _ = Recipe::default().apply(&spectrum);
    Some(spectrum)
}

fn rewritten(spectrum: &Spectrum, read: Read, write: impl Fn(&Spectrum) -> Vec<u8>) -> Spectrum {
    match read(&write(spectrum)) {
        Ok(reading) => reading.spectrum,
        Err(error) => panic!("a written file is refused: {error}"),
    }
}

fn with_texts_of(texts: &Spectrum, measurement: Spectrum) -> Spectrum {
    let Spectrum { title, blocks, .. } = texts.clone();
    Spectrum {
        title,
        blocks,
        ..measurement
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
