//! One trace from the command line through the services, the queue and the worker of a job to the
//! stores; and collectors that do not do what they should.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;
mod tree;

use assay_api::{
    gate::{DescribeGateRequest, gate_service_client::GateServiceClient},
    openassay::registry::v1::{ListModelsRequest, registry_service_client::RegistryServiceClient},
};
use assay_e2e::{
    client,
    cluster::{CONTROL, Cluster, GATE, INFERENCE, INGEST, PROGRAMS},
    collection::{self, BUNDLE, MANIFEST},
    metrics::Metrics,
    server::Server,
    tool,
};
use collector::{Collector, TOKEN, hanging};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};
use tree::Tree;

const SUBMIT: &str = "openassay.jobs.v1.JobService/Submit";
const FEATURES: &str = "openassay.inference.v1.InferenceService/Features";
const PUT: &str = "openassay.ingest.v1.IngestService/PutFile";
const ROOT: &str = "openassay submit identify";

/// A small training.
const TRAINING: &str = r#"{
    "model": {"kind": "cnn1d", "variant": {"small_gap": {"pool": 8}}},
    "schedule": {"bounds": {"base": 0.001, "max": 0.01}},
    "gate": {"candidates": [2, 4], "folds": 3},
    "validation": {"from": "none"},
    "epochs": 20
}"#;

/// Kinds of spans, by the protocol.
const SERVER: i32 = 2;
const CLIENT: i32 = 3;

/// Longest time for the end of a server; its grace is shorter.
const GUARD: Duration = Duration::from_secs(120);

/// Simulates spectra below a folder, and puts a model of them where a server finds it.
fn prepare(folder: &Path) {
    collection::simulate(folder, 2, 1).unwrap();
    collection::train(folder).unwrap();
    let server = Server::start(folder, &[]).unwrap();
    let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
    server.run(folder, &push).unwrap();
    assert!(server.terminate().unwrap().success());
}

/// The tool as somebody with a collector runs it.
fn traced(mut command: Command, collector: &str) -> Output {
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
        .output()
        .unwrap()
}

fn tool_of(server: &Server, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(tool::executable().unwrap());
    command
        .args(arguments)
        .env("OPENASSAY_SERVER", &server.url)
        .current_dir(folder);
    command
}

fn succeeded(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// What the trace of a submitted batch has, however the services run.
fn check(tree: &Tree) {
    let root = tree.root();
    assert_eq!(root.name, ROOT);
    assert_eq!(root.process["deployment.environment"], "test");
    assert_eq!(root.process["service.version"], env!("CARGO_PKG_VERSION"));
    // The client's span, the server's below it, and what the server did.
    tree.has(&[ROOT, "item", PUT, PUT, "blobs.put"]);
    tree.has(&[ROOT, SUBMIT, SUBMIT, "job_store.submit"]);
    tree.has(&[ROOT, SUBMIT, SUBMIT, "queue.publish"]);
    tree.has(&[SUBMIT, SUBMIT, "job.claim", "job_store.claim"]);
    tree.has(&[SUBMIT, SUBMIT, "job.claim", "queue.acknowledge"]);
    tree.has(&[SUBMIT, SUBMIT, "job identify", "item", "read"]);
    tree.has(&["job identify", "item", "blobs.get"]);
    tree.has(&["job identify", "item", "gate"]);
    tree.has(&["inference.features", "model.run"]);
    tree.has(&["job identify", "blobs.put"]);
    let named = |name: &str, kind: i32| {
        let spans = tree.spans().filter(|span| span.name == name);
        spans.filter(|span| span.kind == kind).count()
    };
    assert_eq!((named(SUBMIT, CLIENT), named(SUBMIT, SERVER)), (1, 1));
    let jobs = tree.spans().filter(|span| span.name == "job identify");
    assert_eq!(jobs.count(), 1);
    // Of 23 files that were sent, and of as many rows.
    let items = tree.spans().filter(|span| span.name == "item");
    let numbers = items.map(|span| span.attributes["number"].as_str());
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    let once = ["1", "16", "2", "4", "8"];
    assert_eq!(numbers, once.map(|number| [number; 2]).concat());
}

#[test]
fn a_job_is_one_trace_in_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let collector = Collector::start();
    let endpoint = format!("telemetry.otlp_endpoint={}", collector.url);
    let server = Server::start(folder, &["--set", &endpoint]).unwrap();
    let submit = ["submit", "identify", "--manifest", MANIFEST, "--wait"];
    let output = traced(tool_of(&server, folder, &submit), &collector.url);
    succeeded(&output);
    server.ask_to_end().unwrap();
    let ended = server.ended(GUARD).unwrap();
    assert!(ended.status.success(), "{:#?}", ended.log);

    let tree = Tree::of(collector.spans());
    check(&tree);
    tree.has(&["job identify", "item", "features", "inference.features"]);
    tree.has(&["job identify", "job_store.finish"]);
    // The log of the job names the same trace.
    let trace = &tree.root().trace;
    let begun: Vec<_> = ended
        .log
        .iter()
        .filter(|l| l.contains("job begun"))
        .collect();
    assert!(begun.len() == 1 && begun[0].contains(trace), "{begun:?}");
    let lost = ended
        .log
        .iter()
        .find(|line| line.contains("spans are lost"));
    assert_eq!(lost, None);
}

