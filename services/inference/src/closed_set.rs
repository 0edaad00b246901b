//! What the one head function says of features: logits and probabilities of the known classes.

use crate::measure;
use assay_answering::AnswerError;
use assay_network::head::softmax;
use assay_pipeline::{Bundle, PipelineError};
use std::time::Instant;

/// Of one row.
pub(crate) struct ClosedSet {
    pub(crate) logits: Vec<f32>,
    pub(crate) probabilities: Vec<f32>,
}

/// The classes of one row of features.
///
/// # Errors
/// When a logit is not finite.
pub(crate) fn closed_set(bundle: &Bundle, features: &[f32]) -> Result<ClosedSet, AnswerError> {
    let begun = Instant::now();
    let logits = bundle.head().logits(features);
    let logits = logits.map_err(PipelineError::from)?;
    let probabilities = softmax(&logits).map_err(PipelineError::from)?;
    measure::stage("head", begun.elapsed());
    Ok(ClosedSet {
        logits,
        probabilities,
    })
}
