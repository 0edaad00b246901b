//! How long work tells its caller how far it is and learns that it should stop.

use std::sync::atomic::{AtomicBool, Ordering};

/// A progress callback and a cancellation flag; [`Watch::none`] has neither.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    progress: Option<&'a (dyn Fn(usize, usize) + Sync)>,
    cancelled: Option<&'a AtomicBool>,
}

impl<'a> Watch<'a> {
    /// Nobody looks and nobody cancels.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            progress: None,
            cancelled: None,
        }
    }

    /// Calls `progress(done, total)` after every finished piece, from whichever thread did it.
    #[must_use]
    pub const fn with_progress(mut self, progress: &'a (dyn Fn(usize, usize) + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Stops before the next piece once `flag` is true.
    #[must_use]
    pub const fn with_cancellation(mut self, flag: &'a AtomicBool) -> Self {
        self.cancelled = Some(flag);
        self
    }

    /// The same cancellation without the progress, for a step that is not counted.
    #[must_use]
    pub const fn without_progress(mut self) -> Self {
        self.progress = None;
        self
    }

    /// Reports that `done` of `total` pieces are finished.
    pub fn report(&self, done: usize, total: usize) {
        if let Some(progress) = self.progress {
            progress(done, total);
        }
    }

    /// Whether the caller gave up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}
