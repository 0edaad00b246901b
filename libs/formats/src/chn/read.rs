//! The CHN reader.

use super::{
    CHANNELS, FILE_TYPE, FIRST_CHANNEL, HEADER_BYTES, LIVE_TIME, MAX_TICKS, MCA_NUMBER, REAL_TIME,
    TICKS_PER_S, array, blocks, date::Start, trailer::Trailer,
};
use crate::{FormatError, Reading, WarningCode, calibration, spe::Times, text, warning::Warnings};
use assay_spectrum::Spectrum;

/// Reads a CHN file. All channels are kept as they are, the first and last ones too.
///
/// The calibration's 32-bit terms are read as the shortest decimal numbers that they stand for.
/// Detector number, detector description and peak shape become the blocks `SPEC_REM` and
/// `SHAPE_CAL`, as ORTEC's own programs call them.
///
/// # Units
/// Counts per channel; times in seconds, steps of 20 ms; calibration in keV over the channel's
/// centre.
///
/// # Errors
/// When the file is too large or empty, is of another type, declares no channels, holds fewer
/// counts than it declares, or when a term of its calibration is not finite.
///
/// # Source
/// ORTEC Software File Structure Manual (753800), integer data file `.CHN`.
pub fn read_chn(bytes: &[u8]) -> Result<Reading, FormatError> {
    text::check_size(bytes)?;
    let mut warnings = Warnings::default();
    let header = Header::read(bytes)?;
    let end = HEADER_BYTES + 4 * usize::from(header.channels);
    let counts = read_counts(bytes, &header, &mut warnings)?;
    let times = Times {
        live_s: seconds(header.live_ticks, LIVE_TIME, "live time", &mut warnings),
        real_s: seconds(header.real_ticks, REAL_TIME, "real time", &mut warnings),
    };
    times.warn(None, &mut warnings);
    let start_time = header.start.read(&mut warnings);
    let trailer = Trailer::read(&bytes[end..], end, &mut warnings)?;
    let mut blocks = blocks::of_fields(header.mca_number, &trailer.detector, trailer.shape);
    let date = header.start.text();
    if start_time.is_none() && !date.is_empty() {
        blocks.push(("DATE_MEA".to_owned(), date));
    }
    let spectrum = Spectrum {
        counts,
        first_channel: header.first_channel.into(),
        calibration: trailer.calibration,
        live_time_s: times.live_s,
        real_time_s: times.real_s,
        start_time,
        title: trailer.title,
        blocks,
    };
    if let Some(calibration) = &spectrum.calibration {
        calibration::warn_unless_rising(calibration, spectrum.end_channel(), &mut warnings);
    }
    Ok(Reading {
        spectrum,
        warnings: warnings.finish(),
        further_records: 0,
    })
}

struct Header {
    mca_number: i16,
    real_ticks: u32,
    live_ticks: u32,
    start: Start,
    first_channel: u16,
    channels: u16,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        let file_type = array(bytes, 0).map(i16::from_le_bytes);
        if let Some(found) = file_type.filter(|&found| found != FILE_TYPE) {
            return Err(FormatError::BinaryField {
                offset: 0,
                field: "the file type",
                value: found.to_string(),
                allowed: format!("{FILE_TYPE}, with which every CHN file begins"),
            });
        }
        let header = Self::fields(bytes).ok_or_else(|| FormatError::Truncated {
            size_bytes: bytes.len(),
            what: "the header".to_owned(),
            start: 0,
            end: HEADER_BYTES - 1,
        })?;
        if header.channels == 0 {
            return Err(FormatError::BinaryField {
                offset: CHANNELS,
                field: "the number of channels",
                value: header.channels.to_string(),
                allowed: format!("1 to {}", u16::MAX),
            });
        }
        Ok(header)
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            mca_number: i16::from_le_bytes(array(bytes, MCA_NUMBER)?),
            real_ticks: u32::from_le_bytes(array(bytes, REAL_TIME)?),
            live_ticks: u32::from_le_bytes(array(bytes, LIVE_TIME)?),
            start: Start::of(bytes)?,
            first_channel: u16::from_le_bytes(array(bytes, FIRST_CHANNEL)?),
            channels: u16::from_le_bytes(array(bytes, CHANNELS)?),
        })
    }
}

fn read_counts(
    bytes: &[u8],
    header: &Header,
    warnings: &mut Warnings,
) -> Result<Vec<u64>, FormatError> {
    let end = HEADER_BYTES + 4 * usize::from(header.channels);
    let data = bytes
        .get(HEADER_BYTES..end)
        .ok_or_else(|| FormatError::Truncated {
            size_bytes: bytes.len(),
            what: format!("the counts of {} channels", header.channels),
            start: HEADER_BYTES,
            end: end - 1,
        })?;
    let counts: Vec<u64> = data
        .chunks_exact(4)
        .map(|four| u64::from(u32::from_le_bytes([four[0], four[1], four[2], four[3]])))
        .collect();
    let marked = counts.iter().position(|&count| count > i32::MAX as u64);
    if let Some(index) = marked {
        warnings.add(WarningCode::LargeCounts, None, || {
            let (channel, offset) = (
                usize::from(header.first_channel) + index,
                HEADER_BYTES + 4 * index,
            );
            format!(
                "byte {offset}: channel {channel} holds {} counts, 2^31 or more; some \
                 instruments mark regions of interest in that bit",
                counts[index]
            )
        });
    }
    Ok(counts)
}

/// A time in seconds; `None` after a warning where it says nothing.
fn seconds(ticks: u32, at: usize, field: &str, warnings: &mut Warnings) -> Option<f64> {
    if ticks == 0 {
        warnings.add(WarningCode::TimeZero, None, || {
            format!("byte {at}: the {field} is zero; left out")
        });
        return None;
    }
    if ticks > MAX_TICKS {
        warnings.add(WarningCode::TimeUnusable, None, || {
            let signed = i64::from(ticks) - (1 << 32);
            format!("byte {at}: the {field} is {signed} times 20 ms, which is negative; left out")
        });
        return None;
    }
    Some(f64::from(ticks) / TICKS_PER_S)
}
