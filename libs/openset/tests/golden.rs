//! Compares detectors and the grid search with the reference vectors of dime-pytorch, PyChemAuth
//! and scikit-learn (`ood.npz`, `grid.npz`).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use assay_core::ClassLabel;
use assay_golden::{Npz, assert_close, golden_json};
use assay_openset::{
    ArgMax, Assignment, DetectorSpec, Dime, Folds, Gate, GateSpec, OpenSetClassifier, OpenSetError,
    Samples, ScoreUsing, Style, ThresholdRule,
    search::{self, Grid, PUBLISHED_K, TeffSearch},
};
use ndarray::{Array2, Ix2};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

fn matrix(npz: &mut Npz, name: &str) -> Array2<f64> {
    npz.f64(name).into_dimensionality::<Ix2>().unwrap()
}

fn list(npz: &mut Npz, name: &str) -> Vec<f64> {
    npz.f64(name).iter().copied().collect()
}

fn indices(npz: &mut Npz, name: &str) -> Vec<usize> {
    let values = npz.typed::<i64>(name);
    values
        .iter()
        .map(|&v| usize::try_from(v).unwrap())
        .collect()
}

/// Largest difference relative to the expected values' own size.
fn assert_relative(what: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    let relative: Vec<f64> = actual.iter().zip(expected).map(|(a, e)| a / e).collect();
    assert_close(what, &relative, &vec![1.0; expected.len()], tolerance);
}

/// All cases of one detector with their alphas and thresholds.
fn cases(json: &Value) -> BTreeMap<String, Vec<(f64, f64, &Value)>> {
    let mut cases = BTreeMap::<String, Vec<(f64, f64, &Value)>>::new();
    for case in json["ood.npz"]["cases"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let of_detector = cases
            .entry(case["key"].as_str().unwrap().to_owned())
            .or_default();
        of_detector.push((number("alpha"), number("threshold"), case));
    }
    cases
}

fn in_sample(detector: DetectorSpec, alpha: f64) -> GateSpec {
    GateSpec {
        detector,
        alpha,
        rule: ThresholdRule::InSample,
    }
}

/// Scores, thresholds and decisions of one detector.
fn compare_gate<'a>(
    npz: &mut Npz,
    key: &str,
    detector: DetectorSpec,
    (train, test): (Samples<'a>, Samples<'a>),
    cases: &[(f64, f64, &Value)],
) -> Gate {
    let classes = vec![0; train.rows()];
    let mut last = None;
    for &(alpha, threshold, case) in cases {
        let gate = Gate::fit(in_sample(detector, alpha), train, &classes).unwrap();
        assert_relative(
            &format!("{key} threshold"),
            &[gate.threshold()],
            &[threshold],
            1e-5,
        );
        for (name, samples) in [("train", train), ("test", test)] {
            let scores = gate.detector().scores(samples).unwrap();
            let expected = list(npz, &format!("{key}/{name}_scores"));
            assert_relative(&format!("{key} {name} scores"), &scores, &expected, 1e-5);
        }
        let decisions: Vec<bool> = (0..test.rows())
            .map(|row| gate.judge(test.row(row)).unwrap().inlier)
            .collect();
        let expected = npz.typed::<bool>(&format!("{key}/a{alpha}/predict"));
        assert_eq!(
            decisions,
            expected.iter().copied().collect::<Vec<_>>(),
            "{key} a{alpha}"
        );
        if let Some(n) = case["n_in"].as_u64() {
            assert_eq!(decisions.iter().filter(|&&inlier| inlier).count() as u64, n);
        }
        last = Some(gate);
    }
    last.unwrap()
}

#[test]
fn dime_matches_for_k_below_the_rank_and_is_refused_at_the_rank() {
    let test = "DIME scores and thresholds";
    let (Some(mut npz), Some(json)) =
        (Npz::open(test, "ood.npz"), golden_json(test, "golden.json"))
    else {
        return;
    };
    let (train, test) = (matrix(&mut npz, "train"), matrix(&mut npz, "test"));
    for (key, cases) in cases(&json)
        .iter()
        .filter(|(key, _)| key.starts_with("dime/"))
    {
        let k = usize::try_from(cases[0].2["k"].as_u64().unwrap()).unwrap();
        let single = key.contains("float32");
        let cast = |values: &Array2<f64>| {
            let rounded = values.mapv(|v| f64::from(v as f32));
            if single { rounded } else { values.clone() }
        };
        let (train, test) = (cast(&train), cast(&test));
        if k == 16 {
            // The reference accepts k at the rank: its threshold is then rounding noise.
            let refused = Dime::fit(train.view(), k).unwrap_err();
            assert!(
                matches!(
                    refused,
                    OpenSetError::Rank {
                        k: 16,
                        rank: 16,
                        ..
                    }
                ),
                "{refused}"
            );
            continue;
        }
        let samples = (
            Samples::features(train.view()),
            Samples::features(test.view()),
        );
        let gate = compare_gate(&mut npz, key, DetectorSpec::Dime { k }, samples, cases);
        compare_subspace(&mut npz, key, &train, k);
        compare_p_values(&mut npz, key, &gate, samples.1);
    }
}

