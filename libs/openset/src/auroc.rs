//! Area under the receiver operating characteristic.

use crate::{error::OpenSetError, sample::finite_scores};

/// Probability that an inlier scores above an outlier, ties counting one half.
///
/// # Shapes
/// `[n]` and `[m]`, in any order.
///
/// # Errors
/// When either list is empty or holds NaN or infinity.
///
/// # Source
/// The Mann-Whitney statistic: U / (n·m).
pub fn auroc(inlier_scores: &[f64], outlier_scores: &[f64]) -> Result<f64, OpenSetError> {
    for (what, scores) in [
        ("inlier scores", inlier_scores),
        ("outlier scores", outlier_scores),
    ] {
        if scores.is_empty() {
            return Err(OpenSetError::Empty {
                what,
                least: 1,
                unit: "score is",
            });
        }
        finite_scores(scores)?;
    }
    let mut outliers = outlier_scores.to_vec();
    outliers.sort_by(f64::total_cmp);
    // Twice the statistic, in integers: ties add 1 (below-or-equal) + 0 (below).
    let doubled: u64 = inlier_scores
        .iter()
        .map(|score| {
            let below = outliers.partition_point(|o| o < score);
            let not_above = outliers.partition_point(|o| o <= score);
            (below + not_above) as u64
        })
        .sum();
    let pairs = inlier_scores.len() as f64 * outliers.len() as f64;
    Ok(doubled as f64 / (2.0 * pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn separated_is_one_reversed_is_zero_tied_is_half() {
        assert_eq!(auroc(&[2.0, 3.0], &[0.0, 1.0]), Ok(1.0));
        assert_eq!(auroc(&[0.0], &[1.0]), Ok(0.0));
        assert_eq!(auroc(&[1.0, 1.0], &[1.0]), Ok(0.5));
        assert!(auroc(&[], &[1.0]).is_err());
        assert!(auroc(&[f64::NAN], &[1.0]).is_err());
    }

    proptest! {
        #[test]
        fn equals_the_count_over_all_pairs(
            inliers in proptest::collection::vec(0i8..6, 1..30),
            outliers in proptest::collection::vec(0i8..6, 1..30),
        ) {
            let scores = |list: &[i8]| list.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let mut pairs = 0.0;
            for i in &inliers {
                for o in &outliers {
                    pairs += if i > o { 1.0 } else if i == o { 0.5 } else { 0.0 };
                }
            }
            let expected = pairs / (inliers.len() * outliers.len()) as f64;
            let actual = auroc(&scores(&inliers), &scores(&outliers)).unwrap();
            prop_assert!((actual - expected).abs() < 1e-12);
        }
    }
}
