//! Server reflection, v1 for today's tools and v1alpha for older ones, of the services that are
//! really there.

use crate::error::RuntimeError;
use tonic::service::RoutesBuilder;
use tonic_reflection::server::Builder;

/// Adds both versions. `services` are full names.
pub(crate) fn mount(routes: &mut RoutesBuilder, services: &[&str]) -> Result<(), RuntimeError> {
    let fail = |error: tonic_reflection::server::Error| RuntimeError::Reflection(error.to_string());
    routes.add_service(builder(services).build_v1().map_err(fail)?);
    routes.add_service(builder(services).build_v1alpha().map_err(fail)?);
    Ok(())
}

fn builder<'a>(services: &[&str]) -> Builder<'a> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(assay_api::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    services
        .iter()
        .copied()
        .chain(["grpc.health.v1.Health"])
        .fold(builder, |builder, service| {
            builder.with_service_name(service)
        })
}
