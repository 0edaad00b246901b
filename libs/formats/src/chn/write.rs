//! The CHN writer.

use super::trailer::{DETECTOR, QUADRATIC, TERMS, TEXT_BYTES, TITLE, TRAILER_BYTES};
use super::{FILE_TYPE, HEADER_BYTES, MAX_TICKS, TICKS_PER_S, blocks, date};
use crate::FormatError;
use assay_spectrum::{EnergyCalibration, Spectrum};

/// Always this; a file holds one spectrum.
const FIRST_SEGMENT: i16 = 1;

/// Writes a spectrum as ORTEC's integer CHN.
///
/// Counts, first channel and start time come back the same by [`crate::read_chn`]. The format
/// rounds times to 20 ms and the terms of the calibration to 32 bits, ends the title after 63
/// bytes, and has no place for the zone of the start time nor for blocks other than `SPEC_REM`
/// (number and description of the detector) and `SHAPE_CAL`.
///
/// # Errors
/// When the format has no place for a count, a channel, a time, the year or the calibration.
pub fn write_chn(spectrum: &Spectrum) -> Result<Vec<u8>, FormatError> {
    let channels = channels(spectrum)?;
    let (mca_number, detector, shape) = blocks::to_fields(&spectrum.blocks);
    let (second, date_and_clock) = date::write(spectrum.start_time)?;
    let mut file = Vec::with_capacity(HEADER_BYTES + 4 * spectrum.counts.len() + TRAILER_BYTES);
    for number in [FILE_TYPE, mca_number, FIRST_SEGMENT] {
        file.extend(number.to_le_bytes());
    }
    file.extend(second);
    file.extend(ticks(spectrum.real_time_s, "a real time (s) of")?.to_le_bytes());
    file.extend(ticks(spectrum.live_time_s, "a live time (s) of")?.to_le_bytes());
    file.extend(date_and_clock);
    file.extend(first_channel(spectrum)?.to_le_bytes());
    file.extend(channels.to_le_bytes());
    for (index, &count) in spectrum.counts.iter().enumerate() {
        let count = u32::try_from(count).map_err(|_| {
            let channel = spectrum.first_channel as usize + index;
            refuse(
                format!("in channel {channel} a count of"),
                count,
                "0 to 4294967295",
            )
        })?;
        file.extend(count.to_le_bytes());
    }
    file.extend(trailer(spectrum, detector, shape)?);
    Ok(file)
}

fn refuse(
    field: impl Into<String>,
    value: impl ToString,
    allowed: impl Into<String>,
) -> FormatError {
    FormatError::NotWritable {
        format: "CHN",
        field: field.into(),
        value: value.to_string(),
        allowed: allowed.into(),
    }
}

fn channels(spectrum: &Spectrum) -> Result<u16, FormatError> {
    let found = spectrum.counts.len();
    u16::try_from(found)
        .ok()
        .filter(|&channels| channels > 0)
        .ok_or_else(|| refuse("a number of channels of", found, "1 to 65535"))
}

fn first_channel(spectrum: &Spectrum) -> Result<u16, FormatError> {
    let found = spectrum.first_channel;
    u16::try_from(found).map_err(|_| refuse("a first channel of", found, "0 to 65535"))
}

/// A time in steps of 20 ms; zero says that it is unknown.
fn ticks(time_s: Option<f64>, field: &str) -> Result<u32, FormatError> {
    let Some(time_s) = time_s else { return Ok(0) };
    let ticks = (time_s * TICKS_PER_S).round();
    if (1.0..=f64::from(MAX_TICKS)).contains(&ticks) {
        return Ok(ticks as u32);
    }
    let (least, most) = (0.5 / TICKS_PER_S, f64::from(MAX_TICKS) / TICKS_PER_S);
    Err(refuse(field, time_s, format!("{least} to {most}")))
}

