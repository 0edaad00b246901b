//! Which energies and peaks decided: class activation maps from the forward pass that answers, what
//! peaks are worth by taking them out, and what ranges of energy or blocks of pixels add by hiding
//! them. Figures and pages are drawn elsewhere.

mod cam;
mod error;
mod evidence;
mod explained;
mod importances;
mod reduce;
mod regions;
mod shapley;
mod spec;
pub mod truth;

pub use cam::{ClassMap, Method};
pub use error::ExplainError;
pub use evidence::{
    EvidencePlan, EvidenceSettings, PeakChange, PeakEvidence, Standing, WithoutPeak,
};
pub use explained::{Explained, explain, explain_features};
pub use importances::{CamSettings, Importances, class_importances, class_map, map_importances};
pub use reduce::{Reduction, condense, interpolate, relative, upsample};
pub use regions::Region;
pub use shapley::{
    ClassValues, Hidden, HiddenPixels, Hiding, ImageNetwork, ImageOptions, ImageShapley,
    ImageShapleySettings, ImageValues, Outputs, Progress, SegmentShapley, SegmentValues, ShapError,
    ShapleyRun, ShapleySettings, ShapleyState, ShapleyValues, ValuedBlock,
};
pub use spec::{ExplanationMethod, ExplanationSpec, MOST_CLASSES, Over, ShapleySpec};
