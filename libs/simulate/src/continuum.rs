//! Everything a photon leaves in the detector besides its peaks, on a coarse energy grid: the
//! response is smooth, so that one matrix per detector serves every line. The heights are set by
//! hand so that simulated continua resemble the public NIST spectra; no transport is computed.

use crate::detector::Detector;
use assay_lines::ELECTRON_KEV;

/// Width of a bin of the coarse grid.
pub(crate) const BIN_KEV: f64 = 8.0;
/// Number of bins: up to 12 MeV.
pub(crate) const BINS: usize = 1500;

/// Height of the shelf right below every peak, per keV and count of the peak: incomplete charge
/// collection and forward scatter, about the same from 1 to 11 MeV.
pub(crate) const SHELF_PER_KEV: f64 = 6.0e-4;
/// Depth over which the shelf falls off.
pub(crate) const SHELF_DEPTH_KEV: f64 = 600.0;

/// Single Compton scatter at its edge, per keV and full-energy count.
const SINGLE_PER_KEV: f64 = 2.1e-3;
/// Multiple Compton scatter at the edge.
const MULTIPLE_PER_KEV: f64 = 4.0e-3;
/// One annihilation photon scattered, the other absorbed, per single-escape count.
const ONE_ABSORBED_PER_KEV: f64 = 2.8e-3;
/// One annihilation photon scattered, the other gone, per single-escape count.
const ONE_GONE_PER_KEV: f64 = 1.6e-3;
/// Electrons and bremsstrahlung that leave the crystal, per keV, full-energy count and MeV.
const LEAKAGE_PER_KEV_MEV: f64 = 8.0e-5;

/// Centre of a coarse bin.
pub(crate) fn centre_kev(bin: usize) -> f64 {
    (bin as f64 + 0.5) * BIN_KEV
}

/// Energy of the Compton edge.
///
/// # Units
/// keV in, keV out.
#[must_use]
pub(crate) fn compton_edge_kev(energy_kev: f64) -> f64 {
    energy_kev / (1.0 + ELECTRON_KEV / (2.0 * energy_kev))
}

/// Klein–Nishina spectrum of the electron's energy, 1 at the Compton edge, 0 above it.
///
/// # Source
/// Klein and Nishina, Z. Phys. 52, 853 (1929), as spectrum of the recoil; common factors cancel.
fn klein_nishina(deposit_kev: f64, energy_kev: f64) -> f64 {
    let alpha = energy_kev / ELECTRON_KEV;
    let shape = |s: f64| {
        let r = s / (1.0 - s);
        2.0 + r * r / (alpha * alpha) + r * (s - 2.0 / alpha)
    };
    let edge = compton_edge_kev(energy_kev);
    if deposit_kev > edge {
        return 0.0;
    }
    shape(deposit_kev / energy_kev) / shape(edge / energy_kev)
}

/// Cosine of the angle of a photon that left `deposit_kev` in one scatter.
fn scatter_cosine(deposit_kev: f64, energy_kev: f64) -> f64 {
    let left = (energy_kev - deposit_kev).max(1.0);
    (1.0 - ELECTRON_KEV * (1.0 / left - 1.0 / energy_kev)).clamp(-1.0, 1.0)
}

/// Counts per keV at `deposit_kev` for one full-energy count at `energy_kev`, without the peaks
/// and the shelf.
pub(crate) fn density_per_kev(detector: &Detector, deposit_kev: f64, energy_kev: f64) -> f64 {
    if deposit_kev >= energy_kev {
        return 0.0;
    }
    let shield = &detector.suppression;
    let edge = compton_edge_kev(energy_kev);
    let surviving = shield.surviving(scatter_cosine(deposit_kev, energy_kev));
    let compton = if deposit_kev <= edge {
        let decay = (-(edge - deposit_kev) / (0.2 * energy_kev)).exp();
        let multiple = MULTIPLE_PER_KEV * (0.3 + 0.7 * decay);
        surviving * (SINGLE_PER_KEV * klein_nishina(deposit_kev, energy_kev) + multiple)
    } else {
        let over = (deposit_kev - edge) / (0.6 * (energy_kev - edge));
        surviving * MULTIPLE_PER_KEV * (1.0 - over).max(0.0)
    };
    let leakage = if deposit_kev < edge {
        // The shield sees part of what leaves the crystal.
        let unseen = 0.35 + 0.65 * shield.sideways;
        LEAKAGE_PER_KEV_MEV * unseen * energy_kev / 1000.0
    } else {
        0.0
    };
    compton
        + leakage
        + pair_density(detector, deposit_kev, energy_kev)
        + scattered_in(detector, deposit_kev, energy_kev)
}

