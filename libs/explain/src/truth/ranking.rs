//! How well a score puts peaks that distinguish a class before the others.

use crate::ExplainError;
use serde::Serialize;

/// Two figures of one ranking; absent where all peaks are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ranking {
    /// Probability that a distinguishing peak scores above another one, ties counting one half.
    pub auroc: f64,
    /// Mean precision at the distinguishing peaks, from the highest score on.
    pub average_precision: f64,
}

impl Ranking {
    /// Scores a ranking; `None` where either kind of peak is missing.
    ///
    /// # Shapes
    /// Both `[peaks]`.
    ///
    /// # Errors
    /// When a score is not finite, or there are other numbers of both.
    ///
    /// # Source
    /// Average precision as in scikit-learn: `Σ_t (recall_t − recall_{t−1})·precision_t` over the
    /// distinct scores, without interpolation.
    pub fn of(scores: &[f64], distinguishing: &[bool]) -> Result<Option<Self>, ExplainError> {
        if scores.len() != distinguishing.len() {
            return Err(ExplainError::Rows {
                found: scores.len(),
                expected: distinguishing.len(),
            });
        }
        let of = |kind: bool| -> Vec<f64> {
            let pairs = scores.iter().zip(distinguishing);
            pairs.filter(|p| *p.1 == kind).map(|p| *p.0).collect()
        };
        let (distinguishing_scores, other_scores) = (of(true), of(false));
        if distinguishing_scores.is_empty() || other_scores.is_empty() {
            return Ok(None);
        }
        let auroc = assay_openset::auroc(&distinguishing_scores, &other_scores)
            .map_err(assay_pipeline::PipelineError::from)?;
        Ok(Some(Self {
            auroc,
            average_precision: average_precision(scores, distinguishing),
        }))
    }
}

fn average_precision(scores: &[f64], distinguishing: &[bool]) -> f64 {
    let mut ranked: Vec<(f64, bool)> = scores
        .iter()
        .copied()
        .zip(distinguishing.iter().copied())
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = ranked.iter().filter(|r| r.1).count() as f64;
    let (mut seen, mut hits, mut sum) = (0usize, 0usize, 0.0);
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let new = tied.iter().filter(|r| r.1).count();
        seen += tied.len();
        hits += new;
        sum += new as f64 / positives * (hits as f64 / seen as f64);
    }
    sum
}

/// What a random order is expected to reach.
///
/// # Source
/// With `p` of `n` peaks: the peak at rank `i` is one of them with probability `p/n`, and of the
/// `i − 1` before it then `(p − 1)/(n − 1)` are; so the mean of average precision is
/// `1/n · Σ_i (1 + (p − 1)(i − 1)/(n − 1))/i`.
#[must_use]
pub fn chance(distinguishing: &[bool]) -> Option<Ranking> {
    let n = distinguishing.len();
    let p = distinguishing.iter().filter(|d| **d).count();
    if p == 0 || p == n {
        return None;
    }
    let before = (p - 1) as f64 / (n - 1) as f64;
    let ranks = (1..=n).map(|rank| (1.0 + before * (rank - 1) as f64) / rank as f64);
    Some(Ranking {
        auroc: 0.5,
        average_precision: ranks.sum::<f64>() / n as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(scores: &[f64], distinguishing: &[bool]) -> (f64, f64) {
        let found = Ranking::of(scores, distinguishing).unwrap().unwrap();
        (found.auroc, found.average_precision)
    }

    #[test]
    fn right_wrong_and_tied_orders() {
        let kinds = [true, true, false, false];
        assert_eq!(ranking(&[4.0, 3.0, 2.0, 1.0], &kinds), (1.0, 1.0));
        // Precision 1/3 and 2/4.
        let wrong = (1.0 / 3.0 + 0.5) / 2.0;
        assert_eq!(ranking(&[1.0, 2.0, 3.0, 4.0], &kinds), (0.0, wrong));
        assert_eq!(ranking(&[7.0; 4], &kinds), (0.5, 0.5));
        // sklearn: y = [1,0,1,0], s = [3,2,2,1]: auroc 0.875, AP 0.5 + 0.5·2/3.
        let found = ranking(&[3.0, 2.0, 2.0, 1.0], &[true, false, true, false]);
        assert_eq!(found.0, 0.875);
        assert!((found.1 - (0.5 + 1.0 / 3.0)).abs() < 1e-12);
    }

    #[test]
    fn one_kind_alone_has_no_ranking() {
        assert_eq!(Ranking::of(&[1.0, 2.0], &[true, true]).unwrap(), None);
        assert_eq!(Ranking::of(&[], &[]).unwrap(), None);
        assert_eq!(chance(&[false, false]), None);
        assert!(Ranking::of(&[f64::NAN, 2.0], &[true, false]).is_err());
        assert!(Ranking::of(&[2.0], &[true, false]).is_err());
    }

    #[test]
    fn chance_is_the_mean_over_all_orders() {
        // Two of four: the six places that the two can have.
        let mut sum = 0.0;
        for first in 0..4usize {
            for second in first + 1..4 {
                let kinds: Vec<bool> = (0..4).map(|i| i == first || i == second).collect();
                sum += average_precision(&[4.0, 3.0, 2.0, 1.0], &kinds);
            }
        }
        let expected = chance(&[true, false, true, false]).unwrap();
        assert!((expected.average_precision - sum / 6.0).abs() < 1e-12);
        assert_eq!(expected.auroc, 0.5);
    }
}
