//! The end of a worker's work on a job.

use super::{check_lease, cut, end, requeue};
use crate::{
    Failure, FencingToken, JobError, JobEvent, JobRecord, JobState, Outcome, Settled, Timestamp,
};
use assay_core::Digest;
use std::time::Duration;

/// Whether an outcome is to be applied; false for the repeat of one that was applied already.
///
/// # Errors
/// [`JobError::Fenced`].
pub fn may_finish(
    record: &JobRecord,
    token: FencingToken,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<bool, JobError> {
    if record.settled == Some(settled(token, outcome)?) {
        return Ok(false);
    }
    check_lease(record, token, now).map(|()| true)
}

/// Ends the work under a lease; no events for a repeat.
///
/// # Errors
/// [`JobError::Fenced`].
pub fn finish(
    record: &mut JobRecord,
    token: FencingToken,
    outcome: Outcome,
    now: Timestamp,
) -> Result<Vec<JobEvent>, JobError> {
    if !may_finish(record, token, &outcome, now)? {
        return Ok(Vec::new());
    }
    record.settled = Some(settled(token, &outcome)?);
    let event = match outcome {
        Outcome::Succeeded(result) => {
            record.result = Some(result);
            record.failure = None;
            end(record, JobState::Succeeded, now, "")
        }
        Outcome::Failed(failure) => fail(record, failure, now),
        Outcome::Cancelled => end(record, JobState::Cancelled, now, "stopped by its worker"),
        Outcome::Retry { failure, backoff } => retry(record, failure, backoff, now),
        Outcome::Released => release(record, now),
    };
    Ok(vec![event])
}

fn fail(record: &mut JobRecord, failure: Failure, now: Timestamp) -> JobEvent {
    let failure = Failure {
        kind: failure.kind,
        message: cut(&failure.message),
    };
    let reason = failure.message.clone();
    record.failure = Some(failure);
    end(record, JobState::Failed, now, &reason)
}

fn retry(record: &mut JobRecord, failure: Failure, backoff: Duration, now: Timestamp) -> JobEvent {
    if record.cancel_requested {
        return end(record, JobState::Cancelled, now, "not tried again");
    }
    if record.attempt >= record.job.max_attempts {
        return fail(record, failure, now);
    }
    let reason = cut(&failure.message);
    record.failure = Some(Failure {
        kind: failure.kind,
        message: reason.clone(),
    });
    requeue(record, now, backoff, &reason)
}

fn release(record: &mut JobRecord, now: Timestamp) -> JobEvent {
    if record.cancel_requested {
        return end(record, JobState::Cancelled, now, "given back by its worker");
    }
    record.attempt = record.attempt.saturating_sub(1);
    requeue(record, now, Duration::ZERO, "given back by its worker")
}

fn settled(token: FencingToken, outcome: &Outcome) -> Result<Settled, JobError> {
    let bytes = serde_json::to_vec(outcome)
        .map_err(|error| JobError::invalid("outcome", error, "what can be written as JSON"))?;
    Ok(Settled {
        token: token.0,
        outcome: Digest::of(&bytes),
    })
}
