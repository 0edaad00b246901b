//! The port to the cache of features. It may forget anything at any time; what it answers was
//! put there under the same key.

use crate::StoreError;
use assay_core::Digest;
use async_trait::async_trait;
use bytes::Bytes;

/// The port to a cache of encoded features. A failure is the caller's reason to compute, never
/// to fail.
#[async_trait]
pub trait FeatureCache: Send + Sync {
    /// The values of several keys, in their order; `None` is a miss.
    ///
    /// # Errors
    /// When the cache cannot be reached.
    async fn get(&self, keys: &[Digest]) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// Keeps values for as long as there is room.
    ///
    /// # Errors
    /// When the cache cannot be reached.
    async fn put(&self, entries: Vec<(Digest, Bytes)>) -> Result<(), StoreError>;
}
