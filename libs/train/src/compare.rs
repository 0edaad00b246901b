//! Learning rates on their own: the finder's curve, and the schedules side by side from one seed.

use crate::{
    clr::CyclicalRate,
    error::Result,
    fit::{EpochRecord, on_training_thread},
    observer::{Observer, Stage},
    workflow::{
        FinderOutcome, HeldOut, Prepared, Resources, StageTiming, Timer, TrainingData, rates_for,
    },
};
use assay_training_spec::{ClrMode, TrainingSpec, Validation};
use serde::Serialize;

/// The schedules that are compared.
pub const COMPARED: [ClrMode; 3] = [ClrMode::None, ClrMode::Triangular, ClrMode::Triangular2];

/// One schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedRun {
    /// The schedule.
    pub clr: ClrMode,
    /// Its history.
    pub history: Vec<EpochRecord>,
}

/// Schedules that started from the same weights and saw the same batches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClrComparison {
    /// Where the bounds come from.
    pub finder: FinderOutcome,
    /// One run per schedule, in the order of [`COMPARED`].
    pub runs: Vec<ComparedRun>,
    /// Time of every stage.
    pub timings: Vec<StageTiming>,
}

/// Runs the learning-rate finder alone.
///
/// # Errors
/// As [`crate::train`].
pub fn find_rates(
    data: TrainingData<'_>,
    spec: &TrainingSpec,
    resources: &Resources<'_>,
    observer: &dyn Observer,
) -> Result<FinderOutcome> {
    spec.check()?;
    on_training_thread(spec.execution.thread_count(), || {
        let mut timer = Timer::start(resources.clock);
        let prepared = Prepared::new(data, spec, resources, observer, &mut timer)?;
        rates_for(&prepared, observer, &mut timer)
    })
}

/// Trains with a constant rate, with triangular and with triangular2 cycles, from one seed.
///
/// # Errors
/// As [`crate::train`].
pub fn compare_clr(
    data: TrainingData<'_>,
    spec: &TrainingSpec,
    resources: &Resources<'_>,
    observer: &dyn Observer,
) -> Result<ClrComparison> {
    spec.check()?;
    on_training_thread(spec.execution.thread_count(), || {
        let mut timer = Timer::start(resources.clock);
        let prepared = Prepared::new(data, spec, resources, observer, &mut timer)?;
        let finder = rates_for(&prepared, observer, &mut timer)?;
        let held_out = match spec.validation {
            Validation::Fraction { fraction } => Some(HeldOut::new(&prepared, fraction)?),
            _ => None,
        };
        let mut runs = Vec::with_capacity(COMPARED.len());
        for clr in COMPARED {
            observer.stage(Stage::Fit);
            let schedule = CyclicalRate::new(finder.bounds, spec.schedule.step_size, clr)?;
            let lesson = held_out
                .as_ref()
                .map_or_else(|| prepared.training_lesson(), HeldOut::lesson);
            let rates = schedule.per_epoch(spec.epochs);
            let learnt = prepared.learner.learn(&lesson, &rates, None, observer)?;
            runs.push(ComparedRun {
                clr,
                history: learnt.history,
            });
            timer.lap(Stage::Fit);
        }
        Ok(ClrComparison {
            finder,
            runs,
            timings: timer.into_laps(),
        })
    })
}
