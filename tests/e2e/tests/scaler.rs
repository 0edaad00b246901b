//! KEDA's questions to a server with jobs that wait and run.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_api::external_scaler::{
    GetMetricsRequest, IsActiveResponse, ScaledObjectRef,
    external_scaler_client::ExternalScalerClient,
};
use assay_e2e::{
    client,
    collection::{self, MANIFEST},
    foreign,
    server::Server,
};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use tonic::{Code, Streaming, transport::Channel};

/// One that does not end by itself.
const TRAINING: &str = r#"{
    "model": {"kind": "cnn1d", "variant": {"small_gap": {"pool": 8}}},
    "schedule": {"bounds": {"base": 0.001, "max": 0.01}},
    "gate": {"candidates": [2, 4], "folds": 3},
    "validation": {"from": "none"},
    "epochs": 100000
}"#;

/// Longest time for the end of the server; its grace is shorter.
const GUARD: Duration = Duration::from_secs(120);

fn workload(lane: &str) -> ScaledObjectRef {
    ScaledObjectRef {
        name: "workers".to_owned(),
        namespace: "openassay".to_owned(),
        scaler_metadata: [("lane".to_owned(), lane.to_owned())].into(),
    }
}

async fn jobs(scaler: &mut ExternalScalerClient<Channel>, lane: &str) -> f64 {
    let request = GetMetricsRequest {
        scaled_object_ref: Some(workload(lane)),
        metric_name: format!("openassay-jobs-{lane}"),
    };
    let answer = scaler.get_metrics(request).await.unwrap().into_inner();
    let [value] = &answer.metric_values[..] else {
        unreachable!("{answer:?}")
    };
    assert_eq!(value.metric_value as f64, value.metric_value_float);
    value.metric_value_float
}

async fn told(changes: &mut Streaming<IsActiveResponse>) -> Option<bool> {
    let message = changes.message().await.unwrap();
    message.map(|message| message.result)
}

/// Submits a training that nobody waits for.
fn submit(server: &Server, folder: &Path) -> String {
    let submit = ["submit", "train", "--manifest", MANIFEST, "--json"];
    let long = ["--specification", "training.json"];
    let told = server.run(folder, &[&submit[..], &long].concat()).unwrap();
    let job: Value = serde_json::from_str(&told).unwrap();
    job["id"].as_str().unwrap().to_owned()
}

#[test]
fn waiting_and_running_jobs_are_counted_and_changes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection::simulate(folder, 4, 2).unwrap();
    fs::write(folder.join("training.json"), TRAINING).unwrap();
    let server = Server::start(folder, &[]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut scaler = runtime.block_on(async {
        client::client(
            &client::connect(&server.url).unwrap(),
            ExternalScalerClient::new,
        )
    });
    let changes = scaler.stream_is_active(workload("train"));
    let mut changes = runtime.block_on(changes).unwrap().into_inner();
    assert_eq!(runtime.block_on(told(&mut changes)), Some(false));
    assert_eq!(runtime.block_on(jobs(&mut scaler, "train")), 0.0);

    // One runs, as there is one worker; the others wait.
    let ids = [(); 3].map(|()| submit(&server, folder));
    assert_eq!(runtime.block_on(told(&mut changes)), Some(true));
    loop {
        let running = ["jobs", "list", "--state", "running", "--json"];
        let running: Value = serde_json::from_str(&server.run(folder, &running).unwrap()).unwrap();
        if running.as_array().unwrap().len() == 1 {
            break;
        }
    }
    assert_eq!(runtime.block_on(jobs(&mut scaler, "train")), 3.0);
    assert_eq!(runtime.block_on(jobs(&mut scaler, "identify")), 0.0);
    from_python(&server);

    for id in &ids {
        server.run(folder, &["jobs", "cancel", id]).unwrap();
    }
    assert_eq!(runtime.block_on(told(&mut changes)), Some(false));
    assert_eq!(runtime.block_on(jobs(&mut scaler, "train")), 0.0);

    // A stream that nobody ends does not keep the server.
    server.ask_to_end().unwrap();
    assert_eq!(runtime.block_on(told(&mut changes)), None);
    let ended = server.ended(GUARD).unwrap();
    assert!(ended.status.success(), "{:#?}", ended.log);
}

fn from_python(server: &Server) {
    let arguments = ["--server", &server.url, "--lane", "train"];
    let Some(printed) = foreign::python("KEDA's client", "scaler.py", arguments).unwrap() else {
        return;
    };
    let told: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(told["metric"], "openassay-jobs-train");
    assert_eq!(told["named"], told["metric"]);
    assert_eq!(told["target"], json!([2, 2.0]));
    assert_eq!(told["value"], json!([3, 3.0]));
    assert_eq!(
        (&told["active"], &told["streamed"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(told["refused"][0], "INVALID_ARGUMENT");
    let said = told["refused"][1].as_str().unwrap();
    assert!(said.contains("lane"), "{said}");
}

#[test]
fn metadata_that_is_wrong_is_refused_by_every_question() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let channel = client::connect(&server.url).unwrap();
        let mut scaler = client::client(&channel, ExternalScalerClient::new);
        let wrong = workload("training");
        let metrics = |object: Option<ScaledObjectRef>, name: &str| GetMetricsRequest {
            scaled_object_ref: object,
            metric_name: name.to_owned(),
        };
        let refused = [
            scaler.is_active(wrong.clone()).await.map(drop),
            scaler.stream_is_active(wrong.clone()).await.map(drop),
            scaler.get_metric_spec(wrong.clone()).await.map(drop),
            scaler.get_metrics(metrics(Some(wrong), "")).await.map(drop),
            scaler.get_metrics(metrics(None, "")).await.map(drop),
            scaler
                .get_metrics(metrics(Some(workload("train")), "openassay-jobs-explain"))
                .await
                .map(drop),
        ];
        for refused in refused {
            let status = refused.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{status}");
            assert!(!status.message().is_empty());
        }
    });
    assert!(server.terminate().unwrap().success());
}
