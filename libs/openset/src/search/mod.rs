//! The published grid search: alpha and a detector's parameter by cross-validated total
//! efficiency, with known unknowns among the test samples.

mod grid;
mod scores;

pub use grid::{Grid, PUBLISHED_K, PUBLISHED_TEMPERATURES, published_alphas};

use crate::{
    detector::DetectorSpec,
    error::OpenSetError,
    folds::{Folds, members_of_folds},
    sample::Samples,
    threshold::ThresholdRule,
};
use rayon::prelude::*;
use scores::Inputs;
use serde::{Deserialize, Serialize};

/// Scores that agree after rounding to this are tied.
const TIE: f64 = 1e12;

/// What is searched, and over what.
#[derive(Debug, Clone, Copy)]
pub struct TeffSearch<'a> {
    /// All samples, known and known unknown.
    pub samples: Samples<'a>,
    /// Class of each row; `known_classes` and above are known unknowns.
    pub class_index: &'a [usize],
    /// Number of known classes.
    pub known_classes: usize,
    /// What the closed-set classifier says about each row.
    pub predicted: &'a [usize],
    /// The grid.
    pub grid: &'a Grid,
    /// Outer folds, stratified over known and unknown classes.
    pub folds: Folds<'a>,
    /// Which training scores set the thresholds; the published way is in-sample. Scores of
    /// logits count as out of fold when the logits are.
    pub rule: ThresholdRule,
}

/// One point of the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridPoint {
    /// Share of known samples that may be refused.
    pub alpha: f64,
    /// Detector with its parameter.
    pub detector: DetectorSpec,
    /// Total efficiency in each fold; `None` where `k` is not below the rank.
    pub split_scores: Vec<Option<f64>>,
    /// Mean over the folds; `None` when a fold has no score.
    pub mean: Option<f64>,
    /// Population standard deviation over the folds.
    pub standard_deviation: Option<f64>,
}

/// What the search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeffResult {
    /// All points in grid order.
    pub points: Vec<GridPoint>,
    /// Position of the best point: the first of the highest mean.
    pub best: usize,
    /// Total efficiency of the best point, fitted on all known samples, over all samples.
    pub refit_score: f64,
}

impl TeffResult {
    /// The best point.
    #[must_use]
    pub fn best_point(&self) -> Option<&GridPoint> {
        self.points.get(self.best)
    }
}

/// Cross-validated total efficiency (hard style, all known classes) of every point. A fold's
/// decomposition serves every k, and its sorted scores serve every alpha.
///
/// # Errors
/// When a value is not finite, lengths differ, a class has one member, a fold has no known
/// training sample, an alpha or temperature is not allowed, or no point has a score.
///
/// # Source
/// scikit-learn `GridSearchCV` over PyChemAuth's `OpenSetClassifier`, as in its tutorial.
pub fn teff(search: &TeffSearch<'_>) -> Result<TeffResult, OpenSetError> {
    let inputs = Inputs::of(search)?;
    let folds = members_of_folds(&search.folds.of_rows(search.class_index)?)?;
    let per_fold = folds
        .par_iter()
        .map(|fold| {
            let known = inputs.known(&fold.training);
            if known.is_empty() {
                let side = "known training";
                return Err(OpenSetError::EmptyFold {
                    fold: fold.index,
                    side,
                });
            }
            inputs.efficiencies(&known, &fold.held_out)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let points: Vec<GridPoint> = (0..search.grid.alphas.len() * search.grid.detectors.len())
        .map(|position| {
            let split_scores = per_fold.iter().map(|fold| fold[position]).collect();
            point(search.grid, position, split_scores)
        })
        .collect();
    let best = best_of(&points).ok_or_else(|| inputs.nothing_usable(&folds))?;
    let all: Vec<usize> = (0..search.class_index.len()).collect();
    let refit = inputs.efficiencies(&inputs.known(&all), &all)?;
    let refit_score = refit[best].ok_or_else(|| inputs.nothing_usable(&folds))?;
    Ok(TeffResult {
        points,
        best,
        refit_score,
    })
}

fn point(grid: &Grid, position: usize, split_scores: Vec<Option<f64>>) -> GridPoint {
    let scores: Option<Vec<f64>> = split_scores.iter().copied().collect();
    let n = split_scores.len() as f64;
    let mean = scores.as_ref().map(|scores| scores.iter().sum::<f64>() / n);
    let variance = scores.zip(mean).map(|(scores, mean)| {
        scores
            .iter()
            .map(|score| (score - mean).powi(2))
            .sum::<f64>()
            / n
    });
    GridPoint {
        alpha: grid.alphas[position / grid.detectors.len()],
        detector: grid.detectors[position % grid.detectors.len()],
        split_scores,
        mean,
        standard_deviation: variance.map(f64::sqrt),
    }
}

fn best_of(points: &[GridPoint]) -> Option<usize> {
    let rounded = |point: &GridPoint| point.mean.map(|mean| (mean * TIE).round());
    (0..points.len())
        .filter(|&i| points[i].mean.is_some())
        .reduce(|best, i| {
            if rounded(&points[i]) > rounded(&points[best]) {
                i
            } else {
                best
            }
        })
}
