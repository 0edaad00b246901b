//! Runs an evaluation protocol: one training per training set, judged in every round that shares
//! it. Features of a frozen base are computed once.

mod round;
mod source;

use crate::{
    error::{Result, unwritable},
    fit::on_training_thread,
    observer::{Observer, Stage},
    workflow::{Resources, StageTiming, Timer},
};
use assay_core::Digest;
use assay_openset::DetectorSpec;
use assay_pipeline::{
    Dataset,
    protocols::{FoldScores, Protocol, Score, mean_over_folds},
};
use assay_training_spec::TrainingSpec;
use round::Round;
use serde::Serialize;
use source::Source;

/// How a model does under a protocol.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchmarkReport {
    /// The protocol.
    pub protocol: Protocol,
    /// Digest of the data set.
    pub data: Digest,
    /// Every choice of the training.
    pub settings: serde_json::Value,
    /// One entry per round.
    pub rounds: Vec<RoundReport>,
    /// Means over the rounds.
    pub mean: MeanScores,
    /// Smallest AUROC of a round, where any is defined.
    pub worst_auroc: Option<f64>,
    /// What computed the features.
    pub engine: String,
    /// Time of every stage.
    pub timings: Vec<StageTiming>,
}

/// One round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundReport {
    /// Its scores.
    #[serde(flatten)]
    pub scores: FoldScores,
    /// The gate's detector.
    pub detector: DetectorSpec,
    /// Share of known spectra that may be refused.
    pub alpha: f64,
    /// The gate's threshold.
    pub threshold: f64,
    /// Spectra trained on.
    pub training_total: usize,
}

/// Means over the rounds in which a score is defined.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeanScores {
    /// Share of known spectra with the right class, the gate ignored.
    pub accuracy: Score,
    /// Area under the curve of known against unknown gate scores.
    pub auroc: Score,
    /// Total sensitivity.
    pub tsns: Score,
    /// Total specificity.
    pub tsps: Score,
    /// Total efficiency.
    pub teff: Score,
}

/// Trains and judges in every round of a protocol.
///
/// # Errors
/// When the protocol does not fit the data, or as [`crate::train`].
pub fn benchmark(
    dataset: &Dataset,
    protocol: &Protocol,
    spec: &TrainingSpec,
    resources: &Resources<'_>,
    observer: &dyn Observer,
) -> Result<BenchmarkReport> {
    spec.check()?;
    on_training_thread(spec.execution.thread_count(), || {
        let mut timer = Timer::start(resources.clock);
        let folds = protocol.folds(dataset, spec.seed)?;
        let source = Source::new(dataset, spec, resources, observer)?;
        timer.lap(Stage::Features);
        observer.stage(Stage::Fit);
        let mut rounds = Vec::with_capacity(folds.len());
        let mut round: Option<(usize, Round<'_>)> = None;
        for (done, fold) in folds.iter().enumerate() {
            let current = match round.take() {
                Some((set, current)) if set == fold.training_set => current,
                _ => Round::train(&source, &fold.training, observer)?,
            };
            rounds.push(current.judge(fold, observer)?);
            round = Some((fold.training_set, current));
            observer.progress(done + 1, folds.len());
        }
        timer.lap(Stage::Fit);
        let scores: Vec<FoldScores> = rounds.iter().map(|round| round.scores.clone()).collect();
        let aurocs = scores.iter().filter_map(|fold| fold.auroc.value);
        Ok(BenchmarkReport {
            protocol: protocol.clone(),
            data: dataset.digest(),
            settings: spec.recorded().map_err(unwritable)?,
            worst_auroc: aurocs.reduce(f64::min),
            mean: MeanScores {
                accuracy: mean_over_folds(&scores, |fold| &fold.accuracy),
                auroc: mean_over_folds(&scores, |fold| &fold.auroc),
                tsns: mean_over_folds(&scores, |fold| &fold.tsns),
                tsps: mean_over_folds(&scores, |fold| &fold.tsps),
                teff: mean_over_folds(&scores, |fold| &fold.teff),
            },
            rounds,
            engine: source.engine(),
            timings: timer.into_laps(),
        })
    })
}
