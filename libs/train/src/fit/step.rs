//! One training step: forward, loss, gradients, Adam.

use super::{Examples, FitSettings};
use crate::{
    backend::{Mode, TchNetwork},
    error::{Result, TrainError},
    loss::{score_logits, weighted_cross_entropy},
    optimiser::{Adam, AdamConstants},
    sampler::StepKey,
    tensors,
};
use assay_network::Landmark;
use assay_training_spec::SpecificationError;
use tch::{Device, Tensor, no_grad};

/// Loss and right answers of one batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchResult {
    pub(super) loss: f64,
    pub(super) right: usize,
    pub(super) rows: usize,
}

/// A network with its optimiser and the rows it learns from.
#[derive(Debug)]
pub(super) struct Stepper<'a> {
    network: &'a TchNetwork,
    examples: &'a Examples,
    settings: &'a FitSettings,
    parameters: Vec<Tensor>,
    adam: Adam,
}

impl<'a> Stepper<'a> {
    pub(super) fn new(
        network: &'a TchNetwork,
        examples: &'a Examples,
        settings: &'a FitSettings,
    ) -> Result<Self> {
        let parameters = network.parameters();
        if parameters.is_empty() {
            return Err(TrainError::Untrainable(
                "the network has no weight that trains".to_owned(),
            ));
        }
        if settings.batch_size == 0 {
            return Err(TrainError::from(SpecificationError::one(
                "batch_size",
                "--batch-size",
                "is 0: at least 1 is required",
            )));
        }
        if let Some(class) = examples
            .classes
            .iter()
            .find(|&&class| class >= settings.class_weights.len())
        {
            return Err(TrainError::Data(format!(
                "class index {class} has no weight: there are {}",
                settings.class_weights.len()
            )));
        }
        Ok(Self {
            network,
            examples,
            settings,
            adam: Adam::new(&parameters, AdamConstants::default())?,
            parameters,
        })
    }

    /// Learns from some rows. The key of the step's random numbers is (epoch, batch).
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights of rows are 32-bit in torch"
    )]
    pub(super) fn step(
        &mut self,
        rows: &[usize],
        epoch: usize,
        batch: usize,
        rate: f64,
    ) -> Result<BatchResult> {
        let device = self.network.device();
        let key = StepKey {
            seed: self.settings.seed,
            epoch: epoch as u64,
            batch: batch as u64,
        };
        let classes: Vec<usize> = rows.iter().map(|&row| self.examples.classes[row]).collect();
        let weights: Vec<f32> = classes
            .iter()
            .map(|&class| self.settings.class_weights[class] as f32)
            .collect();
        let index = tensors::from_indices(rows, device)?;
        let inputs = self.examples.inputs.f_index_select(0, &index)?;
        let logits = self
            .network
            .forward(&inputs, Landmark::Logits, Mode::Training(key))?;
        let loss = weighted_cross_entropy(
            &logits,
            &tensors::from_indices(&classes, device)?,
            &tensors::from_f32(&weights, &[rows.len()], device)?,
        )?;
        let value = loss.f_double_value(&[])?;
        if !value.is_finite() {
            return Err(TrainError::Diverged {
                loss: value,
                epoch,
                batch,
                largest_rate: self.settings.rates.iter().copied().fold(rate, f64::max),
            });
        }
        let gradients = Tensor::f_run_backward(&[&loss], &self.parameters, false, false)?;
        self.adam.update(&mut self.parameters, &gradients, rate)?;
        let (_, right) = score_logits(&tensors::to_f32(&logits)?, &classes);
        Ok(BatchResult {
            loss: value,
            right,
            rows: rows.len(),
        })
    }

    pub(super) fn put_back(
        &mut self,
        step: u64,
        parameters: &[Tensor],
        first: &[Tensor],
        second: &[Tensor],
    ) -> Result<()> {
        self.adam.restore(step, first, second)?;
        for (ours, theirs) in self.parameters.iter_mut().zip(parameters) {
            no_grad(|| ours.f_copy_(theirs))?;
        }
        Ok(())
    }

    pub(super) const fn adam(&self) -> &Adam {
        &self.adam
    }

    pub(super) const fn steps(&self) -> u64 {
        self.adam.step()
    }

    pub(super) fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }

    pub(super) fn names(&self) -> &[String] {
        self.network.trainable()
    }

    pub(super) const fn settings(&self) -> &'a FitSettings {
        self.settings
    }

    pub(super) const fn rows(&self) -> usize {
        self.examples.len()
    }

    pub(super) const fn device(&self) -> Device {
        self.network.device()
    }
}
