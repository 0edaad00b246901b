//! The end in order: who is let finish, who is turned away, who is cut.

use crate::{
    harness::{Running, ask, ask_stream, config, serve, serve_with, unless_it_hangs},
    health::check,
    service::{LONG_PART_BYTES, LONG_PARTS},
};
use anyhow::bail;
use assay_api::ingest::{PutSpectraRequest, ingest_service_client::IngestServiceClient};
use assay_runtime::{Component, RuntimeError, ServerConfig, Shutdown};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, transport::Channel};
use tonic_health::pb::health_check_response::ServingStatus;

/// Short, but with all the time there can be to tell those who are cut.
fn short_grace() -> ServerConfig {
    ServerConfig {
        shutdown_grace_s: 4,
        ..config()
    }
}

/// Waits until the port takes no more connections.
async fn closed(running: &Running) {
    unless_it_hangs(async { while TcpStream::connect(running.address).await.is_ok() {} }).await;
}

/// What the grace was not enough for.
fn left(ended: anyhow::Result<()>) -> String {
    match ended.unwrap_err().downcast::<RuntimeError>().unwrap() {
        RuntimeError::GraceExceeded { left, .. } => left,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn requests_in_flight_are_finished_and_no_new_ones_taken() {
    let running = serve(config()).await;
    let channel = running.channel().await;
    let client = IngestServiceClient::new(channel.clone());
    let mut idle = running.client().await;
    idle.get_file(ask("x")).await.unwrap();

    let mut asking = client.clone();
    let unary = tokio::spawn(async move { asking.get_file(ask("wait")).await });
    running.meeting.arrival().await;
    let (spectra, sent) = mpsc::unbounded_channel();
    spectra.send(PutSpectraRequest::default()).unwrap();
    let mut uploading = client.clone();
    let upload = UnboundedReceiverStream::new(sent);
    let upload = tokio::spawn(async move { uploading.put_spectra(upload).await });
    running.meeting.arrival().await;
    let mut following = client.clone();
    let stream = following.render_image_stream(ask_stream("wait")).await;
    let mut stream = stream.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    running.meeting.arrival().await;

    running.shutdown.begin();
    closed(&running).await;
    let refused = Channel::from_shared(format!("http://{}", running.address)).unwrap();
    refused.connect().await.unwrap_err();
    let refused = idle.get_file(ask("x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");

    spectra.send(PutSpectraRequest::default()).unwrap();
    running.meeting.arrival().await;
    drop(spectra);
    assert_eq!(upload.await.unwrap().unwrap().into_inner().accepted, 2);
    running.meeting.release();
    running.meeting.release();
    let answer = unary.await.unwrap().unwrap().into_inner();
    assert_eq!(answer.content, b"wait");
    stream.message().await.unwrap().unwrap();
    assert_eq!(stream.message().await.unwrap(), None);
    running.ended().await.unwrap();
}

#[tokio::test]
async fn requests_are_still_taken_while_load_balancers_look_elsewhere() {
    let running = serve(ServerConfig {
        shutdown_settle_ms: 3_599_000,
        ..config()
    })
    .await;
    let channel = running.channel().await;
    running.shutdown.begin();
    let gone = async { while check(&channel, "").await != Ok(ServingStatus::NotServing) {} };
    unless_it_hangs(gone).await;
    let mut client = running.client().await;
    client.get_file(ask("x")).await.unwrap();
}

#[tokio::test]
async fn a_long_answer_is_read_to_its_end() {
    let running = serve(config()).await;
    let mut client = running.client().await;
    let stream = client.render_image_stream(ask_stream("long")).await;
    let mut stream = stream.unwrap().into_inner();
    let mut received = stream.message().await.unwrap().unwrap().chunk.len();
    running.shutdown.begin();
    closed(&running).await;
    while let Some(part) = stream.message().await.unwrap() {
        received += part.chunk.len();
    }
    assert_eq!(received, LONG_PARTS * LONG_PART_BYTES);
    running.ended().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_follows_the_signal_ends_and_the_server_with_it() {
    let running = serve(config()).await;
    let mut client = running.client().await;
    let stream = client.render_image_stream(ask_stream("follow")).await;
    let mut stream = stream.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let ended = running.end();
    let (ended, last) = tokio::join!(ended, stream.message());
    assert_eq!(
        last.unwrap_err().message(),
        "shutting down; go on elsewhere"
    );
    ended.unwrap();
}

#[tokio::test]
async fn a_stream_that_does_not_follow_is_cut_and_told() {
    let running = serve(short_grace()).await;
    let mut client = running.client().await;
    let stream = client.render_image_stream(ask_stream("never")).await;
    let mut stream = stream.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let (ended, last) = tokio::join!(running.end(), stream.message());
    assert_eq!(last.unwrap_err().code(), Code::Unavailable);
    assert_eq!(left(ended), "1 requests");
}

#[tokio::test]
async fn a_handler_that_does_not_end_is_cut_and_its_caller_told() {
    let running = serve(short_grace()).await;
    let mut client = running.client().await;
    let asked = tokio::spawn(async move { client.get_file(ask("wait")).await });
    running.meeting.arrival().await;
    let ended = running.end().await;
    assert_eq!(left(ended), "1 requests");
    assert_eq!(asked.await.unwrap().unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn an_upload_that_waits_for_its_sender_is_cut_and_the_sender_told() {
    let running = serve(short_grace()).await;
    let mut client = running.client().await;
    let (spectra, sent) = mpsc::unbounded_channel();
    spectra.send(PutSpectraRequest::default()).unwrap();
    let upload = UnboundedReceiverStream::new(sent);
    let upload = tokio::spawn(async move { client.put_spectra(upload).await });
    running.meeting.arrival().await;
    let ended = running.end().await;
    assert_eq!(left(ended), "1 requests");
    assert_eq!(upload.await.unwrap().unwrap_err().code(), Code::Unavailable);
    drop(spectra);
}

/// A component without requests that works on this.
fn working(
    task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
) -> impl FnOnce(&Shutdown) -> Vec<Component> {
    |_| vec![Component::new("lane", vec![], |_| {}).with_task("worker", task)]
}

#[tokio::test]
async fn tasks_are_awaited() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let running = serve_with(config(), |shutdown| {
        let begun = shutdown.begun();
        working(async move {
            begun.await;
            tell.send("handed back").unwrap();
            Ok(())
        })(shutdown)
    })
    .await;
    running.end().await.unwrap();
    assert_eq!(told.await, Ok("handed back"));
}

#[tokio::test]
async fn a_task_that_ends_early_ends_the_server_and_is_named() {
    let running = serve_with(config(), working(async { Ok(()) })).await;
    let shutdown = running.shutdown.clone();
    let error = running.ended().await.unwrap_err();
    assert_eq!(error.to_string(), "task lane worker ended before its time");
    assert!(shutdown.has_begun());
}

#[tokio::test]
async fn a_task_that_fails_or_panics_ends_the_server_and_is_named() {
    let failing = working(async { bail!("the file is damaged") });
    let running = serve_with(config(), failing).await;
    let error = format!("{:#}", running.ended().await.unwrap_err());
    assert_eq!(error, "task lane worker failed: the file is damaged");

    let panicking = working(async { panic!("out of luck") });
    let running = serve_with(config(), panicking).await;
    let error = format!("{:#}", running.ended().await.unwrap_err());
    assert!(error.starts_with("task lane worker failed: "), "{error}");
}

#[tokio::test]
async fn a_task_that_fails_while_the_server_ends_is_told() {
    let running = serve_with(config(), |shutdown| {
        let begun = shutdown.begun();
        working(async move {
            begun.await;
            bail!("cannot hand the job back")
        })(shutdown)
    })
    .await;
    let error = format!("{:#}", running.end().await.unwrap_err());
    assert_eq!(error, "task lane worker failed: cannot hand the job back");
}

#[tokio::test]
async fn a_task_that_does_not_end_is_named() {
    let running = serve_with(short_grace(), working(std::future::pending())).await;
    assert_eq!(left(running.end().await), "lane worker");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let running = serve(config()).await;
    let taken = ServerConfig {
        listen: running.address,
        ..config()
    };
    let error = assay_runtime::Server::bind(&taken).await.unwrap_err();
    let expected = format!("cannot listen on {} for requests; ", running.address);
    assert!(error.to_string().starts_with(&expected), "{error}");
    running.end().await.unwrap();
}
