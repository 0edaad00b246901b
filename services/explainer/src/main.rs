//! The service as a process of its own.

use assay_api::{ClientOptions, RemoteFeatures, RemoteWork};
use assay_backends::{Jobs, Stores};
use assay_explainer::{ExplainerConfig, ExplainerDeps, ExplainerSettings, component};
use assay_jobs::WorkSource;
use assay_runtime::run_service;
use std::{process::ExitCode, sync::Arc};

const ABOUT: &str = "Says which energies decided about an answer; works on batches.";

fn main() -> ExitCode {
    run_service(
        "assay-explainer",
        ABOUT,
        |settings: ExplainerSettings, shutdown| async move {
            let stores = Stores::open(&settings.storage)?;
            let max_message_bytes = settings.server.max_message_bytes;
            let options = ClientOptions {
                max_message_bytes,
                credentials: settings.peers.credentials(),
                ..ClientOptions::default()
            };
            let work: Option<Arc<dyn WorkSource>> = match Jobs::shared(&settings.storage).await? {
                Some(jobs) => Some(Arc::new(jobs.work(&settings.storage))),
                None if settings.control_url.is_empty() => {
                    tracing::info!("neither jobs nor control_url: no batches are worked on");
                    None
                }
                None => Some(Arc::new(RemoteWork::new(&settings.control_url, &options)?)),
            };
            let deps = ExplainerDeps {
                blobs: stores.blobs,
                registry: stores.registry,
                features: Arc::new(RemoteFeatures::new(&settings.inference_url, &options)?),
                work,
            };
            let config = ExplainerConfig {
                max_message_bytes: Some(max_message_bytes),
                ..settings.explainer
            };
            Ok(vec![component(&config, deps, &shutdown)])
        },
    )
}
