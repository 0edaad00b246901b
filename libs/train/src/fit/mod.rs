//! The training loop: epochs over batches with a schedule of rates, its history, checkpoints and
//! a continuation that equals the uninterrupted run to the bit at an equal number of threads.

mod checkpoint;
mod search;
mod step;
#[cfg(test)]
mod tests;
mod threads;

pub use checkpoint::CheckpointPlan;
pub(crate) use checkpoint::write_durably;
pub use search::search_rates;
pub use threads::on_training_thread;

use crate::{
    backend::{Mode, TchNetwork},
    cuda::device_name,
    error::{Result, TrainError},
    loss::score_logits,
    observer::Observer,
    sampler, tensors,
};
use assay_core::{Digest, DigestBuilder};
use assay_network::Landmark;
use checkpoint::{Checkpoint, Checkpoints, Cursor};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use step::Stepper;
use tch::{Device, Tensor, no_grad};

/// Rows to train with or to judge by, on a device.
#[derive(Debug)]
pub struct Examples {
    inputs: Tensor,
    classes: Vec<usize>,
    digest: Digest,
}

impl Examples {
    /// Moves rows to a device.
    ///
    /// # Shapes
    /// `inputs` [n, width], `classes` [n].
    ///
    /// # Errors
    /// When lengths differ, there is no row, or a value is not finite.
    pub fn new(inputs: ArrayView2<'_, f32>, classes: &[usize], device: Device) -> Result<Self> {
        let (rows, width) = inputs.dim();
        if rows != classes.len() || rows == 0 {
            return Err(TrainError::Data(format!(
                "{rows} rows and {} class indices: equal and positive numbers are required",
                classes.len()
            )));
        }
        if let Some(((row, column), value)) = inputs.indexed_iter().find(|(_, v)| !v.is_finite()) {
            return Err(TrainError::Data(format!(
                "row {row}, column {column} of the training data is {value}: only finite numbers \
                 are allowed"
            )));
        }
        let values: Vec<f32> = inputs.iter().copied().collect();
        let digest = classes
            .iter()
            .fold(
                DigestBuilder::new("openassay examples 1").f32s(&values),
                |digest, &class| digest.number(class as u64),
            )
            .finish();
        Ok(Self {
            inputs: tensors::from_f32(&values, &[rows, width], device)?,
            classes: classes.to_vec(),
            digest,
        })
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is no row; never true for a value that [`Self::new`] made.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }
}

/// How long and how fast to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitSettings {
    /// Rate of every epoch; its length is the number of epochs.
    pub rates: Vec<f64>,
    /// Rows per step.
    pub batch_size: usize,
    /// Weight of every class in the loss.
    pub class_weights: Vec<f64>,
    /// Seed of shuffles and dropout masks.
    pub seed: u64,
    /// Threads that torch uses on the processor.
    pub threads: usize,
}

/// One epoch of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of the epoch, from 0.
    pub epoch: usize,
    /// Learning rate.
    pub rate: f64,
    /// Class-weighted training loss, averaged while the weights move.
    pub loss: f64,
    /// Share of right answers, counted while the weights move and dropout is on.
    pub accuracy: f64,
    /// Unweighted loss of the rows held back, after the epoch.
    pub validation_loss: Option<f64>,
    /// Share of right answers among the rows held back.
    pub validation_accuracy: Option<f64>,
}

/// What a fit works with.
#[derive(Debug, Clone, Copy)]
pub struct FitData<'a> {
    /// Rows to learn from.
    pub training: &'a Examples,
    /// Rows for the validation curves.
    pub validation: Option<&'a Examples>,
}

/// Trains a network in place and returns its history.
///
/// # Errors
/// When the loss is not finite, when the observer cancels (after a checkpoint, if there are any),
/// or when a checkpoint belongs to another run.
pub fn fit(
    network: &TchNetwork,
    data: FitData<'_>,
    settings: &FitSettings,
    checkpoints: Option<&CheckpointPlan>,
    observer: &dyn Observer,
) -> Result<Vec<EpochRecord>> {
    tch::set_num_threads(i32::try_from(settings.threads).unwrap_or(1));
    let mut stepper = Stepper::new(network, data.training, settings)?;
    let mut cursor = Cursor::default();
    let checkpoints = checkpoints
        .map(|plan| Checkpoints::new(plan, fingerprint(network, data, settings)?))
        .transpose()?;
    if let Some(found) = checkpoints
        .as_ref()
        .map(Checkpoints::load)
        .transpose()?
        .flatten()
    {
        cursor = stepper.restore(found)?;
    }
    while cursor.epoch < settings.rates.len() {
        run_epoch(&mut stepper, &mut cursor, checkpoints.as_ref(), observer)?;
        let record = finish_epoch(network, data, settings, &cursor)?;
        observer.epoch(&record);
        observer.progress(record.epoch + 1, settings.rates.len());
        cursor.begin_next_epoch(record);
        if let Some(checkpoints) = &checkpoints
            && cursor.epoch == settings.rates.len()
        {
            checkpoints.save(&stepper.capture(&cursor)?)?;
        }
    }
    Ok(cursor.history)
}

