//! The page of metrics of a server that has worked: every stage is there, and promtool, where there
//! is one, finds nothing in it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_e2e::{
    collection::{self, BUNDLE, MANIFEST},
    metrics::Metrics,
    server::Server,
};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

/// Stages between a file and its answer.
const STAGES: [&str; 7] = ["read", "align", "cache", "queue", "base", "head", "gate"];

/// The page as it is.
fn page(address: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(
        connection,
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// A small model whose features are kept in the cache, which `cnn1d` models do without.
fn train(folder: &Path) {
    let train = ["train", "--validation", "none", "--model", "cnn2d"];
    let small = ["--image-size", "64", "--epochs", "5", "--k", "4"];
    let rates = ["--lr-bounds", "0.001,0.01"];
    let files = ["--manifest", MANIFEST, "--bundle", BUNDLE];
    let arguments = [&train[..], &small, &rates, &files].concat();
    assay_e2e::tool::run(folder, &arguments).unwrap();
}

#[test]
fn every_stage_is_timed_and_promtool_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection::simulate(folder, 2, 1).unwrap();
    train(folder);
    let server = Server::start(folder, &["--set", "server.metrics_listen=127.0.0.1:0"]).unwrap();
    let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
    server.run(folder, &push).unwrap();
    let submit = ["submit", "identify", "--manifest", MANIFEST, "--wait"];
    server.run(folder, &submit).unwrap();
    let address = server.metrics_address().unwrap();
    let metrics = Metrics::read(&address).unwrap();
    for stage in STAGES {
        let timed = |what: &str| {
            let name = format!("openassay_stage_seconds_{what}{{stage=\"{stage}\"}}");
            metrics.get(&name)
        };
        // As many as there are rows, or more.
        assert!(timed("count") >= 23.0, "{stage}: {}", timed("count"));
        assert!(timed("sum") > 0.0, "{stage}");
    }
    let waited = metrics.get("openassay_jobs_queue_wait_seconds_count{lane=\"identify\"}");
    assert!(waited >= 1.0);
    check(&page(&address));
    assert!(server.terminate().unwrap().success());
}

/// Lets promtool read a page.
fn check(page: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = match started {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("SKIPPED promtool check metrics: install prometheus to have it checked");
            return;
        }
        started => started.unwrap(),
    };
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(page.as_bytes()).unwrap();
    drop(input);
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}\n{page}");
}
