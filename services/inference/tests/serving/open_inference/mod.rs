//! The Open Inference Protocol over gRPC, with real models.

mod answers;
mod counted;
mod repository;

use assay_api::{
    ClientOptions, Limited, MAX_MESSAGE_BYTES, channel,
    open_inference::{
        InferParameter, ModelInferRequest, ModelInferResponse, ModelReadyRequest, ModelStatistics,
        ModelStatisticsRequest, RepositoryIndexRequest, RepositoryModelLoadRequest,
        RepositoryModelUnloadRequest, ServerReadyRequest,
        grpc_inference_service_client::GrpcInferenceServiceClient,
        infer_parameter::ParameterChoice,
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    },
};
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt;

pub(super) type Client = GrpcInferenceServiceClient<Channel>;

pub(super) fn open(url: &str) -> Client {
    let channel = channel(url, &ClientOptions::default()).unwrap();
    GrpcInferenceServiceClient::new(channel).limited(MAX_MESSAGE_BYTES)
}

pub(super) fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// A request for everything of rows, raw.
pub(super) fn request(model: &str, version: &str, rows: &[Vec<f32>]) -> ModelInferRequest {
    ModelInferRequest {
        model_name: model.to_owned(),
        model_version: version.to_owned(),
        inputs: vec![InferInputTensor {
            name: "spectrum".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![rows.len() as i64, rows[0].len() as i64],
            ..InferInputTensor::default()
        }],
        raw_input_contents: vec![bytes(&rows.concat())],
        ..ModelInferRequest::default()
    }
}

pub(super) fn parameter(value: ParameterChoice) -> InferParameter {
    InferParameter {
        parameter_choice: Some(value),
    }
}

pub(super) fn output(name: &str) -> InferRequestedOutputTensor {
    InferRequestedOutputTensor {
        name: name.to_owned(),
        ..InferRequestedOutputTensor::default()
    }
}

pub(super) async fn infer(client: &mut Client, request: ModelInferRequest) -> ModelInferResponse {
    client.model_infer(request).await.unwrap().into_inner()
}

pub(super) async fn refused(client: &mut Client, request: ModelInferRequest) -> Status {
    client.model_infer(request).await.unwrap_err()
}

#[track_caller]
pub(super) fn at_fault(status: &Status, field: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, field, "{status}");
}

pub(super) async fn load(client: &mut Client, model: &str) -> Result<(), Status> {
    let request = RepositoryModelLoadRequest {
        model_name: model.to_owned(),
        ..RepositoryModelLoadRequest::default()
    };
    client.repository_model_load(request).await.map(drop)
}

pub(super) async fn unload(client: &mut Client, model: &str) -> Result<(), Status> {
    let request = RepositoryModelUnloadRequest {
        model_name: model.to_owned(),
        ..RepositoryModelUnloadRequest::default()
    };
    client.repository_model_unload(request).await.map(drop)
}

pub(super) async fn ready(client: &mut Client, name: &str, version: &str) -> bool {
    let request = ModelReadyRequest {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    let answer = client.model_ready(request).await;
    answer.unwrap().into_inner().ready
}

pub(super) async fn server_ready(client: &mut Client) -> bool {
    let answer = client.server_ready(ServerReadyRequest {}).await;
    answer.unwrap().into_inner().ready
}

/// Name, version and state of everything in the registry.
pub(super) async fn index(client: &mut Client) -> Vec<[String; 3]> {
    let answer = client.repository_index(RepositoryIndexRequest::default());
    let rows = answer.await.unwrap().into_inner().models.into_iter();
    rows.map(|row| [row.name, row.version, row.state]).collect()
}

pub(super) async fn statistics(client: &mut Client, name: &str) -> Vec<ModelStatistics> {
    let request = ModelStatisticsRequest {
        name: name.to_owned(),
        version: String::new(),
    };
    let answer = client.model_statistics(request).await;
    answer.unwrap().into_inner().model_stats
}
