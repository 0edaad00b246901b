//! Which alphas and detectors a search compares.

use crate::detector::DetectorSpec;
use serde::{Deserialize, Serialize};

/// Values of k in the published grid.
pub const PUBLISHED_K: [usize; 5] = [1, 5, 10, 20, 50];

/// Temperatures in the published grid.
pub const PUBLISHED_TEMPERATURES: [f64; 6] = [0.1, 0.5, 1.0, 5.0, 10.0, 100.0];

/// Every alpha with every detector, alpha varying slowest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Shares of known samples that may be refused.
    pub alphas: Vec<f64>,
    /// Detectors with their parameters.
    pub detectors: Vec<DetectorSpec>,
}

impl Grid {
    /// DIME over the published alphas.
    #[must_use]
    pub fn dime(ks: &[usize]) -> Self {
        Self {
            alphas: published_alphas(),
            detectors: ks.iter().map(|&k| DetectorSpec::Dime { k }).collect(),
        }
    }

    /// Energy over the published alphas.
    #[must_use]
    pub fn energy(temperatures: &[f64]) -> Self {
        let energy = |&temperature: &f64| DetectorSpec::Energy { temperature };
        Self {
            alphas: published_alphas(),
            detectors: temperatures.iter().map(energy).collect(),
        }
    }
}

/// Ten alphas from 0.001 to 0.5, evenly spaced in their logarithm.
///
/// # Source
/// `numpy.logspace(-3, numpy.log10(0.5), 10)`.
#[must_use]
pub fn published_alphas() -> Vec<f64> {
    let (first, last) = (-3.0, 0.5f64.log10());
    let step = (last - first) / 9.0;
    let exponent = |i: usize| {
        if i == 9 {
            last
        } else {
            i as f64 * step + first
        }
    };
    (0..10).map(|i| 10f64.powf(exponent(i))).collect()
}
