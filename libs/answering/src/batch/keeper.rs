//! Keeps what is done of a long row now and then, for this attempt and for the next one.

use super::chunks::{Begun, Checkpoint};
use crate::AnswerError;
use assay_core::Digest;
use assay_explain::{ShapleyRun, ShapleyState};
use assay_jobs::JobContext;
use assay_store::{BlobStore, StoreError};
use bytes::Bytes;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{runtime::Handle, time::Instant};

/// What was kept last, and when. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    every: Duration,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    at: Instant,
    state: Option<ShapleyState>,
}

impl Kept {
    pub(super) fn new(every: Duration) -> Self {
        let inner = Inner {
            at: Instant::now(),
            state: None,
        };
        Self {
            every,
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Whether it is time to keep something again.
    pub(super) fn is_due(&self) -> bool {
        self.lock().at.elapsed() >= self.every
    }

    pub(super) fn renew(&self) {
        self.lock().at = Instant::now();
    }

    /// The state of the row at hand.
    pub(super) fn state(&self) -> Option<ShapleyState> {
        self.lock().state.clone()
    }

    pub(super) fn set_state(&self, state: Option<ShapleyState>) {
        self.lock().state = state;
    }

    /// Runs of the network in that state.
    pub(super) fn evals(&self) -> usize {
        let inner = self.lock();
        inner
            .state
            .as_ref()
            .map_or(0, |state| state.progress().rows)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the state of one row.
pub(super) struct Keeper {
    blobs: Arc<dyn BlobStore>,
    context: JobContext,
    /// How far the batch is without this row.
    checkpoint: Checkpoint,
    runtime: Handle,
    kept: Kept,
}

impl Keeper {
    /// Made where the runtime is.
    pub(super) fn new(
        blobs: Arc<dyn BlobStore>,
        context: JobContext,
        checkpoint: Checkpoint,
        kept: Kept,
    ) -> Self {
        Self {
            blobs,
            context,
            checkpoint,
            runtime: Handle::current(),
            kept,
        }
    }

    /// Keeps the state where it is time to; called on a thread that may wait. A store that is away
    /// costs what would have been kept, and not the row.
    pub(super) fn keep(&self, run: &ShapleyRun<'_>) -> Result<(), AnswerError> {
        if !self.kept.is_due() {
            return Ok(());
        }
        let state = run.state();
        let bytes = serde_json::to_vec(&state);
        let bytes = bytes.map_err(|error| AnswerError::Defect(error.to_string()))?;
        self.kept.set_state(Some(state));
        self.kept.renew();
        let checkpoint = match self.runtime.block_on(self.put(bytes)) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                tracing::warn!(error = %error, "batch.row.not_kept");
                return Ok(());
            }
        };
        // Only a job that is lost cannot be kept, and then nobody waits for its end.
        let told = self.runtime.block_on(self.context.checkpoint(checkpoint));
        told.map_err(|_| AnswerError::Cancelled)
    }

    async fn put(&self, state: Vec<u8>) -> Result<Digest, StoreError> {
        let state = self.blobs.put(Bytes::from(state)).await?;
        let mut checkpoint = self.checkpoint.clone();
        checkpoint.begun = Some(Begun {
            state: Some(state),
            ..checkpoint.begun.unwrap_or_default()
        });
        checkpoint.store(self.blobs.as_ref()).await
    }
}
