//! The loop of a worker: gets a job, runs its handler beside a heartbeat, tells how it ended.
//! What the work is, the handler knows.

use crate::{
    Assignment, Backoff, Failure, JobContext, JobError, JobRecord, Lane, Outcome, StopFlag,
    StopReason, WorkSource, heartbeat::Heartbeat,
};
use assay_core::{Classified, ErrorKind, keyed_rng};
use assay_trace::Place;
use async_trait::async_trait;
use std::{future::Future, pin::pin, sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument;

/// How long one request for a job waits at the source.
const WAIT: Duration = Duration::from_secs(20);

/// Between attempts to reach a source or store.
const RECONNECT: Backoff = Backoff {
    first: Duration::from_millis(200),
    longest: Duration::from_secs(15),
};

/// Does the jobs of a lane.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Does one job. Looks at [`JobContext::stop`] often; blocking work belongs on a thread made
    /// for it. A panic fails the job and nothing else. [`JobContext::outcome`] and
    /// [`Failure::into_outcome`] turn errors into outcomes.
    async fn run(&self, job: &JobRecord, context: JobContext) -> Outcome;
}

/// One worker: one job at a time.
#[derive(Clone)]
pub struct Worker {
    /// Where its jobs come from.
    pub source: Arc<dyn WorkSource>,
    /// The lane it works on.
    pub lane: Lane,
    /// Its name, for people.
    pub name: String,
    /// What it does with a job.
    pub handler: Arc<dyn Handler>,
}

impl Worker {
    /// Works until `shutdown` comes; then lets the handler keep a checkpoint, gives the job back
    /// and returns. Goes on while the source cannot be reached.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let ending = CancellationToken::new();
        let mut work = pin!(self.serve(&ending));
        tokio::select! {
            () = &mut work => return,
            () = shutdown => ending.cancel(),
        }
        work.await;
    }

    async fn serve(&self, ending: &CancellationToken) {
        let mut failures = 0;
        loop {
            let next = tokio::select! {
                biased;
                () = ending.cancelled() => return,
                next = self.source.next(self.lane, &self.name, WAIT) => next,
            };
            match next {
                Ok(assignment) => {
                    if failures > 0 {
                        tracing::info!(lane = %self.lane, "the source of jobs is reached again");
                    }
                    failures = 0;
                    if let Some(assignment) = assignment {
                        let span = span(&assignment.record, &self.name);
                        self.work(assignment, ending).instrument(span).await;
                    }
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(lane = %self.lane, %error, "no jobs can be had; trying on");
                    }
                    failures += 1;
                    tokio::select! {
                        () = ending.cancelled() => return,
                        () = tokio::time::sleep(self.pause(failures)) => {}
                    }
                }
            }
        }
    }

    fn pause(&self, failures: u32) -> Duration {
        let name = assay_core::Digest::of(self.name.as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = *name.as_bytes();
        let seed = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let mut random = keyed_rng(seed, "worker reconnect", &[u64::from(failures)]);
        RECONNECT.wait(failures, &mut random)
    }

    async fn work(&self, assignment: Assignment, ending: &CancellationToken) {
        tracing::info!(job.attempt = assignment.record.attempt, "job begun");
        let stop = StopFlag::new();
        let source = Arc::clone(&self.source);
        let heartbeat = match Heartbeat::start(source, &assignment, stop.clone()) {
            Ok(heartbeat) => heartbeat,
            Err(error) => {
                let failure = Failure {
                    kind: ErrorKind::ResourceExhausted,
                    message: format!("worker {} cannot start a thread: {error}", self.name),
                };
                let outcome = failure.into_outcome(&assignment.record);
                self.finish(&assignment, &stop, outcome).await;
                return;
            }
        };
        let context = JobContext::new(
            &assignment.record,
            assignment.token,
            stop.clone(),
            Arc::clone(heartbeat.line()),
        );
        let outcome = self
            .handle(&assignment.record, context, &stop, ending)
            .await;
        // The last news must be stored before the end that they belong to. When that fails, the
        // job is lost, and `finish` finds out.
        let _ = heartbeat.line().keep(assignment.record.id, None).await;
        self.finish(&assignment, &stop, outcome).await;
        heartbeat.end().await;
    }

    /// Runs the handler in a task of its own, so that its panic is only its own.
    async fn handle(
        &self,
        record: &JobRecord,
        context: JobContext,
        stop: &StopFlag,
        ending: &CancellationToken,
    ) -> Outcome {
        let handler = Arc::clone(&self.handler);
        let job = record.clone();
        let work = async move { handler.run(&job, context).await };
        let mut task = pin!(AbortOnDropHandle::new(tokio::spawn(
            work.instrument(tracing::Span::current())
        )));
        // If this future is dropped, blocking work that the handler began must hear of it.
        let _stop_on_drop = RaiseOnDrop(stop);
        let joined = tokio::select! {
            joined = &mut task => joined,
            () = ending.cancelled() => {
                stop.raise(StopReason::Shutdown);
                task.await
            }
        };
        match (joined, stop.reason()) {
            (Ok(Outcome::Cancelled), Some(StopReason::Shutdown)) => Outcome::Released,
            (Ok(outcome), _) => outcome,
            (Err(error), _) => {
                tracing::error!(%error, "the work on a job panicked");
                Outcome::Failed(Failure {
                    kind: ErrorKind::Internal,
                    message: format!(
                        "a defect: the work panicked; the log of worker {} says more",
                        self.name
                    ),
                })
            }
        }
    }

    /// Tells how the work ended, again and again while that does not arrive and the job is ours.
    async fn finish(&self, assignment: &Assignment, stop: &StopFlag, mut outcome: Outcome) {
        let id = assignment.record.id;
        let mut failures = 0;
        loop {
            // Looked at before the call: an answer may get lost after the store had it, and then
            // the heartbeat is fenced; a repeat is accepted all the same.
            let lost = stop.reason() == Some(StopReason::Lost);
            if lost && failures == 0 {
                tracing::warn!("job lost; its work is thrown away");
                return;
            }
            let name = outcome_name(&outcome);
            let told = self.source.finish(id, assignment.token, outcome.clone());
            let error = match told.await {
                Ok(()) => {
                    tell_trace(name, &outcome);
                    tracing::info!(job.outcome = name, "job ended");
                    return;
                }
                Err(error) => error,
            };
            match error.kind() {
                ErrorKind::Unavailable | ErrorKind::ResourceExhausted if !lost => {
                    if failures == 0 {
                        tracing::warn!(%error, "the end of a job does not arrive; trying on");
                    }
                    failures += 1;
                    tokio::time::sleep(self.pause(failures)).await;
                }
                ErrorKind::InvalidArgument if !matches!(outcome, Outcome::Failed(_)) => {
                    outcome = Outcome::Failed(Failure::of(&error));
                }
                _ => {
                    tracing::warn!(%error, "job lost; its work is thrown away");
                    return;
                }
            }
        }
    }
}

