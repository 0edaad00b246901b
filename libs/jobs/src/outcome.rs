//! From an error to a job's fate: what is worth another attempt, and after which time.

use crate::{Failure, JobRecord, Outcome};
use assay_core::{Classified, ErrorKind, keyed_rng};
use rand::Rng;
use std::{error::Error, time::Duration};

/// Waiting times that grow with every attempt, drawn between nothing and a limit that doubles
/// ("full jitter", Brooker 2015), so that jobs that failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Limit for the first attempt; no wait is shorter than half of it.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
}

impl Backoff {
    /// Between the attempts of a job: 1 s to 5 min.
    pub const JOB: Self = Self {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(300),
    };

    /// Time to wait after an attempt, counted from 1.
    #[must_use]
    pub fn wait(&self, attempt: u32, random: &mut impl Rng) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let limit = self
            .first
            .saturating_mul(1_u32 << doublings)
            .min(self.longest);
        // 53 bits: a uniform number below 1.
        let share = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        limit.mul_f64(share).max(self.first / 2).min(self.longest)
    }
}

impl Failure {
    /// The failure that an error is, with the errors beneath it in the message.
    pub fn of<E: Classified + ?Sized>(error: &E) -> Self {
        let mut message = error.to_string();
        let mut below: Option<&(dyn Error + 'static)> = error.source();
        while let Some(cause) = below {
            let text = cause.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            below = cause.source();
        }
        Self {
            kind: error.kind(),
            message,
        }
    }

    /// Whether the same work may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unavailable | ErrorKind::ResourceExhausted
        )
    }

    /// What becomes of a job with this failure: another attempt later when it is transient, the
    /// end otherwise. The backoff's randomness is keyed by the job and the attempt.
    #[must_use]
    pub fn into_outcome(self, record: &JobRecord) -> Outcome {
        if !self.is_transient() {
            return Outcome::Failed(self);
        }
        let [.., a, b, c, d, e, f, g, h] = *record.id.as_bytes();
        let seed = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let mut random = keyed_rng(seed, "job backoff", &[u64::from(record.attempt)]);
        Outcome::Retry {
            failure: self,
            backoff: Backoff::JOB.wait(record.attempt, &mut random),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JobError, Lane, NewJob, Timestamp, transition};

    fn record(attempt: u32) -> JobRecord {
        let job = NewJob {
            lane: Lane::Train,
            specification: serde_json::json!({}),
            principal: "p".to_owned(),
            idempotency_key: None,
            max_attempts: 20,
            trace_parent: None,
        };
        let id = crate::JobId::new();
        let (mut record, _) = transition::new_record(id, job, Timestamp(5)).unwrap();
        record.attempt = attempt;
        record
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (kind, again) in [
            (ErrorKind::Unavailable, true),
            (ErrorKind::ResourceExhausted, true),
            (ErrorKind::InvalidArgument, false),
            (ErrorKind::NotFound, false),
            (ErrorKind::AlreadyExists, false),
            (ErrorKind::FailedPrecondition, false),
            (ErrorKind::Cancelled, false),
            (ErrorKind::DataLoss, false),
            (ErrorKind::Internal, false),
        ] {
            let failure = Failure {
                kind,
                message: "it broke".to_owned(),
            };
            let outcome = failure.clone().into_outcome(&record(1));
            match outcome {
                Outcome::Retry { failure: kept, .. } => assert_eq!((again, kept), (true, failure)),
                Outcome::Failed(kept) => assert_eq!((again, kept), (false, failure)),
                other => unreachable!("{other:?}"),
            }
        }
    }

    #[test]
    fn waits_grow_stay_within_bounds_and_differ_between_jobs() {
        let wait = |record: &JobRecord| {
            let failure = Failure::of(&JobError::Unavailable {
                what: "store",
                reason: "down".to_owned(),
            });
            match failure.into_outcome(record) {
                Outcome::Retry { backoff, .. } => backoff,
                other => unreachable!("{other:?}"),
            }
        };
        let mut waits = Vec::new();
        for attempt in [1, 2, 5, 20] {
            let all: Vec<Duration> = (0..200).map(|_| wait(&record(attempt))).collect();
            let limit = Duration::from_secs(1 << (attempt - 1)).min(Backoff::JOB.longest);
            assert!(
                all.iter()
                    .all(|w| *w <= limit && *w >= Backoff::JOB.first / 2)
            );
            waits.push(all.iter().sum::<Duration>());
        }
        assert!(waits.is_sorted(), "{waits:?}");
        let one = record(6);
        assert_eq!(wait(&one), wait(&one), "a function of job and attempt");
    }

    #[test]
    fn the_message_holds_the_causes_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("the batch cannot be read")]
        struct Outer(#[source] JobError);
        impl Classified for Outer {
            fn kind(&self) -> ErrorKind {
                self.0.kind()
            }
        }
        let failure = Failure::of(&Outer(JobError::Damaged {
            what: "row 3".to_owned(),
            reason: "no digest".to_owned(),
        }));
        assert_eq!(failure.kind, ErrorKind::DataLoss);
        assert_eq!(
            failure.message,
            "the batch cannot be read: row 3 is damaged: no digest"
        );
    }
}
