//! The way of a request to whoever holds the connection at the moment.

use crate::trouble::{Trouble, unavailable};
use assay_jobs::JobError;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// Requests on their way. More wait before the door.
const WAITING: usize = 64;

/// A door that is open while there is a connection.
pub(crate) struct Link<R> {
    door: Mutex<Door<R>>,
}

enum Door<R> {
    Open(mpsc::Sender<R>),
    Shut { reason: String },
}

impl<R> Link<R> {
    pub(crate) fn new() -> Self {
        let reason = "the broker has not been reached yet".to_owned();
        Self {
            door: Mutex::new(Door::Shut { reason }),
        }
    }

    /// Opens it; the requests come out of what this gives.
    pub(crate) fn open(&self) -> mpsc::Receiver<R> {
        let (sender, receiver) = mpsc::channel(WAITING);
        *self.lock() = Door::Open(sender);
        receiver
    }

    pub(crate) fn shut(&self, trouble: &Trouble) {
        let reason = trouble.to_string();
        *self.lock() = Door::Shut { reason };
    }

    /// Whether a request would get through.
    pub(crate) fn check(&self) -> Result<(), JobError> {
        match &*self.lock() {
            Door::Open(_) => Ok(()),
            Door::Shut { reason } => Err(unavailable(reason.as_str())),
        }
    }

    pub(crate) async fn send(&self, request: R) -> Result<(), JobError> {
        let sender = match &*self.lock() {
            Door::Open(sender) => sender.clone(),
            Door::Shut { reason } => return Err(unavailable(reason.as_str())),
        };
        sender.send(request).await.map_err(|_| self.lost())
    }

    /// The error of those whose request got no answer because the connection ended.
    pub(crate) fn lost(&self) -> JobError {
        match self.check() {
            Err(error) => error,
            Ok(()) => unavailable("the connection ended before there was an answer"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Door<R>> {
        // Every change under the lock is complete in itself.
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
