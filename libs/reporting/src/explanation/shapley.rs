//! Shapley values of several classes.

use super::ContentError;
use assay_core::ClassLabel;
use assay_report::{
    ReportError,
    explanation::{MAX_SHAP_SIDE, Pooling, Raster, Shap, ShapTotals, ShapValues},
};

/// Shapley values as they were computed.
#[derive(Debug, Clone, Copy)]
pub struct ShapleyParts<'a> {
    /// How they were made, such as "partition explainer, blur masker".
    pub method: &'a str,
    /// Model rows spent.
    pub model_rows: usize,
    /// Indices of the explained classes, the most probable one first.
    pub classes: &'a [usize],
    /// Logits for the input that says nothing.
    pub base: &'a [f64],
    /// Logits for this spectrum.
    pub full: &'a [f64],
    /// What the values belong to.
    pub values: ShapleyValues<'a>,
}

/// What Shapley values belong to.
#[derive(Debug, Clone, Copy)]
pub enum ShapleyValues<'a> {
    /// Pixels of the image, `[side, side]` row-major for each class.
    Image {
        /// Energies of its edges in keV.
        range_kev: (f64, f64),
        /// Pixels per row.
        side: usize,
        /// One list per class.
        values: &'a [Vec<f32>],
    },
    /// Ranges of energy.
    Segments {
        /// Edges in keV, one more than values.
        edges_kev: &'a [f64],
        /// One list per class.
        values: &'a [Vec<f64>],
    },
}

impl<'a> ShapleyParts<'a> {
    /// Values as they were found; `method` says how, in words.
    #[must_use]
    pub fn of(values: &'a assay_explain::ShapleyValues, method: &'a str) -> Self {
        match values {
            assay_explain::ShapleyValues::Energies(found) => Self {
                method,
                model_rows: found.evals,
                classes: &found.classes,
                base: &found.base,
                full: &found.full,
                values: ShapleyValues::Segments {
                    edges_kev: &found.edges_kev,
                    values: &found.values,
                },
            },
            assay_explain::ShapleyValues::Image(found) => Self {
                method,
                model_rows: found.evals,
                classes: &found.classes,
                base: &found.base,
                full: &found.full,
                values: ShapleyValues::Image {
                    range_kev: found.range_kev,
                    side: found.side,
                    values: &found.values,
                },
            },
        }
    }

    pub(super) fn content(&self, classes: &[ClassLabel]) -> Result<Shap, ContentError> {
        let named = self.classes.iter().zip(self.base.iter().zip(self.full));
        let totals = named.map(|(&class, (&base, &output))| {
            let label = classes
                .get(class)
                .ok_or_else(|| ReportError::Inconsistent {
                    field: "shap.classes".into(),
                    reason: format!("the model has no class {class}"),
                })?;
            Ok(ShapTotals {
                class: label.to_string(),
                base,
                sum: output - base,
                output,
            })
        });
        Ok(Shap {
            method: self.method.to_owned(),
            model_rows: self.model_rows as u64,
            output_name: "logit".to_owned(),
            classes: totals.collect::<Result<_, ReportError>>()?,
            values: self.values.content()?,
        })
    }
}

impl ShapleyValues<'_> {
    fn content(&self) -> Result<ShapValues, ReportError> {
        Ok(match *self {
            Self::Segments { edges_kev, values } => ShapValues::Segments {
                edges_kev: edges_kev.to_vec(),
                values: values.to_vec(),
            },
            Self::Image {
                range_kev: (low_kev, high_kev),
                side,
                values,
            } => ShapValues::Image {
                low_kev,
                high_kev,
                rasters: rasters(side, values)?,
            },
        })
    }
}

/// All classes with one range, so that their colours can be compared.
fn rasters(side: usize, values: &[Vec<f32>]) -> Result<Vec<Raster>, ReportError> {
    let shrink =
        |values: &[f32], range| Raster::shrink(values, side, MAX_SHAP_SIDE, Pooling::Sum, range);
    let mut largest = f64::MIN_POSITIVE;
    for class in values {
        let own = shrink(class, None)?;
        largest = largest.max(own.low.abs()).max(own.high.abs());
    }
    let range = Some((-largest, largest));
    values.iter().map(|class| shrink(class, range)).collect()
}
