//! Removes again and again what nobody needs.

use crate::{ControlConfig, ControlDeps};
use assay_backends::{Places, collect_garbage};
use std::{
    future::Future,
    pin::pin,
    time::{Duration, SystemTime},
};

/// Removes blobs that are old and that nothing refers to.
pub(crate) struct Upkeep {
    deps: ControlDeps,
    retention: Duration,
    every: Duration,
}

impl Upkeep {
    pub(crate) fn new(config: &ControlConfig, deps: ControlDeps) -> Self {
        Self {
            deps,
            retention: config.retention(),
            every: config.collect_every(),
        }
    }

    /// Once at the start, because some processes never get old, and then again and again.
    pub(crate) async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                () = self.collect() => {}
            }
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    async fn collect(&self) {
        let places = Places {
            blobs: &*self.deps.blobs,
            registry: &*self.deps.registry,
            jobs: &*self.deps.store,
        };
        match collect_garbage(places, SystemTime::now(), self.retention).await {
            Ok(collected) => {
                metrics::counter!("openassay_control_blobs_removed_total")
                    .increment(collected.removed);
                metrics::counter!("openassay_control_leftovers_removed_total")
                    .increment(collected.leftovers);
                tracing::info!(
                    blobs.kept = collected.kept,
                    blobs.removed = collected.removed,
                    leftovers.removed = collected.leftovers,
                    "what nobody needs was removed"
                );
            }
            Err(error) => {
                tracing::warn!(%error, "what nobody needs could not be removed; later again");
            }
        }
    }
}
