//! The figures that the README promises, on the measured spectra, with the tool's defaults.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_e2e::tool;
use assay_golden::pgaa_dir;
use serde_json::Value;
use std::path::Path;

fn evaluate(folder: &Path, model: &str, seed: &str, manifest: &str) -> Value {
    let run = |arguments: &[&str]| tool::run(folder, arguments).unwrap();
    run(&[
        "split",
        "--manifest",
        manifest,
        "--fraction",
        "0.2",
        "--seed",
        seed,
        "--train",
        "train.csv",
        "--test",
        "test.csv",
    ]);
    run(&[
        "train",
        "--manifest",
        "train.csv",
        "--model",
        model,
        "--bundle",
        model,
    ]);
    let json = run(&[
        "evaluate",
        "--bundle",
        model,
        "--manifest",
        "test.csv",
        "--json",
    ]);
    serde_json::from_str(&json).unwrap()
}

#[test]
fn held_out_spectra_are_named_and_unknown_materials_refused() {
    let Some(data) = pgaa_dir("held-out spectra") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let manifest = data.join("manifest.csv");
    let result = evaluate(folder.path(), "cnn2d", "0", manifest.to_str().unwrap());
    let count = |key: &str| result[key].as_u64().unwrap();
    assert_eq!(
        count("unknown_rejected"),
        count("unknown_total"),
        "{result}"
    );
    assert_eq!(
        count("closed_set_correct"),
        count("known_total"),
        "{result}"
    );
    // The gate may refuse 2 % of known spectra; five or more of 48 have a chance of 0.3 %.
    assert!(
        count("known_correct") + 4 >= count("known_total"),
        "{result}"
    );
}

#[test]
fn the_network_on_vectors_names_held_out_spectra() {
    let Some(data) = pgaa_dir("cnn1d on held-out spectra") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let manifest = data.join("manifest.csv");
    let result = evaluate(folder.path(), "cnn1d", "0", manifest.to_str().unwrap());
    let count = |key: &str| result[key].as_u64().unwrap();
    assert!(
        count("closed_set_correct") + 1 >= count("known_total"),
        "{result}"
    );
}

#[test]
fn each_class_left_out_is_told_from_the_others() {
    let Some(data) = pgaa_dir("leave one class out") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let manifest = data.join("manifest.csv");
    let arguments = [
        "benchmark",
        "--manifest",
        manifest.to_str().unwrap(),
        "--protocol",
        "leave-one-class-out",
        "--k",
        "50",
        "--json",
    ];
    let result: Value =
        serde_json::from_str(&tool::run(folder.path(), &arguments).unwrap()).unwrap();
    let rounds = result["rounds"].as_array().unwrap();
    let aurocs: Vec<f64> = rounds
        .iter()
        .map(|round| round["auroc"]["value"].as_f64().unwrap())
        .collect();
    assert_eq!(aurocs.len(), 13);
    let mean = aurocs.iter().sum::<f64>() / 13.0;
    let worst = aurocs.iter().copied().fold(1.0, f64::min);
    assert!(
        mean >= 0.998 && worst >= 0.99,
        "mean {mean}, worst {worst}: {aurocs:?}"
    );
}
