//! What can go wrong while training, and what the caller should do about it.

use assay_core::{Classified, ErrorKind};
use assay_training_spec::SpecificationError;
use std::{io, path::PathBuf};

/// Result of this crate.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;

/// A failure of training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// One or more options of the training specification are out of range.
    #[error(transparent)]
    Specification(#[from] SpecificationError),
    /// A value of the data is not usable.
    #[error("{0}")]
    Data(String),
    /// The device asked for is not there.
    #[error("{0}")]
    Device(String),
    /// The curve of the learning-rate finder does not allow bounds to be taken from it.
    #[error(
        "no learning-rate bounds can be taken from the curve: {reason}; \
         give them yourself with --lr-bounds BASE,MAX"
    )]
    LearningRateBounds {
        /// What is wrong with the curve.
        reason: String,
    },
    /// The loss became NaN or infinite.
    #[error(
        "the loss is {loss} in epoch {epoch}, batch {batch}: lower the learning rates with \
         --lr-bounds BASE,MAX (the largest now is {largest_rate:e})"
    )]
    Diverged {
        /// The loss.
        loss: f64,
        /// Epoch, counted from 0.
        epoch: usize,
        /// Batch within the epoch, counted from 0.
        batch: usize,
        /// Largest learning rate of the schedule.
        largest_rate: f64,
    },
    /// All spectra look alike to the trained network.
    #[error(
        "the trained network gives the same features for every spectrum, because its units died: \
         lower the learning rates with --lr-bounds BASE,MAX (the largest is {largest_rate:e}) or \
         take another --seed"
    )]
    Died {
        /// Largest learning rate of the schedule.
        largest_rate: f64,
    },
    /// The network cannot be trained in the way asked for.
    #[error("{0}")]
    Untrainable(String),
    /// A graph and its weights do not fit together.
    #[error("node {node:?}: {reason}")]
    Graph {
        /// Name of the node.
        node: String,
        /// What does not fit.
        reason: String,
    },
    /// A checkpoint cannot be used.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why it cannot be used and what to do.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The caller gave up.
    #[error("training was cancelled{}", match checkpoint {
        Some(path) => format!("; it can be resumed from {}", path.display()),
        None => String::new(),
    })]
    Cancelled {
        /// Where the state lies, when checkpoints are written.
        checkpoint: Option<PathBuf>,
    },
    /// A graph, its weights or the catalogue.
    #[error(transparent)]
    Network(#[from] assay_network::NetworkError),
    /// The imaging rule.
    #[error(transparent)]
    Gramian(#[from] assay_gramian::GramianError),
    /// A spectrum, by its place in the data set.
    #[error(transparent)]
    Spectrum(#[from] assay_spectrum::SpectrumError),
    /// Manifests, data sets and bundles.
    #[error(transparent)]
    Pipeline(#[from] assay_pipeline::PipelineError),
    /// The gate.
    #[error(transparent)]
    OpenSet(#[from] assay_openset::OpenSetError),
    /// ONNX Runtime.
    #[error(transparent)]
    Infer(#[from] assay_infer::InferError),
    /// Something that must not happen.
    #[error("{0}: this is a defect of the program")]
    Defect(&'static str),
    /// An operation inside torch failed.
    #[error("torch: {0}")]
    Torch(#[from] tch::TchError),
}

/// A value that cannot be written as JSON.
pub(crate) fn unwritable(error: serde_json::Error) -> TrainError {
    TrainError::Data(error.to_string())
}

impl TrainError {
    /// Wraps a file error with the file's path.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl Classified for TrainError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Specification(_)
            | Self::Data(_)
            | Self::LearningRateBounds { .. }
            | Self::Diverged { .. }
            | Self::Died { .. }
            | Self::Untrainable(_) => ErrorKind::InvalidArgument,
            Self::Device(_) => ErrorKind::Unavailable,
            Self::Checkpoint { .. } => ErrorKind::FailedPrecondition,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
                io::ErrorKind::StorageFull => ErrorKind::ResourceExhausted,
                _ => ErrorKind::Unavailable,
            },
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::Network(error) => error.kind(),
            Self::Gramian(error) => error.kind(),
            Self::Spectrum(error) => error.kind(),
            Self::Pipeline(error) => error.kind(),
            Self::OpenSet(error) => error.kind(),
            Self::Infer(error) => error.kind(),
            Self::Graph { .. } | Self::Defect(_) | Self::Torch(_) => ErrorKind::Internal,
        }
    }
}
