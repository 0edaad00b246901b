//! What a source gives and takes.

use super::team::submitted;
use crate::{
    Assignment, Beat, FencingToken, Hint, JobId, JobState, Lane, Outcome, WorkSource,
    conformance::{
        LEASE, WorkHarness,
        fixture::{LONG, is_fenced, progressed, result},
    },
};
use std::{future::ready, time::Duration};

const SOON: Duration = Duration::from_millis(50);

async fn next(source: &dyn WorkSource) -> Assignment {
    source.next(Lane::Train, "w1", LONG).await.unwrap().unwrap()
}

/// A submitted job comes with its record and lease, is kept by beats, and ends once.
pub async fn work_is_found_begun_and_ended(harness: impl WorkHarness) {
    let (store, source) = (harness.store(), harness.source());
    let waits = tokio::spawn({
        let source = harness.source();
        async move { next(&*source).await }
    });
    let id = submitted(&harness).await.id;
    let assignment = waits.await.unwrap();
    assert_eq!(assignment.record, store.get(id).await.unwrap());
    assert_eq!(
        (assignment.token, assignment.lease),
        (FencingToken(1), LEASE)
    );
    assert_eq!(assignment.record.lease.unwrap().worker, "w1");

    let token = assignment.token;
    assert!(!source.beat(id, token, progressed(3)).await.unwrap());
    assert_eq!(store.get(id).await.unwrap().progress.done, 3);
    store.cancel(id, "").await.unwrap();
    assert!(source.beat(id, token, Beat::default()).await.unwrap());
    assert!(is_fenced(
        source.beat(id, FencingToken(9), progressed(4)).await
    ));

    let done = || Outcome::Succeeded(result());
    for _ in 0..2 {
        source.finish(id, token, done()).await.unwrap();
    }
    let record = store.get(id).await.unwrap();
    assert_eq!(
        (record.state, record.result),
        (JobState::Succeeded, Some(result()))
    );
    assert!(is_fenced(source.finish(id, token, Outcome::Released).await));
    assert!(is_fenced(source.beat(id, token, Beat::default()).await));
}

/// Without a job, or with jobs of other lanes only, the wait ends with nothing.
pub async fn no_work_is_no_failure(harness: impl WorkHarness) {
    let source = harness.source();
    let id = submitted(&harness).await.id;
    for wait in [Duration::ZERO, SOON] {
        let none = source.next(Lane::Explain, "w1", wait).await.unwrap();
        assert_eq!(none, None);
    }
    assert_eq!(next(&*source).await.record.id, id);
}

/// Giving up a wait for work loses nothing.
pub async fn a_dropped_wait_for_work_loses_nothing(harness: impl WorkHarness) {
    let source = harness.source();
    for _ in 0..3 {
        tokio::select! {
            biased;
            _ = source.next(Lane::Train, "w1", LONG) => unreachable!("there is no work"),
            () = ready(()) => {}
        }
    }
    let id = submitted(&harness).await.id;
    assert_eq!(next(&*source).await.record.id, id);
}

/// Hints for unknown jobs, jobs that are over and jobs that others have are dropped.
pub async fn useless_hints_are_dropped(harness: impl WorkHarness) {
    let (store, queue, source) = (harness.store(), harness.queue(), harness.source());
    let hint = |job: JobId| Hint {
        job,
        attempt: 0,
        specification: serde_json::Value::Null,
        trace_parent: None,
    };
    let over = submitted(&harness).await.id;
    store.cancel(over, "").await.unwrap();
    let busy = submitted(&harness).await.id;
    assert_eq!(next(&*source).await.record.id, busy);
    for useless in [JobId::new(), over, busy] {
        queue.publish(Lane::Train, &hint(useless)).await.unwrap();
    }
    harness.inject_raw(Lane::Train, b"poison".to_vec()).await;
    let id = submitted(&harness).await.id;
    assert_eq!(next(&*source).await.record.id, id);
    let last = submitted(&harness).await.id;
    assert_eq!(next(&*source).await.record.id, last);
}
