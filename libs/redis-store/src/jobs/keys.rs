//! The names of all keys, and where a record stands in the schedule. Every key holds the prefix
//! in braces, so that a cluster keeps them together.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `{prefix}:meta` | hash | `format`, the version of this layout |
//! | `{prefix}:job:ID` | hash | `record` (JSON without its specification), `specification` (JSON), `commits` (the last commits, newest first), `at` (when the last one was decided) |
//! | `{prefix}:events:ID` | stream | the events (JSON) under their numbers |
//! | `{prefix}:index` | sorted set | the ids, in their order |
//! | `{prefix}:schedule:SORT` | sorted set | the ids by the time at which a sweep looks at them |
//! | `{prefix}:counts` | hash | for each lane `LANE:queued` and `LANE:running` |
//! | `{prefix}:key:DIGEST` | string | the job made last under a principal and idempotency key |
//! | `{prefix}:changed` | channel | the id of each job that changes |

use assay_core::DigestBuilder;
use assay_jobs::{JobId, JobRecord, JobState};

pub(super) struct Keys {
    start: String,
}

/// What the schedule has a set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Queued without a hint that helps: publish one at `not_before`.
    Waiting,
    /// Queued since a hint was published.
    Dispatched,
    /// Under a lease until.
    Running,
    /// Over since.
    Over,
}

/// An entry of the schedule: which set, and when in milliseconds.
pub(super) type Moment = (Sort, u64);

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            start: format!("{{{prefix}}}:"),
        }
    }

    pub(super) fn meta(&self) -> String {
        format!("{}meta", self.start)
    }

    /// Keys on which the commands of the scripts are tried.
    pub(super) fn trial(&self, part: &str) -> String {
        format!("{}trial:{part}", self.start)
    }

    pub(super) fn job(&self, id: JobId) -> String {
        format!("{}job:{id}", self.start)
    }

    pub(super) fn events(&self, id: JobId) -> String {
        format!("{}events:{id}", self.start)
    }

    pub(super) fn index(&self) -> String {
        format!("{}index", self.start)
    }

    pub(super) fn counts(&self) -> String {
        format!("{}counts", self.start)
    }

    pub(super) fn changed(&self) -> String {
        format!("{}changed", self.start)
    }

    pub(super) fn schedule(&self, sort: Sort) -> String {
        let name = match sort {
            Sort::Waiting => "waiting",
            Sort::Dispatched => "dispatched",
            Sort::Running => "running",
            Sort::Over => "over",
        };
        format!("{}schedule:{name}", self.start)
    }

    /// A digest: both are of any length and of any characters.
    pub(super) fn idempotency(&self, principal: &str, key: &str) -> String {
        let digest = DigestBuilder::new("openassay idempotency key 1")
            .bytes(principal.as_bytes())
            .bytes(key.as_bytes())
            .finish();
        format!("{}key:{digest}", self.start)
    }

    /// Where the id of a record's idempotency key stands, if it has one.
    pub(super) fn idempotency_of(&self, record: &JobRecord) -> Option<String> {
        let key = record.job.idempotency_key.as_deref()?;
        Some(self.idempotency(&record.job.principal, key))
    }
}

pub(super) fn moment(record: &JobRecord) -> Moment {
    let (sort, at) = match (record.state, &record.lease) {
        (JobState::Running, Some(lease)) => (Sort::Running, lease.expires_at),
        (JobState::Queued | JobState::Running, _) if record.dispatched_at < record.not_before => {
            (Sort::Waiting, record.not_before)
        }
        (JobState::Queued | JobState::Running, _) => (Sort::Dispatched, record.dispatched_at),
        _ => (Sort::Over, record.finished_at.unwrap_or_default()),
    };
    (sort, at.0)
}

/// The count that a record is part of; empty when it is over.
pub(super) fn count(record: &JobRecord) -> String {
    let lane = record.job.lane.name();
    match record.state {
        JobState::Queued => format!("{lane}:queued"),
        JobState::Running => format!("{lane}:running"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_holds_the_prefix_in_braces() {
        let keys = Keys::new("p");
        let id = JobId::new();
        for key in [
            keys.meta(),
            keys.trial("x"),
            keys.job(id),
            keys.events(id),
            keys.index(),
            keys.counts(),
            keys.changed(),
            keys.schedule(Sort::Over),
            keys.idempotency("anna", "k"),
        ] {
            assert!(key.starts_with("{p}:"), "{key}");
        }
    }

    #[test]
    fn principals_and_keys_never_run_together() {
        let keys = Keys::new("p");
        assert_ne!(keys.idempotency("an", "nak"), keys.idempotency("anna", "k"));
        assert_ne!(keys.idempotency("a\0", "b"), keys.idempotency("a", "\0b"));
    }
}
