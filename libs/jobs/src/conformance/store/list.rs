//! Lists and counts, and what is left after a restart.

use crate::{
    Counts, JobError, JobFilter, JobId, JobState, Lane, NewJob, Outcome,
    conformance::{
        LEASE, StoreHarness,
        fixture::{
            NO_LIMIT, SECOND, all_events, claimed, job, keyed, progressed, result, running,
            submitted, waiting,
        },
    },
};
use std::time::Duration;

/// Pages hold every record once, the newest first.
pub async fn lists_are_paged_newest_first(harness: impl StoreHarness) {
    let store = harness.store();
    let everything = JobFilter::default();
    let empty = store.list(&everything, None, 5).await.unwrap();
    assert_eq!((empty.records.len(), empty.next), (0, None));
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(waiting(&*store).await);
    }
    ids.reverse();
    for limit in [1, 3, 7, 100] {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = store.list(&everything, after, limit).await.unwrap();
            assert!(page.records.len() <= limit);
            for record in page.records {
                assert_eq!(record, store.get(record.id).await.unwrap());
                found.push(record.id);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, ids);
    }
}

/// Filters by lane, state and principal hold together, across pages.
pub async fn lists_are_filtered(harness: impl StoreHarness) {
    let store = harness.store();
    let mut by_bert = Vec::new();
    for n in 0..6 {
        let lane = if n % 2 == 0 {
            Lane::Train
        } else {
            Lane::Explain
        };
        let bert = NewJob {
            principal: "bert".to_owned(),
            ..job(lane)
        };
        let id = submitted(&*store, bert).await.id;
        by_bert.push(id);
        waiting(&*store).await;
        if n < 4 {
            claimed(&*store, id, "w").await;
        }
    }
    let ids = async |filter: &JobFilter| {
        let mut found: Vec<JobId> = Vec::new();
        let mut after = None;
        loop {
            let page = store.list(filter, after, 2).await.unwrap();
            found.extend(page.records.iter().map(|r| r.id));
            after = page.next;
            if after.is_none() {
                found.sort();
                return found;
            }
        }
    };
    let bert = JobFilter {
        principal: Some("bert".to_owned()),
        ..JobFilter::default()
    };
    assert_eq!(ids(&bert).await, by_bert);
    let running = JobFilter {
        states: vec![JobState::Running, JobState::Failed],
        lane: Some(Lane::Explain),
        ..bert
    };
    assert_eq!(ids(&running).await, [by_bert[1], by_bert[3]]);
    let nobody = JobFilter {
        principal: Some("nobody".to_owned()),
        ..JobFilter::default()
    };
    assert_eq!(ids(&nobody).await, []);
}

/// Counts follow every change of state, lane by lane.
pub async fn counts_follow_the_states(harness: impl StoreHarness) {
    let store = harness.store();
    let are = async |queued, running| {
        let counts = store.counts(Lane::Train).await.unwrap();
        assert_eq!(counts, Counts { queued, running });
        let other = store.counts(Lane::Identify).await.unwrap();
        assert_eq!(other, Counts::default());
    };
    are(0, 0).await;
    let (id, token) = running(&*store).await;
    let queued = waiting(&*store).await;
    are(1, 1).await;
    store.finish(id, token, Outcome::Released).await.unwrap();
    are(2, 0).await;
    claimed(&*store, id, "w2").await;
    store.cancel(queued, "").await.unwrap();
    are(0, 1).await;
    harness.advance(LEASE).await;
    store.sweep(LEASE, LEASE).await.unwrap();
    are(1, 0).await;
    let token = claimed(&*store, id, "w3").await;
    let done = Outcome::Succeeded(result());
    store.finish(id, token, done).await.unwrap();
    are(0, 0).await;
}

/// Whatever is asked about an unknown job, it does not exist.
pub async fn unknown_jobs_are_not_found(harness: impl StoreHarness) {
    let store = harness.store();
    let id = JobId::new();
    let token = crate::FencingToken(1);
    let answers = [
        store.get(id).await.map(|_| ()),
        store.claim(id, "w", LEASE).await.map(|_| ()),
        store
            .beat(id, token, progressed(1), LEASE)
            .await
            .map(|_| ()),
        store.finish(id, token, Outcome::Released).await.map(|_| ()),
        store.cancel(id, "").await.map(|_| ()),
        store.events(id, 0, SECOND).await.map(|_| ()),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(JobError::NotFound(of)) if of == id));
    }
}

/// After a restart everything is there: records, leases, events, keys, counts, the schedule.
pub async fn a_reopened_store_has_everything(mut harness: impl StoreHarness) {
    let before = harness.store();
    let keyed_job = submitted(&*before, keyed("k")).await;
    let (id, token) = running(&*before).await;
    before.beat(id, token, progressed(5), LEASE).await.unwrap();
    let record = before.get(id).await.unwrap();
    let events = all_events(&*before, id).await;
    drop(before);
    harness.reopen().await;
    let store = harness.store();
    assert_eq!(store.get(id).await.unwrap(), record);
    assert_eq!(all_events(&*store, id).await, events);
    let found = store.submit(keyed("k"), NO_LIMIT).await.unwrap();
    assert_eq!((found.record, found.created), (keyed_job, false));
    let counts = store.counts(Lane::Train).await.unwrap();
    assert_eq!((counts.queued, counts.running), (1, 1));
    // A worker that outlived the store keeps its job.
    store.beat(id, token, progressed(6), LEASE).await.unwrap();
    harness.advance(LEASE).await;
    let sweep = store.sweep(LEASE, Duration::MAX).await.unwrap();
    assert_eq!(sweep.requeued, [id]);
    assert_eq!(sweep.to_publish.len(), 2);
}
