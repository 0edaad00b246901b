//! The sweep: lost hints, expired leases, retention.

use crate::{
    JobError, JobState, Lane, NewJob, Outcome,
    conformance::{
        LEASE, StoreHarness,
        fixture::{NO_LIMIT, SECOND, claimed, job, keyed, result, running, submitted, waiting},
    },
    transition::KEY_LIFETIME,
};
use std::time::Duration;

const REDISPATCH: Duration = Duration::from_secs(60);
const RETENTION: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// A job whose hint got lost is named after the time, again after the time, and not when it runs.
pub async fn a_lost_hint_is_published_again(harness: impl StoreHarness) {
    let store = harness.store();
    let id = waiting(&*store).await;
    harness.advance(REDISPATCH - SECOND).await;
    let sweep = async || store.sweep(REDISPATCH, RETENTION).await.unwrap();
    assert_eq!(sweep().await.to_publish, []);
    harness.advance(SECOND).await;
    for _ in 0..3 {
        let named = sweep().await.to_publish;
        assert_eq!(named, [store.get(id).await.unwrap()]);
        assert_eq!(named[0].job, job(Lane::Train), "with its specification");
        assert_eq!(sweep().await.to_publish, []);
        harness.advance(REDISPATCH).await;
    }
    claimed(&*store, id, "w").await;
    assert_eq!(sweep().await.to_publish, []);
    let other = waiting(&*store).await;
    let now = store.sweep(Duration::ZERO, RETENTION).await.unwrap();
    assert_eq!(now.to_publish.len(), 1);
    assert_eq!(now.to_publish[0].id, other, "without a time, at once");
}

/// An expired lease queues the job again, with the attempt counted and published once.
pub async fn an_expired_job_is_queued_again(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    let (kept, kept_token) = running(&*store).await;
    harness.advance(LEASE - SECOND).await;
    store
        .beat(kept, kept_token, crate::Beat::default(), LEASE)
        .await
        .unwrap();
    let sweep = store.sweep(REDISPATCH, RETENTION).await.unwrap();
    assert_eq!(sweep, crate::Sweep::default());
    harness.advance(SECOND).await;
    let sweep = store.sweep(REDISPATCH, RETENTION).await.unwrap();
    assert_eq!(sweep.requeued, [id]);
    let record = store.get(id).await.unwrap();
    assert_eq!(sweep.to_publish, std::slice::from_ref(&record));
    assert_eq!((record.state, record.attempt), (JobState::Queued, 1));
    assert!(record.failure.unwrap().message.contains("w1"));
    let sweep = store.sweep(REDISPATCH, RETENTION).await.unwrap();
    assert_eq!(sweep, crate::Sweep::default());
    assert!(claimed(&*store, id, "w2").await > token);
    assert_eq!(store.get(id).await.unwrap().attempt, 2);
}

/// An expired lease of the last attempt fails the job.
pub async fn an_expired_job_fails_after_its_last_attempt(harness: impl StoreHarness) {
    let store = harness.store();
    let id = waiting(&*store).await;
    for attempt in 1..=3 {
        claimed(&*store, id, &format!("w{attempt}")).await;
        harness.advance(LEASE).await;
        let sweep = store.sweep(REDISPATCH, RETENTION).await.unwrap();
        let over = attempt == 3;
        assert_eq!(
            (sweep.requeued.len(), sweep.exhausted.len()),
            (usize::from(!over), usize::from(over))
        );
    }
    let record = store.get(id).await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Failed, 3));
    assert!(record.failure.unwrap().message.contains("w3"));
    assert_eq!(
        store.counts(Lane::Train).await.unwrap(),
        crate::Counts::default()
    );
}

/// Sweeps at the same time name every job once.
pub async fn concurrent_sweeps_publish_once(harness: impl StoreHarness) {
    let store = harness.store();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(waiting(&*store).await);
        ids.push(running(&*store).await.0);
    }
    harness.advance(REDISPATCH).await;
    let sweeps: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.sweep(REDISPATCH, RETENTION).await.unwrap() })
        })
        .collect();
    let mut named = Vec::new();
    for sweep in sweeps {
        named.extend(sweep.await.unwrap().to_publish.iter().map(|r| r.id));
    }
    named.sort();
    ids.sort();
    assert_eq!(named, ids);
}

/// Records of jobs that are over go after their time, with everything about them; others stay.
pub async fn old_records_go_and_nothing_else(harness: impl StoreHarness) {
    let store = harness.store();
    let waits = waiting(&*store).await;
    let mut over = Vec::new();
    for outcome in [Outcome::Succeeded(result()), Outcome::Cancelled] {
        let (id, token) = running(&*store).await;
        store.finish(id, token, outcome).await.unwrap();
        over.push(id);
    }
    harness.advance(RETENTION - SECOND).await;
    let sweep = store.sweep(REDISPATCH, RETENTION).await.unwrap();
    assert_eq!(sweep.removed, []);
    harness.advance(SECOND).await;
    let mut removed = store.sweep(REDISPATCH, RETENTION).await.unwrap().removed;
    removed.sort();
    assert_eq!(removed, over);
    for id in over {
        assert!(matches!(store.get(id).await, Err(JobError::NotFound(_))));
        let events = store.events(id, 0, Duration::ZERO).await;
        assert!(matches!(events, Err(JobError::NotFound(_))));
    }
    let left = store.list(&crate::JobFilter::default(), None, 10).await;
    let left: Vec<_> = left.unwrap().records.iter().map(|r| r.id).collect();
    assert_eq!(left, [waits]);
    let sweep = store.sweep(REDISPATCH, RETENTION).await.unwrap();
    assert_eq!(sweep.removed, []);
}

/// However short the retention, a record stays while its idempotency key finds it, and takes no
/// key with it that belongs to another.
pub async fn a_record_stays_while_its_key_finds_it(harness: impl StoreHarness) {
    let store = harness.store();
    let first = submitted(&*store, keyed("k")).await.id;
    let token = claimed(&*store, first, "w").await;
    let done = Outcome::Succeeded(result());
    store.finish(first, token, done).await.unwrap();
    harness.advance(KEY_LIFETIME - SECOND).await;
    let sweep = store.sweep(REDISPATCH, SECOND).await.unwrap();
    assert_eq!(sweep.removed, []);
    let found = store.submit(keyed("k"), NO_LIMIT).await.unwrap();
    assert_eq!((found.record.id, found.created), (first, false));

    harness.advance(SECOND).await;
    let other_work = NewJob {
        specification: serde_json::json!(1),
        ..keyed("k")
    };
    let second = submitted(&*store, other_work.clone()).await.id;
    let sweep = store.sweep(REDISPATCH, SECOND).await.unwrap();
    assert_eq!(sweep.removed, [first]);
    let found = store.submit(other_work, NO_LIMIT).await.unwrap();
    assert_eq!((found.record.id, found.created), (second, false));
}
