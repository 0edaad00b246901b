//! The source of a worker that stands beside store and queue, and the way of a job into them.

use crate::{
    Assignment, Beat, Claim, Delivery, FencingToken, Hint, JobError, JobId, JobQueue, JobRecord,
    JobStore, Lane, NewJob, Outcome, Submitted, Timestamp, WorkSource,
};
use assay_trace::{Place, STEP};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::oneshot, time::Instant};
use tracing::{Instrument, Span};

/// How long a lease lasts unless somebody says otherwise.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(30);

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
    /// Claims what a hint speaks of and settles the hint; `None` when there is nothing to do.
    ///
    /// The claim runs in a task of its own, for a store goes through with it even when nobody
    /// waits any more; what nobody takes is given back at once.
    async fn accept(
        &self,
        delivery: Box<dyn Delivery>,
        lane: Lane,
        worker: &str,
    ) -> Result<Option<Assignment>, JobError> {
        let (work, worker) = (self.clone(), worker.to_owned());
        let (answer, claimed) = oneshot::channel();
        let span = claim_span(delivery.hint(), lane);
        let claiming = async move {
            let claim = work.claim(delivery, lane, &worker);
            let found = assay_trace::step(span, claim).await;
            let found = found.map(|found| found.map(|assignment| Given::new(work, assignment)));
            // A claim that nobody takes is dropped here or in the channel, and goes back.
            let _ = answer.send(found);
        };
        tokio::spawn(claiming.in_current_span());
        match claimed.await {
            Ok(found) => found.map(|found| found.and_then(Given::take)),
            Err(_) => Err(JobError::Unavailable {
                what: "the source of jobs",
                reason: "a claim did not come to an end".to_owned(),
            }),
        }
    }

    async fn claim(
        &self,
        delivery: Box<dyn Delivery>,
        lane: Lane,
        worker: &str,
    ) -> Result<Option<Assignment>, JobError> {
        let id = delivery.hint().job;
        let claim = match self.store.claim(id, worker, self.lease).await {
            Ok(claim) => Some(claim),
            Err(JobError::NotFound(_)) => {
                tracing::warn!(job.id = %id, job.lane = %lane, "a hint for an unknown job");
                None
            }
            Err(error) => {
                if let Err(error) = delivery.requeue().await {
                    tracing::debug!(job.id = %id, %error, "a hint comes again by itself");
                }
                return Err(error);
            }
        };
        // The claim stands whether this arrives or not; a hint that comes again is harmless.
        if let Err(error) = delivery.acknowledge().await {
            tracing::debug!(job.id = %id, %error, "a hint was not acknowledged");
        }
        Ok(match claim {
            Some(Claim::Claimed(record)) => self.assignment(*record),
            Some(Claim::Exhausted(record)) => {
                count_end(&record);
                None
            }
            Some(Claim::NotNow(_)) | None => None,
        })
    }

    fn assignment(&self, record: JobRecord) -> Option<Assignment> {
        let token = FencingToken(record.lease.as_ref()?.token);
        let waited = record
            .started_at
            .map(|at| at.since(record.not_before))
            .unwrap_or_default();
        metrics::histogram!("openassay_jobs_queue_wait_seconds", "lane" => record.job.lane.name())
            .record(waited.as_secs_f64());
        Some(Assignment {
            record,
            token,
            lease: self.lease,
        })
    }
}

/// A claim on its way to who asked for it. Dropped before it is taken, it is given back.
struct Given(Option<(LocalWork, Assignment)>);

impl Given {
    const fn new(work: LocalWork, assignment: Assignment) -> Self {
        Self(Some((work, assignment)))
    }

    fn take(mut self) -> Option<Assignment> {
        self.0.take().map(|(_, assignment)| assignment)
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        // Without a runtime the process ends, and the lease runs out.
        if let (Some((work, assignment)), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move {
                let id = assignment.record.id;
                let released = work.finish(id, assignment.token, Outcome::Released);
                if let Err(error) = released.await {
                    tracing::debug!(job.id = %id, %error, "a job that nobody took waits for its lease");
                }
            });
        }
    }
}

/// The span of the way from a hint to a claim. It belongs to the trace of the submission, whoever
/// asked for work.
fn claim_span(hint: &Hint, lane: Lane) -> Span {
    let span = tracing::debug_span!(
        target: STEP,
        "job.claim",
        otel.kind = "consumer",
        job.id = %hint.job,
        job.lane = %lane,
    );
    let submission = hint.trace_parent.as_deref();
    if let Some(place) = submission.and_then(|text| Place::parse(text, None)) {
        assay_trace::adopt(&span, &place);
    }
    span
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

fn count_end(record: &JobRecord) {
    if record.state.is_final() {
        let labels = [
            ("lane", record.job.lane.name().to_owned()),
            ("state", record.state.to_string()),
        ];
        metrics::counter!("openassay_jobs_finished_total", &labels).increment(1);
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
