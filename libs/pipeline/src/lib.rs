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
#[cfg(test)]
mod fixture;
mod identifier;
mod manifest;
mod model;
pub mod protocols;

pub use answer::{
    Answer, AnswerWarning, AnswerWarningCode, ClassProbability, DriftCode, GateReading, Timings,
    Verdict,
};
pub use assay_infer::Watch;
pub use bases::register_foreign;
pub use bundle::{Bundle, BundleContents};
pub use dataset::{Dataset, DatasetRow, DatasetWarning};
pub use error::PipelineError;
pub use evaluate::{EvaluationReport, EvaluationSummary, SpectrumOutcome, evaluate};
pub use fault::{Fault, Faults, MAX_FAULTS};
pub use identifier::{Decision, Identifier, IdentifierOptions, decide};
pub use manifest::{Manifest, ManifestRow, Role};
pub use model::{BuiltModel, ModelSpec, build_graph};
