//! Where peaks may be: local maxima of the smoothed second difference, in standard deviations.

use crate::profile::FWHM_PER_SIGMA;

/// Kernels are made anew when the width has changed by this factor.
const WIDTH_STEP: f64 = 1.02;
/// A kernel reaches this many standard deviations to each side.
const KERNEL_SIGMA: f64 = 3.5;

/// A place where a peak may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// Position in channels from the first one of the data.
    pub(crate) channel: f64,
    /// Second difference over its standard deviation.
    pub(crate) significance: f64,
}

/// What is searched; all slices have one value per channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Searched<'a> {
    /// Counts, or what a model leaves of them.
    pub(crate) data: &'a [f64],
    /// Their variance.
    pub(crate) variance: &'a [f64],
    /// What of a channel is uncertain together with its neighbours: the form of continuum and
    /// peaks.
    pub(crate) form: &'a [f64],
    /// Width that a peak would have, in channels.
    pub(crate) fwhm_channels: &'a [f64],
}

/// A zero-area second derivative of a Gaussian, with its sign turned.
struct Kernel {
    step: i32,
    half: Vec<f64>,
    absolute: f64,
}

impl Kernel {
    fn new(step: i32) -> Self {
        let sigma = WIDTH_STEP.powi(step);
        let reach = (KERNEL_SIGMA * sigma).ceil() as usize;
        let mut half: Vec<f64> = (0..=reach)
            .map(|j| {
                let u2 = (j as f64 / sigma).powi(2);
                (1.0 - u2) * (-0.5 * u2).exp()
            })
            .collect();
        // What cutting and sampling leave of the area is taken from the wings.
        let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
        let negative: f64 = 2.0 * half.iter().filter(|k| **k < 0.0).sum::<f64>();
        for k in half.iter_mut().filter(|k| **k < 0.0) {
            *k *= 1.0 - sum / negative;
        }
        let absolute = half[0] + 2.0 * half[1..].iter().map(|k| k.abs()).sum::<f64>();
        Self {
            step,
            half,
            absolute,
        }
    }

    fn at(fwhm_channels: f64, kept: Option<Self>) -> Self {
        let sigma = (fwhm_channels / FWHM_PER_SIGMA).max(0.7);
        let step = (sigma.ln() / WIDTH_STEP.ln()).round() as i32;
        match kept {
            Some(kernel) if kernel.step == step => kernel,
            _ => Self::new(step),
        }
    }

    /// The second difference over its standard deviation; 0 where the kernel leaves the data.
    fn significance(&self, searched: &Searched, channel: usize) -> f64 {
        let reach = self.half.len() - 1;
        if channel < reach || channel + reach >= searched.data.len() {
            return 0.0;
        }
        let data = &searched.data[channel - reach..=channel + reach];
        let variance = &searched.variance[channel - reach..=channel + reach];
        let mut difference = self.half[0] * data[reach];
        let mut spread = self.half[0] * self.half[0] * variance[reach];
        for (j, k) in self.half.iter().enumerate().skip(1) {
            difference += k * (data[reach - j] + data[reach + j]);
            spread += k * k * (variance[reach - j] + variance[reach + j]);
        }
        let form = self.absolute * searched.form[channel];
        let sigma = (spread + form * form).sqrt();
        if sigma > 0.0 { difference / sigma } else { 0.0 }
    }
}

/// Local maxima above the threshold, by channel.
///
/// # Units
/// Channels from the first one of the data.
///
/// # Source
/// M. A. Mariscotti, Nucl. Instrum. Methods 50, 309 (1967); the smoothed second difference as one
/// kernel that follows the width: J. T. Routti, S. G. Prussin, Nucl. Instrum. Methods 72, 125
/// (1969). Deviation: an uncertainty of the form is added to that of counting.
pub(crate) fn search(searched: &Searched, threshold: f64) -> Vec<Found> {
    let mut kernel = None;
    let significances: Vec<f64> = (0..searched.data.len())
        .map(|channel| {
            let here = Kernel::at(searched.fwhm_channels[channel], kernel.take());
            let value = here.significance(searched, channel);
            kernel = Some(here);
            value
        })
        .collect();
    significances
        .windows(3)
        .enumerate()
        .filter(|(_, w)| w[1] >= threshold && w[1] > w[0] && w[1] >= w[2])
        .map(|(index, w)| {
            let bend = w[0] - 2.0 * w[1] + w[2];
            let offset = if bend < 0.0 {
                (0.5 * (w[0] - w[2]) / bend).clamp(-0.5, 0.5)
            } else {
                0.0
            };
            Found {
                channel: (index + 1) as f64 + offset,
                significance: w[1],
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::gaussian;

    fn searched(data: &[f64], threshold: f64) -> Vec<Found> {
        let variance: Vec<f64> = data.iter().map(|d| d.max(1.0)).collect();
        search(
            &Searched {
                data,
                variance: &variance,
                form: &vec![0.0; data.len()],
                fwhm_channels: &vec![4.0; data.len()],
            },
            threshold,
        )
    }

    #[test]
    fn a_straight_line_has_no_peak_and_a_gaussian_has_one() {
        let line: Vec<f64> = (0..300).map(|i| 1e5 + 300.0 * f64::from(i)).collect();
        assert!(searched(&line, 1e-6).is_empty());
        let peak: Vec<f64> = line
            .iter()
            .enumerate()
            .map(|(i, c)| c + 2e4 * gaussian(i as f64 - 150.3, 4.0 / FWHM_PER_SIGMA).value)
            .collect();
        let found = searched(&peak, 3.0);
        assert_eq!(found.len(), 1);
        assert!((found[0].channel - 150.3).abs() < 0.05, "{found:?}");
    }

    #[test]
    fn significance_is_difference_over_its_standard_deviation() {
        // One channel above a flat 100: the difference is k0·h, its variance 100·Σk² + k0²·h.
        let mut data = vec![100.0; 60];
        data[30] += 200.0;
        let kernel = Kernel::at(4.0, None);
        let squares: f64 =
            kernel.half[0].powi(2) + 2.0 * kernel.half[1..].iter().map(|k| k * k).sum::<f64>();
        let expected =
            200.0 * kernel.half[0] / (100.0 * squares + 200.0 * kernel.half[0].powi(2)).sqrt();
        let found = searched(&data, 3.0);
        assert!((found[0].significance - expected).abs() < 1e-9);
    }
}
