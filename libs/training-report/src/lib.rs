//! From the outcome of a training run to the content of a report page.

mod settings;

use assay_openset::{KChoice, search::TeffResult};
use assay_pipeline::{Dataset, PipelineError, Role, Verdict, evaluate::summarise};
use assay_report::{
    Bounds, BoundsSource, Epoch, EvaluationPart, GridRow, GridSearch, KScore, KSelection, LrFinder,
    LrPoint, PartKind, Provenance, Run, Timing, TrainingReport,
};
use assay_reporting::{evaluation, words};
use assay_train::{
    ClrComparison, ClrMode, EpochRecord, FinderOutcome, StageTiming, ThresholdKind, Trained,
    TrainingOutcome, TrainingSpec, Validation,
};
use settings::settings;
use std::collections::BTreeSet;

/// The report of a finished run; `created` is the moment of the report in words.
///
/// # Errors
/// When the training spectra cannot be summed up; never in practice.
pub fn training_report(
    trained: &Trained,
    spec: &TrainingSpec,
    dataset: &Dataset,
    created: &str,
) -> Result<TrainingReport, PipelineError> {
    let outcome = &trained.outcome;
    let known = dataset.positions(Role::Known).len();
    let title = format!(
        "{} on {known} spectra of {} classes",
        trained.bundle.contents().model.name(),
        outcome.classes.len()
    );
    let mut report = TrainingReport::new(title, evaluation::provenance(&trained.bundle, created));
    report.specification = settings(spec, &outcome.device);
    report.lr_finder = Some(lr_finder(&outcome.finder));
    report.runs = runs(outcome, spec);
    report.k_selection = outcome
        .gate
        .k_choice
        .as_ref()
        .map(|choice| k_selection(choice, outcome, dataset));
    report.search = outcome.gate.search.as_ref().map(grid_search);
    report.gate = Some(evaluation::gate(&trained.bundle));
    report.evaluations = vec![training_part(trained, spec, dataset)?];
    report.timings = timings(&outcome.timings);
    Ok(report)
}

/// A report of the finder alone.
#[must_use]
pub fn finder_report(
    finder: &FinderOutcome,
    spec: &TrainingSpec,
    dataset: &Dataset,
    created: &str,
) -> TrainingReport {
    let mut report = untrained("Learning-rate finder", spec, dataset, created);
    report.lr_finder = Some(lr_finder(finder));
    report
}

/// A report of compared schedules.
#[must_use]
pub fn comparison_report(
    comparison: &ClrComparison,
    spec: &TrainingSpec,
    dataset: &Dataset,
    created: &str,
) -> TrainingReport {
    let mut report = untrained("Learning-rate schedules", spec, dataset, created);
    if let Some(clr) = report.specification.iter_mut().find(|s| s.name == "clr") {
        let names: Vec<_> = comparison
            .runs
            .iter()
            .map(|run| clr_name(run.clr))
            .collect();
        clr.value = names.join(", ");
        clr.meaning = Some("The schedules compared, from one seed.".to_owned());
    }
    report.lr_finder = Some(lr_finder(&comparison.finder));
    report.runs = comparison
        .runs
        .iter()
        .map(|run| Run {
            name: clr_name(run.clr),
            epochs: run.history.iter().map(epoch).collect(),
        })
        .collect();
    report.timings = timings(&comparison.timings);
    report
}

/// A schedule as the command line names it.
#[must_use]
pub fn clr_name(clr: ClrMode) -> String {
    match clr {
        ClrMode::None => "none".to_owned(),
        ClrMode::Triangular => "triangular".to_owned(),
        ClrMode::Triangular2 => "triangular2".to_owned(),
        ClrMode::ExpRange { gamma } => format!("exp_range:{gamma}"),
    }
}

fn untrained(what: &str, spec: &TrainingSpec, dataset: &Dataset, created: &str) -> TrainingReport {
    let provenance = Provenance {
        model: spec.model.name().to_owned(),
        base: spec.model.base().map(str::to_owned),
        bundle_id: None,
        data_digest: Some(dataset.digest().to_string()),
        created: Some(created.to_owned()),
        versions: vec![("openassay".to_owned(), env!("CARGO_PKG_VERSION").to_owned())],
    };
    let title = format!("{what}: {}", spec.model.name());
    let mut report = TrainingReport::new(title, provenance);
    report.specification = settings(spec, &format!("{:?}", spec.execution.device).to_lowercase());
    report
}

fn lr_finder(finder: &FinderOutcome) -> LrFinder {
    LrFinder {
        points: finder
            .curve
            .iter()
            .map(|point| LrPoint {
                learning_rate: f64::from(point.rate),
                loss: finite(point.loss),
                smoothed: finite(point.smoothed),
            })
            .collect(),
        bounds: Some(Bounds {
            base_lr: finder.bounds.base,
            max_lr: finder.bounds.max,
        }),
        source: if finder.given {
            BoundsSource::Given
        } else {
            BoundsSource::Finder
        },
    }
}

