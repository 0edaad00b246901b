//! Which copies of the training spectra are made: as they would look after a shorter measurement
//! or with another gain.

use crate::fault::{Fault, Faults, MOST_ENTRIES};
use serde::{Deserialize, Serialize};

/// Which copies are made of every training spectrum.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// One thinned copy per entry: total counts afterwards, on the raw channels. A spectrum with
    /// fewer counts is copied as it is.
    pub thin_to_counts: Vec<u64>,
    /// Shifted copies.
    pub gain_shifts: Option<GainShifts>,
}

/// Copies with another gain and offset of the energy calibration, drawn evenly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GainShifts {
    /// Number of copies of every spectrum.
    pub copies: usize,
    /// Largest relative deviation of the gain from 1.
    pub gain: f64,
    /// Largest offset in keV.
    pub offset_kev: f64,
}

impl Augmentation {
    /// Counts from a million down to three thousand, one copy each: what lets a classifier of
    /// long measurements work on short ones.
    #[must_use]
    pub fn short_measurements() -> Self {
        Self {
            thin_to_counts: vec![1_000_000, 300_000, 100_000, 30_000, 10_000, 3_000],
            gain_shifts: None,
        }
    }

    /// Copies made of every spectrum.
    #[must_use]
    pub fn copies(&self) -> usize {
        self.thin_to_counts.len() + self.gain_shifts.map_or(0, |shifts| shifts.copies)
    }

    /// All choices out of range.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Faults::default();
        self.check(&mut faults);
        faults.0
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        faults.require(
            !self.thin_to_counts.contains(&0),
            "augmentation.thin_to_counts",
            "--thin",
            || "has 0: at least 1 count is required".to_owned(),
        );
        faults.require(
            self.thin_to_counts.len() <= MOST_ENTRIES,
            "augmentation.thin_to_counts",
            "--thin",
            || {
                let found = self.thin_to_counts.len();
                format!("has {found} entries: at most {MOST_ENTRIES} are allowed")
            },
        );
        let Some(shifts) = self.gain_shifts else {
            return;
        };
        faults.require(
            (0.0..0.5).contains(&shifts.gain),
            "augmentation.gain_shifts.gain",
            "--gain-shift",
            || format!("has gain {}: [0, 0.5) is required", shifts.gain),
        );
        faults.require(
            shifts.offset_kev >= 0.0 && shifts.offset_kev.is_finite(),
            "augmentation.gain_shifts.offset_kev",
            "--gain-shift",
            || {
                format!(
                    "has an offset of {} keV: a finite number of 0 or more is required",
                    shifts.offset_kev
                )
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named() {
        let faulty = Augmentation {
            thin_to_counts: vec![0],
            gain_shifts: Some(GainShifts {
                copies: 1,
                gain: 0.7,
                offset_kev: f64::NAN,
            }),
        };
        assert_eq!(faulty.faults().len(), 3);
        assert!(Augmentation::short_measurements().faults().is_empty());
    }
}
