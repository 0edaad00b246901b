//! Names that move: to tested bundles only, back at once, and without a failed request.

use crate::kit::{Kit, VECTORS, bits, config, features, files, many};
use assay_answering::FeatureSource;
use assay_core::{Classified, Digest, ErrorKind};
use assay_inference::{Inference, InferenceConfig, InferenceDeps};
use assay_pipeline::fixture;
use assay_runtime::Readiness;
use assay_store::{BundleRegistry, PRODUCTION};
use bytes::Bytes;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

async fn served(inference: &Inference, model: &str) -> Digest {
    inference.resolve(model).await.unwrap().bundle
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_moves_and_moves_back_under_requests_without_a_failure() {
    let kit = Kit::new();
    let next = fixture::renamed(&VECTORS, 1);
    kit.serve("default", &VECTORS).await;
    kit.put("default", "2", &next).await;
    let inference = kit.start(config()).await;
    let rows = many(&VECTORS, 3);
    let expected = bits(&features(&inference, &VECTORS, &rows).await.rows);
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (inference, stop) = (Arc::clone(&inference), Arc::clone(&stop));
        let (rows, expected) = (rows.clone(), expected.clone());
        clients.spawn(async move {
            let mut answers = 0;
            while !stop.load(Ordering::SeqCst) {
                let model = inference.resolve("").await.unwrap();
                let found = inference.features(model.bundle, rows.clone(), None).await;
                assert_eq!(bits(&found.unwrap().rows), expected);
                answers += 1;
            }
            answers
        });
    }
    for (version, bundle) in [("2", &next), ("1", &*VECTORS), ("2", &next)] {
        kit.promote("default", version).await;
        inference.refresh().await.unwrap();
        assert_eq!(served(&inference, "").await, bundle.id());
        assert_eq!(served(&inference, "default@production").await, bundle.id());
    }
    let back = kit.registry.roll_back("default", PRODUCTION, "");
    back.await.unwrap();
    inference.refresh().await.unwrap();
    assert_eq!(served(&inference, "default").await, VECTORS.id());
    assert_eq!(served(&inference, "default:2").await, next.id());
    stop.store(true, Ordering::SeqCst);
    let answers = clients.join_all().await;
    assert!(answers.iter().all(|&count| count > 0), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_fails_its_test_is_refused_and_the_one_before_answers() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    kit.serve("other", &VECTORS).await;
    let inference = kit.start(config()).await;
    let overflowing = fixture::overflowing_bundle();
    kit.put("default", "2", &overflowing).await;
    let mut damaged = files(&fixture::renamed(&VECTORS, 2));
    let id = fixture::renamed(&VECTORS, 2).id();
    let model = damaged.get_mut("model.onnx").unwrap();
    let mut bytes = model.to_vec();
    bytes[1000] ^= 1;
    *model = Bytes::from(bytes);
    kit.put_files("default", "3", id, damaged).await;
    for (version, reason) in [("2", "not finite"), ("3", "damaged")] {
        kit.promote("default", version).await;
        inference.refresh().await.unwrap();
        assert_eq!(served(&inference, "").await, VECTORS.id());
        features(&inference, &VECTORS, &many(&VECTORS, 1)).await;
        let error = inference.resolve(&format!("default:{version}")).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition, "{error}");
        let text = format!("{error}");
        assert!(
            text.contains(reason) || text.contains("lie outside"),
            "{text}"
        );
    }
    let fixed = fixture::renamed(&VECTORS, 4);
    kit.put("other", "2", &fixed).await;
    kit.promote("other", "2").await;
    inference.refresh().await.unwrap();
    assert_eq!(served(&inference, "other").await, fixed.id());
    assert_eq!(served(&inference, "").await, VECTORS.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_come_later_are_found_when_they_are_asked_for() {
    let kit = Kit::new();
    let inference = kit.start(config()).await;
    let error = inference.resolve("").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    kit.serve("default", &VECTORS).await;
    let model = inference.resolve("").await.unwrap();
    assert_eq!(model.bundle, VECTORS.id());
    assert_eq!(model.bins, VECTORS.contents().recipe.bins());
    assert_eq!(model.features, VECTORS.head().features());
    let by_digest = inference.resolve(&VECTORS.id().to_string()).await.unwrap();
    assert_eq!(by_digest, model);
    for (name, kind) in [
        ("default@test", ErrorKind::NotFound),
        ("nobody", ErrorKind::NotFound),
        ("no name", ErrorKind::InvalidArgument),
    ] {
        let error = inference.resolve(name).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_once_every_named_model_is_loaded_or_refused_and_one_answers() {
    let kit = Kit::new();
    kit.serve("bad", &fixture::overflowing_bundle()).await;
    let only = |models: &[&str]| InferenceConfig {
        models: models.iter().map(|&name| name.to_owned()).collect(),
        ..config()
    };
    let inference = kit.start_only(only(&["bad"])).await;
    let mut ready = inference.readiness();
    let refused = ready.wait_for(|ready| match ready {
        Readiness::NotReady(reason) => reason.contains("no model can be served"),
        Readiness::Ready => true,
    });
    assert_ne!(*refused.await.unwrap(), Readiness::Ready);
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(only(&["bad", "default"])).await;
    assert_eq!(served(&inference, "").await, VECTORS.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_none_is_refused_at_the_start() {
    let kit = Kit::new();
    let config = InferenceConfig {
        models: vec!["a/b".to_owned()],
        ..config()
    };
    let deps = InferenceDeps {
        registry: Arc::clone(&kit.registry) as _,
        cache: Arc::clone(&kit.cache) as _,
    };
    let error = Inference::start(config, deps, &kit.shutdown).await;
    assert!(error.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_tested_on_the_spectra_that_it_brings() {
    let kit = Kit::new();
    let (right, wrong) = (
        fixture::with_references(&VECTORS, 1.0),
        fixture::with_references(&VECTORS, 1.1),
    );
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    for (version, bundle, serves) in [("2", &wrong, &*VECTORS), ("3", &right, &right)] {
        kit.put("default", version, bundle).await;
        kit.promote("default", version).await;
        inference.refresh().await.unwrap();
        assert_eq!(served(&inference, "").await, serves.id(), "{version}");
    }
    let error = inference.resolve("default:2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("reference spectrum 0") && text.contains("training"),
        "{text}"
    );
}
