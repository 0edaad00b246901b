//! Why a model was not loaded, as all who waited for it are told.

use assay_answering::AnswerError;
use assay_core::{Classified, Digest, ErrorKind};
use assay_store::StoreError;
use std::sync::Arc;

/// A loading that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoadFailure {
    /// The bundle itself is at fault; trying again soon does not help.
    #[error("{0}")]
    Refused(String),
    /// There is no such bundle.
    #[error("{0}")]
    NotFound(String),
    /// The registry cannot be read now, or this process has no means to load it.
    #[error("{0}")]
    Unavailable(String),
}

impl LoadFailure {
    /// Whether the bundle itself is at fault.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// The error of a request for the bundle.
    pub(crate) fn to_error(&self, bundle: Digest) -> AnswerError {
        let source = match self {
            Self::Refused(reason) => AnswerError::NotPossible(reason.clone()),
            Self::NotFound(_) => AnswerError::Store(StoreError::NotFound {
                what: "bundle",
                name: bundle.to_string(),
                advice: "; put it into the registry first".to_owned(),
            }),
            Self::Unavailable(reason) => AnswerError::Unavailable(reason.clone()),
        };
        AnswerError::Model {
            bundle,
            source: Arc::new(source),
        }
    }
}

impl From<StoreError> for LoadFailure {
    fn from(error: StoreError) -> Self {
        let reason = error.to_string();
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound(reason),
            ErrorKind::DataLoss => Self::Refused(reason),
            _ => Self::Unavailable(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_not_a_refusal() {
        let gone = StoreError::NotFound {
            what: "bundle",
            name: "x".to_owned(),
            advice: String::new(),
        };
        let failure = LoadFailure::from(gone);
        assert!(!failure.is_refusal());
        let error = failure.to_error(Digest::of(b""));
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(LoadFailure::Refused("x".to_owned()).is_refusal());
    }
}
