//! Shapley values of the pixels of the image that a model sees, by hiding blocks of them. Only what
//! a block makes new is computed again.

use super::{
    image_settings::{HiddenPixels, ImageShapleySettings},
    image_values::{ImageValues, ValuedBlock},
    network::ImageNetwork,
    settings::owen_settings,
};
use crate::ExplainError;
use assay_infer::{InferError, Mask, MaskedFeatures, Rectangle};
use assay_pipeline::{Judge, PipelineError, Prepared};
use assay_shap::{
    BlurKernel, Game, ImageBlock, ImageMasker, ImagePartition, Owen, Progress, Query, ShapError,
};
use ndarray::{Array2, ArrayView2, Axis};

/// How far features by way of the pieces may lie from those of the model, as a part of the largest
/// feature. What is beyond is another network, not rounding.
const SAME_NETWORK: f64 = 1e-3;

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
        let owen = owen_settings(settings.max_evals, &settings.classes);
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
        let found = self.owen.blocks(&self.partition)?;
        Ok(ImageValues {
            side: self.partition.shape().0,
            range_kev: self.range_kev,
            classes: found.outputs,
            base: found.base,
            full: found.full,
            blocks: found
                .blocks
                .into_iter()
                .map(|(block, values)| ValuedBlock {
                    rows: (block.rows.start, block.rows.end),
                    columns: (block.columns.start, block.columns.end),
                    values,
                })
                .collect(),
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
