//! The networks that compute images with hidden pixels, in this process: what a mask does not touch
//! is computed once, which no service over the network could do.

use crate::AnswerError;
use assay_core::Digest;
use assay_explain::{ExplainError, ImageNetwork, ImageOptions};
use assay_pipeline::Bundle;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Networks on demand. One explanation of pixels runs at a time: two would take twice the memory
/// and no less time.
#[derive(Debug)]
pub(crate) struct Images {
    options: ImageOptions,
    /// The network that was asked for last.
    last: Mutex<Option<(Digest, ImageNetwork)>>,
    turn: Arc<Semaphore>,
}

impl Images {
    pub(crate) fn new(options: ImageOptions) -> Self {
        Self {
            options,
            last: Mutex::new(None),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits until no other explanation of pixels runs.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, AnswerError> {
        let permit = Arc::clone(&self.turn).acquire_owned().await;
        permit.map_err(|closed| AnswerError::Defect(closed.to_string()))
    }

    /// The network of a bundle; takes a second where it is another one than the last.
    pub(crate) fn network(&self, bundle: &Bundle) -> Result<ImageNetwork, AnswerError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((id, network)) = &*last
            && *id == bundle.id()
        {
            return Ok(network.clone());
        }
        // The old one's memory is free before the new one takes its own.
        *last = None;
        let network = ImageNetwork::load(bundle, &self.options);
        let network = network.map_err(|error| cannot(bundle.id(), error))?;
        *last = Some((bundle.id(), network.clone()));
        Ok(network)
    }
}

/// What is wrong here is the model's or this machine's, never the spectrum's.
fn cannot(bundle: Digest, error: ExplainError) -> AnswerError {
    match error {
        ExplainError::NoImage => AnswerError::NotPossible(error.to_string()),
        ExplainError::Pipeline(error) => AnswerError::Model {
            bundle,
            source: Arc::new(error.into()),
        },
        error => AnswerError::Defect(error.to_string()),
    }
}
