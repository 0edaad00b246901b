//! A client in Python, made of the files in `proto/` alone, gets from the server what the tool
//! gives.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_e2e::{
    cluster::{CONTROL, Cluster},
    collection::{self, BUNDLE, MANIFEST},
    foreign,
    server::Server,
    tool,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, ffi::OsStr, path::Path, thread};

/// Requests at a time.
const PLACES: u64 = 8;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What the tool says about files, by the name of the spectrum.
fn answers(folder: &Path, files: &[&str]) -> BTreeMap<String, Value> {
    let identify = ["identify", "--bundle", BUNDLE, "--json"];
    let told = tool::run(folder, &[&identify, files].concat()).unwrap();
    let answers = json(&told).as_array().unwrap().clone();
    answers
        .into_iter()
        .map(|answer| (answer["spectrum"].as_str().unwrap().to_owned(), answer))
        .collect()
}

/// One answer as Python got it over the wire, against the tool's own: to the last bit.
#[track_caller]
fn assert_same(python: &Value, expected: &BTreeMap<String, Value>) {
    let expected = &expected[python["spectrum"].as_str().unwrap()];
    let label = match expected["verdict"].as_str().unwrap() {
        "unknown" => "UNKNOWN",
        _ => expected["label"].as_str().unwrap(),
    };
    assert_eq!(python["answer"], label);
    assert_eq!(python["best_class"], expected["closed_set_label"]);
    assert_eq!(python["gate_score"], expected["gate"]["score"]);
    assert_eq!(python["p_value"], expected["gate"]["p_value"]);
    assert_eq!(python["bundle"], expected["bundle"]);
    let classes = expected["class_probabilities"].as_array().unwrap();
    let probabilities = python["probabilities"].as_object().unwrap();
    assert_eq!(probabilities.len(), classes.len());
    for class in classes {
        let label = class["label"].as_str().unwrap();
        // The wire has 32 bits, Python 64, and JSON decimal digits of either.
        let [python, tool] = [&probabilities[label], &class["probability"]]
            .map(|value| value.as_f64().unwrap() as f32);
        assert_eq!(python.to_bits(), tool.to_bits(), "{label}");
    }
}

#[test]
fn a_python_client_gets_what_the_tool_gives() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collection = collection::simulate(folder, 4, 2).unwrap();
    collection::train(folder).unwrap();
    let places = format!("server.max_in_flight={PLACES}");
    let server = Server::start(folder, &["--set", &places]).unwrap();
    let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
    server.run(folder, &push).unwrap();

    let names = collection.spectra.iter().map(|listed| &listed.name);
    let names: Vec<String> = names.map(|name| format!("data/{name}")).collect();
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    let expected = answers(folder, &files);
    let manifest = folder.join(MANIFEST);
    let options = ["--server", &server.url, "--overload"].map(OsStr::new);
    let arguments = options.into_iter().chain([manifest.as_os_str()]);
    let Some(printed) = foreign::python("gRPC from Python", "client.py", arguments).unwrap() else {
        return;
    };
    let told = json(&printed);

    assert_eq!(told["health"], "SERVING");
    let services = told["services"].as_array().unwrap();
    for service in [
        "grpc.health.v1.Health",
        "openassay.datasets.v1.DatasetService",
        "openassay.explain.v1.ExplainService",
        "openassay.gate.v1.GateService",
        "openassay.inference.v1.InferenceService",
        "openassay.ingest.v1.IngestService",
        "openassay.jobs.v1.JobService",
        "openassay.registry.v1.RegistryService",
    ] {
        assert!(
            services.contains(&service.into()),
            "{service}: {services:?}"
        );
    }
    assert_eq!(told["file_came_back"], true);
    assert_eq!(told["numbers_came_back"], true);
    assert_eq!(told["calibration_kev"], json!([0.5, 2.7]));
    assert_eq!(told["total_counts"].as_array().unwrap().len(), files.len());

    let answered = told["answers"].as_array().unwrap();
    assert_eq!(answered.len(), files.len());
    let streamed = told["stream"].as_array().unwrap();
    assert_eq!(streamed.len(), files.len() + 1);
    let refused = streamed[0][1].as_str().unwrap();
    assert!(refused.contains("0000"), "{refused}");
    for (at, (answer, streamed)) in answered.iter().zip(&streamed[1..]).enumerate() {
        assert_same(answer, &expected);
        assert_eq!(*streamed, json!([(at + 1).to_string(), answer]));
    }
    check_explanation(&told["explanation"], &answered[0]);
    check_jobs(&told, &expected);
    check_errors(&told);
    assert_eq!(told["overload"]["answer"], answered[0]);
    assert!(server.terminate().unwrap().success());
}

