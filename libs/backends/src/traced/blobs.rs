//! Blobs.

use assay_core::Digest;
use assay_store::{BlobStore, StoreError};
use assay_trace::{STEP, step};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use std::{sync::Arc, time::SystemTime};
use tracing::debug_span;

/// Blobs with spans around them.
pub(crate) struct TracedBlobs(pub(crate) Arc<dyn BlobStore>);

#[async_trait]
impl BlobStore for TracedBlobs {
    async fn put(&self, bytes: Bytes) -> Result<Digest, StoreError> {
        let size_bytes = bytes.len();
        let span = debug_span!(target: STEP, "blobs.put", otel.kind = "client", size_bytes);
        step(span, self.0.put(bytes)).await
    }

    async fn put_parts(
        &self,
        digest: Digest,
        parts: BoxStream<'_, Result<Bytes, StoreError>>,
    ) -> Result<(), StoreError> {
        let span = debug_span!(
            target: STEP, "blobs.put_parts", otel.kind = "client", blob.digest = %digest
        );
        step(span, self.0.put_parts(digest, parts)).await
    }

    async fn get(&self, digest: Digest) -> Result<Bytes, StoreError> {
        let span = debug_span!(
            target: STEP, "blobs.get", otel.kind = "client", blob.digest = %digest
        );
        step(span, self.0.get(digest)).await
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, StoreError> {
        let span = debug_span!(
            target: STEP, "blobs.size", otel.kind = "client", blob.digest = %digest
        );
        step(span, self.0.size(digest)).await
    }

    async fn part(&self, digest: Digest, from: u64, length: usize) -> Result<Bytes, StoreError> {
        let span = debug_span!(
            target: STEP, "blobs.part", otel.kind = "client", blob.digest = %digest, from
        );
        step(span, self.0.part(digest, from, length)).await
    }

    async fn remove(&self, digest: Digest) -> Result<(), StoreError> {
        let span = debug_span!(
            target: STEP, "blobs.remove", otel.kind = "client", blob.digest = %digest
        );
        step(span, self.0.remove(digest)).await
    }

    async fn remove_if_older(
        &self,
        digest: Digest,
        moment: SystemTime,
    ) -> Result<bool, StoreError> {
        let span = debug_span!(
            target: STEP, "blobs.remove_if_older", otel.kind = "client", blob.digest = %digest
        );
        step(span, self.0.remove_if_older(digest, moment)).await
    }

    fn list(&self) -> BoxStream<'_, Result<(Digest, SystemTime), StoreError>> {
        self.0.list()
    }

    async fn remove_leftovers(&self, moment: SystemTime) -> Result<u64, StoreError> {
        let span = debug_span!(target: STEP, "blobs.remove_leftovers", otel.kind = "client");
        step(span, self.0.remove_leftovers(moment)).await
    }
}
