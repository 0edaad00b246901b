//! What every protocol promises about its rounds, and score tables by hand.

use super::*;
use crate::{Dataset, Role, fixture};
use assay_core::ClassLabel;
use std::collections::BTreeSet;

const SEED: u64 = 3;

fn set(rows: &[usize]) -> BTreeSet<usize> {
    rows.iter().copied().collect()
}

fn check_sides(dataset: &Dataset, fold: &Fold) {
    let sides = [&fold.training, &fold.known, &fold.unknown];
    let all: BTreeSet<_> = sides.iter().flat_map(|side| side.iter().copied()).collect();
    assert_eq!(
        all.len(),
        sides.iter().map(|side| side.len()).sum::<usize>(),
        "{}",
        fold.name
    );
    let labels = |rows: &[usize]| {
        rows.iter()
            .map(|&row| dataset.rows()[row].label.clone())
            .collect::<BTreeSet<_>>()
    };
    let trained = labels(&fold.training);
    assert!(labels(&fold.known).is_subset(&trained), "{}", fold.name);
    assert!(labels(&fold.unknown).is_disjoint(&trained), "{}", fold.name);
    assert!(
        !fold.training.is_empty() && !fold.known.is_empty(),
        "{}",
        fold.name
    );
}

#[test]
fn every_protocol_keeps_its_sides_apart_and_repeats_itself() {
    let dataset = fixture::dataset(9, 0);
    for name in ["random", "grouped", "leave-one-class-out", "counts", "gain"] {
        let protocol = match Protocol::named(name).unwrap() {
            Protocol::Grouped { .. } => Protocol::Grouped { folds: 3 },
            other => other,
        };
        let folds = protocol.folds(&dataset, SEED).unwrap();
        folds.iter().for_each(|fold| check_sides(&dataset, fold));
        assert_eq!(protocol.folds(&dataset, SEED).unwrap(), folds, "{name}");
        let text = serde_json::to_string(&protocol).unwrap();
        assert_eq!(serde_json::from_str::<Protocol>(&text).unwrap(), protocol);
    }
    let error = Protocol::named("jackknife").unwrap_err().to_string();
    assert!(
        error.contains("jackknife") && error.contains("leave-one-class-out"),
        "{error}"
    );
}

#[test]
fn random_and_grouped_folds_judge_every_known_row_once() {
    let dataset = fixture::dataset(9, 0);
    let known = set(&dataset.positions(Role::Known));
    for protocol in [
        Protocol::Random { folds: 4 },
        Protocol::Grouped { folds: 3 },
    ] {
        let folds = protocol.folds(&dataset, SEED).unwrap();
        let judged: Vec<_> = folds.iter().flat_map(|fold| fold.known.clone()).collect();
        assert_eq!((judged.len(), set(&judged)), (known.len(), known.clone()));
        if protocol != (Protocol::Grouped { folds: 3 }) {
            continue;
        }
        let group = |row: &usize| dataset.rows()[*row].group.clone();
        for fold in folds {
            let training: BTreeSet<_> = fold.training.iter().map(group).collect();
            assert!(fold.known.iter().all(|row| !training.contains(&group(row))));
        }
    }
}

#[test]
fn each_class_is_left_out_once_and_the_unknown_one_too() {
    let dataset = fixture::dataset(6, 0);
    let folds = Protocol::named("leave-one-class-out")
        .unwrap()
        .folds(&dataset, SEED)
        .unwrap();
    let names: Vec<_> = folds.iter().map(|fold| fold.name.as_str()).collect();
    assert_eq!(names, ["Ash", "Coal, hard", "Zircaloy", "Öl"]);
    for fold in &folds {
        assert_eq!(fold.unknown.len(), 6);
        assert_eq!(fold.training.len() + fold.known.len(), 18);
        assert_eq!(fold.auroc_known, KnownScores::OutOfFold);
    }
}

