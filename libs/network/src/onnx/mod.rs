//! Writes a graph and its weights as an ONNX model. Names of inputs, outputs and of the head's
//! weights are a contract with the outside (see [`crate::Landmark`]).

pub(crate) mod build;
mod export;
mod from_image;
mod gramian;
mod layers;
mod read_head;
mod read_network;
mod trunk;

pub use export::{ExportOptions, export_onnx};
pub use from_image::from_image_of_onnx;
pub use read_head::head_of_onnx;
pub use read_network::network_of_onnx;
pub use trunk::trunk_digest;

/// The messages of the format, generated from `proto/onnx_model.proto`.
pub(crate) mod proto {
    #![expect(
        unreachable_pub,
        clippy::enum_variant_names,
        reason = "generated from the description of the format"
    )]
    include!(concat!(env!("OUT_DIR"), "/onnx_model.rs"));
}

/// Operator set of models without a foreign base.
pub(crate) const OPSET: i64 = 17;
/// Version of the file format.
pub(crate) const IR_VERSION: i64 = 10;

#[cfg(test)]
mod tests;
