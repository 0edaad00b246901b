//! The worker: every way in which a handler ends, or is made to.

use super::team::{Hired, submitted};
use crate::{
    EventKind, Failure, JobContext, JobError, JobResult, JobState, Outcome, StopReason,
    conformance::{
        WorkHarness,
        fixture::{all_events, failure, progress, result, until},
    },
};
use assay_core::{Digest, ErrorKind};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::sync::{
    Notify,
    mpsc::{UnboundedSender, unbounded_channel},
};

/// Many hints for one job give one run of its handler.
pub async fn duplicate_hints_give_one_run(harness: impl WorkHarness) {
    let (store, queue) = (harness.store(), harness.queue());
    let runs = Arc::new(AtomicU32::new(0));
    let handler = |runs: Arc<AtomicU32>| {
        move |_, _| {
            runs.fetch_add(1, Ordering::SeqCst);
            async { Outcome::Succeeded(result()) }
        }
    };
    let record = submitted(&harness).await;
    for _ in 0..20 {
        crate::local::hint(&*queue, &record).await;
    }
    let hired: Vec<Hired> = (0..3)
        .map(|_| Hired::new(harness.source(), handler(runs.clone())))
        .collect();
    until(&*store, record.id, |r| r.state.is_final()).await;
    let last = submitted(&harness).await;
    until(&*store, last.id, |r| r.state.is_final()).await;
    for worker in hired {
        worker.dismissed().await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

/// What may pass is tried again after a backoff; what may not fails at once.
pub async fn errors_become_retries_or_failures(harness: impl WorkHarness) {
    let store = harness.store();
    let worker = Hired::new(harness.source(), |job, context: JobContext| async move {
        let done: Result<JobResult, JobError> = match (job.job.max_attempts, context.attempt()) {
            (3, 1) => Err(JobError::Unavailable {
                what: "the model store",
                reason: "it restarts".to_owned(),
            }),
            (3, _) => Err(JobError::invalid("row", 3, "a digest")),
            _ => unreachable!("it has three attempts"),
        };
        context.outcome(&job, done)
    });
    let id = submitted(&harness).await.id;
    let waits = |r: &crate::JobRecord| r.state == JobState::Queued && r.attempt == 1;
    let record = until(&*store, id, waits).await;
    assert!(record.not_before > record.started_at.unwrap());
    assert_eq!(
        record.failure.as_ref().unwrap().kind,
        ErrorKind::Unavailable
    );
    harness.advance(crate::Backoff::JOB.longest).await;
    let reaper = crate::Reaper::new(harness.store(), harness.queue());
    let sweep = reaper.sweep(crate::Reaper::REDISPATCH_AFTER).await.unwrap();
    assert_eq!(sweep.to_publish.len(), 1);
    let record = until(&*store, id, |r| r.state.is_final()).await;
    assert_eq!((record.state, record.attempt), (JobState::Failed, 2));
    let failure = record.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::InvalidArgument);
    assert!(failure.message.contains("row"), "{failure:?}");
    worker.dismissed().await;
}

/// A panic fails its own job; the next one is done.
pub async fn a_panic_fails_its_job_only(harness: impl WorkHarness) {
    let store = harness.store();
    let first = submitted(&harness).await.id;
    let worker = Hired::new(harness.source(), move |job, _| async move {
        assert_ne!(job.id, first, "this panic is part of the case");
        Outcome::Succeeded(result())
    });
    let record = until(&*store, first, |r| r.state.is_final()).await;
    assert_eq!(record.state, JobState::Failed);
    assert_eq!(record.failure.unwrap().kind, ErrorKind::Internal);
    let second = submitted(&harness).await.id;
    let record = until(&*store, second, |r| r.state.is_final()).await;
    assert_eq!(record.state, JobState::Succeeded);
    worker.dismissed().await;
}

/// A handler that works until it is told to stop, and says for which reason it did.
fn until_stopped(
    started: Arc<Notify>,
    reasons: UnboundedSender<Option<StopReason>>,
) -> impl Fn(crate::JobRecord, JobContext) -> std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>
{
    move |_, context| {
        let (started, reasons) = (started.clone(), reasons.clone());
        Box::pin(async move {
            started.notify_one();
            // As blocking work does it: by looking at the flag.
            let flag = context.stop().as_atomic().clone();
            let work = tokio::task::spawn_blocking(move || {
                while !flag.load(Ordering::Acquire) {
                    std::thread::park_timeout(std::time::Duration::from_millis(1));
                }
            });
            work.await.unwrap();
            reasons.send(context.stop().reason()).unwrap();
            match context.stop().reason() {
                Some(StopReason::Cancelled) => Outcome::Cancelled,
                Some(StopReason::Shutdown) => {
                    let kept = context.checkpoint(Digest::of(b"half way")).await;
                    kept.map_or(Outcome::Failed(failure("no checkpoint")), |()| {
                        Outcome::Released
                    })
                }
                Some(StopReason::Lost) => Outcome::Succeeded(result()),
                None => Outcome::Failed(failure("no reason")),
            }
        })
    }
}

/// Whoever cancels a running job ends its handler.
pub async fn a_cancellation_reaches_the_work(harness: impl WorkHarness) {
    let store = harness.store();
    let started = Arc::new(Notify::new());
    let (reasons, mut told) = unbounded_channel();
    let work = until_stopped(started.clone(), reasons);
    let worker = Hired::new(harness.source(), work);
    let id = submitted(&harness).await.id;
    started.notified().await;
    store.cancel(id, "enough").await.unwrap();
    let record = until(&*store, id, |r| r.state.is_final()).await;
    assert_eq!((record.state, record.attempt), (JobState::Cancelled, 1));
    assert_eq!(told.recv().await, Some(Some(StopReason::Cancelled)));
    worker.dismissed().await;
}

/// At a shutdown the handler keeps a checkpoint, and another worker goes on at once.
pub async fn a_shutdown_gives_the_job_back(harness: impl WorkHarness) {
    let store = harness.store();
    let started = Arc::new(Notify::new());
    let (reasons, mut told) = unbounded_channel();
    let work = until_stopped(started.clone(), reasons);
    let worker = Hired::new(harness.source(), work);
    let id = submitted(&harness).await.id;
    started.notified().await;
    worker.dismissed().await;
    let record = store.get(id).await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Queued, 0));
    assert_eq!(record.checkpoint, Some(Digest::of(b"half way")));
    assert_eq!(told.recv().await, Some(Some(StopReason::Shutdown)));
    let successor = Hired::new(harness.source(), |job, context: JobContext| async move {
        assert_eq!(job.checkpoint, Some(Digest::of(b"half way")));
        assert_eq!((context.attempt(), context.job()), (1, job.id));
        Outcome::Succeeded(result())
    });
    let record = until(&*store, id, |r| r.state.is_final()).await;
    assert_eq!(record.state, JobState::Succeeded);
    successor.dismissed().await;
}

