//! What goes from the work on a job to its heartbeat, and waits there for the next beat.

use crate::{Beat, JobError, JobId, JobState, Progress};
use assay_core::Digest;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Pieces of news kept while the store cannot be reached; the oldest go first.
const NEWS_KEPT: usize = 1_000;

pub(super) type Reply = oneshot::Sender<Result<(), JobError>>;

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
    pub(super) closing: CancellationToken,
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

    pub(super) fn close(&self) {
        let mut pending = self.lock();
        pending.closed = true;
        pending.replies.clear();
        drop(pending);
        self.closing.cancel();
        self.wake.notify_all();
    }

    /// Waits for the pause to pass or for somebody who waits for an answer; `None` once closed.
    pub(super) fn next(&self, pause: Duration) -> Option<(Beat, Vec<Reply>)> {
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
    pub(super) fn rest(&self, time: Duration) {
        let rested = self
            .wake
            .wait_timeout_while(self.lock(), time, |p| !p.closed);
        drop(rested);
    }

    /// Puts back what could not be sent, before what came in the meantime.
    pub(super) fn put_back(&self, unsent: Beat, replies: Vec<Reply>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

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
