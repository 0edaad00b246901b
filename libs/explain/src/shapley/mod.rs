//! Shapley values of classes: which ranges of energy add what to a logit, by hiding them.

mod segments;
mod settings;

pub use assay_shap::{Outputs, ShapError};
pub use segments::{SegmentShapley, SegmentValues};
pub use settings::{Hidden, ShapleySettings};
