//! Cancellation.

use crate::{
    Beat, EventKind, JobError, JobState, Outcome,
    conformance::{
        LEASE, StoreHarness,
        fixture::{SECOND, all_events, failure, result, running, waiting},
    },
};

/// A waiting job ends at once; asking again is harmless.
pub async fn a_waiting_job_is_cancelled_at_once(harness: impl StoreHarness) {
    let store = harness.store();
    let id = waiting(&*store).await;
    let record = store.cancel(id, "wrong data").await.unwrap();
    assert_eq!(record.state, JobState::Cancelled);
    assert!(record.finished_at.is_some());
    assert_eq!(store.cancel(id, "again").await.unwrap(), record);
    assert_eq!(store.get(id).await.unwrap(), record);
    let events = all_events(&*store, id).await;
    assert_eq!(events.len(), 2);
    let expected = EventKind::State {
        state: JobState::Cancelled,
        attempt: 0,
        reason: "wrong data".to_owned(),
    };
    assert_eq!(events[1].kind, expected);
}

/// The worker of a running job hears of it with its next beat and ends it; work that was done by
/// then stands.
pub async fn a_running_job_is_asked_to_stop(harness: impl StoreHarness) {
    let store = harness.store();
    for (outcome, state) in [
        (Outcome::Cancelled, JobState::Cancelled),
        (Outcome::Succeeded(result()), JobState::Succeeded),
    ] {
        let (id, token) = running(&*store).await;
        assert!(!store.beat(id, token, Beat::default(), LEASE).await.unwrap());
        let asked = store.cancel(id, "enough").await.unwrap();
        assert_eq!(asked.state, JobState::Running);
        assert!(asked.cancel_requested);
        assert_eq!(store.cancel(id, "enough!").await.unwrap(), asked);
        for _ in 0..2 {
            assert!(store.beat(id, token, Beat::default(), LEASE).await.unwrap());
        }
        let record = store.finish(id, token, outcome).await.unwrap();
        assert_eq!(record.state, state);
        all_events(&*store, id).await;
    }
}

/// A job that succeeded or failed is not cancelled.
pub async fn a_job_that_is_over_is_not_cancelled(harness: impl StoreHarness) {
    let store = harness.store();
    for outcome in [
        Outcome::Succeeded(result()),
        Outcome::Failed(failure("broken")),
    ] {
        let (id, token) = running(&*store).await;
        let record = store.finish(id, token, outcome).await.unwrap();
        let answer = store.cancel(id, "").await;
        let expected = record.state;
        assert!(
            matches!(answer, Err(JobError::WrongState { job, state, .. }) if (job, state) == (id, expected)),
        );
        assert_eq!(store.get(id).await.unwrap(), record);
    }
}

/// A job whose end was asked for is never begun again: not after a release, a retry or a lease
/// that ran out.
pub async fn a_job_to_be_cancelled_is_not_queued_again(harness: impl StoreHarness) {
    let store = harness.store();
    let retry = Outcome::Retry {
        failure: failure("busy"),
        backoff: SECOND,
    };
    for outcome in [Outcome::Released, retry] {
        let (id, token) = running(&*store).await;
        store.cancel(id, "enough").await.unwrap();
        let record = store.finish(id, token, outcome).await.unwrap();
        assert_eq!(record.state, JobState::Cancelled);
    }
    let (id, _) = running(&*store).await;
    store.cancel(id, "enough").await.unwrap();
    harness.advance(LEASE).await;
    let sweep = store.sweep(LEASE, 100 * LEASE).await.unwrap();
    assert_eq!(sweep.cancelled, [id]);
    assert_eq!((sweep.requeued.len(), sweep.to_publish.len()), (0, 0));
    assert_eq!(store.get(id).await.unwrap().state, JobState::Cancelled);
}