struct RaiseOnDrop<'a>(&'a StopFlag);

impl Drop for RaiseOnDrop<'_> {
    fn drop(&mut self) {
        // After the handler's own end nobody listens any more.
        if !self.0.is_raised() {
            self.0.raise(StopReason::Shutdown);
        }
    }
}

const fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded(_) => "succeeded",
        Outcome::Failed(_) => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Retry { .. } => "retry",
        Outcome::Released => "released",
    }
}

/// Says in the trace how the work ended.
fn tell_trace(name: &'static str, outcome: &Outcome) {
    let span = tracing::Span::current();
    assay_trace::tell(&span, "job.outcome", name);
    if let Outcome::Failed(failure) | Outcome::Retry { failure, .. } = outcome {
        assay_trace::failed(&span, &*failure.message);
    }
}

/// The span of the work on a job. It goes on with the trace of the submission, so that both are one
/// trace however long the job waited.
fn span(record: &JobRecord, worker: &str) -> tracing::Span {
    let submission = record.submission();
    let (span, _) = assay_trace::begin(submission.as_ref(), |place| {
        tracing::info_span!(
            parent: None,
            "job",
            job.id = %record.id,
            job.lane = %record.job.lane,
            job.worker = worker,
            job.attempt = record.attempt,
            trace.id = place.trace_id(),
            trace.parent = submission.as_ref().map(Place::span_id),
            trace.span = place.span_id(),
        )
    });
    span
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("lane", &self.lane)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl JobError {
    /// Whether trying again later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Unavailable | ErrorKind::ResourceExhausted
        )
    }
}
