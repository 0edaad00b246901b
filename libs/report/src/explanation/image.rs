//! The image that a model saw, and its class activation map.

use super::raster::Raster;
use serde::{Deserialize, Serialize};

/// A square image whose rows and columns are the same energies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldImage {
    /// What it is, such as "Gramian angular difference field".
    pub name: String,
    /// Lower edge of the first row and column in keV.
    pub low_kev: f64,
    /// Upper edge of the last row and column in keV.
    pub high_kev: f64,
    /// The image, row 0 and column 0 at the lowest energy.
    pub pixels: Raster,
    /// Class activation map of the explained class.
    pub map: Option<CellMap>,
}

/// A class activation map at its own resolution, covering the whole image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellMap {
    /// Cells per row and per column.
    pub side: usize,
    /// Row-major; positive speaks for the class.
    pub values: Vec<f32>,
}

impl CellMap {
    /// The largest magnitude, which gets the full colour.
    pub(crate) fn largest(&self) -> f64 {
        let magnitudes = self.values.iter().map(|v| f64::from(v.abs()));
        magnitudes.fold(0.0, f64::max)
    }
}
