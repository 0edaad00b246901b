//! Writes TensorBoard event files while training runs, and passes everything on.

use crate::{
    error::{Result, TrainError},
    fit::EpochRecord,
    observer::{Observer, Stage},
    tensorboard::EventWriter,
};
use assay_training_spec::TrainingSpec;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError, atomic::AtomicBool},
};

/// An observer that also writes event files.
pub(super) struct Logged<'a> {
    inner: &'a dyn Observer,
    folder: Option<PathBuf>,
    wall_clock_s: Option<fn() -> f64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Folder of the run that is going on, under the log folder; empty when it is not logged.
    run: String,
    writers: BTreeMap<PathBuf, EventWriter>,
    /// The first failure; a training run does not end because a log cannot be written.
    fault: Option<TrainError>,
}

impl<'a> Logged<'a> {
    pub(super) fn new(
        inner: &'a dyn Observer,
        spec: &TrainingSpec,
        wall_clock_s: Option<fn() -> f64>,
    ) -> Self {
        Self {
            inner,
            folder: spec.execution.tensorboard.clone(),
            wall_clock_s,
            state: Mutex::default(),
        }
    }

    /// The first failure to write, if there was one.
    pub(super) fn finish(self) -> Result<()> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        state.fault.map_or(Ok(()), Err)
    }

    fn write(&self, record: &EpochRecord) {
        let Some(folder) = &self.folder else {
            return;
        };
        let now = self.wall_clock_s.map_or(0.0, |clock| clock());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.run.is_empty() || state.fault.is_some() {
            return;
        }
        let run = folder.join(&state.run);
        let mut training = vec![
            ("epoch_loss", record.loss),
            ("epoch_accuracy", record.accuracy),
            ("epoch_learning_rate", record.rate),
        ];
        let mut written = state.append(run.join("train"), record.epoch, now, &mut training);
        if let (Some(loss), Some(accuracy)) = (record.validation_loss, record.validation_accuracy) {
            let mut values = vec![("epoch_loss", loss), ("epoch_accuracy", accuracy)];
            let held_out = run.join("validation");
            written = written.and(state.append(held_out, record.epoch, now, &mut values));
        }
        state.fault = written.err();
    }
}

impl State {
    fn append(
        &mut self,
        folder: PathBuf,
        epoch: usize,
        now: f64,
        values: &mut [(&str, f64)],
    ) -> Result<()> {
        if !self.writers.contains_key(&folder) {
            let writer = EventWriter::create(&folder, now)?;
            self.writers.insert(folder.clone(), writer);
        }
        match self.writers.get_mut(&folder) {
            Some(writer) => writer.scalars(epoch, now, values),
            None => Ok(()),
        }
    }
}

impl Observer for Logged<'_> {
    fn stage(&self, stage: Stage) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.run = match stage {
            Stage::Fit => "delivered".to_owned(),
            Stage::Validation => "held-back".to_owned(),
            _ => String::new(),
        };
        drop(state);
        self.inner.stage(stage);
    }

    fn progress(&self, done: usize, total: usize) {
        self.inner.progress(done, total);
    }

    fn epoch(&self, record: &EpochRecord) {
        self.write(record);
        self.inner.epoch(record);
    }

    fn warning(&self, message: &str) {
        self.inner.warning(message);
    }

    fn cancellation(&self) -> Option<&AtomicBool> {
        self.inner.cancellation()
    }
}
