//! A worker in a task, with a handler made of a function.

use crate::{
    Handler, JobContext, JobRecord, Lane, Outcome, WorkSource, Worker,
    conformance::{
        WorkHarness,
        fixture::{NO_LIMIT, job},
    },
};
use async_trait::async_trait;
use std::{future::Future, sync::Arc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct By<F>(F);

#[async_trait]
impl<F, W> Handler for By<F>
where
    F: Fn(JobRecord, JobContext) -> W + Send + Sync + 'static,
    W: Future<Output = Outcome> + Send + 'static,
{
    async fn run(&self, job: &JobRecord, context: JobContext) -> Outcome {
        (self.0)(job.clone(), context).await
    }
}

/// A worker at work.
pub(super) struct Hired {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Hired {
    /// Lets a function do the jobs of the lane `train`.
    pub(super) fn new<F, W>(source: Arc<dyn WorkSource>, work: F) -> Self
    where
        F: Fn(JobRecord, JobContext) -> W + Send + Sync + 'static,
        W: Future<Output = Outcome> + Send + 'static,
    {
        let shutdown = CancellationToken::new();
        let worker = Worker {
            source,
            lane: Lane::Train,
            name: "hired".to_owned(),
            handler: Arc::new(By(work)),
        };
        let task = tokio::spawn(worker.run(shutdown.clone().cancelled_owned()));
        Self { shutdown, task }
    }

    /// Tells it to end, and waits until it has.
    pub(super) async fn dismissed(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

/// Submits a job of the lane `train`, hint and all.
pub(super) async fn submitted(harness: &impl WorkHarness) -> JobRecord {
    let (store, queue) = (harness.store(), harness.queue());
    let submitted = crate::submit(&*store, &*queue, job(Lane::Train), NO_LIMIT).await;
    submitted.unwrap().record
}
