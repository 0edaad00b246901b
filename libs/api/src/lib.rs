//! The gRPC interface: generated code, conversion between wire and domain, errors as gRPC
//! statuses, and clients that stand behind ports. Serving is done elsewhere.

pub mod answer;
pub mod class_map;
mod client;
pub mod codec;
pub mod datasets;
mod error;
pub mod field;
mod generated;
pub mod job;
mod limits;
pub mod question;
pub mod registry;
pub mod shap;
pub mod status;
pub mod summary;
pub mod warning;
pub mod work;

pub use client::{
    ClientOptions, Credentials, Link, RemoteFeatures, RemoteWork, TokenSource, Traced, channel,
    check_address, check_peer, link,
};
pub use error::WireError;
pub use generated::{DESCRIPTORS, external_scaler, open_inference, openassay};
pub use limits::{Limited, MAX_MESSAGE_BYTES, ROOM_BYTES};
pub use openassay::{
    explain::v1 as explain, gate::v1 as gate, inference::v1 as inference, ingest::v1 as ingest,
    jobs::v1 as jobs, spectrum::v1 as spectrum,
};
