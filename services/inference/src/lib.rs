//! Runs model bundles: features with the cache, classes, importances.
//!
//! Each model has a thread of its own with its session and a queue in rows before it. Rows are
//! computed one by one, also within a batch, so that an answer never depends on what else is
//! asked. Names follow the registry; a bundle serves under a name only after its test.

mod cached;
mod config;
mod flights;
mod grpc;
mod inference;
mod measure;
mod model;
mod names;
mod pool;
mod settings;

pub use config::{InferenceConfig, MAX_ROWS};
pub use inference::{Inference, InferenceDeps};
pub use settings::InferenceSettings;

use assay_api::{Limited, inference::inference_service_server::InferenceServiceServer};
use assay_runtime::Component;
use std::sync::Arc;
use tonic::server::NamedService;

/// The gRPC service of models that answer.
#[must_use]
pub fn component(inference: Arc<Inference>) -> Component {
    let max_message_bytes = inference.max_message_bytes();
    let ready = inference.readiness();
    let service = grpc::Service(Arc::clone(&inference));
    let server = InferenceServiceServer::new(service).limited(max_message_bytes);
    let name = <InferenceServiceServer<grpc::Service> as NamedService>::NAME;
    Component::new("inference", vec![name], |routes| {
        routes.add_service(server);
    })
    .ready_when(ready)
    .with_task("registry", async move { inference.ended().await })
}
