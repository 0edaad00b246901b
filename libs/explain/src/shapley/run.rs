//! Shapley values of either sort as one explanation in progress.

use super::{
    image::ImageShapley, image_settings::ImageShapleySettings, network::ImageNetwork,
    segments::SegmentShapley, settings::ShapleySettings, values::ShapleyValues,
};
use crate::ExplainError;
use assay_core::Classified;
use assay_pipeline::{Judge, Prepared};
use assay_shap::{ImageBlock, Owen, Progress, Span};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

/// What is hidden, and how.
#[derive(Debug, Clone)]
pub enum Hiding<'a> {
    /// Ranges of energy.
    Energies(ShapleySettings),
    /// Blocks of pixels of the image.
    Image {
        /// How.
        settings: ImageShapleySettings,
        /// The way from image to features.
        network: &'a ImageNetwork,
        /// Features of the spectrum by the model itself.
        features: &'a [f32],
    },
}

/// An explanation in progress. [`ShapleyRun::state`] between two batches can be stored and taken
/// up again.
#[derive(Debug)]
pub enum ShapleyRun<'a> {
    /// Ranges of energy.
    Energies(Box<SegmentShapley>),
    /// Blocks of pixels.
    Image(Box<ImageShapley<'a>>),
}

/// A state as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ShapleyState {
    /// Ranges of energy.
    Energies(Owen<Span>),
    /// Blocks of pixels.
    Image(Owen<ImageBlock>),
}

impl ShapleyState {
    /// How far it was.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match self {
            Self::Energies(owen) => owen.progress(),
            Self::Image(owen) => owen.progress(),
        }
    }
}

impl<'a> ShapleyRun<'a> {
    /// Begins, or goes on from a state.
    ///
    /// # Errors
    /// As [`SegmentShapley::start`] and [`ImageShapley::start`]; also for a state of the other sort.
    pub fn begin<F, E>(
        (judge, prepared): (&'a Judge, &Prepared),
        hiding: Hiding<'a>,
        state: Option<ShapleyState>,
        features: F,
    ) -> Result<Self, ExplainError>
    where
        F: FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, E>,
        E: Classified + Send + Sync + 'static,
    {
        Ok(match (hiding, state) {
            (Hiding::Energies(settings), None) => {
                let run = SegmentShapley::start(judge, prepared, &settings, features)?;
                Self::Energies(Box::new(run))
            }
            (Hiding::Energies(settings), Some(ShapleyState::Energies(state))) => {
                let run = SegmentShapley::resume(judge, prepared, &settings, state)?;
                Self::Energies(Box::new(run))
            }
            (
                Hiding::Image {
                    settings,
                    network,
                    features,
                },
                None,
            ) => {
                let asked = (network, features);
                Self::Image(Box::new(ImageShapley::start(
                    judge, prepared, asked, &settings,
                )?))
            }
            (
                Hiding::Image {
                    settings,
                    network,
                    features,
                },
                Some(ShapleyState::Image(state)),
            ) => {
                let asked = (network, features);
                let run = ImageShapley::resume(judge, prepared, asked, &settings, state)?;
                Self::Image(Box::new(run))
            }
            _ => {
                let reason = "it hides other things than are asked for".to_owned();
                return Err(assay_shap::ShapError::State { reason }.into());
            }
        })
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match self {
            Self::Energies(run) => run.progress(),
            Self::Image(run) => run.progress(),
        }
    }

    /// The state as it can be stored.
    #[must_use]
    pub fn state(&self) -> ShapleyState {
        match self {
            Self::Energies(run) => ShapleyState::Energies(run.state().clone()),
            Self::Image(run) => ShapleyState::Image(run.state().clone()),
        }
    }

    /// One batch more. After an error the state is as before. `features` is not asked where pixels
    /// are hidden.
    ///
    /// # Errors
    /// When the network fails, or the state is of another explanation.
    pub fn step<F, E>(&mut self, features: F) -> Result<Progress, ExplainError>
    where
        F: FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, E>,
        E: Classified + Send + Sync + 'static,
    {
        match self {
            Self::Energies(run) => run.step(features),
            Self::Image(run) => run.step(),
        }
    }

    /// The values, once the budget is spent.
    ///
    /// # Errors
    /// When it is not, or when base and values do not add up to the logit.
    pub fn finish(&self) -> Result<ShapleyValues, ExplainError> {
        Ok(match self {
            Self::Energies(run) => ShapleyValues::Energies(run.finish()?),
            Self::Image(run) => ShapleyValues::Image(run.finish()?),
        })
    }
}
