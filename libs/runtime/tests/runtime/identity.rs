//! Identities of requests in answers, and as handlers see them.

use crate::harness::{ask, config, serve};
use assay_runtime::request::{REQUEST_ID, TRACE_PARENT};
use tonic::{Request, metadata::MetadataMap};

fn named(digest: &str) -> Request<assay_api::ingest::GetFileRequest> {
    let mut request = Request::new(ask(digest));
    let metadata = request.metadata_mut();
    metadata.insert(REQUEST_ID, "run-7".parse().unwrap());
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    metadata.insert(TRACE_PARENT, trace.parse().unwrap());
    request
}

fn id(metadata: &MetadataMap) -> &str {
    metadata.get(REQUEST_ID).unwrap().to_str().unwrap()
}

#[tokio::test]
async fn the_callers_id_comes_back_with_every_kind_of_answer() {
    let running = serve(config()).await;
    let mut client = running.client().await;
    let answer = client.get_file(named("x")).await.unwrap();
    assert_eq!(id(answer.metadata()), "run-7");
    for failing in ["missing", "panic"] {
        let status = client.get_file(named(failing)).await.unwrap_err();
        assert_eq!(id(status.metadata()), "run-7", "{failing}");
    }
    running.end().await.unwrap();
}

#[tokio::test]
async fn a_request_without_an_id_gets_one_of_its_own() {
    let running = serve(config()).await;
    let mut client = running.client().await;
    let first = client.get_file(ask("x")).await.unwrap();
    let second = client.get_file(ask("x")).await.unwrap();
    assert_eq!(id(first.metadata()).len(), 36);
    assert_ne!(id(first.metadata()), id(second.metadata()));
    running.end().await.unwrap();
}

#[tokio::test]
async fn a_handler_sees_the_id_and_the_trace_with_a_span_of_the_server() {
    let running = serve(config()).await;
    let mut client = running.client().await;
    let answer = client.get_file(named("who")).await.unwrap().into_inner();
    let seen = String::from_utf8(answer.content).unwrap();
    let (id, trace) = seen.split_once(' ').unwrap();
    assert_eq!(id, "run-7");
    assert!(trace.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
    assert!(!trace.contains("b7ad6b7169203331"), "{trace}");
    assert!(trace.ends_with("-01"), "{trace}");
    running.end().await.unwrap();
}
