//! The services in one process, through the command line and over real gRPC: jobs, answers that
//! are the same on every way, a killed process that loses nothing, an end in order.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_e2e::{server::Server, tool};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

/// Leases that run out soon, so that a job of a killed process goes on soon.
const SOON: [&str; 4] = [
    "--set",
    "storage.lease_s=5",
    "--set",
    "control.sweep_every_ms=200",
];

/// A quick training on given rates.
const TRAINING: &str = r#"{
    "model": {"kind": "cnn1d", "variant": {"small_gap": {"pool": 8}}},
    "schedule": {"bounds": {"base": 0.001, "max": 0.01}},
    "gate": {"candidates": [2, 4], "folds": 3},
    "validation": {"from": "none"},
    "epochs": 20
}"#;

fn collection(folder: &Path) {
    let simulate = [
        "simulate",
        "--out",
        "data",
        "--known",
        "4",
        "--unknown",
        "2",
        "--seed",
        "3",
    ];
    tool::run(folder, &simulate).unwrap();
    fs::write(folder.join("training.json"), TRAINING).unwrap();
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn submit_training(server: &Server, folder: &Path, more: &[&str]) -> Value {
    let submit = [
        "submit",
        "train",
        "--manifest",
        "data/manifest.csv",
        "--json",
    ];
    let with = ["--specification", "training.json", "--promote"];
    json(
        &server
            .run(folder, &[&submit, &with[..], more].concat())
            .unwrap(),
    )
}

/// The bundle that the alias production points to.
fn production(server: &Server, folder: &Path) -> String {
    let models = json(&server.run(folder, &["models", "list", "--json"]).unwrap());
    let model = &models[0];
    let version = &model["aliases"]["production"];
    let versions = model["versions"].as_array().unwrap();
    let served = versions.iter().find(|v| v["version"] == *version).unwrap();
    served["bundle"].as_str().unwrap().to_owned()
}

fn without_timings(mut answer: Value) -> Value {
    answer.as_object_mut().unwrap().remove("timings");
    answer
}

#[test]
fn every_way_gives_the_same_answers_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection(folder);
    let server = Server::start(folder, &[]).unwrap();
    let job = submit_training(&server, folder, &["--wait", "--out", "trained"]);
    assert_eq!(job["state"], "succeeded");
    assert!(folder.join("trained/report.html").is_file());
    server
        .run(folder, &["models", "pull", "default", "--bundle", "pulled"])
        .unwrap();

    let manifest = fs::read_to_string(folder.join("data/manifest.csv")).unwrap();
    let files: Vec<String> = manifest
        .lines()
        .skip(1)
        .map(|line| format!("data/{}", line.split(',').next().unwrap()))
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let here = tool::run(
        folder,
        &[&["identify", "--bundle", "pulled", "--json"], &files[..]].concat(),
    );
    let there = ["identify", "--server", &server.url, "--json"];
    let there = tool::run(folder, &[&there, &files[..]].concat());
    let (here, there) = (json(&here.unwrap()), json(&there.unwrap()));

    let batch = [
        "submit",
        "identify",
        "--wait",
        "--out",
        "batch",
        "--manifest",
    ];
    server
        .run(folder, &[&batch[..], &["data/manifest.csv"]].concat())
        .unwrap();
    let lines = fs::read_to_string(folder.join("batch/results.jsonl")).unwrap();
    let rows: BTreeMap<String, Value> = lines
        .lines()
        .map(json)
        .map(|row| {
            (
                row["spectrum"].as_str().unwrap().to_owned(),
                row["answer"].clone(),
            )
        })
        .collect();
    let here = here.as_array().unwrap();
    assert_eq!(here.len(), files.len());
    for (here, there) in here.iter().zip(there.as_array().unwrap()) {
        let here = without_timings(here.clone());
        assert_eq!(here, without_timings(there.clone()));
        let row = &rows[here["spectrum"].as_str().unwrap()];
        for (field, value) in row.as_object().unwrap() {
            if field != "timings" {
                assert_eq!(*value, here[field], "{field}");
            }
        }
        for field in ["verdict", "class_probabilities", "gate"] {
            assert!(row.get(field).is_some(), "{field} is missing in {row}");
        }
    }

    let explain = [
        "submit", "explain", "--wait", "--out", "why", files[0], files[1],
    ];
    server.run(folder, &explain).unwrap();
    let explained = fs::read_to_string(folder.join("why/results.jsonl")).unwrap();
    assert_eq!(explained.lines().count(), 2);
    for row in explained.lines().map(json) {
        let spectrum = row["spectrum"].as_str().unwrap();
        assert_eq!(row["answer"]["gate"], rows[spectrum]["gate"]);
    }
    assert!(server.terminate().unwrap().success());
}

