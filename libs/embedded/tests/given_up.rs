//! A claim whose caller went away in the middle is given back, and costs no attempt.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_embedded::{LocalQueue, RedbJobStore};
use assay_jobs::{
    Beat, Claim, Counts, FencingToken, JobError, JobEvent, JobFilter, JobId, JobRecord, JobState,
    JobStore, Lane, LocalWork, NewJob, Outcome, Page, Submitted, Sweep, Timestamp, WorkSource,
    submit, system_clock,
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Only a guard against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// The store, whose claims are durable but answered only when they are let through.
struct Held {
    store: RedbJobStore,
    claimed: Semaphore,
    answers: Semaphore,
}

#[async_trait]
impl JobStore for Held {
    async fn claim(&self, id: JobId, worker: &str, lease: Duration) -> Result<Claim, JobError> {
        let claim = self.store.claim(id, worker, lease).await;
        self.claimed.add_permits(1);
        self.answers.acquire().await.unwrap().forget();
        claim
    }

    async fn now(&self) -> Result<Timestamp, JobError> {
        self.store.now().await
    }

    async fn submit(&self, job: NewJob, max_queued: u64) -> Result<Submitted, JobError> {
        self.store.submit(job, max_queued).await
    }

    async fn get(&self, id: JobId) -> Result<JobRecord, JobError> {
        self.store.get(id).await
    }

    async fn list(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, JobError> {
        self.store.list(filter, after, limit).await
    }

    async fn beat(
        &self,
        id: JobId,
        token: FencingToken,
        beat: Beat,
        lease: Duration,
    ) -> Result<bool, JobError> {
        self.store.beat(id, token, beat, lease).await
    }

    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<JobRecord, JobError> {
        self.store.finish(id, token, outcome).await
    }

    async fn cancel(&self, id: JobId, reason: &str) -> Result<JobRecord, JobError> {
        self.store.cancel(id, reason).await
    }

    async fn events(
        &self,
        id: JobId,
        after: u64,
        wait: Duration,
    ) -> Result<Vec<JobEvent>, JobError> {
        self.store.events(id, after, wait).await
    }

    async fn sweep(
        &self,
        redispatch_after: Duration,
        retention: Duration,
    ) -> Result<Sweep, JobError> {
        self.store.sweep(redispatch_after, retention).await
    }

    async fn counts(&self, lane: Lane) -> Result<Counts, JobError> {
        self.store.counts(lane).await
    }
}

#[tokio::test]
async fn a_claim_that_nobody_waits_for_any_more_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Held {
        store: RedbJobStore::open(folder.path().join("jobs.redb"), system_clock()).unwrap(),
        claimed: Semaphore::new(0),
        answers: Semaphore::new(0),
    });
    let queue = Arc::new(LocalQueue::new());
    let job = NewJob {
        lane: Lane::Train,
        specification: serde_json::Value::Null,
        principal: "test".to_owned(),
        idempotency_key: None,
        max_attempts: 1,
        trace_parent: None,
    };
    let id = submit(&*store, &*queue, job, 10).await.unwrap().record.id;
    let work = LocalWork {
        store: store.clone(),
        queue,
        lease: PATIENCE * 60,
    };
    tokio::select! {
        _ = work.next(Lane::Train, "gone", PATIENCE) => unreachable!("no claim is answered yet"),
        claimed = store.claimed.acquire() => claimed.unwrap().forget(),
    }
    let running = store.get(id).await.unwrap();
    assert_eq!((running.state, running.attempt), (JobState::Running, 1));
    store.answers.add_permits(2);
    let given_back = store.events(id, running.sequence, PATIENCE).await.unwrap();
    assert_eq!(
        given_back.len(),
        1,
        "it waits again long before its lease ends"
    );
    let next = work.next(Lane::Train, "here", PATIENCE).await;
    let record = next.unwrap().unwrap().record;
    assert_eq!((record.id, record.attempt), (id, 1));
    assert_eq!(record.lease.unwrap().worker, "here");
}
