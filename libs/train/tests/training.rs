//! Whole runs on a small collection: what comes out, and that it comes out again.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod collection;

use assay_network::{Activation, TutorialVariant};
use assay_openset::DetectorSpec;
use assay_pipeline::{
    Bundle, Dataset, Identifier, IdentifierOptions, ModelSpec, Watch, bundle::Existing,
    evaluate::evaluate_dataset,
};
use assay_train::{
    Augmentation, CheckpointSettings, ClrMode, DetectorKind, EpochRecord, GainShifts, GateSearch,
    Observer, RateBounds, Stage, ThresholdKind, TrainError, Trained, TrainingData, TrainingSpec,
    Unobserved, Validation, compare_clr, find_rates, train,
};
use collection::{BASE, Bases, dataset, on_one_thread, rows};
use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// A small network on input vectors, few epochs.
fn small_1d() -> TrainingSpec {
    let mut spec = on_one_thread(TrainingSpec::for_model(ModelSpec::Cnn1d {
        variant: TutorialVariant::SmallGap { pool: 8 },
        activation: Activation::Relu,
        dropout: 0.1,
    }));
    spec.epochs = 12;
    spec.batch_size = 8;
    spec.schedule.step_size = 3;
    spec.schedule.bounds = Some(RateBounds {
        base: 0.001,
        max: 0.01,
    });
    spec.gate.candidates = vec![2, 4, 8];
    spec.gate.folds = 3;
    spec.gate.alpha = 0.1;
    spec
}

/// A head on images of 48 pixels through a random base.
fn small_2d() -> TrainingSpec {
    let mut spec = on_one_thread(TrainingSpec::cnn2d());
    if let ModelSpec::Cnn2d { base, imaging, .. } = &mut spec.model {
        BASE.clone_into(base);
        imaging.size = 48;
    }
    spec.epochs = 20;
    spec.gate.candidates = vec![2, 4, 8];
    spec.gate.folds = 3;
    spec.gate.alpha = 0.1;
    spec
}

fn train_on(dataset: &Dataset, spec: &TrainingSpec) -> Result<Trained, TrainError> {
    let data = TrainingData {
        dataset,
        validation: None,
    };
    train(data, spec, &Bases::new().resources(), &Unobserved)
}

#[test]
fn a_network_on_vectors_learns_and_its_bundle_answers_the_same_after_reading() {
    let known = dataset(8, 0);
    let trained = train_on(&known, &small_1d()).unwrap();
    let outcome = &trained.outcome;
    assert_eq!(outcome.history.len(), 12);
    let held_back = outcome.validation_history.as_ref().unwrap();
    assert!(held_back.last().unwrap().validation_loss.is_some());
    assert!(
        outcome
            .history
            .iter()
            .all(|epoch| epoch.validation_loss.is_none())
    );
    assert_eq!(outcome.training.summary.closed_set_correct, 24);
    assert_eq!(outcome.training.summary.unknown_total, 8);
    let choice = outcome.gate.k_choice.as_ref().unwrap();
    assert_eq!(
        outcome.gate.record.detector,
        DetectorSpec::Dime { k: choice.k }
    );
    let left_out: Vec<bool> = choice.per_k[0]
        .per_class
        .iter()
        .map(|c| c.known_unknown)
        .collect();
    assert_eq!(
        left_out,
        [false, false, false, true],
        "the known unknowns join in"
    );
    assert_eq!(outcome.gate.training_scores.len(), 24);
    assert_eq!(outcome.gate.unknown_scores.len(), 8);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    trained.bundle.write(&path, Existing::Keep).unwrap();
    let id = trained.bundle.id();
    let judge = |bundle: Bundle| {
        let identifier = Identifier::new(bundle, &IdentifierOptions::default()).unwrap();
        evaluate_dataset(&identifier, &dataset(6, 100), &Watch::none()).unwrap()
    };
    let before = judge(trained.bundle);
    let read = Bundle::open(&path).unwrap();
    assert_eq!(read.id(), id);
    assert_eq!(judge(read), before);
    assert_eq!(before.summary.closed_set_correct, 18);
}

#[test]
fn the_same_choices_give_the_same_bundle_whatever_the_order_of_the_manifest() {
    let forwards = train_on(&dataset(6, 0), &small_1d()).unwrap();
    let mut reversed = rows(0..4, 6, 0);
    reversed.reverse();
    let reversed = Dataset::from_rows(Path::new("manifest.csv"), reversed);
    let backwards = train_on(&reversed, &small_1d()).unwrap();
    assert_eq!(forwards.bundle.id(), backwards.bundle.id());
    let mut other = small_1d();
    other.seed = 1;
    let other = train_on(&dataset(6, 0), &other).unwrap();
    assert_ne!(forwards.bundle.id(), other.bundle.id());
}

