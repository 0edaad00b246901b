//! The port to a queue of hints. A hint may come twice, late or not at all: the record decides.

use crate::{JobError, JobId, Lane};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A message: there may be work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// The job.
    pub job: JobId,
    /// Its attempts when the hint was published.
    pub attempt: u32,
    /// The specification, so that a lost record can be made again by hand.
    pub specification: serde_json::Value,
    /// W3C trace context of the submission.
    pub trace_parent: Option<String>,
}

/// The port to a queue.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Publishes a hint; returns when the queue has it as safely as it can keep it.
    ///
    /// # Errors
    /// When the queue cannot be reached or did not confirm.
    async fn publish(&self, lane: Lane, hint: &Hint) -> Result<(), JobError>;

    /// Begins to receive the hints of a lane. Several consumers share them.
    ///
    /// # Errors
    /// When the queue cannot be reached.
    async fn consume(&self, lane: Lane) -> Result<Box<dyn Consumer>, JobError>;
}

/// One receiver of a lane, with at most one delivery that is not settled.
#[async_trait]
pub trait Consumer: Send {
    /// The next delivery; waits until there is one. Dropping the future loses nothing. A message
    /// that cannot be decoded never comes here: the adapter puts it where dead letters go.
    ///
    /// # Errors
    /// When the queue cannot be reached any more; call again after a while.
    async fn next(&mut self) -> Result<Box<dyn Delivery>, JobError>;
}

/// One delivered hint. Dropped without being settled, it is delivered again.
#[async_trait]
pub trait Delivery: Send {
    /// The hint.
    fn hint(&self) -> &Hint;

    /// Whether it was delivered before.
    fn redelivered(&self) -> bool;

    /// The hint was acted upon; it does not come again.
    ///
    /// # Errors
    /// When the queue cannot be reached; the hint then comes again.
    async fn acknowledge(self: Box<Self>) -> Result<(), JobError>;

    /// Another consumer may have it, now or soon.
    ///
    /// # Errors
    /// When the queue cannot be reached; the hint then comes again.
    async fn requeue(self: Box<Self>) -> Result<(), JobError>;
}
