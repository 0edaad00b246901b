//! From scores of the known to the threshold that refuses a given share of them.

use crate::error::OpenSetError;
use serde::{Deserialize, Serialize};

/// Which scores of the training samples set the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum ThresholdRule {
    /// Scores of samples that the detector was not fitted on, in stratified folds. The default.
    OutOfFold {
        /// Number of folds.
        folds: usize,
        /// Seed of the folds.
        seed: u64,
    },
    /// Scores of the very samples the detector was fitted on: the published way, too optimistic.
    InSample,
}

impl Default for ThresholdRule {
    fn default() -> Self {
        Self::OutOfFold { folds: 5, seed: 0 }
    }
}

/// How a percentile between two scores is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// On the straight line between them.
    Linear,
    /// The lower one.
    Lower,
}

/// Refuses an alpha outside (0, 1).
pub(crate) fn check_alpha(alpha: f64) -> Result<(), OpenSetError> {
    if alpha > 0.0 && alpha < 1.0 {
        Ok(())
    } else {
        Err(OpenSetError::Alpha { alpha })
    }
}

/// The `100·alpha` percentile of scores in ascending order.
///
/// # Shapes
/// `[n]`, sorted ascending.
///
/// # Errors
/// When there are no scores or alpha is outside (0, 1).
///
/// # Source
/// `numpy.percentile`, methods `linear` and `lower`, with NumPy's rounding of the position.
pub fn percentile(
    sorted: &[f64],
    alpha: f64,
    interpolation: Interpolation,
) -> Result<f64, OpenSetError> {
    check_alpha(alpha)?;
    if sorted.is_empty() {
        return Err(OpenSetError::Empty {
            what: "scores",
            least: 1,
            unit: "score is",
        });
    }
    let position = (sorted.len() - 1) as f64 * (alpha * 100.0 / 100.0);
    let below = position.floor();
    let share = position - below;
    let index = below as usize;
    let low = sorted[index];
    let high = sorted[(index + 1).min(sorted.len() - 1)];
    Ok(match interpolation {
        Interpolation::Lower => low,
        Interpolation::Linear if share < 0.5 => low + (high - low) * share,
        Interpolation::Linear => high - (high - low) * (1.0 - share),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_alpha_outside_the_open_interval() {
        for alpha in [0.0, 1.0, -0.1, 1.5, f64::NAN] {
            let refused = percentile(&[1.0, 2.0], alpha, Interpolation::Linear);
            assert!(
                matches!(refused, Err(OpenSetError::Alpha { .. })),
                "{alpha}"
            );
        }
        assert!(percentile(&[], 0.5, Interpolation::Lower).is_err());
    }

    #[test]
    fn a_quarter_of_five_scores_is_the_second() {
        let scores = [1.0, 2.0, 4.0, 8.0, 16.0];
        for interpolation in [Interpolation::Linear, Interpolation::Lower] {
            assert_eq!(percentile(&scores, 0.25, interpolation), Ok(2.0));
        }
        assert_eq!(percentile(&scores, 0.375, Interpolation::Linear), Ok(3.0));
        assert_eq!(percentile(&scores, 0.375, Interpolation::Lower), Ok(2.0));
    }

    proptest! {
        #[test]
        fn refuses_about_the_share_asked_for(
            mut scores in proptest::collection::vec(-1e3f64..1e3, 1..200),
            alpha in 0.001f64..0.999,
        ) {
            scores.sort_by(f64::total_cmp);
            let n = scores.len() as f64;
            for interpolation in [Interpolation::Linear, Interpolation::Lower] {
                let threshold = percentile(&scores, alpha, interpolation).unwrap();
                let refused = scores.iter().filter(|&&s| s < threshold).count() as f64;
                prop_assert!(refused <= alpha * (n - 1.0) + 1.0);
            }
        }
    }
}
