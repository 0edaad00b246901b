//! What every command has at hand: where progress goes, whether to stop, how many threads.

use crate::{
    failure::{Failure, Result},
    file,
    interrupt::Interrupt,
    options::JsonTarget,
    terminal::{self, Progress},
};
use assay_core::ErrorKind;
use assay_infer::{SessionOptions, Watch};
use serde::Serialize;
use std::num::NonZeroUsize;

/// The surroundings of a command.
pub(crate) struct Context {
    pub(crate) progress: Progress,
    pub(crate) interrupt: Interrupt,
    pub(crate) threads: Option<NonZeroUsize>,
}

impl Context {
    /// How networks are run.
    pub(crate) fn session_options(&self) -> SessionOptions {
        SessionOptions {
            threads: self.threads,
            ..SessionOptions::default()
        }
    }

    /// Does work that shows a bar and can be interrupted.
    pub(crate) fn watched<T>(&self, title: &str, work: impl FnOnce(&Watch<'_>) -> T) -> T {
        let bar = self.progress.bar(title);
        let report = |done, total| bar.set(done, total);
        let watch = Watch::none()
            .with_progress(&report)
            .with_cancellation(self.interrupt.flag());
        let result = work(&watch);
        bar.finish();
        result
    }

    /// Shows an answer: for people on standard output, as JSON where it is wanted, and never
    /// both in one place.
    pub(crate) fn answer<T: Serialize>(
        &self,
        json: Option<&JsonTarget>,
        value: &T,
        for_people: impl FnOnce() -> String,
    ) -> Result {
        match json {
            None => terminal::answer(&for_people()),
            Some(JsonTarget::StandardOutput) => terminal::answer(&json_text(value)?),
            Some(JsonTarget::File(path)) => {
                file::write(path, json_text(value)?.as_bytes())?;
                terminal::answer(&for_people())?;
                self.progress.note(&format!("JSON: {}", path.display()));
                Ok(())
            }
        }
    }
}

fn json_text<T: Serialize>(value: &T) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("the answer cannot be written as JSON: {error}"),
        )
    })?;
    text.push('\n');
    Ok(text)
}