fn compare_subspace(npz: &mut Npz, key: &str, train: &Array2<f64>, k: usize) {
    let dime = Dime::fit(train.view(), k).unwrap();
    let tolerance = if key.contains("float32") { 1e-4 } else { 1e-10 };
    // Signs of singular vectors are arbitrary, so inner products with the reference count.
    let alignment = dime
        .basis()
        .dot(&matrix(npz, &format!("{key}/basis")))
        .mapv(f64::abs);
    let identity = Array2::<f64>::eye(k);
    let expected = identity.as_slice().unwrap();
    assert_close(
        &format!("{key} basis"),
        alignment.as_slice().unwrap(),
        expected,
        tolerance,
    );
    let projected = train.dot(&dime.basis().t());
    let total: f64 = train.iter().map(|v| v * v).sum();
    let explained: Vec<f64> = projected
        .columns()
        .into_iter()
        .map(|c| c.dot(&c) / total)
        .collect();
    let expected = list(npz, &format!("{key}/explained"));
    assert_relative(
        &format!("{key} explained"),
        &explained,
        &expected,
        tolerance,
    );
}

/// `prob_to` is the reference's own share of training distances below a sample's, interpolated
/// between ranks, so it is one minus our p-value but for the place between two ranks.
fn compare_p_values(npz: &mut Npz, key: &str, gate: &Gate, test: Samples<'_>) {
    let probabilities = list(npz, &format!("{key}/prob_to"));
    let p_values: Vec<f64> = (0..test.rows())
        .map(|row| 1.0 - gate.judge(test.row(row)).unwrap().p_value)
        .collect();
    let n = gate.calibration_scores().len() as f64;
    assert_close(
        &format!("{key} prob_to"),
        &p_values,
        &probabilities,
        2.0 / (n + 1.0),
    );
}

#[test]
fn energy_and_softmax_match() {
    let test = "Energy and Softmax scores and thresholds";
    let (Some(mut npz), Some(json)) =
        (Npz::open(test, "ood.npz"), golden_json(test, "golden.json"))
    else {
        return;
    };
    let train = matrix(&mut npz, "logits_train");
    let test = matrix(&mut npz, "logits_test");
    let samples = (Samples::logits(train.view()), Samples::logits(test.view()));
    let mut compared = 0;
    for (key, cases) in cases(&json)
        .iter()
        .filter(|(key, _)| !key.starts_with("dime/"))
    {
        let detector = match cases[0].2["T"].as_f64() {
            Some(temperature) => DetectorSpec::Energy { temperature },
            None => DetectorSpec::Softmax,
        };
        compare_gate(&mut npz, key, detector, samples, cases);
        compared += 1;
    }
    assert_eq!(compared, 6);
    // The softmax detector of the reference takes probabilities, ours the logits behind them.
    for (logits, name) in [(&train, "probs_train"), (&test, "probs_test")] {
        let probabilities = matrix(&mut npz, name);
        for (logits, expected) in logits.rows().into_iter().zip(probabilities.rows()) {
            let exponentials = logits.mapv(f64::exp);
            let ours = (&exponentials / exponentials.sum()).to_vec();
            assert_close(name, &ours, &expected.to_vec(), 1e-14);
        }
    }
}

#[test]
fn no_reference_array_of_the_detectors_is_forgotten() {
    let Some(mut npz) = Npz::open("names of the open-set arrays", "ood.npz") else {
        return;
    };
    // The distance within the subspace is no detector here: neither the reference pipeline nor
    // this crate uses it.
    let not_ours = ["within", "prob_within"];
    let compared = [
        "train_scores",
        "test_scores",
        "predict",
        "basis",
        "explained",
        "prob_to",
    ];
    let inputs = [
        "train",
        "test",
        "logits_train",
        "logits_test",
        "probs_train",
        "probs_test",
    ];
    for name in npz.names() {
        let last = name.rsplit('/').next().unwrap();
        let known = if name.contains('/') {
            compared.contains(&last) || not_ours.contains(&last)
        } else {
            inputs.contains(&last)
        };
        assert!(known, "{name} is not compared");
    }
}

