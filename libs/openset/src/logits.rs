//! Detectors that need nothing but a classifier's logits.

use crate::{
    detector::{Detector, DetectorSpec},
    error::OpenSetError,
    sample::Sample,
};

/// Negative free energy of the logits: `T·ln Σ exp(l/T)`.
///
/// # Source
/// Liu et al., NeurIPS 2020, equation 4 with the sign turned, so that more is more inlier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Energy {
    temperature: f64,
}

impl Energy {
    pub(crate) const NAME: &str = "energy";

    /// A detector of one temperature.
    ///
    /// # Errors
    /// When the temperature is not a finite number above 0.
    pub fn new(temperature: f64) -> Result<Self, OpenSetError> {
        if temperature.is_finite() && temperature > 0.0 {
            Ok(Self { temperature })
        } else {
            Err(OpenSetError::Temperature { temperature })
        }
    }
}

impl Detector for Energy {
    fn spec(&self) -> DetectorSpec {
        DetectorSpec::Energy {
            temperature: self.temperature,
        }
    }

    fn score(&self, sample: Sample<'_>) -> Result<f64, OpenSetError> {
        let logits = sample.finite_logits(Self::NAME)?;
        let scaled: Vec<f64> = logits.iter().map(|l| l / self.temperature).collect();
        Ok(self.temperature * log_sum_exp(&scaled))
    }
}

/// Largest class probability.
///
/// # Source
/// Hendrycks and Gimpel, ICLR 2017.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Softmax;

impl Softmax {
    pub(crate) const NAME: &str = "softmax";
}

impl Detector for Softmax {
    fn spec(&self) -> DetectorSpec {
        DetectorSpec::Softmax
    }

    fn score(&self, sample: Sample<'_>) -> Result<f64, OpenSetError> {
        let logits = sample.finite_logits(Self::NAME)?;
        Ok(1.0 / exponentials(&logits).1)
    }
}

/// `ln Σ exp(x)`, shifted by the maximum so that nothing overflows.
fn log_sum_exp(values: &[f64]) -> f64 {
    let (max, sum) = exponentials(values);
    max + sum.ln()
}

fn exponentials(values: &[f64]) -> (f64, f64) {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (max, values.iter().map(|x| (x - max).exp()).sum())
}

/// Class probabilities of finite logits.
pub(crate) fn probabilities(logits: &[f64]) -> Vec<f64> {
    let (max, sum) = exponentials(logits);
    logits.iter().map(|l| (l - max).exp() / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_logits_do_not_overflow() {
        let sample = |logits| Sample::new(&[], logits);
        let energy = Energy::new(0.1).unwrap();
        assert_eq!(energy.score(sample(&[1e4, 0.0])), Ok(1e4));
        assert_eq!(Softmax.score(sample(&[1e4, 0.0])), Ok(1.0));
        assert_eq!(Softmax.score(sample(&[-1e4, -1e4])), Ok(0.5));
    }

    #[test]
    fn refuses_bad_temperatures_and_numbers() {
        for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Energy::new(temperature).is_err());
        }
        let refused = Softmax
            .score(Sample::new(&[], &[0.0, f64::NAN]))
            .unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("row 0, column 1 of the logits"),
            "{refused}"
        );
        assert!(Softmax.score(Sample::new(&[1.0], &[])).is_err());
    }
}
