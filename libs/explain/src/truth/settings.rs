//! How explanations are put to the test.

use crate::{EvidenceSettings, ExplainError};
use serde::{Deserialize, Serialize};

/// How peaks are tested and curves are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TruthSettings {
    /// The evidence that is scored.
    pub evidence: EvidenceSettings,
    /// Most steps of a deletion or insertion curve, 1 to 100: each costs a spectrum per order and
    /// curve.
    pub steps: usize,
    /// Random orders that the curves are compared with, 1 to 20.
    pub draws: usize,
    /// Full width of the window that the occlusion hides around a peak, 1 to 500 keV.
    pub window_kev: f64,
    /// Seed of the random orders.
    pub seed: u64,
}

impl Default for TruthSettings {
    fn default() -> Self {
        Self {
            evidence: EvidenceSettings::default(),
            steps: 12,
            draws: 3,
            window_kev: 20.0,
            seed: 1,
        }
    }
}

impl TruthSettings {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting out of its range, with its value and the range.
    pub fn check(&self) -> Result<(), ExplainError> {
        self.evidence.check()?;
        let refuse = |name, value, allowed| {
            Err(ExplainError::Setting {
                name,
                value,
                allowed,
            })
        };
        if !(1..=100).contains(&self.steps) {
            return refuse("steps", self.steps.to_string(), "1 to 100");
        }
        if !(1..=20).contains(&self.draws) {
            return refuse("draws", self.draws.to_string(), "1 to 20");
        }
        if !(1.0..=500.0).contains(&self.window_kev) {
            return refuse("window_kev", self.window_kev.to_string(), "1 to 500");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named() {
        TruthSettings::default().check().unwrap();
        let refused = |change: fn(&mut TruthSettings)| {
            let mut settings = TruthSettings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert_eq!(refused(|s| s.steps = 0), "steps is 0; allowed: 1 to 100");
        assert_eq!(refused(|s| s.draws = 21), "draws is 21; allowed: 1 to 20");
        let text = refused(|s| s.window_kev = f64::NAN);
        assert_eq!(text, "window_kev is NaN; allowed: 1 to 500");
        assert!(refused(|s| s.evidence.most_tested = 0).contains("most_tested"));
    }
}
