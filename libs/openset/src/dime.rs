//! DIME: distance to the modelled embedding.

use crate::{
    detector::{Detector, DetectorSpec, NamedArrays},
    error::OpenSetError,
    folds::members_of_folds,
    sample::{Sample, finite, same_length},
    subspace::{self, Subspace},
};
use ndarray::{Array2, ArrayView2, Axis, Ix2, s};
use rayon::prelude::*;

/// Minus the distance of a sample from the span of the top right singular vectors of the
/// uncentred training features.
///
/// # Source
/// Sjögren and Trygg, arXiv:2108.10673. Deviation: `k` at or above the rank is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Dime {
    /// `[k, F]`, orthonormal rows.
    basis: Array2<f64>,
}

impl Dime {
    pub(crate) const NAME: &str = "dime";
    const BASIS: &str = "basis";

    /// Fits the subspace.
    ///
    /// # Shapes
    /// `[n, F]`.
    ///
    /// # Errors
    /// When a value is not finite, or `k` is 0 or not below the numerical rank.
    pub fn fit(features: ArrayView2<'_, f64>, k: usize) -> Result<Self, OpenSetError> {
        check(features)?;
        let space = Subspace::of(features)?;
        below_rank(&[k], &space, features.nrows(), None)?;
        Ok(Self {
            basis: space.basis.slice(s![..k, ..]).to_owned(),
        })
    }

    /// The orthonormal basis, `[k, F]`, by falling singular value; signs are arbitrary.
    #[must_use]
    pub fn basis(&self) -> ArrayView2<'_, f64> {
        self.basis.view()
    }

    pub(crate) fn restore(k: usize, arrays: &NamedArrays) -> Result<Self, OpenSetError> {
        let damaged = |reason: String| OpenSetError::Stored { reason };
        let stored = arrays
            .get(Self::BASIS)
            .ok_or_else(|| damaged(format!("array {:?} is missing", Self::BASIS)))?;
        let basis = stored
            .view()
            .into_dimensionality::<Ix2>()
            .ok()
            .filter(|basis| basis.nrows() == k && k > 0 && basis.ncols() > 0)
            .ok_or_else(|| {
                let shape = stored.shape();
                damaged(format!(
                    "{:?} has shape {shape:?}, expected [{k}, F]",
                    Self::BASIS
                ))
            })?;
        if !basis.iter().all(|value| value.is_finite()) {
            return Err(damaged(format!("{:?} holds NaN or infinity", Self::BASIS)));
        }
        Ok(Self {
            basis: basis.as_standard_layout().into_owned(),
        })
    }
}

impl Detector for Dime {
    fn spec(&self) -> DetectorSpec {
        DetectorSpec::Dime {
            k: self.basis.nrows(),
        }
    }

    fn score(&self, sample: Sample<'_>) -> Result<f64, OpenSetError> {
        let features = sample.finite_features(Self::NAME)?;
        same_length("the feature vector", features.len(), self.basis.ncols())?;
        Ok(subspace::score(features, self.basis.view()))
    }

    fn arrays(&self) -> NamedArrays {
        NamedArrays::from([(Self::BASIS.to_owned(), self.basis.clone().into_dyn())])
    }
}

/// DIME scores of every sample from the subspace of the other folds, for several `k` at once.
///
/// # Shapes
/// Features `[n, F]`, fold of each row `[n]`; returns `[ks, n]` in the order of `ks`.
///
/// # Errors
/// When a value is not finite, there is only one fold, or a `k` is not below the rank of some
/// fold's training samples.
pub fn dime_out_of_fold_scores(
    features: ArrayView2<'_, f64>,
    fold_of: &[usize],
    ks: &[usize],
) -> Result<Array2<f64>, OpenSetError> {
    check(features)?;
    same_length("the list of folds", fold_of.len(), features.nrows())?;
    let coordinates = subspace::reduced(features);
    let mut ascending = ks.to_vec();
    ascending.sort_unstable();
    let parts: Vec<(Vec<usize>, Array2<f64>)> = members_of_folds(fold_of)?
        .into_par_iter()
        .map(|fold| {
            let training = coordinates.select(Axis(0), &fold.training);
            let space = Subspace::of(training.view())?;
            below_rank(&ascending, &space, training.nrows(), Some(fold.index))?;
            let held_out = coordinates.select(Axis(0), &fold.held_out);
            let scores = space.scores(held_out.view(), &ascending);
            Ok((fold.held_out, scores))
        })
        .collect::<Result<_, OpenSetError>>()?;
    let mut all = Array2::zeros((ks.len(), features.nrows()));
    for (position, k) in ks.iter().enumerate() {
        let sorted = ascending.partition_point(|other| other < k);
        for (rows, scores) in &parts {
            for (column, &row) in rows.iter().enumerate() {
                all[[position, row]] = scores[[sorted, column]];
            }
        }
    }
    Ok(all)
}

pub(crate) fn check(features: ArrayView2<'_, f64>) -> Result<(), OpenSetError> {
    if features.is_empty() {
        return Err(OpenSetError::Empty {
            what: "features",
            least: 1,
            unit: "row and column are",
        });
    }
    finite("features", features)
}

pub(crate) fn below_rank(
    ks: &[usize],
    space: &Subspace,
    rows: usize,
    fold: Option<usize>,
) -> Result<(), OpenSetError> {
    let rank = space.rank();
    match ks.iter().find(|&&k| k == 0 || k >= rank) {
        Some(&k) => Err(OpenSetError::Rank {
            k,
            rank,
            rows,
            fold,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> Array2<f64> {
        Array2::from_shape_fn((12, 5), |(i, j)| {
            ((i * 7 + j * j * 3) % 11) as f64 + 0.1 * j as f64
        })
    }

    #[test]
    fn refuses_k_at_or_above_the_rank_by_name() {
        for k in [0, 5, 6] {
            let message = Dime::fit(features().view(), k).unwrap_err().to_string();
            assert!(
                message.contains(&format!("k {k} ")) && message.contains("rank 5"),
                "{message}"
            );
        }
        assert!(Dime::fit(features().view(), 4).is_ok());
    }

    #[test]
    fn names_the_place_of_a_nan() {
        let mut bad = features();
        bad[[7, 2]] = f64::NAN;
        let message = Dime::fit(bad.view(), 1).unwrap_err().to_string();
        assert!(
            message.contains("row 7, column 2 of the features"),
            "{message}"
        );
        let dime = Dime::fit(features().view(), 1).unwrap();
        let message = dime
            .scores(crate::Samples::features(bad.view()))
            .unwrap_err()
            .to_string();
        assert!(message.contains("row 7, column 2"), "{message}");
    }

    #[test]
    fn out_of_fold_scores_are_those_of_a_refit_without_the_fold() {
        let features = features();
        let fold_of: Vec<_> = (0..12).map(|i| i % 3).collect();
        let scores = dime_out_of_fold_scores(features.view(), &fold_of, &[3, 1]).unwrap();
        for row in 0..12 {
            let others: Vec<_> = (0..12).filter(|i| i % 3 != row % 3).collect();
            let training = features.select(Axis(0), &others);
            for (position, k) in [3, 1].into_iter().enumerate() {
                let refit = Dime::fit(training.view(), k).unwrap();
                let sample = Sample {
                    features: Some(features.row(row)),
                    logits: None,
                };
                let expected = refit.score(sample).unwrap();
                assert!((scores[[position, row]] - expected).abs() < 1e-12);
            }
        }
    }
}
