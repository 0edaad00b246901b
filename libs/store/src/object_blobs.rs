//! Blobs in an object store: `<first two digits>/<digest>`, written whole, in one step.

use crate::{
    BlobStore, StoreError,
    objects::{Objects, digest_of},
};
use assay_core::Digest;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use object_store::{ObjectStore, path::Path as Key};
use std::{path::Path, sync::Arc, time::SystemTime};

/// Blobs in an object store or a folder. Several processes may use one folder at the same time.
#[derive(Debug, Clone)]
pub struct ObjectBlobs {
    objects: Objects,
}

impl ObjectBlobs {
    /// Blobs in an object store, from its root on; what it answers it must keep.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            objects: Objects::new(store),
        }
    }

    /// Blobs in a folder, which is made if it is not there. What [`BlobStore::put`] returned
    /// survives a loss of power: file and folders are synced.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn local(folder: &Path) -> Result<Self, StoreError> {
        Objects::local(folder).map(|objects| Self { objects })
    }
}

fn key(digest: Digest) -> Key {
    let name = digest.to_string();
    Key::from_iter([&name[..2], &name])
}

fn missing(digest: Digest) -> StoreError {
    StoreError::NotFound {
        what: "blob",
        name: digest.to_string(),
        advice: "; it was never put, or removed after the retention time: put it again".to_owned(),
    }
}

#[async_trait]
impl BlobStore for ObjectBlobs {
    async fn put(&self, bytes: Bytes) -> Result<Digest, StoreError> {
        let digest = digest_of(&bytes).await?;
        // Written again even when it is there: that renews its age and mends a damaged one.
        self.objects.put(&key(digest), bytes).await?;
        Ok(digest)
    }

    async fn put_parts(
        &self,
        digest: Digest,
        parts: BoxStream<'_, Result<Bytes, StoreError>>,
    ) -> Result<(), StoreError> {
        self.objects.put_parts(&key(digest), digest, parts).await
    }

    async fn get(&self, digest: Digest) -> Result<Bytes, StoreError> {
        let found = self.objects.get(&key(digest)).await?;
        let bytes = found.ok_or_else(|| missing(digest))?;
        let found = digest_of(&bytes).await?;
        if found == digest {
            return Ok(bytes);
        }
        Err(StoreError::Damaged {
            what: format!("blob {digest}"),
            expected: digest,
            found,
        })
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, StoreError> {
        Ok(self.objects.head(&key(digest)).await?.map(|meta| meta.size))
    }

    async fn part(&self, digest: Digest, from: u64, length: usize) -> Result<Bytes, StoreError> {
        let found = self.objects.part(&key(digest), from, length as u64).await?;
        found.ok_or_else(|| missing(digest))
    }

    async fn remove(&self, digest: Digest) -> Result<(), StoreError> {
        self.objects.remove(&key(digest)).await
    }

    async fn remove_if_older(
        &self,
        digest: Digest,
        moment: SystemTime,
    ) -> Result<bool, StoreError> {
        let key = key(digest);
        match self.objects.head(&key).await? {
            Some(meta) if SystemTime::from(meta.last_modified) < moment => {
                self.objects.remove(&key).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn list(&self) -> BoxStream<'_, Result<(Digest, SystemTime), StoreError>> {
        let objects = self.objects.list(&Key::default());
        // What has another name was not put here by us and is left alone.
        let blobs = objects.filter_map(async |object| match object {
            Ok(meta) => {
                let digest = meta.location.filename()?.parse().ok()?;
                Some(Ok((digest, SystemTime::from(meta.last_modified))))
            }
            Err(error) => Some(Err(error)),
        });
        blobs.boxed()
    }

    async fn remove_leftovers(&self, moment: SystemTime) -> Result<u64, StoreError> {
        self.objects.remove_unfinished(moment).await
    }
}
