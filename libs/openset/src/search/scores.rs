//! Scores and efficiencies of one fold, for the whole grid at once.

use super::TeffSearch;
use crate::{
    detector::{Detector as _, DetectorSpec},
    dime::check,
    error::OpenSetError,
    folds::{FoldMembers, members_of_folds, stratified_folds},
    logits::{Energy, Softmax},
    merit::hard_efficiency,
    sample::same_length,
    subspace::{Subspace, reduced},
    threshold::{ThresholdRule, check_alpha, percentile},
};
use ndarray::{Array2, ArrayView2, Axis};

/// Scores of training and test samples for one detector of the grid.
#[derive(Clone)]
struct Scored {
    /// Ascending.
    training: Vec<f64>,
    /// In the order of the test rows.
    test: Vec<f64>,
}

impl Scored {
    fn new(mut training: Vec<f64>, test: Vec<f64>) -> Self {
        training.sort_by(f64::total_cmp);
        Self { training, test }
    }
}

/// Checked data of a search.
pub(super) struct Inputs<'a> {
    search: TeffSearch<'a>,
    /// Features in as few coordinates as there are samples; empty without DIME in the grid.
    coordinates: Array2<f64>,
    /// Scores of all samples for every logit detector; they need no fit.
    logit_scores: Vec<Option<Vec<f64>>>,
}

impl<'a> Inputs<'a> {
    pub(super) fn of(search: &TeffSearch<'a>) -> Result<Self, OpenSetError> {
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

    pub(super) fn known(&self, rows: &[usize]) -> Vec<usize> {
        let is_known = |row: &usize| self.search.class_index[*row] < self.search.known_classes;
        rows.iter().copied().filter(is_known).collect()
    }

    /// Total efficiency of every point of the grid for one choice of training and test rows.
    pub(super) fn efficiencies(
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
            .map(|(spec, logit_scores)| match (spec, logit_scores) {
                (DetectorSpec::Dime { k }, _) => dime
                    .iter()
                    .find(|(of, _)| of == k)
                    .map(|(_, scored)| scored.clone()),
                (_, Some(all)) => Some(Scored::new(pick(all, training), pick(all, test))),
                (_, None) => None,
            })
            .collect())
    }

    /// Scores for every usable k: those of the training rows by the rule, those of the test rows.
    fn dime_scores(
        &self,
        training: &[usize],
        test: &[usize],
    ) -> Result<Vec<(usize, Scored)>, OpenSetError> {
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
        let of_k = |i: usize| {
            let [training, test] = [&training_scores, &test_scores].map(|s| s.row(i).to_vec());
            Scored::new(training, test)
        };
        Ok(ks.iter().enumerate().map(|(i, &k)| (k, of_k(i))).collect())
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

    /// The error for a grid without any usable point.
    pub(super) fn nothing_usable(&self, folds: &[FoldMembers]) -> OpenSetError {
        let rank = |fold: &FoldMembers| {
            let training = self
                .coordinates
                .select(Axis(0), &self.known(&fold.training));
            Subspace::of(training.view()).map_or(0, |space| space.rank())
        };
        OpenSetError::NoCandidate {
            candidates: self.ks(),
            rank: folds.iter().map(rank).min().unwrap_or(0),
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
