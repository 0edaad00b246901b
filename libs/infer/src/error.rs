//! What can go wrong between a model in memory and its outputs.

use assay_core::{Classified, ErrorKind};
use std::path::PathBuf;

/// A failure of the runtime library, of a model or of the data given to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// The shared library is nowhere.
    #[error(
        "ONNX Runtime was not found; searched {}; run `cargo xtask setup`, or let OPENASSAY_ONNXRUNTIME name the library",
        list(.searched)
    )]
    RuntimeNotFound {
        /// Every place looked at, in order.
        searched: Vec<PathBuf>,
    },
    /// The shared library is there but cannot be used.
    #[error(
        "ONNX Runtime at {} cannot be used: {reason}; version 1.{minimum} or newer is needed; run `cargo xtask setup`",
        .library.display()
    )]
    RuntimeUnusable {
        /// The library.
        library: PathBuf,
        /// What the loader says.
        reason: String,
        /// Oldest usable minor version.
        minimum: u32,
    },
    /// One process can hold one runtime library.
    #[error(
        "this process already runs ONNX Runtime from {} and cannot also load {}; start a new process for it",
        .loaded.display(), .wanted.display()
    )]
    RuntimeAlreadyLoaded {
        /// The library in use.
        loaded: PathBuf,
        /// The library asked for.
        wanted: PathBuf,
    },
    /// The runtime does not accept a model.
    #[error("the runtime refuses the model: {reason}")]
    ModelRefused {
        /// What the runtime says.
        reason: String,
    },
    /// A model has another interface than needed.
    #[error("the model {reason}")]
    ModelInterface {
        /// What is wrong with it, as the rest of a sentence.
        reason: String,
    },
    /// An output was asked for that the model does not have.
    #[error("the model has no output {name:?}; its outputs are {}", .available.join(", "))]
    UnknownOutput {
        /// The name asked for.
        name: String,
        /// The names there are.
        available: Vec<String>,
    },
    /// The input has another shape than the model takes.
    #[error(
        "input {name:?} has shape {found:?}, but the model takes {expected} (the first axis counts rows and must not be 0)"
    )]
    InputShape {
        /// Name of the input tensor.
        name: String,
        /// Shape given.
        found: Vec<usize>,
        /// Shape allowed, `n` for any length.
        expected: String,
    },
    /// An input value is not a number or not finite.
    #[error("input row {row} has {value} at position {position}; every value must be finite")]
    InputNotFinite {
        /// Row of the batch.
        row: usize,
        /// Position within the row.
        position: usize,
        /// The value.
        value: f32,
    },
    /// The model computed a value that is not a number or not finite.
    #[error(
        "the model's output {name:?} has {value} in row {row}; its weights or this input lie outside what it can compute"
    )]
    OutputNotFinite {
        /// Name of the output tensor.
        name: String,
        /// Row of the batch.
        row: usize,
        /// The value.
        value: f32,
    },
    /// A mask does not fit its image.
    #[error("the mask {reason}")]
    Mask {
        /// What is wrong with it, as the rest of a sentence.
        reason: String,
    },
    /// The runtime failed while computing.
    #[error("the runtime failed to {action}: {reason}")]
    Engine {
        /// What was attempted.
        action: &'static str,
        /// What the runtime says.
        reason: String,
    },
    /// A graph could not be cut or written as a model.
    #[error("the network cannot be turned into a model")]
    Network(#[from] assay_network::NetworkError),
    /// The caller gave up.
    #[error("cancelled after {done} of {total} spectra")]
    Cancelled {
        /// Spectra finished.
        done: usize,
        /// Spectra asked for.
        total: usize,
    },
}

impl InferError {
    /// The same error, for a caller that ran row `row` of its data as a batch of one.
    pub(crate) fn in_row(mut self, row: usize) -> Self {
        if let Self::InputNotFinite { row: own, .. } | Self::OutputNotFinite { row: own, .. } =
            &mut self
        {
            *own = row;
        }
        self
    }

    pub(crate) fn engine(action: &'static str, error: &ort::Error) -> Self {
        Self::Engine {
            action,
            reason: error.message().to_owned(),
        }
    }
}

impl Classified for InferError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::RuntimeNotFound { .. } | Self::RuntimeUnusable { .. } => ErrorKind::Unavailable,
            Self::RuntimeAlreadyLoaded { .. } => ErrorKind::FailedPrecondition,
            Self::ModelRefused { .. }
            | Self::ModelInterface { .. }
            | Self::UnknownOutput { .. }
            | Self::InputShape { .. }
            | Self::InputNotFinite { .. }
            | Self::OutputNotFinite { .. }
            | Self::Mask { .. } => ErrorKind::InvalidArgument,
            Self::Engine { .. } => ErrorKind::Internal,
            Self::Network(error) => error.kind(),
            Self::Cancelled { .. } => ErrorKind::Cancelled,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let texts: Vec<_> = paths.iter().map(|p| p.display().to_string()).collect();
    texts.join(", ")
}
