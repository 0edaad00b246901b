//! The inference service as a process of its own.

use assay_backends::Stores;
use assay_inference::{Inference, InferenceConfig, InferenceDeps, InferenceSettings, component};
use assay_runtime::run_service;
use std::process::ExitCode;

const ABOUT: &str = "Runs models: features with the cache, classes, importances; follows the \
                     registry.";

fn main() -> ExitCode {
    run_service(
        "assay-inference",
        ABOUT,
        |settings: InferenceSettings, shutdown| async move {
            let stores = Stores::open(&settings.storage)?;
            let config = InferenceConfig {
                max_message_bytes: Some(settings.server.max_message_bytes),
                ..settings.inference
            };
            let deps = InferenceDeps {
                registry: stores.registry,
                cache: stores.cache,
            };
            let inference = Inference::start(config, deps, &shutdown).await?;
            Ok(vec![component(inference)])
        },
    )
}
