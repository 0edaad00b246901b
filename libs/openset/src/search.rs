//! The published grid search: alpha and a detector's parameter by cross-validated total
//! efficiency, with known unknowns among the test samples.

use crate::{
    detector::{Detector as _, DetectorSpec},
    dime::check,
    error::OpenSetError,
    folds::{Folds, members_of_folds, stratified_folds},
    logits::{Energy, Softmax},
    merit::hard_efficiency,
    sample::{Samples, same_length},
    subspace::{Subspace, reduced},
    threshold::{ThresholdRule, check_alpha, percentile},
};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Values of k in the published grid.
pub const PUBLISHED_K: [usize; 5] = [1, 5, 10, 20, 50];

/// Temperatures in the published grid.
pub const PUBLISHED_TEMPERATURES: [f64; 6] = [0.1, 0.5, 1.0, 5.0, 10.0, 100.0];

/// Scores that agree after rounding to this are tied.
const TIE: f64 = 1e12;

/// Every alpha with every detector, alpha varying slowest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Shares of known samples that may be refused.
    pub alphas: Vec<f64>,
    /// Detectors with their parameters.
    pub detectors: Vec<DetectorSpec>,
}

impl Grid {
    /// DIME over the published alphas.
    #[must_use]
    pub fn dime(ks: &[usize]) -> Self {
        Self {
            alphas: published_alphas(),
            detectors: ks.iter().map(|&k| DetectorSpec::Dime { k }).collect(),
        }
    }

    /// Energy over the published alphas.
    #[must_use]
    pub fn energy(temperatures: &[f64]) -> Self {
        let energy = |&temperature: &f64| DetectorSpec::Energy { temperature };
        Self {
            alphas: published_alphas(),
            detectors: temperatures.iter().map(energy).collect(),
        }
    }
}

/// Ten alphas from 0.001 to 0.5, evenly spaced in their logarithm.
///
/// # Source
/// `numpy.logspace(-3, numpy.log10(0.5), 10)`.
#[must_use]
pub fn published_alphas() -> Vec<f64> {
    let (first, last) = (-3.0, 0.5f64.log10());
    let step = (last - first) / 9.0;
    let exponent = |i: usize| {
        if i == 9 {
            last
        } else {
            i as f64 * step + first
        }
    };
    (0..10).map(|i| 10f64.powf(exponent(i))).collect()
}

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

/// Scores of training and test samples for one detector of the grid.
struct Scored {
    /// Ascending.
    training: Vec<f64>,
    test: Vec<f64>,
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
        .into_par_iter()
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
    let best = best_of(&points).ok_or_else(|| inputs.nothing_usable())?;
    let all: Vec<usize> = (0..search.class_index.len()).collect();
    let refit = inputs.efficiencies(&inputs.known(&all), &all)?;
    let refit_score = refit[best].ok_or_else(|| inputs.nothing_usable())?;
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

/// Checked data of a search.
struct Inputs<'a> {
    search: TeffSearch<'a>,
    /// Features in as few coordinates as there are samples; empty without DIME in the grid.
    coordinates: Array2<f64>,
    /// Scores of all samples for every logit detector; they need no fit.
    logit_scores: Vec<Option<Vec<f64>>>,
}

impl<'a> Inputs<'a> {
    fn of(search: &TeffSearch<'a>) -> Result<Self, OpenSetError> {
        let rows = search.samples.rows();
        same_length("the list of classes", search.class_index.len(), rows)?;
        same_length(
            "the list of predicted classes",
            search.predicted.len(),
            rows,
        )?;
        search
            .grid
            .alphas
            .iter()
            .try_for_each(|&alpha| check_alpha(alpha))?;
        let is_dime = |spec: &DetectorSpec| matches!(spec, DetectorSpec::Dime { .. });
        let coordinates = if search.grid.detectors.iter().any(is_dime) {
            let features: ArrayView2<'_, f64> = search
                .samples
                .need_features(DetectorSpec::Dime { k: 1 }.name())?;
            check(features)?;
            reduced(features)
        } else {
            Array2::zeros((0, 0))
        };
        let logit_scores = search
            .grid
            .detectors
            .iter()
            .map(|spec| match *spec {
                DetectorSpec::Dime { .. } => Ok(None),
                DetectorSpec::Energy { temperature } => {
                    Energy::new(temperature)?.scores(search.samples).map(Some)
                }
                DetectorSpec::Softmax => Softmax.scores(search.samples).map(Some),
            })
            .collect::<Result<_, OpenSetError>>()?;
        Ok(Self {
            search: *search,
            coordinates,
            logit_scores,
        })
    }

    fn known(&self, rows: &[usize]) -> Vec<usize> {
        let is_known = |row: &usize| self.search.class_index[*row] < self.search.known_classes;
        rows.iter().copied().filter(is_known).collect()
    }

