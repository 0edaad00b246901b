//! Models that are loaded and let go of.

use super::{index, infer, load, open, ready, refused, request, server_ready, unload};
use crate::{
    kit::{IMAGES, Kit, VECTORS, config, many, vectors},
    wire::{client, serve},
};
use assay_answering::FeatureSource;
use assay_api::inference::{ListModelsRequest, ModelState};
use assay_pipeline::fixture;
use assay_store::{BundleRegistry, PRODUCTION};
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_let_go_of_is_served_by_nobody_until_it_is_loaded_again() {
    let kit = Kit::new();
    let next = fixture::renamed(&VECTORS, 1);
    kit.serve("default", &VECTORS).await;
    kit.serve("other", &IMAGES).await;
    let inference = kit.start(config()).await;
    let url = serve(&kit, &inference).await;
    let (mut own, mut open) = (client(&url), open(&url));
    let rows = many(&VECTORS, 1);
    infer(&mut open, request("default", "1", &rows)).await;
    assert!(ready(&mut open, "default", "").await && ready(&mut open, "default", "1").await);
    unload(&mut open, "default").await.unwrap();
    for (name, version) in [
        ("default", ""),
        ("default", "1"),
        ("", ""),
        ("default@x", ""),
    ] {
        assert!(!ready(&mut open, name, version).await, "{name}:{version}");
        let status = refused(&mut open, request(name, version, &rows)).await;
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        assert!(status.message().contains("RepositoryModelLoad"), "{status}");
    }
    let listed = own
        .list_models(ListModelsRequest {})
        .await
        .unwrap()
        .into_inner();
    let [gone, other] = &listed.models[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(
        (gone.name.as_str(), gone.state()),
        ("default@production", ModelState::Refused)
    );
    assert!(gone.reason.contains("RepositoryModelUnload"), "{gone:?}");
    assert_eq!(
        (other.name.as_str(), other.state()),
        ("other@production", ModelState::Serving)
    );
    let status = inference.resolve("default").await.unwrap_err();
    assert!(status.to_string().contains("let go"), "{status}");
    // It is unloaded once more without harm, others answer, and the server is ready for those.
    unload(&mut open, "default").await.unwrap();
    infer(&mut open, request("other", "", &vectors(&IMAGES, 1))).await;
    assert!(server_ready(&mut open).await);

    // A promotion does not bring it back; loading does, at what the alias points to by then.
    kit.put("default", "2", &next).await;
    kit.promote("default", "2").await;
    inference.refresh().await.unwrap();
    refused(&mut open, request("default", "", &rows)).await;
    let row = |name: &str, version: &str, state: &str| [name, version, state].map(str::to_owned);
    let away = [
        row("default", "1", "UNAVAILABLE"),
        row("default", "2", "UNAVAILABLE"),
        row("other", "1", "READY"),
    ];
    assert_eq!(index(&mut open).await, away);
    load(&mut open, "default").await.unwrap();
    assert!(ready(&mut open, "default", "2").await);
    let answer = infer(&mut open, request("default", "", &rows)).await;
    assert_eq!(answer.model_version, "2");
    assert_eq!(
        inference.resolve("default").await.unwrap().bundle,
        next.id()
    );
    let back = kit.registry.roll_back("default", PRODUCTION, "").await;
    back.unwrap();
    inference.refresh().await.unwrap();
    let answer = infer(&mut open, request("default", "", &rows)).await;
    assert_eq!(answer.model_version, "1", "aliases are followed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_work_are_finished_when_their_model_is_let_go_of() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    let long = crate::limits::begun(&inference, 512, None).await;
    unload(&mut open, "default").await.unwrap();
    assert_eq!(long.await.unwrap().rows.len(), 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_brings_a_version_into_memory_now_and_a_bad_one_stops_nobody() {
    let kit = Kit::new();
    let (next, bad) = (fixture::renamed(&VECTORS, 1), fixture::overflowing_bundle());
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    kit.put("default", "2", &next).await;
    kit.put("default", "3", &bad).await;
    assert!(!ready(&mut open, "default", "2").await);
    load(&mut open, "default:2").await.unwrap();
    assert!(ready(&mut open, "default", "2").await);
    // The alias has moved, and nobody waits for the next look at the registry.
    kit.promote("default", "2").await;
    load(&mut open, "default").await.unwrap();
    let rows = many(&VECTORS, 1);
    assert_eq!(
        infer(&mut open, request("", "", &rows)).await.model_version,
        "2"
    );
    kit.promote("default", "3").await;
    for _ in 0..2 {
        let status = load(&mut open, "default").await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        assert!(status.message().contains("failed its test"), "{status}");
    }
    assert_eq!(
        infer(&mut open, request("", "", &rows)).await.model_version,
        "2"
    );
    inference.refresh().await.unwrap();
    assert!(
        server_ready(&mut open).await,
        "what was refused is not served"
    );
    let index = index(&mut open).await;
    let states: Vec<_> = index.iter().map(|[_, _, state]| state.as_str()).collect();
    assert_eq!(states, ["READY", "READY", "UNAVAILABLE"]);
    load(&mut open, &VECTORS.id().to_string()).await.unwrap();

    for (name, code) in [
        ("nothing", Code::NotFound),
        ("default@nothing", Code::NotFound),
        ("a b", Code::InvalidArgument),
        ("default:2", Code::InvalidArgument),
    ] {
        if name != "default:2" {
            assert_eq!(
                load(&mut open, name).await.unwrap_err().code(),
                code,
                "{name}"
            );
        }
        if name != "default@nothing" {
            assert_eq!(
                unload(&mut open, name).await.unwrap_err().code(),
                code,
                "{name}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bundle_under_a_newer_version_answers_as_that_version() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    kit.put("default", "same", &VECTORS).await;
    kit.promote("default", "same").await;
    inference.refresh().await.unwrap();
    let answer = infer(&mut open, request("", "", &many(&VECTORS, 1))).await;
    assert_eq!(answer.model_version, "same");
    let digest = VECTORS.id().to_string();
    let answer = infer(&mut open, request(&digest, "", &many(&VECTORS, 1))).await;
    assert_eq!(
        (answer.model_name, answer.model_version),
        (digest, String::new())
    );
}
