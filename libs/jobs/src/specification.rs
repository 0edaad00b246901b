//! What the jobs of each lane are asked to do: the JSON in [`crate::NewJob::specification`].

use assay_core::Digest;
use serde::{Deserialize, Serialize};

/// A job of the lane `train`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainJob {
    /// Blob with the canonical CSV of the data set.
    pub dataset: Digest,
    /// Name under which the model is registered; its version is the job's id.
    pub model: String,
    /// Training specification as the trainer understands it; what is left out has its default.
    pub specification: serde_json::Value,
    /// Point the alias production to the new version.
    pub promote: bool,
}

/// A job of the lane `identify` or `explain`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchJob {
    /// Blob with the canonical CSV of the data set.
    pub dataset: Digest,
    /// The model as it was asked for.
    pub model: String,
    /// The bundle it stood for at submission: the whole job is answered by one.
    pub bundle: Digest,
    /// For explain: what is asked for, as the explainer understands it; `None` for the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<serde_json::Value>,
}