#[test]
fn a_watch_in_python_outlives_the_server_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection::simulate(folder, 4, 2).unwrap();
    let long = ["--validation", "none", "--epochs", "600"];
    let model = ["--model", "cnn1d", "--variant", "small-gap"];
    let rates = ["--lr-bounds", "0.001,0.01", "--k", "4", "--json"];
    let mut cluster = Cluster::start(folder, &[]).unwrap();
    let submit = ["submit", "train", "--manifest", MANIFEST];
    let job = cluster.run(&[&submit[..], &long, &model, &rates].concat());
    let job = json(&job.unwrap())["id"].as_str().unwrap().to_owned();
    let arguments = [
        "--server".into(),
        cluster.url(CONTROL),
        "--watch".into(),
        job,
    ];
    let python = || foreign::python("a watch in Python", "client.py", arguments);
    let watched = thread::scope(|scope| {
        let watching = scope.spawn(python);
        for _ in 0..5 {
            cluster.kill(CONTROL).unwrap();
            cluster.begin(CONTROL).unwrap();
            cluster.run(&["models", "list"]).unwrap();
        }
        watching.join().unwrap().unwrap()
    });
    let Some(watched) = watched else { return };
    let events = json(&watched).as_array().unwrap().clone();
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event[0], at + 1, "{watched}");
    }
    assert_eq!(events.last().unwrap()[1], "JOB_STATE_SUCCEEDED");
}

fn check_explanation(explanation: &Value, answer: &Value) {
    assert_eq!(explanation["answer"], *answer);
    assert_eq!(explanation["label"], answer["best_class"]);
    let numbers = |value: &Value| -> Vec<f64> {
        let values = value.as_array().unwrap().iter();
        values.map(|value| value.as_f64().unwrap()).collect()
    };
    let energy_kev = numbers(&explanation["energy_kev"]);
    assert!(energy_kev.is_sorted_by(|a, b| a < b));
    assert_eq!(numbers(&explanation["importance"]).len(), energy_kev.len());
    let regions = explanation["regions"].as_array().unwrap();
    assert!((1..=3).contains(&regions.len()), "{regions:?}");
    for region in regions.iter().map(numbers) {
        let [from_kev, peak_kev, to_kev, share] = <[f64; 4]>::try_from(region).unwrap();
        assert!(from_kev <= peak_kev && peak_kev <= to_kev, "{peak_kev}");
        assert!((0.0..=1.0).contains(&share), "{share}");
        assert!(energy_kev.contains(&peak_kev), "{peak_kev}");
    }
}

fn check_jobs(told: &Value, expected: &BTreeMap<String, Value>) {
    let batch = &told["batch"];
    assert_eq!(batch["state"], "JOB_STATE_SUCCEEDED");
    assert_eq!(batch["created_again"], false);
    let sequences = batch["sequences"].as_array().unwrap();
    let whole: Vec<Value> = (1..=sequences.len()).map(Value::from).collect();
    assert_eq!(*sequences, whole, "a watch that goes on leaves no gap");
    assert_eq!(batch["sequences_of_all"], batch["sequences"]);
    let results = batch["results"].as_array().unwrap();
    assert_eq!(results.len(), expected.len());
    for row in results {
        let expected = &expected[row["spectrum"].as_str().unwrap()];
        assert_eq!(row["answer"]["gate"], expected["gate"]);
    }
    let cancelled = &told["cancelled"];
    assert_eq!(cancelled["state"], "JOB_STATE_CANCELLED");
    assert_eq!(cancelled["deadline"]["code"], "DEADLINE_EXCEEDED");
}

fn check_errors(told: &Value) {
    let errors = &told["errors"];
    let fields = |name: &str| -> Vec<String> {
        let fields = errors[name]["fields"].as_object().unwrap();
        fields.keys().cloned().collect()
    };
    assert_eq!(errors["no_spectrum"]["code"], "INVALID_ARGUMENT");
    assert_eq!(fields("no_spectrum"), ["content"]);
    assert_eq!(errors["bad_numbers"]["code"], "INVALID_ARGUMENT");
    assert_eq!(fields("bad_numbers"), ["calibration_kev", "live_time_s"]);
    assert_eq!(errors["not_there"]["code"], "NOT_FOUND");
    assert_eq!(errors["not_there"]["reason"], "NOT_FOUND");
    assert_eq!(errors["too_large"]["code"], "RESOURCE_EXHAUSTED");
    assert_eq!(errors["too_large"]["reason"], "MESSAGE_TOO_LARGE");
    let overload = &told["overload"];
    let refused = &overload["refused"];
    assert_eq!(refused["code"], "RESOURCE_EXHAUSTED", "{refused}");
    assert!(
        refused["retry_after_s"].as_f64().unwrap() > 0.0,
        "{refused}"
    );
    // The request before may still have its place for a moment.
    let places = overload["places"].as_u64().unwrap();
    assert!((1..=PLACES).contains(&places), "{overload}");
    assert_eq!(overload["further"], 0);
}
