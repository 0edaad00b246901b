//! The detector's resolution as a function of energy.

use crate::robust::{TUKEY, median, solve_three};
use serde::{Deserialize, Serialize};

/// Where a resolution comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionSource {
    /// Fitted to isolated peaks of the spectrum itself.
    Fitted,
    /// That of a typical detector, scaled to the few peaks of the spectrum.
    Scaled,
    /// That of a typical detector: the spectrum has no peak to measure.
    Typical,
}

/// FWHM² = a + b·E + c·E².
///
/// # Source
/// Noise, charge statistics and incomplete collection added in squares: K. Debertin, R. G.
/// Helmer, Gamma- and X-Ray Spectrometry with Semiconductor Detectors, North-Holland (1988).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// Noise of the electronics.
    pub a_kev2: f64,
    /// Statistics of the charge carriers.
    pub b_kev: f64,
    /// Charge that is not collected.
    pub c: f64,
    /// Where it comes from.
    pub source: ResolutionSource,
    /// Peaks of the spectrum that were used.
    pub peaks_used: usize,
}

/// A measured width.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Width {
    pub(crate) energy_kev: f64,
    pub(crate) fwhm_kev: f64,
    pub(crate) sigma_kev: f64,
}

/// Fewest peaks, and fewest keV between them, for a resolution of their own.
const FEWEST_PEAKS: usize = 6;
const SHORTEST_SPAN_KEV: f64 = 1500.0;
/// Widths are never known better than this part of them: peaks are no exact Gaussians.
const RELATIVE_FLOOR: f64 = 0.02;

impl Resolution {
    /// A coaxial germanium detector: 1.5 keV at 122, 2.0 at 1332 and 5 keV at 9000 keV.
    pub const TYPICAL: Self = Self {
        a_kev2: 2.0,
        b_kev: 1.4e-3,
        c: 1.2e-7,
        source: ResolutionSource::Typical,
        peaks_used: 0,
    };

    /// Full width at half maximum of a peak.
    ///
    /// # Units
    /// keV in, keV out; 0.5 keV or more.
    #[must_use]
    pub fn fwhm_kev(&self, energy_kev: f64) -> f64 {
        let e = energy_kev.max(0.0);
        (self.a_kev2 + e * (self.b_kev + e * self.c))
            .max(0.25)
            .sqrt()
    }

    /// Robust fit to measured widths; the typical detector, scaled or as it is, where they are
    /// too few or too close together.
    ///
    /// # Source
    /// Iteratively reweighted least squares with Tukey's biweight: P. J. Huber, Robust
    /// Statistics (1981). Escape peaks and unresolved doublets are the outliers here.
    pub(crate) fn fit(widths: &[Width]) -> Self {
        let scale = median(
            widths
                .iter()
                .map(|w| (w.fwhm_kev / Self::TYPICAL.fwhm_kev(w.energy_kev)).powi(2))
                .collect(),
        );
        let Some(scale) = scale else {
            return Self::TYPICAL;
        };
        let scaled = Self {
            a_kev2: Self::TYPICAL.a_kev2 * scale,
            b_kev: Self::TYPICAL.b_kev * scale,
            c: Self::TYPICAL.c * scale,
            source: ResolutionSource::Scaled,
            peaks_used: widths.len(),
        };
        let energies = widths.iter().map(|w| w.energy_kev);
        let span = energies.clone().fold(f64::MIN, f64::max) - energies.fold(f64::MAX, f64::min);
        if widths.len() < FEWEST_PEAKS || span < SHORTEST_SPAN_KEV {
            return scaled;
        }
        let mut found = scaled;
        for _ in 0..20 {
            match found.reweighted(widths) {
                Some(next) => found = next,
                None => return scaled,
            }
        }
        let sane = (0..=12).all(|mev| {
            let energy_kev = 1000.0 * f64::from(mev).max(0.06);
            let ratio = found.fwhm_kev(energy_kev) / scaled.fwhm_kev(energy_kev);
            (0.6..1.7).contains(&ratio)
        });
        if sane { found } else { scaled }
    }

