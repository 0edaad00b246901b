//! One description of a network: the intermediate representation, the catalogue of bases,
//! weights in and out, the ONNX writer and the head's forward function. Running a network
//! (ONNX Runtime, torch) is done by other crates.

pub mod bases;
pub mod catalogue;
mod error;
pub mod fold;
pub mod foreign;
pub mod graph;
pub mod head;
pub mod imaging;
pub mod onnx;
mod structure;
mod summary;
pub mod weights;

pub use catalogue::{Base, BaseDescriptor, HeadSpec, Tutorial1d, TutorialVariant};
pub use error::NetworkError;
pub use foreign::{ForeignBase, ForeignSettings, Layout};
pub use graph::{Activation, Graph, Landmark, Node, Op, Padding, ValueId};
pub use head::Head;
pub use imaging::ImageLayer;
pub use onnx::{
    ExportOptions, export_onnx, from_image_of_onnx, head_of_onnx, network_of_onnx, trunk_digest,
};
pub use structure::{Shape, infer_shapes};
pub use summary::{LayerSummary, Totals, Trained, summary, totals};
pub use weights::{Tensor, Weights};
