//! What the work on a job sees of its worker: how to tell its progress, keep a checkpoint, learn
//! that it is to stop.

use crate::{Failure, JobResult};
use crate::{
    FencingToken, JobError, JobId, JobRecord, Outcome, Progress, StopFlag, StopReason,
    heartbeat::Line,
};
use assay_core::{Classified, Digest, ErrorKind};
use std::sync::Arc;

/// The work's connection to its worker. Cheap to clone, usable from any thread.
#[derive(Debug, Clone)]
pub struct JobContext {
    id: JobId,
    token: FencingToken,
    attempt: u32,
    stop: StopFlag,
    line: Arc<Line>,
}

impl JobContext {
    pub(crate) fn new(
        record: &JobRecord,
        token: FencingToken,
        stop: StopFlag,
        line: Arc<Line>,
    ) -> Self {
        Self {
            id: record.id,
            token,
            attempt: record.attempt,
            stop,
            line,
        }
    }

    /// The job.
    #[must_use]
    pub const fn job(&self) -> JobId {
        self.id
    }

    /// The token of this claim.
    #[must_use]
    pub const fn token(&self) -> FencingToken {
        self.token
    }

    /// The number of this attempt, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Tells how far the work is; goes out with the next beat. Cheap: call it as often as there
    /// is news. Between two beats only the last of a stage without an epoch is kept.
    pub fn progress(&self, progress: Progress) {
        self.line.progress(progress);
    }

    /// Tells something that the user should know; goes out with the next beat.
    pub fn warn(&self, message: impl Into<String>) {
        self.line.warn(message.into());
    }

    /// Keeps a blob as the note for a successor; with it goes all progress told before. When it
    /// returns, the store has it durably. Waits while the store cannot be reached.
    ///
    /// # Errors
    /// [`JobError::Fenced`] when the job is lost: stop and write nothing.
    pub async fn checkpoint(&self, checkpoint: Digest) -> Result<(), JobError> {
        self.line.keep(self.id, Some(checkpoint)).await
    }

    /// The signal to stop, to be looked at often.
    #[must_use]
    pub const fn stop(&self) -> &StopFlag {
        &self.stop
    }

    /// The outcome of some work. An error after the signal to stop, that is or may be its
    /// consequence (cancelled, unavailable, exhausted), ends the work as the signal asked;
    /// any other decides by its kind (see [`Failure::into_outcome`]).
    pub fn outcome<E: Classified>(
        &self,
        record: &JobRecord,
        result: Result<JobResult, E>,
    ) -> Outcome {
        let error = match result {
            Ok(done) => return Outcome::Succeeded(done),
            Err(error) => error,
        };
        let failure = Failure::of(&error);
        if failure.kind == ErrorKind::Cancelled || failure.is_transient() {
            match self.stop.reason() {
                Some(StopReason::Cancelled) => return Outcome::Cancelled,
                Some(StopReason::Shutdown | StopReason::Lost) => return Outcome::Released,
                None => {}
            }
        }
        failure.into_outcome(record)
    }
}
