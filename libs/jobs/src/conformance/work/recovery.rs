//! Lost hints, and a source that fails now and then.

use super::team::{Hired, submitted};
use crate::{
    Assignment, Beat, Consumer, FencingToken, Hint, JobContext, JobError, JobId, JobQueue,
    JobState, Lane, LocalWork, Outcome, Reaper, WorkSource,
    conformance::{
        LEASE, WorkHarness,
        fixture::{NO_LIMIT, all_events, job, progress, result, until},
    },
};
use assay_core::Digest;
use async_trait::async_trait;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A record whose message never came is published by the sweep after its time.
pub async fn a_hint_that_never_came_is_made_up_for(harness: impl WorkHarness) {
    let store = harness.store();
    let record = store
        .submit(job(Lane::Train), NO_LIMIT)
        .await
        .unwrap()
        .record;
    let soon = Duration::from_millis(20);
    let source = harness.source();
    assert_eq!(source.next(Lane::Train, "w1", soon).await.unwrap(), None);
    let reaper = Reaper::new(harness.store(), harness.queue());
    reaper.sweep(reaper.redispatch_after).await.unwrap();
    assert_eq!(source.next(Lane::Train, "w1", soon).await.unwrap(), None);
    harness.advance(reaper.redispatch_after).await;
    reaper.sweep(reaper.redispatch_after).await.unwrap();
    let worker = Hired::new(source, |_, _| async { Outcome::Succeeded(result()) });
    until(&*store, record.id, |r| r.state == JobState::Succeeded).await;
    worker.dismissed().await;
}

/// A reaper that begins takes every hint for lost, for a queue in a process that ended is.
pub async fn a_reaper_publishes_at_its_start(harness: impl WorkHarness) {
    let store = harness.store();
    let record = store
        .submit(job(Lane::Train), NO_LIMIT)
        .await
        .unwrap()
        .record;
    let shutdown = CancellationToken::new();
    let reaper = Reaper {
        every: Duration::from_secs(600),
        ..Reaper::new(harness.store(), harness.queue())
    };
    let reaper = tokio::spawn(reaper.run(shutdown.clone().cancelled_owned()));
    let worker = Hired::new(harness.source(), |_, _| async {
        Outcome::Succeeded(result())
    });
    until(&*store, record.id, |r| r.state == JobState::Succeeded).await;
    worker.dismissed().await;
    shutdown.cancel();
    reaper.await.unwrap();
}

/// A queue of no use: it takes hints and gives out none, or fails.
struct Useless {
    fails: bool,
}

#[async_trait]
impl JobQueue for Useless {
    async fn publish(&self, _: Lane, _: &Hint) -> Result<(), JobError> {
        Ok(())
    }

    async fn consume(&self, _: Lane) -> Result<Box<dyn Consumer>, JobError> {
        if self.fails {
            return Err(JobError::Unavailable {
                what: "the queue",
                reason: "it is part of the case".to_owned(),
            });
        }
        std::future::pending().await
    }
}

/// A worker does its jobs when the queue gives out no hints, as one does whose disk was damaged.
pub async fn a_job_is_found_when_the_queue_is_of_no_use(harness: impl WorkHarness) {
    let store = harness.store();
    for fails in [true, false] {
        let queue = Useless { fails };
        let job = job(Lane::Train);
        let submitted = crate::submit(&*store, &queue, job, NO_LIMIT).await.unwrap();
        let work = LocalWork {
            store: harness.store(),
            queue: Arc::new(queue),
            lease: LEASE,
        };
        // Nobody looks for what may be on its way.
        let first = work.next(Lane::Train, "w1", Duration::ZERO).await;
        assert_eq!(first.is_err(), fails, "{first:?}");
        assert_eq!(first.unwrap_or_default(), None);
        harness.advance(Duration::from_secs(5)).await;
        let other = work.next(Lane::Explain, "w1", Duration::ZERO).await;
        assert_eq!(other.unwrap_or_default(), None, "of another lane");
        let found = work.next(Lane::Train, "w1", Duration::from_secs(60)).await;
        let found = found.unwrap().unwrap();
        assert_eq!(found.record.id, submitted.record.id);
        let (id, end) = (found.record.id, Outcome::Succeeded(result()));
        work.finish(id, found.token, end).await.unwrap();
    }
}

/// Every first call of a sort fails; of the ends, the answer gets lost.
struct Unreliable {
    source: Arc<dyn WorkSource>,
    calls: [AtomicU32; 3],
}

impl Unreliable {
    fn fails(&self, call: usize) -> Result<(), JobError> {
        if self.calls[call].fetch_add(1, Ordering::SeqCst) < 2 {
            return Err(JobError::Unavailable {
                what: "the source",
                reason: "it is part of the case".to_owned(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl WorkSource for Unreliable {
    async fn next(
        &self,
        lane: Lane,
        worker: &str,
        wait: Duration,
    ) -> Result<Option<Assignment>, JobError> {
        self.fails(0)?;
        self.source.next(lane, worker, wait).await
    }

    async fn beat(&self, id: JobId, token: FencingToken, beat: Beat) -> Result<bool, JobError> {
        self.fails(1)?;
        self.source.beat(id, token, beat).await
    }

    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<(), JobError> {
        self.source.finish(id, token, outcome).await?;
        self.fails(2)
    }
}

/// A source that fails and loses answers costs time and nothing else: the job is begun once, its
/// checkpoint is kept before it goes on, it ends once.
pub async fn an_unreliable_source_loses_nothing(harness: impl WorkHarness) {
    let store = harness.store();
    let unreliable = Arc::new(Unreliable {
        source: harness.source(),
        calls: [const { AtomicU32::new(0) }; 3],
    });
    let looks = harness.store();
    let worker = Hired::new(unreliable.clone(), move |job, context: JobContext| {
        let looks = looks.clone();
        async move {
            context.progress(progress("reading", 1));
            let kept = context.checkpoint(Digest::of(b"note")).await;
            assert!(kept.is_ok(), "{kept:?}");
            let record = looks.get(job.id).await.unwrap();
            assert_eq!(record.checkpoint, Some(Digest::of(b"note")));
            assert_eq!(record.progress, progress("reading", 1));
            Outcome::Succeeded(result())
        }
    });
    let id = submitted(&harness).await.id;
    let record = until(&*store, id, |r| r.state.is_final()).await;
    assert_eq!((record.state, record.attempt), (JobState::Succeeded, 1));
    worker.dismissed().await;
    assert_eq!(store.get(id).await.unwrap(), record);
    let calls = unreliable
        .calls
        .each_ref()
        .map(|n| n.load(Ordering::SeqCst));
    assert!(calls.iter().all(|n| *n > 2), "each failed twice: {calls:?}");
    all_events(&*store, id).await;
}
