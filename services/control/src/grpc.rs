//! The gRPC services: messages to and from the domain.

mod artefacts;
mod datasets;
mod jobs;
mod pieces;
mod registry;
mod upload;
mod watch;
mod workers;

pub(crate) use datasets::Datasets;
pub(crate) use jobs::Jobs;
pub(crate) use registry::Registry;
pub(crate) use workers::Workers;
