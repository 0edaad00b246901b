//! The services as programs of their own: the same answers as in one process, and what happens
//! when one of them is gone for a while.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_api::{
    gate::{IdentifyRequest, gate_service_client::GateServiceClient},
    jobs::{JobState, WatchRequest, WatchResponse, job_service_client::JobServiceClient},
    status::retry_after,
};
use assay_e2e::{
    client::{client, connect},
    cluster::{CONTROL, Cluster, EXPLAINER, GATE, INFERENCE, PROGRAMS, TRAINER},
    collection::{self, MANIFEST},
    tool,
};
use assay_servers::{
    rabbitmq::Corner,
    redis::{self, Settings},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};
use tonic::Code;

/// A training on given rates.
fn specification(folder: &Path, epochs: u32) {
    let text = format!(
        r#"{{
            "model": {{"kind": "cnn1d", "variant": {{"small_gap": {{"pool": 8}}}}}},
            "schedule": {{"bounds": {{"base": 0.001, "max": 0.01}}}},
            "gate": {{"candidates": [2, 4], "folds": 3}},
            "validation": {{"from": "none"}},
            "epochs": {epochs}
        }}"#
    );
    fs::write(folder.join("training.json"), text).unwrap();
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Submits the training of the specification in the folder.
fn submit_training(cluster: &Cluster, more: &[&str]) -> Value {
    let submit = ["submit", "train", "--manifest", MANIFEST, "--json"];
    let with = ["--specification", "training.json", "--promote"];
    json(&cluster.run(&[&submit, &with[..], more].concat()).unwrap())
}

fn id(job: &Value) -> &str {
    job["id"].as_str().unwrap()
}

/// Watches a job until an event is what is waited for.
async fn reaches(cluster: &Cluster, id: &str, what: impl Fn(&WatchResponse) -> bool) {
    let channel = connect(&cluster.url(CONTROL)).unwrap();
    let request = WatchRequest {
        id: id.to_owned(),
        after_sequence: 0,
    };
    let mut jobs = client(&channel, JobServiceClient::new);
    let mut events = jobs.watch(request).await.unwrap().into_inner();
    let mut reached = false;
    while let (false, Some(event)) = (reached, events.message().await.unwrap()) {
        reached = what(&event);
    }
    assert!(reached, "the job ended before");
}

fn trains(event: &WatchResponse) -> bool {
    let epoch = event.progress.as_ref().and_then(|p| p.epoch.as_ref());
    epoch.is_some_and(|epoch| epoch.epoch > 20)
}

fn without_timings(mut answer: Value) -> Value {
    answer.as_object_mut().unwrap().remove("timings");
    answer
}

#[test]
fn separate_services_answer_as_the_tool_alone_does() {
    answers_are_the_tools_own(Vec::new());
}

#[test]
fn so_do_services_on_rabbitmq_and_redis() {
    let name = "services on RabbitMQ and Redis";
    let Some(corner) = Corner::find(name).unwrap() else {
        return;
    };
    let Some(store) = redis::private(name, &Settings::durable()).unwrap() else {
        return;
    };
    answers_are_the_tools_own(vec![
        ("OPENASSAY_STORAGE__JOBS_URL", store.url()),
        ("OPENASSAY_STORAGE__QUEUE_URL", corner.url().to_owned()),
        // It may lose everything at any time, so it may share a server with what may not.
        ("OPENASSAY_STORAGE__CACHE_URL", store.url()),
        ("OPENASSAY_STORAGE__PREFIX", corner.prefix().to_owned()),
    ]);
}

