//! Passes the news of a training run on to its job, and the job's signal to stop to the run.

use assay_jobs::{EpochProgress, JobContext, Progress};
use assay_train::{EpochRecord, Observer, Stage};
use std::{
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Instant,
};

/// The observer of one job.
pub(crate) struct Telling<'a> {
    context: &'a JobContext,
    now: Mutex<Now>,
}

struct Now {
    stage: Stage,
    begun: Instant,
    /// Pieces that were done when the stage began here: a resumed stage does not begin at 0.
    first_done: Option<usize>,
    epoch: Option<EpochProgress>,
}

impl<'a> Telling<'a> {
    pub(crate) fn new(context: &'a JobContext) -> Self {
        Self {
            context,
            now: Mutex::new(Now::at(Stage::Load)),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn at(stage: Stage) -> Self {
        Self {
            stage,
            begun: Instant::now(),
            first_done: None,
            epoch: None,
        }
    }

    fn progress(&mut self, done: usize, total: usize) -> Progress {
        let first = *self.first_done.get_or_insert(done);
        let finished_here = done.saturating_sub(first);
        let remaining_s = (finished_here > 0).then(|| {
            let each_s = self.begun.elapsed().as_secs_f64() / finished_here as f64;
            each_s * total.saturating_sub(done) as f64
        });
        Progress {
            stage: self.stage.to_string(),
            done: done as u64,
            total: total as u64,
            remaining_s,
            epoch: self.epoch.take(),
        }
    }
}

impl Observer for Telling<'_> {
    fn stage(&self, stage: Stage) {
        *self.now() = Now::at(stage);
        self.context.progress(Progress {
            stage: stage.to_string(),
            ..Progress::default()
        });
    }

    /// After an epoch comes its progress: the two are told together.
    fn progress(&self, done: usize, total: usize) {
        let progress = self.now().progress(done, total);
        self.context.progress(progress);
    }

    fn epoch(&self, record: &EpochRecord) {
        self.now().epoch = Some(EpochProgress {
            epoch: u32::try_from(record.epoch + 1).unwrap_or(u32::MAX),
            loss: record.loss,
            accuracy: record.accuracy,
            learning_rate: record.rate,
            validation_loss: record.validation_loss,
            validation_accuracy: record.validation_accuracy,
        });
    }

    fn warning(&self, message: &str) {
        self.context.warn(message);
    }

    fn cancellation(&self) -> Option<&AtomicBool> {
        Some(self.context.stop().as_atomic())
    }
}
