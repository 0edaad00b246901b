//! The suites of the ports on the adapters of this crate, and what only a file can show.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_core::Classified;
use assay_embedded::{LocalQueue, RedbJobStore};
use assay_jobs::{
    Clock, Consumer, Hint, JobError, JobFilter, JobId, JobQueue, JobStore, Lane, LocalWork, NewJob,
    Reaper, Timestamp, WorkSource,
    conformance::{LEASE, QueueHarness, StoreHarness, WorkHarness},
};
use async_trait::async_trait;
use std::{
    sync::{
        Arc, Mutex,
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
    store.submit(job(serde_json::Value::Null), 1).await.unwrap();
    for _ in 0..5 {
        harness.advance(reaper.redispatch_after).await;
        let sweep = reaper.sweep(reaper.redispatch_after).await.unwrap();
        assert_eq!(sweep.to_publish.len(), 1);
    }
    assert_eq!(harness.queue.waiting(Lane::Train), 1);
}

/// A queue that only counts what is published.
#[derive(Default)]
struct Counting(Mutex<Vec<JobId>>);

#[async_trait]
impl JobQueue for Counting {
    async fn publish(&self, _: Lane, hint: &Hint) -> Result<(), JobError> {
        self.0.lock().unwrap().push(hint.job);
        Ok(())
    }

    async fn consume(&self, _: Lane) -> Result<Box<dyn Consumer>, JobError> {
        unreachable!("nobody works here")
    }
}

fn job(specification: serde_json::Value) -> NewJob {
    NewJob {
        lane: Lane::Train,
        specification,
        principal: String::new(),
        idempotency_key: None,
        max_attempts: 1,
        trace_parent: None,
    }
}

#[tokio::test]
async fn many_lost_hints_are_published_in_parts_and_each_once() {
    let harness = embedded().await;
    let store = harness.store();
    let mut ids = Vec::new();
    for _ in 0..600 {
        let submitted = store.submit(job(serde_json::Value::Null), 600).await;
        ids.push(submitted.unwrap().record.id);
        harness.advance(Duration::from_millis(1)).await;
    }
    let sweep = store.sweep(Duration::ZERO, Reaper::RETENTION).await;
    let sweep = sweep.unwrap();
    let first: Vec<_> = sweep.to_publish.iter().map(|record| record.id).collect();
    assert!(sweep.more);
    assert_eq!(first, ids[..256], "the oldest first, and a part at a time");
    harness.advance(Duration::from_millis(1)).await;
    let queue = Arc::new(Counting::default());
    let reaper = Reaper::new(store, queue.clone());
    reaper.begin().await.unwrap();
    let mut published = queue.0.lock().unwrap().clone();
    published.sort();
    ids.sort();
    assert_eq!(published, ids);
}

#[tokio::test]
async fn a_page_ends_when_its_specifications_get_long() {
    let harness = embedded().await;
    let store = harness.store();
    let mut ids = Vec::new();
    for _ in 0..5 {
        let long = serde_json::Value::String("x".repeat(1 << 20));
        ids.insert(0, store.submit(job(long), 5).await.unwrap().record.id);
    }
    let (mut found, mut after) = (Vec::new(), None);
    for expected in [3, 2] {
        let page = store.list(&JobFilter::default(), after, 1000).await;
        let page = page.unwrap();
        assert_eq!(page.records.len(), expected);
        found.extend(page.records.iter().map(|record| record.id));
        after = page.next;
    }
    assert_eq!((found, after), (ids, None));
}