#[test]
fn a_job_is_one_trace_through_separate_services() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let collector = Collector::start();
    let endpoint = format!("telemetry.otlp_endpoint={}", collector.url);
    let settings = PROGRAMS.map(|program| (program, endpoint.as_str()));
    let mut cluster = Cluster::start(folder, &settings).unwrap();
    let submit = ["submit", "identify", "--manifest", MANIFEST, "--wait"];
    let output = traced(cluster.tool(&submit).unwrap(), &collector.url);
    succeeded(&output);
    for program in PROGRAMS.into_iter().rev() {
        let status = cluster.terminate(program).unwrap();
        assert_eq!(status.code(), Some(0), "{program}");
    }

    let tree = Tree::of(collector.spans());
    check(&tree);
    tree.has(&["item", "features", FEATURES, FEATURES, "inference.features"]);
    tree.has(&[
        "job identify",
        "openassay.jobs.v1.WorkerService/Finish",
        "openassay.jobs.v1.WorkerService/Finish",
        "job_store.finish",
    ]);
    for (name, programs) in [
        (ROOT, &["openassay"][..]),
        (SUBMIT, &[CONTROL, "openassay"]),
        (PUT, &[INGEST, "openassay"]),
        ("queue.publish", &[CONTROL]),
        ("job.claim", &[CONTROL]),
        ("job identify", &[GATE]),
        ("gate", &[GATE]),
        (FEATURES, &[GATE, INFERENCE]),
        ("model.run", &[INFERENCE]),
    ] {
        let found: Vec<_> = tree.programs_of(name).into_iter().collect();
        assert_eq!(found, programs, "{name}");
    }
}

#[test]
fn a_training_is_one_trace_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection::simulate(folder, 4, 2).unwrap();
    fs::write(folder.join("training.json"), TRAINING).unwrap();
    let collector = Collector::start();
    let endpoint = format!("telemetry.otlp_endpoint={}", collector.url);
    let server = Server::start(folder, &["--set", &endpoint]).unwrap();
    let submit = ["submit", "train", "--manifest", MANIFEST, "--wait"];
    let submit = [&submit[..], &["--specification", "training.json"]].concat();
    succeeded(&traced(tool_of(&server, folder, &submit), &collector.url));
    assert!(server.terminate().unwrap().success());
    let tree = Tree::of(collector.spans());
    assert_eq!(tree.root().name, "openassay submit train");
    tree.has(&[SUBMIT, SUBMIT, "job train", "dataset", "item", "blobs.get"]);
    tree.has(&["job train", "training"]);
    tree.has(&["job train", "registry.put"]);
    let job = tree.spans().find(|span| span.name == "job train").unwrap();
    assert_eq!(job.attributes["job.outcome"], "succeeded");
}

#[test]
fn an_address_that_is_none_ends_a_server_and_no_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let said = |output: Output| {
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), told)
    };
    let mut serve = Command::new(tool::executable().unwrap());
    serve
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(folder);
    let (code, told) = said(traced(serve, "here"));
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{told}");
    let server = Server::start(folder, &[]).unwrap();
    let list = tool_of(&server, folder, &["models", "list"]);
    let (code, told) = said(traced(list, "here"));
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{told}");
    assert!(server.terminate().unwrap().success());
}

#[test]
fn an_encrypted_collector_is_believed_by_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (collector, certificate) = Collector::encrypted();
    fs::write(folder.join("collector.pem"), certificate).unwrap();
    let server = Server::start(folder, &[]).unwrap();
    let mut list = tool_of(&server, folder, &["models", "list"]);
    succeeded(&traced(list, &collector.url));
    assert!(collector.spans().is_empty(), "nobody knows the certificate");
    list = tool_of(&server, folder, &["models", "list"]);
    list.env("OTEL_EXPORTER_OTLP_CERTIFICATE", "collector.pem");
    list.env("OTEL_EXPORTER_OTLP_HEADERS", format!("{TOKEN}=hunter2"));
    list.env("OTEL_SERVICE_NAME", "my tool");
    succeeded(&traced(list, &collector.url));
    let tree = Tree::of(collector.spans());
    assert_eq!(tree.root().name, "openassay models list");
    assert_eq!(tree.root().program(), "my tool");
    assert_eq!(tree.root().process[TOKEN], "hunter2");
    assert!(server.terminate().unwrap().success());
}

