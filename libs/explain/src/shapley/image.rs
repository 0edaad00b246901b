//! Shapley values of the pixels of the image that a model sees, by hiding blocks of them. Only what
//! a block makes new is computed again.

use crate::ExplainError;
use assay_infer::{InferError, Mask, MaskedFeatures, MaskedNetwork, Rectangle};
use assay_pipeline::{Judge, PipelineError, Prepared};
use assay_shap::{
    BlurKernel, Game, ImageBlock, ImageMasker, Outputs, Owen, OwenSettings, Progress, Query,
    ShapError,
};
use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// How far features by way of the pieces may lie from those of the model, as a part of the largest
/// feature. What is beyond is another network, not rounding.
const SAME_NETWORK: f64 = 1e-3;

/// Splits that are chosen before one of them is looked at; part of the result, as in the reference.
const BATCH_ROWS: usize = 10;

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

/// What each pixel adds to the logits of some classes.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageValues {
    /// Pixels per row and per column.
    pub side: usize,
    /// Indices of the explained classes.
    pub classes: Vec<usize>,
    /// Logit of each class with everything hidden.
    pub base: Vec<f64>,
    /// Logit of each class of the image itself: base and values add up to it.
    pub full: Vec<f64>,
    /// For each class one value per pixel, row-major.
    pub values: Vec<Vec<f32>>,
    /// Masked images.
    pub evals: usize,
}

/// Shapley values of the image of a spectrum. `network` is the way from image to features of the
/// bundle; `features` are those of the spectrum by the bundle's own model. `watch` is called before
/// each batch and may stop.
///
/// # Errors
/// When the model makes no image, when the network is another one than the bundle's, when a
/// setting is out of its range, when `watch` breaks off, or when the network fails.
///
/// # Source
/// Partition explainer of shap 0.45.1 with its image masker.
pub fn image_shapley(
    judge: &Judge,
    prepared: &Prepared,
    (network, features): (&MaskedNetwork, &[f32]),
    settings: &ImageShapleySettings,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<ImageValues, ExplainError> {
    settings.check()?;
    let imaging = judge.bundle().contents().model.imaging();
    let imaging = imaging.ok_or(ExplainError::NoImage)?;
    let vector: Vec<f64> = prepared.vector().iter().copied().map(f64::from).collect();
    let image = imaging.image_f32(&vector).map_err(PipelineError::from)?;
    let shown = image.view().insert_axis(Axis(2));
    let masker = match settings.hidden {
        HiddenPixels::Blur(side) => ImageMasker::blurred(shown, BlurKernel::square(side))?,
        HiddenPixels::Constant(value) => ImageMasker::constant(shown, value)?,
    };
    let hidden = masker.hidden().index_axis(Axis(2), 0);
    let mut masked = network
        .images(image.view(), hidden)
        .map_err(PipelineError::from)?;
    check_same(&mut masked, image.view(), features)?;
    let partition = *masker.partition();
    let owen = OwenSettings {
        max_evals: settings.max_evals,
        batch_rows: BATCH_ROWS,
        outputs: settings.classes.clone(),
    };
    let mut game = Pixels { judge, masked };
    let mut owen = Owen::start(&partition, &mut game, owen)?;
    owen.run(&partition, &mut game, &mut |owen| watch(owen.progress()))?;
    let found = owen.finish(&partition)?;
    #[expect(clippy::cast_possible_truncation, reason = "images are stored as f32")]
    let narrow = |column: ndarray::ArrayView1<'_, f64>| column.iter().map(|v| *v as f32).collect();
    Ok(ImageValues {
        side: image.nrows(),
        classes: found.outputs,
        base: found.base,
        full: found.full,
        values: found.values.columns().into_iter().map(narrow).collect(),
        evals: found.rows,
    })
}

/// Refuses a network that gives other features than the bundle's model.
fn check_same(
    masked: &mut MaskedFeatures<'_>,
    image: ArrayView2<'_, f32>,
    features: &[f32],
) -> Result<(), ExplainError> {
    let whole = Mask {
        shown: vec![Rectangle {
            top: 0,
            bottom: image.nrows(),
            left: 0,
            right: image.ncols(),
        }],
        ..Mask::default()
    };
    let found = masked.features(&whole).map_err(PipelineError::from)?;
    let largest = features.iter().fold(0.0f32, |m, f| m.max(f.abs()));
    let allowed = SAME_NETWORK * f64::from(largest) + f64::from(f32::MIN_POSITIVE);
    let near = |(a, b): (&f32, &f32)| f64::from((a - b).abs()) <= allowed;
    if found.len() == features.len() && found.iter().zip(features).all(near) {
        return Ok(());
    }
    Err(ExplainError::OtherNetwork)
}

/// Masked images, with the network and the head.
struct Pixels<'a, 'n> {
    judge: &'a Judge,
    masked: MaskedFeatures<'n>,
}

impl Game<ImageBlock> for Pixels<'_, '_> {
    fn evaluate(&mut self, queries: &[Query<ImageBlock>]) -> Result<Array2<f64>, ShapError> {
        let head = self.judge.bundle().head();
        let mut logits = Array2::zeros((queries.len(), head.classes()));
        for (query, mut row) in queries.iter().zip(logits.rows_mut()) {
            let near = query.between.as_ref();
            let mask = Mask {
                shown: rectangles(&query.present),
                near: near.map_or_else(Default::default, |(below, above)| {
                    [rectangles(below), rectangles(above)]
                }),
            };
            let failed = |error: InferError| ShapError::game(PipelineError::from(error));
            let features = self.masked.features(&mask).map_err(failed)?;
            let found = head.logits(&features);
            let found = found.map_err(|error| ShapError::game(PipelineError::from(error)))?;
            row.iter_mut()
                .zip(found)
                .for_each(|(to, from)| *to = f64::from(from));
        }
        Ok(logits)
    }
}

fn rectangles(blocks: &[ImageBlock]) -> Vec<Rectangle> {
    let rectangle = |block: &ImageBlock| Rectangle {
        top: block.rows.start,
        bottom: block.rows.end,
        left: block.columns.start,
        right: block.columns.end,
    };
    blocks.iter().map(rectangle).collect()
}

impl ImageShapleySettings {
    /// Checks what does not depend on the model.
    ///
    /// # Errors
    /// The first setting out of its range, with its value and the range.
    pub fn check(&self) -> Result<(), ExplainError> {
        match self.hidden {
            HiddenPixels::Constant(value) if !(-1.0..=1.0).contains(&value) => {
                Err(ExplainError::Setting {
                    name: "hidden pixels",
                    value: value.to_string(),
                    allowed: "-1 to 1",
                })
            }
            _ => Ok(()),
        }
    }
}
