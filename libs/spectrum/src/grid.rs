//! The common energy axis of a model, and how counts come onto it.

use crate::error::refuse;
use crate::{CalibrationTerms, EnergyCalibration, Spectrum, SpectrumError};
use serde::{Deserialize, Serialize};

const MAX_FINE_BINS: usize = 1 << 20;

/// An energy axis: `fine_bins` equal bins from `lo_kev` to `hi_kev`, summed by `rebin`, without
/// the first `drop_bins` of the sums. Part of the model, not of the data set of the day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyGrid {
    /// Lower edge of the first fine bin.
    pub lo_kev: f64,
    /// Upper edge of the last fine bin.
    pub hi_kev: f64,
    /// Number of fine bins, at whose centres counts are interpolated.
    pub fine_bins: usize,
    /// Fine bins summed into one bin.
    pub rebin: usize,
    /// Bins left out at the low-energy end, where electronics cut in.
    pub drop_bins: usize,
}

impl Default for EnergyGrid {
    fn default() -> Self {
        Self::nist_pgaa()
    }
}

impl EnergyGrid {
    /// The grid of the published collection: 4056 bins from 111.0 to 11730.8 keV.
    ///
    /// # Source
    /// Mahynski et al., J. Radioanal. Nucl. Chem. 332 (2023) 3259.
    #[must_use]
    pub const fn nist_pgaa() -> Self {
        Self {
            lo_kev: -3.621,
            hi_kev: 11730.799535,
            fine_bins: 16384,
            rebin: 4,
            drop_bins: 40,
        }
    }

    /// Checks that the grid has bins and that its edges are in order.
    ///
    /// # Errors
    /// The first field that is outside its range.
    pub fn check(&self) -> Result<(), SpectrumError> {
        if !(self.lo_kev.is_finite() && self.lo_kev.abs() <= 1e9) {
            return Err(refuse("grid.lo_kev", self.lo_kev, "a finite energy"));
        }
        if !(self.hi_kev > self.lo_kev && self.hi_kev <= 1e9) {
            return Err(refuse(
                "grid.hi_kev",
                self.hi_kev,
                "a finite energy above lo_kev",
            ));
        }
        if !(2..=MAX_FINE_BINS).contains(&self.fine_bins) {
            return Err(refuse("grid.fine_bins", self.fine_bins, "2 to 1048576"));
        }
        if self.rebin == 0 || !self.fine_bins.is_multiple_of(self.rebin) {
            return Err(refuse("grid.rebin", self.rebin, "a divisor of fine_bins"));
        }
        if self.drop_bins.saturating_add(2) > self.fine_bins / self.rebin {
            return Err(refuse(
                "grid.drop_bins",
                self.drop_bins,
                "fewer than fine_bins/rebin − 1, so that two bins are left",
            ));
        }
        Ok(())
    }

    /// Number of bins of an aligned spectrum.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.fine_bins
            .checked_div(self.rebin)
            .unwrap_or(0)
            .saturating_sub(self.drop_bins)
    }

    /// Width of a bin of an aligned spectrum, in keV.
    #[must_use]
    pub fn bin_width_kev(&self) -> f64 {
        self.fine_width_kev() * self.rebin as f64
    }

    /// Energy of the centre of a bin, in keV.
    #[must_use]
    pub fn centre_kev(&self, bin: usize) -> f64 {
        self.edge_kev(bin) + 0.5 * self.bin_width_kev()
    }

    /// Energy of the lower edge of a bin, in keV; `edge_kev(bins())` is the end of the grid.
    #[must_use]
    pub fn edge_kev(&self, bin: usize) -> f64 {
        self.lo_kev + (bin as f64 + self.drop_bins as f64) * self.bin_width_kev()
    }

    /// The bin that an energy falls into; `None` outside the grid.
    #[must_use]
    pub fn bin_of_kev(&self, energy_kev: f64) -> Option<usize> {
        let bin = ((energy_kev - self.edge_kev(0)) / self.bin_width_kev()).floor();
        (bin >= 0.0 && bin < self.bins() as f64).then_some(bin as usize)
    }

    fn fine_width_kev(&self) -> f64 {
        (self.hi_kev - self.lo_kev) / self.fine_bins as f64
    }

    /// Counts of a spectrum on this grid: linear interpolation of the counts at the centres of
    /// the fine bins (outside the spectrum its first or last count), summed by `rebin`.
    ///
    /// Interpolation does not preserve counts where the channels are not as wide as the fine
    /// bins: whatever needs counting statistics works on the raw channels instead.
    ///
    /// # Shapes
    /// `[bins]`
    ///
    /// # Units
    /// Counts per bin.
    ///
    /// # Errors
    /// When the grid, the spectrum or its calibration fails its check.
    ///
    /// # Source
    /// `align_spectra` of Mahynski et al. (2023), which knows [`CalibrationTerms::Linear`] only.
    pub fn align(
        &self,
        spectrum: &Spectrum,
        terms: CalibrationTerms,
    ) -> Result<Vec<f64>, SpectrumError> {
        self.check()?;
        let calibration = usable_calibration(spectrum, terms)?;
        let mut walk = Interpolation::new(spectrum, calibration);
        let width = self.fine_width_kev();
        let mut fine = self.drop_bins * self.rebin;
        let bins = (0..self.bins()).map(|_| {
            let mut sum = 0.0;
            for _ in 0..self.rebin {
                sum += walk.at(self.lo_kev + (fine as f64 + 0.5) * width);
                fine += 1;
            }
            sum
        });
        Ok(bins.collect())
    }
}

/// The calibration with the wanted terms, checked over the channels of this spectrum.
pub(crate) fn usable_calibration(
    spectrum: &Spectrum,
    terms: CalibrationTerms,
) -> Result<EnergyCalibration, SpectrumError> {
    spectrum.check()?;
    let calibration = spectrum
        .calibration
        .ok_or(SpectrumError::MissingCalibration)?;
    let calibration = calibration.with_terms(terms);
    calibration.check(spectrum.end_channel())?;
    Ok(calibration)
}

/// Linear interpolation at energies that never fall: each channel is looked at once.
struct Interpolation<'a> {
    counts: &'a [u64],
    first_channel: usize,
    calibration: EnergyCalibration,
    /// Left neighbour, with the energies of it and of its right neighbour.
    left: usize,
    left_kev: f64,
    right_kev: f64,
    last_kev: f64,
}

impl<'a> Interpolation<'a> {
    /// Needs two channels or more and a calibration that rises.
    fn new(spectrum: &'a Spectrum, calibration: EnergyCalibration) -> Self {
        let first_channel = spectrum.first_channel as usize;
        let energy = |index: usize| calibration.energy_kev((first_channel + index) as f64);
        Self {
            counts: &spectrum.counts,
            first_channel,
            calibration,
            left: 0,
            left_kev: energy(0),
            right_kev: energy(1),
            last_kev: energy(spectrum.counts.len() - 1),
        }
    }

    #[inline]
    fn at(&mut self, energy_kev: f64) -> f64 {
        if energy_kev >= self.last_kev {
            return self.counts[self.counts.len() - 1] as f64;
        }
        while self.right_kev <= energy_kev {
            self.left += 1;
            self.left_kev = self.right_kev;
            let right = (self.first_channel + self.left + 1) as f64;
            self.right_kev = self.calibration.energy_kev(right);
        }
        let low = self.counts[self.left] as f64;
        if energy_kev <= self.left_kev {
            return low;
        }
        let rise = self.counts[self.left + 1] as f64 - low;
        low + rise / (self.right_kev - self.left_kev) * (energy_kev - self.left_kev)
    }
}
