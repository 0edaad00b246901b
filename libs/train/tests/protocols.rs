//! Evaluation protocols on a small collection.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod collection;

use assay_openset::DetectorSpec;
use assay_pipeline::{
    ModelSpec,
    protocols::{Protocol, Shift},
};
use assay_train::{BenchmarkReport, TrainingSpec, Unobserved, benchmark};
use collection::{BASE, Bases, dataset, on_one_thread};

fn run(protocol: &Protocol) -> BenchmarkReport {
    let mut spec = on_one_thread(TrainingSpec::cnn2d());
    if let ModelSpec::Cnn2d { base, imaging, .. } = &mut spec.model {
        BASE.clone_into(base);
        imaging.size = 48;
    }
    spec.epochs = 10;
    spec.gate.folds = 3;
    spec.gate.alpha = 0.1;
    spec.gate.k = Some(4);
    let bases = Bases::new();
    benchmark(
        &dataset(9, 0),
        protocol,
        &spec,
        &bases.resources(),
        &Unobserved,
    )
    .unwrap()
}

#[test]
fn random_and_grouped_folds_judge_every_known_spectrum_once() {
    for protocol in [
        Protocol::Random { folds: 3 },
        Protocol::Grouped { folds: 3 },
    ] {
        let report = run(&protocol);
        let judged: usize = report
            .rounds
            .iter()
            .map(|round| round.scores.known_total)
            .sum();
        assert_eq!(judged, 27);
        assert!(
            report
                .rounds
                .iter()
                .all(|round| round.scores.unknown_total == 9)
        );
        assert!(
            report.mean.accuracy.value.unwrap() > 0.9,
            "{:?}",
            report.mean
        );
        assert!(report.mean.auroc.value.is_some());
        assert_eq!(report.rounds[0].detector, DetectorSpec::Dime { k: 4 });
        assert!(serde_json::to_string(&report).unwrap().contains("teff"));
    }
}

#[test]
fn every_class_is_left_out_once_the_unknown_one_too() {
    let report = run(&Protocol::LeaveOneClassOut { holdout: 0.2 });
    let names: Vec<&str> = report
        .rounds
        .iter()
        .map(|r| r.scores.fold.as_str())
        .collect();
    assert_eq!(names, ["Ash", "Coal, hard", "Zircaloy", "Öl"]);
    for round in &report.rounds {
        assert_eq!(round.scores.unknown_total, 9);
        let left_out = round
            .scores
            .classes
            .iter()
            .find(|class| !class.known)
            .unwrap();
        assert_eq!(left_out.label, round.scores.fold);
        assert_eq!(left_out.auroc, round.scores.auroc);
    }
    let worst = report.worst_auroc.unwrap();
    assert!(
        worst <= report.mean.auroc.value.unwrap() && worst > 0.5,
        "{worst}"
    );
}

#[test]
fn counts_and_gain_judge_changed_spectra_with_one_training() {
    let counts = run(&Protocol::Counts {
        holdout: 0.3,
        total_counts: vec![100_000, 100],
    });
    assert_eq!(counts.rounds.len(), 3);
    let threshold = counts.rounds[0].threshold;
    assert!(
        counts
            .rounds
            .iter()
            .all(|round| round.threshold == threshold),
        "one training"
    );
    let [measured, .., fewest] = counts.rounds.as_slice() else {
        panic!("three rounds");
    };
    assert!(
        measured.scores.tsns.value > fewest.scores.tsns.value,
        "100 counts tell nothing"
    );
    let gain = run(&Protocol::Gain {
        holdout: 0.3,
        shifts: vec![Shift {
            gain: 1.02,
            offset_kev: 0.0,
        }],
    });
    assert_ne!(gain.rounds[0].scores, gain.rounds[1].scores);
}