/// Asks for the models with a place in a trace.
async fn ask(server: &Server, trace_parent: Option<&str>) {
    let channel = client::connect(&server.url).unwrap();
    let mut registry = client::client(&channel, RegistryServiceClient::new);
    let mut request = tonic::Request::new(ListModelsRequest {});
    if let Some(parent) = trace_parent {
        let parent = parent.parse().unwrap();
        request.metadata_mut().insert("traceparent", parent);
    }
    registry.list_models(request).await.unwrap();
}

#[test]
fn who_does_not_record_stays_silent_and_the_ratio_is_for_traces_that_begin_here() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start();
    let endpoint = format!("telemetry.otlp_endpoint={}", collector.url);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Of the ratio 1 also the trace of the request without a place, and the tool's.
    for (ratio, traces) in [("1", 3), ("0", 1)] {
        let before = collector.spans().len();
        let ratio = format!("telemetry.trace_sample_ratio={ratio}");
        let settings = ["--set", &endpoint, "--set", &ratio];
        let server = Server::start(folder.path(), &settings).unwrap();
        runtime.block_on(async {
            let silent = "00-11111111111111111111111111111111-2222222222222222-00";
            let recorded = "00-33333333333333333333333333333333-4444444444444444-01";
            for parent in [Some(silent), None, Some(recorded)] {
                ask(&server, parent).await;
            }
        });
        // The tool exports nothing itself, and leaves it to the server.
        server.run(folder.path(), &["models", "list"]).unwrap();
        assert!(server.terminate().unwrap().success());
        let spans = collector.spans().split_off(before);
        let mut found: Vec<_> = spans.iter().map(|span| span.trace.as_str()).collect();
        found.sort_unstable();
        found.dedup();
        assert!(!found.contains(&"1".repeat(32).as_str()), "{spans:#?}");
        assert!(found.contains(&"3".repeat(32).as_str()), "{spans:#?}");
        assert_eq!(found.len(), traces, "{spans:#?}");
        let passed: Vec<_> = spans
            .iter()
            .filter(|s| s.parent == "4".repeat(16))
            .collect();
        assert_eq!(passed.len(), 1, "{spans:#?}");
    }
}

#[test]
fn a_collector_that_hangs_costs_spans_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let collector = hanging();
    let endpoint = format!("telemetry.otlp_endpoint={collector}");
    let grace = "server.shutdown_grace_s=8";
    let settings = ["--set", &endpoint, "--set", grace];
    let server = Server::start(folder, &settings).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // More spans than find room while nothing is taken.
    runtime.block_on(async {
        let channel = client::connect(&server.url).unwrap();
        let mut gate = client::client(&channel, GateServiceClient::new);
        for _ in 0..5000 {
            let request = DescribeGateRequest::default();
            gate.describe_gate(request).await.unwrap();
        }
    });
    succeeded(&traced(
        tool_of(&server, folder, &["models", "list"]),
        &collector,
    ));
    server.ask_to_end().unwrap();
    let ended = server.ended(GUARD).unwrap();
    assert!(ended.status.success(), "{:#?}", ended.log);
    let warnings = ended.log.iter().filter(|l| l.contains("spans are lost"));
    assert_eq!(warnings.count(), 1, "{:#?}", ended.log);
}

#[test]
fn a_collector_that_is_away_is_told_once_and_what_is_lost_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Nobody listens there.
    let endpoint = "telemetry.otlp_endpoint=http://127.0.0.1:1";
    let metrics = "server.metrics_listen=127.0.0.1:0";
    let settings = ["--set", endpoint, "--set", metrics];
    let server = Server::start(folder, &settings).unwrap();
    let page = server.metrics_address().unwrap();
    let lost = || {
        let metrics = Metrics::read(&page).unwrap();
        metrics.get("openassay_trace_spans_lost_total{why=\"not_taken\"}")
    };
    for more in [1.0, 2.0] {
        let before = lost();
        while lost() < before + more {
            server.run(folder, &["models", "list"]).unwrap();
        }
    }
    server.ask_to_end().unwrap();
    let ended = server.ended(GUARD).unwrap();
    assert!(ended.status.success(), "{:#?}", ended.log);
    let warnings = ended.log.iter().filter(|l| l.contains("spans are lost"));
    assert_eq!(warnings.count(), 1, "{:#?}", ended.log);
}

#[test]
fn a_failure_tells_the_trace_to_those_who_want_to_know() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let log = "telemetry.filter=info,assay_runtime=debug";
    let server = Server::start(folder, &["--set", log]).unwrap();
    let show = ["--verbose", "jobs", "show", "no-id"];
    let output = server.output(folder, &show).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let trace = said.lines().find_map(|line| line.strip_prefix("trace: "));
    let trace = trace.unwrap_or_else(|| unreachable!("{said}")).to_owned();
    server.ask_to_end().unwrap();
    let ended = server.ended(GUARD).unwrap();
    // Neither exports anything; the logs can be joined all the same.
    let told = ended.log.iter().filter(|line| line.contains(&trace));
    assert!(told.count() > 0, "{trace} in {:#?}", ended.log);
}