/// Trains, identifies and explains through separate programs, and compares with the tool alone.
fn answers_are_the_tools_own(environment: Vec<(&'static str, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collection = collection::simulate(folder, 4, 2).unwrap();
    specification(folder, 20);
    let mut cluster = Cluster::start_in(folder, &[], environment).unwrap();
    // Nothing is served before; inference follows the registry without a new start.
    let job = submit_training(&cluster, &["--wait", "--out", "trained"]);
    assert_eq!(job["state"], "succeeded", "{job}");
    assert!(folder.join("trained/report.html").is_file());
    let pull = ["models", "pull", "default", "--bundle", "pulled"];
    cluster.run(&pull).unwrap();

    let files: Vec<_> = collection
        .spectra
        .iter()
        .map(|listed| format!("data/{}", listed.name))
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let here = ["identify", "--bundle", "pulled", "--json"];
    let here = json(&tool::run(folder, &[&here, &files[..]].concat()).unwrap());
    let there = ["identify", "--server", &cluster.url(GATE), "--json"];
    let there = json(&cluster.run(&[&there, &files[..]].concat()).unwrap());
    let batch = ["submit", "identify", "--manifest", MANIFEST];
    let wait = ["--wait", "--out", "batch"];
    cluster.run(&[&batch[..], &wait].concat()).unwrap();
    let rows = rows(&folder.join("batch/results.jsonl"));

    let here = here.as_array().unwrap();
    assert_eq!(here.len(), files.len());
    for (here, there) in here.iter().zip(there.as_array().unwrap()) {
        let here = without_timings(here.clone());
        assert_eq!(here, without_timings(there.clone()));
        let row = &rows[here["spectrum"].as_str().unwrap()]["answer"];
        for field in ["verdict", "class_probabilities", "gate", "bundle"] {
            assert_eq!(row[field], here[field], "{field}");
            assert!(!row[field].is_null(), "{field} is missing in {row}");
        }
    }

    let explain = ["submit", "explain", "--wait", "--out", "why"];
    cluster.run(&[&explain, &files[..2]].concat()).unwrap();
    let explained = self::rows(&folder.join("why/results.jsonl"));
    assert_eq!(explained.len(), 2);
    for (spectrum, row) in &explained {
        assert_eq!(row["answer"]["gate"], rows[spectrum]["answer"]["gate"]);
    }

    // Control takes no spectra, and the tool says which address it lacks.
    let mut lost = cluster.tool(&["submit", "identify", files[0]]).unwrap();
    let lost = lost.env_remove("OPENASSAY_INGEST_SERVER").output().unwrap();
    let said = String::from_utf8(lost.stderr).unwrap();
    assert_eq!(lost.status.code(), Some(69), "{said}");
    assert!(said.contains("--ingest-server"), "{said}");

    for program in PROGRAMS.into_iter().rev() {
        let status = cluster.terminate(program).unwrap();
        assert_eq!(status.code(), Some(0), "{program}");
    }
}

#[test]
fn an_address_that_is_none_is_told_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    for (program, addresses) in [
        (GATE, &["inference_url=here", "control_url=ftp://there"][..]),
        (EXPLAINER, &["inference_url=", "control_url=host:50051"]),
        (TRAINER, &["control_url="]),
    ] {
        let settings = addresses.iter().flat_map(|address| ["--set", address]);
        let output = Command::new(tool::program(program).unwrap())
            .args(settings)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{program}: {said}");
        for address in addresses {
            let (key, _) = address.split_once('=').unwrap();
            assert!(said.contains(&format!("{key}: ")), "{program}: {said}");
        }
        assert!(said.contains("http://host:port"), "{program}: {said}");
    }
}

/// The rows of a batch by the digest of their spectrum.
fn rows(results: &Path) -> BTreeMap<String, Value> {
    let lines = fs::read_to_string(results).unwrap();
    let rows = lines.lines().map(json);
    rows.map(|row| (row["spectrum"].as_str().unwrap().to_owned(), row))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_trainer_began_another_one_finishes_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection::simulate(folder, 4, 2).unwrap();
    // Long enough to be still at work when it is looked at for the first time, on any machine.
    specification(folder, 1000);
    let settings = [
        (CONTROL, "storage.lease_s=3"),
        (CONTROL, "control.sweep_every_ms=200"),
        (TRAINER, "trainer.checkpoint_every_steps=10"),
    ];
    let mut cluster = Cluster::start(folder, &settings).unwrap();
    let whole = submit_training(&cluster, &["--wait"]);
    let broken = submit_training(&cluster, &[]);
    reaches(&cluster, id(&broken), trains).await;
    cluster.kill(TRAINER).unwrap();
    cluster.begin(TRAINER).unwrap();
    let watched = cluster.run(&["watch", id(&broken), "--json"]).unwrap();
    let broken = json(&watched);
    assert_eq!(broken["state"], "succeeded", "{broken}");
    assert!(broken["attempt"].as_u64().unwrap() >= 2, "{broken}");
    assert_eq!(broken["summary"]["bundle"], whole["summary"]["bundle"]);
    assert!(whole["summary"]["bundle"].is_string(), "{whole}");
    // It went on from a checkpoint: no worker after the first one began with the first epoch.
    let begun = first_epochs(&events(&cluster, id(&broken)).await);
    let (first, later) = begun.split_first().unwrap();
    assert_eq!(*first, 1, "{begun:?}");
    assert!(later.iter().all(|epoch| *epoch > 10), "{begun:?}");
    assert!(!later.is_empty(), "{begun:?}");
}

