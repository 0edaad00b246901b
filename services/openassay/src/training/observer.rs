//! Shows a training run to the user, and passes the user's interrupt on.

use crate::{
    context::Context,
    terminal::{Bar, number},
};
use assay_train::{EpochRecord, Observer, Stage};
use std::sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool};

/// One bar per stage.
pub(crate) struct Watching<'a> {
    context: &'a Context,
    bar: Mutex<Option<Bar>>,
    warnings: Mutex<Vec<String>>,
    /// The name of the first stage: reading, or preprocessing what was read.
    first: &'static str,
}

impl<'a> Watching<'a> {
    /// Watches spectra being read.
    pub(crate) fn reading(context: &'a Context) -> Self {
        Self::new(context, "reading spectra")
    }

    /// Watches what is done with spectra that were read.
    pub(crate) fn training(context: &'a Context) -> Self {
        Self::new(context, "preprocessing spectra")
    }

    fn new(context: &'a Context, first: &'static str) -> Self {
        Self {
            context,
            bar: Mutex::new(None),
            warnings: Mutex::default(),
            first,
        }
    }

    /// Ends the last stage.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish();
        }
    }

    /// The warnings so far.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn bar(&self) -> MutexGuard<'_, Option<Bar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watching<'_> {
    fn stage(&self, stage: Stage) {
        self.finish();
        let title = match stage {
            Stage::Load => self.first.to_owned(),
            other => other.to_string(),
        };
        *self.bar() = Some(self.context.progress.bar(title));
    }

    fn progress(&self, done: usize, total: usize) {
        if let Some(bar) = self.bar().as_ref() {
            bar.set(done, total);
        }
    }

    fn epoch(&self, record: &EpochRecord) {
        if let Some(bar) = self.bar().as_ref() {
            bar.say(&format!(
                "loss {}, accuracy {:.1} %",
                number(record.loss),
                record.accuracy * 100.0
            ));
        }
    }

    fn warning(&self, message: &str) {
        self.warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message.to_owned());
    }

    fn cancellation(&self) -> Option<&AtomicBool> {
        Some(self.context.interrupt.flag())
    }
}
