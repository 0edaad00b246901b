//! What cannot be answered, with its code, its field and what to do.

use crate::kit::{BUNDLE, Kit, serve};
use assay_api::{
    ClientOptions, RemoteFeatures, channel,
    gate::{DescribeGateRequest, IdentifyRequest, gate_service_client::GateServiceClient},
};
use assay_core::Digest;
use assay_gate::{GateConfig, GateDeps};
use assay_pipeline::fixture;
use assay_runtime::Shutdown;
use std::{net::TcpListener, sync::Arc, time::Duration};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

fn file(content: impl Into<Vec<u8>>, name: &str) -> IdentifyRequest {
    IdentifyRequest {
        content: content.into(),
        file_name: name.to_owned(),
        ..IdentifyRequest::default()
    }
}

fn digest(text: impl ToString) -> IdentifyRequest {
    IdentifyRequest {
        spectrum_digest: text.to_string(),
        ..IdentifyRequest::default()
    }
}

fn field(status: &Status) -> Option<String> {
    let request = status.get_details_bad_request()?;
    Some(request.field_violations.first()?.field.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_question_is_told_by_field_or_file() {
    let mut kit = Kit::start().await;
    let spe = assay_formats::write_spe(&fixture::spectrum(0, 1));
    let both = IdentifyRequest {
        content: spe.clone(),
        ..digest(Digest::of(&spe))
    };
    let model = |model: &str| IdentifyRequest {
        model: model.to_owned(),
        ..file(spe.clone(), "a.spe")
    };
    let nan = "channel,counts\n0,1\n1,NaN\n2,3\n";
    let cut = spe[..spe.len() / 2].to_vec();
    let nobody = Digest::of(b"nobody").to_string();
    let (bad, none) = (Code::InvalidArgument, Code::NotFound);
    let cases = [
        (
            IdentifyRequest::default(),
            bad,
            Some("content"),
            "a spectrum's file or its digest",
        ),
        (both, bad, Some("content"), "beside spectrum_digest"),
        (digest("zz"), bad, Some("spectrum_digest"), "zz"),
        (digest(&nobody), none, None, "put it again"),
        (model("absent"), none, None, "default"),
        (model("default@absent"), none, None, "absent"),
        (model(&nobody), none, None, &nobody[..12]),
        (model("a b"), bad, Some("model"), "a b"),
        (file("no spectrum", "x.spe"), bad, Some("content"), "x.spe"),
        (file(vec![0xff; 3000], ""), bad, Some("content"), "the file"),
        (file(nan, "n.csv"), bad, Some("content"), "n.csv"),
        (file(cut, "cut.spe"), bad, Some("content"), "cut.spe"),
        (
            file("$DATA:\n0 0\n5\n", "one.spe"),
            bad,
            Some("content"),
            "one.spe",
        ),
    ];
    for (request, code, violated, words) in cases {
        let status = kit.gate.identify(request).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        assert_eq!(field(&status).as_deref(), violated, "{status:?}");
        assert!(status.message().contains(words), "{words}: {status:?}");
        let reason = status.get_details_error_info().unwrap();
        assert_eq!(reason.domain, "openassay");
    }
    assert_eq!(kit.features.asked(), 0, "none of them came to the network");
    let model = "absent".to_owned();
    let status = kit.gate.describe_gate(DescribeGateRequest { model }).await;
    assert_eq!(status.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn inference_that_cannot_be_reached_or_is_full_says_when_to_come_back() {
    let mut kit = Kit::start().await;
    let question = kit.stored(0, 1).await;
    kit.features.fill();
    let status = kit.gate.identify(question.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let retry = status.get_details_retry_info().unwrap();
    assert_eq!(retry.retry_delay, Some(Duration::from_millis(70)));

    // A port that was free a moment ago and at which nobody listens.
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let remote = RemoteFeatures::new(&format!("http://{nobody}"), &ClientOptions::default());
    let deps = GateDeps {
        blobs: Arc::clone(&kit.stores.blobs),
        registry: Arc::clone(&kit.stores.registry),
        features: Arc::new(remote.unwrap()),
        work: None,
    };
    let shutdown = Shutdown::new(Duration::from_secs(30));
    let gate = assay_gate::component(&GateConfig::default(), deps, &shutdown);
    let (url, server) = serve(vec![gate], &shutdown).await;
    let alone = channel(&url, &ClientOptions::default()).unwrap();
    let status = GateServiceClient::new(alone).identify(question).await;
    let status = status.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(
        status
            .get_details_retry_info()
            .unwrap()
            .retry_delay
            .is_some()
    );
    shutdown.begin();
    server.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_time_left_ends_and_frees_its_work() {
    let mut kit = Kit::start().await;
    let question = kit.stored(0, 1).await;
    kit.features.hold();
    let mut request = Request::new(question.clone());
    request.set_timeout(Duration::from_millis(300));
    let status = kit.gate.identify(request).await.unwrap_err();
    // The client's own clock and the server's may run out in either order.
    assert!(
        matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{status:?}"
    );
    kit.features.until(|seen| seen.at_work == 0).await;
    kit.features.release();
    let answer = kit.gate.identify(question).await.unwrap().into_inner();
    assert_eq!(answer.bundle, BUNDLE.id().to_string());
}
