//! The source of a worker that stands beside store and queue, and the way of a job into them.

use crate::{
    Assignment, Beat, FencingToken, Hint, JobError, JobId, JobQueue, JobRecord, JobStore, Lane,
    NewJob, Outcome, Submitted, Timestamp, WorkSource, claiming::count_end,
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long a lease lasts unless somebody says otherwise.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// Whoever has waited so long for a hint looks into the store.
const LOOK_AFTER: Duration = Duration::from_secs(5);

/// Longest wait for a job in one call.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Works directly on a store and a queue.
#[derive(Clone)]
pub struct LocalWork {
    /// The store.
    pub store: Arc<dyn JobStore>,
    /// The queue.
    pub queue: Arc<dyn JobQueue>,
    /// How long a lease lasts after each beat.
    pub lease: Duration,
}

#[async_trait]
impl WorkSource for LocalWork {
    async fn next(
        &self,
        lane: Lane,
        worker: &str,
        wait: Duration,
    ) -> Result<Option<Assignment>, JobError> {
        let until = Instant::now() + wait.min(LONGEST_WAIT);
        loop {
            let look_at = Instant::now() + LOOK_AFTER;
            let by_hint = self.by_hint(lane, worker, until.min(look_at)).await;
            if let Ok(Some(assignment)) = by_hint {
                return Ok(Some(assignment));
            }
            // A queue that gives nothing may have lost what it had, and one that fails may go on
            // to: whoever has waited for nothing looks for himself.
            if by_hint.is_err() || Instant::now() >= look_at {
                let found = self.look(lane, worker).await;
                match (found, by_hint) {
                    (Ok(Some(assignment)), _) => return Ok(Some(assignment)),
                    (_, Err(error)) | (Err(error), _) => return Err(error),
                    (Ok(None), Ok(_)) => {}
                }
            }
            if Instant::now() >= until {
                return Ok(None);
            }
        }
    }

    async fn beat(&self, id: JobId, token: FencingToken, beat: Beat) -> Result<bool, JobError> {
        self.store.beat(id, token, beat, self.lease).await
    }

    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<(), JobError> {
        let record = self.store.finish(id, token, outcome).await?;
        count_end(&record);
        if record.wants_hint_now() {
            hint(&*self.queue, &record).await;
        }
        Ok(())
    }
}

impl LocalWork {
    /// The job of the next hint that is of use.
    async fn by_hint(
        &self,
        lane: Lane,
        worker: &str,
        until: Instant,
    ) -> Result<Option<Assignment>, JobError> {
        // Its own consumer for every call: an idle one would hold back a hint from the others.
        let Ok(consumer) = tokio::time::timeout_at(until, self.queue.consume(lane)).await else {
            return Ok(None);
        };
        let mut consumer = consumer?;
        while let Ok(delivery) = tokio::time::timeout_at(until, consumer.next()).await {
            if let Some(assignment) = self.accept(delivery?, lane, worker).await? {
                return Ok(Some(assignment));
            }
        }
        Ok(None)
    }
}

/// Takes a new job: stores it, then publishes its hint. A hint that cannot be published is only
/// lost; the sweep publishes another.
///
/// # Errors
/// Those of [`JobStore::submit`].
pub async fn submit(
    store: &dyn JobStore,
    queue: &dyn JobQueue,
    job: NewJob,
    max_queued: u64,
) -> Result<Submitted, JobError> {
    let lane = job.lane;
    let submitted = store.submit(job, max_queued).await?;
    if submitted.created {
        metrics::counter!("openassay_jobs_submitted_total", "lane" => lane.name()).increment(1);
        hint(queue, &submitted.record).await;
    }
    Ok(submitted)
}

/// Publishes the hint for a record; says whether the queue has it.
pub(crate) async fn hint(queue: &dyn JobQueue, record: &JobRecord) -> bool {
    let hint = Hint {
        job: record.id,
        attempt: record.attempt,
        specification: record.job.specification.clone(),
        trace_parent: record.job.trace_parent.clone(),
    };
    match queue.publish(record.job.lane, &hint).await {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(job.id = %record.id, %error, "a hint was not published");
            false
        }
    }
}

/// A clock as the stores take it: the time now.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock for one run of this machine: the wall clock now, and from then on the time that
/// passes. A wall clock that is set later changes nothing, so that leases run out as they should.
#[must_use]
pub fn system_clock() -> Clock {
    let began = std::time::Instant::now();
    steady_clock(std::time::SystemTime::now(), move || began.elapsed())
}

fn steady_clock(
    began: std::time::SystemTime,
    passed: impl Fn() -> Duration + Send + Sync + 'static,
) -> Clock {
    let since = began.duration_since(std::time::UNIX_EPOCH);
    let began = Timestamp::default().after(since.unwrap_or_default());
    Arc::new(move || began.after(passed()))
}

impl std::fmt::Debug for LocalWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalWork")
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::UNIX_EPOCH,
    };

    #[test]
    fn a_clock_goes_on_from_where_it_began_by_the_time_that_passes() {
        let passed_ms = Arc::new(AtomicU64::new(0));
        let passes = Arc::clone(&passed_ms);
        let clock = steady_clock(UNIX_EPOCH + Duration::from_secs(1_700_000_000), move || {
            Duration::from_millis(passes.load(Ordering::SeqCst))
        });
        assert_eq!(clock(), Timestamp(1_700_000_000_000));
        passed_ms.store(30_001, Ordering::SeqCst);
        assert_eq!(clock(), Timestamp(1_700_000_030_001));
    }
}
