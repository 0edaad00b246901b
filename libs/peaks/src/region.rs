//! The model of one region: peaks that are fitted together on their common continuum.

mod parameters;

use crate::profile::{FWHM_PER_SIGMA, Value, flat_top, gaussian, step, tail};
use serde::{Deserialize, Serialize};

/// Bounds of the common width, in units of the resolution's: of lines, and of whatever stands
/// alone, which may be an escape peak or no peak at all.
pub(crate) const WIDTH_OF_LINES: (f64, f64) = (0.88, 1.14);
pub(crate) const WIDTH_ALONE: (f64, f64) = (0.6, 1.9);
/// Largest move of a peak from where it was found, in standard deviations: peaks of a group do
/// not become one.
const LARGEST_MOVE: f64 = 1.8;
/// Largest step beneath a peak, in parts of its area per channel.
const LARGEST_STEP: f64 = 0.05;
/// Bounds of the tail: its part of the area, and its length in standard deviations.
const TAIL: [(f64, f64); 2] = [(0.0, 0.5), (0.5, 8.0)];

/// Form of a peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeakForm {
    /// The detector's resolution, with a width common to its region.
    Gaussian,
    /// Likewise, with a width of its own: annihilation radiation, and single-escape peaks, which
    /// share its spread.
    BroadGaussian,
    /// Flat-topped: emitted in flight, as boron's line.
    FlatTop,
}

/// One peak of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Component {
    /// Position in channels, and how far from its start it may go.
    pub(crate) center: f64,
    pub(crate) center_bounds: (f64, f64),
    /// Net area in counts.
    pub(crate) area: f64,
    /// Standard deviation by the resolution, in channels.
    pub(crate) sigma: f64,
    pub(crate) form: PeakForm,
    /// Its own width: of a broad Gaussian in units of `sigma`, of a flat top half of it in
    /// channels.
    pub(crate) own: f64,
    pub(crate) own_bounds: (f64, f64),
}

/// What is free beside positions, areas and a straight continuum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Freedom {
    pub(crate) width: bool,
    pub(crate) step: bool,
    pub(crate) bend: bool,
    pub(crate) tail: bool,
}

/// A region with everything that describes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Region {
    /// First channel.
    pub(crate) low: usize,
    /// Channel after the last one.
    pub(crate) end: usize,
    pub(crate) peaks: Vec<Component>,
    /// Continuum in the middle, its rise from there to the end, its bend.
    pub(crate) continuum: [f64; 3],
    /// Common width in units of the resolution's.
    pub(crate) width: f64,
    pub(crate) width_bounds: (f64, f64),
    /// Step beneath every peak in parts of its area per channel.
    pub(crate) step: f64,
    /// Part of the area in the tail, its length in standard deviations.
    pub(crate) tail: [f64; 2],
    pub(crate) free: Freedom,
}

impl Component {
    /// A line whose area is still to be read off the counts.
    pub(crate) const fn line(center: f64, sigma: f64) -> Self {
        Self {
            center,
            center_bounds: (center - LARGEST_MOVE * sigma, center + LARGEST_MOVE * sigma),
            area: 0.0,
            sigma,
            form: PeakForm::Gaussian,
            own: 1.0,
            own_bounds: (1.0, 1.0),
        }
    }

    /// Standard deviation in channels, and whether the common width acts on it.
    pub(crate) fn sigma_in(&self, region: &Region) -> f64 {
        match self.form {
            PeakForm::BroadGaussian => self.own * self.sigma,
            PeakForm::Gaussian | PeakForm::FlatTop => region.width * self.sigma,
        }
    }

    /// Full width at half maximum in channels.
    pub(crate) fn fwhm_in(&self, region: &Region) -> f64 {
        let gaussian = FWHM_PER_SIGMA * self.sigma_in(region);
        match self.form {
            PeakForm::FlatTop => gaussian.max(2.0 * self.own),
            _ => gaussian,
        }
    }

    /// Form of unit area at a channel.
    pub(crate) fn value(&self, region: &Region, channel: f64) -> f64 {
        self.shape(region, channel).0.value
    }

    /// Form with its derivatives, and what the tail adds: (form, Gaussian part, tail part).
    fn shape(&self, region: &Region, channel: f64) -> (Value, Value, Value) {
        let (distance, sigma) = (channel - self.center, self.sigma_in(region));
        if self.form == PeakForm::FlatTop {
            let top = flat_top(distance, sigma, self.own);
            return (top, top, Value::default());
        }
        let normal = gaussian(distance, sigma);
        let [part, length] = region.tail;
        if part == 0.0 && !region.free.tail {
            return (normal, normal, Value::default());
        }
        let low = tail(distance, sigma, length * sigma);
        let mix = |n: f64, t: f64| (1.0 - part) * n + part * t;
        let both = Value {
            value: mix(normal.value, low.value),
            by_center: mix(normal.by_center, low.by_center),
            by_sigma: mix(normal.by_sigma, low.by_sigma + length * low.by_length),
            by_length: part * low.by_length,
        };
        (both, normal, low)
    }
}

impl Region {
    /// Continuum without the steps at a channel.
    fn baseline(&self, channel: f64) -> f64 {
        let t = self.relative(channel);
        self.continuum[0] + t * (self.continuum[1] + t * self.continuum[2])
    }

    /// Continuum with the steps beneath the peaks, 0 or more.
    pub(crate) fn continuum_at(&self, channel: f64) -> f64 {
        if self.step == 0.0 {
            return self.baseline(channel).max(0.0);
        }
        let steps: f64 = self
            .peaks
            .iter()
            .map(|p| p.area * step(channel - p.center, p.sigma_in(self)))
            .sum();
        (self.baseline(channel) + self.step * steps).max(0.0)
    }

    /// The whole model at a channel.
    pub(crate) fn value_at(&self, channel: f64) -> f64 {
        let peaks: f64 = self
            .peaks
            .iter()
            .map(|p| p.area * p.value(self, channel))
            .sum();
        self.continuum_at(channel) + peaks
    }

    /// −1 at the first channel, 1 at the last.
    fn relative(&self, channel: f64) -> f64 {
        let half = 0.5 * (self.end - self.low) as f64;
        (channel + 0.5 - self.low as f64) / half - 1.0
    }

    /// Channels of the region.
    pub(crate) fn channels(&self) -> usize {
        self.end - self.low
    }

    /// Number of the parameter that holds a peak's position; its area follows.
    pub(crate) fn center_parameter(&self, peak: usize) -> usize {
        self.common() + 2 * peak
    }

    fn common(&self) -> usize {
        let Freedom {
            width,
            step,
            bend,
            tail,
        } = self.free;
        2 + usize::from(bend) + usize::from(width) + usize::from(step) + 2 * usize::from(tail)
    }

    /// Number of the parameter that holds the width of a peak; `None` where it is fixed.
    pub(crate) fn width_parameter(&self, peak: usize) -> Option<usize> {
        if self.peaks[peak].form == PeakForm::Gaussian {
            return self.free.width.then_some(2 + usize::from(self.free.bend));
        }
        let before = self.peaks[..peak]
            .iter()
            .filter(|p| p.form != PeakForm::Gaussian)
            .count();
        Some(self.common() + 2 * self.peaks.len() + before)
    }
}

#[cfg(test)]
mod tests;
