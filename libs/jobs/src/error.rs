//! What can go wrong with a job's record or message.

use crate::{JobId, JobState};
use assay_core::{Classified, ErrorKind};

/// A failure of a store, a queue or a request to them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// No such job, or it was collected after its retention time.
    #[error("job {0} does not exist, or its record was removed after the retention time")]
    NotFound(JobId),
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
    /// The idempotency key was used for another request before.
    #[error(
        "idempotency key {key:?} was used within the last 24 hours for another request (job \
         {job}); use a new key"
    )]
    KeyReused {
        /// The key.
        key: String,
        /// The job that it made.
        job: JobId,
    },
    /// The worker lost its lease: another one may have the job, or it is over.
    #[error("job {job} is no longer held under this lease (state {state})")]
    Fenced {
        /// The job.
        job: JobId,
        /// The state it is in now.
        state: JobState,
    },
    /// The state of the job does not allow this.
    #[error("job {job} is {state}; {action} is not possible any more")]
    WrongState {
        /// The job.
        job: JobId,
        /// The state it is in.
        state: JobState,
        /// What was asked.
        action: &'static str,
    },
    /// Too many jobs wait already.
    #[error("lane {lane} holds {waiting} waiting jobs, which is its limit; submit again later")]
    Full {
        /// The lane.
        lane: crate::Lane,
        /// Jobs that wait.
        waiting: u64,
    },
    /// Store or queue cannot be reached or refused the operation; trying again may help.
    #[error("{what} is not available: {reason}")]
    Unavailable {
        /// Store or queue.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Something stored cannot be understood.
    #[error("{what} is damaged: {reason}")]
    Damaged {
        /// The record or message.
        what: String,
        /// Why.
        reason: String,
    },
}

impl JobError {
    /// A value that cannot be used.
    pub fn invalid(field: &'static str, value: impl ToString, allowed: impl ToString) -> Self {
        Self::Invalid {
            field,
            value: value.to_string(),
            allowed: allowed.to_string(),
        }
    }
}

impl Classified for JobError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Invalid { .. } => ErrorKind::InvalidArgument,
            Self::KeyReused { .. } => ErrorKind::AlreadyExists,
            Self::Fenced { .. } | Self::WrongState { .. } => ErrorKind::FailedPrecondition,
            Self::Full { .. } => ErrorKind::ResourceExhausted,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Damaged { .. } => ErrorKind::DataLoss,
        }
    }
}
