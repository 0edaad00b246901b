//! The clock of timings.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Time since this process first asked: a [`assay_pipeline::Clock`] that never goes back.
#[must_use]
pub fn since_start() -> Duration {
    START.elapsed()
}
