//! The registry is followed without being asked to; while it is away or in part unreadable, what
//! is served stays served.

use crate::{
    kit::{Kit, VECTORS, config, features, many},
    wire::{client, serve},
};
use assay_answering::FeatureSource;
use assay_api::inference::{
    ListModelsRequest, ModelState, ModelStatus, inference_service_client::InferenceServiceClient,
};
use assay_core::{Classified, Digest, ErrorKind};
use assay_inference::{Inference, InferenceConfig};
use assay_pipeline::fixture;
use assay_runtime::Readiness;
use assay_store::{BundleRegistry, PRODUCTION};
use std::fs;
use tonic::transport::Channel;

fn often() -> InferenceConfig {
    InferenceConfig {
        poll_interval_s: 0.05,
        ..config()
    }
}

async fn until_served(inference: &Inference, model: &str, bundle: Digest) {
    while inference.resolve(model).await.unwrap().bundle != bundle {
        tokio::task::yield_now().await;
    }
}

/// The models as a client is told of them.
async fn listed(client: &mut InferenceServiceClient<Channel>) -> Vec<ModelStatus> {
    let listed = client.list_models(ListModelsRequest {}).await.unwrap();
    listed.into_inner().models
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_and_a_way_back_are_noticed_by_themselves() {
    let kit = Kit::new();
    let next = fixture::renamed(&VECTORS, 1);
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(often()).await;
    assert_eq!(inference.resolve("").await.unwrap().bundle, VECTORS.id());
    kit.put("default", "2", &next).await;
    kit.promote("default", "2").await;
    until_served(&inference, "", next.id()).await;
    let back = kit.registry.roll_back("default", PRODUCTION, "");
    back.await.unwrap();
    until_served(&inference, "", VECTORS.id()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_away_changes_no_answer_and_is_told() {
    let kit = Kit::new();
    let next = fixture::renamed(&VECTORS, 1);
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(often()).await;
    let mut client = client(&serve(&kit, &inference).await);
    kit.put("default", "2", &next).await;
    kit.seen.set_away(true);
    kit.promote("default", "2").await;
    let readings = kit.seen.readings();
    while kit.seen.readings() < readings + 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(inference.resolve("").await.unwrap().bundle, VECTORS.id());
    features(&inference, &VECTORS, &many(&VECTORS, 2)).await;
    assert_eq!(*inference.readiness().borrow(), Readiness::Ready);
    let error = inference.refresh().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let models = listed(&mut client).await;
    assert_eq!(models.len(), 1);
    assert_eq!(models[0].state(), ModelState::Serving);
    let reason = &models[0].reason;
    assert!(reason.contains("the network is down"), "{reason}");
    kit.seen.set_away(false);
    until_served(&inference, "", next.id()).await;
    let models = listed(&mut client).await;
    assert_eq!(models[0].reason, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_away_at_the_start_is_waited_for() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    kit.seen.set_away(true);
    let inference = kit.start_only(often()).await;
    let mut ready = inference.readiness();
    let told = ready.wait_for(|ready| {
        matches!(ready, Readiness::NotReady(reason) if reason.contains("the network is down"))
    });
    told.await.unwrap();
    kit.seen.set_away(false);
    let ready_now = ready.wait_for(|ready| *ready == Readiness::Ready);
    ready_now.await.unwrap();
    assert_eq!(inference.resolve("").await.unwrap().bundle, VECTORS.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_read_keeps_its_model_and_stops_no_other() {
    let kit = Kit::new();
    let next = fixture::renamed(&VECTORS, 1);
    kit.serve("default", &VECTORS).await;
    kit.serve("other", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut client = client(&serve(&kit, &inference).await);
    let version = kit.folder.path().join("models/default/versions/1");
    let whole = fs::read(&version).unwrap();
    fs::write(&version, b"{").unwrap();
    kit.put("other", "2", &next).await;
    kit.promote("other", "2").await;
    inference.refresh().await.unwrap();
    assert_eq!(inference.resolve("").await.unwrap().bundle, VECTORS.id());
    assert_eq!(inference.resolve("other").await.unwrap().bundle, next.id());
    let models = listed(&mut client).await;
    assert_eq!(models[0].state(), ModelState::Serving);
    let reason = &models[0].reason;
    assert!(reason.contains("models/default/versions/1"), "{reason}");
    fs::write(&version, whole).unwrap();
    inference.refresh().await.unwrap();
    assert_eq!(listed(&mut client).await[0].reason, "");
}
