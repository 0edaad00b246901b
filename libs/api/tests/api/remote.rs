//! What a client makes of the messages of a service: requests of any size are divided, and an
//! answer that does not fit the question is no answer.

use assay_answering::{Explaining, FeatureSource};
use assay_api::{
    ClientOptions, RemoteFeatures,
    inference::{
        ClassifyRequest, ClassifyResponse, DescribeModelRequest, DescribeModelResponse,
        FeaturesRequest, FeaturesResponse, ImportancesRequest, ImportancesResponse,
        ListModelsRequest, ListModelsResponse, Vector,
        inference_service_server::{InferenceService, InferenceServiceServer},
    },
    status,
};
use assay_core::{Classified, Digest, ErrorKind};
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

/// Answers every vector with its first value and its bits kept.
struct FirstValue {
    bundle: Digest,
}

#[tonic::async_trait]
impl InferenceService for FirstValue {
    async fn features(
        &self,
        request: Request<FeaturesRequest>,
    ) -> Result<Response<FeaturesResponse>, Status> {
        let vectors = request.into_inner().vectors;
        if vectors.len() > 1024 {
            return Err(status::invalid_field("vectors", "has too many rows"));
        }
        let rows = vectors.iter().map(|vector| Vector {
            values: vector.values[..1].to_vec(),
        });
        Ok(Response::new(FeaturesResponse {
            bundle: self.bundle.to_string(),
            features: rows.collect(),
            cached: 1,
            queue_s: 0.5,
            compute_s: 0.25,
        }))
    }

    async fn classify(
        &self,
        _: Request<ClassifyRequest>,
    ) -> Result<Response<ClassifyResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn importances(
        &self,
        _: Request<ImportancesRequest>,
    ) -> Result<Response<ImportancesResponse>, Status> {
        Err(status::overloaded(
            "the queue is full",
            Duration::from_millis(40),
        ))
    }

    async fn describe_model(
        &self,
        request: Request<DescribeModelRequest>,
    ) -> Result<Response<DescribeModelResponse>, Status> {
        let bundle = match request.into_inner().model.as_str() {
            "" => self.bundle.to_string(),
            _ => "not a digest".to_owned(),
        };
        Ok(Response::new(DescribeModelResponse {
            bundle,
            bins: 5,
            features: 1,
            ..DescribeModelResponse::default()
        }))
    }

    async fn list_models(
        &self,
        _: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }
}

async fn client(bundle: Digest) -> RemoteFeatures {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = InferenceServiceServer::new(FirstValue { bundle });
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    RemoteFeatures::new(&url, &ClientOptions::default()).unwrap()
}

#[tokio::test]
async fn many_vectors_go_in_several_messages_and_come_back_in_order() {
    let bundle = Digest::of(b"bundle");
    let client = client(bundle).await;
    let served = client.resolve("").await.unwrap();
    assert_eq!(
        (served.bundle, served.bins, served.features),
        (bundle, 5, 1)
    );
    let vectors: Vec<_> = (0..2500u16)
        .map(|row| vec![f32::from(row) / 7.0; 5])
        .collect();
    let limit = Some(Duration::from_secs(60));
    let found = client
        .features(bundle, vectors.clone(), limit)
        .await
        .unwrap();
    for (row, vector) in found.rows.iter().zip(&vectors) {
        assert_eq!(row[0].to_bits(), vector[0].to_bits());
    }
    // 1024 + 1024 + 452.
    assert_eq!((found.rows.len(), found.cached), (2500, 3));
    assert_eq!(found.queue, Duration::from_millis(1500));
    assert_eq!(found.compute, Duration::from_millis(750));
}

#[tokio::test]
async fn answers_of_another_bundle_are_no_answers() {
    let client = client(Digest::of(b"other")).await;
    let asked = Digest::of(b"bundle");
    let error = client
        .features(asked, vec![vec![1.0]], None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    let error = client.resolve("named").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
}

#[tokio::test]
async fn refusals_keep_kind_message_and_waiting_time() {
    let bundle = Digest::of(b"bundle");
    let client = client(bundle).await;
    let error = client
        .importances(bundle, vec![0.0], Explaining::default(), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
    assert_eq!(error.to_string(), "the queue is full; try again in 40 ms");
}
