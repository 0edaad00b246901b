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
        let classes = self.values.by_class(labels).into_iter();
        let totals = classes.map(|class| ShapTotals {
            class: class.label,
            base: class.base,
            sum: class.logit - class.base,
            output: class.logit,
        });
        Ok(Shap {
            method: self.method.to_owned(),
            model_rows: self.values.evals() as u64,
            output_name: "logit".to_owned(),
            classes: totals.collect(),
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
        rasters: rasters(found)?,
        blocks: blocks.collect(),
    })
}

/// All classes with one range, so that their colours can be compared.
fn rasters(found: &ImageValues) -> Result<Vec<Raster>, ReportError> {
    let shrink = |class, range| {
        let pixels = found.pixels(class);
        Raster::shrink(&pixels, found.side, MAX_SHAP_SIDE, Pooling::Sum, range)
    };
    let mut largest = f64::MIN_POSITIVE;
    for class in 0..found.classes.len() {
        let own = shrink(class, None)?;
        largest = largest.max(own.low.abs()).max(own.high.abs());
    }
    let range = Some((-largest, largest));
    (0..found.classes.len())
        .map(|class| shrink(class, range))
        .collect()
}
