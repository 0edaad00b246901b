//! Choice of k for DIME: every class once plays the unknown, and the k that tells it best from
//! the others wins.

use crate::{
    auroc::auroc,
    dime::check,
    error::OpenSetError,
    folds::{Folds, members_of_folds},
    sample::same_length,
    subspace::{Subspace, reduced},
};
use ndarray::{Array2, ArrayView2, Axis, concatenate};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Candidates for k when the user names none.
pub const DEFAULT_CANDIDATES: [usize; 5] = [5, 10, 20, 50, 100];

/// Mean AUROCs no further apart than this count as equal, and the smaller k wins.
pub const SAME_AUROC: f64 = 0.001;

/// Samples of classes that are known to be unknown.
#[derive(Debug, Clone, Copy)]
pub struct KnownUnknowns<'a> {
    /// Features, `[m, F]`.
    pub features: ArrayView2<'a, f64>,
    /// Class of each row, `[m]`, counted on its own from 0.
    pub class_index: &'a [usize],
}

/// What k is chosen from.
#[derive(Debug, Clone, Copy)]
pub struct KSearch<'a> {
    /// Features of the known samples, `[n, F]`.
    pub features: ArrayView2<'a, f64>,
    /// Known class of each row, `[n]`.
    pub class_index: &'a [usize],
    /// Further classes to leave out, where there are some.
    pub known_unknowns: Option<KnownUnknowns<'a>>,
    /// Values of k to compare.
    pub candidates: &'a [usize],
    /// Folds in which the known are scored.
    pub folds: Folds<'a>,
}

impl<'a> KSearch<'a> {
    /// The default search over known samples.
    #[must_use]
    pub fn new(features: ArrayView2<'a, f64>, class_index: &'a [usize]) -> Self {
        Self {
            features,
            class_index,
            known_unknowns: None,
            candidates: &DEFAULT_CANDIDATES,
            folds: Folds::default(),
        }
    }
}

/// How well one left-out class is told from the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassAuroc {
    /// Index of the class, among the known or among the known unknowns.
    pub class: usize,
    /// Whether it is a known unknown.
    pub known_unknown: bool,
    /// Area under the curve of the known (out of fold) against this class.
    pub auroc: f64,
}

/// What one k achieves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KScore {
    /// The candidate.
    pub k: usize,
    /// Mean over left-out classes.
    pub mean_auroc: f64,
    /// Smallest over left-out classes.
    pub worst_auroc: f64,
    /// Every left-out class.
    pub per_class: Vec<ClassAuroc>,
}

/// The chosen k and what it was chosen from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KChoice {
    /// The choice.
    pub k: usize,
    /// All usable candidates, ascending.
    pub per_k: Vec<KScore>,
    /// Candidates not below the smallest rank.
    pub skipped: Vec<usize>,
    /// Smallest rank of all training subsets met.
    pub rank: usize,
}

/// One subspace to fit and the rows it scores.
struct Job {
    task: usize,
    outliers: bool,
    training: Vec<usize>,
    scored: Vec<usize>,
}

