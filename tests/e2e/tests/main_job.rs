//! The main job from spectra to answers, through the tool and on simulated spectra: what is
//! written can be read by other people's programs, and a model gives the same answers again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_e2e::{foreign, tool};
use serde_json::Value;
use std::{fs, path::Path};

/// Simulates a small collection and splits it.
fn collection(folder: &Path) {
    tool::run(
        folder,
        &[
            "simulate",
            "--out",
            "data",
            "--known",
            "10",
            "--unknown",
            "4",
            "--seed",
            "3",
        ],
    )
    .unwrap();
    tool::run(
        folder,
        &[
            "split",
            "--manifest",
            "data/manifest.csv",
            "--fraction",
            "0.3",
            "--seed",
            "1",
            "--train",
            "train.csv",
            "--test",
            "test.csv",
        ],
    )
    .unwrap();
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Files of the first rows of a manifest.
fn files(folder: &Path, manifest: &str, count: usize) -> Vec<String> {
    let text = fs::read_to_string(folder.join(manifest)).unwrap();
    text.lines()
        .skip(1)
        .take(count)
        .map(|l| l.split(',').next().unwrap().to_owned())
        .collect()
}

/// Trains, evaluates, and compares with plain onnxruntime.
fn main_job(model: &[&str], checked: &str) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection(folder);
    let mut train = vec!["train", "--manifest", "train.csv", "--bundle", "model"];
    train.extend([
        "--tensorboard",
        "events",
        "--report",
        "report.html",
        "--seed",
        "5",
    ]);
    train.extend(model);
    tool::run(folder, &train).unwrap();

    let evaluate = [
        "evaluate",
        "--bundle",
        "model",
        "--manifest",
        "test.csv",
        "--json",
    ];
    let result = json(&tool::run(folder, &evaluate).unwrap());
    let count = |key: &str| result[key].as_u64().unwrap();
    assert_eq!(count("n"), count("known_total") + count("unknown_total"));
    assert_eq!((count("known_total"), count("unknown_total")), (30, 12));
    assert!(count("closed_set_correct") >= 24, "{result}");
    assert!(count("known_correct") <= count("closed_set_correct"));
    let total: u64 = result["confusion_matrix"]["counts"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|cell| cell.as_u64().unwrap())
        .sum();
    assert_eq!(total, count("n"));
    for figure in ["tsns", "tsps", "teff", "acc"] {
        let value = result["figures_of_merit"][figure].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&value), "{figure} = {value}");
    }

    // Nothing but unknown materials: TEFF is what remains of it, TSPS.
    let rows = fs::read_to_string(folder.join("test.csv")).unwrap();
    let only_unknown = rows
        .lines()
        .enumerate()
        .filter(|(line, row)| *line == 0 || row.contains(",unknown,"));
    let rows: Vec<_> = only_unknown.map(|(_, row)| row).collect();
    fs::write(folder.join("unknown.csv"), rows.join("\n")).unwrap();
    let evaluate = [
        "evaluate",
        "--bundle",
        "model",
        "--manifest",
        "unknown.csv",
        "--json",
    ];
    let result = json(&tool::run(folder, &evaluate).unwrap());
    let figures = &result["figures_of_merit"];
    assert_eq!(
        (&result["known_total"], &result["n"]),
        (&0.into(), &12.into())
    );
    assert!(
        figures["tsns"].is_null() && figures["teff"] == figures["tsps"],
        "{figures}"
    );

    let files = files(folder, "test.csv", 3);
    let mut identify = vec!["identify", "--bundle", "model", "--json=answers.json"];
    identify.extend(files.iter().map(String::as_str));
    tool::run(folder, &identify).unwrap();
    let mut featurize = vec![
        "featurize",
        "--bundle",
        "model",
        "--inputs",
        "--out",
        "features.npz",
    ];
    featurize.extend(files.iter().map(String::as_str));
    tool::run(folder, &featurize).unwrap();

    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.len() < 6_000_000 && page.to_lowercase().starts_with("<!doctype html>"));
    let paths = ["model", "features.npz", "answers.json"].map(|name| folder.join(name));
    if let Some(said) = foreign::python(checked, "read_bundle.py", paths).unwrap() {
        assert_eq!(said.trim(), "3 spectra agree");
    }
    if let Some(said) = foreign::python(checked, "read_events.py", [folder.join("events")]).unwrap()
    {
        let tags = json(&said);
        let longest = tags
            .as_object()
            .unwrap()
            .values()
            .filter_map(Value::as_u64)
            .max();
        assert_eq!(longest, Some(60), "{tags}");
    }
}

#[test]
fn cnn1d_from_files_to_answers_that_plain_onnxruntime_gives_too() {
    main_job(&["--model", "cnn1d"], "cnn1d bundle");
}

#[test]
fn cnn2d_from_files_to_answers_that_plain_onnxruntime_gives_too() {
    main_job(&["--model", "cnn2d", "--image-size", "128"], "cnn2d bundle");
}

#[test]
fn the_same_training_gives_the_same_bundle_to_the_bit_also_when_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection(folder);
    let train = |bundle: &str, more: &[&str]| {
        let mut arguments = vec!["train", "--manifest", "train.csv", "--model", "cnn1d"];
        arguments.extend(["--variant", "small-gap", "--threads", "1", "--json"]);
        arguments.extend([
            "--validation",
            "none",
            "--lr-bounds",
            "1e-3,1e-2",
            "--bundle",
            bundle,
        ]);
        arguments.extend(more);
        tool::run(folder, &arguments).unwrap();
        json(&fs::read_to_string(folder.join(bundle).join("bundle.json")).unwrap())["id"].clone()
    };
    let first = train("first", &[]);
    assert_eq!(first, train("second", &[]));
    assert_eq!(
        first,
        train(
            "third",
            &["--checkpoint", "state", "--checkpoint-every", "7"]
        )
    );
    // What is left of the finished run's checkpoints is the middle of a run: go on from there.
    assert_eq!(
        first,
        train("fourth", &["--checkpoint", "state", "--resume"])
    );
}
