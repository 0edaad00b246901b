//! What can be set about jobs, data sets and the registry.

use assay_runtime::Check;
use assay_store::check_name;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const DAY_S: u64 = 24 * 60 * 60;

/// How jobs are kept and models are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlConfig {
    /// The model where a request names none.
    pub default_model: String,
    /// Jobs of one lane that may wait at the same time.
    pub max_queued: u64,
    /// Time after which a waiting job is told to the workers again, in seconds.
    pub redispatch_after_s: u64,
    /// Time between two looks for lost jobs, in milliseconds.
    pub sweep_every_ms: u64,
    /// How long jobs that are over, results and data sets without a job are kept, in days.
    pub retention_days: u64,
    /// Time between two removals of what nobody needs, in hours.
    pub collect_every_h: u64,
    /// Largest bundle that is taken, in bytes.
    pub max_bundle_bytes: u64,
    /// Bundles that are taken at the same time; each is held in memory.
    pub max_uploads: usize,
    /// Foreign bases that the trainers have registered: trainings may name them beside those of
    /// the catalogue.
    pub foreign_bases: Vec<String>,
    /// Largest message; the process sets it to what its server takes.
    #[serde(skip)]
    pub max_message_bytes: Option<usize>,
}

impl Default for ControlConfig {
    fn default() -> Self {
        Self {
            default_model: "default".to_owned(),
            max_queued: 10_000,
            redispatch_after_s: 60,
            sweep_every_ms: 1000,
            retention_days: 30,
            collect_every_h: 24,
            max_bundle_bytes: 256 << 20,
            max_uploads: 2,
            foreign_bases: Vec::new(),
            max_message_bytes: None,
        }
    }
}

impl ControlConfig {
    pub(crate) const fn retention(&self) -> Duration {
        Duration::from_secs(self.retention_days * DAY_S)
    }

    pub(crate) const fn collect_every(&self) -> Duration {
        Duration::from_secs(self.collect_every_h * 3600)
    }
}

impl Check for ControlConfig {
    fn faults(&self) -> Vec<String> {
        let fields = [
            ("max_queued", self.max_queued, 1, 1_000_000),
            ("redispatch_after_s", self.redispatch_after_s, 1, DAY_S),
            ("sweep_every_ms", self.sweep_every_ms, 10, 600_000),
            ("retention_days", self.retention_days, 1, 36_500),
            ("collect_every_h", self.collect_every_h, 1, 24 * 365),
            ("max_bundle_bytes", self.max_bundle_bytes, 1 << 10, 4 << 30),
            ("max_uploads", self.max_uploads as u64, 1, 1024),
        ];
        let outside = fields
            .iter()
            .filter(|(_, value, least, most)| value < least || value > most);
        let mut faults: Vec<_> = outside
            .map(|(field, value, least, most)| {
                format!("{field}: {value} is outside {least} to {most}")
            })
            .collect();
        if let Err(error) = check_name("default_model", &self.default_model) {
            faults.push(format!("default_model: {error}"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed_and_every_fault_is_named() {
        assert_eq!(ControlConfig::default().faults(), Vec::<String>::new());
        let config = ControlConfig {
            default_model: "a/b".to_owned(),
            max_queued: 0,
            max_uploads: 0,
            ..ControlConfig::default()
        };
        let faults = config.faults();
        assert_eq!(faults[0], "max_queued: 0 is outside 1 to 1000000");
        assert_eq!(faults[1], "max_uploads: 0 is outside 1 to 1024");
        assert!(faults[2].starts_with("default_model: "), "{faults:?}");
        assert_eq!(faults.len(), 3);
    }
}
