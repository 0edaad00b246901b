//! What a search for candidate lines may be told.

use crate::PeakError;
use crate::error::refuse;
use serde::{Deserialize, Serialize};

/// How candidates are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CandidateSettings {
    /// How far a calibration may be off at any energy, 0.05 to 20 keV.
    pub tolerance_kev: f64,
    /// And further per keV of energy, 0 to 0.01: a calibration without its quadratic term is off
    /// by up to 2.9 keV at high energies.
    pub tolerance_per_kev: f64,
    /// Most candidates of a peak, 1 to 50.
    pub most: usize,
}

impl Default for CandidateSettings {
    fn default() -> Self {
        Self {
            tolerance_kev: 1.0,
            tolerance_per_kev: 2e-4,
            most: 5,
        }
    }
}

impl CandidateSettings {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting out of its range, with its value and the range.
    pub fn check(&self) -> Result<(), PeakError> {
        if !(0.05..=20.0).contains(&self.tolerance_kev) {
            return Err(refuse(
                "tolerance_kev",
                self.tolerance_kev,
                "0.05 to 20 keV",
            ));
        }
        if !(0.0..=0.01).contains(&self.tolerance_per_kev) {
            return Err(refuse(
                "tolerance_per_kev",
                self.tolerance_per_kev,
                "0 to 0.01",
            ));
        }
        if !(1..=50).contains(&self.most) {
            return Err(refuse("most", self.most, "1 to 50"));
        }
        Ok(())
    }

    /// Distance at which a line still counts, with a part of the constant term only.
    pub(super) fn tolerance_kev_at(&self, energy_kev: f64, sigma_kev: f64, part: f64) -> f64 {
        let calibration = part * self.tolerance_kev + self.tolerance_per_kev * energy_kev;
        calibration.hypot(2.0 * sigma_kev)
    }
}
