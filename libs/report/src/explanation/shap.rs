//! Shapley values of the most probable classes.

use super::raster::Raster;
use serde::{Deserialize, Serialize};

/// More classes side by side cannot be told apart on a page.
pub const MAX_SHAP_CLASSES: usize = 4;

/// Shapley values: what parts of the input did for each of several classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shap {
    /// How they were made, such as "partition explainer, blur masker".
    pub method: String,
    /// Inputs that the model answered for it.
    pub model_rows: u64,
    /// What base and output are, such as "logit" or "probability".
    pub output_name: String,
    /// Totals of each class, most probable first.
    pub classes: Vec<ShapTotals>,
    /// The values of each class, in the same order.
    pub values: ShapValues,
}

/// Base and output of one class; base + sum = output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapTotals {
    /// The class.
    pub class: String,
    /// Output for the input that says nothing.
    pub base: f64,
    /// Sum of all values.
    pub sum: f64,
    /// Output for this spectrum.
    pub output: f64,
}

/// What the values belong to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ShapValues {
    /// Pixels of an image; every raster has the same symmetric range.
    Image {
        /// Lower edge of the first row and column in keV.
        low_kev: f64,
        /// Upper edge of the last row and column in keV.
        high_kev: f64,
        /// One per class, pooled by sum.
        rasters: Vec<Raster>,
        /// The blocks of pixels behind the rasters, each with its own value; may be empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        blocks: Vec<ShapBlock>,
    },
    /// Ranges of energy.
    Segments {
        /// Rising edges of the ranges in keV, one more than values.
        edges_kev: Vec<f64>,
        /// One list per class.
        values: Vec<Vec<f64>>,
    },
}

/// A block of pixels that was not told apart any further.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapBlock {
    /// Energies of its rows in keV, from and to.
    pub row_kev: (f64, f64),
    /// Energies of its columns in keV, from and to.
    pub column_kev: (f64, f64),
    /// What the block as a whole adds, one per class.
    pub values: Vec<f64>,
}
