//! The end of a process in order. It begins once, everyone can see it, and it has a time limit:
//! readiness off, no new work, what was accepted is finished or handed back, exit.

use std::{future::Future, time::Duration};
use tokio_util::sync::CancellationToken;

/// A signal that the process is to end, seen by every clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    begun: CancellationToken,
    grace: Duration,
}

impl Shutdown {
    /// A signal that has not been given, with the time that everyone has after it.
    #[must_use]
    pub fn new(grace: Duration) -> Self {
        Self {
            begun: CancellationToken::new(),
            grace,
        }
    }

    /// Gives the signal.
    pub fn begin(&self) {
        self.begun.cancel();
    }

    /// Whether it was given.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Waits for it.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        self.begun.clone().cancelled_owned()
    }

    /// Time from the signal to the end of the process.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        self.grace
    }
}
