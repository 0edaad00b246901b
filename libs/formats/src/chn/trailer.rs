//! The 512 bytes behind the counts: calibration, peak shape, two texts.

use super::array;
use crate::{FormatError, WarningCode, text, warning::Warnings};
use assay_spectrum::EnergyCalibration;

pub(super) const TRAILER_BYTES: usize = 512;

/// Trailer with quadratic energy calibration and peak shape.
pub(super) const QUADRATIC: i16 = -102;
/// Trailer with linear energy calibration and peak width.
const LINEAR: i16 = -101;

/// The calibration's terms, then those of the peak shape.
pub(super) const TERMS: usize = 4;
pub(super) const DETECTOR: usize = 256;
pub(super) const TITLE: usize = 320;
/// Longest text in bytes; its length stands in front of it.
pub(super) const TEXT_BYTES: usize = 63;

const TERM_NAMES: [&str; 3] = [
    "the intercept of the calibration",
    "the slope of the calibration",
    "the quadratic term of the calibration",
];

/// What the trailer says.
#[derive(Default)]
pub(super) struct Trailer {
    pub(super) calibration: Option<EnergyCalibration>,
    /// Width of peaks over the channel: constant, linear and quadratic term.
    pub(super) shape: Option<[f32; 3]>,
    pub(super) detector: String,
    pub(super) title: String,
}

impl Trailer {
    /// Reads what follows the counts at `offset` of the file.
    ///
    /// # Errors
    /// When a term of the calibration is NaN or infinite.
    pub(super) fn read(
        bytes: &[u8],
        offset: usize,
        warnings: &mut Warnings,
    ) -> Result<Self, FormatError> {
        let bytes = within_bounds(bytes, offset, warnings);
        let kind = array(bytes, 0).map(i16::from_le_bytes);
        let given = match kind {
            Some(QUADRATIC) => 3,
            Some(LINEAR) => 2,
            Some(other) => {
                warnings.add(WarningCode::TrailerIncomplete, None, || {
                    format!(
                        "byte {offset}: the trailer is of kind {other}, neither {QUADRATIC} nor \
                         {LINEAR}; it was left out"
                    )
                });
                0
            }
            None => 0,
        };
        if given == 0 {
            warnings.add(WarningCode::CalibrationMissing, None, || {
                "the file has no usable energy calibration".to_owned()
            });
            return Ok(Self::default());
        }
        Ok(Self {
            calibration: calibration(bytes, given, offset, warnings)?,
            shape: shape(bytes, given),
            detector: text_at(bytes, DETECTOR, offset, warnings),
            title: text_at(bytes, TITLE, offset, warnings),
        })
    }
}

/// The trailer alone, with a warning where it is short or something follows it.
fn within_bounds<'a>(bytes: &'a [u8], offset: usize, warnings: &mut Warnings) -> &'a [u8] {
    let found = bytes.len();
    if found < TRAILER_BYTES {
        warnings.add(WarningCode::TrailerIncomplete, None, || {
            format!(
                "byte {offset}: the trailer has {found} of {TRAILER_BYTES} bytes; what is whole \
                 was read"
            )
        });
    } else if found > TRAILER_BYTES {
        let (extra, end) = (found - TRAILER_BYTES, offset + TRAILER_BYTES);
        warnings.add(WarningCode::TrailingBytes, None, || {
            format!("byte {end}: {extra} bytes follow the trailer; they were left out")
        });
    }
    &bytes[..found.min(TRAILER_BYTES)]
}

fn calibration(
    bytes: &[u8],
    given: usize,
    offset: usize,
    warnings: &mut Warnings,
) -> Result<Option<EnergyCalibration>, FormatError> {
    let mut terms = [0.0; 3];
    for (index, term) in terms.iter_mut().enumerate().take(given) {
        let at = TERMS + 4 * index;
        let Some(value) = array(bytes, at).map(f32::from_le_bytes) else {
            warnings.add(WarningCode::CalibrationMissing, None, || {
                "the trailer ends inside the energy calibration".to_owned()
            });
            return Ok(None);
        };
        if !value.is_finite() {
            return Err(FormatError::BinaryField {
                offset: offset + at,
                field: TERM_NAMES[index],
                value: value.to_string(),
                allowed: "a finite number".to_owned(),
            });
        }
        *term = as_meant(value);
    }
    let [
        intercept_kev,
        slope_kev_per_channel,
        quadratic_kev_per_channel2,
    ] = terms;
    if terms == [0.0; 3] {
        warnings.add(WarningCode::CalibrationAllZero, None, || {
            "all terms of the energy calibration are zero; the spectrum counts as not calibrated"
                .to_owned()
        });
        return Ok(None);
    }
    Ok(Some(EnergyCalibration {
        intercept_kev,
        slope_kev_per_channel,
        quadratic_kev_per_channel2,
    }))
}

/// The number that was rounded to 32 bits: the one with the fewest digits among all that are
/// rounded so, because calibrations are typed and printed with few digits.
fn as_meant(value: f32) -> f64 {
    value
        .to_string()
        .parse()
        .unwrap_or_else(|_| f64::from(value))
}

fn shape(bytes: &[u8], given: usize) -> Option<[f32; 3]> {
    let mut shape = [0.0; 3];
    for (index, term) in shape.iter_mut().enumerate().take(given) {
        *term = array(bytes, TERMS + 4 * (given + index)).map(f32::from_le_bytes)?;
    }
    let says_something = shape.iter().all(|term| term.is_finite()) && shape != [0.0; 3];
    says_something.then_some(shape)
}

fn text_at(bytes: &[u8], at: usize, offset: usize, warnings: &mut Warnings) -> String {
    let Some((&length, rest)) = bytes.get(at..).and_then(<[u8]>::split_first) else {
        return String::new();
    };
    let length = usize::from(length);
    if length > TEXT_BYTES {
        warnings.add(WarningCode::TextUnusable, None, || {
            let at = offset + at;
            format!("byte {at}: a text of {length} bytes in a place for {TEXT_BYTES}; cut off")
        });
    }
    let text = &rest[..length.min(TEXT_BYTES).min(rest.len())];
    let end = text.iter().position(|&byte| byte == 0);
    let text = text::to_string(&text[..end.unwrap_or(text.len())], None, warnings);
    crate::spe::title(&text)
}
