//! Settings of the trainer.

use assay_backends::StorageConfig;
use assay_runtime::{Check, ServerConfig, ServiceSettings, TelemetryConfig, config::within};
use assay_train::DeviceChoice;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What the trainer can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainerConfig {
    /// Address of the control service, such as `http://control:50051`; needed by a trainer that
    /// runs alone, not used within `openassay serve`.
    pub control_url: String,
    /// Folder of converted bases; empty: `.openassay/bases` in a folder above the program or the
    /// working folder.
    pub bases_dir: String,
    /// Device that trains: auto, cpu or cuda.
    pub device: DeviceChoice,
    /// Threads on the processor; 0: all cores. The last bits of a model depend on it.
    pub threads: usize,
    /// Steps between two checkpoints.
    pub checkpoint_every_steps: u64,
    /// Name of this worker, for people; empty: made of the host's name and the process.
    pub name: String,
}

impl Default for TrainerConfig {
    fn default() -> Self {
        Self {
            control_url: "http://127.0.0.1:50051".to_owned(),
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

/// The configuration of a trainer that runs alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainerSettings {
    /// Its server, for health and metrics.
    pub server: ServerConfig,
    /// Its logs.
    pub telemetry: TelemetryConfig,
    /// Blobs and registry, shared with the other services.
    pub storage: StorageConfig,
    /// The trainer.
    pub trainer: TrainerConfig,
}

impl Check for TrainerSettings {
    fn faults(&self) -> Vec<String> {
        [
            within("server", self.server.faults()),
            within("telemetry", self.telemetry.faults()),
            within("storage", self.storage.faults()),
            within("trainer", self.trainer.faults()),
        ]
        .concat()
    }
}

impl ServiceSettings for TrainerSettings {
    fn server(&self) -> &ServerConfig {
        &self.server
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }
}
