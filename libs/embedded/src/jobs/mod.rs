//! The job store on a redb file: one process, one file, every change one durable transaction.
//! What a change is, the state machine in `assay_jobs::transition` decides.

mod change;
mod file;
mod read;
mod sweep;
mod tables;

use assay_jobs::{
    Beat, Claim, Clock, Counts, FencingToken, JobError, JobEvent, JobFilter, JobId, JobRecord,
    JobStore, Lane, NewJob, Outcome, Page, Submitted, Sweep, Timestamp,
};
use async_trait::async_trait;
use file::File;
use redb::{Database, ReadableDatabase};
use std::{
    path::Path,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tables::{Tables, broken};
use tokio::sync::Notify;

/// Those who wait for events are spread over this many bells, so that a change wakes few.
const BELLS: usize = 64;

/// A job store on a redb file. Clones are the same store.
#[derive(Clone)]
pub struct RedbJobStore {
    shared: Arc<Shared>,
}

struct Shared {
    file: File,
    clock: Clock,
    /// The latest moment given out: the store's clock never goes back.
    latest_ms: AtomicU64,
    bells: [Notify; BELLS],
}

impl RedbJobStore {
    /// Opens the store in a file, which is made when it is missing. Blocks: a file that a killed
    /// process left is checked and repaired first.
    ///
    /// # Errors
    /// [`JobError::Unavailable`] when another process has it open or the file cannot be reached;
    /// [`JobError::Damaged`] when it is no job store, or one of a later version.
    ///
    /// When the file fails later, on a full disk say, the call that met it answers
    /// [`JobError::Unavailable`], and the next one opens the file anew.
    pub fn open(path: impl AsRef<Path>, clock: Clock) -> Result<Self, JobError> {
        let path = path.as_ref().to_path_buf();
        Self::open_with(move || tables::open(&path), clock)
    }

    /// The store on what `open` gives, now and after every failure of the file.
    fn open_with(
        open: impl Fn() -> Result<Database, JobError> + Send + Sync + 'static,
        clock: Clock,
    ) -> Result<Self, JobError> {
        Ok(Self {
            shared: Arc::new(Shared {
                file: File::open(open)?,
                clock,
                latest_ms: AtomicU64::new(0),
                bells: [const { Notify::const_new() }; BELLS],
            }),
        })
    }

    /// Runs a change in one transaction, which is durable on return; nothing is written when it
    /// fails or changes nothing. It goes through to its end even when this future is dropped.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tables<'_>, Timestamp) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, JobError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let (value, changed) = shared.file.with(|database| {
                let transaction = database.begin_write().map_err(broken)?;
                // After the lock on writing was had, so that times never go back between changes.
                let now = shared.now();
                let mut tables = Tables::open(&transaction)?;
                let value = change(&mut tables, now)?;
                let changed = tables.into_changed();
                if changed.is_empty() {
                    transaction.abort().map_err(broken)?;
                } else {
                    transaction.commit().map_err(broken)?;
                }
                Ok((value, changed))
            })?;
            for id in changed {
                shared.bell(id).notify_waiters();
            }
            Ok(value)
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&redb::ReadTransaction) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, JobError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            shared.file.with(|database| {
                let transaction = database.begin_read().map_err(broken)?;
                read(&transaction)
            })
        })
        .await
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        let now = (self.clock)().0;
        let before = self.latest_ms.fetch_max(now, Ordering::Relaxed);
        Timestamp(before.max(now))
    }

    fn bell(&self, id: JobId) -> &Notify {
        // The last byte of the id is random.
        &self.bells[usize::from(id.as_bytes()[15]) % BELLS]
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JobError> + Send + 'static,
) -> Result<T, JobError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(JobError::Unavailable {
            what: "the job store",
            reason: format!("its work did not come to an end: {error}"),
        })
    })
}

#[async_trait]
impl JobStore for RedbJobStore {
    async fn now(&self) -> Result<Timestamp, JobError> {
        Ok(self.shared.now())
    }

    async fn submit(&self, job: NewJob, max_queued: u64) -> Result<Submitted, JobError> {
        self.change(move |tables, now| change::submit(tables, job, max_queued, now))
            .await
    }

    async fn get(&self, id: JobId) -> Result<JobRecord, JobError> {
        self.read(move |transaction| read::record(transaction, id))
            .await
    }

    async fn list(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, JobError> {
        let filter = filter.clone();
        self.read(move |transaction| read::list(transaction, &filter, after, limit))
            .await
    }

    async fn claim(&self, id: JobId, worker: &str, lease: Duration) -> Result<Claim, JobError> {
        let worker = worker.to_owned();
        self.change(move |tables, now| change::claim(tables, id, &worker, lease, now))
            .await
    }

    async fn beat(
        &self,
        id: JobId,
        token: FencingToken,
        beat: Beat,
        lease: Duration,
    ) -> Result<bool, JobError> {
        self.change(move |tables, now| change::beat(tables, (id, token), beat, lease, now))
            .await
    }

    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<JobRecord, JobError> {
        self.change(move |tables, now| change::finish(tables, (id, token), outcome, now))
            .await
    }

    async fn cancel(&self, id: JobId, reason: &str) -> Result<JobRecord, JobError> {
        let reason = reason.to_owned();
        self.change(move |tables, now| change::cancel(tables, id, &reason, now))
            .await
    }

    async fn events(
        &self,
        id: JobId,
        after: u64,
        wait: Duration,
    ) -> Result<Vec<JobEvent>, JobError> {
        let look = async || {
            self.read(move |transaction| read::events(transaction, id, after))
                .await
        };
        let (events, over) = look().await?;
        if wait.is_zero() || over || !events.is_empty() {
            return Ok(events);
        }
        let waited = async {
            loop {
                let mut rung = pin!(self.shared.bell(id).notified());
                // From here on a ring is heard, so none between look and wait is missed.
                rung.as_mut().enable();
                let (events, over) = look().await?;
                if over || !events.is_empty() {
                    return Ok(events);
                }
                rung.await;
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
        self.change(move |tables, now| sweep::sweep(tables, redispatch_after, retention, now))
            .await
    }

    async fn counts(&self, lane: Lane) -> Result<Counts, JobError> {
        self.read(move |transaction| read::counts(transaction, lane))
            .await
    }
}

impl std::fmt::Debug for RedbJobStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbJobStore").finish_non_exhaustive()
    }
}
