//! What can be set about who may do what.

use crate::config::Check;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Fewest and most requests a second that can be told apart from none and from no limit.
const LEAST_PER_S: f64 = 0.001;
const MOST_PER_S: f64 = 1e6;
/// Largest burst, and most requests at a time.
pub(super) const MOST: u32 = 1_000_000;

/// Who may do what. Without a file of tokens everybody may do everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessConfig {
    /// The file of tokens.
    pub tokens: Option<PathBuf>,
    /// Whether tools may ask what the interface is.
    pub reflection: bool,
    /// Requests of one principal a second, on average; 0: no limit.
    pub requests_per_s: f64,
    /// Requests of one principal at once after a pause.
    pub burst: u32,
    /// Requests and streams of one principal at a time; 0: no limit but that of all.
    pub max_in_flight: u32,
    /// Where the audit log is written beside the other logs.
    pub audit_file: Option<PathBuf>,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            tokens: None,
            reflection: true,
            requests_per_s: 0.0,
            burst: 100,
            max_in_flight: 0,
            audit_file: None,
        }
    }
}

/// What is wrong with a number of requests a second.
pub(super) fn rate_fault(rate: f64) -> Option<String> {
    let right = rate == 0.0 || (LEAST_PER_S..=MOST_PER_S).contains(&rate);
    let told = || format!("requests_per_s: {rate} is neither 0 nor {LEAST_PER_S} to {MOST_PER_S}");
    (!right).then(told)
}

impl Check for AccessConfig {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(rate_fault(self.requests_per_s));
        if !(1..=MOST).contains(&self.burst) {
            faults.push(format!("burst: {} is outside 1 to {MOST}", self.burst));
        }
        if self.max_in_flight > MOST {
            let most = self.max_in_flight;
            faults.push(format!("max_in_flight: {most} is outside 0 to {MOST}"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told() {
        assert_eq!(AccessConfig::default().faults(), Vec::<String>::new());
        let wrong = AccessConfig {
            requests_per_s: f64::NAN,
            burst: 0,
            max_in_flight: MOST + 1,
            ..AccessConfig::default()
        };
        let faults = wrong.faults();
        for field in ["requests_per_s: ", "burst: ", "max_in_flight: "] {
            assert!(faults.iter().any(|f| f.starts_with(field)), "{faults:?}");
        }
    }
}
