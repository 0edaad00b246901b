//! What the cases begin with.

use super::LEASE;
use crate::{
    Beat, Claim, Failure, FencingToken, JobError, JobEvent, JobId, JobRecord, JobResult, JobStore,
    Lane, NewJob, Progress, Submitted,
};
use assay_core::{Digest, ErrorKind};
use serde_json::json;
use std::time::Duration;

/// Longer than any case takes; a wait of this length that ends by itself is a hang.
pub(super) const LONG: Duration = Duration::from_secs(600);

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) const NO_LIMIT: u64 = u64::MAX;

pub(super) fn job(lane: Lane) -> NewJob {
    NewJob {
        lane,
        specification: json!({ "dataset": "a", "depth": [1, 2.5, null], "name": "Kupfer µ" }),
        principal: "anna".to_owned(),
        idempotency_key: None,
        max_attempts: 3,
        trace_parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

pub(super) fn keyed(key: &str) -> NewJob {
    NewJob {
        idempotency_key: Some(key.to_owned()),
        ..job(Lane::Train)
    }
}

pub(super) async fn submitted(store: &dyn JobStore, job: NewJob) -> JobRecord {
    let Submitted { record, created } = store.submit(job, NO_LIMIT).await.unwrap();
    assert!(created);
    record
}

pub(super) async fn waiting(store: &dyn JobStore) -> JobId {
    submitted(store, job(Lane::Train)).await.id
}

/// Claims a job that can be claimed.
pub(super) async fn claimed(store: &dyn JobStore, id: JobId, worker: &str) -> FencingToken {
    match store.claim(id, worker, LEASE).await.unwrap() {
        Claim::Claimed(record) => FencingToken(record.lease.unwrap().token),
        other => unreachable!("{other:?}"),
    }
}

/// A new job under a lease.
pub(super) async fn running(store: &dyn JobStore) -> (JobId, FencingToken) {
    let id = waiting(store).await;
    (id, claimed(store, id, "w1").await)
}

pub(super) fn result() -> JobResult {
    JobResult {
        artefacts: [("results.csv".to_owned(), Digest::of(b"results"))].into(),
        summary: json!({ "rows": 3 }),
    }
}

pub(super) fn failure(message: &str) -> Failure {
    Failure {
        kind: ErrorKind::Unavailable,
        message: message.to_owned(),
    }
}

pub(super) fn progress(stage: &str, done: u64) -> Progress {
    Progress {
        stage: stage.to_owned(),
        done,
        total: 100,
        remaining_s: Some(0.1),
        epoch: None,
    }
}

pub(super) fn progressed(done: u64) -> Beat {
    Beat {
        progress: vec![progress("training", done)],
        ..Beat::default()
    }
}

pub(super) fn is_fenced<T: std::fmt::Debug>(answer: Result<T, JobError>) -> bool {
    matches!(answer, Err(JobError::Fenced { .. }))
}

/// Every event of a job that is kept, checked for gaps.
pub(super) async fn all_events(store: &dyn JobStore, id: JobId) -> Vec<JobEvent> {
    let mut all: Vec<JobEvent> = Vec::new();
    loop {
        let after = all.last().map_or(0, |e| e.sequence);
        let more = store.events(id, after, Duration::ZERO).await.unwrap();
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    for pair in all.windows(2) {
        assert_eq!(pair[0].sequence + 1, pair[1].sequence);
        assert!(pair[0].at <= pair[1].at);
    }
    let last = all.last().map_or(0, |e| e.sequence);
    assert_eq!(last, store.get(id).await.unwrap().sequence);
    all
}

/// Waits until a record is as wanted.
pub(super) async fn until(
    store: &dyn JobStore,
    id: JobId,
    wanted: impl Fn(&JobRecord) -> bool,
) -> JobRecord {
    loop {
        let record = store.get(id).await.unwrap();
        if wanted(&record) {
            return record;
        }
        assert!(!record.state.is_final(), "it will never be: {record:?}");
        store.events(id, record.sequence, LONG).await.unwrap();
    }
}