    /// Total efficiency of every point of the grid for one choice of training and test rows.
    fn efficiencies(
        &self,
        training: &[usize],
        test: &[usize],
    ) -> Result<Vec<Option<f64>>, OpenSetError> {
        let scored = self.scored(training, test)?;
        let grid = self.search.grid;
        let mut efficiencies = Vec::with_capacity(grid.alphas.len() * grid.detectors.len());
        for &alpha in &grid.alphas {
            for (spec, scored) in grid.detectors.iter().zip(&scored) {
                efficiencies.push(match scored {
                    None => None,
                    Some(scored) => {
                        let threshold = percentile(&scored.training, alpha, spec.interpolation())?;
                        self.efficiency(test, &scored.test, threshold)
                    }
                });
            }
        }
        Ok(efficiencies)
    }

    fn efficiency(&self, test: &[usize], scores: &[f64], threshold: f64) -> Option<f64> {
        let (mut right, mut wrong, mut known) = (0, 0, 0);
        for (&row, &score) in test.iter().zip(scores) {
            let actual = self.search.class_index[row];
            known += u64::from(actual < self.search.known_classes);
            if score >= threshold {
                let hit = self.search.predicted[row] == actual;
                right += u64::from(hit);
                wrong += u64::from(!hit);
            }
        }
        hard_efficiency(right, wrong, known, test.len() as u64)
    }

    /// Scores for every detector of the grid; `None` where k is not below the rank.
    fn scored(
        &self,
        training: &[usize],
        test: &[usize],
    ) -> Result<Vec<Option<Scored>>, OpenSetError> {
        let dime = self.dime_scores(training, test)?;
        let pick = |all: &[f64], rows: &[usize]| rows.iter().map(|&row| all[row]).collect();
        let detectors = self.search.grid.detectors.iter().zip(&self.logit_scores);
        Ok(detectors
            .map(|(spec, logit_scores)| {
                let (mut training, test): (Vec<f64>, Vec<f64>) = match (spec, logit_scores) {
                    (DetectorSpec::Dime { k }, _) => {
                        let (_, training, test) = dime.iter().find(|(of, ..)| of == k)?;
                        (training.clone(), test.clone())
                    }
                    (_, Some(all)) => (pick(all, training), pick(all, test)),
                    (_, None) => return None,
                };
                training.sort_by(f64::total_cmp);
                Some(Scored { training, test })
            })
            .collect())
    }

    /// For every usable k: k, scores of the training rows by the rule, scores of the test rows.
    fn dime_scores(
        &self,
        training: &[usize],
        test: &[usize],
    ) -> Result<Vec<(usize, Vec<f64>, Vec<f64>)>, OpenSetError> {
        let mut ks = self.ks();
        if ks.is_empty() {
            return Ok(Vec::new());
        }
        let rows = |which: &[usize]| self.coordinates.select(Axis(0), which);
        let (training_rows, test_rows) = (rows(training), rows(test));
        let space = Subspace::of(training_rows.view())?;
        ks.retain(|&k| k < space.rank());
        let training_scores = match self.search.rule {
            ThresholdRule::InSample => space.scores(training_rows.view(), &ks),
            ThresholdRule::OutOfFold { folds, seed } => {
                let classes: Vec<usize> = training
                    .iter()
                    .map(|&row| self.search.class_index[row])
                    .collect();
                let fold_of = stratified_folds(&classes, folds, seed)?;
                let (usable, scores) = inner_scores(training_rows.view(), &fold_of, &ks)?;
                ks.truncate(usable);
                scores
            }
        };
        let test_scores = space.scores(test_rows.view(), &ks);
        Ok(ks
            .into_iter()
            .enumerate()
            .map(|(i, k)| {
                (
                    k,
                    training_scores.row(i).to_vec(),
                    test_scores.row(i).to_vec(),
                )
            })
            .collect())
    }

    fn ks(&self) -> Vec<usize> {
        let mut ks: Vec<usize> = self
            .search
            .grid
            .detectors
            .iter()
            .filter_map(|spec| match spec {
                DetectorSpec::Dime { k } if *k > 0 => Some(*k),
                _ => None,
            })
            .collect();
        ks.sort_unstable();
        ks.dedup();
        ks
    }

    fn nothing_usable(&self) -> OpenSetError {
        let space = Subspace::of(self.coordinates.view());
        OpenSetError::NoCandidate {
            candidates: self.ks(),
            rank: space.map_or(0, |space| space.rank()),
        }
    }
}

/// Out-of-fold scores for as many of the ascending `ks` as every inner fold can bear.
fn inner_scores(
    rows: ArrayView2<'_, f64>,
    fold_of: &[usize],
    ks: &[usize],
) -> Result<(usize, Array2<f64>), OpenSetError> {
    let mut usable = ks.len();
    let mut scores = Array2::zeros((ks.len(), rows.nrows()));
    for fold in members_of_folds(fold_of)? {
        let space = Subspace::of(rows.select(Axis(0), &fold.training).view())?;
        usable = usable.min(ks.partition_point(|&k| k < space.rank()));
        let part = space.scores(rows.select(Axis(0), &fold.held_out).view(), &ks[..usable]);
        for (column, &row) in fold.held_out.iter().enumerate() {
            for k in 0..usable {
                scores[[k, row]] = part[[k, column]];
            }
        }
    }
    Ok((usable, scores))
}
