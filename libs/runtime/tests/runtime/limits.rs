//! Limits, and handlers that panic.

use crate::{
    harness::{ask, ask_stream, config, serve, start},
    health::check,
    service::{self, Meeting},
};
use assay_api::{
    ROOM_BYTES,
    ingest::{PutFileRequest, PutSpectraRequest, PutSpectrumRequest},
};
use assay_runtime::{ServerConfig, Shutdown};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt;

/// One request at a time.
fn narrow() -> ServerConfig {
    ServerConfig {
        max_in_flight: 1,
        ..config()
    }
}

fn file(size_bytes: usize) -> PutFileRequest {
    PutFileRequest {
        content: vec![b' '; size_bytes],
        ..PutFileRequest::default()
    }
}

#[track_caller]
fn is_too_large(status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let reason = status.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn more_requests_than_allowed_are_refused_with_a_time_to_come_back() {
    let running = serve(narrow()).await;
    let mut client = running.client().await;
    let mut first = client.clone();
    let first = tokio::spawn(async move { first.get_file(ask("wait")).await });
    running.meeting.arrival().await;

    let refused = client.get_file(ask("x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let retry = refused.get_details_retry_info().unwrap();
    assert!(retry.retry_delay.unwrap() > Duration::ZERO);
    let health = check(&running.channel().await, "").await;
    assert_eq!(health, Ok(ServingStatus::Serving));

    running.meeting.release();
    first.await.unwrap().unwrap();
    // The place is free once the answer has gone; the caller can have it a moment earlier.
    while client.get_file(ask("x")).await.is_err() {}
    running.end().await.unwrap();
}

#[tokio::test]
async fn a_stream_keeps_its_place_until_it_ends() {
    let running = serve(narrow()).await;
    let mut client = running.client().await;
    let stream = client.render_image_stream(ask_stream("never")).await;
    let mut stream = stream.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let refused = client.get_file(ask("x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    drop(stream);
    while client.get_file(ask("x")).await.is_err() {}
    running.end().await.unwrap();
}

#[tokio::test]
async fn a_handler_that_panics_answers_internal_and_the_server_lives() {
    let running = serve(narrow()).await;
    let mut client = running.client().await;
    for _ in 0..3 {
        let status = client.get_file(ask("panic")).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"), "{status}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "DEFECT");
    }
    let answer = client.get_file(ask("well")).await.unwrap();
    assert_eq!(answer.into_inner().content, b"well");
    running.end().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_panics_ends_internal_and_the_server_lives() {
    let running = serve(narrow()).await;
    let mut client = running.client().await;
    for _ in 0..3 {
        let stream = client.render_image_stream(ask_stream("panic")).await;
        let mut stream = stream.unwrap().into_inner();
        stream.message().await.unwrap().unwrap();
        running.meeting.arrival().await;
        running.meeting.release();
        let status = stream.message().await.unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("secret"), "{status:?}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "DEFECT");
        // Its place is free again, a moment after its end is told.
        while client.get_file(ask("well")).await.is_err() {}
    }
    let stream = client.render_image_stream(ask_stream("short")).await;
    let mut stream = stream.unwrap().into_inner();
    for _ in 0..2 {
        stream.message().await.unwrap().unwrap();
    }
    assert_eq!(stream.message().await.unwrap(), None);
    running.end().await.unwrap();
}

#[tokio::test]
async fn a_message_above_the_limit_is_refused_and_one_at_the_limit_taken() {
    let limit = 100_000;
    let running = serve(ServerConfig {
        max_message_bytes: limit,
        ..config()
    })
    .await;
    let mut client = running.client().await;
    // What is asked of a message is asked of its large field; there is room for the others.
    let most = limit + ROOM_BYTES;
    client.put_file(file(limit)).await.unwrap();
    // A tag, three bytes of length.
    client.put_file(file(most - 4)).await.unwrap();
    is_too_large(&client.put_file(file(most - 3)).await.unwrap_err());
    is_too_large(&client.put_file(file(20 << 20)).await.unwrap_err());
    let large = PutSpectraRequest {
        spectrum: Some(PutSpectrumRequest {
            title: " ".repeat(most),
            ..PutSpectrumRequest::default()
        }),
    };
    let spectra = tokio_stream::iter([PutSpectraRequest::default(), large]);
    is_too_large(&client.put_spectra(spectra).await.unwrap_err());
    client.get_file(ask("well")).await.unwrap();
    running.end().await.unwrap();
}

#[tokio::test]
async fn the_limit_of_a_service_has_the_same_code_and_other_ranges_keep_theirs() {
    let shutdown = Shutdown::new(config().grace());
    let meeting = Meeting::new();
    let component = service::component(&meeting, &shutdown, 1000);
    let running = start(config(), shutdown, meeting, vec![component]).await;
    let mut client = running.client().await;
    is_too_large(&client.put_file(file(2000)).await.unwrap_err());
    let status = client.put_spectrum(PutSpectrumRequest::default()).await;
    assert_eq!(status.unwrap_err().code(), Code::OutOfRange);
    running.end().await.unwrap();
}

#[tokio::test]
async fn an_answer_above_the_limit_has_that_code_too_and_tells_what_to_do() {
    let shutdown = Shutdown::new(config().grace());
    let meeting = Meeting::new();
    let component = service::component(&meeting, &shutdown, 1000);
    let running = start(config(), shutdown, meeting, vec![component]).await;
    let mut client = running.client().await;
    let streamed = client.render_image_stream(ask_stream("large")).await;
    let streamed = streamed.unwrap().into_inner().message().await;
    let unary = client.get_file(ask("large")).await;
    for status in [streamed.unwrap_err(), unary.unwrap_err()] {
        is_too_large(&status);
        let told = status.message();
        assert!(told.contains("1000 bytes"), "{told}");
        assert!(told.contains("ask for fewer rows"), "{told}");
    }
    running.end().await.unwrap();
}

#[tokio::test]
async fn a_request_without_a_deadline_gets_the_default_one() {
    let running = serve(ServerConfig {
        default_timeout_s: 1,
        ..narrow()
    })
    .await;
    let mut client = running.client().await;
    let status = client.get_file(ask("never")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    running.end().await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_unimplemented() {
    let running = serve(config()).await;
    let channel = running.channel().await;
    let mut client = assay_api::gate::gate_service_client::GateServiceClient::new(channel);
    let status = client
        .describe_gate(assay_api::gate::DescribeGateRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    running.end().await.unwrap();
}
