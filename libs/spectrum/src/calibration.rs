//! From channel number to energy.

use crate::SpectrumError;
use serde::{Deserialize, Serialize};

/// Energy of the centre of channel i (0-based, absolute): `a0 + a1·i + a2·i²`, in keV.
///
/// The fields are public so that a reader can keep what a file says; [`EnergyCalibration::check`]
/// decides whether it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyCalibration {
    /// Energy of channel 0.
    pub intercept_kev: f64,
    /// Linear term.
    pub slope_kev_per_channel: f64,
    /// Quadratic term, 0 where the instrument gives none.
    #[serde(default)]
    pub quadratic_kev_per_channel2: f64,
}

/// Which terms of the calibration are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationTerms {
    /// Intercept and slope: the published way, which leaves the quadratic term out.
    #[default]
    Linear,
    /// All three terms.
    Quadratic,
}

impl EnergyCalibration {
    /// A calibration with finite terms and a positive slope.
    ///
    /// # Units
    /// keV, keV per channel, keV per channel squared.
    ///
    /// # Errors
    /// When a term is not finite or the slope is not positive.
    pub fn new(
        intercept_kev: f64,
        slope_kev_per_channel: f64,
        quadratic_kev_per_channel2: f64,
    ) -> Result<Self, SpectrumError> {
        let calibration = Self {
            intercept_kev,
            slope_kev_per_channel,
            quadratic_kev_per_channel2,
        };
        calibration.check(1)?;
        Ok(calibration)
    }

    /// Checks that energies are finite and rise strictly over the channels `0..n_channels`.
    ///
    /// # Errors
    /// When a term is not finite, or the first channel at which the energy does not rise.
    pub fn check(&self, n_channels: usize) -> Result<(), SpectrumError> {
        let terms = [
            ("the intercept (keV)", self.intercept_kev),
            ("the slope (keV per channel)", self.slope_kev_per_channel),
            (
                "the quadratic term (keV per channel²)",
                self.quadratic_kev_per_channel2,
            ),
        ];
        for (term, value) in terms {
            if !value.is_finite() {
                return Err(SpectrumError::CalibrationNotFinite { term, value });
            }
        }
        // The derivative is linear in the channel, so its two ends decide.
        let last = n_channels.saturating_sub(1);
        for channel in [0, last] {
            let gain = self.gain_kev_per_channel(channel as f64);
            // A gain lost in the rounding of the energy itself would give equal energies.
            let smallest = self.energy_kev(channel as f64).abs() * 2.0 * f64::EPSILON;
            if !(gain.is_finite() && gain > smallest) {
                return Err(SpectrumError::CalibrationNotIncreasing {
                    intercept_kev: self.intercept_kev,
                    slope_kev_per_channel: self.slope_kev_per_channel,
                    quadratic_kev_per_channel2: self.quadratic_kev_per_channel2,
                    channel,
                });
            }
        }
        Ok(())
    }

    /// The same calibration with only the given terms.
    #[must_use]
    pub fn with_terms(self, terms: CalibrationTerms) -> Self {
        match terms {
            CalibrationTerms::Linear => Self {
                quadratic_kev_per_channel2: 0.0,
                ..self
            },
            CalibrationTerms::Quadratic => self,
        }
    }

    /// Energy at a channel position in keV; whole numbers are channel centres.
    #[must_use]
    #[inline]
    pub fn energy_kev(&self, channel: f64) -> f64 {
        let quadratic = self.quadratic_kev_per_channel2 * (channel * channel);
        self.intercept_kev + self.slope_kev_per_channel * channel + quadratic
    }

    /// Width of a channel at a channel position, in keV.
    #[must_use]
    pub fn gain_kev_per_channel(&self, channel: f64) -> f64 {
        self.slope_kev_per_channel + 2.0 * self.quadratic_kev_per_channel2 * channel
    }

    /// Channel position of an energy, the inverse of [`EnergyCalibration::energy_kev`]; `None`
    /// where no channel on the rising branch has that energy.
    #[must_use]
    pub fn channel(&self, energy_kev: f64) -> Option<f64> {
        let rise = energy_kev - self.intercept_kev;
        let (a1, a2) = (self.slope_kev_per_channel, self.quadratic_kev_per_channel2);
        let discriminant = a1 * a1 + 4.0 * a2 * rise;
        // This form of the root stays exact as the quadratic term goes to zero.
        let channel = 2.0 * rise / (a1 + discriminant.sqrt());
        (discriminant >= 0.0 && channel.is_finite()).then_some(channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_does_not_rise_or_is_not_finite() {
        for slope in [0.0, -0.5] {
            let error = EnergyCalibration::new(1.0, slope, 0.0).unwrap_err();
            assert!(matches!(
                error,
                SpectrumError::CalibrationNotIncreasing { channel: 0, .. }
            ));
        }
        let error = EnergyCalibration::new(f64::NAN, 0.5, 0.0).unwrap_err();
        assert!(
            error.to_string().contains("the intercept (keV) is NaN"),
            "{error}"
        );
        // Gain 0.5 − 2·1e-4·i vanishes at channel 2500.
        let bent = EnergyCalibration::new(0.0, 0.5, -1e-4).unwrap();
        assert!(bent.check(2500).is_ok());
        assert!(bent.check(2502).is_err());
        // One keV per channel is nothing beside 1e20 keV.
        assert!(EnergyCalibration::new(1e20, 1.0, 0.0).is_err());
    }

    #[test]
    fn linear_terms_leave_the_quadratic_out() {
        let full = EnergyCalibration::new(1.5, 0.7, 2e-8).unwrap();
        assert_eq!(full.with_terms(CalibrationTerms::Quadratic), full);
        let linear = full.with_terms(CalibrationTerms::Linear);
        assert_eq!(linear.energy_kev(1e4), 1.5 + 0.7 * 1e4);
        assert!((full.energy_kev(1e4) - linear.energy_kev(1e4) - 2.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn channel_inverts_energy(
            intercept in -10.0..10.0f64,
            slope in 0.1..2.0f64,
            quadratic in -2e-6..2e-6f64,
            channel in 0.0..16384.0f64,
        ) {
            let calibration = EnergyCalibration::new(intercept, slope, quadratic).unwrap();
            prop_assume!(calibration.check(16384).is_ok());
            let back = calibration.channel(calibration.energy_kev(channel)).unwrap();
            prop_assert!((back - channel).abs() < 1e-6, "{back} instead of {channel}");
        }
    }
}