#[test]
fn modifications_change_what_they_say_and_repeat_themselves() {
    let dataset = fixture::dataset(1, 0);
    let row = &dataset.rows()[0];
    let thin = Modification::Thin {
        total_counts: 10_000,
    };
    let thinned = thin.apply(row, SEED).unwrap();
    let total = thinned.total_counts() as f64;
    assert!(
        (total - 10_000.0).abs() < 500.0,
        "{total} is 5 standard deviations off"
    );
    assert_eq!(thin.apply(row, SEED).unwrap(), thinned);
    assert_ne!(thin.apply(row, SEED + 1).unwrap(), thinned);
    let shift = Modification::Shift(Shift {
        gain: 1.01,
        offset_kev: 2.0,
    });
    let before = row.spectrum.calibration.unwrap();
    let after = shift.apply(row, SEED).unwrap().calibration.unwrap();
    let expected = 1.01 * before.energy_kev(5000.0) + 2.0;
    assert!((after.energy_kev(5000.0) - expected).abs() < 1e-9);
    let counts = Protocol::named("counts")
        .unwrap()
        .folds(&dataset_of_two(), SEED)
        .unwrap();
    let sets: BTreeSet<_> = counts.iter().map(|fold| fold.training_set).collect();
    assert_eq!(
        (counts.len(), sets.len()),
        (7, 1),
        "one training serves all counts"
    );
}

fn dataset_of_two() -> Dataset {
    fixture::dataset(2, 0)
}

#[test]
fn bad_numbers_are_refused_by_name() {
    let dataset = dataset_of_two();
    let cases = [
        (Protocol::Random { folds: 1 }, "1"),
        (Protocol::Grouped { folds: 9 }, "9"),
        (Protocol::LeaveOneClassOut { holdout: 1.5 }, "1.5"),
    ];
    for (protocol, value) in cases {
        let error = protocol.folds(&dataset, SEED).unwrap_err().to_string();
        assert!(error.contains(value), "{error}");
    }
    let single = fixture::dataset(1, 0);
    let error = Protocol::Random { folds: 2 }
        .folds(&single, SEED)
        .unwrap_err()
        .to_string();
    assert!(error.contains("\"Ash\""), "{error}");
}

fn outcome(label: &str, class: usize, accepted: bool, score: f64) -> Outcome {
    Outcome {
        label: ClassLabel::new(label).unwrap(),
        class,
        accepted,
        score,
    }
}

#[test]
fn scores_by_hand() {
    let classes = ["A", "B"].map(|label| ClassLabel::new(label).unwrap());
    let outcomes = [
        outcome("A", 0, true, 0.9),
        outcome("A", 0, false, 0.2),
        outcome("B", 0, true, 0.8),
        outcome("B", 1, true, 0.7),
        outcome("X", 1, true, 0.5),
        outcome("X", 0, false, 0.1),
    ];
    let scores = score_fold("one", &classes, &outcomes, None).unwrap();
    assert_eq!((scores.known_total, scores.unknown_total), (4, 2));
    assert_eq!(scores.accuracy, Score::of(0.75));
    // Of the pairs (0.9, 0.2, 0.8, 0.7) × (0.5, 0.1), only 0.2 < 0.5 is wrong.
    assert_eq!(scores.auroc, Score::of(7.0 / 8.0));
    assert_eq!(scores.tsns, Score::of(0.5));
    // B taken for A and X taken for B.
    let tsps = scores.tsps.value.unwrap();
    assert!((tsps - (1.0 - 2.0 / 6.0)).abs() < 1e-15);
    let by_label: Vec<_> = scores
        .classes
        .iter()
        .map(|c| (c.label.as_str(), c.right.value))
        .collect();
    assert_eq!(
        by_label,
        [("A", Some(0.5)), ("B", Some(0.5)), ("X", Some(0.5))]
    );
    assert_eq!(scores.classes[0].auroc, Score::of(0.75));
    assert_eq!(scores.classes[2].auroc, Score::of(7.0 / 8.0));
    assert!(scores.classes[2].accuracy.reason.is_some());

    let elsewhere = score_fold("two", &classes, &outcomes, Some(&[0.05, 0.6])).unwrap();
    assert_eq!(elsewhere.auroc, Score::of(0.5));
    let known = score_fold("three", &classes, &outcomes[..4], None).unwrap();
    assert_eq!(known.auroc.value, None);
    assert!(known.auroc.reason.is_some());
    let mean = mean_over_folds(&[scores, elsewhere, known], |fold| &fold.auroc);
    assert_eq!(mean, Score::of((7.0 / 8.0 + 0.5) / 2.0));
}
