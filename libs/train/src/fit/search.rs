//! Runs the batches of the learning-rate finder.

use super::{Examples, FitSettings, step::Stepper};
use crate::{
    backend::TchNetwork,
    error::{Result, TrainError},
    lr_finder::{CurvePoint, RateFinder, Search},
    observer::Observer,
    sampler,
};
use assay_training_spec::FinderSettings;

/// Trains a network over batches at growing rates and returns the curve. The network is spoilt
/// afterwards: give a copy. `settings.rates` is not used.
///
/// # Errors
/// When the observer cancels or torch fails. A loss that is not finite ends the search.
pub fn search_rates(
    network: &TchNetwork,
    examples: &Examples,
    settings: &FitSettings,
    finder: FinderSettings,
    observer: &dyn Observer,
) -> Result<Vec<CurvePoint>> {
    tch::set_num_threads(i32::try_from(settings.threads).unwrap_or(1));
    let mut stepper = Stepper::new(network, examples, settings)?;
    let mut search = RateFinder::new(finder);
    for epoch in 0.. {
        let order = sampler::shuffled(examples.len(), settings.seed, epoch as u64);
        for (batch, range) in sampler::batches(examples.len(), settings.batch_size).enumerate() {
            if observer.is_cancelled() {
                return Err(TrainError::Cancelled { checkpoint: None });
            }
            let rate = f64::from(search.rate());
            let loss = match stepper.step(&order[range], epoch, batch, rate) {
                Ok(result) => result.loss,
                Err(TrainError::Diverged { loss, .. }) => loss,
                Err(other) => return Err(other),
            };
            let next = search.record(loss);
            observer.progress(search.curve().len(), finder.updates);
            if next == Search::Finished {
                return Ok(search.into_curve());
            }
        }
    }
    Ok(search.into_curve())
}
