//! The open file of the store. After its first failure redb refuses a database for good, so that
//! it is closed then, and opened and repaired by the next call.

use assay_jobs::JobError;
use redb::Database;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

type Opener = Box<dyn Fn() -> Result<Database, JobError> + Send + Sync>;

pub(super) struct File {
    open: Opener,
    state: RwLock<State>,
}

struct State {
    /// Nothing after a failure.
    database: Option<Database>,
    /// How often it was opened.
    opened: u64,
}

impl File {
    pub(super) fn open(
        open: impl Fn() -> Result<Database, JobError> + Send + Sync + 'static,
    ) -> Result<Self, JobError> {
        let state = State {
            database: Some(open()?),
            opened: 1,
        };
        Ok(Self {
            open: Box::new(open),
            state: RwLock::new(state),
        })
    }

    /// Works on the database; when the file fails, the next call opens it anew. Blocks.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let (done, opened) = loop {
            let state = self.read();
            if let Some(database) = &state.database {
                break (work(database), state.opened);
            }
            drop(state);
            self.open_again()?;
        };
        if let Err(JobError::Unavailable { .. }) = &done {
            self.close(opened);
        }
        done
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // A panic in the middle leaves a transaction that is undone, and no state half changed.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes what was opened as number `opened`, once everybody is done with it.
    fn close(&self, opened: u64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.opened == opened {
            state.database = None;
        }
    }

    fn open_again(&self) -> Result<(), JobError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.database.is_none() {
            state.database = Some((self.open)()?);
            state.opened += 1;
            tracing::info!("the job store is open again after a failure of its file");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::jobs::{RedbJobStore, tables};
    use assay_core::{Classified, ErrorKind};
    use assay_jobs::{JobStore, Lane, NewJob, system_clock};
    use redb::{StorageBackend, backends::FileBackend};
    use std::{
        fs::OpenOptions,
        io,
        path::Path,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
    };

    /// A file on a disk that is full for a while.
    #[derive(Debug)]
    struct Disk {
        file: FileBackend,
        full: Arc<AtomicBool>,
    }

    impl Disk {
        fn open(path: &Path, full: Arc<AtomicBool>) -> Self {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let file = FileBackend::new(options.open(path).unwrap()).unwrap();
            Self { file, full }
        }

        fn room(&self) -> io::Result<()> {
            match self.full.load(Ordering::SeqCst) {
                true => Err(io::ErrorKind::StorageFull.into()),
                false => Ok(()),
            }
        }
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.file.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.room()?;
            self.file.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.room()?;
            self.file.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.room()?;
            self.file.write(offset, data)
        }

        fn close(&self) -> io::Result<()> {
            self.file.close()
        }
    }

    fn job() -> NewJob {
        NewJob {
            lane: Lane::Train,
            specification: serde_json::json!({ "dataset": "a" }),
            principal: "anna".to_owned(),
            idempotency_key: None,
            max_attempts: 1,
            trace_parent: None,
        }
    }

    #[tokio::test]
    async fn a_disk_that_was_full_takes_the_store_away_only_for_so_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.redb");
        let full = Arc::new(AtomicBool::new(false));
        let disk = Arc::clone(&full);
        let open = move || tables::open_on(Disk::open(&path, Arc::clone(&disk)));
        let store = RedbJobStore::open_with(open, system_clock()).unwrap();
        let before = store.submit(job(), 10).await.unwrap().record;
        full.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            let error = store.submit(job(), 10).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
        full.store(false, Ordering::SeqCst);
        let after = store.submit(job(), 10).await.unwrap().record;
        for record in [before, after] {
            assert_eq!(store.get(record.id).await.unwrap(), record);
        }
        assert_eq!(store.counts(Lane::Train).await.unwrap().queued, 2);
    }
}
