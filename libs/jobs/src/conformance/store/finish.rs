//! How work ends.

use crate::{
    Claim, EventKind, JobError, JobState, NewJob, Outcome,
    conformance::{
        LEASE, StoreHarness,
        fixture::{
            SECOND, all_events, claimed, failure, is_fenced, job, progressed, result, running,
            submitted,
        },
    },
};
use assay_core::ErrorKind;
use std::time::Duration;

/// A success stores its result and can never change again.
pub async fn success_is_final(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    harness.advance(SECOND).await;
    let done = Outcome::Succeeded(result());
    let record = store.finish(id, token, done).await.unwrap();
    assert_eq!(record.state, JobState::Succeeded);
    assert_eq!((&record.result, &record.lease), (&Some(result()), &None));
    assert_eq!(record.failure, None);
    assert!(record.finished_at > record.started_at);
    for other in [
        Outcome::Released,
        Outcome::Cancelled,
        Outcome::Failed(failure("late")),
    ] {
        assert!(is_fenced(store.finish(id, token, other).await));
    }
    assert!(is_fenced(store.beat(id, token, progressed(1), LEASE).await));
    let cancel = store.cancel(id, "too late").await;
    assert!(matches!(cancel, Err(JobError::WrongState { .. })));
    harness.advance(LEASE).await;
    store.sweep(LEASE, 10 * LEASE).await.unwrap();
    assert_eq!(store.get(id).await.unwrap(), record);
}

/// A failure is the last word, however many attempts were left.
pub async fn failure_is_final(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    let failure = crate::Failure {
        kind: ErrorKind::InvalidArgument,
        message: "row 3: counts must not be negative".to_owned(),
    };
    let outcome = Outcome::Failed(failure.clone());
    let record = store.finish(id, token, outcome).await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Failed, 1));
    assert_eq!(record.failure, Some(failure.clone()));
    let answer = store.claim(id, "w2", LEASE).await.unwrap();
    assert_eq!(answer, Claim::NotNow(JobState::Failed));
    let last = all_events(&*store, id).await.pop().unwrap();
    let expected = EventKind::State {
        state: JobState::Failed,
        attempt: 1,
        reason: failure.message,
    };
    assert_eq!(last.kind, expected);
}

fn every_outcome() -> [Outcome; 5] {
    [
        Outcome::Succeeded(result()),
        Outcome::Failed(failure("broken")),
        Outcome::Cancelled,
        Outcome::Retry {
            failure: failure("busy"),
            backoff: SECOND,
        },
        Outcome::Released,
    ]
}

/// The same end told again, as after a lost answer, succeeds and changes nothing.
pub async fn a_repeated_end_changes_nothing(harness: impl StoreHarness) {
    let store = harness.store();
    for outcome in every_outcome() {
        let (id, token) = running(&*store).await;
        let first = store.finish(id, token, outcome.clone()).await.unwrap();
        harness.advance(SECOND).await;
        let again = store.finish(id, token, outcome).await.unwrap();
        assert_eq!(again, first);
        assert_eq!(store.get(id).await.unwrap(), first);
    }
}

/// A repeat after somebody else began the job is answered, and the successor keeps the job.
pub async fn a_repeated_end_does_not_disturb_the_successor(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, first) = running(&*store).await;
    store.finish(id, first, Outcome::Released).await.unwrap();
    let second = claimed(&*store, id, "w2").await;
    let before = store.get(id).await.unwrap();
    store.finish(id, first, Outcome::Released).await.unwrap();
    assert_eq!(store.get(id).await.unwrap(), before);
    let other = store.finish(id, first, Outcome::Cancelled).await;
    assert!(is_fenced(other), "another end is no repeat");
    let done = Outcome::Succeeded(result());
    store.finish(id, second, done).await.unwrap();
}

/// A retry is not begun before its time, and then published by the first sweep.
pub async fn a_retry_waits_for_its_backoff(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    harness.advance(SECOND).await;
    let outcome = Outcome::Retry {
        failure: failure("the model store is down"),
        backoff: 20 * SECOND,
    };
    let record = store.finish(id, token, outcome).await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Queued, 1));
    assert!(!record.wants_hint_now());
    assert_eq!(record.failure, Some(failure("the model store is down")));

    harness.advance(19 * SECOND).await;
    let answer = store.claim(id, "w2", LEASE).await.unwrap();
    assert_eq!(answer, Claim::NotNow(JobState::Queued));
    let sweep = store.sweep(600 * SECOND, 600 * SECOND).await.unwrap();
    assert_eq!(sweep.to_publish, []);

    harness.advance(SECOND).await;
    let sweep = store.sweep(600 * SECOND, 600 * SECOND).await.unwrap();
    assert_eq!(sweep.to_publish, [store.get(id).await.unwrap()]);
    let sweep = store.sweep(600 * SECOND, 600 * SECOND).await.unwrap();
    assert_eq!(sweep.to_publish, [], "its hint is out");
    claimed(&*store, id, "w2").await;
    assert_eq!(store.get(id).await.unwrap().attempt, 2);
}

/// Beyond its attempts a job fails, with the last reason.
pub async fn the_last_attempt_fails_with_its_reason(harness: impl StoreHarness) {
    let store = harness.store();
    let twice = NewJob {
        max_attempts: 2,
        ..job(crate::Lane::Identify)
    };
    let id = submitted(&*store, twice).await.id;
    for (attempt, state) in [(1, JobState::Queued), (2, JobState::Failed)] {
        let token = claimed(&*store, id, "w").await;
        let outcome = Outcome::Retry {
            failure: failure(&format!("busy {attempt}")),
            backoff: Duration::ZERO,
        };
        let record = store.finish(id, token, outcome).await.unwrap();
        assert_eq!((record.state, record.attempt), (state, attempt));
        assert_eq!(record.wants_hint_now(), state == JobState::Queued);
    }
    let record = store.get(id).await.unwrap();
    assert_eq!(record.failure, Some(failure("busy 2")));
    assert!(record.finished_at.is_some());
}

/// A release queues the job at once and does not count; the next claim has a higher token.
pub async fn a_release_gives_the_attempt_back(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, mut token) = running(&*store).await;
    for _ in 0..5 {
        store.beat(id, token, progressed(7), LEASE).await.unwrap();
        let record = store.finish(id, token, Outcome::Released).await.unwrap();
        assert_eq!((record.state, record.attempt), (JobState::Queued, 0));
        assert!(record.wants_hint_now());
        assert_eq!(record.progress, progressed(7).progress[0]);
        let next = claimed(&*store, id, "w2").await;
        assert!(next > token);
        token = next;
    }
    assert_eq!(store.get(id).await.unwrap().attempt, 1);
}
