//! Answers which known material a spectrum shows, or UNKNOWN; worker of the identify lane.

mod config;
mod grpc;
mod settings;

pub use config::GateConfig;
pub use settings::GateSettings;

use assay_answering::{
    Answerer, AnswererOptions, FeatureSource, Sources,
    batch::{Batch, BatchKind},
    since_start,
};
use assay_api::{Limited, MAX_MESSAGE_BYTES, gate::gate_service_server::GateServiceServer};
use assay_jobs::{Lane, WorkSource, Worker};
use assay_runtime::{Component, Shutdown};
use assay_store::{BlobStore, BundleRegistry};
use std::sync::Arc;
use tonic::server::NamedService;

/// What the service works on.
#[derive(Clone)]
pub struct GateDeps {
    /// Spectra, data sets and results.
    pub blobs: Arc<dyn BlobStore>,
    /// Bundles.
    pub registry: Arc<dyn BundleRegistry>,
    /// What runs the networks.
    pub features: Arc<dyn FeatureSource>,
    /// Where batches come from; `None` works on none.
    pub work: Option<Arc<dyn WorkSource>>,
}

/// The gRPC service and the worker of its lane. It can answer at once.
#[must_use]
pub fn component(config: &GateConfig, deps: GateDeps, shutdown: &Shutdown) -> Component {
    let sources = Sources {
        registry: deps.registry,
        blobs: deps.blobs,
        features: deps.features,
    };
    let options = AnswererOptions {
        bundles: config.bundles,
        clock: Some(since_start),
        ..AnswererOptions::default()
    };
    let answerer = Arc::new(Answerer::new(sources, options));
    let service = grpc::Service {
        answerer: Arc::clone(&answerer),
        stream_at_once: config.stream_at_once,
        shutdown: shutdown.clone(),
    };
    let server = GateServiceServer::new(service)
        .limited(config.max_message_bytes.unwrap_or(MAX_MESSAGE_BYTES));
    let name = <GateServiceServer<grpc::Service> as NamedService>::NAME;
    let component = Component::new("gate", vec![name], |routes| {
        routes.add_service(server);
    });
    let Some(source) = deps.work else {
        return component;
    };
    let worker = Worker {
        source,
        lane: Lane::Identify,
        name: format!("gate {}", std::process::id()),
        handler: Arc::new(Batch::new(answerer, BatchKind::Identify, config.batch())),
    };
    let begun = shutdown.begun();
    component.with_task("identify lane", async move {
        worker.run(begun).await;
        Ok(())
    })
}
