//! The record of a job: what was asked, how far it is, how it ended.

use crate::{JobError, Lane};
use assay_core::{Digest, ErrorKind};
use assay_trace::Place;
use serde::{Deserialize, Deserializer, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};
use uuid::Uuid;

/// Identity of a job: a UUID of version 7, so that ids sort by time of submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// A new id.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 raw bytes, in sorting order.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl Default for JobId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for JobId {
    type Err = JobError;

    fn from_str(text: &str) -> Result<Self, JobError> {
        Uuid::parse_str(text).map(Self).map_err(|_| {
            let shown: String = text.chars().take(80).collect();
            JobError::invalid("job id", shown, "a UUID as Submit returned it")
        })
    }
}

/// A moment by the store's clock, in milliseconds since 1970-01-01 UTC.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This moment and some time.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(wait_ms))
    }

    /// Time since an earlier moment; zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Where a job stands. `Queued` and `Running` change; the other three are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker has it under a lease.
    Running,
    /// Done; its result stands.
    Succeeded,
    /// Given up; the failure says why.
    Failed,
    /// Stopped because somebody asked.
    Cancelled,
}

impl JobState {
    /// Whether it can never change again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// What is submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewJob {
    /// The lane.
    pub lane: Lane,
    /// What to do, as JSON that the lane's worker understands; never changed.
    pub specification: serde_json::Value,
    /// Who submits; keys of different principals never meet.
    pub principal: String,
    /// Submitting again under the same key gives the same job for 24 hours.
    pub idempotency_key: Option<String>,
    /// How often it may be begun, at least 1.
    pub max_attempts: u32,
    /// W3C trace context of the submission.
    pub trace_parent: Option<String>,
}

/// The right of one worker to a job for some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The worker's name.
    pub worker: String,
    /// Rises with every claim of this job, so that a late worker can be told from its successor.
    pub token: u64,
    /// When it ends unless renewed.
    pub expires_at: Timestamp,
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done, for example `training`.
    pub stage: String,
    /// Pieces of the stage finished.
    pub done: u64,
    /// Pieces of the stage; 0 when not known.
    pub total: u64,
    /// Estimated time to the end of the stage, in seconds; `None` when not known.
    pub remaining_s: Option<f64>,
    /// The last epoch of a training.
    pub epoch: Option<EpochProgress>,
}

/// One finished epoch of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochProgress {
    /// Number of the epoch, from 1.
    pub epoch: u32,
    /// Mean loss over the epoch; NaN when the training diverged.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
    /// Share of right classes, 0 to 1.
    #[serde(deserialize_with = "null_is_nan")]
    pub accuracy: f64,
    /// Learning rate of the last step.
    #[serde(deserialize_with = "null_is_nan")]
    pub learning_rate: f64,
    /// Loss on spectra held back, if there are any.
    pub validation_loss: Option<f64>,
    /// Share of right classes among those.
    pub validation_accuracy: Option<f64>,
}

/// JSON has no NaN and writes null for it; a diverged training must not make a record unreadable.
fn null_is_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// What a finished job left.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JobResult {
    /// Artefacts in the blob store, by name, for example `results.csv`.
    pub artefacts: BTreeMap<String, Digest>,
    /// A few figures, as JSON, for people and programs that do not want the artefacts.
    pub summary: serde_json::Value,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What sort of failure.
    pub kind: ErrorKind,
    /// What happened and what to do.
    pub message: String,
}

/// Everything that is stored about a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Identity.
    pub id: JobId,
    /// What was submitted.
    pub job: NewJob,
    /// Where it stands.
    pub state: JobState,
    /// How often it was begun. A release at a worker's shutdown gives its attempt back.
    pub attempt: u32,
    /// The worker that has it.
    pub lease: Option<Lease>,
    /// The highest fencing token given so far.
    pub last_token: u64,
    /// How far it is.
    pub progress: Progress,
    /// A worker's note for its successor: a blob that says how to go on.
    pub checkpoint: Option<Digest>,
    /// Somebody asked for its end.
    pub cancel_requested: bool,
    /// What it left, when it succeeded.
    pub result: Option<JobResult>,
    /// The last reason why an attempt or the job failed.
    pub failure: Option<Failure>,
    /// How the last worker that ended its work did so, to know a repeat of its call.
    #[serde(default)]
    pub settled: Option<Settled>,
    /// Number of the last event.
    pub sequence: u64,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// Not to be begun before this; moved into the future by a retry's backoff.
    pub not_before: Timestamp,
    /// When a hint was last published for it.
    pub dispatched_at: Timestamp,
    /// When it was last begun.
    pub started_at: Option<Timestamp>,
    /// When it came to its final state.
    pub finished_at: Option<Timestamp>,
}

impl JobRecord {
    /// The place in a trace where the job was submitted.
    #[must_use]
    pub fn submission(&self) -> Option<Place> {
        Place::parse(self.job.trace_parent.as_deref()?, None)
    }
}

/// What a worker said at the end of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The token of its lease.
    pub token: u64,
    /// Digest of the outcome.
    pub outcome: Digest,
}

/// One thing that happened to a job. Numbered from 1 without gaps, so that a watcher that was
/// cut off goes on where it was. A store may keep the last 10,000 of a job only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobEvent {
    /// Its number.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// It came to another state, or to the same one again.
    State {
        /// The state.
        state: JobState,
        /// Attempts so far.
        attempt: u32,
        /// Why, in words; may be empty.
        reason: String,
    },
    /// It went on. Consecutive events of one stage without an epoch may be merged into the last.
    Progress(Progress),
    /// Something the user should know.
    Warning(String),
}
