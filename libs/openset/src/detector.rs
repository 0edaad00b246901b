//! The seam behind which every open-set detector stands.

use crate::{
    dime::Dime,
    error::OpenSetError,
    logits::{Energy, Softmax},
    sample::{Sample, Samples},
    threshold::Interpolation,
};
use ndarray::ArrayD;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Arrays of a fitted detector or gate by name, as they are stored.
pub type NamedArrays = BTreeMap<String, ArrayD<f64>>;

/// What a detector scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The features in front of the last dense layer.
    Features,
    /// The logits behind it.
    Logits,
}

/// A fitted detector. Another one joins by implementing this trait and by a variant of
/// [`DetectorSpec`].
pub trait Detector: fmt::Debug + Send + Sync {
    /// Its kind and parameters.
    fn spec(&self) -> DetectorSpec;

    /// Score of one sample: higher is more like the training samples.
    ///
    /// # Errors
    /// When the sample lacks what is needed, has another length, or holds NaN or infinity.
    fn score(&self, sample: Sample<'_>) -> Result<f64, OpenSetError>;

    /// What has to be stored besides the parameters.
    fn arrays(&self) -> NamedArrays {
        NamedArrays::new()
    }

    /// Scores of many samples; each equals [`Detector::score`] of its row.
    ///
    /// # Errors
    /// As [`Detector::score`], naming the row.
    fn scores(&self, samples: Samples<'_>) -> Result<Vec<f64>, OpenSetError> {
        (0..samples.rows())
            .into_par_iter()
            .map(|row| {
                self.score(samples.row(row))
                    .map_err(|error| error.in_row(row))
            })
            .collect()
    }
}

/// Kind and parameters of a detector.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "detector", rename_all = "snake_case", deny_unknown_fields)]
pub enum DetectorSpec {
    /// Distance from the subspace of the training features.
    Dime {
        /// Number of right singular vectors.
        k: usize,
    },
    /// Negative free energy of the logits.
    Energy {
        /// Temperature of the free energy.
        temperature: f64,
    },
    /// Largest class probability.
    Softmax,
}

impl DetectorSpec {
    /// Name as in files and messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Dime { .. } => Dime::NAME,
            Self::Energy { .. } => Energy::NAME,
            Self::Softmax => Softmax::NAME,
        }
    }

    /// What it scores.
    #[must_use]
    pub const fn input(&self) -> Input {
        match self {
            Self::Dime { .. } => Input::Features,
            Self::Energy { .. } | Self::Softmax => Input::Logits,
        }
    }

    /// How its threshold is taken between two training scores.
    ///
    /// # Source
    /// PyChemAuth: linear for DIME, the lower score for Energy and Softmax.
    #[must_use]
    pub const fn interpolation(&self) -> Interpolation {
        match self {
            Self::Dime { .. } => Interpolation::Linear,
            Self::Energy { .. } | Self::Softmax => Interpolation::Lower,
        }
    }

    /// Fits the detector.
    ///
    /// # Shapes
    /// Features `[n, F]` or logits `[n, K]`, by [`DetectorSpec::input`].
    ///
    /// # Errors
    /// When the samples lack what is needed or hold NaN or infinity, or a parameter is not
    /// allowed, such as `k` at or above the rank.
    pub fn fit(&self, samples: Samples<'_>) -> Result<Arc<dyn Detector>, OpenSetError> {
        Ok(match *self {
            Self::Dime { k } => Arc::new(Dime::fit(samples.need_features(Dime::NAME)?, k)?),
            Self::Energy { temperature } => Arc::new(Energy::new(temperature)?),
            Self::Softmax => Arc::new(Softmax),
        })
    }

    /// Brings a stored detector back.
    ///
    /// # Errors
    /// When an array is missing, has the wrong shape or holds NaN or infinity.
    pub fn restore(&self, arrays: &NamedArrays) -> Result<Arc<dyn Detector>, OpenSetError> {
        Ok(match *self {
            Self::Dime { k } => Arc::new(Dime::restore(k, arrays)?),
            Self::Energy { temperature } => Arc::new(Energy::new(temperature)?),
            Self::Softmax => Arc::new(Softmax),
        })
    }
}
