//! The preprocessing recipe: one versioned value, stored in the model, that says how a spectrum
//! becomes a model's input vector.

use crate::error::refuse;
use crate::grid::usable_calibration;
use crate::{CalibrationTerms, EnergyGrid, Spectrum, SpectrumError};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The version of [`Recipe`] that this program writes and reads.
pub const RECIPE_VERSION: u32 = 1;

/// How aligned, normalised counts become the values that a network sees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Transform {
    /// Natural logarithm of `max(x, floor)`.
    Log {
        /// Smallest value that the logarithm sees.
        floor: f64,
    },
}

/// From aligned counts to the input vector, and everything that this depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Version of this description.
    pub version: u32,
    /// What happens to normalised counts.
    pub transform: Transform,
    /// The energy axis.
    pub grid: EnergyGrid,
    /// The bins of the grid that the model sees.
    pub valid_bins: Range<usize>,
    /// Whether counts are divided by their sum over the valid bins (the published way), or by
    /// the sum over the whole grid.
    pub renormalise: bool,
    /// Terms of the energy calibration that are used.
    pub calibration_terms: CalibrationTerms,
    /// Least part of the valid range, 0 to 1, that a spectrum must cover.
    pub min_coverage: f64,
}

impl Default for Recipe {
    /// The published recipe, to the letter.
    fn default() -> Self {
        Self {
            version: RECIPE_VERSION,
            transform: Transform::Log { floor: 1e-7 },
            grid: EnergyGrid::nist_pgaa(),
            valid_bins: 0..2631,
            renormalise: true,
            calibration_terms: CalibrationTerms::default(),
            min_coverage: 0.98,
        }
    }
}

impl Recipe {
    /// The published recipe with all terms of the energy calibration, where it leaves the
    /// quadratic one out.
    #[must_use]
    pub fn with_full_calibration() -> Self {
        Self {
            calibration_terms: CalibrationTerms::Quadratic,
            ..Self::default()
        }
    }

    /// Checks version, grid and every parameter.
    ///
    /// # Errors
    /// The first field that is outside its range.
    pub fn check(&self) -> Result<(), SpectrumError> {
        if self.version != RECIPE_VERSION {
            return Err(refuse(
                "recipe.version",
                self.version,
                "1 in this version of the program",
            ));
        }
        self.grid.check()?;
        let Range { start, end } = self.valid_bins;
        if end > self.grid.bins() || end < start.saturating_add(2) {
            return Err(refuse(
                "recipe.valid_bins",
                format!("{start}..{end} of a grid of {} bins", self.grid.bins()),
                "two bins or more, inside the grid",
            ));
        }
        if !(self.min_coverage > 0.0 && self.min_coverage <= 1.0) {
            return Err(refuse(
                "recipe.min_coverage",
                self.min_coverage,
                "above 0, at most 1",
            ));
        }
        let Transform::Log { floor } = self.transform;
        if !(floor.is_normal() && floor > 0.0 && floor < 1.0) {
            return Err(refuse(
                "recipe.transform.floor",
                floor,
                "between 0 and 1, both excluded",
            ));
        }
        Ok(())
    }

    /// Length of the input vector.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.valid_bins.len()
    }

    /// Energy of the centre of an element of the input vector, in keV.
    #[must_use]
    pub fn energy_kev(&self, bin: usize) -> f64 {
        self.grid.centre_kev(self.valid_bins.start + bin)
    }

    /// Lower and upper edge of the valid range, in keV.
    #[must_use]
    pub fn energy_range_kev(&self) -> (f64, f64) {
        let Range { start, end } = self.valid_bins;
        (self.grid.edge_kev(start), self.grid.edge_kev(end))
    }

    /// The part of the valid range, 0 to 1, between the centres of the spectrum's first and
    /// last channel.
    ///
    /// # Errors
    /// When the recipe, the spectrum or its calibration fails its check.
    pub fn coverage(&self, spectrum: &Spectrum) -> Result<f64, SpectrumError> {
        self.check()?;
        Ok(self.covered(spectrum)?.1)
    }

    /// Covered energies and their part of the valid range.
    fn covered(&self, spectrum: &Spectrum) -> Result<((f64, f64), f64), SpectrumError> {
        let calibration = usable_calibration(spectrum, self.calibration_terms)?;
        let first_kev = calibration.energy_kev(f64::from(spectrum.first_channel));
        let last_kev = calibration.energy_kev((spectrum.end_channel() - 1) as f64);
        let (lo_kev, hi_kev) = self.energy_range_kev();
        let overlap = last_kev.min(hi_kev) - first_kev.max(lo_kev);
        Ok(((first_kev, last_kev), overlap.max(0.0) / (hi_kev - lo_kev)))
    }

    /// The input vector of a spectrum: aligned, clipped to the valid bins, divided by the sum,
    /// transformed.
    ///
    /// # Shapes
    /// `[bins]`
    ///
    /// # Errors
    /// When the recipe, the spectrum or its calibration fails its check; when the spectrum
    /// covers too little of the valid range, has no counts there, or comes out constant.
    ///
    /// # Source
    /// PyChemAuth, "Classifying 1D spectra with CNNs"; Mahynski et al. (2023). The reference
    /// repeats the last count where a spectrum ends early; here that is refused.
    pub fn apply(&self, spectrum: &Spectrum) -> Result<Vec<f64>, SpectrumError> {
        self.check()?;
        self.require_coverage(spectrum)?;
        let mut aligned = self.grid.align(spectrum, self.calibration_terms)?;
        let whole: f64 = aligned.iter().sum();
        aligned.truncate(self.valid_bins.end);
        aligned.drain(..self.valid_bins.start);
        let valid: f64 = aligned.iter().sum();
        // Counts are never negative, so a sum above zero is all that a division needs.
        if valid <= 0.0 {
            let (lo_kev, hi_kev) = self.energy_range_kev();
            return Err(SpectrumError::NoCounts { lo_kev, hi_kev });
        }
        let sum = if self.renormalise { valid } else { whole };
        let Transform::Log { floor } = self.transform;
        for value in &mut aligned {
            *value = (*value / sum).max(floor).ln();
        }
        refuse_constant(&aligned)?;
        Ok(aligned)
    }

    fn require_coverage(&self, spectrum: &Spectrum) -> Result<(), SpectrumError> {
        let ((covered_lo_kev, covered_hi_kev), coverage) = self.covered(spectrum)?;
        if coverage >= self.min_coverage {
            return Ok(());
        }
        let (needed_lo_kev, needed_hi_kev) = self.energy_range_kev();
        Err(SpectrumError::TooLittleCoverage {
            covered_lo_kev,
            covered_hi_kev,
            needed_lo_kev,
            needed_hi_kev,
            coverage,
            min_coverage: self.min_coverage,
        })
    }
}

fn refuse_constant(vector: &[f64]) -> Result<(), SpectrumError> {
    match vector.first() {
        Some(&value) if vector.iter().all(|&other| other == value) => {
            Err(SpectrumError::Constant {
                bins: vector.len(),
                value,
            })
        }
        _ => Ok(()),
    }
}
