//! Shapley values of classes: which ranges of energy or blocks of pixels add what to a logit, by
//! hiding them.

mod image;
mod network;
mod run;
mod segments;
mod settings;

pub use assay_shap::{Outputs, Progress, ShapError};
pub use image::{HiddenPixels, ImageShapley, ImageShapleySettings, ImageValues, ValuedBlock};
pub use network::{ImageNetwork, ImageOptions};
pub use run::{Hiding, ShapleyRun, ShapleyState, ShapleyValues};
pub use segments::{SegmentShapley, SegmentValues};
pub use settings::{Hidden, ShapleySettings};
