//! The configuration of a trainer that runs alone.

use crate::TrainerConfig;
use assay_backends::StorageConfig;
use assay_runtime::{
    AccessConfig, Check, PeersConfig, ServerConfig, ServiceSettings, TelemetryConfig, TlsConfig,
    config::within,
};
use serde::{Deserialize, Serialize};

/// The configuration of a trainer that runs alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainerSettings {
    /// Its server, for health and metrics.
    pub server: ServerConfig,
    /// Its logs.
    pub telemetry: TelemetryConfig,
    /// The encryption of its connections.
    pub tls: TlsConfig,
    /// Who may do what.
    pub access: AccessConfig,
    /// How it reaches the other services.
    pub peers: PeersConfig,
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
            tls: TlsConfig::default(),
            access: AccessConfig::default(),
            peers: PeersConfig::default(),
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
            within("tls", self.tls.faults()),
            within("access", self.access.faults()),
            within("peers", self.peers.faults()),
            within("storage", self.storage.faults()),
            within("trainer", self.trainer.faults()),
        ]
        .concat();
        faults.extend(self.peers.faults_of(&[("control_url", &self.control_url)]));
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

    fn tls(&self) -> &TlsConfig {
        &self.tls
    }

    fn access(&self) -> &AccessConfig {
        &self.access
    }
}
