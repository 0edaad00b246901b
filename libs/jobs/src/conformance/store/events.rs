//! The events of a job.

use crate::{
    Beat, EventKind, JobState, Outcome,
    conformance::{
        LEASE, StoreHarness,
        fixture::{LONG, all_events, claimed, progress, progressed, result, running, waiting},
    },
    transition::{EVENTS_KEPT, EVENTS_PER_CALL},
};
use std::time::Duration;

/// Events are numbered from 1 without gaps, and a watcher goes on from any of them.
pub async fn events_have_no_gaps_and_can_be_resumed(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    for done in 1..=5 {
        store
            .beat(id, token, progressed(done), LEASE)
            .await
            .unwrap();
    }
    store.finish(id, token, Outcome::Released).await.unwrap();
    let token = claimed(&*store, id, "w2").await;
    let done = Outcome::Succeeded(result());
    store.finish(id, token, done).await.unwrap();
    let all = all_events(&*store, id).await;
    assert_eq!(all[0].sequence, 1);
    let states: Vec<JobState> = all
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::State { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    use JobState::{Queued, Running, Succeeded};
    assert_eq!(states, [Queued, Running, Queued, Running, Succeeded]);
    for cut in 0..=all.len() {
        let rest = store.events(id, cut as u64, Duration::ZERO).await.unwrap();
        assert_eq!(rest, all[cut..]);
    }
    let beyond = store.events(id, u64::MAX, Duration::ZERO).await.unwrap();
    assert_eq!(beyond, []);
}

/// A watcher waits for the next event, and gets none when none comes.
pub async fn events_are_waited_for(harness: impl StoreHarness) {
    let store = harness.store();
    let id = waiting(&*store).await;
    let soon = Duration::from_millis(20);
    assert_eq!(store.events(id, 1, soon).await.unwrap(), []);
    let watchers: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.events(id, 1, LONG).await.unwrap() })
        })
        .collect();
    // Whether they wait already or not, they must see it.
    tokio::task::yield_now().await;
    let other = waiting(&*store).await;
    claimed(&*store, other, "w").await;
    claimed(&*store, id, "w").await;
    for watcher in watchers {
        let events = watcher.await.unwrap();
        assert_eq!((events.len(), events[0].sequence), (1, 2));
    }
}

/// After the last event of a job that is over nobody waits.
pub async fn no_events_come_after_the_end(harness: impl StoreHarness) {
    let store = harness.store();
    let id = waiting(&*store).await;
    store.cancel(id, "").await.unwrap();
    let last = store.get(id).await.unwrap().sequence;
    assert_eq!(store.events(id, last, LONG).await.unwrap(), []);
    assert_eq!(store.events(id, last + 5, LONG).await.unwrap(), []);
}

/// Of a very long job the last events are kept, in calls of limited length.
pub async fn the_last_events_are_kept(harness: impl StoreHarness) {
    let store = harness.store();
    let (id, token) = running(&*store).await;
    let before = store.get(id).await.unwrap().sequence;
    let beats = EVENTS_KEPT / 500 + 1;
    for _ in 0..beats {
        let beat = Beat {
            progress: (0..500).map(|n| progress(&format!("s{n}"), n)).collect(),
            ..Beat::default()
        };
        store.beat(id, token, beat, LEASE).await.unwrap();
    }
    let last = before + beats * 500;
    let first = store.events(id, 0, Duration::ZERO).await.unwrap();
    assert_eq!(first.len(), EVENTS_PER_CALL);
    assert_eq!(first[0].sequence, last - EVENTS_KEPT + 1);
    let all = all_events(&*store, id).await;
    assert_eq!(all.len() as u64, EVENTS_KEPT);
    assert_eq!(all.last().map(|e| e.sequence), Some(last));
}
