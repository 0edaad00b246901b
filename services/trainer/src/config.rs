//! Settings of the trainer.

use assay_runtime::Check;
use assay_train::DeviceChoice;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What the trainer can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainerConfig {
    /// Folder of converted bases; empty: `.openassay/bases` in a folder above the program or the
    /// working folder.
    pub bases_dir: String,
    /// Device that trains: auto, cpu or cuda.
    pub device: DeviceChoice,
    /// Threads on the processor; 0: all cores. The last bits of a model depend on it.
    pub threads: usize,
    /// Steps between two checkpoints.
    pub checkpoint_every_steps: u64,
    /// Name of this worker, for people; empty: made of the service's name and the process's
    /// number.
    pub name: String,
}

impl Default for TrainerConfig {
    fn default() -> Self {
        Self {
            bases_dir: String::new(),
            device: DeviceChoice::Auto,
            threads: 0,
            checkpoint_every_steps: 50,
            name: String::new(),
        }
    }
}

impl Check for TrainerConfig {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.threads > 1024 {
            faults.push(format!("threads: {} is outside 0 to 1024", self.threads));
        }
        if self.checkpoint_every_steps == 0 {
            faults.push("checkpoint_every_steps: 0 is not allowed; at least 1".to_owned());
        }
        faults
    }
}

impl TrainerConfig {
    /// The name given, or one that people can tell from others.
    pub(crate) fn worker_name(&self, service: &str) -> String {
        if self.name.is_empty() {
            format!("{service}-{}", std::process::id())
        } else {
            self.name.clone()
        }
    }

    pub(crate) fn bases(&self) -> Option<PathBuf> {
        if !self.bases_dir.is_empty() {
            return Some(PathBuf::from(&self.bases_dir));
        }
        let places = [std::env::current_exe().ok(), std::env::current_dir().ok()];
        assay_network::bases::folder_above(places.into_iter().flatten())
    }
}
