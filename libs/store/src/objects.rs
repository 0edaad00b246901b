//! An object store behind both adapters: keys, errors, and what makes a folder durable.

use crate::StoreError;
use assay_core::Digest;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    local::LocalFileSystem, path::Path as Key,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// From this length on, a digest is worth a thread of its own.
const LONG_BYTES: usize = 256 << 10;

/// An object store. A folder is made durable here: the store syncs a file and the folder it is
/// in, but not a folder above that another writer has just made, and nothing of a file that was
/// there already.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
}

impl Objects {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            folder: None,
        }
    }

    /// A folder, made if it is not there.
    pub(crate) fn local(folder: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Unavailable {
            reason: format!(
                "folder {} cannot be used: {error}; make it writable or name another one",
                folder.display()
            ),
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        sync_upwards(&folder, Path::new("/")).map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|e| unavailable(&e))?;
        Ok(Self {
            store: Arc::new(store.with_fsync(true)),
            folder: Some(folder),
        })
    }

    /// The folder, where the store is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    pub(crate) const fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Puts bytes in place of what was there, if anything.
    pub(crate) async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let put = self.store.put(key, PutPayload::from_bytes(bytes));
        put.await.map_err(|e| unavailable(&e))?;
        self.settle(key).await
    }

    /// Puts bytes where nothing is; false when something is there.
    pub(crate) async fn create(&self, key: &Key, bytes: Bytes) -> Result<bool, StoreError> {
        let options = PutOptions::from(PutMode::Create);
        let payload = PutPayload::from_bytes(bytes);
        let created = match self.store.put_opts(key, payload, options).await {
            Ok(_) => true,
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => false,
            Err(error) => return Err(unavailable(&error)),
        };
        // Also when it was there already: whoever hears of it may rely on it.
        self.settle(key).await?;
        Ok(created)
    }

    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        let found = match self.store.get(key).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unavailable(&error)),
        };
        found.bytes().await.map(Some).map_err(|e| unavailable(&e))
    }

    pub(crate) async fn part(
        &self,
        key: &Key,
        from: u64,
        length: u64,
    ) -> Result<Option<Bytes>, StoreError> {
        let Some(meta) = self.head(key).await? else {
            return Ok(None);
        };
        let end = from.saturating_add(length).min(meta.size);
        if end <= from {
            return Ok(Some(Bytes::new()));
        }
        match self.store.get_range(key, from..end).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    pub(crate) async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        match self.store.head(key).await {
            Ok(meta) => Ok(Some(meta)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    pub(crate) async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        match self.store.delete(key).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// Everything below a prefix, in no order.
    pub(crate) fn list(&self, prefix: &Key) -> BoxStream<'_, Result<ObjectMeta, StoreError>> {
        let objects = self.store.list(Some(prefix));
        objects.map_err(|e| unavailable(&e)).boxed()
    }

    pub(crate) async fn settle(&self, key: &Key) -> Result<(), StoreError> {
        let Some(root) = self.folder.clone() else {
            return Ok(());
        };
        let file = key
            .parts()
            .fold(root.clone(), |path, part| path.join(part.as_ref()));
        let synced = tokio::task::spawn_blocking(move || {
            sync_upwards(file.parent().unwrap_or(&root), &root)
        });
        synced
            .await
            .map_err(io::Error::other)
            .and_then(|synced| synced)
            .map_err(|error| StoreError::Unavailable {
                reason: format!("a folder cannot be synced to disk: {error}"),
            })
    }
}

/// Syncs a folder and those above it up to `top`. What may not be opened for reading above one's
/// own folders is not one's own to sync.
fn sync_upwards(folder: &Path, top: &Path) -> io::Result<()> {
    for folder in folder.ancestors().take_while(|f| f.starts_with(top)) {
        match fs::File::open(folder).and_then(|folder| folder.sync_all()) {
            Err(error) if top != Path::new("/") => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Digest of bytes, away from the asynchronous threads when there are many.
pub(crate) async fn digest_of(bytes: &Bytes) -> Result<Digest, StoreError> {
    if bytes.len() < LONG_BYTES {
        return Ok(Digest::of(bytes));
    }
    let bytes = bytes.clone();
    let digest = tokio::task::spawn_blocking(move || Digest::of(&bytes));
    digest.await.map_err(|error| StoreError::Unavailable {
        reason: format!("the process ends: {error}"),
    })
}

pub(crate) fn unavailable(error: &Error) -> StoreError {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !reason.contains(&cause_text) {
            reason = format!("{reason}: {cause_text}");
        }
        source = cause.source();
    }
    StoreError::Unavailable { reason }
}
