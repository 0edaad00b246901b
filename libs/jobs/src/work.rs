//! The port of a worker: where it gets jobs from and where it tells how they go. Beside store and
//! queue it works on them directly; elsewhere it is a client of the control service.

use crate::{JobError, JobId, JobRecord, Lane, Outcome, Progress};
use assay_core::Digest;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The number of a claim; only the latest of a job is obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FencingToken(pub u64);

/// A job that a worker has.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The record at the claim.
    pub record: JobRecord,
    /// What every message about it must carry.
    pub token: FencingToken,
    /// How long the lease lasts after each beat.
    pub lease: Duration,
}

/// What a heartbeat carries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// How far it came since the last beat, oldest first; empty when nothing changed.
    pub progress: Vec<Progress>,
    /// A new checkpoint.
    pub checkpoint: Option<Digest>,
    /// Warnings since the last beat.
    pub warnings: Vec<String>,
}

/// Where a worker's jobs come from.
#[async_trait]
pub trait WorkSource: Send + Sync {
    /// Waits up to `wait` for a job of the lane; `None` when none came. Dropping the future
    /// never loses a job: at worst its lease runs out.
    ///
    /// # Errors
    /// When the source cannot be reached; call again after a while.
    async fn next(
        &self,
        lane: Lane,
        worker: &str,
        wait: Duration,
    ) -> Result<Option<Assignment>, JobError>;

    /// Keeps the job; true when somebody asked for its end. Called on a runtime of the heartbeat,
    /// while the one that the source was made in may have no thread free: a source with a
    /// connection drives it on a thread of its own.
    ///
    /// # Errors
    /// [`JobError::Fenced`] when the job is lost.
    async fn beat(&self, id: JobId, token: FencingToken, beat: Beat) -> Result<bool, JobError>;

    /// Ends the work on the job.
    ///
    /// # Errors
    /// [`JobError::Fenced`] when the job was lost before.
    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<(), JobError>;
}
