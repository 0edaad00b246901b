//! Submission and idempotency keys.

use crate::{
    EventKind, FencingToken, JobError, JobState, Lane, NewJob, Outcome,
    conformance::{
        StoreHarness,
        fixture::{NO_LIMIT, claimed, failure, job, keyed, result, submitted, waiting},
    },
    transition::KEY_LIFETIME,
};
use serde_json::json;
use std::{collections::HashSet, time::Duration};

/// A new job is queued, dispatched and has its first event.
pub async fn a_new_job_waits(harness: impl StoreHarness) {
    let store = harness.store();
    let asked = job(Lane::Explain);
    let record = submitted(&*store, asked.clone()).await;
    assert_eq!(record.job, asked);
    assert_eq!((record.state, record.attempt), (JobState::Queued, 0));
    assert_eq!(record.created_at, record.not_before);
    assert_eq!(record.created_at, record.dispatched_at);
    assert!(record.created_at <= store.now().await.unwrap());
    assert_eq!(store.get(record.id).await.unwrap(), record);
    let events = store.events(record.id, 0, Duration::ZERO).await.unwrap();
    assert_eq!((events.len(), events[0].sequence), (1, 1));
    let first = EventKind::State {
        state: JobState::Queued,
        attempt: 0,
        reason: String::new(),
    };
    assert_eq!(events[0].kind, first);
}

/// A job without an attempt or with an empty key is refused.
pub async fn what_cannot_be_kept_is_refused(harness: impl StoreHarness) {
    let store = harness.store();
    let never = NewJob {
        max_attempts: 0,
        ..job(Lane::Train)
    };
    for refused in [never, keyed("")] {
        let answer = store.submit(refused, NO_LIMIT).await;
        assert!(
            matches!(answer, Err(JobError::Invalid { .. })),
            "{answer:?}"
        );
    }
}

/// The same submission under the same key gives the same job, in whichever state it is.
pub async fn a_key_finds_its_job(harness: impl StoreHarness) {
    let store = harness.store();
    let first = submitted(&*store, keyed("k")).await;
    let again = async || {
        // A key finds its job in a full lane, too.
        let found = store.submit(keyed("k"), 0).await.unwrap();
        assert!(!found.created);
        assert_eq!(found.record, store.get(first.id).await.unwrap());
        found.record.state
    };
    assert_eq!(again().await, JobState::Queued);
    let token = claimed(&*store, first.id, "w").await;
    assert_eq!(again().await, JobState::Running);
    let done = Outcome::Succeeded(result());
    store.finish(first.id, token, done).await.unwrap();
    assert_eq!(again().await, JobState::Succeeded);
}

/// Another specification or lane under a key that is in use is refused.
pub async fn a_key_refuses_other_work(harness: impl StoreHarness) {
    let store = harness.store();
    let first = submitted(&*store, keyed("k")).await;
    let other_lane = NewJob {
        lane: Lane::Identify,
        ..keyed("k")
    };
    let other_work = NewJob {
        specification: json!({ "dataset": "b" }),
        ..keyed("k")
    };
    for other in [other_lane, other_work] {
        let answer = store.submit(other, NO_LIMIT).await;
        assert!(
            matches!(&answer, Err(JobError::KeyReused { job, .. }) if *job == first.id),
            "{answer:?}"
        );
    }
}

/// Keys of different principals never meet, whatever characters they are made of.
pub async fn keys_of_others_are_others(harness: impl StoreHarness) {
    let store = harness.store();
    let names = [
        ("anna", "k"),
        ("bert", "k"),
        ("an", "nak"),
        ("anna:k", ""),
        ("anna", ":k"),
    ];
    let mut ids = HashSet::new();
    for (principal, key) in names {
        let job = NewJob {
            principal: principal.to_owned(),
            idempotency_key: (!key.is_empty()).then(|| key.to_owned()),
            ..job(Lane::Train)
        };
        assert!(ids.insert(submitted(&*store, job).await.id));
    }
}

/// The key of a job that failed or was cancelled is free.
pub async fn a_key_is_free_after_a_failure(harness: impl StoreHarness) {
    let store = harness.store();
    let failed = submitted(&*store, keyed("k")).await.id;
    let token = claimed(&*store, failed, "w").await;
    let outcome = Outcome::Failed(failure("broken"));
    store.finish(failed, token, outcome).await.unwrap();
    let cancelled = submitted(&*store, keyed("k")).await.id;
    store.cancel(cancelled, "").await.unwrap();
    let other_work = NewJob {
        specification: json!({}),
        ..keyed("k")
    };
    let last = submitted(&*store, other_work.clone()).await.id;
    let found = store.submit(other_work, NO_LIMIT).await.unwrap();
    assert_eq!((found.record.id, found.created), (last, false));
}

/// A key finds its job for a day and not for longer.
pub async fn a_key_is_free_after_a_day(harness: impl StoreHarness) {
    let store = harness.store();
    let first = submitted(&*store, keyed("k")).await.id;
    harness
        .advance(KEY_LIFETIME - Duration::from_secs(60))
        .await;
    let found = store.submit(keyed("k"), NO_LIMIT).await.unwrap();
    assert_eq!((found.record.id, found.created), (first, false));
    harness.advance(Duration::from_secs(60)).await;
    let second = submitted(&*store, keyed("k")).await.id;
    assert_ne!(first, second);
    let found = store.submit(keyed("k"), NO_LIMIT).await.unwrap();
    assert_eq!(found.record.id, second);
}

/// Many submissions at once under one key make one job.
pub async fn one_key_makes_one_job_however_many_submit(harness: impl StoreHarness) {
    let store = harness.store();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.submit(keyed("k"), NO_LIMIT).await.unwrap() })
        })
        .collect();
    let mut ids = HashSet::new();
    let mut created = 0;
    for task in tasks {
        let submitted = task.await.unwrap();
        ids.insert(submitted.record.id);
        created += u32::from(submitted.created);
    }
    assert_eq!((ids.len(), created), (1, 1));
    assert_eq!(store.counts(Lane::Train).await.unwrap().queued, 1);
}

/// A lane with as many waiting jobs as allowed takes no more until one is begun.
pub async fn a_full_lane_refuses(harness: impl StoreHarness) {
    let store = harness.store();
    let first = waiting(&*store).await;
    waiting(&*store).await;
    let refused = store.submit(job(Lane::Train), 2).await;
    assert!(
        matches!(
            refused,
            Err(JobError::Full {
                lane: Lane::Train,
                waiting: 2
            })
        ),
        "{refused:?}"
    );
    assert!(store.submit(job(Lane::Explain), 2).await.unwrap().created);
    assert_eq!(claimed(&*store, first, "w").await, FencingToken(1));
    assert!(store.submit(job(Lane::Train), 2).await.unwrap().created);
    assert!(store.submit(job(Lane::Train), 2).await.is_err());
}
