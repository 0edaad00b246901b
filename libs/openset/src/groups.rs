//! Folds that keep groups together, such as all spectra of one specimen or lot.

use crate::{error::OpenSetError, folds::fold_count, sample::same_length};
use assay_core::keyed_rng;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;

/// Test fold of every row such that no group is on both sides: groups, the most uneven and
/// largest first, each go to the fold where the class counts stay most even.
///
/// # Shapes
/// `[n]` and `[n]` to `[n]`, values `0..folds`.
///
/// # Errors
/// When lengths differ, or there are fewer than two folds or fewer groups than folds. A class
/// that is one single group is missing from the training side of its fold; this is no error.
///
/// # Source
/// scikit-learn, `StratifiedGroupKFold`: the same greedy rule, with our own shuffle of ties.
pub fn grouped_folds<G: Ord>(
    class_index: &[usize],
    groups: &[G],
    folds: usize,
    seed: u64,
) -> Result<Vec<usize>, OpenSetError> {
    same_length("the list of groups", groups.len(), class_index.len())?;
    let mut rows_of = BTreeMap::<&G, Vec<usize>>::new();
    for (row, group) in groups.iter().enumerate() {
        rows_of.entry(group).or_default().push(row);
    }
    fold_count(folds, rows_of.len(), "no more than there are groups")?;
    let classes = class_index.iter().max().map_or(0, |last| last + 1);
    let mut totals = vec![0.0; classes];
    class_index.iter().for_each(|&class| totals[class] += 1.0);

    let mut blocks: Vec<(Vec<f64>, Vec<usize>)> = rows_of
        .into_values()
        .map(|rows| {
            let mut counts = vec![0.0; classes];
            rows.iter().for_each(|&row| counts[class_index[row]] += 1.0);
            (counts, rows)
        })
        .collect();
    blocks.shuffle(&mut keyed_rng(seed, "grouped folds", &[]));
    blocks.sort_by(|a, b| variance(&b.0).total_cmp(&variance(&a.0)));

    let mut filled = vec![vec![0.0; classes]; folds];
    let mut sizes = vec![0; folds];
    let mut fold_of = vec![0; class_index.len()];
    for (counts, rows) in blocks {
        let cost = |fold: usize| {
            let spread = spread_with(&filled, fold, &counts, &totals);
            (spread, sizes[fold])
        };
        let best = (0..folds)
            .map(|fold| (cost(fold), fold))
            .min_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
            .map_or(0, |(_, fold)| fold);
        filled[best]
            .iter_mut()
            .zip(&counts)
            .for_each(|(f, c)| *f += c);
        sizes[best] += rows.len();
        rows.into_iter().for_each(|row| fold_of[row] = best);
    }
    Ok(fold_of)
}

/// How unevenly the classes would lie over the folds if one more block went to `fold`.
fn spread_with(filled: &[Vec<f64>], fold: usize, counts: &[f64], totals: &[f64]) -> f64 {
    (0..totals.len())
        .filter(|&class| totals[class] > 0.0)
        .map(|class| {
            let shares: Vec<f64> = filled
                .iter()
                .enumerate()
                .map(|(i, f)| {
                    (f[class] + if i == fold { counts[class] } else { 0.0 }) / totals[class]
                })
                .collect();
            variance(&shares).sqrt()
        })
        .sum()
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_fewer_groups_than_folds_and_lists_of_two_lengths() {
        assert!(grouped_folds(&[0, 0], &["a", "a"], 2, 0).is_err());
        assert!(grouped_folds(&[0, 0], &["a"], 2, 0).is_err());
    }

    #[test]
    fn classes_are_spread_over_the_folds() {
        // Two classes of six equal groups each: three folds can hold two groups of each.
        let groups: Vec<usize> = (0..48).map(|row| row / 4).collect();
        let classes: Vec<usize> = groups.iter().map(|group| group / 6).collect();
        for seed in 0..10 {
            let fold_of = grouped_folds(&classes, &groups, 3, seed).unwrap();
            for fold in 0..3 {
                for class in 0..2 {
                    let rows = (0..48).filter(|&r| fold_of[r] == fold && classes[r] == class);
                    assert_eq!(rows.count(), 8, "seed {seed}, fold {fold}, class {class}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn groups_stay_together_and_every_fold_has_some(
            groups in proptest::collection::vec(0usize..12, 24..60),
            seed in 0u64..20,
        ) {
            let classes: Vec<_> = groups.iter().map(|g| g % 3).collect();
            let distinct = groups.iter().collect::<std::collections::BTreeSet<_>>().len();
            prop_assume!(distinct >= 3);
            let fold_of = grouped_folds(&classes, &groups, 3, seed).unwrap();
            for (a, group) in groups.iter().enumerate() {
                prop_assert!((0..a).all(|b| groups[b] != *group || fold_of[b] == fold_of[a]));
            }
            prop_assert!((0..3).all(|fold| fold_of.contains(&fold)));
        }
    }
}
