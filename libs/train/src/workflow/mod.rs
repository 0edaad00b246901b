//! The one order of a training run: input vectors, features, learning-rate finder, cyclical
//! rates, head or whole network, gate, evaluation, bundle.

mod assemble;
mod coordinates;
mod gate;
mod job;
mod learner;
mod logs;
mod model;
mod outcome;
mod prepare;
mod rows;
mod timer;

pub use job::{TrainingJob, load, run};
pub use outcome::{
    FinderOutcome, GateOutcome, ScoredRow, StageTiming, TrainingOutcome, UnknownScore,
};

pub(crate) use gate::{GateInput, fit_gate};
use learner::Learnt;
pub(crate) use learner::{Learner, Lesson};
pub(crate) use model::Model;
pub(crate) use prepare::{HeldOut, Prepared, check_alive, logits as logits_by_head, rates_for};
pub(crate) use rows::{check_members, vectors_with_copies, wide};
pub(crate) use timer::Timer;

use crate::{
    clr::CyclicalRate,
    cuda::device_name,
    error::Result,
    fit::on_training_thread,
    observer::{Observer, Stage},
};
use assay_network::Head;
use assay_openset::Gate;
use assay_pipeline::{Bundle, Dataset, EvaluationReport, evaluate::judge};
use assay_training_spec::TrainingSpec;
use logs::Logged;
use ndarray::Array2;
use prepare::Scored;
use std::{path::Path, time::Duration};

/// What a run takes from its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Resources<'a> {
    /// Folder of converted bases.
    pub bases_dir: &'a Path,
    /// The ONNX Runtime library; `None` searches the usual places.
    pub runtime_library: Option<&'a Path>,
    /// A clock that never goes back, for timings; without one they are zero.
    pub clock: Option<fn() -> Duration>,
    /// Seconds since 1970, for TensorBoard; without it all times there are zero.
    pub wall_clock_s: Option<fn() -> f64>,
}

/// What a run learns from.
#[derive(Debug, Clone, Copy)]
pub struct TrainingData<'a> {
    /// Known spectra, and known unknowns where there are some: these take part in choosing the
    /// gate's parameters and in nothing else.
    pub dataset: &'a Dataset,
    /// The spectra behind [`crate::Validation::Manifest`].
    pub validation: Option<&'a Dataset>,
}

/// A finished run.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The model, ready to be written.
    pub bundle: Bundle,
    /// How the run went.
    pub outcome: TrainingOutcome,
}

/// Trains a model.
///
/// # Errors
/// When the specification or the data cannot be used, when no learning-rate bounds can be had,
/// when training diverges, or when the observer cancels. Nothing is written but checkpoints, kept
/// features and event files, where the specification names folders for them.
pub fn train(
    data: TrainingData<'_>,
    spec: &TrainingSpec,
    resources: &Resources<'_>,
    observer: &dyn Observer,
) -> Result<Trained> {
    spec.check()?;
    let logged = Logged::new(observer, spec, resources.wall_clock_s);
    let trained = on_training_thread(spec.execution.thread_count(), || {
        train_here(data, spec, resources, &logged)
    })?;
    logged.finish()?;
    Ok(trained)
}

fn train_here(
    data: TrainingData<'_>,
    spec: &TrainingSpec,
    resources: &Resources<'_>,
    observer: &dyn Observer,
) -> Result<Trained> {
    let mut timer = Timer::start(resources.clock);
    let prepared = Prepared::new(data, spec, resources, observer, &mut timer)?;
    let finder = rates_for(&prepared, observer, &mut timer)?;
    let schedule = CyclicalRate::new(finder.bounds, spec.schedule.step_size, spec.schedule.clr)?;
    let rates = schedule.per_epoch(spec.epochs);
    let validation_history = prepared.validation_run(&rates, observer, &mut timer)?;

    observer.stage(Stage::Fit);
    let lesson = prepared.training_lesson();
    let learnt = prepared
        .learner
        .learn(&lesson, &rates, Some("fit"), observer)?;
    timer.lap(Stage::Fit);

    observer.stage(Stage::Gate);
    let scored = prepared.scored_rows(&learnt, observer)?;
    let (gate, gate_outcome) = fit_gate(&prepared.gate_input(&scored), spec, &|fold_of| {
        let learner = &prepared.learner;
        learner.out_of_fold_logits(&lesson, fold_of, &rates, Some("fold"), observer)
    })?;
    for warning in &gate_outcome.warnings {
        observer.warning(warning);
    }
    timer.lap(Stage::Gate);

    observer.stage(Stage::Evaluate);
    let judged = Judged::of(data, &prepared, &learnt, &gate, &scored)?;
    timer.lap(Stage::Evaluate);

    observer.stage(Stage::Write);
    let parts = assemble::Parts {
        data,
        spec,
        prepared: &prepared,
        learnt: &learnt,
        scored: &scored,
        judged: &judged,
    };
    let bundle = assemble::bundle(&parts, &gate)?;
    timer.lap(Stage::Write);
    let outcome = TrainingOutcome {
        classes: prepared.rows.classes.clone(),
        finder,
        rates,
        validation_history,
        history: learnt.history,
        gate: gate_outcome,
        training: judged.training,
        validation: judged.validation,
        engine: scored.engine,
        device: device_name(prepared.learner.device()),
        timings: timer.into_laps(),
    };
    Ok(Trained { bundle, outcome })
}

/// The delivered model on the spectra whose features are known already.
struct Judged {
    training: EvaluationReport,
    validation: Option<EvaluationReport>,
}

impl Judged {
    fn of(
        data: TrainingData<'_>,
        prepared: &Prepared<'_>,
        learnt: &Learnt,
        gate: &Gate,
        scored: &Scored,
    ) -> Result<Self> {
        let head = Head::from_weights(&learnt.weights)?;
        let judged = |dataset: &Dataset, features: &Array2<f32>| {
            let classes = &prepared.rows.classes;
            judge(classes, (&head, gate), dataset, features.view())
        };
        Ok(Self {
            training: judged(data.dataset, &prepared.in_dataset_order(scored))?,
            validation: data
                .validation
                .zip(scored.validation.as_ref())
                .map(|(dataset, features)| judged(dataset, features))
                .transpose()?,
        })
    }
}
