//! The job store.

use assay_jobs::{
    Beat, Claim, Counts, FencingToken, JobError, JobEvent, JobFilter, JobId, JobRecord, JobStore,
    Lane, NewJob, Outcome, Page, Submitted, Sweep, Timestamp,
};
use assay_trace::{STEP, step};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tracing::debug_span;

/// A job store with spans around it.
pub(crate) struct TracedStore(pub(crate) Arc<dyn JobStore>);

#[async_trait]
impl JobStore for TracedStore {
    async fn now(&self) -> Result<Timestamp, JobError> {
        self.0.now().await
    }

    async fn submit(&self, job: NewJob, max_queued: u64) -> Result<Submitted, JobError> {
        let span = debug_span!(
            target: STEP, "job_store.submit", otel.kind = "client", job.lane = %job.lane
        );
        step(span, self.0.submit(job, max_queued)).await
    }

    async fn get(&self, id: JobId) -> Result<JobRecord, JobError> {
        let span = debug_span!(target: STEP, "job_store.get", otel.kind = "client", job.id = %id);
        step(span, self.0.get(id)).await
    }

    async fn list(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, JobError> {
        let span = debug_span!(target: STEP, "job_store.list", otel.kind = "client", limit);
        step(span, self.0.list(filter, after, limit)).await
    }

    async fn claim(&self, id: JobId, worker: &str, lease: Duration) -> Result<Claim, JobError> {
        let span = debug_span!(
            target: STEP, "job_store.claim", otel.kind = "client", job.id = %id, job.worker = worker
        );
        step(span, self.0.claim(id, worker, lease)).await
    }

    async fn beat(
        &self,
        id: JobId,
        token: FencingToken,
        beat: Beat,
        lease: Duration,
    ) -> Result<bool, JobError> {
        let span = debug_span!(target: STEP, "job_store.beat", otel.kind = "client", job.id = %id);
        step(span, self.0.beat(id, token, beat, lease)).await
    }

    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<JobRecord, JobError> {
        let span =
            debug_span!(target: STEP, "job_store.finish", otel.kind = "client", job.id = %id);
        step(span, self.0.finish(id, token, outcome)).await
    }

    async fn cancel(&self, id: JobId, reason: &str) -> Result<JobRecord, JobError> {
        let span =
            debug_span!(target: STEP, "job_store.cancel", otel.kind = "client", job.id = %id);
        step(span, self.0.cancel(id, reason)).await
    }

    async fn events(
        &self,
        id: JobId,
        after: u64,
        wait: Duration,
    ) -> Result<Vec<JobEvent>, JobError> {
        self.0.events(id, after, wait).await
    }

    async fn sweep(
        &self,
        redispatch_after: Duration,
        retention: Duration,
    ) -> Result<Sweep, JobError> {
        let span = debug_span!(target: STEP, "job_store.sweep", otel.kind = "client");
        step(span, self.0.sweep(redispatch_after, retention)).await
    }

    async fn counts(&self, lane: Lane) -> Result<Counts, JobError> {
        let span =
            debug_span!(target: STEP, "job_store.counts", otel.kind = "client", job.lane = %lane);
        step(span, self.0.counts(lane)).await
    }
}
