//! Jobs, data sets and the registry of models: the service that other services and people ask
//! about work that takes long. It does none of that work.

mod config;
mod datasets;
mod error;
mod explaining;
mod grpc;
mod settings;
mod submission;
mod trainable;
mod upkeep;

pub use config::ControlConfig;
pub use error::ControlError;
pub use settings::ControlSettings;

use assay_api::{
    Limited, MAX_MESSAGE_BYTES,
    datasets::dataset_service_server::DatasetServiceServer,
    external_scaler::external_scaler_server::ExternalScalerServer,
    jobs::{job_service_server::JobServiceServer, worker_service_server::WorkerServiceServer},
    registry::registry_service_server::RegistryServiceServer,
};
use assay_jobs::{JobQueue, JobStore, LocalWork, Reaper};
use assay_runtime::{Component, Shutdown};
use assay_store::{BlobStore, BundleRegistry};
use std::{sync::Arc, time::Duration};
use tonic::server::NamedService;

/// What the service works on.
#[derive(Clone)]
pub struct ControlDeps {
    /// Records of jobs.
    pub store: Arc<dyn JobStore>,
    /// Hints for workers.
    pub queue: Arc<dyn JobQueue>,
    /// Spectra, data sets, results.
    pub blobs: Arc<dyn BlobStore>,
    /// Models.
    pub registry: Arc<dyn BundleRegistry>,
    /// Time after which a worker that says nothing has lost its job.
    pub lease: Duration,
}

/// The gRPC services, the search for lost jobs and the removal of what nobody needs. It can
/// answer at once.
#[must_use]
pub fn component(config: ControlConfig, deps: ControlDeps, shutdown: &Shutdown) -> Component {
    let limit = config.max_message_bytes.unwrap_or(MAX_MESSAGE_BYTES);
    let work = LocalWork {
        store: Arc::clone(&deps.store),
        queue: Arc::clone(&deps.queue),
        lease: deps.lease,
    };
    let reaper = Reaper {
        redispatch_after: Duration::from_secs(config.redispatch_after_s),
        retention: config.retention(),
        every: Duration::from_millis(config.sweep_every_ms),
        ..Reaper::new(Arc::clone(&deps.store), Arc::clone(&deps.queue))
    };
    let jobs = JobServiceServer::new(grpc::Jobs::new(&config, deps.clone(), shutdown.clone()));
    let datasets = DatasetServiceServer::new(grpc::Datasets::new(deps.clone()));
    let registry = RegistryServiceServer::new(grpc::Registry::new(&config, deps.clone()));
    let workers = WorkerServiceServer::new(grpc::Workers::new(work, shutdown.clone()));
    let scaler = grpc::Scaler::new(Arc::clone(&deps.store), shutdown.clone());
    let scaler = ExternalScalerServer::new(scaler);
    let names = vec![
        <JobServiceServer<grpc::Jobs> as NamedService>::NAME,
        <DatasetServiceServer<grpc::Datasets> as NamedService>::NAME,
        <RegistryServiceServer<grpc::Registry> as NamedService>::NAME,
        <WorkerServiceServer<grpc::Workers> as NamedService>::NAME,
        <ExternalScalerServer<grpc::Scaler> as NamedService>::NAME,
    ];
    let component = Component::new("control", names, move |routes| {
        routes
            .add_service(jobs.limited(limit))
            .add_service(datasets.limited(limit))
            .add_service(registry.limited(limit))
            .add_service(workers.limited(limit))
            .add_service(scaler.limited(limit));
    });
    let (sweeping, collecting) = (shutdown.begun(), shutdown.begun());
    let upkeep = upkeep::Upkeep::new(&config, deps);
    component
        .with_task("search for lost jobs", async move {
            reaper.run(sweeping).await;
            Ok(())
        })
        .with_task("removal of what nobody needs", async move {
            upkeep.run(collecting).await;
            Ok(())
        })
}
