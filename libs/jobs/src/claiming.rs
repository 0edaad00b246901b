//! The two ways from a waiting job to a claim: by its hint, and by looking for it where no hint
//! comes.

use crate::{
    Assignment, Claim, Delivery, FencingToken, JobError, JobFilter, JobId, JobRecord, JobState,
    Lane, LocalWork, Outcome, WorkSource,
};
use assay_trace::{Place, STEP};
use std::{future::Future, time::Duration};
use tokio::{runtime::Handle, sync::oneshot};
use tracing::{Instrument, Span};

/// A job that could have run for so long was overlooked.
const OVERLOOKED_AFTER: Duration = Duration::from_secs(5);

/// Records that one look reads, newest first.
const LOOKED_AT: usize = 256;

impl LocalWork {
    /// Claims what a hint speaks of and settles the hint; `None` when there is nothing to do.
    pub(crate) async fn accept(
        &self,
        delivery: Box<dyn Delivery>,
        lane: Lane,
        worker: &str,
    ) -> Result<Option<Assignment>, JobError> {
        let hint = delivery.hint();
        let span = claim_span(hint.job, hint.trace_parent.as_deref(), lane);
        let (work, worker) = (self.clone(), worker.to_owned());
        let claim = async move { work.claim_hinted(delivery, lane, &worker).await };
        self.to_its_end(span, claim).await
    }

    /// Claims the job of the lane that has waited longest, of those that a look finds. The queue
    /// may have lost its hint, or be in a state in which it gives out none: as an accepted job is
    /// in the store, it is not lost with them.
    pub(crate) async fn look(
        &self,
        lane: Lane,
        worker: &str,
    ) -> Result<Option<Assignment>, JobError> {
        for (id, trace_parent) in self.overlooked(lane).await? {
            let span = claim_span(id, trace_parent.as_deref(), lane);
            let (work, worker) = (self.clone(), worker.to_owned());
            let claim = async move { work.claim(id, lane, &worker).await };
            if let Some(assignment) = self.to_its_end(span, claim).await? {
                tracing::warn!(job.id = %id, job.lane = %lane, "a job is begun for which no hint came");
                metrics::counter!("openassay_jobs_overlooked_total", "lane" => lane.name())
                    .increment(1);
                return Ok(Some(assignment));
            }
        }
        Ok(None)
    }

    /// Jobs that could have run for a while, with the places in their traces, oldest first.
    async fn overlooked(&self, lane: Lane) -> Result<Vec<(JobId, Option<String>)>, JobError> {
        let filter = JobFilter {
            lane: Some(lane),
            states: vec![JobState::Queued],
            principal: None,
        };
        let now = self.store.now().await?;
        let page = self.store.list(&filter, None, LOOKED_AT).await?;
        let overlooked = |record: &JobRecord| record.not_before.after(OVERLOOKED_AFTER) <= now;
        let oldest_first = page.records.into_iter().rev().filter(overlooked);
        Ok(oldest_first
            .map(|record| (record.id, record.job.trace_parent))
            .collect())
    }

    /// Goes through with a claim in a task of its own, for a store does so even when nobody waits
    /// any more; what nobody takes is given back at once.
    async fn to_its_end(
        &self,
        span: Span,
        claim: impl Future<Output = Result<Option<Assignment>, JobError>> + Send + 'static,
    ) -> Result<Option<Assignment>, JobError> {
        let work = self.clone();
        let (answer, claimed) = oneshot::channel();
        let claiming = async move {
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

    async fn claim_hinted(
        &self,
        delivery: Box<dyn Delivery>,
        lane: Lane,
        worker: &str,
    ) -> Result<Option<Assignment>, JobError> {
        let id = delivery.hint().job;
        let claimed = match self.claim(id, lane, worker).await {
            Ok(claimed) => claimed,
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
        Ok(claimed)
    }

    async fn claim(
        &self,
        id: JobId,
        lane: Lane,
        worker: &str,
    ) -> Result<Option<Assignment>, JobError> {
        Ok(match self.store.claim(id, worker, self.lease).await {
            Ok(Claim::Claimed(record)) => self.assignment(*record),
            Ok(Claim::Exhausted(record)) => {
                count_end(&record);
                None
            }
            Ok(Claim::NotNow(_)) => None,
            Err(JobError::NotFound(_)) => {
                tracing::warn!(job.id = %id, job.lane = %lane, "a hint for an unknown job");
                None
            }
            Err(error) => return Err(error),
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

/// The span of the way to a claim. It belongs to the trace of the submission, whoever asked for
/// work.
fn claim_span(id: JobId, submission: Option<&str>, lane: Lane) -> Span {
    let span = tracing::debug_span!(
        target: STEP,
        "job.claim",
        otel.kind = "consumer",
        job.id = %id,
        job.lane = %lane,
    );
    if let Some(place) = submission.and_then(|text| Place::parse(text, None)) {
        assay_trace::adopt(&span, &place);
    }
    span
}

/// Counts a job that is over.
pub(crate) fn count_end(record: &JobRecord) {
    if record.state.is_final() {
        let labels = [
            ("lane", record.job.lane.name().to_owned()),
            ("state", record.state.to_string()),
        ];
        metrics::counter!("openassay_jobs_finished_total", &labels).increment(1);
    }
}
