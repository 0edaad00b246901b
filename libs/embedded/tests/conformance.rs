//! The suites of the ports on the adapters of this crate, and what only a file can show.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_core::Classified;
use assay_embedded::{LocalQueue, RedbJobStore};
use assay_jobs::{
    Clock, JobError, JobQueue, JobStore, Lane, LocalWork, Timestamp, WorkSource,
    conformance::{LEASE, QueueHarness, StoreHarness, WorkHarness},
};
use async_trait::async_trait;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

struct Embedded {
    folder: TempDir,
    now_ms: Arc<AtomicU64>,
    store: Option<Arc<RedbJobStore>>,
    queue: LocalQueue,
}

async fn embedded() -> Embedded {
    let mut embedded = Embedded {
        folder: tempfile::tempdir().unwrap(),
        now_ms: Arc::new(AtomicU64::new(1_700_000_000_000)),
        store: None,
        queue: LocalQueue::new(),
    };
    embedded.open();
    embedded
}

impl Embedded {
    fn clock(&self) -> Clock {
        let now_ms = Arc::clone(&self.now_ms);
        Arc::new(move || Timestamp(now_ms.load(Ordering::SeqCst)))
    }

    fn open(&mut self) {
        let path = self.folder.path().join("jobs.redb");
        let store = RedbJobStore::open(path, self.clock()).unwrap();
        self.store = Some(Arc::new(store));
    }
}

#[async_trait]
impl StoreHarness for Embedded {
    fn store(&self) -> Arc<dyn JobStore> {
        self.store.clone().unwrap()
    }

    async fn advance(&self, time: Duration) {
        let time_ms = u64::try_from(time.as_millis()).unwrap();
        self.now_ms.fetch_add(time_ms, Ordering::SeqCst);
    }

    async fn reopen(&mut self) {
        self.store = None;
        self.open();
    }
}

#[async_trait]
impl QueueHarness for Embedded {
    fn queue(&self) -> Arc<dyn JobQueue> {
        Arc::new(self.queue.clone())
    }

    async fn inject_raw(&self, lane: Lane, bytes: Vec<u8>) {
        self.queue.inject_raw(lane, bytes);
    }

    async fn dead_letters(&self, lane: Lane, _expected: usize) -> Vec<Vec<u8>> {
        self.queue.dead_letters(lane)
    }
}

impl WorkHarness for Embedded {
    fn source(&self) -> Arc<dyn WorkSource> {
        Arc::new(LocalWork {
            store: self.store(),
            queue: self.queue(),
            lease: LEASE,
        })
    }
}

mod store {
    assay_jobs::store_conformance!(super::embedded());
}

mod queue {
    assay_jobs::queue_conformance!(super::embedded());
}

mod work {
    assay_jobs::work_conformance!(super::embedded());
}

#[tokio::test]
async fn a_second_opener_is_told_what_to_do() {
    let harness = embedded().await;
    let path = harness.folder.path().join("jobs.redb");
    let error = RedbJobStore::open(&path, harness.clock()).unwrap_err();
    assert_eq!(error.kind(), assay_core::ErrorKind::Unavailable);
    assert!(error.to_string().contains("control_url"), "{error}");
    assert!(harness.store().counts(Lane::Train).await.is_ok());
}

#[test]
fn what_is_no_job_store_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.redb");
    std::fs::write(&path, "this is no database, but a letter to a friend").unwrap();
    let opened = RedbJobStore::open(&path, assay_jobs::system_clock());
    assert!(opened.is_err());
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept.contains("letter to a friend"));
    let nowhere = RedbJobStore::open(folder.path(), assay_jobs::system_clock());
    assert!(matches!(nowhere, Err(JobError::Unavailable { .. })));
}

#[tokio::test]
async fn the_clock_never_goes_back() {
    let harness = embedded().await;
    let store = harness.store();
    let before = store.now().await.unwrap();
    harness.now_ms.fetch_sub(5_000, Ordering::SeqCst);
    assert_eq!(store.now().await.unwrap(), before);
    harness.advance(Duration::from_millis(5_001)).await;
    assert!(store.now().await.unwrap() > before);
}

#[tokio::test]
async fn hints_for_one_job_do_not_pile_up() {
    let harness = embedded().await;
    let (store, queue) = (harness.store(), harness.queue());
    let reaper = assay_jobs::Reaper::new(store.clone(), queue);
    let job = assay_jobs::NewJob {
        lane: Lane::Train,
        specification: serde_json::Value::Null,
        principal: String::new(),
        idempotency_key: None,
        max_attempts: 1,
        trace_parent: None,
    };
    store.submit(job, 1).await.unwrap();
    for _ in 0..5 {
        harness.advance(reaper.redispatch_after).await;
        let sweep = reaper.sweep(reaper.redispatch_after).await.unwrap();
        assert_eq!(sweep.to_publish.len(), 1);
    }
    assert_eq!(harness.queue.waiting(Lane::Train), 1);
}
