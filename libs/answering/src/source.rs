//! The seam between those who need features and the service that computes them: the same trait in
//! one process and over the network.

use crate::AnswerError;
use assay_core::Digest;
use assay_explain::{CamSettings, ClassMap};
use async_trait::async_trait;
use std::time::Duration;

/// The model a name stands for at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedModel {
    /// The bundle.
    pub bundle: Digest,
    /// Length of an input vector.
    pub bins: usize,
    /// Number of features.
    pub features: usize,
}

/// Features of some input vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// One row per input vector.
    pub rows: Vec<Vec<f32>>,
    /// How many came from the cache.
    pub cached: usize,
    /// Time spent waiting for the model.
    pub queue: Duration,
    /// Time spent computing.
    pub compute: Duration,
}

/// What of a class is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explaining {
    /// The class; `None` for the most probable one.
    pub label: Option<String>,
    /// How the map is made and reduced.
    pub cam: CamSettings,
}

/// Which bins spoke for a class.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportanceRow {
    /// The class that is explained.
    pub label: String,
    /// Energy of each bin's centre in keV.
    pub energy_kev: Vec<f64>,
    /// Importance of each bin: positive speaks for the class, negative against it.
    pub importance: Vec<f32>,
    /// The features of the same pass.
    pub features: Vec<f32>,
    /// The map that the importances come from, not made symmetric: `[height, width]`, or
    /// `[length]` where the model works on the spectrum itself.
    pub map: ClassMap,
}

/// Computes features. `deadline` is the time left to the request; `None` waits as long as it
/// takes.
#[async_trait]
pub trait FeatureSource: Send + Sync {
    /// The model that is served under a name now: `name` (its alias production), `name@alias`,
    /// `name:version`, a bundle's digest, or empty for the default model.
    ///
    /// # Errors
    /// When there is none, or while none is loaded.
    async fn resolve(&self, model: &str) -> Result<ServedModel, AnswerError>;

    /// Features of input vectors by one bundle, which is loaded if it is registered.
    ///
    /// # Shapes
    /// `rows × bins` → `rows × features`
    ///
    /// # Errors
    /// For a wrong width or a value that is not finite, when the queue is full, when the deadline
    /// passes.
    async fn features(
        &self,
        bundle: Digest,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Duration>,
    ) -> Result<Features, AnswerError>;

    /// Importance of each bin of one input vector for a class.
    ///
    /// # Errors
    /// As [`FeatureSource::features`]; for a label the model does not have, and for a model whose
    /// structure has no class activation map.
    async fn importances(
        &self,
        bundle: Digest,
        vector: Vec<f32>,
        asked: Explaining,
        deadline: Option<Duration>,
    ) -> Result<ImportanceRow, AnswerError>;
}
