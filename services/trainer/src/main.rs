//! The trainer as a process of its own.

use assay_api::{ClientOptions, RemoteWork};
use assay_backends::{Jobs, Stores};
use assay_jobs::WorkSource;
use assay_runtime::{openmp, run_service};
use assay_trainer::{TrainerDeps, TrainerSettings, component};
use std::{process::ExitCode, sync::Arc};

const ABOUT: &str = "Trains models: takes jobs of the train lane from the control service, puts \
                     bundles into the registry.";

fn main() -> ExitCode {
    // Without this the training threads would spin between two steps; then it is only slower.
    let _ = openmp::wait_passively();
    run_service(
        "assay-trainer",
        ABOUT,
        |settings: TrainerSettings, shutdown| async move {
            let stores = Stores::open(&settings.storage)?;
            let options = ClientOptions {
                credentials: settings.peers.credentials(),
                ..ClientOptions::default()
            };
            let work: Arc<dyn WorkSource> = match Jobs::shared(&settings.storage).await? {
                Some(jobs) => Arc::new(jobs.work(&settings.storage)),
                None => Arc::new(RemoteWork::new(&settings.control_url, &options)?),
            };
            let deps = TrainerDeps {
                blobs: stores.blobs,
                registry: stores.registry,
                work,
                work_dir: settings.storage.data_dir.join("work"),
            };
            Ok(vec![component(&settings.trainer, deps, &shutdown)?])
        },
    )
}
