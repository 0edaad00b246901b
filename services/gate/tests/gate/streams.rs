//! Streams: order, errors of single requests, clients that stop, leave or do not read, and ends.

use crate::kit::Kit;
use assay_api::gate::{
    IdentifyRequest, IdentifyStreamRequest, IdentifyStreamResponse,
    gate_service_client::GateServiceClient,
};
use assay_gate::GateConfig;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::{Code, Request, Streaming, transport::Endpoint};
use tonic_types::StatusExt;

fn named(name: impl ToString, request: Option<IdentifyRequest>) -> IdentifyStreamRequest {
    IdentifyStreamRequest {
        request_id: name.to_string(),
        request,
    }
}

/// A stream that stays open, and the way to send into it.
async fn open(
    kit: &mut Kit,
) -> (
    mpsc::Sender<IdentifyStreamRequest>,
    Streaming<IdentifyStreamResponse>,
) {
    let (sender, requests) = mpsc::channel(100);
    let answers = kit
        .gate
        .identify_stream(ReceiverStream::new(requests))
        .await;
    (sender, answers.unwrap().into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_and_errors_come_in_the_order_of_the_requests() {
    let mut kit = Kit::start().await;
    let good = kit.stored(1, 1).await;
    let absent = IdentifyRequest {
        spectrum_digest: "ab".repeat(32),
        ..IdentifyRequest::default()
    };
    let garbage = IdentifyRequest {
        content: b"no spectrum".to_vec(),
        ..IdentifyRequest::default()
    };
    let (sender, mut answers) = open(&mut kit).await;
    kit.features.hold();
    let requests = [
        (Some(good.clone()), Code::Ok),
        (Some(absent), Code::NotFound),
        (None, Code::InvalidArgument),
        (Some(good.clone()), Code::Ok),
        (Some(garbage), Code::InvalidArgument),
        (Some(good), Code::Ok),
    ];
    for (at, (request, _)) in requests.iter().enumerate() {
        sender.send(named(at, request.clone())).await.unwrap();
    }
    // The bad ones are done before the good ones, and wait for their turn.
    kit.features.until(|seen| seen.at_work == 3).await;
    kit.features.release();
    for (at, (_, code)) in requests.iter().enumerate() {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.request_id, at.to_string());
        assert_eq!(answer.error_code, *code as u32, "{answer:?}");
        assert_eq!(answer.response.is_some(), *code == Code::Ok);
        assert_eq!(answer.error_message.is_empty(), *code == Code::Ok);
    }
    drop(sender);
    assert!(
        answers.message().await.unwrap().is_none(),
        "the client had sent everything"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_sent_everything_still_gets_its_answers() {
    let mut kit = Kit::start().await;
    let good = kit.stored(2, 1).await;
    let (sender, mut answers) = open(&mut kit).await;
    kit.features.hold();
    for at in 0..4 {
        sender.send(named(at, Some(good.clone()))).await.unwrap();
    }
    drop(sender);
    kit.features.until(|seen| seen.at_work == 4).await;
    kit.features.release();
    let mut ids = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(answer.response.is_some(), "{answer:?}");
        ids.push(answer.request_id);
    }
    assert_eq!(ids, ["0", "1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_frees_its_work() {
    let mut kit = Kit::start().await;
    let good = kit.stored(0, 2).await;
    let (sender, answers) = open(&mut kit).await;
    kit.features.hold();
    for at in 0..5 {
        sender.send(named(at, Some(good.clone()))).await.unwrap();
    }
    kit.features.until(|seen| seen.at_work == 5).await;
    // A client has left when it holds neither end any more.
    drop((answers, sender));
    kit.features.until(|seen| seen.at_work == 0).await;
    kit.features.release();
    assert!(kit.gate.identify(good).await.is_ok(), "others are answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_shutdown_what_was_taken_is_answered_and_the_rest_sent_elsewhere() {
    let mut kit = Kit::start().await;
    let good = kit.stored(0, 3).await;
    let (sender, mut answers) = open(&mut kit).await;
    let (_idle_sender, mut idle) = open(&mut kit).await;
    kit.features.hold();
    for at in 0..2 {
        sender.send(named(at, Some(good.clone()))).await.unwrap();
    }
    kit.features.until(|seen| seen.at_work == 2).await;
    kit.shutdown.begin();
    let status = idle.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    // Whether this one arrives or not: nothing is taken any more.
    let _ = sender.send(named("late", Some(good))).await;
    kit.features.release();
    for at in 0..2 {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.request_id, at.to_string());
        assert!(answer.response.is_some(), "{answer:?}");
    }
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(
        status
            .message()
            .contains("send what was not answered again")
    );
    assert!(
        status
            .get_details_retry_info()
            .unwrap()
            .retry_delay
            .is_some()
    );
    assert_eq!(kit.features.asked(), 2);
    kit.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_time() {
    let mut kit = Kit::start().await;
    let good = kit.stored(0, 4).await;
    kit.features.hold();
    let (sender, requests) = mpsc::channel(10);
    sender.send(named("held", Some(good))).await.unwrap();
    let mut request = Request::new(ReceiverStream::new(requests));
    request.set_timeout(Duration::from_secs(1));
    let mut answers = kit
        .gate
        .identify_stream(request)
        .await
        .unwrap()
        .into_inner();
    let status = loop {
        match answers.message().await {
            Ok(answer) => {
                let answer = answer.unwrap();
                assert_eq!(
                    answer.error_code,
                    Code::DeadlineExceeded as u32,
                    "{answer:?}"
                );
            }
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    kit.features.until(|seen| seen.at_work == 0).await;
    drop(sender);
}

/// Rows that one stream has in work at once.
const AT_ONCE: usize = 4;
/// More than fit between the server's work and a client that does not read: those in work, what
/// the encoder gathers (32 KiB) and the client's window (1 KiB), in answers of 250 bytes or more.
const BETWEEN: usize = AT_ONCE + 33 * 1024 / 250;
/// More than fit into the server's window (1 MiB), in requests of 70 bytes or more.
const SENT: usize = (1 << 20) / 70;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_not_read_from() {
    let config = GateConfig {
        stream_at_once: AT_ONCE,
        ..GateConfig::default()
    };
    let mut kit = Kit::start_with(config).await;
    let good = kit.stored(0, 5).await;
    let narrow = Endpoint::from_shared(kit.url.clone()).unwrap();
    let narrow = narrow.initial_stream_window_size(1024).connect_lazy();
    let sent = Arc::new(AtomicUsize::new(0));
    let (counter, question) = (Arc::clone(&sent), good.clone());
    let requests = tokio_stream::iter(0..10 * SENT).map(move |at| {
        counter.fetch_add(1, SeqCst);
        named(at, Some(question.clone()))
    });
    let answers = GateServiceClient::new(narrow)
        .identify_stream(requests)
        .await;
    let mut answers = answers.unwrap().into_inner();
    // Other clients are a clock: so long as this takes, a stream without bounds would go on.
    let others = 2 * BETWEEN;
    for _ in 0..others {
        kit.gate.identify(good.clone()).await.unwrap();
    }
    let by_the_stream = |kit: &Kit| kit.features.asked() - others;
    assert!(by_the_stream(&kit) >= 1);
    assert!(
        by_the_stream(&kit) <= BETWEEN,
        "{} rows",
        by_the_stream(&kit)
    );
    let sent = sent.load(SeqCst);
    assert!(sent <= 2 * SENT, "{sent} requests are under way");
    for read in 0..2 * BETWEEN {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.request_id, read.to_string());
        assert!(by_the_stream(&kit) <= read + 1 + BETWEEN);
    }
}
