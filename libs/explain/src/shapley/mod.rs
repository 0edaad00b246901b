//! Shapley values of classes: which ranges of energy or blocks of pixels add what to a logit, by
//! hiding them.

mod image;
mod image_settings;
mod image_values;
mod network;
mod run;
mod segments;
mod settings;
mod values;

pub use assay_shap::{Outputs, Progress, ShapError};
pub use image::ImageShapley;
pub use image_settings::{HiddenPixels, ImageShapleySettings};
pub use image_values::{ImageValues, ValuedBlock};
pub use network::{ImageNetwork, ImageOptions};
pub use run::{Hiding, ShapleyRun, ShapleyState};
pub use segments::{SegmentShapley, SegmentValues};
pub use settings::{Hidden, ShapleySettings};
pub use values::{ClassValues, ShapleyValues};
