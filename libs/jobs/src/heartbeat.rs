//! The heartbeat of a running job: a thread of its own that renews the lease, carries progress
//! and checkpoints, and brings back the wish to stop. What it cannot renew in time is lost.

use crate::{
    Assignment, Beat, JobError, JobId, JobState, Progress, StopFlag, StopReason, WorkSource,
};
use assay_core::{Classified, Digest, ErrorKind};
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, sync::oneshot};
use tokio_util::sync::CancellationToken;

/// Longest time between two beats: so long does a cancellation wait at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Pieces of news kept while the store cannot be reached; the oldest go first.
const NEWS_KEPT: usize = 1_000;

type Reply = oneshot::Sender<Result<(), JobError>>;

/// What waits for the next beat.
#[derive(Debug, Default)]
struct Pending {
    beat: Beat,
    replies: Vec<Reply>,
    closed: bool,
}

/// The way from the work on a job to its heartbeat.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pending: Mutex<Pending>,
    wake: Condvar,
    closing: CancellationToken,
}

impl Line {
    pub(crate) fn progress(&self, progress: Progress) {
        push_progress(&mut self.lock().beat.progress, progress);
    }

    pub(crate) fn warn(&self, message: String) {
        let warnings = &mut self.lock().beat.warnings;
        warnings.push(message);
        let surplus = warnings.len().saturating_sub(NEWS_KEPT);
        warnings.drain(..surplus);
    }

    /// Sends everything that waits, with a checkpoint if there is one, and waits until the store
    /// has it.
    pub(crate) async fn keep(
        &self,
        job: JobId,
        checkpoint: Option<Digest>,
    ) -> Result<(), JobError> {
        let (reply, answer) = oneshot::channel();
        {
            let mut pending = self.lock();
            if pending.closed {
                // Dropped here, or the answer would be waited for until the end of this call.
                drop(reply);
            } else {
                if checkpoint.is_some() {
                    pending.beat.checkpoint = checkpoint;
                }
                pending.replies.push(reply);
                self.wake.notify_all();
            }
        }
        // Without an answer the heartbeat has ended, and with it the right to the job.
        answer.await.unwrap_or(Err(JobError::Fenced {
            job,
            state: JobState::Running,
        }))
    }

    fn close(&self) {
        let mut pending = self.lock();
        pending.closed = true;
        pending.replies.clear();
        drop(pending);
        self.closing.cancel();
        self.wake.notify_all();
    }

    /// Waits for the pause to pass or for somebody who waits for an answer; `None` once closed.
    fn next(&self, pause: Duration) -> Option<(Beat, Vec<Reply>)> {
        let (mut pending, _) = self
            .wake
            .wait_timeout_while(self.lock(), pause, |p| !p.closed && p.replies.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        if pending.closed {
            return None;
        }
        let replies = std::mem::take(&mut pending.replies);
        Some((std::mem::take(&mut pending.beat), replies))
    }

    /// Waits for a time, or until closed.
    fn rest(&self, time: Duration) {
        let rested = self
            .wake
            .wait_timeout_while(self.lock(), time, |p| !p.closed);
        drop(rested);
    }

    /// Puts back what could not be sent, before what came in the meantime.
    fn put_back(&self, unsent: Beat, replies: Vec<Reply>) {
        let mut pending = self.lock();
        if pending.closed {
            return;
        }
        let news = std::mem::replace(&mut pending.beat, unsent);
        for progress in news.progress {
            push_progress(&mut pending.beat.progress, progress);
        }
        pending.beat.warnings.extend(news.warnings);
        pending.beat.checkpoint = news.checkpoint.or(pending.beat.checkpoint);
        pending.replies.splice(0..0, replies);
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Every change under the lock is complete in itself, so a panic elsewhere spoils nothing.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push_progress(all: &mut Vec<Progress>, news: Progress) {
    match all.last_mut() {
        Some(last) if last.epoch.is_none() && last.stage == news.stage => *last = news,
        _ => all.push(news),
    }
    let surplus = all.len().saturating_sub(NEWS_KEPT);
    all.drain(..surplus);
}

/// The running heartbeat; it ends when this is dropped.
pub(crate) struct Heartbeat {
    line: Arc<Line>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Heartbeat {
    /// Starts the thread. Call it within the runtime that the source belongs to.
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
            runtime: Handle::current(),
        };
        std::thread::Builder::new()
            .name("job-heartbeat".to_owned())
            .spawn(move || {
                thread.run();
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

struct Thread {
    source: Arc<dyn WorkSource>,
    job: JobId,
    token: crate::FencingToken,
    lease: Duration,
    stop: StopFlag,
    line: Arc<Line>,
    runtime: Handle,
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
    fn run(&self) {
        let pause = (self.lease / 3).min(LONGEST_PAUSE);
        let mut ours_until = Instant::now() + self.lease;
        let mut reachable = true;
        loop {
            let Some((beat, replies)) = self.line.next(pause) else {
                return;
            };
            let begun = Instant::now();
            match self.send(beat, replies, ours_until.saturating_duration_since(begun)) {
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

    fn send(&self, beat: Beat, replies: Vec<Reply>, time_left: Duration) -> Sent {
        let limit = time_left.min(self.lease / 3);
        let answer = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.line.closing.cancelled() => None,
                answer = tokio::time::timeout(
                    limit,
                    self.source.beat(self.job, self.token, beat.clone()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_a_heartbeat_that_has_ended() {
        let line = Arc::new(Line::default());
        let job = JobId::new();
        let waits = tokio::spawn({
            let line = Arc::clone(&line);
            async move { line.keep(job, None).await }
        });
        tokio::task::yield_now().await;
        line.close();
        let late = line.keep(job, Some(Digest::of(b"note"))).await;
        for answer in [waits.await.unwrap(), late] {
            assert!(matches!(answer, Err(JobError::Fenced { .. })), "{answer:?}");
        }
        assert!(line.next(Duration::ZERO).is_none());
    }

    #[test]
    fn what_could_not_be_sent_goes_before_what_came_since() {
        let line = Line::default();
        let step = |stage: &str, done| Progress {
            stage: stage.to_owned(),
            done,
            ..Progress::default()
        };
        line.progress(step("reading", 1));
        line.warn("first".to_owned());
        let (unsent, replies) = line.next(Duration::ZERO).unwrap();
        line.progress(step("reading", 2));
        line.progress(step("writing", 1));
        line.warn("second".to_owned());
        line.put_back(unsent, replies);
        let (beat, _) = line.next(Duration::ZERO).unwrap();
        assert_eq!(beat.progress, [step("reading", 2), step("writing", 1)]);
        assert_eq!(beat.warnings, ["first", "second"]);
    }
}
