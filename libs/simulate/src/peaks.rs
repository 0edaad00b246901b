//! The list of peaks that a spectrum really holds: what an explanation can be scored against.

use crate::emission::{Emission, Origin, Shape};
use assay_spectrum::EnergyCalibration;
use serde::{Deserialize, Serialize};

/// Half of the window around a peak in units of its FWHM: holds 99.6 % of a normal peak.
const WINDOW_FWHM: f64 = 1.25;

/// One peak that can be seen in one spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruePeak {
    /// True energy.
    pub energy_kev: f64,
    /// Energy that the file's calibration gives to its channel.
    pub apparent_energy_kev: f64,
    /// Position: channel centres are whole numbers, counted from 0.
    pub channel: f64,
    /// Full width at half maximum.
    pub fwhm_kev: f64,
    /// Element, empty for annihilation.
    pub element: String,
    /// What makes it.
    pub origin: Origin,
    /// Part of the counts that comes from the sample; the rest is background.
    pub sample_fraction: f64,
    /// Expected net area.
    pub expected_counts: f64,
    /// Expected counts beneath it: continuum and other peaks within 1.25 FWHM.
    pub background_counts: f64,
    /// Net area over its standard deviation, the background being measured as often as the peak.
    pub significance: f64,
}

/// Everything that decides whether a peak is seen.
pub(crate) struct Seen<'a> {
    /// How the channels were filled.
    pub(crate) filled_by: &'a EnergyCalibration,
    /// What the file says.
    pub(crate) nominal: &'a EnergyCalibration,
    /// Expected counts per channel.
    pub(crate) expected: &'a [f64],
    pub(crate) live_time_s: f64,
    pub(crate) discriminator_kev: f64,
}

impl Seen<'_> {
    /// The peaks above the detection limit, by energy.
    ///
    /// # Source
    /// Detection limit 2.71 + 4.65·√B: L. A. Currie, Anal. Chem. 40, 586 (1968), paired
    /// observations, 5 % risks.
    pub(crate) fn peaks(&self, emissions: &[Emission]) -> Vec<TruePeak> {
        let mut running = Vec::with_capacity(self.expected.len() + 1);
        running.push(0.0);
        let mut sum = 0.0;
        for counts in self.expected {
            sum += counts;
            running.push(sum);
        }
        let mut peaks: Vec<TruePeak> = emissions
            .iter()
            .filter_map(|emission| self.peak(emission, &running))
            .collect();
        peaks.sort_by(|a, b| a.energy_kev.total_cmp(&b.energy_kev));
        peaks
    }

    fn peak(&self, emission: &Emission, running: &[f64]) -> Option<TruePeak> {
        let area = emission.rate_per_s * self.live_time_s;
        if area < 2.71 || emission.energy_kev < self.discriminator_kev + 3.0 {
            return None;
        }
        let channel = self.filled_by.channel(emission.energy_kev)?;
        let box_kev = match emission.shape {
            Shape::Line => 0.0,
            Shape::Box { half_width_kev } => 2.0 * half_width_kev,
        };
        let fwhm_kev = emission.fwhm_kev.max(box_kev);
        let reach = WINDOW_FWHM * fwhm_kev / self.filled_by.gain_kev_per_channel(channel);
        let (low, high) = ((channel - reach).round(), (channel + reach).round());
        if low < 0.0 || high >= self.expected.len() as f64 {
            return None;
        }
        let inside = running[high as usize + 1] - running[low as usize];
        let background_counts = (inside - area).max(0.0);
        if area < 2.71 + 4.65 * background_counts.sqrt() {
            return None;
        }
        Some(TruePeak {
            energy_kev: decimals(emission.energy_kev),
            apparent_energy_kev: decimals(self.nominal.energy_kev(channel)),
            channel: decimals(channel),
            fwhm_kev: decimals(fwhm_kev),
            element: emission.element.to_owned(),
            origin: emission.origin,
            sample_fraction: decimals(emission.sample_fraction),
            expected_counts: digits(area),
            background_counts: digits(background_counts),
            significance: digits(area / (area + 2.0 * background_counts).sqrt()),
        })
    }
}

/// To 0.001: finer figures would only lengthen the file.
fn decimals(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// To six significant digits, for the same reason.
fn digits(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let power = 10f64.powi(5 - value.abs().log10().floor() as i32);
    (value * power).round() / power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emission(energy_kev: f64, rate_per_s: f64) -> Emission {
        Emission {
            energy_kev,
            element: "H",
            origin: Origin::Photopeak,
            rate_per_s,
            sample_fraction: 1.0,
            fwhm_kev: 4.0,
            shape: Shape::Line,
        }
    }

    fn seen(rate_per_s: f64) -> Vec<TruePeak> {
        let calibration = EnergyCalibration {
            intercept_kev: 0.0,
            slope_kev_per_channel: 1.0,
            quadratic_kev_per_channel2: 0.0,
        };
        // A flat background of 100 counts in each of the 11 channels of the window.
        Seen {
            filled_by: &calibration,
            nominal: &calibration,
            expected: &vec![100.0; 1000],
            live_time_s: 1.0,
            discriminator_kev: 30.0,
        }
        .peaks(&[emission(500.0, rate_per_s)])
    }

    #[test]
    fn only_peaks_above_the_detection_limit_are_listed() {
        // Limit for B = 1100 − area: 2.71 + 4.65·√B, reached at 147.1 counts.
        assert!(seen(140.0).is_empty());
        let listed = seen(150.0);
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].channel, 500.0);
        assert_eq!(listed[0].background_counts, 950.0);
        let expected = 150.0 / (150.0 + 2.0 * 950.0_f64).sqrt();
        assert!((listed[0].significance - expected).abs() < 1e-4);
    }

    #[test]
    fn rounding_keeps_six_digits() {
        assert_eq!(digits(123_456_789.0), 123_457_000.0);
        assert_eq!(digits(0.001_234_567_8), 0.001_234_57);
        assert_eq!(decimals(561.124_35), 561.124);
    }
}
