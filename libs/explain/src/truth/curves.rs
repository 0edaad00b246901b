//! Deletion and insertion: what becomes of a class while peaks go, or come back, in some order.

use assay_core::keyed_rng;
use rand::seq::SliceRandom;
use serde::Serialize;

/// Areas under one curve, over the share of peaks that went or came: means of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Areas {
    /// Of the logit.
    pub logit: f64,
    /// Of the probability.
    pub probability: f64,
}

/// Positions by falling score; of equal ones the lower position first.
#[must_use]
pub fn by_score(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order
}

/// A random order: the same for the same seed and counters.
#[must_use]
pub fn shuffled(count: usize, seed: u64, counters: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut keyed_rng(seed, "order of peaks", counters));
    order
}

/// How many peaks are gone at each point of a curve: from none to all, as evenly as whole numbers
/// can be, in at most `steps` steps.
#[must_use]
pub fn steps(count: usize, steps: usize) -> Vec<usize> {
    let steps = steps.clamp(1, count.max(1));
    let mut points: Vec<usize> = (0..=steps)
        .map(|step| (step * count + steps / 2) / steps)
        .collect();
    points.dedup();
    points
}

/// Area under a curve by the trapezoidal rule, over its width: the value of a constant curve, and
/// that of its only point.
///
/// # Shapes
/// Both `[points]`, `at` rising.
#[must_use]
pub fn area(at: &[usize], values: &[f64]) -> f64 {
    let (Some(&first), Some(&last)) = (at.first(), at.last()) else {
        return 0.0;
    };
    if first == last {
        return values.first().copied().unwrap_or(0.0);
    }
    let pieces = at.windows(2).zip(values.windows(2));
    let sum: f64 = pieces
        .map(|(at, value)| (at[1] - at[0]) as f64 * 0.5 * (value[0] + value[1]))
        .sum();
    sum / (last - first) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_by_score_and_random_ones_repeat() {
        assert_eq!(by_score(&[1.0, 3.0, -2.0, 3.0]), [1, 3, 0, 2]);
        let one = shuffled(20, 5, &[1]);
        assert_eq!(one, shuffled(20, 5, &[1]));
        assert_ne!(one, shuffled(20, 5, &[2]));
        let mut sorted = one;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn steps_go_from_none_to_all() {
        assert_eq!(steps(10, 5), [0, 2, 4, 6, 8, 10]);
        assert_eq!(steps(3, 12), [0, 1, 2, 3]);
        assert_eq!(steps(10, 4), [0, 3, 5, 8, 10]);
        assert_eq!(steps(0, 12), [0]);
    }

    #[test]
    fn areas_of_known_curves() {
        assert_eq!(area(&[0, 1, 4], &[2.0; 3]), 2.0);
        assert_eq!(area(&[0, 4], &[1.0, 0.0]), 0.5);
        // 1 × 0.5 + 3 × 0, over 4.
        assert_eq!(area(&[0, 1, 4], &[1.0, 0.0, 0.0]), 0.125);
        assert_eq!(area(&[0], &[3.0]), 3.0);
        assert_eq!(area(&[], &[]), 0.0);
    }
}
