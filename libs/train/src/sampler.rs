//! Which rows a batch has and which features a dropout layer zeroes: pure functions of
//! (seed, epoch, batch), so that a run resumed anywhere draws what the whole run would have.

use assay_core::keyed_rng;
use rand::Rng;
use std::ops::Range;

/// The order of the rows in one epoch.
///
/// # Source
/// Fisher & Yates' shuffle; indices below a bound by Lemire's multiplication with rejection.
#[must_use]
pub fn shuffled(rows: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut rng = keyed_rng(seed, "shuffle", &[epoch]);
    let mut order: Vec<usize> = (0..rows).collect();
    for last in (1..rows).rev() {
        order.swap(last, below(&mut rng, last + 1));
    }
    order
}

/// The batches of one epoch as ranges of its order; the last one may be smaller.
pub fn batches(rows: usize, batch_size: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    (0..rows.div_ceil(batch_size))
        .map(move |batch| batch * batch_size..rows.min((batch + 1) * batch_size))
}

/// Key of all random numbers inside one training step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepKey {
    /// Seed of the run.
    pub seed: u64,
    /// Epoch, from 0.
    pub epoch: u64,
    /// Batch within the epoch, from 0.
    pub batch: u64,
}

impl StepKey {
    /// Factors of a dropout layer: 0 with probability `rate`, `1 / (1 − rate)` otherwise, so that
    /// the expectation stays (inverted dropout, as in Keras). `layer` tells several layers of one
    /// network apart.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a probability times 2^32 fits 64 bits"
    )]
    pub fn dropout_mask(&self, layer: u64, rate: f32, length: usize) -> Vec<f32> {
        let mut rng = keyed_rng(self.seed, "dropout", &[self.epoch, self.batch, layer]);
        let dropped_below = (f64::from(rate) * 4_294_967_296.0) as u64;
        let kept = 1.0 / (1.0 - rate);
        (0..length)
            .map(|_| {
                if u64::from(rng.next_u32()) < dropped_below {
                    0.0
                } else {
                    kept
                }
            })
            .collect()
    }
}

/// A number below `bound`, without bias.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the upper half of a 128-bit product below `bound` fits"
)]
fn below(rng: &mut impl Rng, bound: usize) -> usize {
    let bound = bound as u64;
    let rejected_below = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= rejected_below {
            return (product >> 64) as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_a_permutation_and_differs_by_epoch_and_seed() {
        let first = shuffled(259, 7, 0);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..259).collect::<Vec<_>>());
        assert_eq!(first, shuffled(259, 7, 0));
        assert_ne!(first, shuffled(259, 7, 1));
        assert_ne!(first, shuffled(259, 8, 0));
    }

    #[test]
    fn every_position_is_equally_likely() {
        let mut hits = [[0_u32; 4]; 4];
        for epoch in 0..4000 {
            for (position, &row) in shuffled(4, 3, epoch).iter().enumerate() {
                hits[position][row] += 1;
            }
        }
        // 1000 expected; five standard deviations are 137.
        assert!(
            hits.iter().flatten().all(|&n| n.abs_diff(1000) < 137),
            "{hits:?}"
        );
    }

    #[test]
    fn batches_cover_every_row_once() {
        let ranges: Vec<_> = batches(23, 10).collect();
        assert_eq!(ranges, [0..10, 10..20, 20..23]);
        assert_eq!(batches(0, 10).len(), 0);
    }

    #[test]
    fn a_mask_keeps_the_expectation_and_depends_on_its_whole_key() {
        let key = StepKey {
            seed: 1,
            epoch: 2,
            batch: 3,
        };
        let mask = key.dropout_mask(0, 0.2, 100_000);
        let mean = mask.iter().map(|&m| f64::from(m)).sum::<f64>() / 100_000.0;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!(mask.iter().all(|&m| m == 0.0 || (m - 1.25).abs() < 1e-6));
        let other = StepKey { batch: 4, ..key };
        assert_ne!(mask, other.dropout_mask(0, 0.2, 100_000));
        assert_ne!(mask, key.dropout_mask(1, 0.2, 100_000));
        assert!(key.dropout_mask(0, 0.0, 100).iter().all(|&m| m == 1.0));
    }
}
