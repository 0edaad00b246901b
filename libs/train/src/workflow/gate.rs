//! Fits the gate on the features or logits of a trained network, and chooses its parameters.

use super::{GateOutcome, ScoredRow, UnknownScore};
use crate::error::Result;
use assay_core::ClassLabel;
use assay_openset::{
    DetectorSpec, Folds, Gate, GateSpec, KChoice, KSearch, KnownUnknowns, OpenSetError, Samples,
    choose_k, dime_out_of_fold_scores,
    search::{Grid, PUBLISHED_K, PUBLISHED_TEMPERATURES, TeffResult, TeffSearch, teff},
    stratified_folds,
};
use assay_training_spec::{DetectorKind, GateSearch, GateSettings, ThresholdKind, TrainingSpec};
use ndarray::{Array2, ArrayView2, Axis, Slice, concatenate};

/// What a gate is fitted on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GateInput<'a> {
    /// Features of the training rows: known spectra, then their copies, copy by copy.
    pub(crate) features: ArrayView2<'a, f64>,
    /// Logits of the training rows, by the delivered network.
    pub(crate) logits: ArrayView2<'a, f64>,
    /// Class of every training row.
    pub(crate) class_of: &'a [usize],
    /// How many of the rows are spectra and not copies.
    pub(crate) originals: usize,
    /// Labels of the classes.
    pub(crate) classes: &'a [ClassLabel],
    /// Features of the known unknowns.
    pub(crate) unknown_features: ArrayView2<'a, f64>,
    /// Logits of the known unknowns.
    pub(crate) unknown_logits: ArrayView2<'a, f64>,
    /// Class of every known unknown, counted on its own.
    pub(crate) unknown_class_of: &'a [usize],
}

impl GateInput<'_> {
    /// The spectra alone.
    fn without_copies(&self) -> Self {
        let mut spectra = *self;
        let rows = Slice::from(..self.originals);
        spectra.features.slice_axis_inplace(Axis(0), rows);
        spectra.logits.slice_axis_inplace(Axis(0), rows);
        spectra.class_of = &self.class_of[..self.originals];
        spectra
    }
}

/// Logits of every training row by networks that were trained on the other folds.
pub(crate) type OutOfFoldLogits<'a> = &'a dyn Fn(&[usize]) -> Result<Array2<f64>>;

/// Chooses the parameters that are not given, fits the detector and takes the threshold from the
/// scores of the rows it was fitted on. Copies of a spectrum are always in its fold.
pub(crate) fn fit_gate(
    input: &GateInput<'_>,
    spec: &TrainingSpec,
    out_of_fold_logits: OutOfFoldLogits<'_>,
) -> Result<(Gate, GateOutcome)> {
    let settings = &spec.gate;
    let mut fold_of = fold_of_rows(input, settings.folds, spec.seed)?;
    let needs_refit =
        settings.detector != DetectorKind::Dime && settings.rule == ThresholdKind::OutOfFold;
    let mut held_out_logits = if needs_refit {
        Some(out_of_fold_logits(&fold_of)?)
    } else {
        None
    };
    let spectra_only = input.without_copies();
    let input = if settings.copies {
        input
    } else {
        &spectra_only
    };
    fold_of.truncate(input.class_of.len());
    if let Some(logits) = &mut held_out_logits {
        logits.slice_axis_inplace(Axis(0), Slice::from(..fold_of.len()));
    }
    let choice = Choice::make(input, spec, &fold_of, held_out_logits.as_ref())?;
    let samples = Samples::both(input.features, input.logits)?;
    let detector = choice.detector.fit(samples)?;
    let scores = match (settings.rule, choice.detector, &held_out_logits) {
        (ThresholdKind::OutOfFold, DetectorSpec::Dime { k }, _) => {
            let scores = dime_out_of_fold_scores(input.features, &fold_of, &[k])?;
            scores.into_iter().collect()
        }
        (ThresholdKind::OutOfFold, _, Some(logits)) => {
            detector.scores(Samples::logits(logits.view()))?
        }
        _ => detector.scores(samples)?,
    };
    let gate = Gate::from_scores(
        GateSpec {
            detector: choice.detector,
            alpha: choice.alpha,
            rule: settings.threshold_rule(spec.seed),
        },
        detector,
        scores.clone(),
    )?;
    let outcome = outcome(input, &gate, &scores, choice)?;
    Ok((gate, outcome))
}

fn outcome(
    input: &GateInput<'_>,
    gate: &Gate,
    scores: &[f64],
    choice: Choice,
) -> Result<GateOutcome> {
    let (record, _) = gate.to_parts();
    let unknown = Samples::both(input.unknown_features, input.unknown_logits)?;
    let unknown = gate.detector().scores(unknown)?;
    Ok(GateOutcome {
        record,
        k_choice: choice.k_choice,
        search: choice.search,
        training_scores: scores
            .iter()
            .zip(input.class_of)
            .enumerate()
            .map(|(row, (&score, &class))| ScoredRow {
                spectrum: row % input.originals,
                copy: row / input.originals,
                class,
                score,
            })
            .collect(),
        unknown_scores: unknown
            .into_iter()
            .zip(input.unknown_class_of)
            .map(|(score, &class)| UnknownScore { class, score })
            .collect(),
        warnings: gate.warnings().iter().map(ToString::to_string).collect(),
    })
}

