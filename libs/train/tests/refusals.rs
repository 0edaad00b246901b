//! What cannot be trained on is refused in words, before anything is written.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod collection;

use assay_core::{Classified, ErrorKind};
use assay_pipeline::{Dataset, ModelSpec};
use assay_train::{
    RateBounds, TrainError, TrainingData, TrainingSpec, Unobserved, Validation, train,
};
use collection::{Bases, LABELS, dataset, on_one_thread, rows};
use std::path::Path;

fn spec() -> TrainingSpec {
    let mut spec = on_one_thread(TrainingSpec::cnn1d());
    spec.epochs = 1;
    spec.validation = Validation::None;
    spec.schedule.bounds = Some(RateBounds {
        base: 0.001,
        max: 0.01,
    });
    spec
}

fn refusal(dataset: &Dataset, spec: &TrainingSpec) -> TrainError {
    let data = TrainingData {
        dataset,
        validation: None,
    };
    match train(data, spec, &Bases::new().resources(), &Unobserved) {
        Ok(_) => panic!("it was accepted"),
        Err(error) => error,
    }
}

#[track_caller]
fn expect(error: &TrainError, kind: ErrorKind, parts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part:?} in {error}");
    }
}

#[test]
fn a_class_with_one_member_is_named() {
    let mut few = rows(0..2, 3, 0);
    few.extend(rows(2..3, 1, 0));
    let few = Dataset::from_rows(Path::new("manifest.csv"), few);
    expect(
        &refusal(&few, &spec()),
        ErrorKind::InvalidArgument,
        &[LABELS[2], "1", "2 or more"],
    );
}

#[test]
fn one_class_alone_is_no_classification() {
    let one = Dataset::from_rows(Path::new("manifest.csv"), rows(0..1, 5, 0));
    expect(
        &refusal(&one, &spec()),
        ErrorKind::InvalidArgument,
        &["1 known classes", "2 or more"],
    );
}

#[test]
fn k_at_or_above_the_rank() {
    let mut spec = spec();
    spec.gate.k = Some(500);
    let error = refusal(&dataset(4, 0), &spec);
    expect(&error, ErrorKind::InvalidArgument, &["500", "rank"]);
    spec.gate.k = None;
    spec.gate.candidates = vec![400, 500];
    let error = refusal(&dataset(4, 0), &spec);
    expect(&error, ErrorKind::InvalidArgument, &["400", "rank"]);
}

#[test]
fn alpha_outside_its_range() {
    for alpha in [0.0, 1.0, -0.1, f64::NAN] {
        let mut spec = spec();
        spec.gate.alpha = alpha;
        let error = refusal(&dataset(3, 0), &spec);
        expect(&error, ErrorKind::InvalidArgument, &["--alpha", "(0, 1)"]);
    }
}

#[test]
fn a_spectrum_without_counts_or_calibration_is_named_by_file_and_line() {
    let mut empty = rows(0..3, 3, 0);
    empty[4].spectrum.counts.fill(0);
    empty[7].spectrum.calibration = None;
    let (line, file) = (empty[4].line, empty[7].file.clone());
    let empty = Dataset::from_rows(Path::new("manifest.csv"), empty);
    let error = refusal(&empty, &spec());
    let line = format!("line {line}");
    for part in [line.as_str(), &file] {
        assert!(error.to_string().contains(part), "{part:?} in {error}");
    }
}

#[test]
fn a_base_that_is_not_there_says_how_to_get_it() {
    let mut spec = spec();
    spec.model = ModelSpec::cnn2d();
    let error = refusal(&dataset(3, 0), &spec);
    expect(
        &error,
        ErrorKind::NotFound,
        &["efficientnet-lite0", "cargo xtask setup"],
    );
}

#[test]
fn rates_that_blow_up_say_what_to_change() {
    let mut spec = spec();
    spec.epochs = 30;
    spec.batch_size = 2;
    spec.schedule.bounds = Some(RateBounds {
        base: 1e17,
        max: 1e18,
    });
    let error = refusal(&dataset(4, 0), &spec);
    expect(&error, ErrorKind::InvalidArgument, &["--lr-bounds", "1e18"]);
}

#[test]
fn a_network_whose_units_died_is_not_delivered() {
    let mut spec = spec();
    spec.epochs = 3;
    spec.standardise = false;
    spec.schedule.bounds = Some(RateBounds {
        base: 5.0,
        max: 10.0,
    });
    let error = refusal(&dataset(4, 0), &spec);
    expect(&error, ErrorKind::InvalidArgument, &["--lr-bounds"]);
}