fn trailer(
    spectrum: &Spectrum,
    detector: &str,
    shape: [f32; 3],
) -> Result<[u8; TRAILER_BYTES], FormatError> {
    let mut trailer = [0; TRAILER_BYTES];
    trailer[..2].copy_from_slice(&QUADRATIC.to_le_bytes());
    let calibration = spectrum.calibration.as_ref().map(terms).transpose()?;
    let terms = calibration.unwrap_or_default().into_iter().chain(shape);
    for (index, term) in terms.enumerate() {
        let at = TERMS + 4 * index;
        trailer[at..at + 4].copy_from_slice(&term.to_le_bytes());
    }
    for (at, text) in [(DETECTOR, detector), (TITLE, &spectrum.title)] {
        let ends = text.char_indices().map(|(start, c)| start + c.len_utf8());
        let end = ends
            .take_while(|&end| end <= TEXT_BYTES)
            .last()
            .unwrap_or(0);
        trailer[at] = end as u8;
        trailer[at + 1..=at + end].copy_from_slice(&text.as_bytes()[..end]);
    }
    Ok(trailer)
}

/// The calibration's terms in 32 bits.
fn terms(calibration: &EnergyCalibration) -> Result<[f32; 3], FormatError> {
    let terms = [
        calibration.intercept_kev,
        calibration.slope_kev_per_channel,
        calibration.quadratic_kev_per_channel2,
    ];
    let narrow = terms.map(|term| term as f32);
    let is_lost = |index: usize| {
        // A slope that vanishes would leave no calibration.
        let vanishes = index == 1 && narrow[1] == 0.0 && terms[1] != 0.0;
        vanishes || !narrow[index].is_finite()
    };
    match (0..3).find(|&index| is_lost(index)) {
        Some(index) => Err(refuse(
            "a term of the calibration of",
            terms[index],
            format!("numbers of 32 bits, up to {:e}", f32::MAX),
        )),
        None => Ok(narrow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_chn;
    use assay_spectrum::StartTime;

    fn spectrum() -> Spectrum {
        read_chn(&super::super::tests::sample()).unwrap().spectrum
    }

    #[test]
    fn a_file_comes_back_byte_for_byte() {
        assert_eq!(
            write_chn(&spectrum()).unwrap(),
            super::super::tests::sample()
        );
    }

    #[test]
    fn what_has_no_place_is_refused_and_named() {
        let base = spectrum();
        let late = StartTime::new([2100, 1, 1], [0, 0, 0]).unwrap();
        let calibration = |slope| Some(EnergyCalibration::new(0.0, slope, 0.0).unwrap());
        for (spectrum, words) in [
            (
                Spectrum {
                    counts: vec![],
                    ..base.clone()
                },
                "a number of channels of 0; allowed: 1 to 65535",
            ),
            (
                Spectrum {
                    counts: vec![0; 65536],
                    ..base.clone()
                },
                "a number of channels of 65536",
            ),
            (
                Spectrum {
                    first_channel: 65536,
                    ..base.clone()
                },
                "a first channel of 65536",
            ),
            (
                Spectrum {
                    counts: vec![0, 1 << 32],
                    ..base.clone()
                },
                "in channel 3 a count of 4294967296; allowed: 0 to 4294967295",
            ),
            (
                Spectrum {
                    live_time_s: Some(0.009),
                    ..base.clone()
                },
                "a live time (s) of 0.009; allowed: 0.01 to 42949672.94",
            ),
            (
                Spectrum {
                    real_time_s: Some(f64::NAN),
                    ..base.clone()
                },
                "a real time (s) of NaN",
            ),
            (
                Spectrum {
                    start_time: Some(late),
                    ..base.clone()
                },
                "a start in the year 2100; allowed: 1900 to 2099",
            ),
            (
                Spectrum {
                    calibration: calibration(1e39),
                    ..base.clone()
                },
                "a term of the calibration of 1000000000",
            ),
            (
                Spectrum {
                    calibration: calibration(1e-50),
                    ..base
                },
                "a term of the calibration of 0.000000",
            ),
        ] {
            let error = write_chn(&spectrum).unwrap_err().to_string();
            let words = format!("CHN cannot hold {words}");
            assert!(error.starts_with(&words), "{error}");
        }
    }

    #[test]
    fn long_texts_end_at_a_character() {
        let title = "µ".repeat(40);
        let spectrum = Spectrum {
            title,
            ..spectrum()
        };
        let reading = read_chn(&write_chn(&spectrum).unwrap()).unwrap();
        assert_eq!(reading.spectrum.title, "µ".repeat(31));
    }
}
