//! The rest of the Open Inference Protocol: models that are loaded or let go of wrongly, calls that
//! are not offered, and messages that are small on the wire and large in memory.

use crate::{
    case::{Case, absent, path},
    tensors::{INFER, OPEN_INFERENCE},
};
use assay_api::open_inference::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelStatisticsRequest,
    RepositoryIndexRequest, RepositoryModelLoadRequest, RepositoryModelUnloadRequest,
    SystemSharedMemoryStatusRequest, TraceSettingRequest, model_infer_request::InferInputTensor,
};
use assay_e2e::raw::Call;
use tonic::Code;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = repository();
    cases.extend(bombs());
    cases
}

fn repository() -> Vec<Case> {
    let load = |model: &str, repository: &str| RepositoryModelLoadRequest {
        repository_name: repository.to_owned(),
        model_name: model.to_owned(),
        ..RepositoryModelLoadRequest::default()
    };
    let unload = |model: &str| RepositoryModelUnloadRequest {
        model_name: model.to_owned(),
        ..RepositoryModelUnloadRequest::default()
    };
    let mut configured = load("default", "");
    configured
        .parameters
        .insert("config".to_owned(), Default::default());
    let (loading, unloading) = (
        (OPEN_INFERENCE, "RepositoryModelLoad"),
        (OPEN_INFERENCE, "RepositoryModelUnload"),
    );
    let index = RepositoryIndexRequest {
        repository_name: "x".to_owned(),
        ready: false,
    };
    let statistics = ModelStatisticsRequest {
        name: "x".repeat(1 << 20),
        version: String::new(),
    };
    let unoffered = |method: &str, message: Call| {
        Case::refused(
            format!("{method} is not offered"),
            message,
            Code::Unimplemented,
        )
    };
    vec![
        Case::field(
            "another repository",
            loading,
            &load("default", "x"),
            "repository_name",
        ),
        Case::field(
            "its index",
            (OPEN_INFERENCE, "RepositoryIndex"),
            &index,
            "repository_name",
        ),
        Case::field("a configuration", loading, &configured, "parameters"),
        Case::field("loading a path", loading, &load("../x", ""), "model_name"),
        Case::missing("loading nothing", loading, &load("nothing", "")),
        Case::missing("loading no bundle", loading, &load(&absent(), "")),
        Case::field(
            "letting go of a path",
            unloading,
            &unload("../x"),
            "model_name",
        ),
        Case::field(
            "of a version",
            unloading,
            &unload("default:1"),
            "model_name",
        ),
        Case::field("of a bundle", unloading, &unload(&absent()), "model_name"),
        Case::missing("of nothing", unloading, &unload("nothing")),
        Case::missing(
            "statistics of nothing",
            (OPEN_INFERENCE, "ModelStatistics"),
            &statistics,
        ),
        unoffered(
            "SystemSharedMemoryStatus",
            Call::of(
                &path(OPEN_INFERENCE, "SystemSharedMemoryStatus"),
                &SystemSharedMemoryStatusRequest::default(),
            ),
        ),
        unoffered(
            "TraceSetting",
            Call::of(
                &path(OPEN_INFERENCE, "TraceSetting"),
                &TraceSettingRequest::default(),
            ),
        ),
    ]
}

/// Messages below the limit of bytes that would take many times as much memory.
fn bombs() -> Vec<Case> {
    const MANY: usize = 8 << 20;
    let of_contents = |contents: InferTensorContents| ModelInferRequest {
        inputs: vec![InferInputTensor {
            contents: Some(contents),
            ..InferInputTensor::default()
        }],
        ..ModelInferRequest::default()
    };
    let texts = of_contents(InferTensorContents {
        bytes_contents: vec![Vec::new(); MANY],
        ..InferTensorContents::default()
    });
    let numbers = of_contents(InferTensorContents {
        int64_contents: vec![0; 2 * MANY - 100],
        ..InferTensorContents::default()
    });
    let shape = ModelInferRequest {
        inputs: vec![InferInputTensor {
            shape: vec![0; 2 * MANY - 100],
            ..InferInputTensor::default()
        }],
        ..ModelInferRequest::default()
    };
    let inputs = ModelInferRequest {
        inputs: vec![InferInputTensor::default(); 200_000],
        ..ModelInferRequest::default()
    };
    let mut parameters = ModelInferRequest::default();
    for number in 0..500_000 {
        parameters
            .parameters
            .insert(number.to_string(), InferParameter::default());
    }
    let bomb = |name: &str, message: &ModelInferRequest| {
        let call = Call::of(&path(INFER.0, INFER.1), message);
        Case::refused(format!("tensors: {name}"), call, Code::ResourceExhausted)
    };
    vec![
        bomb("millions of empty texts", &texts),
        bomb("millions of zeros", &numbers),
        bomb("a shape of millions", &shape),
        bomb("very many inputs", &inputs),
        bomb("very many parameters", &parameters),
    ]
}
