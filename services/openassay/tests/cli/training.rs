//! Training and what follows from it, on simulated spectra: answers, JSON, pages, resuming.
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be prepared has failed the test"
)]

use crate::tool::Bench;
use std::{fs, path::PathBuf, sync::OnceLock};

/// Simulated spectra, split, with a 1D model trained on them and its report.
struct Trained {
    bench: Bench,
    answer: serde_json::Value,
}

const MODEL: [&str; 12] = [
    "--model",
    "cnn1d",
    "--variant",
    "small-gap",
    "--epochs",
    "3",
    "--lr-bounds",
    "1e-4,1e-2",
    "--k",
    "5",
    "--seed",
    "7",
];

fn trained() -> &'static Trained {
    static TRAINED: OnceLock<Trained> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let bench = Bench::shared("training");
        let simulate = [
            "simulate",
            "--out",
            "data",
            "--known",
            "5",
            "--unknown",
            "2",
            "--live-time",
            "300,900",
        ];
        bench.run(&simulate).succeeds();
        let split = [
            "split",
            "--manifest",
            "data/manifest.csv",
            "--fraction",
            "0.2",
            "--seed",
            "1",
            "--train",
            "train.csv",
            "--test",
            "test.csv",
        ];
        bench.run(&split).succeeds();
        let mut train = vec!["train", "--manifest", "train.csv", "--bundle", "model"];
        train.extend(["--test", "test.csv", "--report", "report.html", "--json"]);
        train.extend(MODEL);
        let answer = bench.run(&train).succeeds().json();
        Trained { bench, answer }
    })
}

/// A file of the training, for those who go on from it.
pub(crate) fn trained_path(name: &str) -> String {
    path(name)
}

fn path(name: &str) -> String {
    trained().bench.path(name).to_string_lossy().into_owned()
}

