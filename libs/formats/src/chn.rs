//! ORTEC's integer spectra (`.CHN`): a header of 32 bytes, counts of 32 bits each, a trailer of
//! 512 bytes, all little-endian. Here: where things stand in them.

mod blocks;
mod date;
mod read;
mod trailer;
mod write;

pub use read::read_chn;
pub use write::write_chn;

/// The file type in the first two bytes.
const FILE_TYPE: i16 = -1;

const HEADER_BYTES: usize = 32;
const MCA_NUMBER: usize = 2;
const START_SECOND: usize = 6;
const REAL_TIME: usize = 8;
const LIVE_TIME: usize = 12;
const START_DATE: usize = 16;
const START_CLOCK: usize = 24;
const FIRST_CHANNEL: usize = 28;
const CHANNELS: usize = 30;

/// Times are whole numbers of 20 ms.
const TICKS_PER_S: f64 = 50.0;
/// The largest number of ticks that is no negative number to those who read it as signed.
const MAX_TICKS: u32 = i32::MAX as u32;

/// Whether a file begins with the file type of a CHN file; no text does.
pub(crate) fn looks_like_chn(bytes: &[u8]) -> bool {
    bytes.starts_with(&FILE_TYPE.to_le_bytes())
}

/// A number of fixed width at an offset.
fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FormatError, WarningCode as Code, read, read_chn};

    /// Four channels from channel 2 on, 90.5 s of 100 s, energies −1.5 + 0.5 i + 1e-5 i².
    pub(super) fn sample() -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((-1i16).to_le_bytes());
        bytes.extend(7i16.to_le_bytes());
        bytes.extend(1i16.to_le_bytes());
        bytes.extend(b"05");
        bytes.extend(5000u32.to_le_bytes());
        bytes.extend(4525u32.to_le_bytes());
        bytes.extend(b"14May1811017");
        bytes.extend(2u16.to_le_bytes());
        bytes.extend(4u16.to_le_bytes());
        for count in [11u32, 12, 0, 4_000_000_000] {
            bytes.extend(count.to_le_bytes());
        }
        bytes.extend((-102i16).to_le_bytes());
        bytes.extend([0; 2]);
        for term in [-1.5f32, 0.5, 1e-5, 3.0, 0.25, 0.0] {
            bytes.extend(term.to_le_bytes());
        }
        bytes.resize(HEADER_BYTES + 16 + 256, 0);
        for text in ["HPGe 2", "No. 5 µ"] {
            bytes.push(text.len() as u8);
            bytes.extend(text.as_bytes());
            bytes.resize(bytes.len() + 63 - text.len(), 0);
        }
        bytes.resize(HEADER_BYTES + 16 + 512, 0);
        bytes
    }

    fn with(offset: usize, new: &[u8]) -> Vec<u8> {
        let mut bytes = sample();
        bytes[offset..offset + new.len()].copy_from_slice(new);
        bytes
    }

    fn codes(bytes: &[u8]) -> Vec<Code> {
        let warnings = read_chn(bytes).unwrap().warnings;
        warnings.iter().map(|warning| warning.code).collect()
    }

    #[test]
    fn every_field_is_read() {
        let reading = read(&sample(), None).unwrap();
        let spectrum = reading.spectrum;
        assert_eq!(spectrum.counts, [11, 12, 0, 4_000_000_000]);
        assert_eq!(spectrum.first_channel, 2);
        assert_eq!(
            (spectrum.live_time_s, spectrum.real_time_s),
            (Some(90.5), Some(100.0))
        );
        let calibration = spectrum.calibration.unwrap();
        assert_eq!(
            [
                calibration.intercept_kev,
                calibration.slope_kev_per_channel,
                calibration.quadratic_kev_per_channel2
            ],
            [-1.5, 0.5, 1e-5]
        );
        let start = spectrum.start_time.unwrap().to_string();
        assert_eq!(start, "2018-05-14T10:17:05");
        assert_eq!(spectrum.title, "No. 5 µ");
        let blocks = [
            ("SPEC_REM", "DET# 7\nDETDESC# HPGe 2"),
            ("SHAPE_CAL", "3\n3 0.25 0"),
        ];
        assert_eq!(
            spectrum.blocks,
            blocks.map(|(name, text)| (name.to_owned(), text.to_owned()))
        );
        assert_eq!(codes(&sample()), [Code::LargeCounts]);
    }

    #[test]
    fn sloppiness_is_forgiven_with_a_warning() {
        let whole = sample().len();
        let trailer = HEADER_BYTES + 16;
        for (bytes, expected) in [
            (sample()[..whole - 1].to_vec(), Code::TrailerIncomplete),
            (sample()[..trailer].to_vec(), Code::CalibrationMissing),
            ([&sample()[..], b"xyz"].concat(), Code::TrailingBytes),
            (with(trailer, &[1, 0]), Code::TrailerIncomplete),
            (with(trailer + 4, &[0; 12]), Code::CalibrationAllZero),
            (with(trailer + 8, &[0; 8]), Code::CalibrationNotIncreasing),
            (with(trailer + 320, &[64]), Code::TextUnusable),
            (with(trailer + 321, &[0xb5]), Code::Latin1Text),
            (with(LIVE_TIME, &[0; 4]), Code::TimeZero),
            (with(LIVE_TIME, &[0xff; 4]), Code::TimeUnusable),
            (with(LIVE_TIME, &[0xff, 0xff]), Code::LiveExceedsReal),
            (with(START_DATE, &[0; 8]), Code::DateMissing),
            (with(START_DATE, b"31Feb181"), Code::DateUnusable),
            (with(START_DATE, b"14Mai181"), Code::DateUnusable),
            (with(START_CLOCK, b"2560"), Code::DateUnusable),
            (with(START_CLOCK, &[0; 4]), Code::DateClipped),
        ] {
            assert!(codes(&bytes).contains(&expected), "{expected:?}");
            assert_eq!(read_chn(&bytes).unwrap().spectrum.counts.len(), 4);
        }
    }

    #[test]
    fn refusals_name_offset_field_value_and_range() {
        let nan = with(HEADER_BYTES + 16 + 8, &f32::NAN.to_le_bytes());
        for (bytes, start) in [
            (with(0, &[0xfe]), "byte 0: the file type is -2; allowed: -1"),
            (
                with(CHANNELS, &[0; 2]),
                "byte 30: the number of channels is 0; allowed: 1 to 65535",
            ),
            (
                with(CHANNELS, &[133, 0]),
                "the file ends after 560 bytes, inside the counts of 133 channels (bytes 32 to 563)",
            ),
            (
                sample()[..31].to_vec(),
                "the file ends after 31 bytes, inside the header (bytes 0 to 31)",
            ),
            (nan, "byte 56: the slope of the calibration is NaN"),
        ] {
            let error = read_chn(&bytes).unwrap_err().to_string();
            assert!(error.starts_with(start), "{error}");
        }
        assert_eq!(read_chn(b""), Err(FormatError::Empty));
    }

    #[test]
    fn the_linear_trailer_has_two_terms_and_a_width() {
        let trailer = HEADER_BYTES + 16;
        let linear = with(trailer, &(-101i16).to_le_bytes());
        let reading = read_chn(&linear).unwrap();
        let calibration = reading.spectrum.calibration.unwrap();
        assert_eq!(calibration.quadratic_kev_per_channel2, 0.0);
        assert_eq!(calibration.slope_kev_per_channel, 0.5);
        let shape = ("SHAPE_CAL".to_owned(), "3\n0.00001 3 0".to_owned());
        assert!(reading.spectrum.blocks.contains(&shape));
    }
}
