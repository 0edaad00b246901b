//! Finished rows in the blob store: some at a time as a chunk, and a checkpoint that lists the
//! chunks, from which another worker goes on.

use super::end::End;
use assay_core::{Classified, Digest, ErrorKind};
use assay_store::{BlobStore, StoreError};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Rises when the meaning of a checkpoint or a chunk changes.
const VERSION: u32 = 1;

/// How far a batch is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    version: u32,
    /// Rows of every chunk but the last of a batch.
    pub(super) chunk_rows: usize,
    /// Finished chunks, in the order of the data set.
    pub(super) chunks: Vec<Chunk>,
    /// What is done of the chunk after them; only of rows that take long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) begun: Option<Begun>,
}

/// A chunk at hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begun {
    /// Rows that are finished.
    pub(super) rows: usize,
    /// Blob of their JSON lines; none before the first.
    pub(super) lines: Option<Digest>,
    /// Blob of the state of the row after them, where one was kept.
    pub(super) state: Option<Digest>,
}

/// Some consecutive rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chunk {
    /// Blob of JSON lines, one per row.
    pub(super) lines: Digest,
    /// Blob of importances, as many as the model has bins per row, f32 little-endian; rows
    /// without an explanation are NaN. Only of class activation maps.
    pub(super) importances: Option<Digest>,
}

impl Checkpoint {
    /// Nothing is done.
    pub(super) const fn empty(chunk_rows: usize) -> Self {
        Self {
            version: VERSION,
            chunk_rows,
            chunks: Vec::new(),
            begun: None,
        }
    }

    /// What an earlier attempt left of a batch of so many rows. Chunks whose blobs are gone are
    /// forgotten with all that follow; a checkpoint that cannot be used is none.
    pub(super) async fn load(
        blobs: &dyn BlobStore,
        digest: Digest,
        rows: usize,
    ) -> Result<Result<Self, String>, End> {
        let bytes = match blobs.get(digest).await {
            Ok(bytes) => bytes,
            Err(error) if is_gone(&error) => return Ok(Err(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let mut checkpoint: Self = match serde_json::from_slice(&bytes) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if let Some(fault) = checkpoint.fault(rows) {
            return Ok(Err(fault));
        }
        let mut whole = 0;
        for chunk in &checkpoint.chunks {
            if !chunk.is_there(blobs).await? {
                break;
            }
            whole += 1;
        }
        if whole < checkpoint.chunks.len() {
            checkpoint.chunks.truncate(whole);
            checkpoint.begun = None;
        }
        if let Some(begun) = checkpoint.begun {
            let blobs_of_it = [begun.lines, begun.state];
            if !are_there(blobs, blobs_of_it.into_iter().flatten()).await? {
                checkpoint.begun = None;
            }
        }
        Ok(Ok(checkpoint))
    }

    fn fault(&self, rows: usize) -> Option<String> {
        if self.version != VERSION {
            return Some(format!("it has version {}", self.version));
        }
        if self.chunk_rows == 0 || self.chunks.len() > rows.div_ceil(self.chunk_rows) {
            let (chunks, each) = (self.chunks.len(), self.chunk_rows);
            return Some(format!("it has {chunks} chunks of {each} for {rows} rows"));
        }
        let next = self.chunk_rows.min(rows - self.done(rows));
        match self.begun {
            Some(begun) if begun.rows >= next || (begun.rows > 0) != begun.lines.is_some() => Some(
                format!("{} rows of a chunk of {next} are begun", begun.rows),
            ),
            _ => None,
        }
    }

    /// Rows that are done, of so many.
    pub(super) fn done(&self, rows: usize) -> usize {
        self.chunks.len().saturating_mul(self.chunk_rows).min(rows)
    }

    /// Keeps the checkpoint itself.
    pub(super) async fn store(&self, blobs: &dyn BlobStore) -> Result<Digest, StoreError> {
        let bytes = serde_json::to_vec(self).map_err(|error| StoreError::Unreadable {
            what: "a checkpoint".to_owned(),
            reason: error.to_string(),
        })?;
        blobs.put(Bytes::from(bytes)).await
    }
}

impl Chunk {
    async fn is_there(&self, blobs: &dyn BlobStore) -> Result<bool, End> {
        let own = [Some(self.lines), self.importances];
        are_there(blobs, own.into_iter().flatten()).await
    }
}

async fn are_there(
    blobs: &dyn BlobStore,
    digests: impl Iterator<Item = Digest>,
) -> Result<bool, End> {
    for digest in digests {
        match blobs.get(digest).await {
            Ok(_) => {}
            Err(error) if is_gone(&error) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Whether asking again is of no use.
fn is_gone(error: &StoreError) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DataLoss)
}