    /// One step: weights by the distance from the present curve, then a linear fit.
    fn reweighted(&self, widths: &[Width]) -> Option<Self> {
        let misfit = |w: &Width| w.fwhm_kev.powi(2) - self.fwhm_kev(w.energy_kev).powi(2);
        let error = |w: &Width| 2.0 * w.fwhm_kev * w.sigma_kev.max(RELATIVE_FLOOR * w.fwhm_kev);
        let spread = median(
            widths
                .iter()
                .map(|w| (misfit(w) / error(w)).abs())
                .collect(),
        )?;
        let limit = TUKEY * (1.4826 * spread).max(1.0);
        // A weak pull towards the start keeps terms defined that few peaks determine.
        let typical = Self::TYPICAL;
        let mut normal = [[0.0; 4]; 3];
        let prior = [typical.a_kev2, typical.b_kev, typical.c];
        for (i, row) in normal.iter_mut().enumerate() {
            let pull = (1.0 / prior[i]).powi(2);
            row[i] += pull;
            row[3] += pull * prior[i];
        }
        for w in widths {
            let u = misfit(w) / error(w) / limit;
            if u.abs() >= 1.0 {
                continue;
            }
            let weight = ((1.0 - u * u) / error(w)).powi(2);
            let terms = [1.0, w.energy_kev, w.energy_kev * w.energy_kev];
            for (i, row) in normal.iter_mut().enumerate() {
                for (j, term) in terms.iter().enumerate() {
                    row[j] += weight * terms[i] * term;
                }
                row[3] += weight * terms[i] * w.fwhm_kev.powi(2);
            }
        }
        let [a_kev2, b_kev, c] = solve_three(normal)?;
        let found = Self {
            a_kev2,
            b_kev,
            c,
            source: ResolutionSource::Fitted,
            peaks_used: widths.len(),
        };
        [a_kev2, b_kev, c]
            .iter()
            .all(|t| t.is_finite())
            .then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(energies: impl Iterator<Item = f64>, fwhm2: impl Fn(f64) -> f64) -> Vec<Width> {
        energies
            .map(|energy_kev| Width {
                energy_kev,
                fwhm_kev: fwhm2(energy_kev).sqrt(),
                sigma_kev: 0.02,
            })
            .collect()
    }

    #[test]
    fn finds_the_curve_among_outliers() {
        let truth = |e: f64| 1.6 + 2.1e-3 * e + 2.0e-7 * e * e;
        let mut measured = widths((1..40).map(|i| 200.0 * f64::from(i)), truth);
        for outlier in measured.iter_mut().step_by(5) {
            outlier.fwhm_kev *= 1.5;
        }
        let found = Resolution::fit(&measured);
        assert_eq!(found.source, ResolutionSource::Fitted);
        for energy_kev in [100.0, 1000.0, 4000.0, 9000.0] {
            let ratio = found.fwhm_kev(energy_kev) / truth(energy_kev).sqrt();
            assert!((ratio - 1.0).abs() < 0.01, "{energy_kev}: {ratio}");
        }
    }

    #[test]
    fn few_peaks_scale_the_typical_detector() {
        let broad = |e: f64| 1.44 * Resolution::TYPICAL.fwhm_kev(e).powi(2);
        let found = Resolution::fit(&widths([500.0, 2223.0].into_iter(), broad));
        assert_eq!(found.source, ResolutionSource::Scaled);
        let ratio = found.fwhm_kev(6000.0) / Resolution::TYPICAL.fwhm_kev(6000.0);
        assert!((ratio - 1.2).abs() < 1e-9);
        assert_eq!(Resolution::fit(&[]), Resolution::TYPICAL);
    }

    #[test]
    fn peaks_at_one_end_do_not_decide_the_other() {
        let measured = widths((1..20).map(|i| 100.0 * f64::from(i)), |e| 0.5 + 6e-3 * e);
        let found = Resolution::fit(&measured);
        assert!(found.fwhm_kev(11_000.0) < 12.0);
        assert!(found.fwhm_kev(50.0) > 0.5);
    }
}
