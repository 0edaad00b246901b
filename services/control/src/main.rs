//! The control service as a process of its own.

use assay_backends::{Jobs, Stores};
use assay_control::{ControlConfig, ControlDeps, ControlSettings, component};
use assay_runtime::run_service;
use std::process::ExitCode;

const ABOUT: &str =
    "Keeps jobs, data sets and the registry of models; one process per data folder.";

fn main() -> ExitCode {
    run_service(
        "assay-control",
        ABOUT,
        |settings: ControlSettings, shutdown| async move {
            let stores = Stores::open(&settings.storage)?;
            let jobs = Jobs::open(&settings.storage).await?;
            let config = ControlConfig {
                max_message_bytes: Some(settings.server.max_message_bytes),
                ..settings.control
            };
            let deps = ControlDeps {
                store: jobs.store,
                queue: jobs.queue,
                blobs: stores.blobs,
                registry: stores.registry,
                lease: settings.storage.lease(),
            };
            Ok(vec![component(config, deps, &shutdown)])
        },
    )
}
