//! What one job says about each of its rows.

use super::BatchKind;
use crate::{
    AnswerError, Wanted,
    reasons::{class_of, refused},
};
use assay_explain::{ExplanationMethod, ExplanationSpec, ShapleySpec};
use assay_jobs::BatchJob;
use assay_pipeline::Judge;

/// What is said about each row.
#[derive(Debug, Clone)]
pub(super) enum Saying {
    /// The answer.
    Answer,
    /// The answer, its most important regions and the importance of every bin.
    Map(Wanted),
    /// The answer and Shapley values.
    Shapley {
        /// The class that it is about; `None`: the most probable one.
        class: Option<usize>,
        /// What is hidden.
        spec: ShapleySpec,
    },
}

impl Saying {
    /// What a job asks for, checked against its model: what cannot be done for any row is not
    /// begun.
    pub(super) fn of(kind: BatchKind, job: &BatchJob, judge: &Judge) -> Result<Self, AnswerError> {
        let BatchKind::Explain { regions } = kind else {
            return Ok(Self::Answer);
        };
        let spec = match &job.explanation {
            None => ExplanationSpec::default(),
            Some(spec) => serde_json::from_value(spec.clone())
                .map_err(|error| AnswerError::field("explanation", error))?,
        };
        let class = spec
            .label
            .as_ref()
            .map(|label| class_of(judge.bundle(), label))
            .transpose()?;
        match spec.method {
            ExplanationMethod::Cam => Ok(Self::Map(Wanted {
                label: spec.label,
                regions,
                cam: spec.cam,
            })),
            ExplanationMethod::Shap => {
                let fits = spec.shap.check_for(judge.bundle());
                fits.map_err(|error| refused(error, "explanation"))?;
                Ok(Self::Shapley {
                    class,
                    spec: spec.shap,
                })
            }
        }
    }

    pub(super) const fn stage(&self) -> &'static str {
        match self {
            Self::Answer => "identifying",
            Self::Map(_) => "explaining",
            Self::Shapley { .. } => "hiding parts",
        }
    }

    /// Pieces of work in one row.
    pub(super) const fn pieces(&self) -> usize {
        match self {
            Self::Answer | Self::Map(_) => 1,
            Self::Shapley { spec, .. } => spec.max_evals,
        }
    }

    /// Regions per row, where there are any.
    pub(super) const fn regions(&self) -> Option<usize> {
        match self {
            Self::Map(wanted) => Some(wanted.regions),
            Self::Answer | Self::Shapley { .. } => None,
        }
    }
}
