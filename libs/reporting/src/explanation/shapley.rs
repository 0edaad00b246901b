//! Shapley values of several classes.

use super::ContentError;
use assay_core::ClassLabel;
use assay_explain::{ImageValues, SegmentValues, ShapleyValues};
use assay_report::{
    ReportError,
    explanation::{MAX_SHAP_SIDE, Pooling, Raster, Shap, ShapBlock, ShapTotals, ShapValues},
};

/// Shapley values as they were found.
#[derive(Debug, Clone, Copy)]
pub struct ShapleyParts<'a> {
    /// How they were made, such as "partition explainer, 64 ranges of energy hidden behind their
    /// local background".
    pub method: &'a str,
    /// The values.
    pub values: &'a ShapleyValues,
}

impl ShapleyParts<'_> {
    pub(super) fn content(&self, labels: &[ClassLabel]) -> Result<Shap, ContentError> {
        let (evals, classes, base, full) = match self.values {
            ShapleyValues::Energies(found) => {
                (found.evals, &found.classes, &found.base, &found.full)
            }
            ShapleyValues::Image(found) => (found.evals, &found.classes, &found.base, &found.full),
        };
        let named = classes.iter().zip(base.iter().zip(full));
        let totals = named.map(|(&class, (&base, &output))| {
            let label = labels.get(class).ok_or_else(|| ReportError::Inconsistent {
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
            model_rows: evals as u64,
            output_name: "logit".to_owned(),
            classes: totals.collect::<Result<_, ReportError>>()?,
            values: match self.values {
                ShapleyValues::Energies(found) => of_energies(found),
                ShapleyValues::Image(found) => of_image(found)?,
            },
        })
    }
}

fn of_energies(found: &SegmentValues) -> ShapValues {
    ShapValues::Segments {
        edges_kev: found.edges_kev.clone(),
        values: found.values.clone(),
    }
}

fn of_image(found: &ImageValues) -> Result<ShapValues, ReportError> {
    let (low_kev, high_kev) = found.range_kev;
    let blocks = found.blocks.iter().map(|block| ShapBlock {
        row_kev: found.span_kev(block.rows),
        column_kev: found.span_kev(block.columns),
        values: block.values.clone(),
    });
    Ok(ShapValues::Image {
        low_kev,
        high_kev,
        rasters: rasters(found.side, &found.values)?,
        blocks: blocks.collect(),
    })
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
