//! What is written about one row of a batch. Times of day and timings are left out, so that the
//! same data set and bundle give the same bytes.

use crate::AnswerError;
use assay_core::{ClassLabel, Classified, Digest, ErrorKind};
use assay_explain::{Region, ShapleyValues};
use assay_pipeline::{
    Answer, AnswerWarning, ClassProbability, GateReading, Judge, ListedSpectrum, Role, Verdict,
};
use serde::{Deserialize, Serialize};

/// One line of `results.jsonl`: a row of the data set with its answer or its error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultLine {
    /// The spectrum.
    pub spectrum: Digest,
    /// The label in the data set.
    pub label: Option<ClassLabel>,
    /// The role in the data set.
    pub role: Role,
    /// The group in the data set.
    pub group: String,
    /// The answer; absent when there is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<RowAnswer>,
    /// Why the answer is what it is, in explain jobs; absent when there is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<RowExplanation>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RowError>,
}

/// An [`Answer`] without its timings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowAnswer {
    /// Known or not.
    pub verdict: Verdict,
    /// The material; absent when the verdict is UNKNOWN.
    pub label: Option<ClassLabel>,
    /// The most probable class, the gate ignored.
    pub closed_set_label: ClassLabel,
    /// Probability of every class, in the order of the model's classes.
    pub class_probabilities: Vec<ClassProbability>,
    /// What the gate measured.
    pub gate: GateReading,
    /// The bundle that answered.
    pub bundle: Digest,
    /// What makes the answer less certain.
    pub warnings: Vec<AnswerWarning>,
}

/// Which energies spoke for a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowExplanation {
    /// The class that is explained: the one that was asked for, or else the most probable one.
    pub label: String,
    /// The most important regions of the class activation map, highest importance first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
    /// Shapley values, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shapley: Option<RowShapley>,
}

/// What parts of a spectrum add to the logits of classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowShapley {
    /// Runs of the network.
    pub evals: usize,
    /// Rising edges of the ranges in keV, one more than ranges; none where pixels are hidden.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges_kev: Vec<f64>,
    /// The blocks of pixels; none where ranges are hidden.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<RowBlock>,
    /// The classes, the most probable one first.
    pub classes: Vec<RowClass>,
}

/// A block of pixels by its energies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowBlock {
    /// Energies of its rows in keV, from and to.
    pub row_kev: (f64, f64),
    /// Energies of its columns in keV, from and to.
    pub column_kev: (f64, f64),
}

/// Shapley values of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowClass {
    /// The class.
    pub label: String,
    /// Logit with everything hidden.
    pub base: f64,
    /// Logit of the spectrum: base and values add up to it.
    pub logit: f64,
    /// One value per range or block.
    pub values: Vec<f64>,
}

impl RowShapley {
    /// The explanation of a row by Shapley values.
    pub(super) fn explanation(judge: &Judge, values: &ShapleyValues) -> RowExplanation {
        let classes = values.by_class(&judge.bundle().contents().classes);
        let (edges_kev, blocks) = match values {
            ShapleyValues::Energies(found) => (found.edges_kev.clone(), Vec::new()),
            ShapleyValues::Image(found) => {
                let blocks = found.blocks.iter().map(|block| RowBlock {
                    row_kev: found.span_kev(block.rows),
                    column_kev: found.span_kev(block.columns),
                });
                (Vec::new(), blocks.collect())
            }
        };
        let classes = classes.into_iter().map(|class| RowClass {
            label: class.label,
            base: class.base,
            logit: class.logit,
            values: class.values,
        });
        let shapley = Self {
            evals: values.evals(),
            edges_kev,
            blocks,
            classes: classes.collect(),
        };
        RowExplanation {
            label: shapley
                .classes
                .first()
                .map(|c| c.label.clone())
                .unwrap_or_default(),
            regions: Vec::new(),
            shapley: Some(shapley),
        }
    }
}

/// Why a row has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowError {
    /// What sort of failure.
    pub kind: ErrorKind,
    /// What is wrong with the spectrum and what to do.
    pub message: String,
}

impl ResultLine {
    /// The line of a row about which nothing is said yet.
    pub(super) fn of(row: &ListedSpectrum) -> Self {
        Self {
            spectrum: row.spectrum,
            label: row.label.clone(),
            role: row.role,
            group: row.group.clone(),
            answer: None,
            explanation: None,
            error: None,
        }
    }

    /// The line of a row that cannot be answered.
    pub(super) fn failed(row: &ListedSpectrum, error: &AnswerError) -> Self {
        Self {
            error: Some(RowError {
                kind: error.kind(),
                message: error.to_string(),
            }),
            ..Self::of(row)
        }
    }
}

impl From<Answer> for RowAnswer {
    fn from(answer: Answer) -> Self {
        Self {
            verdict: answer.verdict,
            label: answer.label,
            closed_set_label: answer.closed_set_label,
            class_probabilities: answer.class_probabilities,
            gate: answer.gate,
            bundle: answer.bundle,
            warnings: answer.warnings,
        }
    }
}
