//! Compton edges that look like peaks.

use crate::Peak;
use assay_lines::ELECTRON_KEV;

/// How well the full-energy peak must be seen.
const SIGNIFICANCE: f64 = 100.0;
/// What of the continuum and of the full-energy peak an edge may look like.
const PART_OF_CONTINUUM: f64 = 0.08;
const PART_OF_PEAK: f64 = 3e-3;
/// Where it does so, from the edge itself: the anticoincidence shield leaves a bump below it.
const BELOW_KEV: f64 = 12.0;
const ABOVE_KEV: f64 = 3.0;

/// Energy of the Compton edge of a line.
///
/// # Units
/// keV in, keV out.
///
/// # Source
/// A. H. Compton, Phys. Rev. 21, 483 (1923), scattering by 180 degrees.
fn compton_edge_kev(energy_kev: f64) -> f64 {
    energy_kev / (1.0 + ELECTRON_KEV / (2.0 * energy_kev))
}

/// Whether a peak is a small bump at the Compton edge of a far stronger one.
pub(crate) fn is_compton_edge(peak: &Peak, peaks: &[Peak]) -> bool {
    let small = |full: &Peak| {
        let distance = peak.energy_kev - compton_edge_kev(full.energy_kev);
        full.significance > SIGNIFICANCE
            && (-BELOW_KEV..ABOVE_KEV).contains(&distance)
            && peak.net_area_counts < PART_OF_PEAK * full.net_area_counts
    };
    peak.net_area_counts < PART_OF_CONTINUUM * peak.continuum_counts && peaks.iter().any(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_well_known_lines() {
        assert!((compton_edge_kev(661.66) - 477.3).abs() < 0.1);
        assert!((compton_edge_kev(2223.25) - 1994.1).abs() < 0.1);
    }
}
