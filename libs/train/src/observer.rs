//! How training tells its caller how far it is and learns that it should stop.

use crate::fit::EpochRecord;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

/// Parts of a training run, in the order in which they happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Files are read and preprocessed.
    Load,
    /// The frozen base computes features.
    Features,
    /// The learning-rate finder runs.
    RateFinder,
    /// A model is trained with some spectra held back, for the curves.
    Validation,
    /// The delivered model is trained.
    Fit,
    /// The gate is fitted.
    Gate,
    /// The delivered model is judged.
    Evaluate,
    /// The bundle is written.
    Write,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "reading spectra",
            Self::Features => "computing features",
            Self::RateFinder => "finding learning rates",
            Self::Validation => "training for the validation curves",
            Self::Fit => "training",
            Self::Gate => "fitting the gate",
            Self::Evaluate => "evaluating",
            Self::Write => "writing the bundle",
        })
    }
}

/// Watches a run. Every method has a default that does nothing.
pub trait Observer: Sync {
    /// A stage begins.
    fn stage(&self, _stage: Stage) {}

    /// `done` of `total` pieces of the current stage are finished.
    fn progress(&self, _done: usize, _total: usize) {}

    /// An epoch of the current stage is finished.
    fn epoch(&self, _record: &EpochRecord) {}

    /// Something the user should know, in words.
    fn warning(&self, _message: &str) {}

    /// A flag that stops the run soon after it becomes true.
    fn cancellation(&self) -> Option<&AtomicBool> {
        None
    }

    /// Whether the caller gave up.
    fn is_cancelled(&self) -> bool {
        self.cancellation()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
