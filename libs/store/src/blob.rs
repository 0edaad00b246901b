//! The port to immutable byte strings, each named by its digest: spectra, data sets, results,
//! checkpoints.

use crate::StoreError;
use assay_core::Digest;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt, stream::BoxStream};
use std::time::SystemTime;

/// The port to blobs.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Keeps bytes and names them. Putting the same bytes again is harmless, and renews their age
    /// for [`BlobStore::list`]. On return they are durable.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn put(&self, bytes: Bytes) -> Result<Digest, StoreError>;

    /// Keeps what the parts make together, under the digest that the caller knows to be theirs.
    /// As durable and as whole as [`BlobStore::put`]; a store that can holds a few parts in memory
    /// at a time.
    ///
    /// # Errors
    /// Those of the parts; [`StoreError::Damaged`] when they make something else; when the store
    /// cannot be reached. Nothing is kept then.
    async fn put_parts(
        &self,
        digest: Digest,
        mut parts: BoxStream<'_, Result<Bytes, StoreError>>,
    ) -> Result<(), StoreError> {
        let mut whole = Vec::new();
        while let Some(part) = parts.try_next().await? {
            whole.extend_from_slice(&part);
        }
        let found = Digest::of(&whole);
        if found != digest {
            return Err(StoreError::Damaged {
                what: format!("blob {digest}, put in parts,"),
                expected: digest,
                found,
            });
        }
        self.put(Bytes::from(whole)).await.map(drop)
    }

    /// The bytes, checked against their name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Damaged`] when they are not what was put.
    async fn get(&self, digest: Digest) -> Result<Bytes, StoreError>;

    /// Length in bytes; `None` when there is no such blob.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn size(&self, digest: Digest) -> Result<Option<u64>, StoreError>;

    /// The first bytes, at most `length`, not checked against the name: enough to tell what sort
    /// of blob it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn start(&self, digest: Digest, length: usize) -> Result<Bytes, StoreError> {
        self.part(digest, 0, length).await
    }

    /// The bytes from a position on, at most `length`, none behind the end; not checked against
    /// the name: whoever reads all parts does that ([`assay_core::PartsDigest`]).
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn part(&self, digest: Digest, from: u64, length: usize) -> Result<Bytes, StoreError>;

    /// Removes a blob; harmless when there is none.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove(&self, digest: Digest) -> Result<(), StoreError>;

    /// Removes a blob whose last put was before `moment`, and says whether it did. The age is
    /// looked at immediately before the removal, but not in one step with it.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove_if_older(&self, digest: Digest, moment: SystemTime)
    -> Result<bool, StoreError>;

    /// Every blob with the time of its last put, in no order.
    fn list(&self) -> BoxStream<'_, Result<(Digest, SystemTime), StoreError>>;

    /// Removes what writers that were killed left behind before `moment`, none of which was ever
    /// a blob; gives the number.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove_leftovers(&self, moment: SystemTime) -> Result<u64, StoreError>;
}
