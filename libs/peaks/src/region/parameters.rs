//! A region as a row of parameters, with the derivatives of its model by each of them.

use super::{LARGEST_STEP, PeakForm, Region, TAIL};
use crate::least_squares::Model;
use crate::profile::{gaussian, step};

impl Region {
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
