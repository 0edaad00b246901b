//! What is asked of an explanation by Shapley values.

use crate::ExplainError;
use assay_shap::{Outputs, OwenSettings};
use serde::{Deserialize, Serialize};

/// Most runs of the network for one explanation.
const MOST_EVALS: usize = 1_000_000;

/// Splits that are chosen before one of them is looked at; part of the result.
const BATCH_ROWS: usize = 10;

/// What stands where a range of energy is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hidden {
    /// The local background of the spectrum itself: its peaks go, its continuum stays.
    #[default]
    LocalBackground,
    /// The mean of the input vectors that the model was trained on: what is usual there.
    TrainingMean,
}

/// How Shapley values of a spectrum are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShapleySettings {
    /// Ranges of energy that are hidden or shown, of equal width; 2 to the model's bins.
    pub segments: usize,
    /// Runs of the network, 4 to 1,000,000.
    pub max_evals: usize,
    /// The classes that are explained.
    pub classes: Outputs,
    /// What stands where a range is hidden.
    pub hidden: Hidden,
}

impl Default for ShapleySettings {
    fn default() -> Self {
        Self {
            segments: 64,
            max_evals: 500,
            classes: Outputs::Highest(1),
            hidden: Hidden::default(),
        }
    }
}

/// How values are sought, whatever is hidden.
pub(super) fn owen_settings(max_evals: usize, classes: &Outputs) -> OwenSettings {
    OwenSettings {
        max_evals,
        batch_rows: BATCH_ROWS,
        outputs: classes.clone(),
    }
}

/// A budget pays for nothing, everything and one split at least.
pub(super) fn check_max_evals(max_evals: usize) -> Result<(), ExplainError> {
    if (4..=MOST_EVALS).contains(&max_evals) {
        return Ok(());
    }
    Err(ExplainError::Setting {
        name: "max_evals",
        value: max_evals.to_string(),
        allowed: "4 to 1000000",
    })
}

impl ShapleySettings {
    /// Checks what does not depend on the model.
    ///
    /// # Errors
    /// The first setting out of its range, with its value and the range.
    pub fn check(&self) -> Result<(), ExplainError> {
        if self.segments < 2 {
            return Err(ExplainError::Setting {
                name: "segments",
                value: self.segments.to_string(),
                allowed: "2 to the model's number of bins",
            });
        }
        check_max_evals(self.max_evals)
    }
}
