//! The answer: class, probabilities, and what the gate said.

use serde::{Deserialize, Serialize};

/// What the spectrum was taken for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The answer: a class, or `UNKNOWN` where the gate refused.
    pub label: String,
    /// The most probable class, the gate ignored.
    pub nearest_class: String,
    /// What the gate said; `None` where the model has none.
    pub gate: Option<GateVerdict>,
    /// Every class of the model.
    pub classes: Vec<ClassProbability>,
}

/// One class of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassProbability {
    /// The class.
    pub class: String,
    /// Its probability among the known classes, in `[0, 1]`.
    pub probability: f64,
    /// The output of the network that the probability was made of.
    pub logit: f64,
}

/// The gate's view of one spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateVerdict {
    /// Detector with its parameter, such as "DIME, k = 50".
    pub detector: String,
    /// Score of this spectrum; higher means more alike to the training spectra.
    pub score: f64,
    /// A score at or above this passes.
    pub threshold: f64,
    /// Share of known spectra that may be refused, in `(0, 1)`.
    pub alpha: f64,
    /// Share of training scores at or below this score, in `(0, 1]`.
    pub p_value: Option<f64>,
    /// Number of training scores behind threshold and p-value.
    pub n_calibration: usize,
}

/// The scores that the threshold was taken from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateScores {
    /// What they are, such as "training spectra, out of fold".
    pub name: String,
    /// One score per training spectrum.
    pub scores: Vec<f64>,
}

impl GateVerdict {
    /// Whether the spectrum passes.
    #[must_use]
    pub fn accepts(&self) -> bool {
        self.score >= self.threshold
    }
}

impl Verdict {
    /// Whether the spectrum was taken for a known class.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.label != assay_core::UNKNOWN
    }

    /// Classes from the most to the least probable.
    pub(crate) fn by_probability(&self) -> Vec<&ClassProbability> {
        let mut classes: Vec<_> = self.classes.iter().collect();
        classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        classes
    }
}
