//! How fast a batch goes on, told to whoever watches the job.

use crate::Answerer;
use assay_jobs::{JobContext, Progress};
use std::{sync::Arc, time::Duration};

/// A stage of a batch in pieces: rows, or runs of the network.
#[derive(Clone)]
pub(super) struct Pace {
    context: JobContext,
    answerer: Arc<Answerer>,
    stage: &'static str,
    began: Duration,
    /// Pieces of earlier attempts.
    before: usize,
    total: usize,
}

impl Pace {
    pub(super) fn new(
        answerer: &Arc<Answerer>,
        context: &JobContext,
        stage: &'static str,
        (before, total): (usize, usize),
    ) -> Self {
        let pace = Self {
            context: context.clone(),
            began: answerer.now(),
            answerer: Arc::clone(answerer),
            stage,
            before,
            total,
        };
        pace.tell(before);
        pace
    }

    /// The same stage, begun now with so many pieces done.
    pub(super) fn anew(&self, before: usize) -> Self {
        let pace = Self {
            began: self.answerer.now(),
            before,
            ..self.clone()
        };
        pace.tell(before);
        pace
    }

    /// So many pieces are done.
    pub(super) fn tell(&self, done: usize) {
        let spent = self.answerer.now().saturating_sub(self.began);
        let spent_s = spent.as_secs_f64();
        let here = done.saturating_sub(self.before);
        let left = self.total.saturating_sub(done);
        let known = here > 0 && spent_s > 0.0;
        self.context.progress(Progress {
            stage: self.stage.to_owned(),
            done: done as u64,
            total: self.total as u64,
            remaining_s: known.then(|| spent_s / here as f64 * left as f64),
            epoch: None,
        });
    }
}
