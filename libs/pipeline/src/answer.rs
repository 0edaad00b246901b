//! What is said about one spectrum.

use assay_core::{ClassLabel, Digest};
use assay_formats::WarningCode;
use serde::{Deserialize, Serialize};

/// Whether a spectrum shows a known material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// The gate accepts it; the label says which material.
    Known,
    /// The gate refuses it.
    Unknown,
}

impl Verdict {
    /// The verdict for what the gate said.
    #[must_use]
    pub const fn of(inlier: bool) -> Self {
        if inlier { Self::Known } else { Self::Unknown }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Known or not.
    pub verdict: Verdict,
    /// The material; `None` when the verdict is [`Verdict::Unknown`].
    pub label: Option<ClassLabel>,
    /// The most probable class, the gate ignored.
    pub closed_set_label: ClassLabel,
    /// Probability of every class, in the order of the model's classes.
    pub class_probabilities: Vec<ClassProbability>,
    /// What the gate measured.
    pub gate: GateReading,
    /// The bundle that answered.
    pub bundle: Digest,
    /// The file that was asked about.
    pub spectrum: Digest,
    /// What makes the answer less certain.
    pub warnings: Vec<AnswerWarning>,
    /// Time spent.
    pub timings: Timings,
}

/// A class and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassProbability {
    /// The class.
    pub label: ClassLabel,
    /// Its softmax probability.
    pub probability: f32,
}

/// Score of a spectrum and what it is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateReading {
    /// Name of the detector.
    pub detector: String,
    /// Score; higher is more like the training spectra.
    pub score: f64,
    /// Spectra that score below are refused; equal is accepted.
    pub threshold: f64,
    /// Share of training spectra that score as low or lower: `(1 + #{scores ≤ score})/(n + 1)`.
    pub p_value: f64,
    /// Number of training scores behind the p-value.
    pub n: usize,
}

/// Something that makes an answer less certain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerWarning {
    /// What sort of oddity.
    pub code: AnswerWarningCode,
    /// What was found, and what was expected.
    pub message: String,
}

impl From<assay_formats::Warning> for AnswerWarning {
    fn from(warning: assay_formats::Warning) -> Self {
        Self {
            message: warning.to_string(),
            code: AnswerWarningCode::Reader(warning.code),
        }
    }
}

/// Where a warning comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "source", content = "code")]
#[non_exhaustive]
pub enum AnswerWarningCode {
    /// The file.
    Reader(WarningCode),
    /// The spectrum is unlike those the model was trained on.
    Drift(DriftCode),
}

/// In what a spectrum is unlike those the model was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftCode {
    /// It ends inside the range that the model looks at.
    Coverage,
    /// Too few counts for the model's preprocessing.
    LowCounts,
    /// More than half of the time the detector was dead.
    DeadTime,
    /// A calibration slope that no training spectrum had.
    CalibrationSlope,
}

/// Time spent on each stage, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Reading the file's bytes.
    pub read_s: f64,
    /// From counts to the input vector.
    pub preprocess_s: f64,
    /// From the input vector to features.
    pub features_s: f64,
    /// Head, gate and verdict.
    pub decide_s: f64,
}
