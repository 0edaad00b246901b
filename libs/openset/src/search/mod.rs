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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    const ROWS: usize = 36;

    fn features() -> Array2<f64> {
        Array2::from_shape_fn((ROWS, 9), |(i, j)| {
            let class = i % 4;
            ((i * i * 3 + j * j * 5 + i * j) % 13) as f64 / 6.0 + if j == class { 8.0 } else { 0.0 }
        })
    }

    fn classes() -> Vec<usize> {
        (0..ROWS).map(|row| row % 4).collect()
    }

    fn search<'a>(
        samples: Samples<'a>,
        classes: &'a [usize],
        grid: &'a Grid,
        rule: ThresholdRule,
    ) -> TeffSearch<'a> {
        TeffSearch {
            samples,
            class_index: classes,
            known_classes: 3,
            predicted: classes,
            grid,
            folds: Folds::default(),
            rule,
        }
    }

    #[test]
    fn k_at_or_above_the_rank_has_no_score_and_never_wins() {
        let (features, classes) = (features(), classes());
        for rule in [ThresholdRule::InSample, ThresholdRule::default()] {
            let grid = Grid::dime(&[9, 2, 40, 0]);
            let samples = Samples::features(features.view());
            let result = teff(&search(samples, &classes, &grid, rule)).unwrap();
            for point in &result.points {
                assert_eq!(
                    point.mean.is_some(),
                    point.detector == DetectorSpec::Dime { k: 2 }
                );
            }
            let best = result.best_point().unwrap();
            assert_eq!(best.detector, DetectorSpec::Dime { k: 2 });
            let grid = Grid::dime(&[9]);
            let error = teff(&search(samples, &classes, &grid, rule)).unwrap_err();
            assert!(
                matches!(error, OpenSetError::NoCandidate { rank: 9, .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn ties_go_to_the_first_point() {
        let point = |mean: Option<f64>| GridPoint {
            alpha: 0.1,
            detector: DetectorSpec::Softmax,
            split_scores: Vec::new(),
            mean,
            standard_deviation: None,
        };
        let means = [None, Some(0.5), Some(0.9 - 1e-14), Some(0.9), Some(0.7)];
        assert_eq!(best_of(&means.map(point)), Some(2));
        assert_eq!(best_of(&[None, None].map(point)), None);
    }

    #[test]
    fn logits_are_searched_over_temperatures() {
        let (features, classes) = (features(), classes());
        let grid = Grid::energy(&PUBLISHED_TEMPERATURES);
        let samples = Samples::logits(features.view());
        let result = teff(&search(samples, &classes, &grid, ThresholdRule::InSample)).unwrap();
        assert_eq!(result.points.len(), 60);
        assert_eq!(result.points[6].alpha, grid.alphas[1]);
        assert!(
            result
                .points
                .iter()
                .all(|point| point.split_scores.len() == 5)
        );
    }

    #[test]
    fn refuses_what_does_not_fit_together() {
        let (features, classes) = (features(), classes());
        let grid = Grid::dime(&[2]);
        let rule = ThresholdRule::InSample;
        let samples = Samples::features(features.view());
        let short = TeffSearch {
            predicted: &classes[1..],
            ..search(samples, &classes, &grid, rule)
        };
        assert!(matches!(teff(&short), Err(OpenSetError::Length { .. })));
        let no_known = TeffSearch {
            known_classes: 0,
            ..search(samples, &classes, &grid, rule)
        };
        assert!(matches!(
            teff(&no_known),
            Err(OpenSetError::EmptyFold { .. })
        ));
        let logits_only = search(Samples::logits(features.view()), &classes, &grid, rule);
        assert!(matches!(
            teff(&logits_only),
            Err(OpenSetError::Missing { .. })
        ));
        let grid = Grid {
            alphas: vec![1.0],
            ..grid.clone()
        };
        let alpha = search(samples, &classes, &grid, rule);
        assert!(matches!(teff(&alpha), Err(OpenSetError::Alpha { .. })));
    }
}
