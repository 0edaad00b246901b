//! Where and how a run is executed: nothing here is part of the model, except that another
//! number of threads may change the last bits.

use crate::{DeviceChoice, fault::Faults};
use serde::{Deserialize, Serialize};
use std::{num::NonZeroUsize, path::PathBuf, thread};

const MOST_THREADS: usize = 1024;

/// Checkpoints of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSettings {
    /// The folder; a run started again with the same folder, data and choices goes on there.
    pub folder: PathBuf,
    /// Steps between two checkpoints.
    pub every_steps: u64,
}

impl CheckpointSettings {
    /// Checkpoints in a folder, every 100 steps.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            every_steps: 100,
        }
    }
}

/// Device, threads, checkpoints and logs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// Device that trains.
    pub device: DeviceChoice,
    /// Threads on the processor; 0 takes all cores.
    pub threads: usize,
    /// Periodic checkpoints.
    pub checkpoints: Option<CheckpointSettings>,
    /// Folder for TensorBoard event files.
    pub tensorboard: Option<PathBuf>,
}

impl Execution {
    /// The number of threads that is meant.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        match self.threads {
            0 => processor_threads(),
            threads => threads,
        }
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        let threads = self.threads;
        faults.require(
            threads <= MOST_THREADS,
            "execution.threads",
            "--threads",
            || format!("is {threads}: at most {MOST_THREADS} are allowed"),
        );
        let steps = self.checkpoints.as_ref().map(|c| c.every_steps);
        faults.require(
            steps != Some(0),
            "execution.checkpoints.every_steps",
            "--checkpoint-every",
            || "is 0: at least 1 step is required".to_owned(),
        );
    }
}

/// Cores of this machine that the process may use.
#[must_use]
pub fn processor_threads() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