/// Runs the batches of one epoch that are still to be run.
fn run_epoch(
    stepper: &mut Stepper<'_>,
    cursor: &mut Cursor,
    checkpoints: Option<&Checkpoints>,
    observer: &dyn Observer,
) -> Result<()> {
    let settings = stepper.settings();
    let rows = stepper.rows();
    let order = sampler::shuffled(rows, settings.seed, cursor.epoch as u64);
    for (batch, range) in sampler::batches(rows, settings.batch_size).enumerate() {
        if batch < cursor.batch {
            continue;
        }
        if observer.is_cancelled() {
            let saved = checkpoints
                .map(|checkpoints| checkpoints.save(&stepper.capture(cursor)?))
                .transpose()?;
            return Err(TrainError::Cancelled { checkpoint: saved });
        }
        let result = stepper.step(
            &order[range],
            cursor.epoch,
            batch,
            settings.rates[cursor.epoch],
        )?;
        cursor.add(result);
        if let Some(checkpoints) = checkpoints
            && checkpoints.is_due(stepper.steps())
        {
            checkpoints.save(&stepper.capture(cursor)?)?;
        }
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "data sets have far fewer than 2^53 rows"
)]
fn finish_epoch(
    network: &TchNetwork,
    data: FitData<'_>,
    settings: &FitSettings,
    cursor: &Cursor,
) -> Result<EpochRecord> {
    let rows = data.training.len() as f64;
    let held_back = data
        .validation
        .map(|examples| judge(network, examples, settings.batch_size))
        .transpose()?;
    Ok(EpochRecord {
        epoch: cursor.epoch,
        rate: settings.rates[cursor.epoch],
        loss: cursor.loss_sum / rows,
        accuracy: cursor.right as f64 / rows,
        validation_loss: held_back.map(|(loss, _)| loss),
        validation_accuracy: held_back.map(|(_, accuracy)| accuracy),
    })
}

/// Mean loss and accuracy of rows, without dropout and without weights.
///
/// # Errors
/// When torch fails.
#[expect(
    clippy::cast_precision_loss,
    reason = "data sets have far fewer than 2^53 rows"
)]
pub fn judge(network: &TchNetwork, examples: &Examples, batch_size: usize) -> Result<(f64, f64)> {
    let logits = logits_of(network, examples, batch_size)?;
    let (loss, right) = score_logits(&logits, &examples.classes);
    let rows = examples.len() as f64;
    Ok((loss / rows, right as f64 / rows))
}

/// Logits of all rows, row-major, batch by batch.
pub(crate) fn logits_of(
    network: &TchNetwork,
    examples: &Examples,
    batch_size: usize,
) -> Result<Vec<f32>> {
    let mut all = Vec::new();
    for range in sampler::batches(examples.len(), batch_size) {
        let rows: Vec<usize> = range.collect();
        let index = tensors::from_indices(&rows, network.device())?;
        let logits = no_grad(|| {
            let inputs = examples.inputs.f_index_select(0, &index)?;
            network.forward(&inputs, Landmark::Logits, Mode::Inference)
        })?;
        all.extend(tensors::to_f32(&logits)?);
    }
    Ok(all)
}

/// Everything that decides the course of a run: a checkpoint is continued by this run only.
fn fingerprint(network: &TchNetwork, data: FitData<'_>, settings: &FitSettings) -> Result<Digest> {
    let settings = serde_json::to_vec(settings).map_err(|e| TrainError::Data(e.to_string()))?;
    let mut digest = DigestBuilder::new("openassay fit 1")
        .bytes(network.export()?.digest().as_bytes())
        .bytes(network.trainable().join("\n").as_bytes())
        .bytes(device_name(network.device()).as_bytes())
        .bytes(data.training.digest.as_bytes())
        .bytes(&settings);
    if let Some(validation) = data.validation {
        digest = digest.bytes(validation.digest.as_bytes());
    }
    Ok(digest.finish())
}

/// What a checkpoint holds, gathered and put back by the stepper.
impl Stepper<'_> {
    fn capture(&self, cursor: &Cursor) -> Result<Checkpoint> {
        let (first, second) = self.adam().moments();
        Ok(Checkpoint {
            cursor: cursor.clone(),
            step: self.steps(),
            names: self.names().to_vec(),
            parameters: plain(self.parameters())?,
            first: plain(first)?,
            second: plain(second)?,
        })
    }

    fn restore(&mut self, found: Checkpoint) -> Result<Cursor> {
        let device = self.device();
        let moved = |plain: &[assay_network::Tensor]| {
            plain
                .iter()
                .map(|t| tensors::from_f32(&t.data, &t.shape, device))
                .collect::<Result<Vec<_>>>()
        };
        self.put_back(
            found.step,
            &moved(&found.parameters)?,
            &moved(&found.first)?,
            &moved(&found.second)?,
        )?;
        Ok(found.cursor)
    }
}

fn plain(tensors_: &[Tensor]) -> Result<Vec<assay_network::Tensor>> {
    tensors_
        .iter()
        .map(|tensor| {
            Ok(assay_network::Tensor {
                shape: tensors::shape_of(tensor),
                data: tensors::to_f32(tensor)?,
            })
        })
        .collect()
}
