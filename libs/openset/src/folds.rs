//! Which sample goes into which fold: seeded and stratified by class.

use crate::{error::OpenSetError, sample::same_length};
use assay_core::keyed_rng;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;

/// Folds to be made, or made already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folds<'a> {
    /// Stratified folds from a seed.
    Seeded {
        /// Number of folds.
        folds: usize,
        /// Seed of the shuffles.
        seed: u64,
    },
    /// The test fold of every row.
    Given(&'a [usize]),
}

impl Default for Folds<'_> {
    fn default() -> Self {
        Self::Seeded { folds: 5, seed: 0 }
    }
}

impl Folds<'_> {
    /// The test fold of every row.
    ///
    /// # Errors
    /// As [`stratified_folds`]; when given folds have another length or are fewer than two.
    pub fn of_rows(&self, class_index: &[usize]) -> Result<Vec<usize>, OpenSetError> {
        match *self {
            Self::Seeded { folds, seed } => stratified_folds(class_index, folds, seed),
            Self::Given(fold_of) => {
                same_length("the list of folds", fold_of.len(), class_index.len())?;
                members_of_folds(fold_of)?;
                Ok(fold_of.to_vec())
            }
        }
    }
}

/// Rows on both sides of a stratified split, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to train on.
    pub training: Vec<usize>,
    /// Rows held out.
    pub held_out: Vec<usize>,
}

/// Rows of one fold.
#[derive(Debug)]
pub(crate) struct FoldMembers {
    pub(crate) index: usize,
    pub(crate) training: Vec<usize>,
    pub(crate) held_out: Vec<usize>,
}

/// Test fold of every row: the members of each class are shuffled and dealt out in turn, and the
/// next class goes on where the last one stopped, so that classes and fold sizes are both even.
///
/// # Shapes
/// `[n]` to `[n]`, values `0..folds`.
///
/// # Errors
/// When there are fewer than two folds, fewer rows than folds, or a class with one member. A
/// class with fewer members than folds is spread over as many folds as it has members.
pub fn stratified_folds(
    class_index: &[usize],
    folds: usize,
    seed: u64,
) -> Result<Vec<usize>, OpenSetError> {
    fold_count(folds, class_index.len(), "no more than there are samples")?;
    let mut fold_of = vec![0; class_index.len()];
    let mut next = 0;
    for (class, mut members) in members_of_classes(class_index)? {
        members.shuffle(&mut keyed_rng(seed, "stratified folds", &[class as u64]));
        for row in members {
            fold_of[row] = next % folds;
            next += 1;
        }
    }
    Ok(fold_of)
}

/// Holds out a share of every class, rounded, at least one member and never all.
///
/// # Shapes
/// `[n]` to row numbers.
///
/// # Errors
/// When the fraction is outside (0, 1) or a class has one member.
pub fn stratified_split(
    class_index: &[usize],
    fraction: f64,
    seed: u64,
) -> Result<Split, OpenSetError> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(OpenSetError::Fraction { fraction });
    }
    let mut split = Split {
        training: Vec::new(),
        held_out: Vec::new(),
    };
    for (class, mut members) in members_of_classes(class_index)? {
        members.shuffle(&mut keyed_rng(seed, "stratified split", &[class as u64]));
        let share = (members.len() as f64 * fraction).round() as usize;
        let training = members.split_off(share.clamp(1, members.len() - 1));
        split.held_out.extend(members);
        split.training.extend(training);
    }
    split.training.sort_unstable();
    split.held_out.sort_unstable();
    Ok(split)
}

pub(crate) fn fold_count(folds: usize, most: usize, why: &'static str) -> Result<(), OpenSetError> {
    if folds < 2 || folds > most {
        Err(OpenSetError::FoldCount { folds, most, why })
    } else {
        Ok(())
    }
}

fn members_of_classes(class_index: &[usize]) -> Result<BTreeMap<usize, Vec<usize>>, OpenSetError> {
    let mut members = BTreeMap::<usize, Vec<usize>>::new();
    for (row, &class) in class_index.iter().enumerate() {
        members.entry(class).or_default().push(row);
    }
    match members.iter().find(|(_, rows)| rows.len() < 2) {
        Some((&class, rows)) => Err(OpenSetError::ClassTooSmall {
            class,
            members: rows.len(),
            label: None,
        }),
        None if members.is_empty() => Err(OpenSetError::Empty {
            what: "samples to split",
            least: 2,
            unit: "are",
        }),
        None => Ok(members),
    }
}

