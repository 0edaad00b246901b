//! The content of a report: where a model comes from and how its training went.

use crate::evaluation::EvaluationPart;
use serde::{Deserialize, Serialize};

/// Version of the JSON layout that this crate writes and reads.
pub const VERSION: u32 = 1;

/// Everything a report shows. Sections without content are left out of the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingReport {
    /// Layout version, [`VERSION`].
    pub version: u32,
    /// Heading of the page.
    pub title: String,
    /// Model, data and software.
    pub provenance: Provenance,
    /// Every choice that shaped the model, in reading order.
    pub specification: Vec<Setting>,
    /// Learning-rate range test.
    pub lr_finder: Option<LrFinder>,
    /// Training runs with their curves: one per fitted head or compared schedule.
    pub runs: Vec<Run>,
    /// How the subspace dimension of the gate was chosen.
    pub k_selection: Option<KSelection>,
    /// Grid search for the parameters of the gate.
    pub search: Option<GridSearch>,
    /// The gate as stored in the bundle.
    pub gate: Option<GateSummary>,
    /// Judged sets of spectra.
    pub evaluations: Vec<EvaluationPart>,
    /// How long each step took.
    pub timings: Vec<Timing>,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Kind of model, such as `cnn2d`.
    pub model: String,
    /// Frozen base, where the model has one.
    pub base: Option<String>,
    /// Content digest that names the bundle.
    pub bundle_id: Option<String>,
    /// Digest of the training data.
    pub data_digest: Option<String>,
    /// When the report was made, as text.
    pub created: Option<String>,
    /// Name and version of the software involved.
    pub versions: Vec<(String, String)>,
}

/// One choice: name, value and, where it helps, what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Name as on the command line.
    pub name: String,
    /// Value with its unit.
    pub value: String,
    /// Explanation in one sentence.
    pub meaning: Option<String>,
}

/// A learning-rate range test and the bounds taken from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LrFinder {
    /// One point per update, in order.
    pub points: Vec<LrPoint>,
    /// Bounds of the cyclical learning rate.
    pub bounds: Option<Bounds>,
    /// Where the bounds come from.
    pub source: BoundsSource,
}

/// One update of the range test. A loss that was not finite is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LrPoint {
    /// Learning rate of the update.
    pub learning_rate: f64,
    /// Loss of the batch.
    pub loss: Option<f64>,
    /// Bias-corrected exponential moving average of the loss.
    pub smoothed: Option<f64>,
}

/// Bounds of the cyclical learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Lower bound.
    pub base_lr: f64,
    /// Upper bound.
    pub max_lr: f64,
}

/// Who chose the learning-rate bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundsSource {
    /// Read from the curve.
    Finder,
    /// Given by the user.
    Given,
}

/// One training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What was trained, such as "delivered model, all known spectra".
    pub name: String,
    /// One entry per epoch, in order.
    pub epochs: Vec<Epoch>,
}

/// One pass over the training spectra. A value that was not finite is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Learning rate of the epoch.
    pub learning_rate: f64,
    /// Mean training loss.
    pub loss: Option<f64>,
    /// Share of training spectra classified rightly, in `[0, 1]`.
    pub accuracy: Option<f64>,
    /// Mean loss over the validation spectra, where there are any.
    pub validation_loss: Option<f64>,
    /// Share of validation spectra classified rightly, in `[0, 1]`.
    pub validation_accuracy: Option<f64>,
}

/// The candidates for the dimension of the gate's subspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KSelection {
    /// The chosen dimension.
    pub chosen: usize,
    /// How it was chosen, in one sentence.
    pub rule: String,
    /// One entry per candidate, ascending.
    pub scores: Vec<KScore>,
}

/// How well one dimension tells left-out classes from known ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KScore {
    /// Dimension of the subspace.
    pub k: usize,
    /// Mean area under the ROC curve over the left-out classes.
    pub mean_auroc: f64,
    /// Smallest of these areas.
    pub worst_auroc: f64,
    /// The left-out class with the smallest area.
    pub worst_class: Option<String>,
}

/// A grid search for the share of refused spectra and the detector's parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridSearch {
    /// What was searched and by which score, in one sentence.
    pub rule: String,
    /// The detector's parameter, such as "k = 5".
    pub columns: Vec<String>,
    /// One row per share.
    pub rows: Vec<GridRow>,
    /// Row and column of the choice.
    pub chosen: (usize, usize),
}

/// One share of refused spectra in a grid search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridRow {
    /// Share of known spectra that may be refused.
    pub alpha: f64,
    /// Score by column; `None` where the parameter was out of reach.
    pub scores: Vec<Option<f64>>,
}

/// The gate in words and numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateSummary {
    /// Detector with its parameter, such as "DIME, k = 50".
    pub detector: String,
    /// Share of known spectra that may be refused, in `(0, 1)`.
    pub alpha: f64,
    /// A score at or above this passes.
    pub threshold: f64,
    /// How the threshold was set, in one sentence.
    pub rule: String,
    /// Number of training scores behind threshold and p-values.
    pub n_calibration: usize,
}

/// Duration of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// The step, such as "features".
    pub step: String,
    /// Wall-clock time in seconds.
    pub seconds: f64,
}

impl TrainingReport {
    /// An empty report.
    #[must_use]
    pub fn new(title: impl Into<String>, provenance: Provenance) -> Self {
        Self {
            version: VERSION,
            title: title.into(),
            provenance,
            specification: Vec::new(),
            lr_finder: None,
            runs: Vec::new(),
            k_selection: None,
            search: None,
            gate: None,
            evaluations: Vec::new(),
            timings: Vec::new(),
        }
    }

    /// Adds a judged set, in place of an earlier one of the same name.
    pub fn put_evaluation(&mut self, part: EvaluationPart) {
        match self.evaluations.iter_mut().find(|p| p.name == part.name) {
            Some(earlier) => *earlier = part,
            None => self.evaluations.push(part),
        }
    }
}

impl Setting {
    /// A setting without an explanation.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl std::fmt::Display) -> Self {
        Self {
            name: name.into(),
            value: value.to_string(),
            meaning: None,
        }
    }
}
