//! The state machine of a job as pure functions over its record: every store decides with them
//! and only keeps what they decided. Each changes the record and gives the events to append, or
//! refuses and leaves the record as it was.

mod finish;
mod recovery;

pub use finish::{finish, may_finish};
pub use recovery::{Expiry, expire, is_removable, needs_hint, redispatched};

use crate::{
    Beat, EventKind, Failure, FencingToken, JobError, JobEvent, JobId, JobRecord, JobState, Lease,
    NewJob, Progress, Timestamp,
};
use assay_core::ErrorKind;
use std::time::Duration;

/// How long an idempotency key finds the job that it made.
pub const KEY_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Events of one job that a store keeps.
pub const EVENTS_KEPT: u64 = 10_000;

/// Events that one call gives at most.
pub const EVENTS_PER_CALL: usize = 1_000;

/// Longest text of a warning or reason in a record, in characters; the rest is cut off.
const TEXT_CHARS: usize = 4_000;

/// Warnings of one beat that are kept.
const WARNINGS_PER_BEAT: usize = 100;

/// What becomes of an attempt to claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimDecision {
    /// The record now holds the lease.
    Claimed,
    /// Nothing changed.
    NotNow,
    /// The job has just failed, for it was begun too often.
    Exhausted,
}

/// A new record, queued and dispatched now.
///
/// # Errors
/// [`JobError::Invalid`] for a job that no store can keep its promises about.
pub fn new_record(
    id: JobId,
    job: NewJob,
    now: Timestamp,
) -> Result<(JobRecord, Vec<JobEvent>), JobError> {
    if job.max_attempts == 0 {
        return Err(JobError::invalid("max_attempts", 0, "at least 1"));
    }
    if job.idempotency_key.as_deref() == Some("") {
        return Err(JobError::invalid(
            "idempotency key",
            "",
            "at least one character, or no key",
        ));
    }
    let mut record = JobRecord {
        id,
        job,
        state: JobState::Queued,
        attempt: 0,
        lease: None,
        last_token: 0,
        progress: Progress::default(),
        checkpoint: None,
        cancel_requested: false,
        result: None,
        failure: None,
        settled: None,
        sequence: 0,
        created_at: now,
        not_before: now,
        dispatched_at: now,
        started_at: None,
        finished_at: None,
    };
    let submitted = note_state(&mut record, now, "");
    Ok((record, vec![submitted]))
}

/// Whether a job made under the same principal and key answers a new submission.
///
/// # Errors
/// [`JobError::KeyReused`] when the key is still its own but the submission asks for other work.
pub fn answers_key(record: &JobRecord, job: &NewJob, now: Timestamp) -> Result<bool, JobError> {
    let gone = matches!(record.state, JobState::Failed | JobState::Cancelled);
    if gone || now >= record.created_at.after(KEY_LIFETIME) {
        return Ok(false);
    }
    let same = record.job.lane == job.lane && record.job.specification == job.specification;
    if same {
        return Ok(true);
    }
    Err(JobError::KeyReused {
        key: job.idempotency_key.clone().unwrap_or_default(),
        job: record.id,
    })
}

/// Gives a queued job whose time has come to a worker.
pub fn claim(
    record: &mut JobRecord,
    worker: &str,
    lease: Duration,
    now: Timestamp,
) -> (ClaimDecision, Vec<JobEvent>) {
    if record.state != JobState::Queued || now < record.not_before {
        return (ClaimDecision::NotNow, Vec::new());
    }
    if record.attempt >= record.job.max_attempts {
        return (ClaimDecision::Exhausted, exhaust(record, now));
    }
    record.attempt += 1;
    record.last_token += 1;
    record.lease = Some(Lease {
        worker: worker.to_owned(),
        token: record.last_token,
        expires_at: now.after(lease),
    });
    record.state = JobState::Running;
    record.started_at = Some(now);
    let begun = note_state(record, now, &format!("begun by {worker}"));
    (ClaimDecision::Claimed, vec![begun])
}

