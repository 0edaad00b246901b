//! What is asked of Shapley values of the pixels of an image.

use super::settings::check_max_evals;
use crate::ExplainError;
use assay_shap::{MAX_BLUR_SIDE, Outputs};
use serde::{Deserialize, Serialize};

/// What stands where pixels are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HiddenPixels {
    /// The mean over a square of so many pixels around each.
    Blur(usize),
    /// One value, -1 to 1.
    Constant(f32),
}

/// How Shapley values of an image are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImageShapleySettings {
    /// Masked images, 4 or more.
    pub max_evals: usize,
    /// The classes that are explained.
    pub classes: Outputs,
    /// What stands where pixels are hidden.
    pub hidden: HiddenPixels,
}

impl Default for ImageShapleySettings {
    fn default() -> Self {
        Self {
            max_evals: 500,
            classes: Outputs::Highest(1),
            hidden: HiddenPixels::Blur(64),
        }
    }
}

impl ImageShapleySettings {
    /// Checks what does not depend on the model.
    ///
    /// # Errors
    /// The first setting out of its range, with its value and the range.
    pub fn check(&self) -> Result<(), ExplainError> {
        let refuse = |name, value: String, allowed| {
            Err(ExplainError::Setting {
                name,
                value,
                allowed,
            })
        };
        match self.hidden {
            HiddenPixels::Constant(value) if !(-1.0..=1.0).contains(&value) => {
                return refuse("constant", value.to_string(), "-1 to 1");
            }
            HiddenPixels::Blur(side) if !(1..=MAX_BLUR_SIDE).contains(&side) => {
                return refuse("blur", side.to_string(), "1 to 16384 pixels");
            }
            _ => {}
        }
        check_max_evals(self.max_evals)
    }
}
