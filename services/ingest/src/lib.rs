//! Takes spectra from instruments, files and streams, checks them, keeps them under the digest of
//! their bytes, and shows their images. What they mean is said elsewhere.

mod config;
mod error;
mod grpc;
mod images;
mod measure;
mod numbers;
mod recipes;
mod settings;
mod shelf;

pub use config::IngestConfig;
pub use error::IngestError;
pub use settings::IngestSettings;

use assay_api::{Limited, MAX_MESSAGE_BYTES, ingest::ingest_service_server::IngestServiceServer};
use assay_runtime::{Component, Shutdown};
use assay_store::{BlobStore, BundleRegistry};
use std::sync::Arc;
use tonic::server::NamedService;

/// What the service works on.
#[derive(Clone)]
pub struct IngestDeps {
    /// Where spectra are kept.
    pub blobs: Arc<dyn BlobStore>,
    /// Where the recipes of models come from.
    pub registry: Arc<dyn BundleRegistry>,
}

/// The gRPC service. It can answer at once.
#[must_use]
pub fn component(config: IngestConfig, deps: IngestDeps, shutdown: &Shutdown) -> Component {
    let max_message_bytes = config.max_message_bytes.unwrap_or(MAX_MESSAGE_BYTES);
    let service = grpc::Service::new(&config, deps, shutdown.clone());
    let server = IngestServiceServer::new(service).limited(max_message_bytes);
    let name = <IngestServiceServer<grpc::Service> as NamedService>::NAME;
    Component::new("ingest", vec![name], |routes| {
        routes.add_service(server);
    })
}