#[test]
fn the_grid_search_matches_in_every_split() {
    let test = "grid search";
    let (Some(mut npz), Some(json)) = (
        Npz::open(test, "grid.npz"),
        golden_json(test, "golden.json"),
    ) else {
        return;
    };
    let features = matrix(&mut npz, "X");
    let bias = npz
        .f64("head_bias")
        .into_dimensionality::<ndarray::Ix1>()
        .unwrap();
    let logits = features.dot(&matrix(&mut npz, "head_kernel")) + bias;
    let samples = Samples::both(features.view(), logits.view()).unwrap();
    let class_index = indices(&mut npz, "y");
    let fold_of = indices(&mut npz, "fold_of");
    let mut classifier = OpenSetClassifier {
        known: ["0", "1", "2", "3"]
            .map(|text| ClassLabel::new(text).unwrap())
            .to_vec(),
        unknown: "UNKNOWN".to_owned(),
        style: Style::Hard,
        score_using: ScoreUsing::All,
        gate: None,
        classifier: Arc::new(ArgMax),
    };
    let predicted: Vec<usize> = classifier
        .assign_all(samples)
        .unwrap()
        .into_iter()
        .map(|assignment| match assignment {
            Assignment::Class(class) => class,
            other => unreachable!("{other:?} without a gate"),
        })
        .collect();
    let grid = Grid::dime(&PUBLISHED_K);
    let result = search::teff(&TeffSearch {
        samples,
        class_index: &class_index,
        known_classes: 4,
        predicted: &predicted,
        grid: &grid,
        folds: Folds::Given(&fold_of),
        rule: ThresholdRule::InSample,
    })
    .unwrap();

    let of_points =
        |f: &dyn Fn(&search::GridPoint) -> f64| result.points.iter().map(f).collect::<Vec<_>>();
    assert_close(
        "alphas",
        &of_points(&|p| p.alpha),
        &list(&mut npz, "alphas"),
        1e-16,
    );
    let k = |p: &search::GridPoint| match p.detector {
        DetectorSpec::Dime { k } => k as f64,
        other => unreachable!("{other:?} in a grid of DIME"),
    };
    assert_close("ks", &of_points(&k), &list(&mut npz, "ks"), 0.0);
    let splits = matrix(&mut npz, "split_scores");
    for (fold, expected) in splits.rows().into_iter().enumerate() {
        let ours = of_points(&|p| p.split_scores[fold].unwrap());
        assert_close(&format!("fold {fold}"), &ours, &expected.to_vec(), 1e-12);
    }
    let means = of_points(&|p| p.mean.unwrap());
    assert_close("means", &means, &list(&mut npz, "mean_test_score"), 1e-12);
    let deviations = of_points(&|p| p.standard_deviation.unwrap());
    assert_close(
        "deviations",
        &deviations,
        &list(&mut npz, "std_test_score"),
        1e-12,
    );
    let ranks: Vec<f64> = means
        .iter()
        .map(|mean| 1.0 + means.iter().filter(|other| **other > mean + 1e-12).count() as f64)
        .collect();
    assert_close("ranks", &ranks, &list(&mut npz, "rank"), 0.0);

    let entry = &json["grid.npz"];
    let best = result.best_point().unwrap();
    assert_eq!(best.alpha, entry["best"]["alpha"].as_f64().unwrap());
    assert_eq!(best.detector, DetectorSpec::Dime { k: 5 });
    assert_eq!(entry["best"]["k"], 5);
    let scores = [best.mean.unwrap(), result.refit_score];
    let expected = ["best_score", "refit_score"].map(|key| entry[key].as_f64().unwrap());
    assert_close("best and refit score", &scores, &expected, 1e-12);

    // The refitted classifier, fitted on the known rows only.
    let known: Vec<usize> = (0..class_index.len())
        .filter(|&row| class_index[row] < 4)
        .collect();
    let training = features.select(ndarray::Axis(0), &known);
    let classes: Vec<usize> = known.iter().map(|&row| class_index[row]).collect();
    let spec = in_sample(best.detector, best.alpha);
    let gate = Gate::fit(spec, Samples::features(training.view()), &classes).unwrap();
    classifier.gate = Some(gate);
    let assigned: Vec<i64> = classifier
        .assign_all(samples)
        .unwrap()
        .iter()
        .map(|assignment| match assignment {
            Assignment::Class(class) => i64::try_from(*class).unwrap(),
            _ => -1,
        })
        .collect();
    let expected = npz.typed::<i64>("refit_pred");
    assert_eq!(assigned, expected.iter().copied().collect::<Vec<_>>());
}
