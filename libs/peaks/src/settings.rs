//! What a peak search may be told.

use crate::PeakError;
use crate::error::refuse;
use serde::{Deserialize, Serialize};

/// Settings of a peak search; the defaults suit a germanium detector and capture gamma-rays.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeakSettings {
    /// How many standard deviations the smoothed second difference must reach, 2.5 to 50.
    pub search_threshold: f64,
    /// No peak is looked for below this energy, 0 to 3000 keV.
    pub lowest_kev: f64,
    /// Nor above this one; more than `lowest_kev`, up to 100 000 keV.
    pub highest_kev: f64,
    /// Most peaks fitted together, 1 to 12.
    pub peaks_per_region: usize,
    /// Most peaks of a spectrum, the most significant ones, 1 to 5000.
    pub most_peaks: usize,
}

impl Default for PeakSettings {
    fn default() -> Self {
        Self {
            search_threshold: 4.0,
            lowest_kev: 60.0,
            highest_kev: 12_000.0,
            peaks_per_region: 8,
            most_peaks: 1000,
        }
    }
}

impl PeakSettings {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting out of its range, with its value and the range.
    pub fn check(&self) -> Result<(), PeakError> {
        if !(2.5..=50.0).contains(&self.search_threshold) {
            return Err(refuse(
                "search_threshold",
                self.search_threshold,
                "2.5 to 50 standard deviations",
            ));
        }
        if !(0.0..=3000.0).contains(&self.lowest_kev) {
            return Err(refuse("lowest_kev", self.lowest_kev, "0 to 3000 keV"));
        }
        if !(self.highest_kev > self.lowest_kev && self.highest_kev <= 1e5) {
            return Err(refuse(
                "highest_kev",
                self.highest_kev,
                "above lowest_kev, up to 100000 keV",
            ));
        }
        if !(1..=12).contains(&self.peaks_per_region) {
            return Err(refuse("peaks_per_region", self.peaks_per_region, "1 to 12"));
        }
        if !(1..=5000).contains(&self.most_peaks) {
            return Err(refuse("most_peaks", self.most_peaks, "1 to 5000"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_setting_value_and_range() {
        type Change = fn(&mut PeakSettings);
        let cases: [(Change, &str); 6] = [
            (
                |s| s.search_threshold = 1.0,
                "search_threshold is 1; allowed: 2.5 to 50",
            ),
            (|s| s.search_threshold = f64::NAN, "search_threshold is NaN"),
            (
                |s| s.lowest_kev = -1.0,
                "lowest_kev is -1; allowed: 0 to 3000 keV",
            ),
            (|s| s.highest_kev = 60.0, "highest_kev is 60"),
            (|s| s.peaks_per_region = 13, "peaks_per_region is 13"),
            (|s| s.most_peaks = 0, "most_peaks is 0"),
        ];
        for (change, expected) in cases {
            let mut settings = PeakSettings::default();
            settings.check().unwrap();
            change(&mut settings);
            let text = settings.check().unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
    }
}
