//! Worker of the train lane: data set and specification in, bundle in the registry out. The only
//! service that links torch; training itself is in `assay_train`.

mod artefacts;
mod checkpoints;
mod config;
mod dataset;
mod error;
mod execution;
mod handler;
mod observer;
mod settings;

pub use config::TrainerConfig;
pub use error::TrainerError;
pub use handler::TrainHandler;
pub use settings::TrainerSettings;

use assay_jobs::{Lane, WorkSource, Worker};
use assay_runtime::{Component, Shutdown};
use assay_store::{BlobStore, BundleRegistry};
use std::{path::PathBuf, sync::Arc};

/// What the trainer works with.
#[derive(Clone)]
pub struct TrainerDeps {
    /// Spectra, data sets, artefacts.
    pub blobs: Arc<dyn BlobStore>,
    /// Where finished models go.
    pub registry: Arc<dyn BundleRegistry>,
    /// Where jobs come from.
    pub work: Arc<dyn WorkSource>,
    /// Folder for what only this machine needs, such as checkpoints.
    pub work_dir: PathBuf,
}

/// The trainer as a part of a server: its worker runs until shutdown.
///
/// # Errors
/// When the folder for checkpoints cannot be made.
pub fn component(
    config: &TrainerConfig,
    deps: TrainerDeps,
    shutdown: &Shutdown,
) -> anyhow::Result<Component> {
    let worker = Worker {
        source: Arc::clone(&deps.work),
        lane: Lane::Train,
        name: config.worker_name("trainer"),
        handler: Arc::new(TrainHandler::new(config, deps)?),
    };
    let begun = shutdown.begun();
    Ok(
        Component::new("trainer", Vec::new(), |_| {}).with_task("train lane", async move {
            worker.run(begun).await;
            Ok(())
        }),
    )
}
