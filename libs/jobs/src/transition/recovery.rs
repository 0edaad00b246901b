//! What a sweep does with a record.

use super::{KEY_LIFETIME, end, exhaust, requeue};
use crate::{Failure, JobEvent, JobRecord, JobState, Timestamp};
use assay_core::ErrorKind;
use std::time::Duration;

/// What became of a job whose lease ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Queued again, and to be published.
    Requeued,
    /// Failed, for it was its last attempt.
    Exhausted,
    /// Cancelled, for somebody had asked for its end.
    Cancelled,
}

/// Takes a lease that ran out from its worker; `None` when there is no such lease.
pub fn expire(record: &mut JobRecord, now: Timestamp) -> Option<(Expiry, Vec<JobEvent>)> {
    let lease = record.lease.as_ref().filter(|l| l.expires_at <= now)?;
    let reason = format!(
        "worker {} did not report before its lease ran out",
        lease.worker
    );
    if record.cancel_requested {
        let event = end(record, JobState::Cancelled, now, &reason);
        return Some((Expiry::Cancelled, vec![event]));
    }
    record.failure = Some(Failure {
        kind: ErrorKind::Unavailable,
        message: reason.clone(),
    });
    if record.attempt >= record.job.max_attempts {
        return Some((Expiry::Exhausted, exhaust(record, now)));
    }
    let event = requeue(record, now, Duration::ZERO, &reason);
    Some((Expiry::Requeued, vec![event]))
}

/// Whether a hint is to be published: the job waits, its time has come, and the last hint came
/// before that time or is older than `redispatch_after`.
#[must_use]
pub fn needs_hint(record: &JobRecord, redispatch_after: Duration, now: Timestamp) -> bool {
    record.state == JobState::Queued
        && record.not_before <= now
        && (record.dispatched_at < record.not_before
            || record.dispatched_at.after(redispatch_after) <= now)
}

/// Marks a hint as published now.
pub const fn redispatched(record: &mut JobRecord, now: Timestamp) {
    record.dispatched_at = now;
}

/// Whether the record can go: it has been final for `retention`, and no idempotency key finds it
/// any more.
#[must_use]
pub fn is_removable(record: &JobRecord, retention: Duration, now: Timestamp) -> bool {
    let Some(finished_at) = record.finished_at.filter(|_| record.state.is_final()) else {
        return false;
    };
    let found_by_key = record.job.idempotency_key.is_some() && record.state == JobState::Succeeded;
    finished_at.after(retention) <= now
        && (!found_by_key || record.created_at.after(KEY_LIFETIME) <= now)
}

impl JobRecord {
    /// Whether a hint should be published for it at once: it was queued again without backoff
    /// and counts as dispatched.
    #[must_use]
    pub fn wants_hint_now(&self) -> bool {
        self.state == JobState::Queued && self.dispatched_at >= self.not_before
    }
}
