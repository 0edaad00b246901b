//! Wrong requests of the Open Inference Protocol: tensors, names, parameters.

use crate::case::{Case, Stage, absent, path};
use assay_api::open_inference::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelMetadataRequest,
    infer_parameter::ParameterChoice,
    model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
};
use assay_e2e::raw::Call;
use tonic::Code;

pub(crate) const OPEN_INFERENCE: &str = "inference.GRPCInferenceService";

pub(crate) const INFER: (&str, &str) = (OPEN_INFERENCE, "ModelInfer");

pub(crate) fn cases(stage: &Stage) -> Vec<Case> {
    let mut cases = tensors(stage);
    cases.extend(elements(stage));
    cases.extend(outputs(stage));
    cases.extend(parameters(stage));
    cases.extend(names(stage));
    cases
}

/// A good request for one row.
pub(crate) fn good(stage: &Stage) -> ModelInferRequest {
    let row = vec![-6.0f32; stage.bins];
    ModelInferRequest {
        model_name: "default".to_owned(),
        inputs: vec![InferInputTensor {
            name: "spectrum".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![1, stage.bins as i64],
            ..InferInputTensor::default()
        }],
        raw_input_contents: vec![bytes(&row)],
        ..ModelInferRequest::default()
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn value(choice: ParameterChoice) -> InferParameter {
    InferParameter {
        parameter_choice: Some(choice),
    }
}

/// A good request with one thing changed.
fn case(
    stage: &Stage,
    name: &str,
    field: &str,
    change: impl FnOnce(&mut ModelInferRequest),
) -> Case {
    let mut request = good(stage);
    change(&mut request);
    Case::field(format!("tensors: {name}"), INFER, &request, field)
}

fn tensors(stage: &Stage) -> Vec<Case> {
    let bins = stage.bins as i64;
    let mut cases = vec![
        case(stage, "no input", "inputs", |r| r.inputs.clear()),
        case(stage, "another input", "inputs[0].name", |r| {
            r.inputs[0].name = "image".to_owned();
        }),
        case(stage, "no name", "inputs[0].name", |r| {
            r.inputs[0].name.clear()
        }),
        case(stage, "an input twice", "inputs[1].name", |r| {
            r.inputs.push(r.inputs[0].clone());
            r.raw_input_contents.push(r.raw_input_contents[0].clone());
        }),
        case(stage, "a second input", "inputs[1].name", |r| {
            r.inputs.push(InferInputTensor::default());
        }),
        case(stage, "shared memory in", "inputs[0].parameters", |r| {
            let region = value(ParameterChoice::StringParam("x".to_owned()));
            let parameters = &mut r.inputs[0].parameters;
            parameters.insert("shared_memory_region".to_owned(), region);
            r.raw_input_contents.clear();
        }),
    ];
    for datatype in [
        "", "fp32", "FP64", "BF16", "INT32", "UINT8", "BOOL", "BYTES",
    ] {
        cases.push(case(stage, datatype, "inputs[0].datatype", |r| {
            r.inputs[0].datatype = datatype.to_owned();
        }));
    }
    for shape in [
        vec![],
        vec![bins],
        vec![1, bins, 1],
        vec![-1, bins],
        vec![1, -bins],
        vec![-1, -bins],
        vec![0, bins],
        vec![1, 0],
        vec![bins, 1],
        vec![1025, bins],
        vec![i64::MAX, bins],
        vec![1, i64::MAX],
        vec![i64::MIN, i64::MIN],
        vec![1024, i64::MAX / 1024],
        vec![1; 1000],
    ] {
        cases.push(case(stage, "a shape", "inputs[0].shape", |r| {
            r.inputs[0].shape = shape;
        }));
    }
    for wrong in [bins - 1, bins + 1, 1] {
        cases.push(case(
            stage,
            "rows of another width",
            "inputs[0].shape",
            |r| {
                r.inputs[0].shape = vec![1, wrong];
                r.raw_input_contents[0] = bytes(&vec![0.0; wrong as usize]);
            },
        ));
    }
    cases
}

fn elements(stage: &Stage) -> Vec<Case> {
    let bins = stage.bins;
    let typed = |contents: InferTensorContents| {
        move |request: &mut ModelInferRequest| {
            request.raw_input_contents.clear();
            request.inputs[0].contents = Some(contents);
        }
    };
    let fp32 = |values: Vec<f32>| InferTensorContents {
        fp32_contents: values,
        ..InferTensorContents::default()
    };
    let raw = "raw_input_contents[0]";
    let contents = "inputs[0].contents.fp32_contents";
    let mut cases = vec![
        case(stage, "nothing", "inputs[0].contents", |r| {
            r.raw_input_contents.clear();
        }),
        case(stage, "raw and typed", "inputs[0].contents", |r| {
            r.inputs[0].contents = Some(fp32(vec![0.0; bins]));
        }),
        case(stage, "raw twice", "raw_input_contents", |r| {
            r.raw_input_contents.push(Vec::new());
        }),
        case(stage, "raw of half precision", raw, |r| {
            r.inputs[0].datatype = "FP16".to_owned();
        }),
        case(
            stage,
            "typed of half precision",
            "inputs[0].datatype",
            |r| {
                typed(fp32(vec![0.0; bins]))(r);
                r.inputs[0].datatype = "FP16".to_owned();
            },
        ),
        case(
            stage,
            "integers",
            "inputs[0].contents.int_contents",
            typed(InferTensorContents {
                int_contents: vec![1; bins],
                ..InferTensorContents::default()
            }),
        ),
        case(
            stage,
            "texts beside numbers",
            "inputs[0].contents.bytes_contents",
            typed(InferTensorContents {
                bytes_contents: vec![b"x".to_vec()],
                ..fp32(vec![0.0; bins])
            }),
        ),
        case(
            stage,
            "typed one short",
            contents,
            typed(fp32(vec![0.0; bins - 1])),
        ),
        case(
            stage,
            "typed one long",
            contents,
            typed(fp32(vec![0.0; bins + 1])),
        ),
    ];
    for length in [
        0,
        1,
        4 * bins - 1,
        4 * bins + 1,
        2 * bins,
        8 * bins,
        1 << 20,
    ] {
        cases.push(case(stage, &format!("{length} bytes"), raw, |r| {
            r.raw_input_contents[0] = vec![0; length];
        }));
    }
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for bin in [0, bins / 2, bins - 1] {
            let mut row = vec![0.0; bins];
            row[bin] = bad;
            let raw_row = bytes(&row);
            cases.push(case(stage, &format!("{bad} raw"), raw, |r| {
                r.raw_input_contents[0] = raw_row;
            }));
            cases.push(case(
                stage,
                &format!("{bad} typed"),
                contents,
                typed(fp32(row)),
            ));
        }
    }
    cases
}

fn outputs(stage: &Stage) -> Vec<Case> {
    let asked = |names: &[&str]| -> Vec<_> {
        let outputs = names.iter().map(|name| InferRequestedOutputTensor {
            name: (*name).to_owned(),
            ..InferRequestedOutputTensor::default()
        });
        outputs.collect()
    };
    let with = |name: &str, key: &str, choice: ParameterChoice| {
        let mut outputs = asked(&[name]);
        outputs[0].parameters.insert(key.to_owned(), value(choice));
        outputs
    };
    let classification = "outputs[0].parameters.classification";
    let text = ParameterChoice::StringParam("2".to_owned());
    [
        ("an unknown output", "outputs[0].name", asked(&["image"])),
        (
            "no output's name",
            "outputs[1].name",
            asked(&["logits", ""]),
        ),
        (
            "an output twice",
            "outputs[1].name",
            asked(&["logits", "logits"]),
        ),
        (
            "shared memory out",
            "outputs[0].parameters",
            with("logits", "shared_memory_region", text.clone()),
        ),
        (
            "classes of features",
            classification,
            with("features", "classification", ParameterChoice::Int64Param(1)),
        ),
        (
            "no class",
            classification,
            with("logits", "classification", ParameterChoice::Int64Param(0)),
        ),
        (
            "fewer than no class",
            classification,
            with("logits", "classification", ParameterChoice::Int64Param(-1)),
        ),
        (
            "two as a text",
            classification,
            with("logits", "classification", text),
        ),
    ]
    .map(|(name, field, outputs)| case(stage, name, field, |r| r.outputs = outputs))
    .into()
}

fn parameters(stage: &Stage) -> Vec<Case> {
    use ParameterChoice::{BoolParam, DoubleParam, Int64Param, StringParam};
    let wrong = [
        ("timeout", Int64Param(-1)),
        ("timeout", DoubleParam(1.0)),
        ("timeout", StringParam("1".to_owned())),
        ("binary_data_output", Int64Param(1)),
        ("sequence_id", Int64Param(1)),
        ("sequence_id", StringParam("a".to_owned())),
        ("sequence_start", BoolParam(true)),
    ];
    let mut cases: Vec<_> = wrong
        .into_iter()
        .map(|(key, choice)| {
            case(stage, key, &format!("parameters.{key}"), |r| {
                r.parameters.insert(key.to_owned(), value(choice));
            })
        })
        .collect();
    cases.push(case(stage, "a long id", "id", |r| r.id = "x".repeat(1025)));
    let mut expired = good(stage);
    expired
        .parameters
        .insert("timeout".to_owned(), value(Int64Param(1)));
    let call = Call::of(&path(INFER.0, INFER.1), &expired);
    cases.push(Case::refused(
        "tensors: a timeout",
        call,
        Code::DeadlineExceeded,
    ));
    cases
}

fn names(stage: &Stage) -> Vec<Case> {
    let mut cases = Vec::new();
    let long = "x".repeat(65);
    let digest = absent();
    for (name, version, field) in [
        ("../x", "", Some("name")),
        ("a b", "", Some("name")),
        ("\0", "", Some("name")),
        (long.as_str(), "", Some("name")),
        ("a@b@c", "", Some("name")),
        ("", "1", Some("name")),
        ("default", "../1", Some("version")),
        ("default", "@", Some("version")),
        ("default", long.as_str(), Some("version")),
        ("default@production", "1", Some("version")),
        (digest.as_str(), "1", Some("version")),
        ("nothing", "", None),
        ("default", "nothing", None),
        ("default@nothing", "", None),
        (digest.as_str(), "", None),
    ] {
        let told = format!("model {name:?} version {version:?}");
        let metadata = ModelMetadataRequest {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        let infer = ModelInferRequest {
            model_name: name.to_owned(),
            model_version: version.to_owned(),
            ..good(stage)
        };
        let described = (OPEN_INFERENCE, "ModelMetadata");
        match field {
            None => {
                cases.push(Case::missing(&told, described, &metadata));
                cases.push(Case::missing(&told, INFER, &infer));
            }
            Some(field) => {
                cases.push(Case::field(&told, described, &metadata, field));
                cases.push(Case::field(&told, INFER, &infer, &format!("model_{field}")));
            }
        }
    }
    cases
}
