//! The heartbeat of a running job: a thread of its own that renews the lease, carries progress
//! and checkpoints, and brings back the wish to stop. What it cannot renew in time is lost. Its
//! calls run on a runtime of its own, so that they arrive however busy the work keeps the other.

mod line;

pub(crate) use line::Line;

use crate::{Assignment, Beat, JobError, JobId, JobState, StopFlag, StopReason, WorkSource};
use assay_core::{Classified, ErrorKind};
use line::Reply;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};
use tracing::{Instrument, Span};

/// Longest time between two beats: so long does a cancellation wait at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The running heartbeat; it ends when this is dropped.
pub(crate) struct Heartbeat {
    line: Arc<Line>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Heartbeat {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no more threads or files for it.
    pub(crate) fn start(
        source: Arc<dyn WorkSource>,
        assignment: &Assignment,
        stop: StopFlag,
    ) -> std::io::Result<Self> {
        let line = Arc::new(Line::default());
        let (ended, has_ended) = oneshot::channel();
        let thread = Thread {
            source,
            job: assignment.record.id,
            token: assignment.token,
            lease: assignment.lease,
            stop,
            line: Arc::clone(&line),
            span: assay_trace::quiet(),
        };
        // With timers and files of its own: the runtime of the work may have no thread free.
        let runtime = Own(Some(Builder::new_current_thread().enable_all().build()?));
        std::thread::Builder::new()
            .name("job-heartbeat".to_owned())
            .spawn(move || {
                if let Some(runtime) = &runtime.0 {
                    thread.run(runtime);
                }
                thread.line.close();
                drop(ended);
            })?;
        Ok(Self {
            line,
            ended: Some(has_ended),
        })
    }

    pub(crate) const fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Ends it and waits until it sends nothing more.
    pub(crate) async fn end(mut self) {
        self.line.close();
        if let Some(ended) = self.ended.take() {
            // An error means that the sender is gone, which is the news waited for.
            let _ = ended.await;
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.line.close();
    }
}

/// The runtime of the heartbeat. What a beat began goes through to its end, but nobody waits for
/// it: this may be dropped on a thread that must not wait.
struct Own(Option<Runtime>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct Thread {
    source: Arc<dyn WorkSource>,
    job: JobId,
    token: crate::FencingToken,
    lease: Duration,
    stop: StopFlag,
    line: Arc<Line>,
    /// Beats know the trace of the job, and are not recorded in it: it would hold thousands.
    span: Span,
}

/// What became of one beat.
enum Sent {
    Kept,
    /// Refused for what it carried; the lease is not renewed, the content is gone.
    Refused,
    Unreachable,
    Lost,
    Closed,
}

impl Thread {
    fn run(&self, runtime: &Runtime) {
        let pause = (self.lease / 3).min(LONGEST_PAUSE);
        let mut ours_until = Instant::now() + self.lease;
        let mut reachable = true;
        loop {
            let Some((beat, replies)) = self.line.next(pause) else {
                return;
            };
            let begun = Instant::now();
            let time_left = ours_until.saturating_duration_since(begun);
            match self.send(runtime, beat, replies, time_left) {
                Sent::Kept => {
                    ours_until = begun + self.lease;
                    if !reachable {
                        tracing::info!(job.id = %self.job, "heartbeats arrive again");
                    }
                    reachable = true;
                }
                Sent::Refused => {}
                Sent::Unreachable => {
                    if Instant::now() >= ours_until {
                        tracing::warn!(job.id = %self.job, "lease ran out while unreachable");
                        self.stop.raise(StopReason::Lost);
                        return;
                    }
                    if reachable {
                        tracing::warn!(job.id = %self.job, "heartbeats do not arrive");
                    }
                    reachable = false;
                    self.line.rest(pause / 4);
                }
                Sent::Lost => {
                    self.stop.raise(StopReason::Lost);
                    return;
                }
                Sent::Closed => return,
            }
        }
    }

    fn send(
        &self,
        runtime: &Runtime,
        beat: Beat,
        replies: Vec<Reply>,
        time_left: Duration,
    ) -> Sent {
        let limit = time_left.min(self.lease / 3);
        let answer = runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.line.closing.cancelled() => None,
                answer = tokio::time::timeout(
                    limit,
                    self.source
                        .beat(self.job, self.token, beat.clone())
                        .instrument(self.span.clone()),
                ) => Some(answer.ok()),
            }
        });
        let error = match answer {
            None => return Sent::Closed,
            Some(Some(Ok(stop))) => {
                if stop {
                    self.stop.raise(StopReason::Cancelled);
                }
                for reply in replies {
                    // Whoever asked may have gone; the store has it all the same.
                    let _ = reply.send(Ok(()));
                }
                return Sent::Kept;
            }
            Some(None) => None,
            Some(Some(Err(error))) => Some(error),
        };
        let state = match &error {
            Some(JobError::Fenced { state, .. }) => *state,
            _ => JobState::Running,
        };
        match error.as_ref().map(Classified::kind) {
            None | Some(ErrorKind::Unavailable | ErrorKind::ResourceExhausted) => {
                self.line.put_back(beat, replies);
                Sent::Unreachable
            }
            Some(ErrorKind::FailedPrecondition | ErrorKind::NotFound) => {
                let job = self.job;
                refuse(replies, || JobError::Fenced { job, state });
                Sent::Lost
            }
            Some(_) => {
                tracing::error!(job.id = %self.job, error = ?error, "a beat was refused");
                let reason = format!("it refused a beat of job {}: {error:?}", self.job);
                refuse(replies, || JobError::Unavailable {
                    what: "the job store",
                    reason: reason.clone(),
                });
                Sent::Refused
            }
        }
    }
}

fn refuse(replies: Vec<Reply>, error: impl Fn() -> JobError) {
    for reply in replies {
        // Whoever asked may have gone.
        let _ = reply.send(Err(error()));
    }
}
