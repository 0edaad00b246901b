//! Offline HTML pages, and their JSON: how a model was trained and how it judges
//! ([`TrainingReport`]), and why one spectrum got its answer ([`explanation::Explanation`]).
//! Nothing here trains, judges or explains: callers fill plain values and render them.

mod check;
mod drawing;
mod error;
mod evaluation;
pub mod explanation;
mod figure;
mod number;
mod page;
mod report;
mod store;
mod words;

pub use error::ReportError;
pub use evaluation::{
    ClassFigures, Confusion, EvaluationPart, Figure, Merit, Outcome, PartKind, Role, SpectrumRow,
};
pub use page::render_html;
pub use report::{
    Bounds, BoundsSource, Epoch, GateSummary, GridRow, GridSearch, KScore, KSelection, LrFinder,
    LrPoint, Provenance, Run, Setting, Timing, TrainingReport, VERSION,
};
