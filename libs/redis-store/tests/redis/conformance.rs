//! The suites of the ports, and what only this store can show.

use crate::private::{PATIENCE, ask, durable, job, options};
use assay_embedded::LocalQueue;
use assay_jobs::{
    Beat, Claim, FencingToken, JobError, JobFilter, JobQueue, JobStore, Lane, LocalWork, NewJob,
    Outcome, Reaper, WorkSource,
    conformance::{LEASE, QueueHarness, StoreHarness, WorkHarness},
};
use assay_redis_store::{RedisJobStore, RedisOptions};
use async_trait::async_trait;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

struct OnRedis {
    options: RedisOptions,
    ahead_ms: Arc<AtomicU64>,
    store: Arc<RedisJobStore>,
    queue: LocalQueue,
}

/// An empty corner of the server; `None` after saying that there is none.
async fn on_redis() -> Option<OnRedis> {
    let server = durable("a suite of the job store on Redis")?;
    let (options, ahead_ms) = (options(&server.url()), Arc::default());
    let store = open(&options, &ahead_ms).await;
    Some(OnRedis {
        options,
        ahead_ms,
        store,
        queue: LocalQueue::new(),
    })
}

async fn open(options: &RedisOptions, ahead_ms: &Arc<AtomicU64>) -> Arc<RedisJobStore> {
    let store = RedisJobStore::connect_ahead(options.clone(), Arc::clone(ahead_ms)).await;
    Arc::new(store.unwrap())
}

#[async_trait]
impl StoreHarness for OnRedis {
    fn store(&self) -> Arc<dyn JobStore> {
        self.store.clone()
    }

    async fn advance(&self, time: Duration) {
        let time_ms = u64::try_from(time.as_millis()).unwrap();
        self.ahead_ms.fetch_add(time_ms, Ordering::SeqCst);
    }

    async fn reopen(&mut self) {
        self.store = open(&self.options, &self.ahead_ms).await;
    }
}

