//! How a training run went: what a report shows.

use crate::{error::Result, fit::EpochRecord, lr_finder::CurvePoint, observer::Stage};
use assay_core::ClassLabel;
use assay_openset::{GateRecord, KChoice, search::TeffResult};
use assay_pipeline::EvaluationReport;
use assay_training_spec::RateBounds;
use serde::Serialize;

/// How a training run went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainingOutcome {
    /// Known classes; class indices are positions in this list.
    pub classes: Vec<ClassLabel>,
    /// Learning-rate finder and bounds.
    pub finder: FinderOutcome,
    /// Learning rate of every epoch.
    pub rates: Vec<f64>,
    /// History of the run with some spectra held back, where there was one.
    pub validation_history: Option<Vec<EpochRecord>>,
    /// History of the delivered model.
    pub history: Vec<EpochRecord>,
    /// The gate and how it came about.
    pub gate: GateOutcome,
    /// The delivered model on the training spectra and the known unknowns.
    pub training: EvaluationReport,
    /// The delivered model on the spectra of the validation manifest.
    pub validation: Option<EvaluationReport>,
    /// What computed the features.
    pub engine: String,
    /// What trained.
    pub device: String,
    /// Time of every stage.
    pub timings: Vec<StageTiming>,
}

/// The learning-rate finder's curve and the bounds of the cycle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FinderOutcome {
    /// One point per batch; empty when the bounds were given.
    pub curve: Vec<CurvePoint>,
    /// Bounds of the learning rate.
    pub bounds: RateBounds,
    /// Whether the user gave the bounds.
    pub given: bool,
}

/// The gate and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateOutcome {
    /// Detector, alpha, threshold and rule.
    pub record: GateRecord,
    /// The comparison of candidates for k.
    pub k_choice: Option<KChoice>,
    /// The search by total efficiency.
    pub search: Option<TeffResult>,
    /// Scores of the training rows behind the threshold, in the order of the rows.
    pub training_scores: Vec<ScoredRow>,
    /// Scores of the known unknowns.
    pub unknown_scores: Vec<UnknownScore>,
    /// What the user should know about the gate.
    pub warnings: Vec<String>,
}

/// Score of one training row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoredRow {
    /// Position among the known spectra of the data set.
    pub spectrum: usize,
    /// 0 for the spectrum itself, otherwise the number of its copy.
    pub copy: usize,
    /// Class.
    pub class: usize,
    /// Gate score, out of fold unless the rule says otherwise.
    pub score: f64,
}

/// Score of one known unknown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UnknownScore {
    /// Class among the known unknowns, sorted by label.
    pub class: usize,
    /// Gate score.
    pub score: f64,
}

/// Time of one stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StageTiming {
    /// The stage.
    pub stage: Stage,
    /// Wall-clock time.
    pub seconds: f64,
}

impl TrainingOutcome {
    /// The outcome as JSON. Losses that are not finite become null.
    ///
    /// # Errors
    /// Never in practice.
    pub fn to_json(&self) -> Result<serde_json::Value> {
        serde_json::to_value(self).map_err(|e| crate::TrainError::Data(e.to_string()))
    }
}
