//! What a germanium detector makes of a photon: efficiency, resolution, escape peaks.

use assay_lines::ELECTRON_KEV;

/// FWHM of a Gaussian over its standard deviation.
pub(crate) const FWHM_PER_SIGMA: f64 = 2.354_820_045;

/// Extra width of what contains exactly one annihilation photon, from the momentum of the bound
/// electron: 2 to 2.5 keV in solids.
const ANNIHILATION_FWHM_KEV: f64 = 2.3;

/// How much of the Compton continuum survives the anticoincidence shield.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suppression {
    /// Surviving part when the photon leaves sideways, into the shield.
    pub sideways: f64,
    /// Surviving part when it leaves backwards, through the entrance hole.
    pub backwards: f64,
    /// Cosine of the scattering angle at which the hole begins.
    pub opening_cosine: f64,
}

impl Suppression {
    /// A bare detector.
    pub const NONE: Self = Self {
        sideways: 1.0,
        backwards: 1.0,
        opening_cosine: 0.0,
    };

    /// Surviving part of single scatters at an angle.
    pub(crate) fn surviving(&self, cosine: f64) -> f64 {
        let hole = 1.0 / (1.0 + ((cosine - self.opening_cosine) / 0.1).exp());
        self.sideways + (self.backwards - self.sideways) * hole
    }
}

/// A detector with its shields and electronics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detector {
    /// Full-energy counts per second per cm² of (atoms × cross-section) at 1 MeV: neutron flux
    /// times absolute efficiency.
    pub sensitivity_per_s_cm2: f64,
    /// Exponent by which the efficiency falls faster with energy than the common curve.
    pub efficiency_tilt: f64,
    /// FWHM² = `fwhm2[0]` + `fwhm2[1]`·E + `fwhm2[2]`·E², E in MeV, FWHM in keV.
    pub fwhm2: [f64; 3],
    /// Single-escape peaks relative to a half-shielded detector.
    pub escape_scale: f64,
    /// Double-escape over single-escape peak area.
    pub double_over_single: f64,
    /// Compton suppression.
    pub suppression: Suppression,
    /// Radiation scattered into the detector by what stands around, per full-energy count.
    pub scatter_in: f64,
    /// Part of a peak in its low-energy tail, and the tail's length.
    pub tail: (f64, f64),
    /// Dead time per count.
    pub dead_time_us: f64,
    /// Resolving time of the pile-up rejection.
    pub pile_up_us: f64,
    /// Lower-level discriminator.
    pub discriminator_kev: f64,
}

impl Detector {
    /// Full-energy peak efficiency relative to 1 MeV.
    ///
    /// # Units
    /// `energy_kev` in keV; the result is a ratio.
    ///
    /// # Source
    /// A polynomial of fourth order in ln E, the usual form, fitted to relative areas of iron and
    /// nitrogen lines from 0.08 to 10.8 MeV in the public NIST spectra (N. A. Mahynski et al.,
    /// J. Radioanal. Nucl. Chem. 332, 3259, 2023); the fit holds to 9 %.
    #[must_use]
    pub fn efficiency(&self, energy_kev: f64) -> f64 {
        let x = (energy_kev.max(20.0) / 1000.0).ln();
        let common = x * (-0.685 + x * (-0.0249 + x * (-0.01446 - x * 0.01916)));
        (common - self.efficiency_tilt * x).exp()
    }

    /// Full width at half maximum of a line.
    ///
    /// # Units
    /// keV in, keV out.
    #[must_use]
    pub fn fwhm_kev(&self, energy_kev: f64) -> f64 {
        let e = energy_kev / 1000.0;
        (self.fwhm2[0] + e * (self.fwhm2[1] + e * self.fwhm2[2])).sqrt()
    }

    /// Width of a peak that holds one annihilation photon more or less than a line.
    #[must_use]
    pub fn annihilation_fwhm_kev(&self, energy_kev: f64) -> f64 {
        self.fwhm_kev(energy_kev).hypot(ANNIHILATION_FWHM_KEV)
    }

    /// Area of the single- and double-escape peaks over that of the full-energy peak.
    ///
    /// # Units
    /// keV in, two ratios out.
    ///
    /// # Source
    /// A saturating power of the energy above the pair threshold, chosen to follow the escape
    /// peaks of nitrogen and titanium in the same public spectra.
    #[must_use]
    pub fn escape_ratios(&self, energy_kev: f64) -> (f64, f64) {
        let excess = (energy_kev - 2.0 * ELECTRON_KEV) / 1000.0;
        if excess <= 0.0 {
            return (0.0, 0.0);
        }
        let power = excess.powf(2.5);
        let single = self.escape_scale * 1.4 * power / (power + 65.0);
        (single, single * self.double_over_single)
    }

    /// Part of the counts that pass the discriminator.
    #[must_use]
    pub fn threshold(&self, energy_kev: f64) -> f64 {
        0.5 * libm::erfc((self.discriminator_kev - energy_kev) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::instruments;

    #[test]
    fn resolution_is_that_of_a_germanium_detector() {
        for instrument in instruments() {
            let d = &instrument.detector;
            assert!(
                (1.0..3.0).contains(&d.fwhm_kev(100.0)),
                "{}",
                instrument.name
            );
            assert!((2.0..4.5).contains(&d.fwhm_kev(2223.0)));
            assert!((3.8..8.0).contains(&d.fwhm_kev(8000.0)));
        }
    }

    #[test]
    fn efficiency_peaks_near_100_kev_and_falls_to_high_energy() {
        let d = &instruments()[0].detector;
        assert!((d.efficiency(1000.0) - 1.0).abs() < 1e-12);
        assert!(d.efficiency(130.0) > d.efficiency(50.0));
        let energies: Vec<f64> = (2..120).map(|i| f64::from(i) * 100.0).collect();
        assert!(
            energies
                .windows(2)
                .all(|w| d.efficiency(w[0]) > d.efficiency(w[1]))
        );
    }

    #[test]
    fn escapes_begin_at_twice_the_electron_mass() {
        let d = &instruments()[0].detector;
        assert_eq!(d.escape_ratios(1021.9), (0.0, 0.0));
        assert!(d.escape_ratios(2223.2).0 > 0.0);
        assert!(d.escape_ratios(9000.0).0 > d.escape_ratios(5000.0).0);
    }
}
