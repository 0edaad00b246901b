//! The job store and its queue: of this process alone, or on servers that several share.

use crate::{
    BackendError, StorageConfig,
    traced::{TracedQueue, TracedStore},
};
use assay_amqp::AmqpQueue;
use assay_embedded::{LocalQueue, RedbJobStore};
use assay_jobs::{JobQueue, JobStore, LocalWork, system_clock};
use assay_redis_store::RedisJobStore;
use assay_store::StoreError;
use std::{fmt, fs, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a start waits for its broker.
const BROKER_WITHIN: Duration = Duration::from_secs(5);

/// Records of jobs, and hints for workers.
#[derive(Clone)]
pub struct Jobs {
    /// Records.
    pub store: Arc<dyn JobStore>,
    /// Hints.
    pub queue: Arc<dyn JobQueue>,
}

impl Jobs {
    /// Opens what the configuration names. A broker that cannot be reached is waited for later; a
    /// job store that cannot be reached or that could lose jobs is a failure.
    ///
    /// # Errors
    /// As [`Jobs::embedded`] without `jobs_url`; with it when that server cannot be reached,
    /// refuses or is not set to keep what it acknowledged.
    pub async fn open(config: &StorageConfig) -> Result<Self, BackendError> {
        let store: Arc<dyn JobStore> = if config.jobs_url.is_empty() {
            let config = config.clone();
            let opened = tokio::task::spawn_blocking(move || file_store(&config)).await;
            opened.map_err(|error| StoreError::Unavailable {
                reason: format!("opening the job store did not come to an end: {error}"),
            })??
        } else {
            Arc::new(RedisJobStore::connect(config.job_store()).await?)
        };
        let queue: Arc<dyn JobQueue> = if config.queue_url.is_empty() {
            Arc::new(LocalQueue::new())
        } else {
            Arc::new(broker(config).await?)
        };
        Ok(Self::traced(store, queue))
    }

    /// Opens jobs that every process which is configured so reaches by itself: with both
    /// `jobs_url` and `queue_url`. `None` otherwise: one process holds them, and others work
    /// through it.
    ///
    /// # Errors
    /// As [`Jobs::open`].
    pub async fn shared(config: &StorageConfig) -> Result<Option<Self>, BackendError> {
        if config.jobs_url.is_empty() || config.queue_url.is_empty() {
            return Ok(None);
        }
        Self::open(config).await.map(Some)
    }

    /// Opens jobs in the folder and a queue in this process. Blocks on the disk for a moment.
    ///
    /// # Errors
    /// When another process holds them (the message says to name that one's `control_url`), when
    /// the folder cannot be used or the file is damaged.
    pub fn embedded(config: &StorageConfig) -> Result<Self, BackendError> {
        let queue = Arc::new(LocalQueue::new());
        Ok(Self::traced(file_store(config)?, queue))
    }

    /// These with spans around them.
    fn traced(store: Arc<dyn JobStore>, queue: Arc<dyn JobQueue>) -> Self {
        Self {
            store: Arc::new(TracedStore(store)),
            queue: Arc::new(TracedQueue(queue)),
        }
    }

    /// Where workers of this process get their jobs.
    #[must_use]
    pub fn work(&self, config: &StorageConfig) -> LocalWork {
        LocalWork {
            store: Arc::clone(&self.store),
            queue: Arc::clone(&self.queue),
            lease: config.lease(),
        }
    }
}

/// The queue on a broker. The first sweep publishes a hint for every job that waits, so the broker
/// gets a moment to be reached before; one that is not comes later.
async fn broker(config: &StorageConfig) -> Result<AmqpQueue, BackendError> {
    let queue = AmqpQueue::start(config.queue())?;
    if timeout(BROKER_WITHIN, queue.connected()).await.is_err() {
        tracing::warn!("the broker of hints is not reached yet; jobs wait for it");
    }
    Ok(queue)
}

fn file_store(config: &StorageConfig) -> Result<Arc<dyn JobStore>, BackendError> {
    let folder = &config.data_dir;
    fs::create_dir_all(folder).map_err(|error| StoreError::Unavailable {
        reason: format!("data_dir {} cannot be used: {error}", folder.display()),
    })?;
    let store = RedbJobStore::open(folder.join("jobs.redb"), system_clock())?;
    Ok(Arc::new(store))
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").finish_non_exhaustive()
    }
}
