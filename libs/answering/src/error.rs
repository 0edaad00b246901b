//! Why there is no answer.

use assay_core::{Classified, Digest, ErrorKind};
use assay_pipeline::PipelineError;
use assay_store::StoreError;
use std::{sync::Arc, time::Duration};

/// A failure on the way to an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// A field of the request cannot be used.
    #[error("{field}: {reason}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Its value, what is allowed, what to do.
        reason: String,
    },
    /// The spectrum, the model or the arithmetic.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// What was named is not there, or cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data set of a batch is not there, or cannot be read.
    #[error("data set {dataset} cannot be read: {source}")]
    Dataset {
        /// The data set.
        dataset: Digest,
        /// Why.
        source: StoreError,
    },
    /// One bundle cannot be used; requests for others are not touched.
    #[error("the model cannot be used: {source}")]
    Model {
        /// The bundle.
        bundle: Digest,
        /// Why; shared by all who waited for it.
        source: Arc<AnswerError>,
    },
    /// The model is there and cannot do what was asked; another one may.
    #[error("{0}")]
    NotPossible(String),
    /// The registry keeps another bundle under this digest.
    #[error(
        "the registry has bundle {found} where bundle {expected} should be; put the model there \
         again"
    )]
    OtherBundle {
        /// The bundle that was asked for.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
    /// Too much waits already.
    #[error("{what}; try again in {} ms", .retry_after.as_millis())]
    Overloaded {
        /// What is full.
        what: String,
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The time of the request is over.
    #[error("the deadline passed while {doing}")]
    Deadline {
        /// What was being done.
        doing: &'static str,
    },
    /// Nobody waits for it any more.
    #[error("cancelled")]
    Cancelled,
    /// The other service, or the model, cannot answer now.
    #[error("{0}")]
    Unavailable(String),
    /// Another service answered with an error.
    #[error("{message}")]
    Remote {
        /// Its kind.
        kind: ErrorKind,
        /// Its message.
        message: String,
    },
    /// This program does not do what it should.
    #[error("{0}")]
    Defect(String),
}

impl AnswerError {
    /// A field that cannot be used, and why.
    pub fn field(field: &'static str, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        Self::Field { field, reason }
    }
}

impl Classified for AnswerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Field { .. } => ErrorKind::InvalidArgument,
            Self::Pipeline(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Dataset { source, .. } => source.kind(),
            Self::Model { source, .. } => source.kind(),
            Self::NotPossible(_) => ErrorKind::FailedPrecondition,
            Self::OtherBundle { .. } => ErrorKind::DataLoss,
            Self::Defect(_) => ErrorKind::Internal,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Overloaded { .. } => ErrorKind::ResourceExhausted,
            Self::Deadline { .. } | Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Remote { kind, .. } => *kind,
        }
    }
}
