//! The configuration of a control service that runs alone.

use crate::ControlConfig;
use assay_backends::StorageConfig;
use assay_runtime::{
    AccessConfig, Check, ServerConfig, ServiceSettings, TelemetryConfig, TlsConfig, config::within,
};
use serde::{Deserialize, Serialize};

/// The configuration of a control service that runs alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlSettings {
    /// Its server.
    pub server: ServerConfig,
    /// Its logs.
    pub telemetry: TelemetryConfig,
    /// The encryption of its connections.
    pub tls: TlsConfig,
    /// Who may do what.
    pub access: AccessConfig,
    /// Jobs, which it alone holds; blobs and the registry, shared with the other services.
    pub storage: StorageConfig,
    /// Jobs, data sets and the registry.
    pub control: ControlConfig,
}

impl Check for ControlSettings {
    fn faults(&self) -> Vec<String> {
        [
            within("server", self.server.faults()),
            within("telemetry", self.telemetry.faults()),
            within("tls", self.tls.faults()),
            within("access", self.access.faults()),
            within("storage", self.storage.faults()),
            within("control", self.control.faults()),
        ]
        .concat()
    }
}

impl ServiceSettings for ControlSettings {
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