/// Rows on both sides of every fold that has any, in the order of the fold numbers.
pub(crate) fn members_of_folds(fold_of: &[usize]) -> Result<Vec<FoldMembers>, OpenSetError> {
    let mut folds = fold_of.to_vec();
    folds.sort_unstable();
    folds.dedup();
    fold_count(
        folds.len(),
        fold_of.len(),
        "a fold needs others to train on",
    )?;
    let rows = |wanted: &dyn Fn(usize) -> bool| {
        (0..fold_of.len())
            .filter(|&row| wanted(fold_of[row]))
            .collect()
    };
    Ok(folds
        .into_iter()
        .map(|index| FoldMembers {
            index,
            training: rows(&|fold| fold != index),
            held_out: rows(&|fold| fold == index),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::ClassLabel;
    use proptest::prelude::*;

    #[test]
    fn a_class_with_one_member_is_named() {
        let labels = ["Coal", "Steel"].map(|text| ClassLabel::new(text).unwrap());
        for error in [
            stratified_folds(&[0, 0, 1], 2, 1).unwrap_err(),
            stratified_split(&[0, 0, 1], 0.5, 1).unwrap_err(),
        ] {
            assert!(
                error.to_string().starts_with("class 1 has 1 member:"),
                "{error}"
            );
            let named = error.with_labels(&labels).to_string();
            assert!(
                named.starts_with("class \"Steel\" has 1 member:"),
                "{named}"
            );
        }
    }

    #[test]
    fn refuses_impossible_counts_and_fractions() {
        assert!(stratified_folds(&[0, 0], 1, 0).is_err());
        assert!(stratified_folds(&[0, 0], 3, 0).is_err());
        assert!(stratified_folds(&[], 2, 0).is_err());
        for fraction in [0.0, 1.0, f64::NAN] {
            assert!(stratified_split(&[0, 0], fraction, 0).is_err());
        }
        assert!(Folds::Given(&[0, 0]).of_rows(&[0, 1]).is_err());
        assert!(Folds::Given(&[0, 1, 1]).of_rows(&[0, 1]).is_err());
    }

    #[test]
    fn the_seed_decides() {
        let classes: Vec<_> = (0..60).map(|i| i % 3).collect();
        let folds = |seed| stratified_folds(&classes, 5, seed).unwrap();
        assert_eq!(folds(7), folds(7));
        assert_ne!(folds(7), folds(8));
    }

    proptest! {
        #[test]
        fn every_class_is_dealt_evenly(
            sizes in proptest::collection::vec(2usize..20, 2..6),
            folds in 2usize..5,
            seed in 0u64..50,
        ) {
            let classes: Vec<_> =
                sizes.iter().enumerate().flat_map(|(c, &n)| vec![c; n]).collect();
            let fold_of = stratified_folds(&classes, folds.min(classes.len()), seed).unwrap();
            let folds = folds.min(classes.len());
            let count = |test: &dyn Fn(usize) -> bool| (0..folds)
                .map(|f| (0..classes.len()).filter(|&r| fold_of[r] == f && test(classes[r])).count())
                .collect::<Vec<_>>();
            for class in 0..sizes.len() {
                let counts = count(&|c| c == class);
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
            }
            let all = count(&|_| true);
            prop_assert!(all.iter().max().unwrap() - all.iter().min().unwrap() <= 1);
        }

        #[test]
        fn a_split_keeps_every_class_on_both_sides(
            sizes in proptest::collection::vec(2usize..20, 1..6),
            fraction in 0.01f64..0.99,
        ) {
            let classes: Vec<_> =
                sizes.iter().enumerate().flat_map(|(c, &n)| vec![c; n]).collect();
            let split = stratified_split(&classes, fraction, 3).unwrap();
            let mut all = [split.training.clone(), split.held_out.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..classes.len()).collect::<Vec<_>>());
            for class in 0..sizes.len() {
                for side in [&split.training, &split.held_out] {
                    prop_assert!(side.iter().any(|&row| classes[row] == class));
                }
            }
        }
    }
}
