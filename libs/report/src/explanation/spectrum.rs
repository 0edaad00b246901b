//! The measured spectrum, and one importance per energy.

use serde::{Deserialize, Serialize};

/// Counts per channel with their calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredSpectrum {
    /// Counts of each channel, from channel 0.
    pub counts: Vec<u64>,
    /// Energy of a channel, as the model's recipe reads it: only then do importances stand at the
    /// channels that they were computed for.
    pub calibration: Calibration,
    /// Time in which the detector could count, in seconds.
    pub live_time_s: Option<f64>,
    /// Duration of the measurement in seconds.
    pub real_time_s: Option<f64>,
}

/// Energy of channel i: intercept + slope·i + quadratic·i².
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Energy of channel 0 in keV.
    pub intercept_kev: f64,
    /// keV per channel.
    pub slope_kev: f64,
    /// keV per channel squared; 0 where the calibration is linear.
    pub quadratic_kev: f64,
}

/// What each energy did for one class, at energies in equal steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyImportance {
    /// Centre of the first bin in keV.
    pub first_kev: f64,
    /// Width of a bin in keV.
    pub step_kev: f64,
    /// Signed: positive speaks for the class, negative against it.
    pub values: Vec<f32>,
    /// Unit of the values, such as "logit per cell".
    pub unit: String,
    /// Energies that one cell of the class activation map covers, in keV; cells stand side by side
    /// from the first bin's lower edge on. Finer structure in the values is interpolation.
    pub cell_width_kev: Option<f64>,
}

impl Calibration {
    /// Energy of a channel in keV; halves are edges between channels.
    #[must_use]
    pub fn energy_kev(&self, channel: f64) -> f64 {
        (self.quadratic_kev * channel + self.slope_kev) * channel + self.intercept_kev
    }
}

impl MeasuredSpectrum {
    /// Highest count within three channels of an energy, for a calibration that is a little off.
    pub(crate) fn highest_near(&self, energy_kev: f64) -> u64 {
        let channels = self.counts.len();
        // Energies rise, so the channel is found by halving.
        let mut range = (0, channels);
        while range.1 - range.0 > 1 {
            let middle = usize::midpoint(range.0, range.1);
            if self.calibration.energy_kev(middle as f64) <= energy_kev {
                range.0 = middle;
            } else {
                range.1 = middle;
            }
        }
        let near = range.0.saturating_sub(3)..(range.0 + 4).min(channels);
        self.counts[near].iter().max().copied().unwrap_or(0)
    }
}

impl EnergyImportance {
    /// Lower edge of the first bin and upper edge of the last one, in keV.
    #[must_use]
    pub fn range_kev(&self) -> (f64, f64) {
        let low = self.first_kev - 0.5 * self.step_kev;
        (low, low + self.step_kev * self.values.len() as f64)
    }

    /// The value at an energy; `None` outside the bins.
    #[must_use]
    pub fn at(&self, energy_kev: f64) -> Option<f32> {
        let bin = (energy_kev - self.range_kev().0) / self.step_kev;
        if bin < 0.0 {
            return None;
        }
        self.values.get(bin as usize).copied()
    }

    /// The largest magnitude, which gets the full colour.
    pub(crate) fn largest(&self) -> f64 {
        let magnitudes = self.values.iter().map(|v| f64::from(v.abs()));
        magnitudes.fold(0.0, f64::max)
    }
}
