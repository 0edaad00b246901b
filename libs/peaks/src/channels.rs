//! The spectrum as the search sees it: counts as numbers, their local mean, and widths in
//! channels.

use crate::profile::FWHM_PER_SIGMA;
use crate::search::{Found, Searched, search};
use crate::{PeakError, PeakSettings, Resolution};
use assay_spectrum::{EnergyCalibration, Spectrum, SpectrumError};

/// Fewest channels of a search.
const FEWEST_CHANNELS: usize = 64;
/// Half of the window of the local mean, in channels.
const MEAN_REACH: usize = 2;
/// Variance of an empty channel whose neighbours are empty too.
const LEAST_VARIANCE: f64 = 0.3;

/// Part of the continuum's form that is uncertain within a peak's width: Compton edges and
/// steps are no straight lines.
pub(crate) const FORM_OF_CONTINUUM: f64 = 4e-4;

/// Counts with everything that depends on the channel alone.
#[derive(Debug)]
pub(crate) struct Channels {
    pub(crate) counts: Vec<f64>,
    /// Mean over five channels.
    pub(crate) mean: Vec<f64>,
    pub(crate) calibration: EnergyCalibration,
    pub(crate) first_channel: u32,
    /// First index and index after the last one of the search.
    pub(crate) range: (usize, usize),
}

impl Channels {
    /// Checks a spectrum and prepares it.
    pub(crate) fn new(spectrum: &Spectrum, settings: &PeakSettings) -> Result<Self, PeakError> {
        spectrum.check()?;
        let calibration = spectrum
            .calibration
            .ok_or(SpectrumError::MissingCalibration)?;
        calibration.check(spectrum.end_channel())?;
        let found = spectrum.counts.len();
        if found < FEWEST_CHANNELS {
            return Err(PeakError::TooFewChannels {
                found,
                least: FEWEST_CHANNELS,
            });
        }
        let counts: Vec<f64> = spectrum.counts.iter().map(|&c| c as f64).collect();
        let mean = (0..found)
            .map(|i| {
                let part = &counts[i.saturating_sub(MEAN_REACH)..(i + MEAN_REACH + 1).min(found)];
                part.iter().sum::<f64>() / part.len() as f64
            })
            .collect();
        let mut channels = Self {
            counts,
            mean,
            calibration,
            first_channel: spectrum.first_channel,
            range: (0, found),
        };
        let index = |energy_kev: f64| {
            let energies = (0..found).map(|i| channels.energy_kev(i as f64));
            // Energies rise with the channel; `check` has made sure of it.
            energies.take_while(|e| *e < energy_kev).count()
        };
        channels.range = (index(settings.lowest_kev), index(settings.highest_kev));
        Ok(channels)
    }

    /// Energy at an index.
    pub(crate) fn energy_kev(&self, index: f64) -> f64 {
        self.calibration
            .energy_kev(index + f64::from(self.first_channel))
    }

    /// Width of a channel at an index.
    pub(crate) fn gain_kev(&self, index: f64) -> f64 {
        self.calibration
            .gain_kev_per_channel(index + f64::from(self.first_channel))
    }

    /// Index of an energy, where the spectrum has it.
    pub(crate) fn index(&self, energy_kev: f64) -> Option<f64> {
        let index = self.calibration.channel(energy_kev)? - f64::from(self.first_channel);
        (index >= 0.0 && index < self.counts.len() as f64).then_some(index)
    }

    /// Width of a peak in channels.
    pub(crate) fn fwhm(&self, resolution: &Resolution, index: f64) -> f64 {
        resolution.fwhm_kev(self.energy_kev(index)) / self.gain_kev(index)
    }

    /// Standard deviation of a peak in channels.
    pub(crate) fn sigma(&self, resolution: &Resolution, index: f64) -> f64 {
        self.fwhm(resolution, index) / FWHM_PER_SIGMA
    }

    /// Places of possible peaks in the range of the search.
    pub(crate) fn search(&self, resolution: &Resolution, threshold: f64) -> Vec<Found> {
        let n = self.counts.len();
        let variance: Vec<f64> = self.mean.iter().map(|m| m.max(LEAST_VARIANCE)).collect();
        let form: Vec<f64> = self.mean.iter().map(|m| FORM_OF_CONTINUUM * m).collect();
        let fwhm_channels: Vec<f64> = (0..n).map(|i| self.fwhm(resolution, i as f64)).collect();
        let searched = Searched {
            data: &self.counts,
            variance: &variance,
            form: &form,
            fwhm_channels: &fwhm_channels,
        };
        let (low, end) = self.range;
        search(&searched, threshold)
            .into_iter()
            .filter(|f| f.channel >= low as f64 && f.channel < end as f64)
            .collect()
    }

    /// Height above the lower of both sides, a peak's width and a half away.
    pub(crate) fn height(&self, index: f64, fwhm: f64) -> f64 {
        let last = self.counts.len() - 1;
        let mean = |at: f64| self.mean[(at.round().max(0.0) as usize).min(last)];
        let top = self.counts[(index.round().max(0.0) as usize).min(last)];
        (top - mean(index - 1.5 * fwhm).min(mean(index + 1.5 * fwhm))).max(0.0)
    }

    /// How far a peak is seen above the noise of its continuum, in channels.
    pub(crate) fn reach(&self, index: f64, fwhm: f64) -> f64 {
        let last = self.counts.len() - 1;
        let top = self.counts[(index.round().max(0.0) as usize).min(last)];
        let height = self.height(index, fwhm);
        let noise = (top - height).max(1.0).sqrt();
        // A Gaussian has fallen to 1/r of its height at FWHM·√(ln r / (4 ln 2)); tails reach on.
        let ratio = (height / noise).max(1.0);
        let gaussian = (ratio.ln() / (4.0 * std::f64::consts::LN_2)).sqrt();
        let with_tail = if ratio > 300.0 {
            1.2 * gaussian
        } else {
            gaussian
        };
        fwhm * with_tail.max(0.8)
    }
}
