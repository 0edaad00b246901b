//! What a job's specification says nothing about: how this machine executes a run.

use crate::TrainerConfig;
use assay_train::{CheckpointSettings, Execution};
use std::path::Path;

/// How this machine executes a run.
pub(crate) fn execution(config: &TrainerConfig, checkpoints: &Path) -> Execution {
    Execution {
        device: config.device,
        threads: config.threads,
        checkpoints: Some(CheckpointSettings {
            folder: checkpoints.to_path_buf(),
            every_steps: config.checkpoint_every_steps,
        }),
        tensorboard: None,
    }
}
