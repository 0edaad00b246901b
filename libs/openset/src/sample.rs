//! What detectors look at: features, logits or both, of one sample or of many.

use crate::error::OpenSetError;
use ndarray::{ArrayView1, ArrayView2};

/// Views of many samples; row `i` of both arrays is the same sample.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    features: Option<ArrayView2<'a, f64>>,
    logits: Option<ArrayView2<'a, f64>>,
}

impl<'a> Samples<'a> {
    /// Samples with features only.
    ///
    /// # Shapes
    /// `[n, F]`.
    #[must_use]
    pub const fn features(features: ArrayView2<'a, f64>) -> Self {
        Self {
            features: Some(features),
            logits: None,
        }
    }

    /// Samples with logits only.
    ///
    /// # Shapes
    /// `[n, K]`.
    #[must_use]
    pub const fn logits(logits: ArrayView2<'a, f64>) -> Self {
        Self {
            features: None,
            logits: Some(logits),
        }
    }

    /// Samples with features and logits.
    ///
    /// # Shapes
    /// `[n, F]` and `[n, K]`.
    ///
    /// # Errors
    /// When the numbers of rows differ.
    pub fn both(
        features: ArrayView2<'a, f64>,
        logits: ArrayView2<'a, f64>,
    ) -> Result<Self, OpenSetError> {
        same_length("logits", logits.nrows(), features.nrows())?;
        Ok(Self {
            features: Some(features),
            logits: Some(logits),
        })
    }

    /// Number of samples.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.features.or(self.logits).map_or(0, |view| view.nrows())
    }

    /// One sample.
    ///
    /// # Panics
    /// When there is no such row, as indexing does.
    #[must_use]
    pub fn row(&self, row: usize) -> Sample<'a> {
        Sample {
            features: self
                .features
                .map(|view| view.index_axis_move(ndarray::Axis(0), row)),
            logits: self
                .logits
                .map(|view| view.index_axis_move(ndarray::Axis(0), row)),
        }
    }

    /// The features, or an error naming who needs them.
    pub(crate) fn need_features(
        &self,
        detector: &'static str,
    ) -> Result<ArrayView2<'a, f64>, OpenSetError> {
        need(self.features, detector, "features")
    }
}

/// One sample.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Feature vector, `[F]`.
    pub features: Option<ArrayView1<'a, f64>>,
    /// Logits, `[K]`.
    pub logits: Option<ArrayView1<'a, f64>>,
}

impl<'a> Sample<'a> {
    /// A sample with features and logits.
    #[must_use]
    pub fn new(features: &'a [f64], logits: &'a [f64]) -> Self {
        Self {
            features: Some(features.into()),
            logits: Some(logits.into()),
        }
    }

    /// The features, checked and contiguous, or an error naming who needs them.
    pub(crate) fn finite_features(&self, detector: &'static str) -> Result<Vec<f64>, OpenSetError> {
        finite_row("features", need(self.features, detector, "features")?)
    }

    /// The logits, checked and contiguous, or an error naming who needs them.
    pub(crate) fn finite_logits(&self, detector: &'static str) -> Result<Vec<f64>, OpenSetError> {
        let logits = finite_row("logits", need(self.logits, detector, "logits")?)?;
        if logits.is_empty() {
            return Err(OpenSetError::Empty {
                what: "logits",
                least: 1,
                unit: "class is",
            });
        }
        Ok(logits)
    }
}

fn need<T>(
    present: Option<T>,
    detector: &'static str,
    needs: &'static str,
) -> Result<T, OpenSetError> {
    present.ok_or(OpenSetError::Missing { detector, needs })
}

fn finite_row(what: &'static str, view: ArrayView1<'_, f64>) -> Result<Vec<f64>, OpenSetError> {
    match view.iter().position(|value| !value.is_finite()) {
        Some(column) => Err(OpenSetError::NotFinite {
            what,
            row: 0,
            column,
            value: view[column],
        }),
        None => Ok(view.to_vec()),
    }
}

/// Refuses NaN and infinity, naming the first place.
pub(crate) fn finite(what: &'static str, view: ArrayView2<'_, f64>) -> Result<(), OpenSetError> {
    match view.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(OpenSetError::NotFinite {
            what,
            row,
            column,
            value,
        }),
        None => Ok(()),
    }
}

/// Refuses NaN and infinity in a list of scores.
pub(crate) fn finite_scores(scores: &[f64]) -> Result<(), OpenSetError> {
    match scores.iter().position(|score| !score.is_finite()) {
        Some(row) => Err(OpenSetError::NotFinite {
            what: "scores",
            row,
            column: 0,
            value: scores[row],
        }),
        None => Ok(()),
    }
}

/// Refuses a length that is not the expected one.
pub(crate) fn same_length(
    what: &'static str,
    actual: usize,
    expected: usize,
) -> Result<(), OpenSetError> {
    if actual == expected {
        Ok(())
    } else {
        Err(OpenSetError::Length {
            what,
            actual,
            expected,
        })
    }
}
