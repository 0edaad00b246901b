//! Statuses of other services as errors.

use super::{DOMAIN, facts, kind_of};
use assay_answering::AnswerError;
use assay_core::ErrorKind;
use assay_jobs::{JobError, JobId, JobState};
use std::{error::Error, time::Duration};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The kind of the error that a status stands for.
#[must_use]
pub fn kind(status: &Status) -> ErrorKind {
    if is_connection_lost(status) {
        return ErrorKind::Unavailable;
    }
    kind_of(status.code())
}

/// Whether no server said this: there was none, or the connection broke before its answer was
/// whole. The transport gives such statuses many codes; what they share is a cause on this side.
#[must_use]
pub fn is_connection_lost(status: &Status) -> bool {
    status.source().is_some()
}

/// When the server says that it is worth trying again.
#[must_use]
pub fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info()?.retry_delay
}

/// The error that a status of another service stands for: same kind, message and waiting time.
/// A deadline that passed there has passed here too, and is told as this side's.
#[must_use]
pub fn answer_error(status: &Status) -> AnswerError {
    let message = status.message().to_owned();
    if is_connection_lost(status) {
        return AnswerError::Unavailable(message);
    }
    match (status.code(), retry_after(status)) {
        (Code::ResourceExhausted, Some(retry_after)) => {
            // The message of this error ends with the waiting time by itself.
            let end = format!("; try again in {} ms", retry_after.as_millis());
            let what = message.strip_suffix(&end).unwrap_or(&message).to_owned();
            AnswerError::Overloaded { what, retry_after }
        }
        (Code::DeadlineExceeded, _) => AnswerError::Deadline {
            doing: "another service was working on the request",
        },
        (Code::Unavailable, _) => AnswerError::Unavailable(message),
        // Whoever asked us is not to blame: our own token or certificate is not taken there.
        (Code::Unauthenticated | Code::PermissionDenied, _) => {
            tracing::error!(
                error = message,
                "another service refuses this one; see [peers]"
            );
            AnswerError::Unavailable(format!("another service refuses this one: {message}"))
        }
        _ => AnswerError::Remote {
            kind: kind(status),
            message,
        },
    }
}

/// The error that a status of the control service stands for, about one job.
#[must_use]
pub fn job_error(status: &Status, job: JobId) -> JobError {
    const CONTROL: &str = "the control service";
    let reason = status.message().to_owned();
    match kind(status) {
        ErrorKind::NotFound => JobError::NotFound(job),
        ErrorKind::InvalidArgument => JobError::Invalid {
            field: "the message to the control service",
            value: reason,
            allowed: "what a worker of the same version sends".to_owned(),
        },
        ErrorKind::FailedPrecondition => match fenced_state(status) {
            Some(state) => JobError::Fenced { job, state },
            None => JobError::Unavailable {
                what: CONTROL,
                reason,
            },
        },
        ErrorKind::DataLoss => JobError::Damaged {
            what: format!("the record of job {job}"),
            reason,
        },
        _ => JobError::Unavailable {
            what: CONTROL,
            reason,
        },
    }
}

fn fenced_state(status: &Status) -> Option<JobState> {
    let info = status.get_details_error_info()?;
    if info.domain != DOMAIN || info.reason != facts::FENCED {
        return None;
    }
    let name = info.metadata.get(facts::STATE)?;
    serde_json::from_value(serde_json::Value::String(name.clone())).ok()
}
