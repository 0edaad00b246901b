//! The configuration of a trainer that runs alone.

use crate::TrainerConfig;
use assay_api::check_address;
use assay_backends::StorageConfig;
use assay_runtime::{Check, ServerConfig, ServiceSettings, TelemetryConfig, config::within};
use serde::{Deserialize, Serialize};

/// The configuration of a trainer that runs alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainerSettings {
    /// Its server, for health and metrics.
    pub server: ServerConfig,
    /// Its logs.
    pub telemetry: TelemetryConfig,
    /// Blobs and registry, shared with the other services.
    pub storage: StorageConfig,
    /// Address of the control service, whose jobs are worked on, such as `http://control:50051`.
    /// Not used with `storage.jobs_url` and `storage.queue_url`, from which they come then.
    pub control_url: String,
    /// The trainer.
    pub trainer: TrainerConfig,
}

impl Default for TrainerSettings {
    fn default() -> Self {
        Self {
            server: ServerConfig::default(),
            telemetry: TelemetryConfig::default(),
            storage: StorageConfig::default(),
            control_url: "http://127.0.0.1:50051".to_owned(),
            trainer: TrainerConfig::default(),
        }
    }
}

impl Check for TrainerSettings {
    fn faults(&self) -> Vec<String> {
        let mut faults = [
            within("server", self.server.faults()),
            within("telemetry", self.telemetry.faults()),
            within("storage", self.storage.faults()),
            within("trainer", self.trainer.faults()),
        ]
        .concat();
        if let Err(error) = check_address(&self.control_url) {
            faults.push(format!("control_url: {error}"));
        }
        faults
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
