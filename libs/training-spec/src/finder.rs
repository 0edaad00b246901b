//! Settings of the learning-rate finder.

use crate::fault::{Fault, Faults};
use serde::{Deserialize, Serialize};

const FEWEST_UPDATES: usize = 10;

/// Settings of the learning-rate finder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinderSettings {
    /// Rate of the first batch.
    pub start_rate: f64,
    /// Rate that would follow the last batch.
    pub end_rate: f64,
    /// Number of batches.
    pub updates: usize,
    /// Weight of the past in the smoothed loss, in [0, 1).
    pub beta: f64,
    /// The search stops when the smoothed loss exceeds the best one this many times.
    pub stop_factor: f64,
    /// Share of the way from the lowest loss back to the baseline at which the base rate lies.
    pub fraction: f64,
    /// Points at the start of the curve that neither stop the search nor count for the bounds:
    /// there the smoothed loss is the mean of very few batches, and a batch of easy classes
    /// would pass for the lowest loss of all. The reference begins with 0.
    pub skip: usize,
}

impl Default for FinderSettings {
    fn default() -> Self {
        Self {
            start_rate: 1e-6,
            end_rate: 10.0,
            updates: 100,
            beta: 0.98,
            stop_factor: 4.0,
            fraction: 0.5,
            skip: 10,
        }
    }
}

impl FinderSettings {
    /// All settings out of range.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Faults::default();
        self.check(&mut faults);
        faults.0
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        let Self {
            start_rate,
            end_rate,
            updates,
            beta,
            stop_factor,
            fraction,
            skip,
        } = *self;
        faults.require(
            start_rate > 0.0 && start_rate < end_rate && end_rate.is_finite(),
            "finder.start_rate",
            "",
            || format!("is {start_rate} with end_rate {end_rate}: 0 < start < end is required"),
        );
        faults.require(
            updates >= FEWEST_UPDATES,
            "finder.updates",
            "--lr-updates",
            || format!("is {updates}: at least {FEWEST_UPDATES} are required"),
        );
        faults.require((0.0..1.0).contains(&beta), "finder.beta", "", || {
            format!("is {beta}: [0, 1) is required")
        });
        faults.require(stop_factor > 1.0, "finder.stop_factor", "", || {
            format!("is {stop_factor}: more than 1 is required")
        });
        faults.require(
            fraction > 0.0 && fraction < 1.0,
            "finder.fraction",
            "--lr-frac",
            || format!("is {fraction}: (0, 1) is required"),
        );
        faults.require(skip < updates, "finder.skip", "", || {
            format!("is {skip}: less than the {updates} updates is required")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked_all_at_once() {
        let faulty = FinderSettings {
            start_rate: 1.0,
            end_rate: 0.1,
            updates: 3,
            beta: 1.0,
            stop_factor: 1.0,
            fraction: 0.0,
            skip: 3,
        };
        assert_eq!(faulty.faults().len(), 6);
        assert!(FinderSettings::default().faults().is_empty());
    }
}
