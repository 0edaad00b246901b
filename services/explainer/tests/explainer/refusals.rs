//! What cannot be explained, in words.

use crate::{
    kit::{IMAGES, Kit, VECTORS, question},
    mapless::mapless,
};
use assay_api::{explain::ExplainCamRequest, gate::IdentifyRequest};
use assay_pipeline::fixture;
use tonic::Code;
use tonic_types::StatusExt;

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_told_by_their_field() {
    let mut kit = Kit::start(&[("images", &IMAGES)]).await;
    let bytes = assay_formats::write_spe(&fixture::spectrum(0, 602));
    let good = ExplainCamRequest {
        request: Some(question("images", &bytes)),
        ..ExplainCamRequest::default()
    };
    let regions = ExplainCamRequest {
        regions: 101,
        ..good.clone()
    };
    let label = ExplainCamRequest {
        label: "Gold".to_owned(),
        ..good.clone()
    };
    let nothing = ExplainCamRequest {
        request: Some(IdentifyRequest::default()),
        ..good
    };
    for (request, field, words) in [
        (ExplainCamRequest::default(), "request", "missing"),
        (
            nothing,
            "request.content",
            "a spectrum's file or its digest",
        ),
        (regions, "regions", "101; allowed: 0 to 100"),
        (label, "label", "Coal, hard"),
    ] {
        let status = kit.explainer.explain_cam(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert!(status.message().contains(words), "{status:?}");
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_a_map_answers_and_says_why_it_cannot_explain() {
    let mapless = mapless(&VECTORS);
    let mut kit = Kit::start(&[("mapless", &mapless)]).await;
    let bytes = assay_formats::write_spe(&fixture::spectrum(1, 603));
    let question = question("mapless", &bytes);
    let answer = kit.gate.identify(question.clone()).await.unwrap();
    assert_eq!(answer.into_inner().bundle, mapless.id().to_string());
    let request = ExplainCamRequest {
        request: Some(question),
        ..ExplainCamRequest::default()
    };
    let status = kit.explainer.explain_cam(request).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    assert!(status.message().contains("train it again"), "{status:?}");
}
