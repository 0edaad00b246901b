//! Everything that can go wrong between a file of weights and an exported network.

use assay_core::{Classified, ErrorKind};

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A graph that contradicts itself: a defect of whoever built it.
    #[error("node {node:?}: {reason}")]
    Graph {
        /// Name of the node.
        node: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A landmark that the graph does not have.
    #[error("the graph has no value {0:?}")]
    NoLandmark(&'static str),
    /// Weights that do not fit the graph.
    #[error("weights do not fit the network: {0}")]
    Weights(String),
    /// A number that is not finite.
    #[error("{what}[{index}] is {value}: only finite numbers are allowed")]
    NotFinite {
        /// Name of the tensor.
        what: String,
        /// Position, row-major.
        index: usize,
        /// The offending value.
        value: f32,
    },
    /// A file that is not what it should be.
    #[error("{format}: {reason}")]
    Format {
        /// Which format was expected.
        format: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
    /// A parameter outside its range.
    #[error("{name} is {value}: {allowed}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A base that the catalogue does not know.
    #[error("there is no base {name:?}: the catalogue has {available}")]
    UnknownBase {
        /// The name asked for.
        name: String,
        /// The names there are.
        available: String,
    },
    /// A base whose weights are not on this machine.
    #[error("the weights of {name:?} are not at {path}: {hint}")]
    MissingWeights {
        /// Name of the base.
        name: String,
        /// Where they were expected.
        path: String,
        /// How to get them.
        hint: String,
    },
    /// Weights that are not those that their file says.
    #[error(
        "the weights of {name:?} have digest {actual}, their file states {stated}: convert the base again"
    )]
    Damaged {
        /// Name of the base.
        name: String,
        /// Digest in the file's metadata.
        stated: String,
        /// Digest of the weights.
        actual: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Settings of the image that cannot work.
    #[error(transparent)]
    Imaging(#[from] assay_gramian::GramianError),
}

impl NetworkError {
    pub(crate) fn graph(node: &str, reason: impl Into<String>) -> Self {
        Self::Graph {
            node: node.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn format(format: &'static str, reason: impl Into<String>) -> Self {
        Self::Format {
            format,
            reason: reason.into(),
        }
    }
}

impl Classified for NetworkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Graph { .. } => ErrorKind::Internal,
            Self::NoLandmark(_) => ErrorKind::Internal,
            Self::Weights(_)
            | Self::NotFinite { .. }
            | Self::Format { .. }
            | Self::Parameter { .. } => ErrorKind::InvalidArgument,
            Self::UnknownBase { .. } | Self::MissingWeights { .. } => ErrorKind::NotFound,
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                ErrorKind::NotFound
            }
            Self::Read { .. } => ErrorKind::Unavailable,
            Self::Damaged { .. } => ErrorKind::DataLoss,
            Self::Imaging(error) => error.kind(),
        }
    }
}
