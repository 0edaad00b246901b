//! Long blobs that are written part by part: whole or not at all, like the others.

use crate::{
    StoreError,
    objects::{Objects, unavailable},
};
use assay_core::{Digest, PartsDigest};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use object_store::{ObjectStoreExt, WriteMultipart, path::Path as Key};

/// Pieces of one blob that are on their way at the same time, of five megabytes each.
const PIECES_AT_ONCE: usize = 2;

impl Objects {
    /// Puts what the parts make together in place of what was there, if it has this digest.
    pub(crate) async fn put_parts(
        &self,
        key: &Key,
        digest: Digest,
        parts: BoxStream<'_, Result<Bytes, StoreError>>,
    ) -> Result<(), StoreError> {
        let upload = self.store().put_multipart(key).await;
        let mut writing = WriteMultipart::new(upload.map_err(|e| unavailable(&e))?);
        if let Err(error) = write(&mut writing, digest, parts).await {
            // What is left when this fails too is swept up later with what killed writers left.
            if let Err(error) = writing.abort().await {
                tracing::debug!(%error, "an upload was not taken back");
            }
            return Err(error);
        }
        writing.finish().await.map_err(|e| unavailable(&e))?;
        self.settle(key).await
    }
}

async fn write(
    writing: &mut WriteMultipart,
    digest: Digest,
    mut parts: BoxStream<'_, Result<Bytes, StoreError>>,
) -> Result<(), StoreError> {
    let mut found = PartsDigest::default();
    while let Some(part) = parts.next().await {
        let part = part?;
        found.add(&part);
        let room = writing.wait_for_capacity(PIECES_AT_ONCE).await;
        room.map_err(|e| unavailable(&e))?;
        writing.put(part);
    }
    match found.finish() {
        found if found == digest => Ok(()),
        found => Err(StoreError::Damaged {
            what: format!("blob {digest}, put in parts,"),
            expected: digest,
            found,
        }),
    }
}