/// Annihilation photons that scatter before they leave: steps above the escape peaks.
fn pair_density(detector: &Detector, deposit_kev: f64, energy_kev: f64) -> f64 {
    let (single, _) = detector.escape_ratios(energy_kev);
    if single == 0.0 {
        return 0.0;
    }
    let step = |from_kev: f64| {
        let over = deposit_kev - from_kev;
        if (0.0..ELECTRON_KEV).contains(&over) {
            let flat = 1.0 - (over / ELECTRON_KEV).powi(2);
            0.5 * flat + 0.5 * klein_nishina(over, ELECTRON_KEV)
        } else {
            0.0
        }
    };
    single
        * (ONE_ABSORBED_PER_KEV * step(energy_kev - ELECTRON_KEV)
            + ONE_GONE_PER_KEV * step(energy_kev - 2.0 * ELECTRON_KEV))
}

/// Photons that reach the crystal after a scatter in the sample, the shield or the floor.
fn scattered_in(detector: &Detector, deposit_kev: f64, energy_kev: f64) -> f64 {
    let emitted = detector.efficiency(150.0) / detector.efficiency(energy_kev);
    let rise = 1.0 - (-(deposit_kev / 70.0).powi(2)).exp();
    let fall = (-(deposit_kev / 230.0).powf(1.6)).exp();
    detector.scatter_in * emitted * rise * fall * (1.0 - deposit_kev / energy_kev)
}

/// The response of one detector: for each coarse bin of photon energy the counts per keV in all
/// bins below it.
pub(crate) struct Response {
    /// Rows of growing length: row i holds i + 1 values.
    rows: Vec<f32>,
}

impl Response {
    pub(crate) fn new(detector: &Detector) -> Self {
        let mut rows = Vec::with_capacity(BINS * (BINS + 1) / 2);
        for source in 0..BINS {
            let energy_kev = centre_kev(source);
            rows.extend((0..=source).map(|bin| {
                // Half a bin in from the source's own centre.
                let deposit = centre_kev(bin).min(energy_kev - 0.25 * BIN_KEV);
                density_per_kev(detector, deposit, energy_kev) as f32
            }));
        }
        Self { rows }
    }

    /// Continuum of a spectrum of full-energy counts.
    ///
    /// # Shapes
    /// `full_energy` and the result: `[BINS]`.
    ///
    /// # Units
    /// Counts per second in, counts per second and keV out.
    pub(crate) fn fold(&self, full_energy: &[f64]) -> Vec<f64> {
        let mut folded = vec![0.0; BINS];
        let mut start = 0;
        for (source, &rate) in full_energy.iter().enumerate().take(BINS) {
            let row = &self.rows[start..start + source + 1];
            start += source + 1;
            if rate > 0.0 {
                for (value, &density) in folded.iter_mut().zip(row) {
                    *value += rate * f64::from(density);
                }
            }
        }
        folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruments;

    #[test]
    fn edges_of_well_known_lines() {
        // 137Cs and 60Co, as every textbook has them.
        assert!((compton_edge_kev(661.657) - 477.3).abs() < 0.1);
        assert!((compton_edge_kev(1332.5) - 1118.1).abs() < 0.1);
    }

    #[test]
    fn back_scatter_at_the_edge_and_forward_scatter_at_zero() {
        let edge = compton_edge_kev(2223.2);
        assert!((scatter_cosine(edge, 2223.2) + 1.0).abs() < 1e-9);
        assert!((scatter_cosine(0.0, 2223.2) - 1.0).abs() < 1e-12);
        assert!((klein_nishina(edge, 2223.2) - 1.0).abs() < 1e-12);
        assert_eq!(klein_nishina(edge + 1.0, 2223.2), 0.0);
    }

    #[test]
    fn shield_takes_the_middle_of_the_compton_continuum() {
        let bare = &instruments()[0].detector;
        let shielded = &instruments()[2].detector;
        let middle = |d| density_per_kev(d, 1000.0, 2223.2);
        assert!(middle(shielded) < 0.25 * middle(bare));
    }

    #[test]
    fn folding_is_linear_and_stays_below_the_source() {
        let response = Response::new(&instruments()[4].detector);
        let mut source = vec![0.0; BINS];
        source[700] = 2.0;
        let twice = response.fold(&source);
        source[700] = 1.0;
        let once = response.fold(&source);
        assert!(twice.iter().zip(&once).all(|(t, o)| *t == 2.0 * o));
        assert!(once[701..].iter().all(|&v| v == 0.0));
        assert!(once[..700].iter().all(|&v| v > 0.0));
    }
}
