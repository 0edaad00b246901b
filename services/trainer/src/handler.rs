//! One training job from its record to its result.

use crate::{
    TrainerConfig, TrainerDeps, TrainerError,
    artefacts::{self, Files},
    checkpoints::{self, Checkpoints},
    dataset, execution,
    observer::Telling,
};
use assay_jobs::{
    Handler, JobContext, JobRecord, JobResult, Outcome, Progress, StopReason, TrainJob,
};
use assay_pipeline::{Dataset, ModelSpec};
use assay_trace::{STEP, step};
use assay_train::{Resources, TrainError, Trained, TrainingData, TrainingSpec, train};
use async_trait::async_trait;
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tracing::debug_span;

/// Does the jobs of the train lane.
pub struct TrainHandler {
    config: TrainerConfig,
    deps: TrainerDeps,
    checkpoints: Checkpoints,
}

impl TrainHandler {
    /// A handler with a folder for its checkpoints.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(config: &TrainerConfig, deps: TrainerDeps) -> Result<Self, TrainerError> {
        Ok(Self {
            checkpoints: Checkpoints::open(deps.work_dir.join("train"))?,
            config: config.clone(),
            deps,
        })
    }

    async fn work(&self, job: &JobRecord, context: &JobContext) -> Result<JobResult, TrainerError> {
        let asked: TrainJob = serde_json::from_value(job.job.specification.clone())
            .map_err(|error| TrainerError::Specification(error.to_string()))?;
        let mut spec =
            TrainingSpec::from_request(&asked.specification).map_err(TrainError::from)?;
        let (checkpoints, id, token) = (self.checkpoints.clone(), job.id, context.token());
        let folder = blocking(move || checkpoints.begin(id, token)).await?;
        spec.execution = execution::execution(&self.config, &folder);
        let bases_dir = match &spec.model {
            ModelSpec::Cnn1d { .. } => PathBuf::new(),
            ModelSpec::Cnn2d { .. } => self.config.bases().ok_or(TrainerError::NoBases)?,
        };
        let progress = |done, total| {
            context.progress(Progress {
                stage: "reading spectra".to_owned(),
                done: done as u64,
                total: total as u64,
                ..Progress::default()
            });
        };
        let blobs = &self.deps.blobs;
        let dataset = step(
            debug_span!(target: STEP, "dataset"),
            dataset::load(blobs, asked.dataset, context.stop(), progress),
        )
        .await?;
        for warning in dataset.warnings() {
            context.warn(format!("spectrum {}: {}", warning.file, warning.message));
        }
        let (trained, files) = step(
            debug_span!(target: STEP, "training"),
            run(dataset, spec, bases_dir, context.clone()),
        )
        .await?;
        let artefacts = files.keep(blobs.as_ref()).await?;
        if context.stop().is_raised() {
            return Err(TrainerError::Stopped);
        }
        let registry = self.deps.registry.as_ref();
        artefacts::register(
            registry,
            &trained.bundle,
            job.id,
            &asked,
            &job.job.principal,
        )
        .await?;
        Ok(artefacts::result(artefacts, &trained, &asked, job.id))
    }
}

#[async_trait]
impl Handler for TrainHandler {
    async fn run(&self, job: &JobRecord, context: JobContext) -> Outcome {
        let result = self.work(job, &context).await;
        let outcome = context.outcome(job, result);
        let over = matches!(
            outcome,
            Outcome::Succeeded(_) | Outcome::Failed(_) | Outcome::Cancelled
        );
        if over
            && context.stop().reason() != Some(StopReason::Lost)
            && let Err(error) = self.checkpoints.end(job.id)
        {
            tracing::warn!(%error, "checkpoints of a finished job stay behind");
        }
        outcome
    }
}

/// Trains on a thread that may block.
async fn run(
    dataset: Dataset,
    spec: TrainingSpec,
    bases_dir: PathBuf,
    context: JobContext,
) -> Result<(Trained, Files), TrainerError> {
    let work = move || {
        let trained = train_here(&dataset, &spec, &bases_dir, &context)?;
        let files = Files::of(&trained, &spec, &dataset)?;
        Ok((trained, files))
    };
    blocking(work).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TrainerError> + Send + 'static,
) -> Result<T, TrainerError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| TrainerError::Defect(error.to_string()))?
}

fn train_here(
    dataset: &Dataset,
    spec: &TrainingSpec,
    bases_dir: &Path,
    context: &JobContext,
) -> Result<Trained, TrainerError> {
    let data = TrainingData {
        dataset,
        validation: None,
    };
    let resources = Resources {
        bases_dir,
        runtime_library: None,
        clock: Some(since_start),
        wall_clock_s: Some(wall_clock_s),
    };
    let reason = match train(data, spec, &resources, &Telling::new(context)) {
        Err(TrainError::Checkpoint { reason, .. }) => reason,
        ended => return Ok(ended?),
    };
    // The machine may have other threads or another device than the one before.
    context.warn(format!(
        "what an earlier attempt left cannot be used, so the training begins again: {reason}"
    ));
    if let Some(checkpoints) = &spec.execution.checkpoints {
        checkpoints::clear(&checkpoints.folder)?;
    }
    Ok(train(data, spec, &resources, &Telling::new(context))?)
}

/// Time since the first call, which never goes back.
fn since_start() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Seconds since 1970.
fn wall_clock_s() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |elapsed| elapsed.as_secs_f64())
}
