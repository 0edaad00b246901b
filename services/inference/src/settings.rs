//! The configuration of an inference service that runs alone.

use crate::InferenceConfig;
use assay_backends::StorageConfig;
use assay_runtime::{Check, ServerConfig, ServiceSettings, TelemetryConfig, config::within};
use serde::{Deserialize, Serialize};

/// The configuration of an inference service that runs alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InferenceSettings {
    /// Its server.
    pub server: ServerConfig,
    /// Its logs.
    pub telemetry: TelemetryConfig,
    /// The registry, shared with the other services, and the feature cache.
    pub storage: StorageConfig,
    /// The models.
    pub inference: InferenceConfig,
}

impl Check for InferenceSettings {
    fn faults(&self) -> Vec<String> {
        [
            within("server", self.server.faults()),
            within("telemetry", self.telemetry.faults()),
            within("storage", self.storage.faults()),
            within("inference", self.inference.faults()),
        ]
        .concat()
    }
}

impl ServiceSettings for InferenceSettings {
    fn server(&self) -> &ServerConfig {
        &self.server
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }
}