/// Renews a lease and stores what the beat carries.
///
/// # Errors
/// [`JobError::Fenced`].
pub fn beat(
    record: &mut JobRecord,
    token: FencingToken,
    beat: Beat,
    lease: Duration,
    now: Timestamp,
) -> Result<Vec<JobEvent>, JobError> {
    check_lease(record, token, now)?;
    if let Some(held) = &mut record.lease {
        held.expires_at = now.after(lease);
    }
    if let Some(checkpoint) = beat.checkpoint {
        record.checkpoint = Some(checkpoint);
    }
    let mut events = Vec::with_capacity(beat.progress.len() + beat.warnings.len());
    for progress in beat.progress {
        record.progress = progress.clone();
        events.push(note(record, now, EventKind::Progress(progress)));
    }
    for warning in beat.warnings.into_iter().take(WARNINGS_PER_BEAT) {
        events.push(note(record, now, EventKind::Warning(cut(&warning))));
    }
    Ok(events)
}

/// Cancels a queued job, or asks the worker of a running one to stop.
///
/// # Errors
/// [`JobError::WrongState`] when it succeeded or failed.
pub fn cancel(
    record: &mut JobRecord,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<JobEvent>, JobError> {
    match record.state {
        JobState::Queued => {
            record.cancel_requested = true;
            Ok(vec![end(record, JobState::Cancelled, now, reason)])
        }
        JobState::Running if !record.cancel_requested => {
            record.cancel_requested = true;
            let text = if reason.is_empty() {
                "it is to stop".to_owned()
            } else {
                format!("it is to stop: {reason}")
            };
            Ok(vec![note_state(record, now, &text)])
        }
        JobState::Running | JobState::Cancelled => Ok(Vec::new()),
        JobState::Succeeded | JobState::Failed => Err(JobError::WrongState {
            job: record.id,
            state: record.state,
            action: "cancelling it",
        }),
    }
}

/// Whether the token is that of the current lease.
fn check_lease(record: &JobRecord, token: FencingToken, now: Timestamp) -> Result<(), JobError> {
    match &record.lease {
        Some(lease) if lease.token == token.0 && now < lease.expires_at => Ok(()),
        _ => Err(JobError::Fenced {
            job: record.id,
            state: record.state,
        }),
    }
}

/// Fails a job that was begun as often as it may be; its last reason stays.
fn exhaust(record: &mut JobRecord, now: Timestamp) -> Vec<JobEvent> {
    let attempts = record.attempt;
    let failure = record.failure.get_or_insert_with(|| Failure {
        kind: ErrorKind::Unavailable,
        message: format!("it was begun {attempts} times and never came to an end"),
    });
    let reason = failure.message.clone();
    vec![end(record, JobState::Failed, now, &reason)]
}

/// Queues it again, to be begun after `wait`.
fn requeue(record: &mut JobRecord, now: Timestamp, wait: Duration, reason: &str) -> JobEvent {
    record.lease = None;
    record.state = JobState::Queued;
    record.not_before = now.after(wait);
    if wait.is_zero() {
        record.dispatched_at = now;
    }
    note_state(record, now, reason)
}

/// Brings it to a final state.
fn end(record: &mut JobRecord, state: JobState, now: Timestamp, reason: &str) -> JobEvent {
    record.lease = None;
    record.state = state;
    record.finished_at = Some(now);
    note_state(record, now, reason)
}

fn note_state(record: &mut JobRecord, now: Timestamp, reason: &str) -> JobEvent {
    let kind = EventKind::State {
        state: record.state,
        attempt: record.attempt,
        reason: cut(reason),
    };
    note(record, now, kind)
}

fn note(record: &mut JobRecord, at: Timestamp, kind: EventKind) -> JobEvent {
    record.sequence += 1;
    JobEvent {
        sequence: record.sequence,
        at,
        kind,
    }
}

fn cut(text: &str) -> String {
    text.char_indices()
        .nth(TEXT_CHARS)
        .map_or_else(|| text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
}
