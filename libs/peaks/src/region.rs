//! The model of one region: peaks that are fitted together on their common continuum.

use crate::least_squares::Model;
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

    /// Every free value with its bounds, in the order of the parameters.
    fn free_values(&mut self) -> Vec<(&mut f64, (f64, f64))> {
        const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
        let (low, end) = (self.low as f64, self.end as f64 - 1.0);
        let free = self.free;
        let [level, rise, bend] = &mut self.continuum;
        let mut values = vec![(level, ANY), (rise, ANY)];
        if free.bend {
            values.push((bend, ANY));
        }
        if free.width {
            values.push((&mut self.width, self.width_bounds));
        }
        if free.step {
            values.push((&mut self.step, (0.0, LARGEST_STEP)));
        }
        if free.tail {
            let [part, length] = &mut self.tail;
            values.push((part, TAIL[0]));
            values.push((length, TAIL[1]));
        }
        let mut own = Vec::new();
        for peak in &mut self.peaks {
            let bounds = peak.own_bounds;
            let (left, right) = peak.center_bounds;
            let center_bounds = (left.max(low), right.min(end));
            values.push((&mut peak.center, center_bounds));
            values.push((&mut peak.area, (0.0, f64::INFINITY)));
            if peak.form != PeakForm::Gaussian {
                own.push((&mut peak.own, bounds));
            }
        }
        values.extend(own);
        values
    }
}

impl Model for Region {
    fn parameters(&self) -> Vec<f64> {
        let mut copy = self.clone();
        copy.free_values().iter().map(|(v, _)| **v).collect()
    }

    fn with(&self, parameters: &[f64]) -> Self {
        let mut moved = self.clone();
        for ((value, (low, high)), parameter) in moved.free_values().into_iter().zip(parameters) {
            *value = parameter.clamp(low, high.max(low));
        }
        moved
    }

    fn bounds(&self) -> Vec<(f64, f64)> {
        let mut copy = self.clone();
        copy.free_values()
            .iter()
            .map(|(_, bounds)| *bounds)
            .collect()
    }

    fn evaluate(&self, values: &mut [f64], jacobian: &mut [f64]) {
        let n = jacobian.len() / values.len();
        let common = self.common();
        let width_at = 2 + usize::from(self.free.bend);
        let step_at = width_at + usize::from(self.free.width);
        let tail_at = step_at + usize::from(self.free.step);
        let with_step = self.free.step || self.step > 0.0;
        for (index, (value, row)) in values
            .iter_mut()
            .zip(jacobian.chunks_exact_mut(n))
            .enumerate()
        {
            let channel = (self.low + index) as f64;
            let t = self.relative(channel);
            row.fill(0.0);
            (row[0], row[1]) = (1.0, t);
            if self.free.bend {
                row[2] = t * t;
            }
            *value = self.baseline(channel);
            let mut own_at = common + 2 * self.peaks.len();
            for (number, peak) in self.peaks.iter().enumerate() {
                let (form, normal, low) = peak.shape(self, channel);
                let sigma = peak.sigma_in(self);
                let below = if with_step {
                    step(channel - peak.center, sigma)
                } else {
                    0.0
                };
                // The step's derivatives are those of a normal distribution function.
                let edge = if peak.form == PeakForm::FlatTop {
                    gaussian(channel - peak.center, sigma)
                } else {
                    normal
                };
                let height = form.value + self.step * below;
                *value += peak.area * height;
                row[common + 2 * number] = peak.area * (form.by_center + self.step * edge.value);
                row[common + 2 * number + 1] = height;
                let by_sigma = peak.area
                    * (form.by_sigma + self.step * edge.value * (channel - peak.center) / sigma);
                if peak.form == PeakForm::BroadGaussian {
                    row[own_at] = by_sigma * peak.sigma;
                } else if self.free.width {
                    row[width_at] += by_sigma * peak.sigma;
                }
                if peak.form == PeakForm::FlatTop {
                    row[own_at] = peak.area * form.by_length;
                }
                own_at += usize::from(peak.form != PeakForm::Gaussian);
                if self.free.step {
                    row[step_at] += peak.area * below;
                }
                if self.free.tail && peak.form != PeakForm::FlatTop {
                    row[tail_at] += peak.area * (low.value - normal.value);
                    row[tail_at + 1] += peak.area * form.by_length * sigma;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_model() {
        let peak = |center, form, own| Component {
            center,
            center_bounds: (0.0, 100.0),
            area: 5000.0,
            sigma: 1.4,
            form,
            own,
            own_bounds: (0.5, 20.0),
        };
        let region = Region {
            low: 10,
            end: 70,
            peaks: vec![
                peak(25.2, PeakForm::Gaussian, 1.0),
                peak(31.0, PeakForm::BroadGaussian, 1.7),
                peak(48.0, PeakForm::FlatTop, 9.0),
            ],
            continuum: [300.0, -20.0, 5.0],
            width: 1.1,
            width_bounds: WIDTH_ALONE,
            step: 2e-3,
            tail: [0.1, 1.5],
            free: Freedom {
                width: true,
                step: true,
                bend: true,
                tail: true,
            },
        };
        let parameters = region.parameters();
        let n = parameters.len();
        assert_eq!(n, 7 + 6 + 2);
        let evaluate = |region: &Region| {
            let (mut values, mut jacobian) = (vec![0.0; 60], vec![0.0; 60 * n]);
            region.evaluate(&mut values, &mut jacobian);
            (values, jacobian)
        };
        let (values, jacobian) = evaluate(&region);
        assert!((values[20] - region.value_at(30.0)).abs() < 1e-9);
        for parameter in 0..n {
            let h = 1e-5 * parameters[parameter].abs().max(1e-3);
            let moved = |by: f64| {
                let mut p = parameters.clone();
                p[parameter] += by;
                evaluate(&region.with(&p)).0
            };
            let (plus, minus) = (moved(h), moved(-h));
            for row in 0..60 {
                let numeric = (plus[row] - minus[row]) / (2.0 * h);
                let analytic = jacobian[row * n + parameter];
                let scale = numeric.abs().max(1.0);
                assert!(
                    (analytic - numeric).abs() < 2e-4 * scale,
                    "parameter {parameter}, row {row}: {analytic} instead of {numeric}"
                );
            }
        }
    }
}