fn runs(outcome: &TrainingOutcome, spec: &TrainingSpec) -> Vec<Run> {
    let mut runs = Vec::new();
    if let (Some(history), Validation::Fraction { fraction }) =
        (&outcome.validation_history, &spec.validation)
    {
        runs.push(Run {
            name: format!("validation run ({:.0} % held back)", fraction * 100.0),
            epochs: history.iter().map(epoch).collect(),
        });
    }
    runs.push(Run {
        name: "delivered model".to_owned(),
        epochs: outcome.history.iter().map(epoch).collect(),
    });
    runs
}

fn epoch(record: &EpochRecord) -> Epoch {
    Epoch {
        epoch: record.epoch + 1,
        learning_rate: record.rate,
        loss: finite(record.loss),
        accuracy: finite(record.accuracy),
        validation_loss: record.validation_loss.and_then(finite),
        validation_accuracy: record.validation_accuracy.and_then(finite),
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn k_selection(choice: &KChoice, outcome: &TrainingOutcome, dataset: &Dataset) -> KSelection {
    let known_unknowns: BTreeSet<_> = dataset
        .positions(Role::Unknown)
        .into_iter()
        .map(|position| dataset.rows()[position].label.clone())
        .collect();
    let known_unknowns: Vec<_> = known_unknowns.into_iter().collect();
    let scores = choice
        .per_k
        .iter()
        .map(|score| {
            let worst = score
                .per_class
                .iter()
                .min_by(|a, b| a.auroc.total_cmp(&b.auroc));
            let worst_class = worst.and_then(|worst| {
                let labels = if worst.known_unknown {
                    &known_unknowns
                } else {
                    &outcome.classes
                };
                labels.get(worst.class).map(ToString::to_string)
            });
            KScore {
                k: score.k,
                mean_auroc: score.mean_auroc,
                worst_auroc: score.worst_auroc,
                worst_class,
            }
        })
        .collect();
    let mut rule = format!(
        "Each class was left out once; k is the smallest whose mean AUROC is within {} of the best.",
        assay_openset::SAME_AUROC
    );
    if !choice.skipped.is_empty() {
        rule += &format!(
            " Not below the rank of {}: {:?}.",
            choice.rank, choice.skipped
        );
    }
    KSelection {
        chosen: choice.k,
        rule,
        scores,
    }
}

/// The points of a grid stand alpha by alpha, the detectors in between.
fn grid_search(result: &TeffResult) -> GridSearch {
    let first = result.points.first().map(|point| point.alpha);
    let of_first = || {
        result
            .points
            .iter()
            .filter(|point| Some(point.alpha) == first)
    };
    let columns: Vec<String> = of_first()
        .map(|point| words::parameter(&point.detector))
        .collect();
    let width = columns.len().max(1);
    GridSearch {
        rule: "Total efficiency (TEFF), mean over stratified folds; the first of the best in the \
               order of the grid was chosen."
            .to_owned(),
        rows: result
            .points
            .chunks(width)
            .map(|row| GridRow {
                alpha: row[0].alpha,
                scores: row
                    .iter()
                    .map(|point| point.mean.and_then(finite))
                    .collect(),
            })
            .collect(),
        chosen: (result.best / width, result.best % width),
        columns,
    }
}

/// The training spectra with the scores behind the threshold. Scores by the final gate would look
/// better than those of new spectra of the same materials.
fn training_part(
    trained: &Trained,
    spec: &TrainingSpec,
    dataset: &Dataset,
) -> Result<EvaluationPart, PipelineError> {
    let outcome = &trained.outcome;
    let gate = trained.bundle.gate();
    let mut report = outcome.training.clone();
    let known = dataset.positions(Role::Known);
    for scored in outcome.gate.training_scores.iter().filter(|s| s.copy == 0) {
        let line = known
            .get(scored.spectrum)
            .map(|&position| dataset.rows()[position].line);
        let row = report.spectra.iter_mut().find(|row| Some(row.line) == line);
        if let Some(row) = row {
            row.score = scored.score;
            row.verdict = Verdict::of(gate.verdict(scored.score));
            row.p_value = gate.p_value(scored.score).0;
            row.correct = row.verdict == Verdict::Known && row.closed_set_label == row.label;
        }
    }
    report.summary = summarise(&outcome.classes, &report.spectra)?;
    let kind = match spec.gate.rule {
        ThresholdKind::OutOfFold => PartKind::Training,
        ThresholdKind::InSample => PartKind::TrainingInSample,
    };
    Ok(evaluation::part(
        "training",
        kind,
        &report,
        &dataset.warnings(),
    ))
}

fn timings(stages: &[StageTiming]) -> Vec<Timing> {
    stages
        .iter()
        .map(|timing| Timing {
            step: timing.stage.to_string(),
            seconds: timing.seconds,
        })
        .collect()
}
