//! The configuration of an ingestion service that runs alone.

use crate::IngestConfig;
use assay_backends::StorageConfig;
use assay_runtime::{
    AccessConfig, Check, ServerConfig, ServiceSettings, TelemetryConfig, TlsConfig, config::within,
};
use serde::{Deserialize, Serialize};

/// The configuration of an ingestion service that runs alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestSettings {
    /// Its server.
    pub server: ServerConfig,
    /// Its logs.
    pub telemetry: TelemetryConfig,
    /// The encryption of its connections.
    pub tls: TlsConfig,
    /// Who may do what.
    pub access: AccessConfig,
    /// Spectra and the registry, shared with the other services.
    pub storage: StorageConfig,
    /// Spectra and images.
    pub ingest: IngestConfig,
}

impl Check for IngestSettings {
    fn faults(&self) -> Vec<String> {
        [
            within("server", self.server.faults()),
            within("telemetry", self.telemetry.faults()),
            within("tls", self.tls.faults()),
            within("access", self.access.faults()),
            within("storage", self.storage.faults()),
            within("ingest", self.ingest.faults()),
        ]
        .concat()
    }
}

impl ServiceSettings for IngestSettings {
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
