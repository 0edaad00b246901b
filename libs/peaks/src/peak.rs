//! The peaks of a spectrum and what is known of each.

use crate::region::{PeakForm, Region};
use crate::{PeakError, Resolution};
use assay_spectrum::{EnergyCalibration, Spectrum};
use serde::{Deserialize, Serialize};

/// How a peak's area was determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AreaMethod {
    /// Fit of the model.
    Fit,
    /// Sum over a straight continuum, because no fit described the counts.
    Summation,
}

/// One peak.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// Energy by the file's calibration with all its terms.
    pub energy_kev: f64,
    /// Its standard deviation from counting; what the calibration is wrong by comes on top.
    pub energy_sigma_kev: f64,
    /// Absolute channel; whole numbers are channel centres.
    pub channel: f64,
    /// Full width at half maximum.
    pub fwhm_kev: f64,
    /// Net area.
    pub net_area_counts: f64,
    /// Its standard deviation, scaled up by √χ² where the model does not describe the counts.
    pub net_area_sigma_counts: f64,
    /// Fitted continuum within 1.25 FWHM on each side.
    pub continuum_counts: f64,
    /// Net area over its standard deviation.
    pub significance: f64,
    /// First absolute channel of the region in which it was fitted.
    pub low_channel: usize,
    /// Last absolute channel of that region.
    pub high_channel: usize,
    /// χ² per degree of freedom of that region; 0 for a summation.
    pub reduced_chi_squared: f64,
    /// How the area was determined.
    pub method: AreaMethod,
    /// Form of the peak.
    pub form: PeakForm,
}

/// The peaks of one spectrum by energy, with what is needed to take them out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PeakList {
    /// Peaks by energy.
    pub peaks: Vec<Peak>,
    /// The detector's resolution.
    pub resolution: Resolution,
    /// For each peak, its region and its number therein.
    pub(crate) places: Vec<(usize, usize)>,
    pub(crate) regions: Vec<Region>,
    pub(crate) first_channel: u32,
    pub(crate) end_channel: usize,
    pub(crate) calibration: EnergyCalibration,
    pub(crate) live_time_s: Option<f64>,
    /// Running sum of the counts: detection limits between the peaks come from it.
    pub(crate) running_counts: Vec<f64>,
}

impl PeakList {
    /// Whether a spectrum has the channels in which these peaks were found.
    pub(crate) fn check_same(&self, spectrum: &Spectrum) -> Result<(), PeakError> {
        let same = spectrum.first_channel == self.first_channel
            && spectrum.end_channel() == self.end_channel;
        if same {
            return Ok(());
        }
        Err(PeakError::OtherSpectrum {
            expected_first: self.first_channel,
            expected_end: self.end_channel,
            first: spectrum.first_channel,
            end: spectrum.end_channel(),
        })
    }

    /// Counts between two energies, within the spectrum.
    pub(crate) fn counts_between(&self, low_kev: f64, high_kev: f64) -> Option<f64> {
        let index = |energy_kev: f64| {
            let channel = self.calibration.channel(energy_kev)?;
            let index = (channel - f64::from(self.first_channel)).round();
            (index >= 0.0 && index + 1.0 < self.running_counts.len() as f64)
                .then_some(index as usize)
        };
        let (low, high) = (index(low_kev)?, index(high_kev)?);
        Some(self.running_counts[high + 1] - self.running_counts[low])
    }
}
