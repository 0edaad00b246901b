//! One training set of a protocol: the network and the gate, and the rounds judged with them.

use super::{RoundReport, source::Source};
use crate::{
    clr::CyclicalRate,
    error::{Result, TrainError},
    lr_finder::estimate_bounds,
    observer::Observer,
    workflow::{
        GateInput, Learner, Lesson, Model, check_alive, check_members, fit_gate, logits_by_head,
        wide,
    },
};
use assay_core::ClassLabel;
use assay_network::{Head, Weights};
use assay_openset::Gate;
use assay_pipeline::{
    decide,
    protocols::{Fold, FoldScores, KnownScores, Outcome, score_fold},
};
use ndarray::{Array2, ArrayView1};

/// A network and a gate trained on one training set.
pub(super) struct Round<'a> {
    source: &'a Source<'a>,
    classes: Vec<ClassLabel>,
    model: Model,
    weights: Weights,
    head: Head,
    gate: Gate,
    training_total: usize,
}

impl<'a> Round<'a> {
    pub(super) fn train(
        source: &'a Source<'a>,
        rows: &[usize],
        observer: &dyn Observer,
    ) -> Result<Self> {
        let spec = source.spec;
        let label = |row: &usize| source.dataset.rows()[*row].label.clone();
        let mut classes: Vec<ClassLabel> = rows.iter().map(label).collect();
        classes.sort();
        classes.dedup();
        let of_spectra: Vec<usize> = rows
            .iter()
            .filter_map(|row| classes.binary_search(&label(row)).ok())
            .collect();
        check_members(&classes, &of_spectra)?;
        let class_of = of_spectra.repeat(spec.augmentation.copies() + 1);
        let inputs = source.training(rows);
        let model = Model::build(spec, classes.len(), source.resources.bases_dir)?;
        let learner = Learner::new(&model, spec, classes.len(), source.device)?;
        let lesson = Lesson {
            inputs: inputs.view(),
            class_of: &class_of,
            validation: None,
        };
        let rates = rates(&learner, &lesson, source, observer)?;
        let learnt = learner.learn(&lesson, &rates, None, &Quiet(observer))?;
        let head = Head::from_weights(&learnt.weights)?;
        let features =
            source.trained_features(&model, &learnt.weights, inputs.clone(), &Quiet(observer))?;
        check_alive(features.view(), &learnt.history)?;
        let (logits, features) = (
            logits_by_head(&head, features.view())?,
            wide(features.view()),
        );
        let none = Array2::zeros((0, features.ncols()));
        let no_logits = Array2::zeros((0, classes.len()));
        let input = GateInput {
            features: features.view(),
            logits: logits.view(),
            class_of: &class_of,
            originals: rows.len(),
            classes: &classes,
            unknown_features: none.view(),
            unknown_logits: no_logits.view(),
            unknown_class_of: &[],
        };
        let (gate, _) = fit_gate(&input, spec, &|fold_of| {
            learner.out_of_fold_logits(&lesson, fold_of, &rates, None, &Quiet(observer))
        })?;
        Ok(Self {
            source,
            classes,
            model,
            weights: learnt.weights,
            head,
            gate,
            training_total: rows.len(),
        })
    }

    /// Judges the held-out rows of a round. Where out-of-fold scores stand for the known, the area
    /// under the curve is that of a gate fitted on every row that is not left out: what is held
    /// out to measure sensitivity must not weaken the gate that is measured.
    pub(super) fn judge(&self, fold: &Fold, observer: &dyn Observer) -> Result<RoundReport> {
        let mut outcomes = self.outcomes(fold, &fold.known, observer)?;
        outcomes.extend(self.outcomes(fold, &fold.unknown, observer)?);
        let mut scores = score_fold(&fold.name, &self.classes, &outcomes, None)?;
        if fold.auroc_known == KnownScores::OutOfFold {
            let rows = [fold.training.as_slice(), &fold.known].concat();
            let all = Self::train(self.source, &sorted(rows), observer)?;
            let unknown = all.outcomes(fold, &fold.unknown, observer)?;
            let known = Some(all.gate.calibration_scores());
            let complete = score_fold(&fold.name, &all.classes, &unknown, known)?;
            take_areas(&mut scores, complete);
        }
        let gate = self.gate.spec();
        Ok(RoundReport {
            scores,
            detector: gate.detector,
            alpha: gate.alpha,
            threshold: self.gate.threshold(),
            training_total: self.training_total,
        })
    }

    fn outcomes(
        &self,
        fold: &Fold,
        rows: &[usize],
        observer: &dyn Observer,
    ) -> Result<Vec<Outcome>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        // Features come in the order of the data set.
        let rows = sorted(rows.to_vec());
        let features = self.source.judged(
            &self.model,
            &self.weights,
            &rows,
            fold.modification,
            &Quiet(observer),
        )?;
        let judged = rows.iter().zip(features.rows());
        judged
            .map(|(&row, features)| self.outcome(row, features))
            .collect()
    }

    fn outcome(&self, row: usize, features: ArrayView1<'_, f32>) -> Result<Outcome> {
        let decision = decide(&self.head, &self.gate, &features.to_vec())?;
        Ok(Outcome {
            label: self.source.dataset.rows()[row].label.clone(),
            class: decision.class,
            accepted: decision.gate.inlier,
            score: decision.gate.score,
        })
    }
}

fn sorted(mut rows: Vec<usize>) -> Vec<usize> {
    rows.sort_unstable();
    rows
}

/// Replaces the areas under the curve of all unknown rows, together and by label.
fn take_areas(scores: &mut FoldScores, from: FoldScores) {
    scores.auroc = from.auroc;
    for label in from.classes.into_iter().filter(|label| !label.known) {
        if let Some(own) = scores
            .classes
            .iter_mut()
            .find(|own| own.label == label.label)
        {
            own.auroc = label.auroc;
        }
    }
}

/// Bounds that are given, or found anew for every training set.
fn rates(
    learner: &Learner<'_>,
    lesson: &Lesson<'_>,
    source: &Source<'_>,
    observer: &dyn Observer,
) -> Result<Vec<f64>> {
    let spec = source.spec;
    let bounds = match spec.schedule.bounds {
        Some(bounds) => bounds,
        None => {
            let curve = learner.search_rates(lesson, &Quiet(observer))?;
            estimate_bounds(&curve, spec.finder.fraction, spec.finder.skip)?
        }
    };
    let schedule = CyclicalRate::new(bounds, spec.schedule.step_size, spec.schedule.clr)?;
    let rates = schedule.per_epoch(spec.epochs);
    if rates.is_empty() {
        return Err(TrainError::Defect("a schedule without epochs"));
    }
    Ok(rates)
}

/// Passes cancellation on and keeps everything else: a benchmark's progress is its rounds.
struct Quiet<'a>(&'a dyn Observer);

impl Observer for Quiet<'_> {
    fn cancellation(&self) -> Option<&std::sync::atomic::AtomicBool> {
        self.0.cancellation()
    }
}
