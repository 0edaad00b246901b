//! Says in what a spectrum is unlike those a model was trained on. Never decides: the gate does.

use crate::answer::{AnswerWarning, AnswerWarningCode, DriftCode};
use crate::bundle::TrainingRange;
use assay_spectrum::{Recipe, Spectrum, SpectrumError, Transform};

/// Below this many counts the logarithm shows mostly the noise floor.
const FEW_COUNTS: u64 = 100_000;
const HIGH_DEAD_TIME: f64 = 0.5;
/// Instruments are recalibrated by less than this without being another instrument.
const SLOPE_MARGIN: f64 = 0.01;

/// All oddities of one spectrum.
///
/// # Errors
/// When the spectrum has no usable calibration.
pub(crate) fn warnings(
    spectrum: &Spectrum,
    recipe: &Recipe,
    training: &TrainingRange,
) -> Result<Vec<AnswerWarning>, SpectrumError> {
    let found = [
        coverage(spectrum, recipe)?,
        low_counts(spectrum, recipe, training),
        dead_time(spectrum),
        calibration_slope(spectrum, training),
    ];
    Ok(found.into_iter().flatten().collect())
}

fn warning(code: DriftCode, message: String) -> Option<AnswerWarning> {
    Some(AnswerWarning {
        code: AnswerWarningCode::Drift(code),
        message,
    })
}

fn coverage(spectrum: &Spectrum, recipe: &Recipe) -> Result<Option<AnswerWarning>, SpectrumError> {
    let coverage = recipe.coverage(spectrum)?;
    if coverage >= 1.0 {
        return Ok(None);
    }
    let (lo_kev, hi_kev) = recipe.energy_range_kev();
    Ok(warning(
        DriftCode::Coverage,
        format!(
            "the spectrum covers {:.2} % of {lo_kev:.0} to {hi_kev:.0} keV; its outermost counts \
             stand for the rest",
            100.0 * coverage
        ),
    ))
}

fn low_counts(
    spectrum: &Spectrum,
    recipe: &Recipe,
    training: &TrainingRange,
) -> Option<AnswerWarning> {
    let Transform::Log { .. } = recipe.transform else {
        return None;
    };
    let total = spectrum.total_counts();
    if total >= FEW_COUNTS || total >= training.total_counts.0 {
        return None;
    }
    warning(
        DriftCode::LowCounts,
        format!(
            "the spectrum has {total} counts; below {FEW_COUNTS} its logarithm is mostly noise, \
             and the training spectra had {} or more: measure longer",
            training.total_counts.0
        ),
    )
}

fn dead_time(spectrum: &Spectrum) -> Option<AnswerWarning> {
    let fraction = spectrum.dead_time_fraction()?;
    if fraction <= HIGH_DEAD_TIME {
        return None;
    }
    warning(
        DriftCode::DeadTime,
        format!(
            "the detector was dead for {:.0} % of the time; peaks may be shifted and piled up \
             above {:.0} %",
            100.0 * fraction,
            100.0 * HIGH_DEAD_TIME
        ),
    )
}

fn calibration_slope(spectrum: &Spectrum, training: &TrainingRange) -> Option<AnswerWarning> {
    let slope = spectrum.calibration?.slope_kev_per_channel;
    let (low, high) = training.slope_kev_per_channel?;
    if slope >= low * (1.0 - SLOPE_MARGIN) && slope <= high * (1.0 + SLOPE_MARGIN) {
        return None;
    }
    warning(
        DriftCode::CalibrationSlope,
        format!(
            "the calibration's slope is {slope} keV per channel; the training spectra had {low} \
             to {high}: the instrument or its calibration is another one"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_spectrum::EnergyCalibration;

    fn spectrum(slope: f64, count: u64) -> Spectrum {
        Spectrum {
            calibration: Some(EnergyCalibration::new(0.0, slope, 0.0).unwrap()),
            live_time_s: Some(60.0),
            real_time_s: Some(100.0),
            ..Spectrum::from_counts(vec![count; 16384])
        }
    }

    fn codes(spectrum: &Spectrum) -> Vec<DriftCode> {
        let training = TrainingRange {
            total_counts: (400_000, 2_000_000),
            slope_kev_per_channel: Some((0.6, 0.72)),
        };
        warnings(spectrum, &Recipe::default(), &training)
            .unwrap()
            .into_iter()
            .map(|warning| match warning.code {
                AnswerWarningCode::Drift(code) => code,
                AnswerWarningCode::Reader(_) => panic!("{warning:?}"),
            })
            .collect()
    }

    #[test]
    fn an_ordinary_spectrum_has_none() {
        assert_eq!(codes(&spectrum(0.7, 100)), []);
    }

    #[test]
    fn each_oddity_is_found_alone() {
        assert_eq!(codes(&spectrum(0.7, 2)), [DriftCode::LowCounts]);
        assert_eq!(codes(&spectrum(0.75, 100)), [DriftCode::CalibrationSlope]);
        let dead = Spectrum {
            live_time_s: Some(40.0),
            ..spectrum(0.7, 100)
        };
        assert_eq!(codes(&dead), [DriftCode::DeadTime]);
        let short = Spectrum {
            counts: vec![100; 10_850],
            ..spectrum(0.7, 100)
        };
        assert_eq!(codes(&short), [DriftCode::Coverage]);
    }
}
