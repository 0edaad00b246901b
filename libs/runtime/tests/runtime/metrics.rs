//! The page of metrics.

use crate::{
    harness::{Running, ask, config, serve},
    service::NAME,
};
use assay_runtime::ServerConfig;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::Code;

async fn get(address: SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let question = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    connection.write_all(question.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A server with a page.
fn paged() -> ServerConfig {
    ServerConfig {
        metrics_listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        ..config()
    }
}

/// Calls a method of the service that is not there.
async fn call_invented(running: &Running, method: &str) -> Code {
    let mut raw = tonic::client::Grpc::new(running.channel().await);
    raw.ready().await.unwrap();
    let path = format!("/{NAME}/{method}").parse().unwrap();
    let codec = tonic_prost::ProstCodec::<_, assay_api::ingest::GetFileResponse>::default();
    let called = raw.unary(tonic::Request::new(ask("x")), path, codec).await;
    called.unwrap_err().code()
}

fn series(metric: &str, method: &str, code: &str) -> String {
    format!(r#"{metric}{{service="{NAME}",method="{method}",code="{code}""#)
}

#[tokio::test]
async fn requests_are_counted_by_service_method_and_code() {
    let running = serve(paged()).await;
    let address = running.metrics.unwrap();
    let mut client = running.client().await;
    client.get_file(ask("x")).await.unwrap();
    client.get_file(ask("missing")).await.unwrap_err();
    let invented = call_invented(&running, "Invented").await;
    assert_eq!(invented, Code::Unimplemented);

    let wanted = [
        series("openassay_rpc_requests_total", "GetFile", "OK"),
        series("openassay_rpc_requests_total", "GetFile", "NOT_FOUND"),
        series("openassay_rpc_requests_total", "unknown", "UNIMPLEMENTED"),
        series("openassay_rpc_request_seconds_bucket", "GetFile", "OK"),
        r#"openassay_ready{component="told"} 1"#.to_owned(),
        format!(r#"openassay_rpc_in_flight{{service="{NAME}"}} 0"#),
        format!(r#"openassay_rpc_received_bytes_total{{service="{NAME}"}}"#),
        format!(r#"openassay_rpc_sent_bytes_total{{service="{NAME}"}}"#),
        "openassay_build_info{version=".to_owned(),
        "# HELP openassay_rpc_request_seconds ".to_owned(),
    ];
    // A request is counted when its answer has gone; the caller can have it a moment earlier.
    let page = loop {
        let page = get(address, "/metrics").await;
        if wanted.iter().all(|line| page.contains(line)) {
            break page;
        }
    };
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("content-type: text/plain; version=0.0.4"));
    assert!(!page.contains("Invented"), "{page}");
    assert!(get(address, "/other").await.starts_with("HTTP/1.1 404"));
    running.end().await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_full_server_learns_no_names_of_methods() {
    let running = serve(ServerConfig {
        max_in_flight: 1,
        ..paged()
    })
    .await;
    let mut client = running.client().await;
    let first = tokio::spawn(async move { client.get_file(ask("wait")).await });
    running.meeting.arrival().await;
    let refused = call_invented(&running, "Conceived").await;
    assert_eq!(refused, Code::ResourceExhausted);
    let named = series("openassay_rpc_requests_total", "Conceived", "");
    let named = named.trim_end_matches('"');
    let unnamed = series(
        "openassay_rpc_requests_total",
        "unknown",
        "RESOURCE_EXHAUSTED",
    );
    let address = running.metrics.unwrap();
    // Counted a moment after the answer, under one name or the other.
    let page = loop {
        let page = get(address, "/metrics").await;
        if page.contains(named) || page.contains(&unnamed) {
            break page;
        }
    };
    assert!(!page.contains("Conceived"), "{page}");
    running.meeting.release();
    first.await.unwrap().unwrap();
    running.end().await.unwrap();
}
