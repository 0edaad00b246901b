//! How the work on a batch ends before its end, and what becomes of a row's failure.

use crate::AnswerError;
use assay_core::{Classified, ErrorKind};
use assay_jobs::{Failure, JobError, JobRecord, Outcome, StopReason};
use assay_store::StoreError;

/// Why the work ends early.
#[derive(Debug)]
pub(super) enum End {
    /// It was told to.
    Stopped(StopReason),
    /// It cannot go on; the kind says whether later is better.
    Failed(Failure),
}

impl End {
    /// This program does not do what it should.
    pub(super) fn defect(reason: &dyn std::fmt::Display) -> Self {
        Self::Failed(Failure {
            kind: ErrorKind::Internal,
            message: reason.to_string(),
        })
    }

    pub(super) fn into_outcome(self, record: &JobRecord) -> Outcome {
        match self {
            Self::Stopped(StopReason::Cancelled) => Outcome::Cancelled,
            Self::Stopped(StopReason::Shutdown | StopReason::Lost) => Outcome::Released,
            Self::Failed(failure) => failure.into_outcome(record),
        }
    }
}

impl From<AnswerError> for End {
    fn from(error: AnswerError) -> Self {
        Self::Failed(Failure::of(&error))
    }
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Failed(Failure::of(&error))
    }
}

impl From<JobError> for End {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Fenced { .. } => Self::Stopped(StopReason::Lost),
            error => Self::Failed(Failure::of(&error)),
        }
    }
}

/// What becomes of a row that could not be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its spectrum cannot be used: the row tells the error, the others are answered.
    Row,
    /// Something is in the way; the same row again after a while.
    Later,
    /// No row can be answered.
    Job,
}

impl Fate {
    pub(super) fn of(error: &AnswerError) -> Self {
        match error {
            AnswerError::Overloaded { .. }
            | AnswerError::Cancelled
            | AnswerError::Deadline { .. }
            | AnswerError::Unavailable(_) => Self::Later,
            AnswerError::Field { .. } => Self::Row,
            // The file of a spectrum is all that is fetched for a row; the model's own files come
            // under `Model`.
            AnswerError::Store(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::DataLoss => Self::Row,
                ErrorKind::Unavailable => Self::Later,
                _ => Self::Job,
            },
            AnswerError::Pipeline(error) => match error.kind() {
                // Exhausted is what a file is that is larger than any spectrum.
                ErrorKind::InvalidArgument
                | ErrorKind::FailedPrecondition
                | ErrorKind::ResourceExhausted => Self::Row,
                ErrorKind::Unavailable => Self::Later,
                _ => Self::Job,
            },
            AnswerError::Remote { kind, .. } => match kind {
                ErrorKind::InvalidArgument => Self::Row,
                ErrorKind::Unavailable | ErrorKind::ResourceExhausted | ErrorKind::Cancelled => {
                    Self::Later
                }
                _ => Self::Job,
            },
            AnswerError::Dataset { .. }
            | AnswerError::Model { .. }
            | AnswerError::OtherBundle { .. }
            | AnswerError::NotPossible(_)
            | AnswerError::Defect(_) => match error.kind() {
                ErrorKind::Unavailable | ErrorKind::ResourceExhausted => Self::Later,
                _ => Self::Job,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::Digest;
    use std::{sync::Arc, time::Duration};

    fn remote(kind: ErrorKind) -> AnswerError {
        let message = "no".to_owned();
        AnswerError::Remote { kind, message }
    }

    fn model(source: AnswerError) -> AnswerError {
        let (bundle, source) = (Digest::of(b"bundle"), Arc::new(source));
        AnswerError::Model { bundle, source }
    }

    fn not_found() -> AnswerError {
        AnswerError::Store(StoreError::NotFound {
            what: "blob",
            name: "x".to_owned(),
            advice: String::new(),
        })
    }

    #[test]
    fn a_bad_spectrum_is_a_row_a_bad_model_is_the_job_and_a_crowd_passes() {
        let full = AnswerError::Overloaded {
            what: "full".to_owned(),
            retry_after: Duration::from_millis(5),
        };
        let down = || AnswerError::Unavailable("down".to_owned());
        for (error, fate) in [
            (not_found(), Fate::Row),
            (remote(ErrorKind::InvalidArgument), Fate::Row),
            (remote(ErrorKind::Unavailable), Fate::Later),
            (remote(ErrorKind::ResourceExhausted), Fate::Later),
            (remote(ErrorKind::Internal), Fate::Job),
            (full, Fate::Later),
            (down(), Fate::Later),
            (model(down()), Fate::Later),
            (model(not_found()), Fate::Job),
            (AnswerError::Defect("no".to_owned()), Fate::Job),
        ] {
            assert_eq!(Fate::of(&error), fate, "{error:?}");
        }
    }
}
