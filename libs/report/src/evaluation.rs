//! The content of a report: how a set of spectra was judged.

use assay_core::UNKNOWN;
use serde::{Deserialize, Serialize};

/// One judged set of spectra.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationPart {
    /// Name of the set, such as "test" or a manifest's file name.
    pub name: String,
    /// Whether the model has seen these spectra.
    pub kind: PartKind,
    /// Known spectra in the set.
    pub known_total: usize,
    /// Known spectra that the gate accepted and that got the right class.
    pub known_correct: usize,
    /// Known spectra that got the right class, the gate ignored.
    pub closed_set_correct: usize,
    /// Unknown spectra in the set.
    pub unknown_total: usize,
    /// Unknown spectra that the gate refused.
    pub unknown_rejected: usize,
    /// Sensitivity, specificity and efficiency.
    pub merit: Option<Merit>,
    /// Actual labels against answers.
    pub confusion: Option<Confusion>,
    /// One row per spectrum.
    pub spectra: Vec<SpectrumRow>,
}

/// Whether the model has seen the spectra of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Training spectra; gate scores are out of fold.
    Training,
    /// Training spectra; gate scores are by the gate that was fitted to them.
    TrainingInSample,
    /// Spectra the model has not seen.
    Test,
}

impl PartKind {
    /// Whether the model was fitted to the spectra.
    #[must_use]
    pub const fn is_training(self) -> bool {
        matches!(self, Self::Training | Self::TrainingInSample)
    }
}

/// A number, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The number.
    pub value: Option<f64>,
    /// Why there is none.
    pub reason: Option<String>,
}

impl Figure {
    /// A number.
    #[must_use]
    pub const fn defined(value: f64) -> Self {
        Self {
            value: Some(value),
            reason: None,
        }
    }

    /// No number, and why.
    #[must_use]
    pub fn undefined(reason: impl Into<String>) -> Self {
        Self {
            value: None,
            reason: Some(reason.into()),
        }
    }
}

/// Figures of merit of an open-set classifier.
///
/// # Source
/// Pomerantsev & Rodionova, J. Chemometrics 2018.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merit {
    /// Total sensitivity.
    pub tsns: Figure,
    /// Total specificity.
    pub tsps: Figure,
    /// Total efficiency, the geometric mean of both.
    pub teff: Figure,
    /// Accuracy; refused unknowns count as right.
    pub acc: Figure,
    /// The same by known class.
    pub classes: Vec<ClassFigures>,
}

/// Figures of merit of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassFigures {
    /// The class.
    pub label: String,
    /// Class sensitivity.
    pub csns: Figure,
    /// Class specificity.
    pub csps: Figure,
    /// Class efficiency.
    pub ceff: Figure,
}

/// Confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// Every actual label.
    pub rows: Vec<String>,
    /// Known classes and `UNKNOWN`.
    pub columns: Vec<String>,
    /// Number of spectra, by row and column.
    pub counts: Vec<Vec<u64>>,
}

/// Whether the label of a spectrum was in the training set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The model knows the class.
    Known,
    /// The model must refuse the spectrum.
    Unknown,
}

/// One judged spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectrumRow {
    /// File as in the manifest.
    pub file: String,
    /// Actual label.
    pub label: String,
    /// Whether the model knows the label.
    pub role: Role,
    /// The answer: a class or `UNKNOWN`.
    pub verdict: String,
    /// The most probable class, the gate ignored.
    pub best_class: String,
    /// Probability of the most probable class.
    pub probability: f64,
    /// Score of the gate; higher means more alike to the training spectra.
    pub gate_score: Option<f64>,
    /// Share of training scores at or below this score.
    pub p_value: Option<f64>,
    /// Warnings of the reader and of the checks.
    pub warnings: Vec<String>,
}

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Known, accepted, right class.
    Right,
    /// Unknown and refused.
    RightlyRefused,
    /// Known, accepted, wrong class.
    WrongClass,
    /// Known and refused.
    WronglyRefused,
    /// Unknown and accepted.
    WronglyAccepted,
}

impl SpectrumRow {
    /// What the answer is worth.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (self.role, self.verdict == UNKNOWN) {
            (Role::Known, true) => Outcome::WronglyRefused,
            (Role::Known, false) if self.verdict == self.label => Outcome::Right,
            (Role::Known, false) => Outcome::WrongClass,
            (Role::Unknown, true) => Outcome::RightlyRefused,
            (Role::Unknown, false) => Outcome::WronglyAccepted,
        }
    }
}

impl Outcome {
    /// Whether the answer is as it should be.
    #[must_use]
    pub const fn is_right(self) -> bool {
        matches!(self, Self::Right | Self::RightlyRefused)
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::RightlyRefused => "rightly refused",
            Self::WrongClass => "wrong class",
            Self::WronglyRefused => "wrongly refused",
            Self::WronglyAccepted => "wrongly accepted",
        }
    }
}