/// All events of a job that is over.
async fn events(cluster: &Cluster, id: &str) -> Vec<WatchResponse> {
    let channel = connect(&cluster.url(CONTROL)).unwrap();
    let request = WatchRequest {
        id: id.to_owned(),
        after_sequence: 0,
    };
    let mut jobs = client(&channel, JobServiceClient::new);
    let mut stream = jobs.watch(request).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(event) = stream.message().await.unwrap() {
        events.push(event);
    }
    events
}

/// The epoch that each attempt told of first.
fn first_epochs(events: &[WatchResponse]) -> Vec<u32> {
    let attempts = events.split(|event| event.progress.is_none() && !event.warning);
    let first = attempts.filter_map(|attempt| {
        let epochs = attempt.iter().filter_map(|event| event.progress.as_ref());
        epochs.filter_map(|progress| progress.epoch.as_ref()).next()
    });
    first.map(|epoch| epoch.epoch).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn control_may_be_gone_while_workers_wait_and_while_they_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection::simulate(folder, 4, 2).unwrap();
    // The lease outlasts the absence, so the trainer must find its way back to its own job.
    let settings = [(CONTROL, "storage.lease_s=600")];
    let mut cluster = Cluster::start(folder, &settings).unwrap();
    cluster.kill(CONTROL).unwrap();
    cluster.begin(CONTROL).unwrap();

    specification(folder, 1_000_000);
    let endless = submit_training(&cluster, &[]);
    reaches(&cluster, id(&endless), trains).await;
    cluster.run(&["jobs", "cancel", id(&endless)]).unwrap();
    let watched = cluster.output(&["watch", id(&endless), "--json"]).unwrap();
    assert_eq!(watched.status.code(), Some(130));
    let endless = json(&String::from_utf8(watched.stdout).unwrap());
    assert_eq!(endless["state"], "cancelled");

    // The trainer is free again.
    specification(folder, 600);
    let job = submit_training(&cluster, &[]);
    let mut watch = cluster.tool(&["watch", id(&job), "--json"]).unwrap();
    let watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped());
    let watch = watch.spawn().unwrap();
    reaches(&cluster, id(&job), trains).await;
    cluster.kill(CONTROL).unwrap();
    cluster.begin(CONTROL).unwrap();
    // Whoever watched before goes on watching, too.
    let watched = watch.wait_with_output().unwrap();
    assert!(watched.status.success(), "{watched:?}");
    let job = json(&String::from_utf8(watched.stdout).unwrap());
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(job["attempt"], 1, "{job}");
    for program in [TRAINER, CONTROL] {
        assert_eq!(cluster.terminate(program).unwrap().code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_inference_the_gate_says_when_to_come_back_and_jobs_wait() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collection = collection::simulate(folder, 4, 2).unwrap();
    collection::train(folder).unwrap();
    let mut cluster = Cluster::start(folder, &[]).unwrap();
    let push = [
        "models",
        "push",
        "--bundle",
        collection::BUNDLE,
        "--promote",
    ];
    cluster.run(&push).unwrap();
    let gate = connect(&cluster.url(GATE)).unwrap();
    let mut gate = client(&gate, GateServiceClient::new);
    let spectrum = |at: usize| IdentifyRequest {
        content: collection.spectra[at].content.clone(),
        ..IdentifyRequest::default()
    };
    let before = gate.identify(spectrum(0)).await.unwrap().into_inner();

    cluster.kill(INFERENCE).unwrap();
    for at in 0..3 {
        let refused = gate.identify(spectrum(at)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert!(retry_after(&refused).is_some(), "{refused:?}");
        assert!(refused.message().contains("inference"), "{refused:?}");
    }
    let file = format!("data/{}", collection.spectra[0].name);
    let identify = ["identify", "--server", &cluster.url(GATE), &file];
    let refused = cluster.output(&identify).unwrap();
    assert_eq!(refused.status.code(), Some(69), "{refused:?}");
    let submit = ["submit", "identify", "--name", &before.bundle, "--json"];
    let batch = ["--manifest", MANIFEST];
    let batch = json(&cluster.run(&[&submit[..], &batch].concat()).unwrap());
    reaches(&cluster, id(&batch), |event| {
        event.state() == JobState::Running
    })
    .await;

    cluster.begin(INFERENCE).unwrap();
    let after = gate.identify(spectrum(0)).await.unwrap().into_inner();
    assert_eq!(after.gate_score.to_bits(), before.gate_score.to_bits());
    assert_eq!(after.class_probabilities, before.class_probabilities);
    cluster.run(&identify).unwrap();
    let watched = cluster.run(&["watch", id(&batch), "--json"]).unwrap();
    assert_eq!(json(&watched)["state"], "succeeded", "{watched}");
}
