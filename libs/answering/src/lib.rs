//! Answers about spectra from stores and a source of features: the one way for requests, streams
//! and batch lanes, in one process or several. It knows no wire and no network.

mod answerer;
pub mod batch;
mod blocking;
mod clock;
mod deadline;
mod error;
mod explained;
mod images;
mod judges;
mod measure;
mod reasons;
mod shapley;
mod source;

pub use answerer::{Answerer, AnswererOptions, Question, Sources};
pub use clock::since_start;
pub use error::AnswerError;
pub use explained::{Explained, Wanted};
pub use reasons::{AnswerWithPeaks, Reasons, ReasonsAsked, class_of};
pub use source::{Explaining, FeatureSource, Features, ImportanceRow, ServedModel};
