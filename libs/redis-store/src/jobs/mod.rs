//! The job store on Redis. What a change is, the state machine in `assay_jobs::transition`
//! decides here; a script keeps it only if nobody changed the record since it was read. Time is
//! the server's.

mod bells;
mod change;
mod durability;
mod keys;
mod read;
mod submit;
mod sweep;
mod wire;

use crate::{RedisOptions, address::Address, link::Link, own_thread::OwnThread};
use assay_jobs::{
    Beat, Claim, Counts, FencingToken, JobError, JobEvent, JobFilter, JobId, JobRecord, JobStore,
    Lane, NewJob, Outcome, Page, Submitted, Sweep, Timestamp,
};
use async_trait::async_trait;
use bells::Bells;
use durability::Durability;
use keys::Keys;
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use wire::{Scripts, unavailable};

/// A job store on one Redis server (6 or newer) that keeps what it acknowledges. Clones are the
/// same store; several processes may share one.
///
/// The server is one primary whose clock is right. A replica that takes its place may lack the
/// last changes, acknowledged or not; no setting of Redis keeps that from happening.
///
/// A user of its own needs the keys `~{prefix}:*`, the channels `&{prefix}:*` and the commands
/// `config|get`, `role`, `time`, `evalsha`, `script|load`, `subscribe`, `publish`, `get`, `set`,
/// `del`, `hget`, `hmget`, `hset`, `hstrlen`, `hincrby`, `xadd`, `xtrim`, `xrange`, `zadd`,
/// `zrem`, `zrangebyscore` and `zrevrangebylex`.
#[derive(Clone)]
pub struct RedisJobStore {
    shared: Arc<Shared>,
}

struct Shared {
    link: Link,
    thread: OwnThread,
    keys: Keys,
    scripts: Scripts,
    bells: Arc<Bells>,
    /// Time limit of one operation.
    timeout: Duration,
    /// After this time a watcher looks again.
    poll: Duration,
    /// What the store's clock is ahead of the server's, in milliseconds; not 0 in tests only.
    ahead_ms: Arc<AtomicU64>,
}

impl RedisJobStore {
    /// Connects, and looks whether the server keeps what it acknowledges and whether what is
    /// there can be read. Both are looked at again on every later connection.
    ///
    /// # Errors
    /// [`JobError::Unavailable`] when the server cannot be reached, refuses this client, or may
    /// lose what it acknowledges (unless [`RedisOptions::allow_volatile`]); [`JobError::Damaged`]
    /// when a later version wrote there, or another program.
    pub async fn connect(options: RedisOptions) -> Result<Self, JobError> {
        Self::connect_ahead(options, Arc::default()).await
    }

    /// A store whose clock is ahead of the server's by so many milliseconds, for tests.
    ///
    /// # Errors
    /// As [`RedisJobStore::connect`].
    #[doc(hidden)]
    pub async fn connect_ahead(
        options: RedisOptions,
        ahead_ms: Arc<AtomicU64>,
    ) -> Result<Self, JobError> {
        if let Some(fault) = options.faults().into_iter().next() {
            return Err(unavailable(fault));
        }
        let address = Address::parse(&options.url, options.ca_file.as_deref());
        let address = address.map_err(unavailable)?;
        let thread = OwnThread::start("redis-jobs")
            .map_err(|error| unavailable(format!("no thread can be started: {error}")))?;
        let client = address.client.clone();
        let greeting = Durability::new(&options.prefix, options.allow_volatile);
        let shared = Arc::new(Shared {
            link: Link::new("job store", address, greeting),
            thread,
            keys: Keys::new(&options.prefix),
            scripts: Scripts::new(),
            bells: Arc::default(),
            timeout: options.timeout,
            poll: options.poll,
            ahead_ms,
        });
        let store = Self { shared };
        let greeted = async |shared: Arc<Shared>| {
            let connection = shared.link.connection(shared.deadline()).await;
            connection.map(|_| ()).map_err(JobError::from)
        };
        store.run(greeted).await?;
        let (bells, changed) = (Arc::clone(&store.shared.bells), store.shared.keys.changed());
        store.shared.thread.begin(bells.listen(client, changed));
        Ok(store)
    }

