//! The cache of features.

use assay_core::Digest;
use assay_store::{FeatureCache, StoreError};
use assay_trace::{STEP, step};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use tracing::debug_span;

/// A cache with spans around it.
pub(crate) struct TracedCache(pub(crate) Arc<dyn FeatureCache>);

#[async_trait]
impl FeatureCache for TracedCache {
    async fn get(&self, keys: &[Digest]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let span = debug_span!(target: STEP, "cache.get", otel.kind = "client", keys = keys.len());
        step(span, self.0.get(keys)).await
    }

    async fn put(&self, entries: Vec<(Digest, Bytes)>) -> Result<(), StoreError> {
        let keys = entries.len();
        let span = debug_span!(target: STEP, "cache.put", otel.kind = "client", keys);
        step(span, self.0.put(entries)).await
    }
}
