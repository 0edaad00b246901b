//! The configuration of all services in one process.

use assay_backends::StorageConfig;
use assay_console::ConsoleConfig;
use assay_control::ControlConfig;
use assay_explainer::ExplainerConfig;
use assay_gate::GateConfig;
use assay_inference::InferenceConfig;
use assay_ingest::IngestConfig;
use assay_runtime::{
    AccessConfig, Check, ServerConfig, ServiceSettings, TelemetryConfig, TlsConfig, config::within,
};
use serde::{Deserialize, Serialize};

/// The configuration of all services in one process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServeSettings {
    /// The server.
    pub(super) server: ServerConfig,
    /// Logs.
    pub(super) telemetry: TelemetryConfig,
    /// The encryption of its connections.
    pub(super) tls: TlsConfig,
    /// Who may do what.
    pub(super) access: AccessConfig,
    /// Pages for browsers.
    pub(super) console: ConsoleConfig,
    /// Where data lies.
    pub(super) storage: StorageConfig,
    /// Spectra in, images.
    pub(super) ingest: IngestConfig,
    /// Models.
    pub(super) inference: InferenceConfig,
    /// Answers.
    pub(super) gate: GateConfig,
    /// Explanations.
    pub(super) explainer: ExplainerConfig,
    /// Jobs, data sets, the registry.
    pub(super) control: ControlConfig,
    /// Training.
    #[cfg(feature = "train")]
    pub(super) trainer: assay_trainer::TrainerConfig,
}

impl Check for ServeSettings {
    fn faults(&self) -> Vec<String> {
        let faults = [
            within("server", self.server.faults()),
            within("telemetry", self.telemetry.faults()),
            within("tls", self.tls.faults()),
            within("access", self.access.faults()),
            within("console", self.console.faults()),
            within("storage", self.storage.faults()),
            within("ingest", self.ingest.faults()),
            within("inference", self.inference.faults()),
            within("gate", self.gate.faults()),
            within("explainer", self.explainer.faults()),
            within("control", self.control.faults()),
        ];
        #[cfg(feature = "train")]
        let faults = faults
            .into_iter()
            .chain([within("trainer", self.trainer.faults())]);
        faults.into_iter().flatten().collect()
    }
}

impl ServiceSettings for ServeSettings {
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
