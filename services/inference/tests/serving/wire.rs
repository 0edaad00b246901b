//! Over gRPC: the same bits as in process, statuses with reasons, models with their states.

use crate::kit::{IMAGES, Kit, VECTORS, bits, config, features, many, vectors};
use assay_answering::{Explaining, FeatureSource};
use assay_api::{
    ClientOptions, Limited, MAX_MESSAGE_BYTES, RemoteFeatures, channel,
    inference::{
        ClassifyRequest, DescribeModelRequest, FeaturesRequest, ListModelsRequest, ModelState,
        Vector, inference_service_client::InferenceServiceClient,
    },
};
use assay_inference::{Inference, component};
use assay_pipeline::{Identifier, fixture};
use assay_runtime::{Server, ServerConfig};
use std::{sync::Arc, time::Duration};
use tonic::{Code, Request, transport::Channel};

/// Serves on a free port until the kit ends; gives the address.
pub(crate) async fn serve(kit: &Kit, inference: &Arc<Inference>) -> String {
    let server = ServerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..ServerConfig::default()
    };
    let server = Server::bind(&server).await.unwrap();
    let url = format!("http://{}", server.local_address());
    let components = vec![component(Arc::clone(inference))];
    tokio::spawn(server.run(components, kit.shutdown.clone()));
    url
}

pub(crate) fn client(url: &str) -> InferenceServiceClient<Channel> {
    let channel = channel(url, &ClientOptions::default()).unwrap();
    InferenceServiceClient::new(channel).limited(MAX_MESSAGE_BYTES)
}

pub(crate) fn to_wire(rows: Vec<Vec<f32>>) -> Vec<Vector> {
    rows.into_iter().map(|values| Vector { values }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_trait_over_the_network_gives_the_same_bits() {
    let kit = Kit::new();
    kit.serve("default", &IMAGES).await;
    let inference = kit.start(config()).await;
    let remote = RemoteFeatures::new(&serve(&kit, &inference).await, &ClientOptions::default());
    let remote = remote.unwrap();
    assert_eq!(
        remote.resolve("").await.unwrap(),
        inference.resolve("").await.unwrap()
    );
    let rows = vectors(&IMAGES, 1);
    let near = features(&inference, &IMAGES, &rows).await;
    let far = remote.features(IMAGES.id(), rows.clone(), None).await;
    let far = far.unwrap();
    assert_eq!(bits(&far.rows), bits(&near.rows));
    assert_eq!(far.cached, 4);
    let near = inference.importances(IMAGES.id(), rows[0].clone(), Explaining::default(), None);
    let far = remote.importances(IMAGES.id(), rows[0].clone(), Explaining::default(), None);
    assert_eq!(far.await.unwrap(), near.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_are_those_of_the_one_head_function() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut client = client(&serve(&kit, &inference).await);
    let rows = vectors(&VECTORS, 2);
    let request = ClassifyRequest {
        model: String::new(),
        vectors: to_wire(rows.clone()),
    };
    let answer = client.classify(request).await.unwrap().into_inner();
    assert_eq!(answer.bundle, VECTORS.id().to_string());
    assert_eq!(answer.labels, ["Ash", "Coal, hard", "Öl"]);
    let identifier = Identifier::new(VECTORS.clone(), &fixture::options()).unwrap();
    let found = features(&inference, &VECTORS, &rows).await;
    for (row, features) in found.rows.iter().enumerate() {
        let decision = identifier.decide(features).unwrap();
        assert_eq!(answer.logits[row].values, decision.logits);
        assert_eq!(answer.probabilities[row].values, decision.probabilities);
        assert_eq!(answer.classes[row] as usize, decision.class);
    }
    let request = DescribeModelRequest::default();
    let model = client.describe_model(request).await.unwrap().into_inner();
    assert_eq!(model.bins, 2631);
    assert_eq!(model.labels, answer.labels);
    assert!(!model.cached);
    assert!(
        model.engine.starts_with("onnxruntime 1."),
        "{}",
        model.engine
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_their_codes_and_say_what_there_is() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut client = client(&serve(&kit, &inference).await);
    let mut refuse = async |model: &str, rows: Vec<Vec<f32>>, left: Option<Duration>| {
        let mut request = Request::new(FeaturesRequest {
            model: model.to_owned(),
            vectors: to_wire(rows),
        });
        if let Some(left) = left {
            request.set_timeout(left);
        }
        let status = client.features(request).await.unwrap_err();
        (status.code(), status.message().to_owned())
    };
    let (code, message) = refuse("absent", many(&VECTORS, 1), None).await;
    assert_eq!(code, Code::NotFound);
    assert!(message.contains("default"), "{message}");
    let mut wrong = many(&VECTORS, 2);
    wrong[1][5] = f32::NAN;
    let (code, message) = refuse("", wrong, None).await;
    assert_eq!(code, Code::InvalidArgument);
    assert!(message.contains("vectors[1] has NaN at bin 5"), "{message}");
    let (code, message) = refuse("", vec![Vec::new(); 1025], None).await;
    assert_eq!(code, Code::InvalidArgument);
    assert!(message.contains("1025"), "{message}");
    let soon = Some(Duration::from_millis(1));
    let (code, _) = refuse("", many(&VECTORS, 1024), soon).await;
    // The client's own clock and the server's may run out in either order.
    assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_with_their_states_and_reasons() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut client = client(&serve(&kit, &inference).await);
    let bad = fixture::overflowing_bundle();
    kit.put("default", "2", &bad).await;
    kit.promote("default", "2").await;
    inference.refresh().await.unwrap();
    let listed = client.list_models(ListModelsRequest {}).await.unwrap();
    let models = listed.into_inner().models;
    let rows: Vec<_> = models
        .iter()
        .map(|model| (model.name.as_str(), model.bundle.as_str(), model.state()))
        .collect();
    let (serving, refused) = (VECTORS.id().to_string(), bad.id().to_string());
    let name = "default@production";
    assert_eq!(
        rows,
        [
            (name, serving.as_str(), ModelState::Serving),
            (name, refused.as_str(), ModelState::Refused),
        ]
    );
    assert!(
        models[1].reason.contains("failed its test"),
        "{:?}",
        models[1]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_when_to_come_again() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let small = assay_inference::InferenceConfig {
        max_queue_rows: 8,
        ..config()
    };
    let inference = kit.start(small).await;
    let mut client = client(&serve(&kit, &inference).await);
    let long = crate::limits::begun(&inference, 1024, None).await;
    let request = FeaturesRequest {
        model: String::new(),
        vectors: to_wire(many(&VECTORS, 4)),
    };
    let status = client.features(request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let wait = assay_api::status::retry_after(&status).unwrap();
    assert!(wait > Duration::ZERO);
    drop(long);
}
