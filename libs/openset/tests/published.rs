//! Compares with our own fixtures, made from public packages by `fixtures/make_openset.py`.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use assay_golden::assert_close;
use assay_openset::{
    DetectorSpec, Folds, Gate, GateSpec, KSearch, KnownUnknowns, OpenSetError, Samples,
    ThresholdRule, auroc, choose_k, dime_out_of_fold_scores,
};
use ndarray::{Array1, Array2};
use ndarray_npy::{NpzReader, ReadableElement};
use std::{fs::File, path::Path};

struct Fixture(NpzReader<File>);

impl Fixture {
    fn open() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openset.npz");
        Self(NpzReader::new(File::open(path).unwrap()).unwrap())
    }

    fn matrix(&mut self, name: &str) -> Array2<f64> {
        self.0.by_name(name).unwrap()
    }

    fn list<T: ReadableElement + Clone>(&mut self, name: &str) -> Vec<T> {
        let array: Array1<T> = self.0.by_name(name).unwrap();
        array.to_vec()
    }

    fn indices(&mut self, name: &str) -> Vec<usize> {
        let values = self.list::<i64>(name);
        values
            .iter()
            .map(|&v| usize::try_from(v).unwrap())
            .collect()
    }
}

fn spec(detector: DetectorSpec, alpha: f64) -> GateSpec {
    GateSpec {
        detector,
        alpha,
        rule: ThresholdRule::InSample,
    }
}

/// Thresholds for every alpha from scores of one detector.
fn compare_thresholds(
    detector: DetectorSpec,
    fixture: &mut Fixture,
    row: usize,
    name: &str,
    scores: &[f64],
    samples: Samples<'_>,
) {
    let alphas = fixture.list::<f64>("alphas");
    let fitted = detector.fit(samples).unwrap();
    let expected = fixture.matrix(&format!("{name}_threshold"));
    for (i, &alpha) in alphas.iter().enumerate() {
        let gate =
            Gate::from_scores(spec(detector, alpha), fitted.clone(), scores.to_vec()).unwrap();
        assert_close(
            &format!("{name} {detector:?} alpha {alpha}"),
            &[gate.threshold()],
            &[expected[[i, row]]],
            1e-10,
        );
    }
}

#[test]
fn dime_scores_and_thresholds_match_dime_pytorch() {
    let mut fixture = Fixture::open();
    let (known, unknown) = (fixture.matrix("known"), fixture.matrix("unknown"));
    let (ks, fold_of) = (fixture.indices("ks"), fixture.indices("fold_of"));
    let out_of_fold = dime_out_of_fold_scores(known.view(), &fold_of, &ks).unwrap();
    for (row, &k) in ks.iter().enumerate() {
        let detector = DetectorSpec::Dime { k };
        let samples = Samples::features(known.view());
        let fitted = detector.fit(samples).unwrap();
        let in_sample = fitted.scores(samples).unwrap();
        let of_unknown = fitted.scores(Samples::features(unknown.view())).unwrap();
        let held_out = out_of_fold.row(row).to_vec();
        for (name, scores) in [
            ("in_sample", &in_sample),
            ("out_of_fold", &held_out),
            ("of_unknown", &of_unknown),
        ] {
            let expected = fixture.matrix(name).row(row).to_vec();
            assert_close(&format!("{name} k {k}"), scores, &expected, 1e-10);
        }
        compare_thresholds(
            detector,
            &mut fixture,
            row,
            "in_sample",
            &in_sample,
            samples,
        );
        compare_thresholds(
            detector,
            &mut fixture,
            row,
            "out_of_fold",
            &held_out,
            samples,
        );
    }
}

#[test]
fn leave_one_class_out_matches_scikit_learn() {
    let mut fixture = Fixture::open();
    let (known, unknown) = (fixture.matrix("known"), fixture.matrix("unknown"));
    let (class_index, unknown_class) = (fixture.indices("class"), fixture.indices("unknown_class"));
    let (mut ks, fold_of) = (fixture.indices("ks"), fixture.indices("fold_of"));
    let expected = fixture.matrix("auroc");
    // The smallest training subset has 24 samples.
    ks.push(24);
    let search = KSearch {
        known_unknowns: Some(KnownUnknowns {
            features: unknown.view(),
            class_index: &unknown_class,
        }),
        candidates: &ks,
        folds: Folds::Given(&fold_of),
        ..KSearch::new(known.view(), &class_index)
    };
    let choice = choose_k(&search).unwrap();
    assert_eq!(
        (choice.rank, choice.skipped.as_slice()),
        (24, [24].as_slice())
    );
    for (score, expected) in choice.per_k.iter().zip(expected.rows()) {
        let aurocs: Vec<f64> = score.per_class.iter().map(|class| class.auroc).collect();
        assert_close(
            &format!("AUROC k {}", score.k),
            &aurocs,
            &expected.to_vec(),
            1e-12,
        );
        let mean = expected.sum() / expected.len() as f64;
        assert_close("mean", &[score.mean_auroc], &[mean], 1e-12);
        let worst = expected.iter().copied().fold(1.0, f64::min);
        assert_close("worst", &[score.worst_auroc], &[worst], 1e-12);
    }
    assert_eq!(choice.per_k.len(), expected.nrows());
    assert_eq!(choice.k, 16);

    // Without the known unknowns only the known classes are left out.
    let search = KSearch {
        known_unknowns: None,
        ..search
    };
    for (score, expected) in choose_k(&search).unwrap().per_k.iter().zip(expected.rows()) {
        let aurocs: Vec<f64> = score.per_class.iter().map(|class| class.auroc).collect();
        assert_close("AUROC of known", &aurocs, &expected.to_vec()[..5], 1e-12);
    }
    let search = KSearch {
        candidates: &[0, 24, 99],
        ..search
    };
    let refused = choose_k(&search).unwrap_err();
    assert!(
        matches!(refused, OpenSetError::NoCandidate { rank: 24, .. }),
        "{refused}"
    );
}

#[test]
fn auroc_with_ties_matches_scikit_learn() {
    let mut fixture = Fixture::open();
    let (inlier, outlier) = (fixture.list("tied_inlier"), fixture.list("tied_outlier"));
    let actual = auroc(&inlier, &outlier).unwrap();
    assert_close("AUROC", &[actual], &fixture.list("tied_auroc"), 1e-15);
}

#[test]
fn energy_and_softmax_match_scipy() {
    let mut fixture = Fixture::open();
    let logits = fixture.matrix("logits");
    let samples = Samples::logits(logits.view());
    let energies = fixture.matrix("energy");
    for (row, temperature) in fixture.list::<f64>("temperatures").into_iter().enumerate() {
        let detector = DetectorSpec::Energy { temperature };
        let scores = detector.fit(samples).unwrap().scores(samples).unwrap();
        assert_close("energy", &scores, &energies.row(row).to_vec(), 1e-12);
        compare_thresholds(detector, &mut fixture, row, "energy", &scores, samples);
    }
    let scores = DetectorSpec::Softmax
        .fit(samples)
        .unwrap()
        .scores(samples)
        .unwrap();
    assert_close("softmax", &scores, &fixture.list("softmax"), 1e-12);
    let thresholds = fixture.list::<f64>("softmax_threshold");
    for (alpha, expected) in fixture.list::<f64>("alphas").into_iter().zip(thresholds) {
        let gate = Gate::fit(spec(DetectorSpec::Softmax, alpha), samples, &[0; 30]).unwrap();
        assert_close("softmax threshold", &[gate.threshold()], &[expected], 1e-12);
    }
}
