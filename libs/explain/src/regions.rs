//! Which ranges of energy matter most.

use crate::Importances;
use serde::{Deserialize, Serialize};

/// A contiguous range of energies that speaks for a class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Lower edge of its first bin, in keV.
    pub from_kev: f64,
    /// Upper edge of its last bin, in keV.
    pub to_kev: f64,
    /// Centre of its most important bin, in keV; the lowest where several are.
    pub peak_kev: f64,
    /// Its share of all positive importance, 0 to 1.
    pub share: f64,
}

impl Importances {
    /// The `n` regions with the highest peaks of positive importance, highest first; of equal ones
    /// the one at lower energy. A region falls from its peak to both sides until half of the peak's
    /// height or until the importance rises again, so that each peak has its own and none overlap.
    ///
    /// # Units
    /// keV
    #[must_use]
    pub fn top_regions(&self, n: usize) -> Vec<Region> {
        let heights: Vec<f64> = self
            .importance
            .iter()
            .map(|&value| f64::from(value).max(0.0))
            .collect();
        let total: f64 = heights.iter().sum();
        let mut peaks: Vec<usize> = (0..heights.len())
            .filter(|&bin| begins_peak(&heights, bin))
            .collect();
        peaks.sort_by(|&a, &b| heights[b].total_cmp(&heights[a]).then(a.cmp(&b)));
        peaks.truncate(n);
        let mut taken = vec![false; heights.len()];
        let regions = peaks.into_iter().map(|peak| {
            let (first, last) = slopes(&heights, &taken, peak);
            taken[first..=last].fill(true);
            let share = heights[first..=last].iter().sum::<f64>() / total;
            Region {
                from_kev: self.energy_kev[first] - 0.5 * self.bin_width_kev,
                to_kev: self.energy_kev[last] + 0.5 * self.bin_width_kev,
                peak_kev: self.energy_kev[peak],
                share: share.min(1.0),
            }
        });
        regions.collect()
    }
}

/// Whether a bin is the first of equally high ones with nothing higher beside them.
fn begins_peak(heights: &[f64], bin: usize) -> bool {
    let height = heights[bin];
    let rises = bin == 0 || heights[bin - 1] < height;
    let next = heights[bin..].iter().find(|&&other| other != height);
    height > 0.0 && rises && next.is_none_or(|&next| next < height)
}

/// First and last bin of the region around a peak.
fn slopes(heights: &[f64], taken: &[bool], peak: usize) -> (usize, usize) {
    let half = 0.5 * heights[peak];
    let belongs = |bin: usize, inner: usize| {
        !taken[bin] && heights[bin] <= heights[inner] && heights[bin] >= half
    };
    let (mut first, mut last) = (peak, peak);
    while first > 0 && belongs(first - 1, first) {
        first -= 1;
    }
    while last + 1 < heights.len() && belongs(last + 1, last) {
        last += 1;
    }
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::ClassLabel;
    use proptest::prelude::*;

    /// Bins of 10 keV from 100 keV on.
    fn importances(importance: Vec<f32>) -> Importances {
        Importances {
            class: 0,
            label: ClassLabel::new("Coal").unwrap(),
            energy_kev: (0..importance.len())
                .map(|b| 105.0 + 10.0 * b as f64)
                .collect(),
            bin_width_kev: 10.0,
            relative: vec![0.0; importance.len()],
            importance,
        }
    }

    fn region(from_kev: f64, to_kev: f64, peak_kev: f64, share: f64) -> Region {
        Region {
            from_kev,
            to_kev,
            peak_kev,
            share,
        }
    }

    #[test]
    fn regions_are_cut_at_half_height_and_in_valleys() {
        let map = importances(vec![1.0, 4.0, 8.0, 5.0, 6.0, 2.0, -9.0, 0.0, 6.0]);
        let expected = [
            region(110.0, 140.0, 125.0, 17.0 / 32.0),
            region(140.0, 150.0, 145.0, 6.0 / 32.0),
            region(180.0, 190.0, 185.0, 6.0 / 32.0),
        ];
        assert_eq!(map.top_regions(10), expected);
        assert_eq!(map.top_regions(1), expected[..1]);
        assert_eq!(map.top_regions(0), []);
    }

    #[test]
    fn a_plateau_is_one_region_and_a_step_on_a_slope_is_none() {
        let plateau = importances(vec![0.0, 4.0, 4.0, 4.0, 1.0, 1.0, 0.0]);
        let expected = [region(110.0, 140.0, 115.0, 12.0 / 14.0)];
        assert_eq!(plateau.top_regions(10), expected);
        let flat = importances(vec![2.0; 3]);
        assert_eq!(flat.top_regions(10), [region(100.0, 130.0, 105.0, 1.0)]);
    }

    #[test]
    fn where_nothing_speaks_for_the_class_there_are_none() {
        assert_eq!(importances(vec![-1.0, 0.0, -2.0]).top_regions(3), []);
        assert_eq!(importances(vec![]).top_regions(3), []);
    }

    proptest! {
        #[test]
        fn regions_never_overlap_and_fall_in_height(
            importance in proptest::collection::vec(-3.0f32..3.0, 1..60),
        ) {
            let map = importances(importance);
            let regions = map.top_regions(100);
            let height = |region: &Region| {
                let bin = map.energy_kev.iter().position(|&e| e == region.peak_kev).unwrap();
                map.importance[bin]
            };
            prop_assert!(regions.windows(2).all(|pair| height(&pair[0]) >= height(&pair[1])));
            prop_assert!(regions.iter().map(|region| region.share).sum::<f64>() <= 1.0 + 1e-9);
            prop_assert!(regions.iter().all(|r| r.from_kev < r.peak_kev && r.peak_kev < r.to_kev));
            let mut sorted = regions;
            sorted.sort_by(|a, b| a.from_kev.total_cmp(&b.from_kev));
            prop_assert!(sorted.windows(2).all(|pair| pair[0].to_kev <= pair[1].from_kev));
        }
    }
}
