//! The port to the durable store of job records. All times are the store's own. Every method is
//! atomic: two callers never both succeed in what only one may do, and what was answered has
//! been stored durably.

use crate::{
    Beat, FencingToken, JobError, JobEvent, JobId, JobRecord, JobState, Lane, NewJob, Timestamp,
};
use crate::{Failure, JobResult};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a submission made.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// The record.
    pub record: JobRecord,
    /// Whether it is new; otherwise the idempotency key found it.
    pub created: bool,
}

/// What came of an attempt to claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The job is the caller's, under [`JobRecord::lease`].
    Claimed(Box<JobRecord>),
    /// Another worker has it, it is over, or its time has not come: the hint can go.
    NotNow(JobState),
    /// It was begun too often and has just failed for that.
    Exhausted(Box<JobRecord>),
}

/// How a worker ends its work on a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The work is done.
    Succeeded(JobResult),
    /// It cannot be done; trying again would fail again.
    Failed(Failure),
    /// It stopped because somebody asked.
    Cancelled,
    /// Something was in the way: queue it again after `backoff`, or fail it when it was begun
    /// [`NewJob::max_attempts`] times.
    Retry {
        /// What was in the way.
        failure: Failure,
        /// Time before the next attempt.
        backoff: Duration,
    },
    /// The worker shuts down: queue it again at once, without counting the attempt.
    Released,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only of this lane.
    pub lane: Option<Lane>,
    /// Only in these states; empty: in any.
    pub states: Vec<JobState>,
    /// Only of this principal.
    pub principal: Option<String>,
}

/// A part of a list, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<JobRecord>,
    /// The id to go on after; `None` at the end.
    pub next: Option<JobId>,
}

/// Jobs of a lane that are not over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting, those in backoff included.
    pub queued: u64,
    /// Under a lease.
    pub running: u64,
}

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sweep {
    /// Queued jobs whose hint is older than `redispatch_after` (or lost): marked as dispatched
    /// now; the caller publishes a hint for each. The oldest hints first.
    pub to_publish: Vec<JobRecord>,
    /// Whether more of them are left for the next sweep: an adapter may name a part at a time.
    pub more: bool,
    /// Jobs whose lease ran out and which were queued again (they are in `to_publish` too).
    pub requeued: Vec<JobId>,
    /// Jobs whose lease ran out on their last attempt; they failed.
    pub exhausted: Vec<JobId>,
    /// Jobs whose lease ran out after somebody had asked for their end; they are cancelled.
    pub cancelled: Vec<JobId>,
    /// Records removed after their retention time.
    pub removed: Vec<JobId>,
}

/// The port to a store.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// The store's clock.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn now(&self) -> Result<Timestamp, JobError>;

    /// Stores a new job, or finds the one its idempotency key made in the last 24 hours. A job
    /// that failed or was cancelled is never found: its key is free again.
    ///
    /// # Errors
    /// [`JobError::KeyReused`] when the key belongs to another lane or specification;
    /// [`JobError::Full`] when `max_queued` jobs of the lane wait already.
    async fn submit(&self, job: NewJob, max_queued: u64) -> Result<Submitted, JobError>;

    /// The record.
    ///
    /// # Errors
    /// [`JobError::NotFound`].
    async fn get(&self, id: JobId) -> Result<JobRecord, JobError>;

    /// Records, newest first, at most `limit`, older than `after`. A page ends earlier when its
    /// specifications get long.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn list(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, JobError>;

    /// Gives a queued job whose time has come to a worker: raises `attempt` and the token. A job
    /// with `attempt` = `max_attempts` fails instead, with its last failure as the reason.
    ///
    /// # Errors
    /// [`JobError::NotFound`].
    async fn claim(&self, id: JobId, worker: &str, lease: Duration) -> Result<Claim, JobError>;

    /// Renews a lease; stores progress, checkpoint and warnings, and says whether to stop.
    ///
    /// # Errors
    /// [`JobError::Fenced`] when the token is not that of the current lease, or the lease ran
    /// out; nothing is stored then.
    async fn beat(
        &self,
        id: JobId,
        token: FencingToken,
        beat: Beat,
        lease: Duration,
    ) -> Result<bool, JobError>;

    /// Ends the work under a lease. A repeat of the same call by the same token, whose first
    /// answer was lost, succeeds and changes nothing. A job that is queued again without backoff
    /// counts as dispatched: the caller publishes a hint (see [`JobRecord::wants_hint_now`]).
    ///
    /// # Errors
    /// [`JobError::Fenced`] as in [`JobStore::beat`].
    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<JobRecord, JobError>;

    /// Cancels a queued job at once and asks the worker of a running one to stop. Repeating it
    /// is harmless.
    ///
    /// # Errors
    /// [`JobError::WrongState`] when it succeeded or failed already.
    async fn cancel(&self, id: JobId, reason: &str) -> Result<JobRecord, JobError>;

    /// Events with a number above `after`, oldest first, at most 1,000. Waits up to `wait` for
    /// the first one; empty when none came, and at once when the job is over and none can come.
    ///
    /// # Errors
    /// [`JobError::NotFound`].
    async fn events(
        &self,
        id: JobId,
        after: u64,
        wait: Duration,
    ) -> Result<Vec<JobEvent>, JobError>;

    /// The one way in which expired leases come back: queues them again, names queued jobs without
    /// a fresh hint, removes final records older than `retention`.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn sweep(
        &self,
        redispatch_after: Duration,
        retention: Duration,
    ) -> Result<Sweep, JobError>;

    /// Jobs of a lane that are not over.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn counts(&self, lane: Lane) -> Result<Counts, JobError>;
}