#[test]
fn a_head_on_a_frozen_base_with_found_rates() {
    let known = dataset(10, 0);
    let trained = train_on(&known, &small_2d()).unwrap();
    let outcome = &trained.outcome;
    assert!(!outcome.finder.given);
    assert!(outcome.finder.curve.len() > 20);
    assert_eq!(outcome.rates.len(), 20);
    assert_eq!(outcome.training.summary.closed_set_correct, 30);
    assert!(
        outcome.engine.starts_with("onnxruntime"),
        "{}",
        outcome.engine
    );
    let contents = trained.bundle.contents();
    assert_eq!(contents.base.as_ref().unwrap().name, BASE);
    assert_eq!(contents.head.features, 256);
    let identifier = Identifier::new(trained.bundle, &IdentifierOptions::default()).unwrap();
    let again = evaluate_dataset(&identifier, &known, &Watch::none()).unwrap();
    assert_eq!(
        again, outcome.training,
        "features kept in memory judge as the bundle does"
    );
}

#[test]
fn every_gate_and_every_rule() {
    let known = dataset(8, 0);
    for detector in [
        DetectorKind::Dime,
        DetectorKind::Energy,
        DetectorKind::Softmax,
    ] {
        for rule in [ThresholdKind::OutOfFold, ThresholdKind::InSample] {
            let mut spec = small_2d();
            spec.validation = Validation::None;
            spec.gate.detector = detector;
            spec.gate.rule = rule;
            let outcome = train_on(&known, &spec).unwrap().outcome;
            assert_eq!(outcome.gate.record.n, 24, "{detector:?} {rule:?}");
            let refused = outcome.gate.training_scores.iter();
            let refused = refused.filter(|row| row.score < outcome.gate.record.threshold);
            assert!(
                refused.count() <= 3,
                "alpha 0.1 of 24: {detector:?} {rule:?}"
            );
        }
    }
}

#[test]
fn the_published_search_sets_alpha_and_k() {
    let mut spec = small_2d();
    spec.gate.search = GateSearch::Teff;
    spec.gate.rule = ThresholdKind::InSample;
    let outcome = train_on(&dataset(8, 0), &spec).unwrap().outcome;
    let search = outcome.gate.search.unwrap();
    assert_eq!(search.points.len(), 50);
    let best = search.best_point().unwrap();
    assert_eq!(outcome.gate.record.alpha, best.alpha);
    assert_eq!(outcome.gate.record.detector, best.detector);
}

#[test]
fn copies_train_with_their_spectra_and_widen_the_limits_of_the_model() {
    let mut spec = small_2d();
    spec.validation = Validation::Fraction { fraction: 0.25 };
    spec.augmentation = Augmentation {
        thin_to_counts: vec![100_000],
        gain_shifts: Some(GainShifts {
            copies: 1,
            gain: 0.002,
            offset_kev: 1.0,
        }),
    };
    let known = dataset(8, 0);
    for detector in [DetectorKind::Dime, DetectorKind::Energy] {
        spec.gate.detector = detector;
        let outcome = train_on(&known, &spec).unwrap().outcome;
        assert_eq!(
            outcome.gate.training_scores.len(),
            24,
            "copies teach the network alone"
        );
    }
    spec.gate.copies = true;
    let trained = train_on(&known, &spec).unwrap();
    let scores = &trained.outcome.gate.training_scores;
    assert_eq!(scores.len(), 24 * 3);
    assert_eq!((scores[50].spectrum, scores[50].copy), (2, 2));
    let range = trained.bundle.contents().training.range;
    assert_eq!(range.total_counts.0, 100_000);
}

#[test]
fn the_base_can_be_trained_too() {
    let mut spec = small_2d();
    spec.fine_tune = true;
    spec.epochs = 2;
    spec.validation = Validation::None;
    spec.schedule.bounds = Some(RateBounds {
        base: 1e-4,
        max: 1e-3,
    });
    let known = dataset(4, 0);
    spec.gate.k = Some(2);
    spec.gate.search = GateSearch::None;
    let tuned = train_on(&known, &spec).unwrap();
    spec.fine_tune = false;
    let frozen = train_on(&known, &spec).unwrap();
    let stem = |bundle: &Bundle| {
        let identifier = Identifier::new(bundle.clone(), &IdentifierOptions::default()).unwrap();
        let vectors = known.vectors(&spec.recipe).unwrap();
        identifier.features(vectors.view(), &Watch::none()).unwrap()
    };
    assert_ne!(stem(&tuned.bundle), stem(&frozen.bundle));
}

