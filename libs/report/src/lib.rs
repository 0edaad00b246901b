//! One offline HTML page, and its JSON, that show how a model was trained and how it judges.
//! Nothing here trains or judges: callers fill a [`TrainingReport`] and render it.

mod check;
mod error;
mod evaluation;
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