/// A worker that lost its job is told, and what it does then counts for nothing.
pub async fn lost_work_is_told_and_kept_out(harness: impl WorkHarness) {
    let store = harness.store();
    let started = Arc::new(Notify::new());
    let (reasons, mut told) = unbounded_channel();
    let work = until_stopped(started.clone(), reasons);
    let worker = Hired::new(harness.source(), work);
    let id = submitted(&harness).await.id;
    started.notified().await;
    // As if the worker had been cut off for longer than its lease. A beat that came in between
    // moved the lease on, so it may take more than one try.
    loop {
        harness.advance(2 * crate::conformance::LEASE).await;
        let sweep = store
            .sweep(crate::conformance::LEASE, std::time::Duration::MAX)
            .await;
        if sweep.unwrap().requeued == [id] {
            break;
        }
    }
    let token = crate::conformance::fixture::claimed(&*store, id, "successor").await;
    assert_eq!(told.recv().await, Some(Some(StopReason::Lost)));
    worker.dismissed().await;
    let record = store.get(id).await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Running, 2));
    assert_eq!(record.result, None);
    let own = Outcome::Failed(Failure {
        kind: ErrorKind::DataLoss,
        message: "the data set is gone".to_owned(),
    });
    store.finish(id, token, own).await.unwrap();
    let record = store.get(id).await.unwrap();
    assert_eq!((record.state, record.checkpoint), (JobState::Failed, None));
}

/// Everything a handler told before its end is stored before the end.
pub async fn news_arrives_before_the_end(harness: impl WorkHarness) {
    let store = harness.store();
    let worker = Hired::new(harness.source(), |_, context: JobContext| async move {
        for done in 0..=100 {
            context.progress(progress("reading", done));
        }
        context.warn("row 3 is empty");
        context.progress(progress("writing", 1));
        Outcome::Succeeded(result())
    });
    let id = submitted(&harness).await.id;
    until(&*store, id, |r| r.state.is_final()).await;
    worker.dismissed().await;
    let events = all_events(&*store, id).await;
    let news: Vec<&EventKind> = events.iter().map(|e| &e.kind).collect();
    for expected in [
        EventKind::Progress(progress("reading", 100)),
        EventKind::Progress(progress("writing", 1)),
        EventKind::Warning("row 3 is empty".to_owned()),
    ] {
        assert!(news.contains(&&expected), "{news:?}");
    }
    let last = EventKind::State {
        state: JobState::Succeeded,
        attempt: 1,
        reason: String::new(),
    };
    assert_eq!(news.last(), Some(&&last));
}