#[test]
fn validation_spectra_of_another_manifest_give_curves_and_a_judgement() {
    let mut spec = small_1d();
    spec.validation = Validation::Manifest {
        file: "test.csv".into(),
    };
    let (known, test) = (dataset(6, 0), dataset(3, 50));
    let bases = Bases::new();
    let data = TrainingData {
        dataset: &known,
        validation: Some(&test),
    };
    let trained = train(data, &spec, &bases.resources(), &Unobserved).unwrap();
    let outcome = trained.outcome;
    assert!(outcome.validation_history.is_none());
    assert!(
        outcome
            .history
            .iter()
            .all(|epoch| epoch.validation_accuracy.is_some())
    );
    let report = outcome.validation.unwrap();
    assert_eq!(
        (report.summary.known_total, report.summary.unknown_total),
        (9, 3)
    );
    let evaluations = &trained.bundle.contents().metrics.evaluations;
    assert_eq!(evaluations["validation"], report.summary);

    let data = TrainingData {
        dataset: &known,
        validation: None,
    };
    let missing = train(data, &spec, &bases.resources(), &Unobserved).map(|t| t.outcome);
    assert!(missing.unwrap_err().to_string().contains("manifest:FILE"));
    let mut stranger = rows(0..1, 1, 0);
    stranger[0].label = assay_core::ClassLabel::new("Granite").unwrap();
    let stranger = Dataset::from_rows(Path::new("test.csv"), stranger);
    let data = TrainingData {
        dataset: &known,
        validation: Some(&stranger),
    };
    let refused = train(data, &spec, &bases.resources(), &Unobserved).map(|t| t.outcome);
    let message = refused.unwrap_err().to_string();
    assert!(
        message.contains("Granite") && message.contains("test.csv"),
        "{message}"
    );
}

#[test]
fn the_finder_alone_and_the_schedules_side_by_side() {
    let known = dataset(10, 0);
    let bases = Bases::new();
    let data = TrainingData {
        dataset: &known,
        validation: None,
    };
    let spec = small_2d();
    let found = find_rates(data, &spec, &bases.resources(), &Unobserved).unwrap();
    let comparison = compare_clr(data, &spec, &bases.resources(), &Unobserved).unwrap();
    assert_eq!(comparison.finder, found);
    let modes: Vec<ClrMode> = comparison.runs.iter().map(|run| run.clr).collect();
    assert_eq!(
        modes,
        [ClrMode::None, ClrMode::Triangular, ClrMode::Triangular2]
    );
    let rates = |run: usize, epoch: usize| comparison.runs[run].history[epoch].rate;
    assert_eq!(rates(0, 0), rates(0, 19), "a constant rate");
    assert_eq!(rates(1, 9), rates(2, 9), "the first cycle is the same");
    assert!(
        comparison
            .runs
            .iter()
            .all(|run| run.history[0].validation_loss.is_some())
    );
}

/// Cancels in some epoch and remembers what it saw.
#[derive(Default)]
struct GivesUp {
    at: Option<(Stage, usize)>,
    stage: Mutex<Option<Stage>>,
    stages: Mutex<Vec<Stage>>,
    flag: AtomicBool,
}

impl Observer for GivesUp {
    fn stage(&self, stage: Stage) {
        *self.stage.lock().unwrap() = Some(stage);
        self.stages.lock().unwrap().push(stage);
    }

    fn epoch(&self, record: &EpochRecord) {
        let stage = *self.stage.lock().unwrap();
        if self
            .at
            .is_some_and(|(at, epoch)| Some(at) == stage && record.epoch == epoch)
        {
            self.flag.store(true, Ordering::Relaxed);
        }
    }

    fn cancellation(&self) -> Option<&AtomicBool> {
        Some(&self.flag)
    }
}

#[test]
fn a_cancelled_run_started_again_gives_the_bundle_of_the_uninterrupted_one() {
    let known = dataset(6, 0);
    let bases = Bases::new();
    let data = TrainingData {
        dataset: &known,
        validation: None,
    };
    let whole = train(data, &small_2d(), &bases.resources(), &Unobserved).unwrap();
    for at in [(Stage::Validation, 3), (Stage::Fit, 7)] {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = small_2d();
        spec.execution.checkpoints = Some(CheckpointSettings::new(folder.path().to_owned()));
        let gives_up = GivesUp {
            at: Some(at),
            ..GivesUp::default()
        };
        let cancelled = train(data, &spec, &bases.resources(), &gives_up).map(|t| t.outcome);
        assert!(
            matches!(
                cancelled,
                Err(TrainError::Cancelled {
                    checkpoint: Some(_)
                })
            ),
            "{cancelled:?}"
        );
        let resumed = train(data, &spec, &bases.resources(), &Unobserved).unwrap();
        assert_eq!(resumed.bundle.id(), whole.bundle.id(), "{at:?}");
        assert_eq!(resumed.outcome.history, whole.outcome.history);
    }
}

#[test]
fn stages_come_in_their_order() {
    let observer = GivesUp::default();
    let known = dataset(6, 0);
    let data = TrainingData {
        dataset: &known,
        validation: None,
    };
    let bases = Bases::new();
    let trained = train(data, &small_2d(), &bases.resources(), &observer).unwrap();
    let stages = observer.stages.into_inner().unwrap();
    assert!(stages.is_sorted(), "{stages:?}");
    let timed: Vec<Stage> = trained
        .outcome
        .timings
        .iter()
        .map(|lap| lap.stage)
        .collect();
    assert_eq!(timed, stages);
}
