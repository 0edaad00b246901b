//! Why a request about jobs, data sets or models is not served.

use assay_api::{WireError, status};
use assay_core::{Classified, ErrorKind};
use assay_jobs::JobError;
use assay_pipeline::PipelineError;
use assay_store::StoreError;
use std::time::Duration;
use tonic::Status;

const RETRY_UPLOAD: Duration = Duration::from_secs(5);

/// A request that is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// A field of the request.
    #[error(transparent)]
    Field(#[from] WireError),
    /// Several fields of the request, each with its reason.
    #[error("{}", listed(.0))]
    Fields(Vec<(String, String)>),
    /// Blobs or models.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Jobs.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A bundle that is none, or is damaged.
    #[error("the bundle cannot be taken: {0}")]
    Bundle(#[from] Box<PipelineError>),
    /// A job has no such artefact.
    #[error("job {job} has no artefact {name:?}; {present}")]
    NoArtefact {
        /// The job.
        job: assay_jobs::JobId,
        /// What was asked for.
        name: String,
        /// What there is.
        present: String,
    },
    /// The caller may not do this.
    #[error("{who} lacks the role operator, which alone {what}")]
    Forbidden {
        /// Who asks.
        who: String,
        /// What only operators do.
        what: &'static str,
    },
    /// Too many bundles at once.
    #[error("{limit} bundles are being taken already")]
    Busy {
        /// Most at a time.
        limit: usize,
    },
    /// The caller stopped sending in the middle.
    #[error("nothing came for {waited_s} s; send the bundle again")]
    Silence {
        /// How long was waited.
        waited_s: u64,
    },
    /// This program does not do what it should.
    #[error("{0}")]
    Defect(String),
}

fn listed(faults: &[(String, String)]) -> String {
    let faults: Vec<_> = faults
        .iter()
        .map(|(f, why)| format!("{f}: {why}"))
        .collect();
    faults.join("; ")
}

impl ControlError {
    pub(crate) fn field(field: &str, reason: impl ToString) -> Self {
        Self::Field(WireError::field(field, reason))
    }

    /// The error for faults of a request; nothing where there are none.
    pub(crate) fn unless_empty(faults: Vec<(String, String)>) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        Err(Self::Fields(faults))
    }
}

impl Classified for ControlError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Field(_) | Self::Fields(_) => ErrorKind::InvalidArgument,
            Self::Store(error) => error.kind(),
            Self::Job(error) => error.kind(),
            // Whatever is wrong with it, these are the caller's bytes.
            Self::Bundle(_) => ErrorKind::InvalidArgument,
            Self::NoArtefact { .. } => ErrorKind::NotFound,
            Self::Forbidden { .. } => ErrorKind::FailedPrecondition,
            Self::Busy { .. } => ErrorKind::ResourceExhausted,
            Self::Silence { .. } => ErrorKind::Unavailable,
            Self::Defect(_) => ErrorKind::Internal,
        }
    }
}

impl From<ControlError> for Status {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Field(error) => status::of(&error),
            ControlError::Fields(faults) => status::invalid_fields(faults),
            ControlError::Store(error) => status::of(&error),
            ControlError::Job(error) => status::of(&error),
            ControlError::Forbidden { .. } => status::forbidden(error.to_string()),
            ControlError::Busy { .. } => status::overloaded(error.to_string(), RETRY_UPLOAD),
            other => status::of(&other),
        }
    }
}

/// Runs what takes long beside the asynchronous threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ControlError> + Send + 'static,
) -> Result<T, ControlError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(ControlError::Defect(error.to_string())))
}
