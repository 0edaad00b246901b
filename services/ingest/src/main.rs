//! The ingestion service as a process of its own.

use assay_backends::Stores;
use assay_ingest::{IngestConfig, IngestDeps, IngestSettings, component};
use assay_runtime::run_service;
use std::process::ExitCode;

const ABOUT: &str = "Takes spectra from instruments, files and streams, keeps them, and shows \
                     their images.";

fn main() -> ExitCode {
    run_service(
        "assay-ingest",
        ABOUT,
        |settings: IngestSettings, shutdown| async move {
            let stores = Stores::open(&settings.storage)?;
            let config = IngestConfig {
                max_message_bytes: Some(settings.server.max_message_bytes),
                ..settings.ingest
            };
            let deps = IngestDeps {
                blobs: stores.blobs,
                registry: stores.registry,
            };
            Ok(vec![component(config, deps, &shutdown)])
        },
    )
}
