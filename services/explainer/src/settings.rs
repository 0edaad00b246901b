//! The configuration of the service when it runs alone.

use crate::ExplainerConfig;
use assay_api::check_address;
use assay_backends::StorageConfig;
use assay_runtime::{Check, ServerConfig, ServiceSettings, TelemetryConfig, config::within};
use serde::{Deserialize, Serialize};

/// The configuration of the service when it runs alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExplainerSettings {
    /// Its server.
    pub server: ServerConfig,
    /// Its logs.
    pub telemetry: TelemetryConfig,
    /// Spectra and the registry, shared with the other services.
    pub storage: StorageConfig,
    /// Address of the inference service, such as `http://inference:50051`.
    pub inference_url: String,
    /// Address of the control service, whose batches are worked on; empty: none are. Not used with
    /// `storage.jobs_url` and `storage.queue_url`, from which they come then.
    pub control_url: String,
    /// The service itself.
    pub explainer: ExplainerConfig,
}

impl Default for ExplainerSettings {
    fn default() -> Self {
        Self {
            server: ServerConfig::default(),
            telemetry: TelemetryConfig::default(),
            storage: StorageConfig::default(),
            inference_url: "http://127.0.0.1:50052".to_owned(),
            control_url: String::new(),
            explainer: ExplainerConfig::default(),
        }
    }
}

impl Check for ExplainerSettings {
    fn faults(&self) -> Vec<String> {
        let mut faults = [
            within("server", self.server.faults()),
            within("telemetry", self.telemetry.faults()),
            within("storage", self.storage.faults()),
            within("explainer", self.explainer.faults()),
        ]
        .concat();
        let control = (!self.control_url.is_empty()).then_some(("control_url", &self.control_url));
        let addresses = [("inference_url", &self.inference_url)];
        for (field, url) in addresses.into_iter().chain(control) {
            if let Err(error) = check_address(url) {
                faults.push(format!("{field}: {error}"));
            }
        }
        faults
    }
}

impl ServiceSettings for ExplainerSettings {
    fn server(&self) -> &ServerConfig {
        &self.server
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }
}
