//! The configuration of the service when it runs alone.

use crate::GateConfig;
use assay_backends::StorageConfig;
use assay_runtime::{
    AccessConfig, Check, PeersConfig, ServerConfig, ServiceSettings, TelemetryConfig, TlsConfig,
    config::within,
};
use serde::{Deserialize, Serialize};

/// The configuration of the service when it runs alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateSettings {
    /// Its server.
    pub server: ServerConfig,
    /// Its logs.
    pub telemetry: TelemetryConfig,
    /// The encryption of its connections.
    pub tls: TlsConfig,
    /// Who may do what.
    pub access: AccessConfig,
    /// How it reaches the other services.
    pub peers: PeersConfig,
    /// Spectra and the registry, shared with the other services.
    pub storage: StorageConfig,
    /// Address of the inference service, such as `http://inference:50051`.
    pub inference_url: String,
    /// Address of the control service, whose batches are worked on; empty: none are. Not used with
    /// `storage.jobs_url` and `storage.queue_url`, from which they come then.
    pub control_url: String,
    /// The service itself.
    pub gate: GateConfig,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            server: ServerConfig::default(),
            telemetry: TelemetryConfig::default(),
            tls: TlsConfig::default(),
            access: AccessConfig::default(),
            peers: PeersConfig::default(),
            storage: StorageConfig::default(),
            inference_url: "http://127.0.0.1:50052".to_owned(),
            control_url: String::new(),
            gate: GateConfig::default(),
        }
    }
}

impl Check for GateSettings {
    fn faults(&self) -> Vec<String> {
        let mut faults = [
            within("server", self.server.faults()),
            within("telemetry", self.telemetry.faults()),
            within("tls", self.tls.faults()),
            within("access", self.access.faults()),
            within("peers", self.peers.faults()),
            within("storage", self.storage.faults()),
            within("gate", self.gate.faults()),
        ]
        .concat();
        let inference = ("inference_url", self.inference_url.as_str());
        faults.extend(self.peers.faults_of(&[inference]));
        if !self.control_url.is_empty() {
            let control = ("control_url", self.control_url.as_str());
            faults.extend(self.peers.faults_of(&[control]));
        }
        faults
    }
}

impl ServiceSettings for GateSettings {
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
