//! What the search for evidence may be told.

use crate::ExplainError;
use assay_peaks::{CandidateSettings, PeakSettings};
use serde::{Deserialize, Serialize};

/// Most spectra that may go through the network for one explanation.
const MOST_TESTED: usize = 1000;

/// How peaks are found, named and tested.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceSettings {
    /// The peak search.
    pub peaks: PeakSettings,
    /// The lines that a peak may be.
    pub candidates: CandidateSettings,
    /// Most peaks that are taken out, 1 to 1000: each costs a run of the network.
    pub most_tested: usize,
}

impl Default for EvidenceSettings {
    fn default() -> Self {
        Self {
            peaks: PeakSettings::default(),
            candidates: CandidateSettings::default(),
            most_tested: 100,
        }
    }
}

impl EvidenceSettings {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting out of its range, with its value and the range.
    pub fn check(&self) -> Result<(), ExplainError> {
        self.peaks.check()?;
        self.candidates.check()?;
        if !(1..=MOST_TESTED).contains(&self.most_tested) {
            return Err(ExplainError::Setting {
                name: "most_tested",
                value: self.most_tested.to_string(),
                allowed: "1 to 1000",
            });
        }
        Ok(())
    }
}
