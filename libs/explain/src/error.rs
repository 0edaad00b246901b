//! What can go wrong on the way from an answer to its reasons.

use assay_core::{Classified, ErrorKind};

/// A failure to explain an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The model does not give its feature map.
    #[error(
        "the model has no output \"feature_map\", so it cannot be explained; train it again, or \
         export it with that output"
    )]
    NoMap,
    /// Something other than pooling or flattening stands between map and head.
    #[error(
        "a class activation map needs a dense layer straight on the last feature map, after \
         global average pooling (cnn1d gap or small_gap, cnn2d) or on all its positions (cnn1d \
         flatten); this model has {features} features and a map of shape {map:?}, {reason}"
    )]
    NotOnTheMap {
        /// Number of features.
        features: usize,
        /// Shape of the map, channels first.
        map: Vec<usize>,
        /// What does not fit.
        reason: &'static str,
    },
    /// Averaged gradients on a head that weighs every position by itself.
    #[error(
        "Grad-CAM cannot explain a dense layer on all positions (cnn1d flatten); use HiResCAM, or \
         a model with global average pooling: cnn1d gap or small_gap, or cnn2d"
    )]
    NeedsHiRes,
    /// A map of an image that is not square has no symmetric form.
    #[error(
        "the feature map has {height} × {width} positions; only a square map of a Gramian image \
         can be reduced to energies"
    )]
    NotSquare {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// No such class.
    #[error("class is {class}; allowed: 0 to {}", classes.saturating_sub(1))]
    Class {
        /// The index asked for.
        class: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A value of the map or of the importances is not a number or not finite.
    #[error("the class activation map has {value} at position {position}; it must be finite")]
    NotFinite {
        /// Position, row-major.
        position: usize,
        /// The value.
        value: f32,
    },
    /// A setting outside its range.
    #[error("{name} is {value}; allowed: {allowed}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// More of something than the model has.
    #[error("{name} is {value}, but the model has {most} {what}; no more are allowed")]
    Exceeds {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: usize,
        /// How many the model has.
        most: usize,
        /// Of what.
        what: &'static str,
    },
    /// Pixels are explained where there are none.
    #[error(
        "the model works on the spectrum itself and makes no image; explain ranges of energy instead"
    )]
    NoImage,
    /// The way from image to features gives something else than the model.
    #[error(
        "the model's network does not give the model's features when it is run from the image on, \
         so it is another one than bundle.json says; explain ranges of energy instead"
    )]
    OtherNetwork,
    /// The bundle was written before the mean of the training spectra was kept.
    #[error(
        "the bundle holds no mean of its training spectra, since it was made by an earlier version; \
         hide ranges behind their local background, or train the model again"
    )]
    NoTrainingMean,
    /// Features came for another number of spectra.
    #[error("features of {found} spectra came for {expected}")]
    Rows {
        /// Rows that came.
        found: usize,
        /// Rows that were asked for.
        expected: usize,
    },
    /// The peaks cannot be found or taken out.
    #[error(transparent)]
    Peaks(#[from] assay_peaks::PeakError),
    /// Shapley values cannot be had.
    #[error(transparent)]
    Shapley(#[from] assay_shap::ShapError),
    /// The answer itself failed.
    #[error(transparent)]
    Pipeline(#[from] assay_pipeline::PipelineError),
}

impl Classified for ExplainError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoImage
            | Self::OtherNetwork
            | Self::NoTrainingMean
            | Self::NoMap
            | Self::NotOnTheMap { .. }
            | Self::NeedsHiRes
            | Self::NotSquare { .. } => ErrorKind::FailedPrecondition,
            Self::Class { .. }
            | Self::NotFinite { .. }
            | Self::Setting { .. }
            | Self::Exceeds { .. } => ErrorKind::InvalidArgument,
            Self::Rows { .. } => ErrorKind::Internal,
            Self::Peaks(error) => error.kind(),
            Self::Shapley(error) => error.kind(),
            Self::Pipeline(error) => error.kind(),
        }
    }
}
