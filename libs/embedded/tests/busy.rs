//! A worker whose work keeps every thread of its runtime still keeps its lease.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_embedded::{LocalQueue, RedbJobStore};
use assay_jobs::{
    Assignment, Beat, FencingToken, Handler, JobContext, JobError, JobId, JobRecord, JobResult,
    JobState, Lane, LocalWork, NewJob, Outcome, WorkSource, Worker, submit, system_clock,
};
use async_trait::async_trait;
use std::{
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

const LEASE: Duration = Duration::from_millis(300);
/// A beat comes every third of a lease, so these take longer than one.
const BEATS: usize = 6;
/// Only a guard against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// The source that the product uses, and news of every beat that arrived.
struct Heard {
    work: LocalWork,
    beats: Mutex<Sender<()>>,
}

#[async_trait]
impl WorkSource for Heard {
    async fn next(
        &self,
        lane: Lane,
        worker: &str,
        wait: Duration,
    ) -> Result<Option<Assignment>, JobError> {
        self.work.next(lane, worker, wait).await
    }

    async fn beat(&self, id: JobId, token: FencingToken, beat: Beat) -> Result<bool, JobError> {
        let stop = self.work.beat(id, token, beat).await?;
        // Nobody listens any more when the test has heard enough.
        let _ = self.beats.lock().unwrap().send(());
        Ok(stop)
    }

    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<(), JobError> {
        self.work.finish(id, token, outcome).await
    }
}

/// Holds the one thread for tasks and the one for blocking work until it is told to go on.
struct Hog {
    go_on: Mutex<Receiver<()>>,
}

#[async_trait]
impl Handler for Hog {
    async fn run(&self, _: &JobRecord, context: JobContext) -> Outcome {
        let (end, held) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let blocking = tokio::task::spawn_blocking(move || {
            begun.send(()).unwrap();
            // The error says that the sender is gone, which is the news waited for.
            let _ = held.recv();
        });
        has_begun.recv_timeout(PATIENCE).unwrap();
        self.go_on.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        drop(end);
        blocking.await.unwrap();
        assert!(!context.stop().is_raised(), "the job was never lost");
        Outcome::Succeeded(JobResult::default())
    }
}

#[test]
fn a_lease_is_kept_while_every_thread_of_the_runtime_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbJobStore::open(folder.path().join("jobs.redb"), system_clock()).unwrap();
    let (store, queue) = (Arc::new(store), Arc::new(LocalQueue::new()));
    let busy = Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let here = Builder::new_current_thread().enable_all().build().unwrap();
    let job = NewJob {
        lane: Lane::Train,
        specification: serde_json::Value::Null,
        principal: "test".to_owned(),
        idempotency_key: None,
        max_attempts: 1,
        trace_parent: None,
    };
    let submitted = here.block_on(submit(&*store, &*queue, job, 10)).unwrap();
    let (go_on, told) = mpsc::channel();
    let (beats, heard) = mpsc::channel();
    let worker = Worker {
        source: Arc::new(Heard {
            work: LocalWork {
                store: store.clone(),
                queue,
                lease: LEASE,
            },
            beats: Mutex::new(beats),
        }),
        lane: Lane::Train,
        name: "hog".to_owned(),
        handler: Arc::new(Hog {
            go_on: Mutex::new(told),
        }),
    };
    let ending = CancellationToken::new();
    let working = busy.spawn(worker.run(ending.clone().cancelled_owned()));
    for _ in 0..BEATS {
        heard.recv_timeout(PATIENCE).unwrap();
    }
    go_on.send(()).unwrap();
    let record = here.block_on(async {
        let mut last = 0;
        loop {
            let record = assay_jobs::JobStore::get(&*store, submitted.record.id)
                .await
                .unwrap();
            if record.state.is_final() {
                ending.cancel();
                working.await.unwrap();
                return record;
            }
            let events = assay_jobs::JobStore::events(&*store, record.id, last, PATIENCE).await;
            last = events.unwrap().last().unwrap().sequence;
        }
    });
    assert_eq!((record.state, record.attempt), (JobState::Succeeded, 1));
}