#[test]
fn the_json_of_a_run_says_how_it_went() {
    let answer = &trained().answer;
    assert_eq!(
        answer["outcome"]["history"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(answer["outcome"]["finder"]["given"], true);
    assert_eq!(answer["test"]["known_total"], 10);
    assert_eq!(answer["test"]["unknown_total"], 6);
    assert_eq!(answer["outcome"]["gate"]["record"]["detector"]["k"], 5);
}

#[test]
fn evaluate_gives_the_agreed_fields_and_the_same_numbers_as_the_training() {
    let evaluate = [
        "evaluate",
        "--bundle",
        &path("model"),
        "--manifest",
        &path("test.csv"),
        "--json",
    ];
    let answer = Bench::new().run(&evaluate).succeeds().json();
    let test = &trained().answer["test"];
    for field in [
        "n",
        "known_correct",
        "closed_set_correct",
        "known_total",
        "unknown_rejected",
        "unknown_total",
        "figures_of_merit",
        "confusion_matrix",
    ] {
        assert!(!answer[field].is_null(), "{field}");
        assert_eq!(answer[field], test[field], "{field}");
    }
    for figure in ["tsns", "tsps", "teff", "acc", "csns", "csps", "ceff"] {
        assert!(answer["figures_of_merit"].get(figure).is_some(), "{figure}");
    }
    let matrix = &answer["confusion_matrix"];
    assert_eq!(matrix["columns"][10], "UNKNOWN");
    assert_eq!(matrix["counts"].as_array().map(Vec::len), Some(13));
}

#[test]
fn json_goes_to_a_file_beside_the_table_or_alone_to_standard_output() {
    let bench = Bench::new();
    let (model, test) = (path("model"), path("test.csv"));
    let to_file = bench.run(&[
        "evaluate",
        "--bundle",
        &model,
        "--manifest",
        &test,
        "--json",
        "out.json",
    ]);
    assert!(
        to_file
            .succeeds()
            .out
            .contains("known spectra accepted and right")
    );
    let text = fs::read_to_string(bench.path("out.json")).unwrap();
    let alone = [
        "evaluate",
        "--bundle",
        &model,
        "--manifest",
        &test,
        "--json",
        "-",
    ];
    assert_eq!(bench.run(&alone).succeeds().out, text);
}

#[test]
fn identify_agrees_with_evaluate() {
    let bench = Bench::new();
    let (model, test) = (path("model"), path("test.csv"));
    let judged = bench
        .run(&[
            "evaluate",
            "--bundle",
            &model,
            "--manifest",
            &test,
            "--json",
        ])
        .succeeds()
        .json();
    for row in judged["spectra"].as_array().into_iter().flatten().take(4) {
        let file = trained()
            .bench
            .path(row["file"].as_str().unwrap_or_default());
        let file = file.to_string_lossy();
        let answer = bench
            .run(&["identify", "--bundle", &model, "--json", &file])
            .succeeds();
        let answer = &answer.json()[0];
        assert_eq!(answer["gate"]["score"], row["score"], "{file}");
        assert_eq!(answer["verdict"], row["verdict"], "{file}");
        assert_eq!(
            answer["closed_set_label"], row["closed_set_label"],
            "{file}"
        );
        assert!(answer["gate"]["p_value"].is_number() && answer["gate"]["n"].is_number());
    }
}

#[test]
fn the_report_shows_training_and_test_and_takes_further_judgements() {
    let bench = &trained().bench;
    let page = fs::read_to_string(bench.path("report.html")).unwrap();
    for part in [
        "Judgement: test",
        "Judgement: training",
        "Learning-rate schedule",
        "Gate scores",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.len() < 6_000_000);
    let report = Bench::new();
    fs::copy(bench.path("report.json"), report.path("r.json")).unwrap();
    let evaluate = [
        "evaluate",
        "--bundle",
        &path("model"),
        "--manifest",
        &path("train.csv"),
        "--report",
        "r.html",
    ];
    report.run(&evaluate).succeeds();
    let page = fs::read_to_string(report.path("r.html")).unwrap();
    assert!(page.contains("Judgement: train</h2>"));
}

#[test]
fn describe_shows_the_gate_of_a_bundle() {
    let answer = Bench::new()
        .run(&["describe", "--bundle", &path("model")])
        .succeeds();
    assert!(
        answer.out.contains("15,018") && answer.out.contains("DIME, k = 5"),
        "{}",
        answer.out
    );
}

#[test]
fn features_come_in_the_order_of_the_manifest() {
    let bench = Bench::new();
    let arguments = [
        "featurize",
        "--bundle",
        &path("model"),
        "--manifest",
        &path("test.csv"),
        "--out",
        "f.csv",
    ];
    bench.run(&arguments).succeeds();
    let features = fs::read_to_string(bench.path("f.csv")).unwrap();
    let manifest = fs::read_to_string(path("test.csv")).unwrap();
    let files = |text: &str| -> Vec<String> {
        text.lines()
            .skip(1)
            .filter_map(|line| line.split(',').next())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(files(&features), files(&manifest));
    assert_eq!(features.lines().next().unwrap().split(',').count(), 4 + 32);
}

/// The digest of a bundle's content.
fn id(bench: &Bench, bundle: &str) -> String {
    let text = fs::read_to_string(bench.path(bundle).join("bundle.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    document["id"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_same_choices_give_the_same_bundle_with_and_without_checkpoints() {
    let bench = Bench::new();
    let manifest = path("train.csv");
    let train = |bundle: &str, more: &[&str]| {
        let mut arguments = vec!["train", "--manifest", &manifest, "--bundle", bundle];
        arguments.extend(MODEL);
        arguments.extend(more);
        bench.run(&arguments)
    };
    train("first", &[]).succeeds();
    train(
        "second",
        &["--checkpoint", "state", "--tensorboard", "logs"],
    )
    .succeeds();
    assert_eq!(id(&bench, "first"), id(&bench, "second"));
    assert!(fs::read_dir(bench.path("logs")).unwrap().next().is_some());
    train("third", &["--checkpoint", "state"]).fails(73, &["--resume"]);
    train("third", &["--checkpoint", "state", "--resume"]).succeeds();
    assert_eq!(id(&bench, "first"), id(&bench, "third"));
}

#[test]
fn rates_and_schedules_are_shown_side_by_side() {
    let bench = Bench::new();
    let manifest = path("train.csv");
    let mut compare = vec![
        "compare-clr",
        "--manifest",
        &manifest,
        "--report",
        "c.html",
        "--json",
    ];
    compare.extend([
        "--model",
        "cnn1d",
        "--variant",
        "small-gap",
        "--epochs",
        "3",
    ]);
    compare.extend(["--lr-bounds", "1e-4,1e-2"]);
    let answer = bench.run(&compare).succeeds().json();
    assert_eq!(answer["runs"].as_array().map(Vec::len), Some(3));
    let page = fs::read_to_string(bench.path("c.html")).unwrap();
    assert!(page.contains("triangular2") && page.contains("Learning-rate schedule"));
}

#[test]
fn a_benchmark_has_a_row_per_round_and_class() {
    let bench = Bench::new();
    let manifest = path("train.csv");
    let mut arguments = vec![
        "benchmark",
        "--manifest",
        &manifest,
        "--protocol",
        "counts",
        "--counts",
        "1e5,1e4",
        "--holdout",
        "0.3",
        "--json",
        "b.json",
    ];
    arguments.extend(MODEL);
    let answer = bench.run(&arguments).succeeds();
    assert!(
        answer.out.contains("10000 counts") && answer.out.contains("TEFF"),
        "{answer:#?}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(bench.path("b.json")).unwrap()).unwrap();
    assert_eq!(json["rounds"].as_array().map(Vec::len), Some(3));
    let wrong = [
        "benchmark",
        "--manifest",
        &manifest,
        "--protocol",
        "random",
        "--counts",
        "1e4",
    ];
    bench.run(&wrong).fails(64, &["--counts", "random"]);
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_a_run_with_130_and_leaves_nothing() {
    use std::{io::Read, process::Command, process::Stdio};
    let bench = Bench::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_openassay"))
        .args([
            "train",
            "--manifest",
            &path("train.csv"),
            "--bundle",
            "model",
            "--model",
            "cnn1d",
        ])
        .args([
            "--lr-bounds",
            "1e-5,1e-4",
            "--epochs",
            "100000",
            "--validation",
            "none",
        ])
        .current_dir(bench.path("."))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The run says on standard error when it has read the spectra; then it is well under way.
    let mut err = child.stderr.take().unwrap();
    let mut said = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&said).contains("reading spectra") {
        assert_eq!(
            err.read(&mut byte).unwrap(),
            1,
            "{}",
            String::from_utf8_lossy(&said)
        );
        said.push(byte[0]);
    }
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("cancelled"), "{rest}");
    assert_eq!(bench.names(), Vec::<String>::new());
}

/// Where the converted bases lie in this checkout.
fn bases() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.openassay/bases");
    folder
        .join("efficientnet-lite0.safetensors")
        .is_file()
        .then_some(folder)
}

#[test]
fn a_model_on_images_of_a_base_is_trained_and_answers() {
    let Some(bases) = bases() else {
        eprintln!("skipped: efficientnet-lite0 is not converted; run `cargo xtask setup`");
        return;
    };
    let bench = Bench::new();
    let (bases, manifest) = (bases.to_string_lossy().into_owned(), path("train.csv"));
    let arguments = [
        "train",
        "--manifest",
        &manifest,
        "--bundle",
        "model",
        "--bases-dir",
        &bases,
        "--image-size",
        "64",
        "--epochs",
        "2",
        "--validation",
        "none",
        "--k",
        "5",
        "--json",
    ];
    let answer = bench.run(&arguments).succeeds().json();
    assert_eq!(answer["outcome"]["finder"]["given"], false);
    let evaluate = [
        "evaluate",
        "--bundle",
        "model",
        "--manifest",
        &path("test.csv"),
        "--json",
    ];
    assert_eq!(bench.run(&evaluate).succeeds().json()["known_total"], 10);
}
