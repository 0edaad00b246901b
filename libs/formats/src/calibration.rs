//! Which energy calibration a file means, where it may state one twice.

use crate::{FormatError, WarningCode, number, text::Lines, warning::Warnings};
use assay_spectrum::EnergyCalibration;

/// The terms of one calibration block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Terms {
    pub(crate) line: usize,
    values: [f64; 3],
    given: usize,
}

impl Terms {
    pub(crate) fn calibration(&self) -> EnergyCalibration {
        let [
            intercept_kev,
            slope_kev_per_channel,
            quadratic_kev_per_channel2,
        ] = self.values;
        EnergyCalibration {
            intercept_kev,
            slope_kev_per_channel,
            quadratic_kev_per_channel2,
        }
    }

    fn is_zero(&self) -> bool {
        self.values.iter().all(|&value| value == 0.0)
    }

    /// Whether both say the same, as far as both say anything.
    fn agrees_with(&self, other: &Self) -> bool {
        let given = self.given.min(other.given);
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-4 * a.abs().max(b.abs()) + 1e-12;
        self.values[..given]
            .iter()
            .zip(&other.values[..given])
            .all(close)
    }
}

/// Terms from the body of `$ENER_FIT` (intercept, slope and more) or `$MCA_CAL` (their number
/// first); a unit may follow. `None` after a warning where they cannot be understood.
///
/// # Errors
/// When a term is NaN or infinite.
pub(crate) fn read_terms(
    body: Lines<'_>,
    block: &'static str,
    count_first: bool,
    warnings: &mut Warnings,
) -> Result<Option<Terms>, FormatError> {
    let line = body.number;
    let mut tokens = body.flat_map(|line| {
        let tokens = line
            .bytes
            .split(u8::is_ascii_whitespace)
            .filter(|token| !token.is_empty());
        tokens.map(move |token| (line.number, token))
    });
    let unusable = |warnings: &mut Warnings, why: String| {
        warnings.add(WarningCode::CalibrationUnusable, line, || {
            format!("{block}: {why}")
        });
        Ok(None)
    };
    if count_first
        && tokens
            .next()
            .and_then(|(_, token)| number::float(token))
            .is_none()
    {
        return unusable(warnings, "the number of terms is missing".to_owned());
    }
    let (mut values, mut given) = ([0.0; 3], 0);
    for (line, token) in tokens {
        match number::float(token) {
            Some(value) if !value.is_finite() => {
                return Err(FormatError::field(line, block, token, "finite numbers"));
            }
            Some(value) => {
                if let Some(term) = values.get_mut(given) {
                    *term = value;
                } else if value != 0.0 {
                    warnings.add(WarningCode::CalibrationTermsLeftOut, line, || {
                        format!("{block} has a term {value:e} above the quadratic one; left out")
                    });
                }
                given += 1;
            }
            None if given >= 2 && token.eq_ignore_ascii_case(b"keV") => break,
            None => {
                let shown = crate::error::shorten(token);
                return unusable(warnings, format!("{shown:?} is neither a number nor keV"));
            }
        }
    }
    if given < 2 {
        return unusable(
            warnings,
            format!("{given} terms; intercept and slope are needed"),
        );
    }
    Ok(Some(Terms {
        line,
        values,
        given: given.min(3),
    }))
}

/// The calibration that counts. `$ENER_FIT` wins a contradiction, because the published data
/// were made with it; where both agree, the one with more terms is taken.
pub(crate) fn choose(
    fit: Option<Terms>,
    full: Option<Terms>,
    warnings: &mut Warnings,
) -> Option<EnergyCalibration> {
    let all_zero = [&fit, &full]
        .iter()
        .any(|terms| terms.is_some_and(|terms| terms.is_zero()));
    let useful = |terms: Option<Terms>| terms.filter(|terms| !terms.is_zero());
    let chosen = match (useful(fit), useful(full)) {
        (Some(fit), Some(full)) if fit.agrees_with(&full) => {
            if full.given > fit.given {
                full
            } else {
                fit
            }
        }
        (Some(fit), Some(full)) => {
            warnings.add(WarningCode::CalibrationsDisagree, full.line, || {
                let (a, b) = (fit.values, full.values);
                format!("$ENER_FIT says {a:?} and $MCA_CAL {b:?}; $ENER_FIT was taken")
            });
            fit
        }
        (Some(terms), None) | (None, Some(terms)) => terms,
        (None, None) if all_zero => {
            warnings.add(WarningCode::CalibrationAllZero, None, || {
                "all terms of the energy calibration are zero; the spectrum counts as not \
                 calibrated"
                    .to_owned()
            });
            return None;
        }
        (None, None) => {
            warnings.add(WarningCode::CalibrationMissing, None, || {
                "the file has no usable energy calibration".to_owned()
            });
            return None;
        }
    };
    Some(chosen.calibration())
}

/// Warns of a calibration that later steps will refuse.
pub(crate) fn warn_unless_rising(
    calibration: &EnergyCalibration,
    end_channel: usize,
    warnings: &mut Warnings,
) {
    if let Err(error) = calibration.check(end_channel) {
        warnings.add(WarningCode::CalibrationNotIncreasing, None, || {
            error.to_string()
        });
    }
}
