//! Long jobs. The record in the store is the truth; a message in the queue is only a hint that
//! wakes a worker. Here are the record and its states, the ports to store and queue, the worker
//! loop and the reaper; adapters live in crates of their own.

mod claiming;
#[cfg(feature = "conformance")]
pub mod conformance;
mod context;
mod error;
mod heartbeat;
mod lane;
mod local;
mod outcome;
mod queue;
mod reaper;
mod record;
mod specification;
mod stop;
mod store;
pub mod transition;
mod work;
mod worker;

pub use context::JobContext;
pub use error::JobError;
pub use lane::Lane;
pub use local::{Clock, DEFAULT_LEASE, LocalWork, submit, system_clock};
pub use outcome::Backoff;
pub use queue::{Consumer, Delivery, Hint, JobQueue};
pub use reaper::Reaper;
pub use record::{
    EpochProgress, EventKind, Failure, JobEvent, JobId, JobRecord, JobResult, JobState, Lease,
    NewJob, Progress, Settled, Timestamp,
};
pub use specification::{BatchJob, TrainJob};
pub use stop::{StopFlag, StopReason};
pub use store::{Claim, Counts, JobFilter, JobStore, Outcome, Page, Submitted, Sweep};
pub use work::{Assignment, Beat, FencingToken, WorkSource};
pub use worker::{Handler, Worker};
