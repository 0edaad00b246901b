//! Fits the model of one region to counts, and says how well.

use crate::least_squares::{Minimum, Model, minimise};
use crate::region::{Component, Freedom, Region, WIDTH_OF_LINES};
use crate::search::Found;

/// How well a fit must be at its minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Well enough to compare models.
    Rough,
    /// As well as the numbers allow.
    Full,
}

impl Effort {
    /// How often the weights follow the model.
    const fn reweightings(self) -> usize {
        match self {
            Self::Rough => 1,
            Self::Full => 3,
        }
    }

    /// A step that lowers χ² by less than this part of it is the last.
    const fn smallest_gain(self) -> f64 {
        match self {
            Self::Rough => 1e-4,
            Self::Full => 1e-9,
        }
    }
}

/// Channels from which a straight continuum starts, at each end.
const END_CHANNELS: usize = 3;

/// A fitted region.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) minimum: Minimum<Region>,
    /// χ² over its degrees of freedom.
    pub(crate) reduced_chi_squared: f64,
    /// Poisson deviance, by which models of the same region are compared.
    pub(crate) deviance: f64,
}

impl Fitted {
    pub(crate) fn region(&self) -> &Region {
        &self.minimum.model
    }

    /// Standard deviation of a parameter, scaled up where the model does not describe the counts.
    pub(crate) fn sigma(&self, parameter: usize) -> f64 {
        (self.minimum.variance(parameter) * self.reduced_chi_squared.max(1.0)).sqrt()
    }

    /// Standard deviation of a peak's position, in channels.
    pub(crate) fn center_sigma(&self, peak: usize) -> f64 {
        self.sigma(self.region().center_parameter(peak))
    }

    /// Standard deviation of a peak's area, in counts.
    pub(crate) fn area_sigma(&self, peak: usize) -> f64 {
        self.sigma(self.region().center_parameter(peak) + 1)
    }

    /// Fitted continuum within 1.25 FWHM on each side of a peak.
    pub(crate) fn continuum_counts(&self, peak: usize) -> f64 {
        let region = self.region();
        window(region, &region.peaks[peak])
            .map(|channel| region.continuum_at(channel as f64))
            .sum()
    }

    /// Expected counts in the same window that are not of this peak.
    pub(crate) fn background_counts(&self, peak: usize) -> f64 {
        let region = self.region();
        let own = &region.peaks[peak];
        window(region, own)
            .map(|channel| {
                let channel = channel as f64;
                let rest = region.value_at(channel) - own.area * own.value(region, channel);
                rest.max(0.0)
            })
            .sum()
    }
}

/// Channels within 1.25 FWHM of a peak that belong to its region.
pub(crate) fn window(region: &Region, peak: &Component) -> std::ops::Range<usize> {
    let reach = 1.25 * peak.fwhm_in(region);
    let low = (peak.center - reach).round().max(region.low as f64) as usize;
    let high = (peak.center + reach).round().max(0.0) as usize;
    low..(high + 1).min(region.end)
}

/// A region with start values read off the counts.
///
/// # Shapes
/// `counts`: all channels of the spectrum; `low..end` lies within them.
pub(crate) fn start(counts: &[f64], low: usize, end: usize, peaks: Vec<Component>) -> Region {
    let ends = END_CHANNELS.min((end - low) / 2).max(1);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let left = mean(&counts[low..low + ends]);
    let right = mean(&counts[end - ends..end]);
    let mut region = Region {
        low,
        end,
        peaks,
        continuum: [0.5 * (left + right), 0.5 * (right - left), 0.0],
        width: 1.0,
        width_bounds: WIDTH_OF_LINES,
        step: 0.0,
        tail: [0.0, 1.5],
        free: Freedom::default(),
    };
    let heights: Vec<f64> = region
        .peaks
        .iter()
        .map(|peak| height(counts, &region, peak.center))
        .collect();
    let unit: Vec<f64> = region
        .peaks
        .iter()
        .map(|peak| peak.value(&region, peak.center))
        .collect();
    for ((peak, height), unit) in region.peaks.iter_mut().zip(heights).zip(unit) {
        peak.area = height / unit.max(1e-6);
    }
    region
}

/// What stands above the model at a channel, 0.5 counts or more.
fn height(counts: &[f64], region: &Region, center: f64) -> f64 {
    let channel = (center.round().max(0.0) as usize).clamp(region.low, region.end - 1);
    (counts[channel] - region.value_at(channel as f64)).max(0.5)
}

/// The region with one peak more, its area read off what the model leaves.
pub(crate) fn with_peak(counts: &[f64], region: &Region, found: &Found, sigma: f64) -> Region {
    let mut more = region.clone();
    let mut peak = Component::line(found.channel, sigma);
    peak.area = height(counts, region, found.channel) / peak.value(region, peak.center).max(1e-6);
    let place = more.peaks.partition_point(|p| p.center < peak.center);
    more.peaks.insert(place, peak);
    more
}

/// Fits a region, the weights following the model.
///
/// # Shapes
/// `counts`: all channels of the spectrum.
///
/// # Errors
/// `None` where there are too few channels, or no minimum with finite values.
///
/// # Source
/// Peaks on a straight continuum with a step: G. W. Phillips, K. W. Marlow, Nucl. Instrum. Methods
/// 137, 525 (1976). Weights 1/model, made anew from the fitted model, lead to the maximum of the
/// Poisson likelihood: A. Charnes, E. L. Frome, P. L. Yu, J. Am. Stat. Assoc. 71, 169 (1976).
pub(crate) fn fit(counts: &[f64], region: Region, effort: Effort) -> Option<Fitted> {
    let data = &counts[region.low..region.end];
    let degrees = data.len().checked_sub(region.parameters().len())?;
    if degrees == 0 || region.peaks.is_empty() {
        return None;
    }
    let gain = effort.smallest_gain();
    let weights = match effort {
        Effort::Rough => data.iter().map(|count| 1.0 / count.max(1.0)).collect(),
        // What is fitted to the last digit was roughly fitted before.
        Effort::Full => model_weights(&region),
    };
    let mut minimum = minimise(region, data, &weights, gain)?;
    for _ in 0..effort.reweightings() {
        let weights = model_weights(&minimum.model);
        minimum = minimise(minimum.model, data, &weights, gain)?;
    }
    let model = &minimum.model;
    let deviance = data
        .iter()
        .enumerate()
        .map(|(index, &count)| {
            let mean = model.value_at((model.low + index) as f64).max(1e-3);
            let log = if count > 0.0 {
                count * (count / mean).ln()
            } else {
                0.0
            };
            2.0 * (mean - count + log)
        })
        .sum();
    let reduced_chi_squared = minimum.chi_squared / degrees as f64;
    let sound = minimum.converged && reduced_chi_squared.is_finite();
    sound.then_some(Fitted {
        minimum,
        reduced_chi_squared,
        deviance,
    })
}

fn model_weights(region: &Region) -> Vec<f64> {
    (region.low..region.end)
        .map(|channel| 1.0 / region.value_at(channel as f64).max(1.0))
        .collect()
}

#[cfg(test)]
mod tests;
