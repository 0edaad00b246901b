//! The job store and its queue, which one process holds.

use crate::{
    BackendError, StorageConfig,
    traced::{TracedQueue, TracedStore},
};
use assay_embedded::{LocalQueue, RedbJobStore};
use assay_jobs::{JobQueue, JobStore, system_clock};
use assay_store::StoreError;
use std::{fmt, fs, sync::Arc};

/// Jobs of this process.
#[derive(Clone)]
pub struct Jobs {
    /// Records.
    pub store: Arc<dyn JobStore>,
    /// Hints.
    pub queue: Arc<dyn JobQueue>,
}

impl Jobs {
    /// Opens the jobs. Blocks on the disk for a moment.
    ///
    /// # Errors
    /// When another process holds them (the message says to name that one's `control_url`), when
    /// the folder cannot be used or the file is damaged.
    pub fn open(config: &StorageConfig) -> Result<Self, BackendError> {
        let file = config.data_dir.join("jobs.redb");
        fs::create_dir_all(&config.data_dir).map_err(|error| StoreError::Unavailable {
            reason: format!(
                "data_dir {} cannot be used: {error}",
                config.data_dir.display()
            ),
        })?;
        let store = RedbJobStore::open(&file, system_clock())?;
        Ok(Self::traced(Arc::new(store), Arc::new(LocalQueue::new())))
    }

    /// These with spans around them.
    fn traced(store: Arc<dyn JobStore>, queue: Arc<dyn JobQueue>) -> Self {
        Self {
            store: Arc::new(TracedStore(store)),
            queue: Arc::new(TracedQueue(queue)),
        }
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").finish_non_exhaustive()
    }
}