/// Chooses k by leave-one-class-out AUROC. For each known class left out, a subspace of all the
/// others scores it, and the others are scored out of fold; known unknowns are scored by the
/// subspace of all known. Mean AUROCs within [`SAME_AUROC`] of the best go to the smallest k.
///
/// # Errors
/// When a value is not finite, lengths differ, a class has one member, there is nothing to leave
/// out, or no candidate is below the rank.
pub fn choose_k(search: &KSearch<'_>) -> Result<KChoice, OpenSetError> {
    check(search.features)?;
    same_length(
        "the list of classes",
        search.class_index.len(),
        search.features.nrows(),
    )?;
    let fold_of = search.folds.of_rows(search.class_index)?;
    let features = all_features(search)?;
    let coordinates = reduced(features.view());
    let (tasks, jobs) = plan(search, &fold_of)?;

    let candidates: BTreeSet<usize> = search
        .candidates
        .iter()
        .copied()
        .filter(|&k| k > 0)
        .collect();
    let candidates: Vec<usize> = candidates.into_iter().collect();
    let scored: Vec<(usize, Array2<f64>)> = jobs
        .par_iter()
        .map(|job| {
            let space = Subspace::of(coordinates.select(Axis(0), &job.training).view())?;
            let usable = candidates.partition_point(|&k| k < space.rank());
            let rows = coordinates.select(Axis(0), &job.scored);
            Ok((
                space.rank(),
                space.scores(rows.view(), &candidates[..usable]),
            ))
        })
        .collect::<Result<_, OpenSetError>>()?;

    let rank = scored.iter().map(|(rank, _)| *rank).min().unwrap_or(0);
    let usable = candidates.partition_point(|&k| k < rank);
    if usable == 0 {
        return Err(OpenSetError::NoCandidate {
            candidates: search.candidates.to_vec(),
            rank,
        });
    }
    let per_k = candidates[..usable]
        .iter()
        .enumerate()
        .map(|(position, &k)| {
            let scores_of = |task: usize, outliers: bool| -> Vec<f64> {
                let mine = |job: &Job| job.task == task && job.outliers == outliers;
                let parts = jobs.iter().zip(&scored).filter(|(job, _)| mine(job));
                parts
                    .flat_map(|(_, (_, scores))| scores.row(position).to_vec())
                    .collect()
            };
            summary(k, &tasks, scores_of)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(KChoice {
        k: smallest_of_the_best(&per_k),
        per_k,
        skipped: candidates[usable..].to_vec(),
        rank,
    })
}

/// A class that is left out, with the task whose folds score the known.
struct Task {
    class: usize,
    known_unknown: bool,
    inliers: usize,
    outliers: usize,
}

fn summary(
    k: usize,
    tasks: &[Task],
    scores_of: impl Fn(usize, bool) -> Vec<f64>,
) -> Result<KScore, OpenSetError> {
    let per_class = tasks
        .iter()
        .map(|task| {
            Ok(ClassAuroc {
                class: task.class,
                known_unknown: task.known_unknown,
                auroc: auroc(
                    &scores_of(task.inliers, false),
                    &scores_of(task.outliers, true),
                )?,
            })
        })
        .collect::<Result<Vec<_>, OpenSetError>>()?;
    let sum: f64 = per_class.iter().map(|class| class.auroc).sum();
    Ok(KScore {
        k,
        mean_auroc: sum / per_class.len() as f64,
        worst_auroc: per_class
            .iter()
            .map(|class| class.auroc)
            .fold(1.0, f64::min),
        per_class,
    })
}

fn smallest_of_the_best(per_k: &[KScore]) -> usize {
    let best = per_k
        .iter()
        .map(|score| score.mean_auroc)
        .fold(0.0, f64::max);
    // Half an ulp of slack, so that a difference of exactly 0.001 counts as equal.
    let enough = best - SAME_AUROC - 1e-12;
    per_k
        .iter()
        .find(|score| score.mean_auroc >= enough)
        .map_or(0, |score| score.k)
}

fn all_features(search: &KSearch<'_>) -> Result<Array2<f64>, OpenSetError> {
    let Some(unknown) = search.known_unknowns else {
        return Ok(search.features.to_owned());
    };
    check(unknown.features)?;
    let rows = unknown.features.nrows();
    same_length(
        "the list of known unknowns",
        unknown.class_index.len(),
        rows,
    )?;
    let expected = search.features.ncols();
    same_length(
        "a feature vector of the known unknowns",
        unknown.features.ncols(),
        expected,
    )?;
    concatenate(Axis(0), &[search.features, unknown.features]).map_err(|_| OpenSetError::Length {
        what: "a feature vector of the known unknowns",
        actual: unknown.features.ncols(),
        expected,
    })
}

/// Which subspaces are needed. Folds are stratified, so leaving a class out leaves them so.
fn plan(search: &KSearch<'_>, fold_of: &[usize]) -> Result<(Vec<Task>, Vec<Job>), OpenSetError> {
    let known: BTreeSet<usize> = search.class_index.iter().copied().collect();
    if known.len() < 2 && search.known_unknowns.is_none() {
        return Err(OpenSetError::NothingToLeaveOut { known: known.len() });
    }
    let mut tasks = Vec::new();
    let mut jobs = Vec::new();
    let n = search.class_index.len();
    if known.len() >= 2 {
        for &class in &known {
            let (left_out, rest): (Vec<_>, Vec<_>) =
                (0..n).partition(|&row| search.class_index[row] == class);
            let task = tasks.len();
            out_of_fold(task, &rest, fold_of, &mut jobs)?;
            jobs.push(Job {
                task,
                outliers: true,
                training: rest,
                scored: left_out,
            });
            tasks.push(Task {
                class,
                known_unknown: false,
                inliers: task,
                outliers: task,
            });
        }
    }
    if let Some(unknown) = search.known_unknowns {
        let all: Vec<usize> = (0..n).collect();
        let inliers = tasks.len();
        out_of_fold(inliers, &all, fold_of, &mut jobs)?;
        let classes: BTreeSet<usize> = unknown.class_index.iter().copied().collect();
        for class in classes {
            let task = tasks.len();
            let rows = unknown.class_index.iter().enumerate();
            let scored = rows
                .filter(|(_, c)| **c == class)
                .map(|(row, _)| n + row)
                .collect();
            jobs.push(Job {
                task,
                outliers: true,
                training: all.clone(),
                scored,
            });
            tasks.push(Task {
                class,
                known_unknown: true,
                inliers,
                outliers: task,
            });
        }
    }
    Ok((tasks, jobs))
}

fn out_of_fold(
    task: usize,
    rows: &[usize],
    fold_of: &[usize],
    jobs: &mut Vec<Job>,
) -> Result<(), OpenSetError> {
    let folds: Vec<usize> = rows.iter().map(|&row| fold_of[row]).collect();
    let named = |positions: Vec<usize>| positions.into_iter().map(|p| rows[p]).collect();
    for fold in members_of_folds(&folds)? {
        jobs.push(Job {
            task,
            outliers: false,
            training: named(fold.training),
            scored: named(fold.held_out),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(k: usize, mean_auroc: f64) -> KScore {
        KScore {
            k,
            mean_auroc,
            worst_auroc: 0.0,
            per_class: Vec::new(),
        }
    }

    #[test]
    fn equal_means_go_to_the_smaller_k() {
        let close = [
            score(5, 0.95),
            score(10, 0.9991),
            score(20, 0.9995),
            score(50, 1.0),
        ];
        assert_eq!(smallest_of_the_best(&close), 10);
        let apart = [score(5, 0.95), score(10, 0.9989), score(20, 1.0)];
        assert_eq!(smallest_of_the_best(&apart), 20);
        assert_eq!(smallest_of_the_best(&[score(5, 0.999), score(10, 1.0)]), 5);
    }

    #[test]
    fn names_what_is_missing() {
        let features = Array2::from_shape_fn((8, 3), |(i, j)| ((i * 3 + j * j) % 7) as f64);
        let one_class = choose_k(&KSearch::new(features.view(), &[0; 8])).unwrap_err();
        assert!(matches!(
            one_class,
            OpenSetError::NothingToLeaveOut { known: 1 }
        ));
        let lonely =
            choose_k(&KSearch::new(features.view(), &[0, 0, 0, 0, 1, 1, 1, 2])).unwrap_err();
        assert!(matches!(
            lonely,
            OpenSetError::ClassTooSmall { class: 2, .. }
        ));
        let mut bad = features.clone();
        bad[[2, 1]] = f64::INFINITY;
        let infinite = choose_k(&KSearch::new(bad.view(), &[0, 0, 0, 0, 1, 1, 1, 1])).unwrap_err();
        assert!(
            infinite.to_string().contains("row 2, column 1"),
            "{infinite}"
        );
        let classes = [0, 0, 0, 0, 1, 1, 1, 1];
        let other_width = KSearch {
            known_unknowns: Some(KnownUnknowns {
                features: features.slice(ndarray::s![.., ..2]),
                class_index: &classes,
            }),
            ..KSearch::new(features.view(), &classes)
        };
        assert!(matches!(
            choose_k(&other_width),
            Err(OpenSetError::Length { .. })
        ));
    }
}
