//! What can go wrong with stored bytes.

use assay_core::{Classified, Digest, ErrorKind};

/// A failure of a store or of a request to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What was named does not exist.
    #[error("{what} {name:?} does not exist{advice}")]
    NotFound {
        /// Blob, model, version, alias or bundle.
        what: &'static str,
        /// Its name.
        name: String,
        /// What to do, as the end of the sentence; may be empty.
        advice: String,
    },
    /// Something else stands under that name.
    #[error("{what} {name:?} exists already with other content; choose another name")]
    Exists {
        /// Version or alias.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Somebody else changed it in the meantime.
    #[error("{what} {name:?} was changed by somebody else in the meantime; look and try again")]
    Conflict {
        /// Alias.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A value that cannot be used.
    #[error("{field} is {value:?}; allowed: {allowed}")]
    Invalid {
        /// Name of the field.
        field: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// What is stored is not what was put there.
    #[error("{what} is damaged: its digest is {found}, but {expected} was expected; restore it")]
    Damaged {
        /// The blob or file.
        what: String,
        /// Digest it should have.
        expected: Digest,
        /// Digest of what is there.
        found: Digest,
    },
    /// What is stored cannot be understood.
    #[error("{what} cannot be understood: {reason}")]
    Unreadable {
        /// The object.
        what: String,
        /// Why.
        reason: String,
    },
    /// The store cannot be reached or refused the operation; trying again may help.
    #[error("the store is not available: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
}

impl Classified for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Exists { .. } => ErrorKind::AlreadyExists,
            Self::Conflict { .. } => ErrorKind::FailedPrecondition,
            Self::Invalid { .. } => ErrorKind::InvalidArgument,
            Self::Damaged { .. } | Self::Unreadable { .. } => ErrorKind::DataLoss,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }
}
