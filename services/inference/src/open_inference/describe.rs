//! What a model takes and gives, in the words of the protocol.

use super::{
    input::SPECTRUM,
    output::{Tensor, dimension},
};
use crate::{answer_size::rows_that_fit, names::Served};
use assay_api::open_inference::{
    DataType, ModelConfig, ModelInput, ModelInstanceGroup, ModelMetadataResponse, ModelOutput,
    ModelParameter, ModelTransactionPolicy, ModelVersionPolicy,
    model_instance_group::Kind,
    model_metadata_response::TensorMetadata,
    model_version_policy::{All, PolicyChoice},
};
use std::collections::BTreeMap;

/// How Triton calls a model.onnx that ONNX Runtime runs.
const PLATFORM: &str = "onnxruntime_onnx";

/// The number of rows, which is the caller's choice.
const ROWS: i64 = -1;

/// Inputs and outputs of a model. `versions` are those of the registry.
pub(super) fn metadata(served: &Served, versions: Vec<String>) -> ModelMetadataResponse {
    let bundle = served.model.bundle();
    let tensor = |name: &str, width: usize| TensorMetadata {
        name: name.to_owned(),
        datatype: "FP32".to_owned(),
        shape: vec![ROWS, dimension(width)],
    };
    let outputs = Tensor::ALL.map(|output| tensor(output.name(), output.width(bundle)));
    ModelMetadataResponse {
        name: served.name.clone(),
        versions: with(versions, &served.version),
        platform: PLATFORM.to_owned(),
        inputs: vec![tensor(SPECTRUM, served.model.bins())],
        outputs: outputs.to_vec(),
        properties: properties(served),
    }
}

/// The versions of the last reading of the registry, and the one that answers, which may be newer.
fn with(mut versions: Vec<String>, served: &str) -> Vec<String> {
    if !served.is_empty() && !versions.iter().any(|version| version == served) {
        versions.push(served.to_owned());
    }
    versions
}

/// What else there is to know of a model.
fn properties(served: &Served) -> BTreeMap<String, String> {
    let bundle = served.model.bundle();
    let labels: serde_json::Value = bundle
        .contents()
        .classes
        .iter()
        .map(|label| label.as_str())
        .collect();
    BTreeMap::from([
        ("bundle".to_owned(), bundle.id().to_string()),
        ("labels".to_owned(), labels.to_string()),
        ("version".to_owned(), served.version.clone()),
    ])
}

/// What Triton calls the configuration of a model.
pub(super) fn config(served: &Served, max_message_bytes: usize) -> ModelConfig {
    let model = &served.model;
    let bundle = model.bundle();
    let data_type = DataType::TypeFp32.into();
    let outputs = Tensor::ALL.map(|output| ModelOutput {
        name: output.name().to_owned(),
        data_type,
        dims: vec![dimension(output.width(bundle))],
    });
    let mut parameters = properties(served);
    parameters.insert("engine".to_owned(), model.engine().to_string());
    let parameters = parameters
        .into_iter()
        .map(|(key, string_value)| (key, ModelParameter { string_value }));
    let kind = match model.engine().provider {
        "cpu" => Kind::Cpu,
        _ => Kind::Auto,
    };
    ModelConfig {
        name: served.name.clone(),
        platform: PLATFORM.to_owned(),
        version_policy: Some(ModelVersionPolicy {
            policy_choice: Some(PolicyChoice::All(All {})),
        }),
        max_batch_size: most_rows(served, max_message_bytes),
        input: vec![ModelInput {
            name: SPECTRUM.to_owned(),
            data_type,
            dims: vec![dimension(model.bins())],
        }],
        output: outputs.to_vec(),
        instance_group: vec![ModelInstanceGroup {
            name: served.name.clone(),
            count: 1,
            kind: kind.into(),
        }],
        default_model_filename: "model.onnx".to_owned(),
        parameters: parameters.collect(),
        backend: "onnxruntime".to_owned(),
        model_transaction_policy: Some(ModelTransactionPolicy { decoupled: false }),
    }
}

/// Rows that one message holds both as they go in and with everything that comes out.
fn most_rows(served: &Served, max_message_bytes: usize) -> i32 {
    let bundle = served.model.bundle();
    let outputs: usize = Tensor::ALL.iter().map(|output| output.width(bundle)).sum();
    let rows = rows_that_fit(4 * outputs.max(served.model.bins()), max_message_bytes);
    i32::try_from(rows).unwrap_or(i32::MAX)
}
