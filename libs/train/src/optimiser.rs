//! Adam in Keras' form, over tensors, with its whole state open: what a checkpoint needs and the
//! optimisers of torch's bindings do not give.

use crate::error::{Result, TrainError};
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

/// Constants of Adam; the defaults are those of Keras.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamConstants {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment, before any bias correction.
    pub epsilon: f64,
}

impl Default for AdamConstants {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-7,
        }
    }
}

/// The optimiser and its state.
#[derive(Debug)]
pub struct Adam {
    constants: AdamConstants,
    step: u64,
    first: Vec<Tensor>,
    second: Vec<Tensor>,
}

impl Adam {
    /// A fresh optimiser for these parameters.
    ///
    /// # Errors
    /// When torch cannot allocate the moments.
    pub fn new(parameters: &[Tensor], constants: AdamConstants) -> Result<Self> {
        let zeros = || {
            parameters
                .iter()
                .map(|parameter| Ok(parameter.f_detach()?.f_zeros_like()?))
                .collect::<Result<Vec<_>>>()
        };
        Ok(Self {
            constants,
            step: 0,
            first: zeros()?,
            second: zeros()?,
        })
    }

    /// Steps taken so far.
    #[must_use]
    pub const fn step(&self) -> u64 {
        self.step
    }

    /// First and second moments, in the order of the parameters.
    pub fn moments(&self) -> (&[Tensor], &[Tensor]) {
        (&self.first, &self.second)
    }

    /// Puts back a state that [`Self::step`] and [`Self::moments`] gave.
    ///
    /// # Errors
    /// When the shapes are not those of the parameters.
    pub fn restore(&mut self, step: u64, first: &[Tensor], second: &[Tensor]) -> Result<()> {
        for (ours, theirs) in [(&mut self.first, first), (&mut self.second, second)] {
            if ours.len() != theirs.len()
                || ours.iter().zip(theirs).any(|(a, b)| a.size() != b.size())
            {
                return Err(TrainError::Data(
                    "the optimiser's moments do not have the shapes of the parameters".to_owned(),
                ));
            }
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                no_grad(|| ours.f_copy_(theirs))?;
            }
        }
        self.step = step;
        Ok(())
    }

    /// Moves the parameters once against their gradients.
    ///
    /// # Errors
    /// When torch fails, for example because shapes differ.
    ///
    /// # Source
    /// Kingma & Ba, arXiv:1412.6980, the form at the end of section 2, as in Keras: the bias
    /// corrections go into the rate, so that epsilon is not corrected.
    pub fn update(
        &mut self,
        parameters: &mut [Tensor],
        gradients: &[Tensor],
        rate: f64,
    ) -> Result<()> {
        let AdamConstants {
            beta1,
            beta2,
            epsilon,
        } = self.constants;
        self.step += 1;
        let power = i32::try_from(self.step).unwrap_or(i32::MAX);
        let corrected = rate * (1.0 - beta2.powi(power)).sqrt() / (1.0 - beta1.powi(power));
        no_grad(|| {
            let moments = self.first.iter_mut().zip(self.second.iter_mut());
            for ((parameter, gradient), (first, second)) in
                parameters.iter_mut().zip(gradients).zip(moments)
            {
                let _ = first.f_lerp_(gradient, 1.0 - beta1)?;
                let _ = second.f_lerp_(&gradient.f_square()?, 1.0 - beta2)?;
                let mut denominator = second.f_sqrt()?;
                let _ = denominator.f_add_scalar_(epsilon)?;
                let mut change = first.f_div(&denominator)?;
                let _ = change.f_mul_scalar_(-corrected)?;
                let _ = parameter.f_add_(&change)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::{from_f32, to_f32};
    use serde::Deserialize;
    use tch::Device;

    #[derive(Deserialize)]
    struct Fixture {
        rates: Vec<f64>,
        initial: Vec<f64>,
        gradients: Vec<Vec<f64>>,
        parameters: Vec<Vec<f64>>,
        first: Vec<f64>,
        second: Vec<f64>,
    }

    fn tensor(values: &[f64]) -> Tensor {
        #[expect(clippy::cast_possible_truncation, reason = "parameters are 32-bit")]
        let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
        from_f32(&values, &[values.len()], Device::Cpu).unwrap()
    }

    fn compare(what: &str, actual: &Tensor, expected: &[f64]) {
        for (a, e) in to_f32(actual).unwrap().iter().zip(expected) {
            let allowed = 2e-6 * e.abs().max(1e-3);
            assert!((f64::from(*a) - e).abs() < allowed, "{what}: {a} {e}");
        }
    }

    /// Numbers of an independent double-precision implementation, `tests/fixtures/make_train.py`.
    #[test]
    fn follows_the_independent_implementation_step_by_step() {
        let text = include_str!("../tests/fixtures/adam.json");
        let fixture: Fixture = serde_json::from_str(text).unwrap();
        let mut parameters = [tensor(&fixture.initial)];
        let mut adam = Adam::new(&parameters, AdamConstants::default()).unwrap();
        for (index, gradient) in fixture.gradients.iter().enumerate() {
            adam.update(&mut parameters, &[tensor(gradient)], fixture.rates[index])
                .unwrap();
            compare("parameters", &parameters[0], &fixture.parameters[index]);
        }
        compare("first moment", &adam.moments().0[0], &fixture.first);
        compare("second moment", &adam.moments().1[0], &fixture.second);
    }

    #[test]
    fn a_restored_state_continues_to_the_bit() {
        let gradients = |i: u16| [tensor(&[f64::from(i).sin(), 0.3, -1e-4])];
        let start = [tensor(&[1.0, -2.0, 0.5])];
        let run = |interrupted: bool| {
            let mut parameters = [start[0].copy()];
            let mut adam = Adam::new(&parameters, AdamConstants::default()).unwrap();
            for i in 0..7 {
                if interrupted && i == 4 {
                    let mut fresh = Adam::new(&parameters, AdamConstants::default()).unwrap();
                    let (first, second) = adam.moments();
                    fresh.restore(adam.step(), first, second).unwrap();
                    adam = fresh;
                }
                adam.update(&mut parameters, &gradients(i), 0.01).unwrap();
            }
            to_f32(&parameters[0]).unwrap()
        };
        assert_eq!(run(false), run(true));
    }

    #[test]
    fn refuses_moments_of_another_shape() {
        let mut adam = Adam::new(&[tensor(&[1.0, 2.0])], AdamConstants::default()).unwrap();
        assert!(
            adam.restore(1, &[tensor(&[1.0])], &[tensor(&[1.0])])
                .is_err()
        );
    }
}
