//! Evaluation protocols as data: which spectra to train on, which to judge, and how these are
//! changed first. Nothing is trained here.

mod folds;
mod scores;

pub use scores::{ClassScores, FoldScores, Outcome, Score, mean_over_folds, score_fold};

use crate::{DatasetRow, PipelineError};
use assay_core::{Digest, keyed_rng};
use assay_spectrum::{Spectrum, SpectrumError, shift_calibration, thin_to};
use serde::{Deserialize, Serialize};

/// A way of dividing a data set that makes a classifier show a certain weakness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "snake_case", deny_unknown_fields)]
pub enum Protocol {
    /// Stratified random folds: the saturated protocol of the literature, for comparison.
    Random {
        /// Number of folds.
        folds: usize,
    },
    /// No group (specimen, source folder) stands on both sides: does it know the material or the
    /// specimen?
    Grouped {
        /// Number of folds.
        folds: usize,
    },
    /// Every class once as the unknown, those with role `unknown` too: does it refuse what it
    /// has not seen?
    LeaveOneClassOut {
        /// Share of every remaining class that is held out to measure sensitivity.
        holdout: f64,
    },
    /// Test spectra thinned to fewer counts: does it work on short measurements?
    Counts {
        /// Share of every class that is held out.
        holdout: f64,
        /// Total counts of the thinned spectra.
        total_counts: Vec<u64>,
    },
    /// Test spectra with another gain or offset: does it work after the amplifier drifted?
    Gain {
        /// Share of every class that is held out.
        holdout: f64,
        /// Gains and offsets in keV.
        shifts: Vec<Shift>,
    },
}

/// A shift of the energy calibration: `gain · energy + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Factor.
    pub gain: f64,
    /// Summand in keV.
    pub offset_kev: f64,
}

/// A change to test spectra before they are judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
pub enum Modification {
    /// As they were measured.
    None,
    /// Binomial thinning of the raw channels to about so many counts in total.
    Thin {
        /// Counts afterwards; spectra with fewer stay as they are.
        total_counts: u64,
    },
    /// A shift of the calibration that the spectrum is believed to have.
    Shift(Shift),
}

/// One round of a protocol. Positions are those of the data set's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    /// What is special about it, such as the left-out class.
    pub name: String,
    /// Rounds of the same number train on the same rows, so that one training serves them all.
    pub training_set: usize,
    /// Rows to train on.
    pub training: Vec<usize>,
    /// Rows of trained classes to judge.
    pub known: Vec<usize>,
    /// Rows of other classes to judge: the right answer is a refusal.
    pub unknown: Vec<usize>,
    /// Change to the rows that are judged.
    pub modification: Modification,
    /// Which scores stand for the known when the area under the curve is computed.
    pub auroc_known: KnownScores,
}

/// Which scores stand for the known when the area under the curve is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownScores {
    /// Those of the held-out known rows.
    HeldOut,
    /// The gate's out-of-fold scores of the training rows.
    OutOfFold,
}

impl Modification {
    /// Applies the change to one spectrum. Random numbers depend on the seed and the spectrum
    /// alone.
    ///
    /// # Errors
    /// When the spectrum has no calibration to shift or a number is outside its range.
    pub fn apply(&self, row: &DatasetRow, seed: u64) -> Result<Spectrum, SpectrumError> {
        match *self {
            Self::None => Ok(row.spectrum.clone()),
            Self::Thin { total_counts } => {
                let counters = [counter(row.digest), total_counts];
                let mut rng = keyed_rng(seed, "thinned test spectra", &counters);
                thin_to(&row.spectrum, total_counts, &mut rng)
            }
            Self::Shift(Shift { gain, offset_kev }) => {
                shift_calibration(&row.spectrum, gain, offset_kev)
            }
        }
    }

    /// A short name, such as `10000 counts`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::None => "as measured".to_owned(),
            Self::Thin { total_counts } => format!("{total_counts} counts"),
            Self::Shift(Shift { gain, offset_kev }) => {
                format!("gain {gain}, offset {offset_kev} keV")
            }
        }
    }
}

fn counter(digest: Digest) -> u64 {
    digest.as_bytes()[..8]
        .iter()
        .fold(0, |n, &byte| n << 8 | u64::from(byte))
}

impl Protocol {
    /// The protocols by name with their usual numbers: random, grouped, leave-one-class-out,
    /// counts, gain.
    ///
    /// # Errors
    /// When there is no protocol of that name.
    pub fn named(name: &str) -> Result<Self, PipelineError> {
        let holdout = 0.2;
        match name {
            "random" => Ok(Self::Random { folds: 5 }),
            "grouped" => Ok(Self::Grouped { folds: 5 }),
            "leave-one-class-out" => Ok(Self::LeaveOneClassOut { holdout }),
            "counts" => Ok(Self::Counts {
                holdout,
                total_counts: vec![1_000_000, 300_000, 100_000, 30_000, 10_000, 3_000],
            }),
            "gain" => Ok(Self::Gain {
                holdout,
                shifts: [
                    (0.99, 0.0),
                    (0.998, 0.0),
                    (1.002, 0.0),
                    (1.01, 0.0),
                    (1.0, -5.0),
                    (1.0, 5.0),
                ]
                .map(|(gain, offset_kev)| Shift { gain, offset_kev })
                .to_vec(),
            }),
            _ => Err(PipelineError::parameter(
                "protocol",
                format!("{name:?}"),
                "random, grouped, leave-one-class-out, counts, gain",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
