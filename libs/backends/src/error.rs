//! Why a store or queue cannot be opened or cleared up.

use assay_core::{Classified, ErrorKind};
use assay_jobs::JobError;
use assay_store::StoreError;

/// A failure of a store or queue that a configuration names.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Blobs or models.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Jobs.
    #[error(transparent)]
    Job(#[from] JobError),
}

impl Classified for BackendError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Job(error) => error.kind(),
        }
    }
}
