//! The one way in which expired leases come back: sweeps the store again and again and publishes
//! what waits without a hint.

use crate::{JobError, JobId, JobQueue, JobStore, Lane, Sweep, local::hint};
use std::{collections::HashSet, future::Future, pin::pin, sync::Arc, time::Duration};

/// Sweeps a store and publishes into a queue. Several may run on the same store.
#[derive(Clone)]
pub struct Reaper {
    /// The store.
    pub store: Arc<dyn JobStore>,
    /// The queue.
    pub queue: Arc<dyn JobQueue>,
    /// Age of a hint after which another is published.
    pub redispatch_after: Duration,
    /// How long records of jobs that are over stay.
    pub retention: Duration,
    /// Time between two sweeps. A retry waits for its backoff and up to this.
    pub every: Duration,
}

impl Reaper {
    /// 60 s until a hint counts as lost.
    pub const REDISPATCH_AFTER: Duration = Duration::from_secs(60);
    /// 30 days.
    pub const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);
    /// A sweep a second.
    pub const EVERY: Duration = Duration::from_secs(1);

    /// A reaper with the usual times.
    #[must_use]
    pub fn new(store: Arc<dyn JobStore>, queue: Arc<dyn JobQueue>) -> Self {
        Self {
            store,
            queue,
            redispatch_after: Self::REDISPATCH_AFTER,
            retention: Self::RETENTION,
            every: Self::EVERY,
        }
    }

    /// Sweeps until `shutdown` comes: once at the start, when it takes every hint for lost, and
    /// then again and again. Goes on while the store cannot be reached.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut begun = false;
        let mut failing = false;
        loop {
            let swept = tokio::select! {
                biased;
                () = &mut shutdown => return,
                swept = self.round(begun) => swept,
            };
            match swept {
                Ok(()) => {
                    begun = true;
                    if failing {
                        tracing::info!("the job store is swept again");
                    }
                    failing = false;
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "the job store cannot be swept; trying on");
                    }
                    failing = true;
                }
            }
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    async fn round(&self, begun: bool) -> Result<(), JobError> {
        if !begun {
            return self.begin().await;
        }
        while self.sweep(self.redispatch_after).await?.more {}
        Ok(())
    }

    /// Takes every hint for lost, and publishes one for each job that waits. A queue in a process
    /// that just began is empty; another may hold hints already, and a second hint is harmless.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn begin(&self) -> Result<(), JobError> {
        let mut published = HashSet::new();
        loop {
            // Those that were published come last again, as their hints are the youngest.
            let sweep = self.store.sweep(Duration::ZERO, self.retention).await?;
            let mut fresh = sweep.to_publish.iter().map(|record| record.id);
            let done = !sweep.more || fresh.all(|id| published.contains(&id));
            self.publish(&sweep, &published).await?;
            if done {
                return Ok(());
            }
            published.extend(sweep.to_publish.iter().map(|record| record.id));
        }
    }

    /// One sweep, whose hints are published.
    ///
    /// # Errors
    /// When the store cannot be reached. Hints that cannot be published are lost until their
    /// time has passed.
    pub async fn sweep(&self, redispatch_after: Duration) -> Result<Sweep, JobError> {
        let sweep = self.store.sweep(redispatch_after, self.retention).await?;
        self.publish(&sweep, &HashSet::new()).await?;
        Ok(sweep)
    }

    /// Publishes what a sweep named, but for jobs that were published before and did not run out
    /// since, and tells what it found.
    async fn publish(&self, sweep: &Sweep, before: &HashSet<JobId>) -> Result<(), JobError> {
        let mut unpublished = 0_usize;
        for record in &sweep.to_publish {
            if before.contains(&record.id) && !sweep.requeued.contains(&record.id) {
                continue;
            }
            if !hint(&*self.queue, record).await {
                unpublished += 1;
            }
        }
        if unpublished > 0 {
            tracing::warn!(
                unpublished,
                "hints could not be published; they go out again later"
            );
        }
        self.tell(sweep);
        for lane in Lane::ALL {
            let counts = self.store.counts(lane).await?;
            metrics::gauge!("openassay_jobs_queued", "lane" => lane.name())
                .set(counts.queued as f64);
            metrics::gauge!("openassay_jobs_running", "lane" => lane.name())
                .set(counts.running as f64);
        }
        Ok(())
    }

    fn tell(&self, sweep: &Sweep) {
        let Sweep {
            requeued,
            exhausted,
            cancelled,
            removed,
            ..
        } = sweep;
        let found = [
            ("requeued", requeued),
            ("exhausted", exhausted),
            ("cancelled", cancelled),
            ("removed", removed),
        ];
        for (what, jobs) in found {
            if !jobs.is_empty() {
                metrics::counter!("openassay_jobs_swept_total", "what" => what)
                    .increment(jobs.len() as u64);
                tracing::info!(what, jobs = jobs.len(), first = %jobs[0], "sweep");
            }
        }
    }
}

impl std::fmt::Debug for Reaper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reaper")
            .field("redispatch_after", &self.redispatch_after)
            .field("retention", &self.retention)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}
