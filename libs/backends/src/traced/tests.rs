//! With spans around them the ports are the ports: they pass the suites of every adapter.

use super::{TracedBlobs, TracedCache, TracedQueue, TracedRegistry, TracedStore};
use assay_core::Digest;
use assay_embedded::{LocalQueue, MemoryFeatureCache, RedbJobStore};
use assay_jobs::{
    Clock, JobQueue, JobStore, Lane, LocalWork, Timestamp, WorkSource,
    conformance::{LEASE, QueueHarness, StoreHarness, WorkHarness},
};
use assay_store::{ObjectBlobs, ObjectRegistry, conformance};
use async_trait::async_trait;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

struct Traced {
    folder: TempDir,
    now_ms: Arc<AtomicU64>,
    store: Option<Arc<TracedStore>>,
    queue: LocalQueue,
}

async fn traced() -> Traced {
    let mut traced = Traced {
        folder: tempfile::tempdir().unwrap(),
        now_ms: Arc::new(AtomicU64::new(1_700_000_000_000)),
        store: None,
        queue: LocalQueue::new(),
    };
    traced.reopen().await;
    traced
}

#[async_trait]
impl StoreHarness for Traced {
    fn store(&self) -> Arc<dyn JobStore> {
        self.store.clone().unwrap()
    }

    async fn advance(&self, time: Duration) {
        let time_ms = u64::try_from(time.as_millis()).unwrap();
        self.now_ms.fetch_add(time_ms, Ordering::SeqCst);
    }

    async fn reopen(&mut self) {
        self.store = None;
        let now_ms = Arc::clone(&self.now_ms);
        let clock: Clock = Arc::new(move || Timestamp(now_ms.load(Ordering::SeqCst)));
        let store = RedbJobStore::open(self.folder.path().join("jobs.redb"), clock).unwrap();
        self.store = Some(Arc::new(TracedStore(Arc::new(store))));
    }
}

#[async_trait]
impl QueueHarness for Traced {
    fn queue(&self) -> Arc<dyn JobQueue> {
        Arc::new(TracedQueue(Arc::new(self.queue.clone())))
    }

    async fn inject_raw(&self, lane: Lane, bytes: Vec<u8>) {
        self.queue.inject_raw(lane, bytes);
    }

    async fn dead_letters(&self, lane: Lane, _expected: usize) -> Vec<Vec<u8>> {
        self.queue.dead_letters(lane)
    }
}

impl WorkHarness for Traced {
    fn source(&self) -> Arc<dyn WorkSource> {
        Arc::new(LocalWork {
            store: self.store(),
            queue: self.queue(),
            lease: LEASE,
        })
    }
}

mod store {
    assay_jobs::store_conformance!(super::traced());
}

mod queue {
    assay_jobs::queue_conformance!(super::traced());
}

mod work {
    assay_jobs::work_conformance!(super::traced());
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_registry_and_cache() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("blobs");
    let blobs = Arc::new(ObjectBlobs::local(&place).unwrap());
    let damage = async |digest: Digest| {
        let name = digest.to_string();
        std::fs::write(place.join(&name[..2]).join(&name), b"other").unwrap();
    };
    conformance::blobs(Arc::new(TracedBlobs(blobs)), damage).await;
    let registry = ObjectRegistry::local(&folder.path().join("registry")).unwrap();
    conformance::registry(Arc::new(TracedRegistry(Arc::new(registry)))).await;
    let cache = MemoryFeatureCache::with_capacity(1 << 20);
    conformance::cache(Arc::new(TracedCache(Arc::new(cache)))).await;
}
