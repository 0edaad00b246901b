//! Shapley values of classes: which ranges of energy add what to a logit, by hiding them.

mod image;
mod segments;
mod settings;

pub use assay_shap::{Outputs, Progress, ShapError};
pub use image::{HiddenPixels, ImageShapleySettings, ImageValues, image_shapley};
pub use segments::{SegmentShapley, SegmentValues};
pub use settings::{Hidden, ShapleySettings};
