//! What is said about a gate: its specification, its stored form, its warnings and its answers.

use crate::{detector::DetectorSpec, threshold::ThresholdRule};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a gate is to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateSpec {
    /// Detector and its parameters.
    pub detector: DetectorSpec,
    /// Share of known samples that may be refused.
    pub alpha: f64,
    /// Which training scores set the threshold.
    pub rule: ThresholdRule,
}

/// A gate without its arrays, for the bundle's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateRecord {
    /// Detector and its parameters.
    pub detector: DetectorSpec,
    /// Share of known samples that may be refused.
    pub alpha: f64,
    /// Lowest score of an inlier.
    pub threshold: f64,
    /// Which training scores set the threshold.
    pub rule: ThresholdRule,
    /// Number of these scores.
    pub n: usize,
}

/// Something about a gate that its user should know.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum GateWarning {
    /// No p-value can be as small as alpha.
    AlphaBelowResolution {
        /// Share of known samples that may be refused.
        alpha: f64,
        /// Number of calibration scores.
        n: usize,
    },
}

impl fmt::Display for GateWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlphaBelowResolution { alpha, n } => write!(
                f,
                "alpha {alpha} is below 1/(n + 1) = {:.4} of the {n} training scores: the threshold rests on the lowest score alone; use a larger alpha or more spectra",
                1.0 / (*n as f64 + 1.0)
            ),
        }
    }
}

/// A gate's answer about one sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Score of the sample; higher is more like the training samples.
    pub score: f64,
    /// Lowest score of an inlier.
    pub threshold: f64,
    /// Whether the sample is an inlier.
    pub inlier: bool,
    /// Share of training samples that score no higher, with the sample counted in.
    pub p_value: f64,
    /// Number of training scores behind the p-value.
    pub n: usize,
}