/// Fold of every training row; the folds are made of the spectra, and copies follow theirs.
fn fold_of_rows(input: &GateInput<'_>, folds: usize, seed: u64) -> Result<Vec<usize>> {
    let spectra = &input.class_of[..input.originals];
    let fold_of =
        stratified_folds(spectra, folds, seed).map_err(|error| error.with_labels(input.classes))?;
    Ok(fold_of.repeat(input.class_of.len() / input.originals.max(1)))
}

/// The detector's parameters and alpha, and what they were chosen from.
struct Choice {
    detector: DetectorSpec,
    alpha: f64,
    k_choice: Option<KChoice>,
    search: Option<TeffResult>,
}

impl Choice {
    fn make(
        input: &GateInput<'_>,
        spec: &TrainingSpec,
        fold_of: &[usize],
        held_out_logits: Option<&Array2<f64>>,
    ) -> Result<Self> {
        let settings = &spec.gate;
        let given = |detector| Self {
            detector,
            alpha: settings.alpha,
            k_choice: None,
            search: None,
        };
        match (settings.search, settings.detector, settings.k) {
            (GateSearch::Teff, _, _) => Self::by_efficiency(input, spec, fold_of, held_out_logits),
            (_, DetectorKind::Softmax, _) => Ok(given(DetectorSpec::Softmax)),
            (_, DetectorKind::Energy, _) => Ok(given(DetectorSpec::Energy {
                temperature: settings.temperature,
            })),
            (_, DetectorKind::Dime, Some(k)) => Ok(given(DetectorSpec::Dime { k })),
            (_, DetectorKind::Dime, None) => {
                let choice = Self::best_k(input, settings, fold_of)?;
                Ok(Self {
                    k_choice: Some(choice.clone()),
                    ..given(DetectorSpec::Dime { k: choice.k })
                })
            }
        }
    }

    fn best_k(
        input: &GateInput<'_>,
        settings: &GateSettings,
        fold_of: &[usize],
    ) -> Result<KChoice> {
        let known_unknowns = (!input.unknown_class_of.is_empty()).then_some(KnownUnknowns {
            features: input.unknown_features,
            class_index: input.unknown_class_of,
        });
        let choice = choose_k(&KSearch {
            features: input.features,
            class_index: input.class_of,
            known_unknowns,
            candidates: &settings.candidates,
            folds: Folds::Given(fold_of),
        })?;
        Ok(choice)
    }

    fn by_efficiency(
        input: &GateInput<'_>,
        spec: &TrainingSpec,
        fold_of: &[usize],
        held_out_logits: Option<&Array2<f64>>,
    ) -> Result<Self> {
        let settings = &spec.gate;
        let grid = match settings.detector {
            DetectorKind::Dime => Grid::dime(&PUBLISHED_K),
            _ => Grid::energy(&PUBLISHED_TEMPERATURES),
        };
        let known_logits = held_out_logits.map_or(input.logits, |logits| logits.view());
        let features = stacked(input.features, input.unknown_features)?;
        let logits = stacked(known_logits, input.unknown_logits)?;
        // All known unknowns are one class here: a fold needs two of a kind, and what kind of
        // unknown they are does not enter the efficiency.
        let unknown_class = input.classes.len();
        let unknown = vec![unknown_class; input.unknown_class_of.len()];
        let class_of = [input.class_of, &unknown].concat();
        let predicted: Vec<usize> = logits
            .rows()
            .into_iter()
            .map(|row| arg_max(&row.to_vec()))
            .collect();
        let folds = [fold_of, &spread_evenly(unknown.len(), settings.folds)].concat();
        let result = teff(&TeffSearch {
            samples: Samples::both(features.view(), logits.view())?,
            class_index: &class_of,
            known_classes: input.classes.len(),
            predicted: &predicted,
            grid: &grid,
            folds: Folds::Given(&folds),
            rule: settings.threshold_rule(spec.seed),
        })?;
        let best = result.best_point().ok_or(OpenSetError::NoCandidate {
            candidates: PUBLISHED_K.to_vec(),
            rank: 0,
        })?;
        Ok(Self {
            detector: best.detector,
            alpha: best.alpha,
            k_choice: None,
            search: Some(result.clone()),
        })
    }
}

/// Rows dealt out to folds in turn. Known unknowns are judged and never learnt from, so that
/// which fold one is in matters for nothing but the variance of the estimate.
fn spread_evenly(rows: usize, folds: usize) -> Vec<usize> {
    (0..rows).map(|row| row % folds).collect()
}

fn stacked(above: ArrayView2<'_, f64>, below: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    concatenate(Axis(0), &[above, below]).map_err(|_| {
        crate::TrainError::Defect("known and unknown rows have different numbers of features")
    })
}

fn arg_max(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}
