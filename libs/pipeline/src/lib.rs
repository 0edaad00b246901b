//! The order of steps from file bytes to a verdict, and everything it is made of: manifests,
//! data sets, model bundles, evaluation and its protocols. Training is done elsewhere.

mod answer;
mod bases;
pub mod bundle;
mod dataset;
mod drift;
mod durable;
mod error;
pub mod evaluate;
mod fault;
mod feature_cache;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
mod identifier;
mod judge;
mod manifest;
mod model;
pub mod protocols;

pub use answer::{
    Answer, AnswerWarning, AnswerWarningCode, ClassProbability, DriftCode, GateReading, Timings,
    Verdict,
};
/// Most bytes of a file that is read as a spectrum.
pub use assay_formats::MAX_FILE_BYTES as MAX_SPECTRUM_FILE_BYTES;
pub use assay_infer::Watch;
pub use bases::register_foreign;
pub use bundle::{Bundle, BundleContents};
pub use dataset::{Dataset, DatasetRow, DatasetWarning, ListedSpectrum, SpectrumList};
pub use error::PipelineError;
pub use evaluate::{EvaluationReport, EvaluationSummary, SpectrumOutcome, evaluate};
pub use fault::{Fault, Faults, MAX_FAULTS};
pub use feature_cache::{decode_features, encode_features, feature_key};
pub use identifier::{Decision, Identifier, IdentifierOptions, decide};
pub use judge::{Clock, Concluded, Judge, Prepared};
pub use manifest::{Manifest, ManifestRow, Role};
pub use model::{BuiltModel, ModelSpec, build_graph, catalogue_graph};