#[test]
fn a_killed_server_loses_no_job_and_its_training_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection(folder);
    let server = Server::start(folder, &SOON).unwrap();
    submit_training(&server, folder, &["--wait"]);
    let expected = production(&server, folder);
    let jobs: Vec<String> = (0..6)
        .map(|n| {
            let key = format!("training {n}");
            let job = submit_training(&server, folder, &["--idempotency-key", &key]);
            job["id"].as_str().unwrap().to_owned()
        })
        .collect();
    server.kill().unwrap();
    let server = Server::start(folder, &SOON).unwrap();
    // Killed again while one of them runs.
    server.run(folder, &["watch", &jobs[0]]).unwrap();
    server.kill().unwrap();
    let server = Server::start(folder, &SOON).unwrap();
    for id in &jobs {
        let job = json(&server.run(folder, &["watch", id, "--json"]).unwrap());
        assert_eq!(
            (&job["state"], &job["error"]),
            (&"succeeded".into(), &Value::Null)
        );
        assert_eq!(job["summary"]["bundle"], expected.as_str());
    }
    // The same key after two crashes is still the same job.
    let again = submit_training(&server, folder, &["--idempotency-key", "training 3"]);
    assert_eq!(again["id"], jobs[3].as_str());
    let all = json(&server.run(folder, &["jobs", "list", "--json"]).unwrap());
    assert_eq!(all.as_array().unwrap().len(), jobs.len() + 1);
    let models = json(&server.run(folder, &["models", "list", "--json"]).unwrap());
    let versions = models[0]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), jobs.len() + 1, "one version for every job");
    assert!(
        versions
            .iter()
            .all(|version| version["bundle"] == expected.as_str())
    );
}

#[test]
fn the_end_in_order_hands_running_jobs_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection(folder);
    let long = TRAINING.replace("\"epochs\": 20", "\"epochs\": 100000");
    fs::write(folder.join("training.json"), long).unwrap();
    let server = Server::start(folder, &[]).unwrap();
    let job = submit_training(&server, folder, &[]);
    let id = job["id"].as_str().unwrap();
    assert!(server.terminate().unwrap().success());
    let server = Server::start(folder, &[]).unwrap();
    let job = json(&server.run(folder, &["jobs", "show", id, "--json"]).unwrap());
    assert!(
        ["queued", "running"].contains(&job["state"].as_str().unwrap()),
        "{job}"
    );
    server
        .run(folder, &["jobs", "cancel", id, "--reason", "test"])
        .unwrap();
    let watched = server.output(folder, &["watch", id, "--json"]).unwrap();
    assert_eq!(watched.status.code(), Some(130));
    let job = json(&String::from_utf8(watched.stdout).unwrap());
    assert_eq!(job["state"], "cancelled");
}

#[test]
fn every_fault_of_a_configuration_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("bad.toml"),
        "[server]\nlisten = 5\n[gates]\nx = 1\n",
    )
    .unwrap();
    let arguments = [
        "serve",
        "--config",
        "bad.toml",
        "--set",
        "storage.lease_s=0",
    ];
    let output = tool::start(folder.path(), &arguments).unwrap();
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8(output.stderr).unwrap();
    for word in ["listen", "gates", "lease_s"] {
        assert!(said.contains(word), "{word} is missing: {said}");
    }
    assert!(!folder.path().join("openassay-data").exists());
}

#[test]
fn what_cannot_be_done_is_told_and_the_server_lives() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::start(folder, &[]).unwrap();
    fs::write(
        folder.join("no.spe"),
        "$SPEC_ID:\nbroken\n$DATA:\n0 3\n1\nNaN\n",
    )
    .unwrap();
    let there = ["identify", "--server", &server.url, "no.spe"];
    for (arguments, code, word) in [
        (&["jobs", "show", "nonsense"][..], 65, "nonsense"),
        (
            &["jobs", "show", "0192f000-0000-7000-8000-000000000000"],
            66,
            "does not exist",
        ),
        (&["models", "describe", "nothing"], 66, "nothing"),
        (&["models", "rollback", "nothing"], 66, "nothing"),
        (&there, 66, "default"),
    ] {
        let output = server.output(folder, arguments).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
    assert_eq!(
        server.run(folder, &["models", "list"]).unwrap(),
        "no models\n"
    );
    let nobody = ["models", "list", "--server", "http://127.0.0.1:1"];
    let output = server.output(folder, &nobody).unwrap();
    assert_eq!(output.status.code(), Some(69));
}
