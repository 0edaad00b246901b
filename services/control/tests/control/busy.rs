//! A worker elsewhere whose work keeps every thread of its runtime still keeps its lease.

use crate::serving::Serving;
use assay_api::{ClientOptions, RemoteWork};
use assay_control::ControlConfig;
use assay_jobs::{
    Assignment, Beat, FencingToken, Handler, JobContext, JobError, JobId, JobRecord, JobResult,
    JobState, Lane, Outcome, WorkSource, Worker,
};
use async_trait::async_trait;
use std::{
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};
use tokio::sync::{
    mpsc::{UnboundedSender, unbounded_channel},
    oneshot,
};

/// The shortest lease there is; a beat comes every third of it.
const LEASE: Duration = Duration::from_secs(1);
const BEATS: usize = 5;
/// Only a guard against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// The client that the product uses, and news of every beat that arrived.
struct Heard {
    work: RemoteWork,
    beats: UnboundedSender<()>,
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
        let _ = self.beats.send(());
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

/// Holds the one thread of the worker's runtime until it is told to go on.
struct Hog(Mutex<Receiver<()>>);

#[async_trait]
impl Handler for Hog {
    async fn run(&self, _: &JobRecord, context: JobContext) -> Outcome {
        self.0.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        assert!(!context.stop().is_raised(), "the job was never lost");
        Outcome::Succeeded(JobResult::default())
    }
}

#[tokio::test]
async fn a_lease_is_kept_while_every_thread_of_a_distant_worker_is_busy() {
    let mut serving = Serving::start_with_lease(ControlConfig::default(), LEASE).await;
    let job: JobId = serving.training().await.id.parse().unwrap();
    let (beats, mut heard) = unbounded_channel();
    let (go_on, told) = mpsc::channel();
    let (end, ended) = oneshot::channel::<()>();
    let worker = Worker {
        source: Arc::new(Heard {
            work: RemoteWork::new(serving.url(), &ClientOptions::default()).unwrap(),
            beats,
        }),
        lane: Lane::Train,
        name: "hog".to_owned(),
        handler: Arc::new(Hog(Mutex::new(told))),
    };
    let busy = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let working = runtime.spawn(worker.run(async {
            // The error says that the sender is gone, which is the news waited for.
            let _ = ended.await;
        }));
        runtime.block_on(working).unwrap();
    });
    for _ in 0..BEATS {
        let beat = tokio::time::timeout(PATIENCE, heard.recv()).await;
        beat.unwrap().unwrap();
    }
    go_on.send(()).unwrap();
    let mut after = 0;
    let record = loop {
        let record = serving.deps.store.get(job).await.unwrap();
        if record.state.is_final() {
            break record;
        }
        let events = serving.deps.store.events(job, after, PATIENCE).await;
        after = events.unwrap().last().unwrap().sequence;
    };
    assert_eq!((record.state, record.attempt), (JobState::Succeeded, 1));
    drop(end);
    tokio::task::spawn_blocking(move || busy.join().unwrap())
        .await
        .unwrap();
    serving.end().await;
}
