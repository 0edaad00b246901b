//! The suites of the ports.

use crate::fixture::Place;
use assay_amqp::AmqpQueue;
use assay_embedded::RedbJobStore;
use assay_jobs::{
    Clock, JobQueue, JobStore, Lane, LocalWork, Timestamp, WorkSource,
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

struct OnRabbit {
    place: Place,
    queue: AmqpQueue,
    folder: TempDir,
    now_ms: Arc<AtomicU64>,
    store: Option<Arc<RedbJobStore>>,
}

/// An empty queue, and a store in a file; `None` after saying that there is no broker.
async fn on_rabbit() -> Option<OnRabbit> {
    let place = Place::find("a suite of the queue on RabbitMQ").await?;
    let mut harness = OnRabbit {
        queue: place.queue().await,
        place,
        folder: tempfile::tempdir().unwrap(),
        now_ms: Arc::new(AtomicU64::new(1_700_000_000_000)),
        store: None,
    };
    harness.reopen().await;
    Some(harness)
}

#[async_trait]
impl StoreHarness for OnRabbit {
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
        let path = self.folder.path().join("jobs.redb");
        self.store = Some(Arc::new(RedbJobStore::open(path, clock).unwrap()));
    }
}

#[async_trait]
impl QueueHarness for OnRabbit {
    fn queue(&self) -> Arc<dyn JobQueue> {
        Arc::new(self.queue.clone())
    }

    async fn inject_raw(&self, lane: Lane, bytes: Vec<u8>) {
        self.place.inject(lane, &bytes).await;
    }

    async fn dead_letters(&self, lane: Lane, expected: usize) -> Vec<Vec<u8>> {
        self.place.take_all(&self.place.dead(lane), expected).await
    }
}

impl WorkHarness for OnRabbit {
    fn source(&self) -> Arc<dyn WorkSource> {
        Arc::new(LocalWork {
            store: self.store(),
            queue: self.queue(),
            lease: LEASE,
        })
    }
}

mod queue {
    assay_jobs::queue_conformance!(match super::on_rabbit().await {
        Some(harness) => std::future::ready(harness),
        None => return,
    });
}

mod work {
    assay_jobs::work_conformance!(match super::on_rabbit().await {
        Some(harness) => std::future::ready(harness),
        None => return,
    });
}
