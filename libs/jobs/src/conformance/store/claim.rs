//! Claims, leases and fencing.

use crate::{
    Beat, Claim, EpochProgress, EventKind, FencingToken, JobError, JobId, JobState, Lane, Outcome,
    Progress,
    conformance::{
        LEASE, StoreHarness,
        fixture::{
            SECOND, all_events, claimed, is_fenced, job, progressed, result, running, submitted,
            waiting,
        },
    },
};
use assay_core::Digest;
use std::time::Duration;

/// A claim raises attempt and token and gives a lease by the store's clock.
pub async fn a_claim_gives_a_lease(harness: impl StoreHarness) {
    let store = harness.store();
    let asked = job(Lane::Train);
    let id = submitted(&*store, asked.clone()).await.id;
    harness.advance(SECOND).await;
    let Claim::Claimed(record) = store.claim(id, "w1", LEASE).await.unwrap() else {
        unreachable!("it waits");
    };
    assert_eq!(*record, store.get(id).await.unwrap());
    assert_eq!(record.job, asked, "the specification comes with the claim");
    assert_eq!((record.state, record.attempt), (JobState::Running, 1));
    let lease = record.lease.unwrap();
    assert_eq!((lease.worker.as_str(), lease.token), ("w1", 1));
    assert_eq!(lease.expires_at, record.started_at.unwrap().after(LEASE));
}

/// Of many claims at once exactly one wins.
pub async fn one_of_many_claims_wins(harness: impl StoreHarness) {
    let store = harness.store();
    for _ in 0..4 {
        let id = waiting(&*store).await;
        let tasks: Vec<_> = (0..16)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    let claim = store.claim(id, &format!("w{n}"), LEASE).await.unwrap();
                    match claim {
                        Claim::Claimed(record) => Some(record.lease.unwrap().worker),
                        Claim::NotNow(JobState::Running) => None,
                        other => unreachable!("{other:?}"),
                    }
                })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            winners.extend(task.await.unwrap());
        }
        let record = store.get(id).await.unwrap();
        assert_eq!(winners, [record.lease.unwrap().worker]);
        assert_eq!((record.attempt, record.last_token), (1, 1));
    }
}

/// A running job, one that is over and an unknown one are not claimed.
pub async fn what_is_not_waiting_is_not_claimed(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    let claim = async |id| store.claim(id, "w2", LEASE).await;
    assert_eq!(claim(id).await.unwrap(), Claim::NotNow(JobState::Running));
    // Also after its lease: only the sweep takes a job from its worker.
    let done = Outcome::Succeeded(result());
    store.finish(id, token, done).await.unwrap();
    assert_eq!(claim(id).await.unwrap(), Claim::NotNow(JobState::Succeeded));
    let cancelled = waiting(&*store).await;
    store.cancel(cancelled, "").await.unwrap();
    let answer = claim(cancelled).await.unwrap();
    assert_eq!(answer, Claim::NotNow(JobState::Cancelled));
    let unknown = JobId::new();
    assert!(matches!(claim(unknown).await, Err(JobError::NotFound(id)) if id == unknown));
}

/// A beat renews the lease and stores progress, checkpoint and warnings.
pub async fn a_beat_keeps_the_lease_and_what_it_carries(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    for _ in 0..3 {
        harness.advance(LEASE - SECOND).await;
        let beat = store.beat(id, token, Beat::default(), LEASE).await;
        assert!(!beat.unwrap(), "nobody asked for its end");
    }
    let before = store.get(id).await.unwrap().sequence;
    let beat = Beat {
        checkpoint: Some(Digest::of(b"note")),
        warnings: vec!["row 7 has no counts".to_owned()],
        ..progressed(40)
    };
    store.beat(id, token, beat, LEASE).await.unwrap();
    store.beat(id, token, progressed(41), LEASE).await.unwrap();
    let record = store.get(id).await.unwrap();
    assert_eq!(record.checkpoint, Some(Digest::of(b"note")));
    assert_eq!(record.progress, progressed(41).progress[0]);
    let events = all_events(&*store, id).await;
    let news: Vec<&EventKind> = events[before as usize..].iter().map(|e| &e.kind).collect();
    assert!(news.contains(&&EventKind::Warning("row 7 has no counts".to_owned())));
    assert_eq!(
        news.last(),
        Some(&&EventKind::Progress(progressed(41).progress.remove(0)))
    );
}

/// After its lease a worker is refused, even while nobody else has the job; nothing is stored.
pub async fn an_expired_lease_is_worth_nothing(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    harness.advance(LEASE).await;
    let before = store.get(id).await.unwrap();
    assert!(is_fenced(store.beat(id, token, progressed(9), LEASE).await));
    let done = Outcome::Succeeded(result());
    assert!(is_fenced(store.finish(id, token, done).await));
    assert_eq!(store.get(id).await.unwrap(), before);
    assert_eq!(all_events(&*store, id).await.len() as u64, before.sequence);
}

/// A worker whose job another one has is refused, and tokens that were never given, too.
pub async fn a_late_worker_is_fenced(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, late) = running(&*store).await;
    harness.advance(LEASE).await;
    store.sweep(LEASE, LEASE).await.unwrap();
    let queued = store.get(id).await.unwrap();
    let done = || Outcome::Succeeded(result());
    assert!(is_fenced(store.finish(id, late, done()).await));
    assert_eq!(store.get(id).await.unwrap(), queued);

    let token = claimed(&*store, id, "w2").await;
    assert!(token > late, "tokens rise");
    let before = store.get(id).await.unwrap();
    for wrong in [late, FencingToken(0), FencingToken(token.0 + 1)] {
        assert!(is_fenced(store.beat(id, wrong, progressed(9), LEASE).await));
        for outcome in [done(), Outcome::Released, Outcome::Cancelled] {
            assert!(is_fenced(store.finish(id, wrong, outcome).await));
        }
    }
    assert_eq!(store.get(id).await.unwrap(), before);
    let record = store.finish(id, token, done()).await.unwrap();
    assert_eq!(record.state, JobState::Succeeded);
}

/// Progress with NaN or infinity must not make the record unreadable.
pub async fn a_diverged_training_stays_readable(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    let diverged = Progress {
        epoch: Some(EpochProgress {
            epoch: 3,
            loss: f64::NAN,
            accuracy: f64::INFINITY,
            learning_rate: 0.1,
            validation_loss: Some(f64::NAN),
            validation_accuracy: None,
        }),
        remaining_s: Some(f64::INFINITY),
        ..Progress::default()
    };
    let beat = Beat {
        progress: vec![diverged],
        ..Beat::default()
    };
    store.beat(id, token, beat, LEASE).await.unwrap();
    let epoch = store.get(id).await.unwrap().progress.epoch.unwrap();
    assert!(epoch.loss.is_nan() && !epoch.accuracy.is_finite());
    assert_eq!((epoch.epoch, epoch.learning_rate), (3, 0.1));
    let events = store.events(id, 0, Duration::ZERO).await.unwrap();
    assert_eq!(events.len(), 3);
    store.finish(id, token, Outcome::Released).await.unwrap();
    claimed(&*store, id, "w2").await;
}
