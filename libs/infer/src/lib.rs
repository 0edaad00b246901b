//! Runs networks with ONNX Runtime: loading the library, sessions with named outputs, features of
//! spectra in bounded batches, and features of one image under many masks. The only crate that
//! knows `ort`.

mod error;
mod features;
mod masked;
mod runtime;
mod session;
mod watch;

pub use error::InferError;
pub use features::{EngineIdentity, FeatureExtractor, MappedFeatures};
pub use masked::{Mask, MaskedFeatures, MaskedNetwork, MaskedOptions, MaskedWork, Rectangle};
pub use runtime::{LIBRARY_VARIABLE, OnnxRuntime};
pub use session::{Session, SessionOptions, TensorInfo};
pub use watch::Watch;
