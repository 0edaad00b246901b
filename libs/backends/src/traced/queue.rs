//! The queue of hints.

use assay_jobs::{Consumer, Delivery, Hint, JobError, JobQueue, Lane};
use assay_trace::{STEP, step};
use async_trait::async_trait;
use std::sync::Arc;
use tracing::debug_span;

/// A queue with spans around it.
pub(crate) struct TracedQueue(pub(crate) Arc<dyn JobQueue>);

#[async_trait]
impl JobQueue for TracedQueue {
    async fn publish(&self, lane: Lane, hint: &Hint) -> Result<(), JobError> {
        let span = debug_span!(
            target: STEP, "queue.publish", otel.kind = "producer", job.lane = %lane,
            job.id = %hint.job
        );
        step(span, self.0.publish(lane, hint)).await
    }

    async fn consume(&self, lane: Lane) -> Result<Box<dyn Consumer>, JobError> {
        Ok(Box::new(TracedConsumer(self.0.consume(lane).await?)))
    }
}

struct TracedConsumer(Box<dyn Consumer>);

#[async_trait]
impl Consumer for TracedConsumer {
    async fn next(&mut self) -> Result<Box<dyn Delivery>, JobError> {
        Ok(Box::new(TracedDelivery(self.0.next().await?)))
    }
}

struct TracedDelivery(Box<dyn Delivery>);

#[async_trait]
impl Delivery for TracedDelivery {
    fn hint(&self) -> &Hint {
        self.0.hint()
    }

    fn redelivered(&self) -> bool {
        self.0.redelivered()
    }

    async fn acknowledge(self: Box<Self>) -> Result<(), JobError> {
        let id = self.0.hint().job;
        let span =
            debug_span!(target: STEP, "queue.acknowledge", otel.kind = "client", job.id = %id);
        step(span, self.0.acknowledge()).await
    }

    async fn requeue(self: Box<Self>) -> Result<(), JobError> {
        let id = self.0.hint().job;
        let span = debug_span!(target: STEP, "queue.requeue", otel.kind = "client", job.id = %id);
        step(span, self.0.requeue()).await
    }
}
