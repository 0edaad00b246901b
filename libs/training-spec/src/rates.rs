//! The schedule of learning rates; what the rates of each epoch are, the training computes.

use crate::{
    SpecificationError,
    fault::{Fault, Faults},
};
use serde::{Deserialize, Serialize};

/// Lower and upper learning rate of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateBounds {
    /// Rate at the start and end of a cycle.
    pub base: f64,
    /// Rate in the middle of a cycle.
    pub max: f64,
}

impl RateBounds {
    /// Checks both bounds.
    ///
    /// # Errors
    /// Unless `0 < base < max`, both finite.
    pub fn check(&self) -> Result<(), SpecificationError> {
        SpecificationError::unless_empty(self.fault().into_iter().collect())
    }

    fn fault(&self) -> Option<Fault> {
        let right = self.base > 0.0 && self.base < self.max && self.max.is_finite();
        (!right).then(|| {
            let reason = format!("is {},{}: 0 < BASE < MAX is required", self.base, self.max);
            Fault::new("schedule.bounds", "--lr-bounds", reason)
        })
    }
}

/// How the amplitude changes from cycle to cycle.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClrMode {
    /// No cycle at all: every epoch runs at the geometric mean of the bounds.
    None,
    /// The same amplitude in every cycle.
    #[default]
    Triangular,
    /// Half the amplitude of the cycle before.
    Triangular2,
    /// `gamma` to the power of the iteration.
    ExpRange {
        /// Base of the power, in (0, 1].
        gamma: f64,
    },
}

impl ClrMode {
    /// Checks what the mode is made of.
    ///
    /// # Errors
    /// Unless `gamma` is in (0, 1].
    pub fn check(&self) -> Result<(), SpecificationError> {
        SpecificationError::unless_empty(self.fault().into_iter().collect())
    }

    fn fault(&self) -> Option<Fault> {
        match *self {
            Self::ExpRange { gamma } if !(gamma > 0.0 && gamma <= 1.0) => {
                let reason = format!("exp_range has gamma {gamma}: (0, 1] is required");
                Some(Fault::new("schedule.clr.gamma", "--clr", reason))
            }
            _ => None,
        }
    }
}

/// The learning-rate schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// How the amplitude changes from cycle to cycle.
    pub clr: ClrMode,
    /// Half a cycle in epochs.
    pub step_size: usize,
    /// Bounds; `None` leaves them to the learning-rate finder.
    pub bounds: Option<RateBounds>,
}

impl Schedule {
    pub(crate) fn check(&self, faults: &mut Faults) {
        let step_size = self.step_size;
        faults.require(step_size > 0, "schedule.step_size", "--step-size", || {
            format!("is {step_size}: at least 1 epoch is required")
        });
        faults.0.extend(self.clr.fault());
        faults
            .0
            .extend(self.bounds.as_ref().and_then(RateBounds::fault));
    }
}
