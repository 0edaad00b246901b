//! The signal that tells the work on a job to end, for asynchronous and for blocking code.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::watch;

/// Why the work on a job is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody asked for the job's end: stop and answer [`crate::Outcome::Cancelled`].
    Cancelled,
    /// The worker shuts down: keep a checkpoint and answer [`crate::Outcome::Released`].
    Shutdown,
    /// Another worker may have the job: stop, write nothing; the answer is not sent.
    Lost,
}

/// A signal that stays raised once it is. Clones are the same signal.
#[derive(Debug, Clone)]
pub struct StopFlag {
    raised: Arc<AtomicBool>,
    reason: Arc<watch::Sender<Option<StopReason>>>,
}

impl StopFlag {
    /// A signal that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self {
            raised: Arc::new(AtomicBool::new(false)),
            reason: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Raises it. The first reason stays, but [`StopReason::Lost`] replaces any other.
    pub fn raise(&self, reason: StopReason) {
        self.reason.send_if_modified(|current| {
            let news = current.is_none()
                || (reason == StopReason::Lost && *current != Some(StopReason::Lost));
            if news {
                *current = Some(reason);
            }
            news
        });
        // After the reason, so that whoever sees the flag finds the reason there.
        self.raised.store(true, Ordering::Release);
    }

    /// Whether it is raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    /// Why it is raised; `None` while it is not.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        *self.reason.borrow()
    }

    /// The same signal for blocking code that polls.
    #[must_use]
    pub const fn as_atomic(&self) -> &Arc<AtomicBool> {
        &self.raised
    }

    /// Waits until it is raised.
    pub async fn raised(&self) -> StopReason {
        let mut changes = self.reason.subscribe();
        loop {
            if let Some(reason) = *changes.borrow_and_update() {
                return reason;
            }
            if changes.changed().await.is_err() {
                // Unreachable while `self` lives: it owns a sender.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Default for StopFlag {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn is_seen_by_every_clone_and_keeps_its_first_reason() {
        let flag = StopFlag::new();
        let clone = flag.clone();
        assert_eq!((clone.is_raised(), clone.reason()), (false, None));
        let waiting = tokio::spawn(async move { clone.raised().await });
        flag.raise(StopReason::Shutdown);
        flag.raise(StopReason::Cancelled);
        assert_eq!(waiting.await.unwrap(), StopReason::Shutdown);
        assert!(flag.as_atomic().load(Ordering::Acquire));
        assert_eq!(flag.raised().await, StopReason::Shutdown);
    }

    #[test]
    fn a_lost_job_outweighs_every_other_reason() {
        let flag = StopFlag::new();
        flag.raise(StopReason::Cancelled);
        flag.raise(StopReason::Lost);
        flag.raise(StopReason::Shutdown);
        assert_eq!(flag.reason(), Some(StopReason::Lost));
    }
}
