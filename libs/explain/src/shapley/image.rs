//! Shapley values of the pixels of the image that a model sees, by hiding blocks of them. Only what
//! a block makes new is computed again.

use super::{network::ImageNetwork, settings::check_max_evals};
use crate::ExplainError;
use assay_infer::{InferError, Mask, MaskedFeatures, Rectangle};
use assay_pipeline::{Judge, PipelineError, Prepared};
use assay_shap::{
    BlurKernel, Game, ImageBlock, ImageMasker, ImagePartition, Outputs, Owen, OwenSettings,
    Progress, Query, ShapError,
};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

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

/// What blocks of pixels add to the logits of some classes.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageValues {
    /// Pixels per row and per column.
    pub side: usize,
    /// Energies of the image's edges in keV, along rows and columns alike.
    pub range_kev: (f64, f64),
    /// Indices of the explained classes.
    pub classes: Vec<usize>,
    /// Logit of each class with everything hidden.
    pub base: Vec<f64>,
    /// Logit of each class of the image itself: base and values add up to it.
    pub full: Vec<f64>,
    /// The blocks that were told apart; together they are the image.
    pub blocks: Vec<ValuedBlock>,
    /// For each class one value per pixel, row-major: each block's value shared equally.
    pub values: Vec<Vec<f32>>,
    /// Masked images.
    pub evals: usize,
}

/// A block of pixels, rows from the top and columns from the left, each from its first to one past
/// its last.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuedBlock {
    /// Rows.
    pub rows: (usize, usize),
    /// Columns.
    pub columns: (usize, usize),
    /// What the block as a whole adds, one value for each explained class.
    pub values: Vec<f64>,
}

impl ImageValues {
    /// The energies of a span of pixels in keV.
    #[must_use]
    pub fn span_kev(&self, (start, end): (usize, usize)) -> (f64, f64) {
        let (low, high) = self.range_kev;
        // This way round, so that the ends are those of the range to the bit.
        let edge = |pixel: usize| {
            let share = pixel as f64 / self.side.max(1) as f64;
            low * (1.0 - share) + high * share
        };
        (edge(start), edge(end))
    }
}

/// An explanation in progress: batch after batch of masked images goes through the network.
/// [`ImageShapley::state`] between two batches can be stored and taken up again.
#[derive(Debug)]
pub struct ImageShapley<'a> {
    game: Pixels<'a>,
    partition: ImagePartition,
    range_kev: (f64, f64),
    owen: Owen<ImageBlock>,
}

impl<'a> ImageShapley<'a> {
    /// Begins: the image as it is and with everything hidden go through the network. `features` are
    /// those of the spectrum by the bundle's own model.
    ///
    /// # Errors
    /// When the model makes no image, when the network is another one than the bundle's, when a
    /// setting is out of its range, or when the network fails.
    ///
    /// # Source
    /// Partition explainer of shap 0.45.1 with its image masker.
    pub fn start(
        judge: &'a Judge,
        prepared: &Prepared,
        (network, features): (&'a ImageNetwork, &[f32]),
        settings: &ImageShapleySettings,
    ) -> Result<Self, ExplainError> {
        let (mut game, partition) = pixels(judge, prepared, (network, features), settings)?;
        let owen = OwenSettings {
            max_evals: settings.max_evals,
            batch_rows: BATCH_ROWS,
            outputs: settings.classes.clone(),
        };
        let owen = Owen::start(&partition, &mut game, owen)?;
        Ok(Self::with(judge, game, partition, owen))
    }

    /// Goes on from a state that was stored. A network without memory for masks (see
    /// [`ImageNetwork::forgetful`]) then finds the same values to the bit; otherwise they agree up to
    /// rounding.
    ///
    /// # Errors
    /// As [`ImageShapley::start`]; a state of another image is noticed by the next step.
    pub fn resume(
        judge: &'a Judge,
        prepared: &Prepared,
        (network, features): (&'a ImageNetwork, &[f32]),
        settings: &ImageShapleySettings,
        state: Owen<ImageBlock>,
    ) -> Result<Self, ExplainError> {
        let (game, partition) = pixels(judge, prepared, (network, features), settings)?;
        Ok(Self::with(judge, game, partition, state))
    }

    fn with(
        judge: &Judge,
        game: Pixels<'a>,
        partition: ImagePartition,
        owen: Owen<ImageBlock>,
    ) -> Self {
        Self {
            game,
            partition,
            range_kev: judge.bundle().contents().recipe.energy_range_kev(),
            owen,
        }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.owen.progress()
    }

    /// The state as it can be stored.
    #[must_use]
    pub const fn state(&self) -> &Owen<ImageBlock> {
        &self.owen
    }

    /// One batch more. After an error the state is as before.
    ///
    /// # Errors
    /// When the network fails, or the state is of another image.
    pub fn step(&mut self) -> Result<Progress, ExplainError> {
        Ok(self.owen.step(&self.partition, &mut self.game)?)
    }

    /// The values, once the budget is spent.
    ///
    /// # Errors
    /// When it is not, or when base and values do not add up to the logit.
    pub fn finish(&self) -> Result<ImageValues, ExplainError> {
        let found = self.owen.finish(&self.partition)?;
        let blocks = self.owen.blocks(&self.partition)?;
        #[expect(clippy::cast_possible_truncation, reason = "images are stored as f32")]
        let narrow = |column: ArrayView1<'_, f64>| column.iter().map(|v| *v as f32).collect();
        Ok(ImageValues {
            side: self.partition.shape().0,
            range_kev: self.range_kev,
            classes: found.outputs,
            base: found.base,
            full: found.full,
            blocks: blocks
                .into_iter()
                .map(|(block, values)| ValuedBlock {
                    rows: (block.rows.start, block.rows.end),
                    columns: (block.columns.start, block.columns.end),
                    values,
                })
                .collect(),
            values: found.values.columns().into_iter().map(narrow).collect(),
            evals: found.rows,
        })
    }
}

/// The image of a spectrum behind its masks, with the network.
fn pixels<'a>(
    judge: &'a Judge,
    prepared: &Prepared,
    (network, features): (&'a ImageNetwork, &[f32]),
    settings: &ImageShapleySettings,
) -> Result<(Pixels<'a>, ImagePartition), ExplainError> {
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
    let mut masked = network.images(image.view(), hidden)?;
    check_same(&mut masked, image.view(), features)?;
    Ok((Pixels { judge, masked }, *masker.partition()))
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
#[derive(Debug)]
struct Pixels<'a> {
    judge: &'a Judge,
    masked: MaskedFeatures<'a>,
}

impl Game<ImageBlock> for Pixels<'_> {
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
            HiddenPixels::Blur(0) => {
                return refuse("blur", "0".to_owned(), "1 or more pixels");
            }
            _ => {}
        }
        check_max_evals(self.max_evals)
    }
}
