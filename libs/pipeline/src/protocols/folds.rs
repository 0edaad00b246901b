//! From a protocol and a data set to the rounds to run.

use super::{Fold, KnownScores, Modification, Protocol};
use crate::{Dataset, PipelineError, Role};
use assay_core::ClassLabel;
use assay_openset::{grouped_folds, stratified_folds, stratified_split};
use std::collections::BTreeSet;

impl Protocol {
    /// The rounds of this protocol on a data set.
    ///
    /// # Errors
    /// When there are too few classes, members, groups or folds, or a number is outside its
    /// range; the message names it.
    pub fn folds(&self, dataset: &Dataset, seed: u64) -> Result<Vec<Fold>, PipelineError> {
        let known = Known::of(dataset)?;
        match self {
            Self::Random { folds } => {
                let fold_of = stratified_folds(&known.classes, *folds, seed)
                    .map_err(|e| e.with_labels(dataset.classes()))?;
                Ok(known.rounds(&fold_of, *folds, "fold"))
            }
            Self::Grouped { folds } => {
                let groups: Vec<_> = known
                    .rows
                    .iter()
                    .map(|&i| &dataset.rows()[i].group)
                    .collect();
                let fold_of = grouped_folds(&known.classes, &groups, *folds, seed)?;
                Ok(known.rounds(&fold_of, *folds, "group fold"))
            }
            Self::LeaveOneClassOut { holdout } => leave_one_class_out(dataset, *holdout, seed),
            Self::Counts {
                holdout,
                total_counts,
            } => {
                let thin = |&total_counts: &u64| Modification::Thin { total_counts };
                known.modified(dataset, *holdout, seed, total_counts.iter().map(thin))
            }
            Self::Gain { holdout, shifts } => {
                let shift = |&shift| Modification::Shift(shift);
                known.modified(dataset, *holdout, seed, shifts.iter().map(shift))
            }
        }
    }
}

/// The known rows with their classes, and the unknown rows.
struct Known {
    rows: Vec<usize>,
    classes: Vec<usize>,
    unknown: Vec<usize>,
}

impl Known {
    fn of(dataset: &Dataset) -> Result<Self, PipelineError> {
        let found = dataset.classes().len();
        if found < 2 {
            return Err(PipelineError::TooFewClasses {
                found,
                needed: 2,
                purpose: "a benchmark",
            });
        }
        let (rows, classes) = dataset
            .class_indices()
            .into_iter()
            .enumerate()
            .filter_map(|(row, class)| Some((row, class?)))
            .unzip();
        Ok(Self {
            rows,
            classes,
            unknown: dataset.positions(Role::Unknown),
        })
    }

    /// One round per fold. A class that stands wholly in the held-out part is an unknown there.
    fn rounds(&self, fold_of: &[usize], folds: usize, name: &str) -> Vec<Fold> {
        (0..folds)
            .map(|fold| {
                let side = |held_out: bool| {
                    (0..self.rows.len()).filter(move |&i| (fold_of[i] == fold) == held_out)
                };
                let trained: BTreeSet<_> = side(false).map(|i| self.classes[i]).collect();
                let (known, unseen): (Vec<_>, Vec<_>) =
                    side(true).partition(|&i| trained.contains(&self.classes[i]));
                let rows = |positions: Vec<usize>| {
                    positions
                        .into_iter()
                        .map(|i| self.rows[i])
                        .collect::<Vec<_>>()
                };
                Fold {
                    name: format!("{name} {}", fold + 1),
                    training_set: fold,
                    training: rows(side(false).collect()),
                    known: rows(known),
                    unknown: [self.unknown.clone(), rows(unseen)].concat(),
                    modification: Modification::None,
                    auroc_known: KnownScores::HeldOut,
                }
            })
            .filter(|fold| !fold.known.is_empty() || !fold.unknown.is_empty())
            .collect()
    }

    /// One training, judged as measured and then after every modification.
    fn modified(
        &self,
        dataset: &Dataset,
        holdout: f64,
        seed: u64,
        modifications: impl Iterator<Item = Modification>,
    ) -> Result<Vec<Fold>, PipelineError> {
        let split = stratified_split(&self.classes, holdout, seed)
            .map_err(|e| e.with_labels(dataset.classes()))?;
        let rows = |positions: &[usize]| positions.iter().map(|&i| self.rows[i]).collect();
        Ok(std::iter::once(Modification::None)
            .chain(modifications)
            .map(|modification| Fold {
                name: modification.name(),
                training_set: 0,
                training: rows(&split.training),
                known: rows(&split.held_out),
                unknown: self.unknown.clone(),
                modification,
                auroc_known: KnownScores::HeldOut,
            })
            .collect())
    }
}

/// The left-out classes include those with role `unknown`, which stand among the known in the
/// other rounds.
fn leave_one_class_out(
    dataset: &Dataset,
    holdout: f64,
    seed: u64,
) -> Result<Vec<Fold>, PipelineError> {
    let labels: Vec<&ClassLabel> = dataset.rows().iter().map(|row| &row.label).collect();
    let distinct: Vec<_> = labels
        .iter()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let names: Vec<_> = distinct.iter().map(|&label| label.clone()).collect();
    let class_of = |row: usize| distinct.binary_search(&labels[row]).unwrap_or(usize::MAX);
    (0..distinct.len())
        .map(|left_out| {
            let (unknown, rest): (Vec<_>, Vec<_>) =
                (0..labels.len()).partition(|&row| class_of(row) == left_out);
            let classes: Vec<_> = rest.iter().map(|&row| class_of(row)).collect();
            let split =
                stratified_split(&classes, holdout, seed).map_err(|e| e.with_labels(&names))?;
            let rows = |positions: &[usize]| positions.iter().map(|&i| rest[i]).collect();
            Ok(Fold {
                name: names[left_out].to_string(),
                training_set: left_out,
                training: rows(&split.training),
                known: rows(&split.held_out),
                unknown,
                modification: Modification::None,
                auroc_known: KnownScores::OutOfFold,
            })
        })
        .collect()
}
