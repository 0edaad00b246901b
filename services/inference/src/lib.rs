//! Runs model bundles: features with the cache, classes, importances.
//!
//! Each model has a thread of its own with its session and a queue in rows before it. Rows are
//! computed one by one, also within a batch, so that an answer never depends on what else is
//! asked. Names follow the registry; a bundle serves under a name only after its test.

mod answer_size;
mod cached;
mod closed_set;
mod config;
mod flights;
mod grpc;
mod inference;
mod measure;
mod model;
mod names;
mod open_inference;
mod pool;
mod settings;

pub use config::{InferenceConfig, MAX_ROWS};
pub use inference::{Inference, InferenceDeps};
pub use settings::InferenceSettings;

use assay_api::{
    Limited, inference::inference_service_server::InferenceServiceServer,
    open_inference::grpc_inference_service_server::GrpcInferenceServiceServer,
};
use assay_runtime::Component;
use std::sync::Arc;
use tonic::server::NamedService;

/// The gRPC services of models that answer: our own interface and the Open Inference Protocol.
#[must_use]
pub fn component(inference: Arc<Inference>) -> Component {
    let max_message_bytes = inference.max_message_bytes();
    let ready = inference.readiness();
    let own = InferenceServiceServer::new(grpc::Service(Arc::clone(&inference)));
    let own = own.limited(max_message_bytes);
    let open = open_inference::Service::new(Arc::clone(&inference));
    let open = GrpcInferenceServiceServer::new(open).limited(max_message_bytes);
    let names = vec![
        <InferenceServiceServer<grpc::Service> as NamedService>::NAME,
        <GrpcInferenceServiceServer<open_inference::Service> as NamedService>::NAME,
    ];
    Component::new("inference", names, |routes| {
        routes.add_service(own);
        routes.add_service(open);
    })
    .ready_when(ready)
    .with_task("registry", async move { inference.ended().await })
}
