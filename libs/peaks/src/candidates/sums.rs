//! Two strong lines at once: peaks at the sum of their energies.

use super::{Candidate, LineOrigin};
use crate::{Peak, PeakForm, PeakList};

/// Strongest peaks whose sums are looked for.
const STRONGEST: usize = 6;
/// A sum has at most this part of the weaker line's area.
const LARGEST_PART: f64 = 0.02;
/// How credible a sum is that lies where it should: it explains the peak, but nothing else
/// corroborates it.
const CREDIT: f64 = 0.6;

/// Adds the sums to the candidates of each peak, in their rank.
///
/// # Shapes
/// One offset, one tolerance and one list of candidates per peak.
pub(super) fn add(
    list: &PeakList,
    offsets_kev: &[f64],
    tolerances_kev: &[f64],
    ranked: &mut [Vec<Candidate>],
) {
    let strongest = strongest(list);
    let true_kev = |peak: usize| list.peaks[peak].energy_kev - offsets_kev[peak];
    let mut sums = Vec::new();
    for (rank, &first) in strongest.iter().enumerate() {
        for &second in &strongest[rank..] {
            let weaker = list.peaks[second].net_area_counts;
            let Some(named) = ranked[first].first() else {
                continue;
            };
            let element = named.element;
            sums.push((true_kev(first) + true_kev(second), weaker, element));
        }
    }
    for (peak, candidates) in ranked.iter_mut().enumerate() {
        for &(sum_kev, weaker, element) in &sums {
            let distance = true_kev(peak) - sum_kev;
            let small = list.peaks[peak].net_area_counts < LARGEST_PART * weaker;
            if distance.abs() > tolerances_kev[peak] || !small {
                continue;
            }
            let u = distance / (0.5 * tolerances_kev[peak]);
            let sum = Candidate {
                element,
                line_kev: sum_kev,
                energy_kev: sum_kev,
                origin: LineOrigin::Sum,
                sigma_barn: None,
                difference_kev: list.peaks[peak].energy_kev - sum_kev,
                corroboration: super::UNTESTED,
                score: CREDIT * (-0.5 * u * u).exp(),
            };
            let rank = candidates.partition_point(|c| c.score >= sum.score);
            candidates.insert(rank, sum);
        }
    }
}

/// Positions of the peaks with the largest areas, largest first; sharp lines only.
fn strongest(list: &PeakList) -> Vec<usize> {
    let area = |peak: &Peak| peak.net_area_counts;
    let mut all: Vec<usize> = (0..list.peaks.len())
        .filter(|&i| list.peaks[i].form == PeakForm::Gaussian)
        .collect();
    all.sort_by(|&a, &b| area(&list.peaks[b]).total_cmp(&area(&list.peaks[a])));
    all.truncate(STRONGEST);
    all
}
