//! The file that says what every simulated spectrum really holds.

use crate::{SimulatedSpectrum, SimulationSpec, TruePeak};
use assay_core::ClassLabel;
use assay_spectrum::EnergyCalibration;
use serde::{Deserialize, Serialize};

/// Version of the truth file.
pub const TRUTH_VERSION: u32 = 1;

/// Truth of a simulated data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Version of this structure.
    pub version: u32,
    /// The specification that makes the data set again.
    pub spec: SimulationSpec,
    /// One entry per spectrum, in the order of the plan.
    pub spectra: Vec<TruthSpectrum>,
}

/// Truth of one spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthSpectrum {
    /// Path relative to the manifest.
    pub file: String,
    /// Class.
    pub label: ClassLabel,
    /// Lot.
    pub group: String,
    /// Variety of the material.
    pub variety: String,
    /// Name of the spectrometer.
    pub instrument: String,
    /// Calibration by which the channels were filled; the file states the one before the drift.
    pub calibration: EnergyCalibration,
    /// Expected counts in all channels.
    pub expected_total_counts: f64,
    /// Peaks above the detection limit, by energy.
    pub peaks: Vec<TruePeak>,
}

impl Truth {
    /// An empty truth for a specification.
    #[must_use]
    pub fn new(spec: SimulationSpec) -> Self {
        Self {
            version: TRUTH_VERSION,
            spec,
            spectra: Vec::new(),
        }
    }

    /// Adds the truth of one spectrum.
    pub fn push(&mut self, simulated: &SimulatedSpectrum) {
        self.spectra.push(TruthSpectrum {
            file: simulated.file_name.clone(),
            label: simulated.item.label.clone(),
            group: simulated.item.group(),
            variety: simulated.variety.to_owned(),
            instrument: simulated.instrument.to_owned(),
            calibration: simulated.true_calibration,
            expected_total_counts: simulated.expected.iter().sum(),
            peaks: simulated.true_peaks.clone(),
        });
    }
}