#[async_trait]
impl QueueHarness for OnRedis {
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

impl WorkHarness for OnRedis {
    fn source(&self) -> Arc<dyn WorkSource> {
        Arc::new(LocalWork {
            store: self.store(),
            queue: self.queue(),
            lease: LEASE,
        })
    }
}

mod store {
    assay_jobs::store_conformance!(match super::on_redis().await {
        Some(harness) => std::future::ready(harness),
        None => return,
    });
}

mod work {
    assay_jobs::work_conformance!(match super::on_redis().await {
        Some(harness) => std::future::ready(harness),
        None => return,
    });
}

#[tokio::test]
async fn several_stores_are_one() {
    let Some(harness) = on_redis().await else {
        return;
    };
    let other = open(&harness.options, &harness.ahead_ms).await;
    let id = other.submit(job(), 1).await.unwrap().record.id;
    let (here, there) = tokio::join!(
        harness.store.claim(id, "here", LEASE),
        other.claim(id, "there", LEASE)
    );
    let claims = [here.unwrap(), there.unwrap()];
    let won = |claim: &&Claim| matches!(claim, Claim::Claimed(_));
    assert_eq!(claims.iter().filter(won).count(), 1, "{claims:?}");
    let counts = harness.store.counts(Lane::Identify).await.unwrap();
    assert_eq!(counts, other.counts(Lane::Identify).await.unwrap());
}

#[tokio::test]
async fn stores_with_other_prefixes_never_meet() {
    let (Some(one), Some(other)) = (on_redis().await, on_redis().await) else {
        return;
    };
    let record = one.store.submit(job(), 1).await.unwrap().record;
    let answer = other.store.get(record.id).await;
    assert!(matches!(answer, Err(JobError::NotFound(_))));
    let page = other.store.list(&JobFilter::default(), None, 10).await;
    assert_eq!(page.unwrap().records, []);
    let url = one.options.url.reveal();
    let pattern = format!("*{}*", one.options.prefix);
    let keys: Vec<String> = ask(url, &["KEYS", &pattern]).await;
    let start = format!("{{{}}}:", one.options.prefix);
    assert!(keys.len() >= 6 && keys.iter().all(|key| key.starts_with(&start)));
}

/// What a job leaves behind when its record goes.
#[tokio::test]
async fn a_removed_job_leaves_nothing() {
    let Some(harness) = on_redis().await else {
        return;
    };
    let store = &harness.store;
    let keyed = NewJob {
        idempotency_key: Some("k".to_owned()),
        ..job()
    };
    let id = store.submit(keyed, 1).await.unwrap().record.id;
    store.claim(id, "w", LEASE).await.unwrap();
    let beat = Beat {
        warnings: vec!["odd".to_owned()],
        ..Beat::default()
    };
    store.beat(id, FencingToken(1), beat, LEASE).await.unwrap();
    let done = Outcome::Succeeded(assay_jobs::JobResult::default());
    store.finish(id, FencingToken(1), done).await.unwrap();
    harness.advance(assay_jobs::transition::KEY_LIFETIME).await;
    let sweep = store.sweep(LEASE, LEASE).await.unwrap();
    assert_eq!(sweep.removed, [id]);
    let url = harness.options.url.reveal();
    let pattern = format!("{{{}}}:*", harness.options.prefix);
    let mut keys: Vec<String> = ask(url, &["KEYS", &pattern]).await;
    keys.sort();
    let start = format!("{{{}}}:", harness.options.prefix);
    assert_eq!(keys, [format!("{start}counts"), format!("{start}meta")]);
}

#[tokio::test]
async fn many_lost_hints_are_published_in_parts_and_each_once() {
    let Some(harness) = on_redis().await else {
        return;
    };
    let store = &harness.store;
    let mut ids = Vec::new();
    for _ in 0..300 {
        ids.push(store.submit(job(), 300).await.unwrap().record.id);
        harness.advance(Duration::from_millis(1)).await;
    }
    let sweep = store
        .sweep(Duration::ZERO, Reaper::RETENTION)
        .await
        .unwrap();
    let first: Vec<_> = sweep.to_publish.iter().map(|record| record.id).collect();
    assert!(sweep.more);
    assert_eq!(first, ids[..256], "the oldest first, and a part at a time");
    let sweep = store.sweep(Reaper::REDISPATCH_AFTER, Reaper::RETENTION);
    assert_eq!(sweep.await.unwrap().to_publish, []);
    harness.advance(Reaper::REDISPATCH_AFTER).await;
    let rest = store.sweep(Reaper::REDISPATCH_AFTER, Reaper::RETENTION);
    let rest = rest.await.unwrap();
    assert_eq!(rest.to_publish[0].id, ids[256]);
}

#[tokio::test]
async fn a_page_ends_when_its_specifications_get_long() {
    let Some(harness) = on_redis().await else {
        return;
    };
    let store = &harness.store;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let long = NewJob {
            specification: serde_json::Value::String("x".repeat(1 << 20)),
            ..job()
        };
        ids.insert(0, store.submit(long, 5).await.unwrap().record.id);
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

/// A list goes through more records than are looked at together.
#[tokio::test]
async fn a_list_finds_what_is_far_down() {
    let Some(harness) = on_redis().await else {
        return;
    };
    let store = &harness.store;
    let wanted = NewJob {
        principal: "bert".to_owned(),
        ..job()
    };
    let wanted = store.submit(wanted, 1).await.unwrap().record;
    for _ in 0..300 {
        store.submit(job(), 1000).await.unwrap();
    }
    let by_bert = JobFilter {
        principal: Some("bert".to_owned()),
        ..JobFilter::default()
    };
    let page = store.list(&by_bert, None, 5).await.unwrap();
    assert_eq!((page.records, page.next), (vec![wanted], None));
    let (mut seen, mut after) = (0, None);
    loop {
        let page = store.list(&JobFilter::default(), after, 128).await.unwrap();
        seen += page.records.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, 301);
}

/// What somebody destroyed by hand is told, and does not keep the others from being swept.
#[tokio::test]
async fn a_damaged_record_does_not_stop_the_sweep() {
    let Some(harness) = on_redis().await else {
        return;
    };
    let store = &harness.store;
    let damaged = store.submit(job(), 2).await.unwrap().record.id;
    let whole = store.submit(job(), 2).await.unwrap().record.id;
    let key = format!("{{{}}}:job:{damaged}", harness.options.prefix);
    let url = harness.options.url.reveal();
    let _: u64 = ask(url, &["HSET", &key, "record", "{}"]).await;
    let error = store.get(damaged).await.unwrap_err();
    assert!(matches!(error, JobError::Damaged { .. }), "{error}");
    let sweep = store.sweep(Duration::ZERO, LEASE).await.unwrap();
    let named: Vec<_> = sweep.to_publish.iter().map(|record| record.id).collect();
    assert_eq!(named, [whole]);
    store.cancel(whole, "").await.unwrap();
    let alone = store.sweep(Duration::ZERO, LEASE).await;
    assert!(matches!(alone, Err(JobError::Damaged { .. })), "{alone:?}");
}

/// The server's clock may be set back; a job's events go on in order.
#[tokio::test]
async fn a_job_never_goes_back_in_time() {
    let Some(harness) = on_redis().await else {
        return;
    };
    let store = &harness.store;
    harness.advance(Duration::from_secs(5)).await;
    let id = store.submit(job(), 1).await.unwrap().record.id;
    harness.ahead_ms.store(0, Ordering::SeqCst);
    let Claim::Claimed(record) = store.claim(id, "w", LEASE).await.unwrap() else {
        unreachable!("it waits");
    };
    assert_eq!(record.started_at, Some(record.created_at));
}

/// Beats arrive although the runtime that the store was made in is kept by work.
#[test]
fn the_store_works_while_the_runtime_that_made_it_does_not_run() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (busy, other) = (runtime(), runtime());
    let Some(harness) = busy.block_on(on_redis()) else {
        return;
    };
    let store = &harness.store;
    other.block_on(async {
        let id = store.submit(job(), 1).await.unwrap().record.id;
        store.claim(id, "w", LEASE).await.unwrap();
        let beat = store.beat(id, FencingToken(1), Beat::default(), LEASE);
        assert!(!beat.await.unwrap());
    });
}

/// A change goes through to its end although nobody waits for it any more.
#[tokio::test]
async fn a_dropped_call_is_done_all_the_same() {
    let Some(harness) = on_redis().await else {
        return;
    };
    let store = &harness.store;
    let id = store.submit(job(), 1).await.unwrap().record.id;
    tokio::select! {
        biased;
        _ = store.claim(id, "gone", LEASE) => unreachable!("it needs the server"),
        () = std::future::ready(()) => {}
    }
    let events = store.events(id, 1, PATIENCE).await.unwrap();
    assert_eq!(events.len(), 1);
    let record = store.get(id).await.unwrap();
    assert_eq!(record.lease.unwrap().worker, "gone");
}
