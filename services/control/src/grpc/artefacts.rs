//! An artefact on its way to a client: read a piece at a time, however long it is, and checked
//! against its name before the last piece goes out.

use super::pieces::PIECE_BYTES;
use crate::error::ControlError;
use assay_api::jobs::GetArtefactResponse;
use assay_core::{Digest, PartsDigest};
use assay_store::{BlobStore, StoreError};
use bytes::Bytes;
use futures::{Stream, stream};
use std::sync::Arc;
use tonic::Status;

/// One artefact.
pub(super) struct Reading {
    blobs: Arc<dyn BlobStore>,
    digest: Digest,
    total_bytes: u64,
    /// Bytes that were read.
    read: u64,
    seen: PartsDigest,
    /// Whether the last piece was given.
    over: bool,
}

impl Reading {
    /// Begins to read a blob.
    ///
    /// # Errors
    /// When it is not there.
    pub(super) async fn begin(
        blobs: Arc<dyn BlobStore>,
        digest: Digest,
    ) -> Result<Self, ControlError> {
        let Some(total_bytes) = blobs.size(digest).await? else {
            // In the words of the store.
            blobs.start(digest, 0).await?;
            return Err(ControlError::Defect(format!("blob {digest} has no size")));
        };
        Ok(Self {
            blobs,
            digest,
            total_bytes,
            read: 0,
            seen: PartsDigest::default(),
            over: false,
        })
    }

    /// Its pieces, at least one: what is empty is one empty piece.
    pub(super) fn pieces(
        self,
    ) -> impl Stream<Item = Result<GetArtefactResponse, Status>> + Send + 'static {
        stream::try_unfold(self, async |mut reading| {
            if reading.over {
                return Ok(None);
            }
            let chunk = reading.next().await?;
            let total_bytes = reading.total_bytes;
            let chunk = chunk.into();
            Ok(Some((GetArtefactResponse { chunk, total_bytes }, reading)))
        })
    }

    async fn next(&mut self) -> Result<Bytes, ControlError> {
        let piece = self.blobs.part(self.digest, self.read, PIECE_BYTES).await?;
        self.seen.add(&piece);
        self.read += piece.len() as u64;
        self.over = self.read >= self.total_bytes || piece.is_empty();
        if self.over && self.seen.finish() != self.digest {
            return Err(ControlError::Store(StoreError::Damaged {
                what: format!("blob {}", self.digest),
                expected: self.digest,
                found: self.seen.finish(),
            }));
        }
        Ok(piece)
    }
}
