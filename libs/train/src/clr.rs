//! Cyclical learning rates, one value per epoch. Pure arithmetic; `fit` decides when to ask.

use crate::error::{Result, TrainError};
use assay_training_spec::{ClrMode, RateBounds, SpecificationError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a custom scale is a function of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleMode {
    /// The number of the cycle, from 1.
    Cycle,
    /// The number of the iteration, from 0.
    Iterations,
}

/// Factor of the amplitude as a function of the cycle or of the iteration.
pub type Scale = Box<dyn Fn(f64) -> f64 + Send + Sync>;

/// A schedule of learning rates over iterations; here an iteration is an epoch.
pub struct CyclicalRate {
    bounds: RateBounds,
    step_size: usize,
    scale: Scale,
    scale_mode: ScaleMode,
    cyclic: bool,
}

impl fmt::Debug for CyclicalRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CyclicalRate")
            .field("bounds", &self.bounds)
            .field("step_size", &self.step_size)
            .field("scale_mode", &self.scale_mode)
            .field("cyclic", &self.cyclic)
            .finish_non_exhaustive()
    }
}

impl CyclicalRate {
    /// A schedule with one of the named scales.
    ///
    /// # Errors
    /// Unless `0 < base < max`, `step_size ≥ 1` and `gamma` is in (0, 1].
    pub fn new(bounds: RateBounds, step_size: usize, mode: ClrMode) -> Result<Self> {
        mode.check()?;
        let (scale, scale_mode): (Scale, _) = match mode {
            ClrMode::None | ClrMode::Triangular => (Box::new(|_| 1.0), ScaleMode::Cycle),
            ClrMode::Triangular2 => (
                Box::new(|cycle: f64| 0.5_f64.powf(cycle - 1.0)),
                ScaleMode::Cycle,
            ),
            ClrMode::ExpRange { gamma } => (
                Box::new(move |iteration| gamma.powf(iteration)),
                ScaleMode::Iterations,
            ),
        };
        let mut schedule = Self::with_scale(bounds, step_size, scale, scale_mode)?;
        schedule.cyclic = mode != ClrMode::None;
        Ok(schedule)
    }

    /// A schedule with a scale of the caller's own.
    ///
    /// # Errors
    /// Unless `0 < base < max` and `step_size ≥ 1`.
    pub fn with_scale(
        bounds: RateBounds,
        step_size: usize,
        scale: Scale,
        scale_mode: ScaleMode,
    ) -> Result<Self> {
        bounds.check()?;
        if step_size == 0 {
            return Err(TrainError::from(SpecificationError::one(
                "schedule.step_size",
                "--step-size",
                "is 0: half a cycle must be at least one epoch",
            )));
        }
        Ok(Self {
            bounds,
            step_size,
            scale,
            scale_mode,
            cyclic: true,
        })
    }

    /// The rate at an iteration.
    ///
    /// # Source
    /// Smith, arXiv:1506.01186, section 3.2. A constant schedule (mode `none`) is the geometric
    /// mean of the bounds, because rates are compared on a logarithmic scale.
    #[must_use]
    pub fn at(&self, iteration: usize) -> f64 {
        let RateBounds { base, max } = self.bounds;
        if !self.cyclic {
            return (base * max).sqrt();
        }
        let (iteration, step) = (as_f64(iteration), as_f64(self.step_size));
        let cycle = (1.0 + iteration / (2.0 * step)).floor();
        let x = (iteration / step - 2.0 * cycle + 1.0).abs();
        let scale = match self.scale_mode {
            ScaleMode::Cycle => (self.scale)(cycle),
            ScaleMode::Iterations => (self.scale)(iteration),
        };
        base + (max - base) * (1.0 - x).max(0.0) * scale
    }

    /// The rate that each of the first `epochs` epochs runs at: epoch `e` at iteration `e + 1`,
    /// because the reference advances before an epoch begins.
    #[must_use]
    pub fn per_epoch(&self, epochs: usize) -> Vec<f64> {
        (1..=epochs).map(|iteration| self.at(iteration)).collect()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "epoch counts are far below 2^53"
)]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: RateBounds = RateBounds {
        base: 0.001,
        max: 0.01,
    };

    #[test]
    fn peaks_after_half_a_cycle_and_returns() {
        let schedule = CyclicalRate::new(BOUNDS, 10, ClrMode::Triangular).unwrap();
        let rates = schedule.per_epoch(20);
        assert!((rates[9] - 0.01).abs() < 1e-15);
        assert!((rates[19] - 0.001).abs() < 1e-15);
        assert!((rates[0] - 0.0019).abs() < 1e-15, "epoch 0 runs at clr(1)");
    }

    #[test]
    fn none_is_constant_between_the_bounds() {
        let schedule = CyclicalRate::new(BOUNDS, 10, ClrMode::None).unwrap();
        let rates = schedule.per_epoch(7);
        assert!(
            rates
                .iter()
                .all(|&rate| (rate - 1e-5_f64.sqrt()).abs() < 1e-15)
        );
    }

    #[test]
    fn refuses_what_makes_no_cycle() {
        let swapped = RateBounds {
            base: 0.01,
            max: 0.001,
        };
        assert!(CyclicalRate::new(swapped, 10, ClrMode::Triangular).is_err());
        assert!(CyclicalRate::new(BOUNDS, 0, ClrMode::Triangular).is_err());
        assert!(CyclicalRate::new(BOUNDS, 10, ClrMode::ExpRange { gamma: 1.5 }).is_err());
        let nan = RateBounds {
            base: f64::NAN,
            max: 1.0,
        };
        assert!(nan.check().is_err());
    }
}
