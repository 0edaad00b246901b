//! Where bytes are kept: blobs named by their content, cached features, model bundles with names,
//! versions and aliases. Ports and the adapters over an object store (a folder, or S3).

mod blob;
mod cache;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod model_ref;
mod name;
mod object_blobs;
mod object_registry;
mod objects;
mod parts;
mod registry;
mod unfinished;

pub use blob::BlobStore;
pub use cache::FeatureCache;
pub use error::StoreError;
pub use model_ref::{ModelRef, Resolved, Selector, resolve_ref};
pub use name::check_name;
pub use object_blobs::ObjectBlobs;
pub use object_registry::{Clock, ObjectRegistry};
pub use registry::{
    AliasChange, BundleFiles, BundleRegistry, Leftovers, ModelEntry, ModelVersion, PRODUCTION,
    VersionOrigin,
};