    /// Does a piece of work on the thread of the connection. It goes through to its end even when
    /// this future is dropped.
    async fn run<T, F>(&self, work: impl FnOnce(Arc<Shared>) -> F) -> Result<T, JobError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, JobError>> + Send + 'static,
    {
        let work = work(Arc::clone(&self.shared));
        let done = self.shared.thread.run(work).await;
        done.unwrap_or_else(|| Err(unavailable("its work did not come to an end".to_owned())))
    }
}

impl Shared {
    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    fn ahead_ms(&self) -> u64 {
        self.ahead_ms.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl JobStore for RedisJobStore {
    async fn now(&self) -> Result<Timestamp, JobError> {
        self.run(|shared| async move { shared.now(shared.deadline()).await })
            .await
    }

    async fn submit(&self, job: NewJob, max_queued: u64) -> Result<Submitted, JobError> {
        self.run(|shared| async move { submit::submit(&shared, job, max_queued).await })
            .await
    }

    async fn get(&self, id: JobId) -> Result<JobRecord, JobError> {
        self.run(|shared| async move { read::record(&shared, id).await })
            .await
    }

    async fn list(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, JobError> {
        let filter = filter.clone();
        self.run(|shared| async move { read::list(&shared, &filter, after, limit).await })
            .await
    }

    async fn claim(&self, id: JobId, worker: &str, lease: Duration) -> Result<Claim, JobError> {
        let worker = worker.to_owned();
        self.run(|shared| async move { change::claim(&shared, id, &worker, lease).await })
            .await
    }

    async fn beat(
        &self,
        id: JobId,
        token: FencingToken,
        beat: Beat,
        lease: Duration,
    ) -> Result<bool, JobError> {
        self.run(|shared| async move { change::beat(&shared, (id, token), &beat, lease).await })
            .await
    }

    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<JobRecord, JobError> {
        self.run(|shared| async move { change::finish(&shared, (id, token), &outcome).await })
            .await
    }

    async fn cancel(&self, id: JobId, reason: &str) -> Result<JobRecord, JobError> {
        let reason = reason.to_owned();
        self.run(|shared| async move { change::cancel(&shared, id, &reason).await })
            .await
    }

    async fn events(
        &self,
        id: JobId,
        after: u64,
        wait: Duration,
    ) -> Result<Vec<JobEvent>, JobError> {
        let look = async || {
            self.run(|shared| async move { read::events(&shared, id, after).await })
                .await
        };
        let (events, over) = look().await?;
        if wait.is_zero() || over || !events.is_empty() {
            return Ok(events);
        }
        let waited = async {
            loop {
                let mut rung = pin!(self.shared.bells.of(id).notified());
                // From here on a ring is heard, so none between look and wait is missed.
                rung.as_mut().enable();
                let (events, over) = look().await?;
                if over || !events.is_empty() {
                    return Ok(events);
                }
                // A message may get lost on its way; then the next look finds the news.
                let _ = tokio::time::timeout(self.shared.poll, rung).await;
            }
        };
        tokio::time::timeout(wait, waited)
            .await
            .unwrap_or(Ok(Vec::new()))
    }

    async fn sweep(
        &self,
        redispatch_after: Duration,
        retention: Duration,
    ) -> Result<Sweep, JobError> {
        self.run(|shared| async move { sweep::sweep(&shared, redispatch_after, retention).await })
            .await
    }

    async fn counts(&self, lane: Lane) -> Result<Counts, JobError> {
        self.run(|shared| async move { read::counts(&shared, lane).await })
            .await
    }
}

impl std::fmt::Debug for RedisJobStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisJobStore").finish_non_exhaustive()
    }
}
