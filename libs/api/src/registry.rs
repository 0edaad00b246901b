//! The registry of models: the generated code, and entries for it.

pub use crate::generated::openassay::registry::v1::*;

use assay_store as domain;

/// A version for the wire. Who put it there stays at the server.
#[must_use]
pub fn version_to_wire(version: &domain::ModelVersion) -> ModelVersion {
    ModelVersion {
        name: version.name.clone(),
        version: version.version.clone(),
        bundle: version.bundle.to_string(),
        created_at_ms: version.created_at_ms,
        job_id: version.origin.job.clone().unwrap_or_default(),
    }
}

/// A model for the wire.
#[must_use]
pub fn model_to_wire(model: &domain::ModelEntry) -> Model {
    let aliases = model.aliases.iter().map(|(alias, version)| Alias {
        alias: alias.clone(),
        version: version.clone(),
    });
    Model {
        name: model.name.clone(),
        versions: model.versions.iter().map(version_to_wire).collect(),
        aliases: aliases.collect(),
    }
}
