//! What Triton's own client got.

use crate::{
    stage::{MODEL, ROWS, Stage, VERSION},
    text,
};
use serde_json::{Value, json};

const ALL: [&str; 3] = ["features", "logits", "probabilities"];

pub(crate) fn check(stage: &Stage, told: &Value) {
    for answer in ["live", "ready", "model_ready", "version_ready"] {
        assert_eq!(told[answer], true, "{answer}");
    }
    assert_eq!(told["nothing_ready"], false);
    check_description(stage, told);
    let answer = &told["answer"];
    stage.check_tensors(&answer["tensors"], &ALL);
    assert_eq!(answer["id"], "all of it");
    assert_eq!(
        (&answer["model"], &answer["version"]),
        (&json!(MODEL), &json!(VERSION))
    );
    assert_eq!(answer["bundle"], stage.bundle.as_str());
    for answer in ["of_version", "gzip"] {
        stage.check_tensors(&told[answer], &["logits"]);
    }
    assert_eq!(told["half"], told["widened"]);
    assert_ne!(told["half"]["logits"]["hex"], stage.tensors["logits"]);
    check_classification(stage, &told["classification"]);
    check_stream(stage, &told["stream"]);
    check_refusals(told);
    check_repository(stage, &told["repository"]);
    check_statistics(&told["statistics"]);
}

fn check_description(stage: &Stage, told: &Value) {
    let server = &told["server"];
    assert_eq!(server["name"], "openassay");
    let extensions = server["extensions"].as_array().unwrap();
    for extension in [
        "statistics",
        "model_repository",
        "model_configuration",
        "parameters",
    ] {
        assert!(extensions.contains(&extension.into()), "{extensions:?}");
    }
    let metadata = &told["metadata"];
    assert_eq!(metadata["versions"], json!([VERSION]));
    assert_eq!(metadata["platform"], "onnxruntime_onnx");
    let bins = stage.bins.to_string();
    // Integers of 64 bits are texts in the JSON of protobuf.
    assert_eq!(metadata["inputs"][0]["shape"], json!(["-1", bins]));
    let outputs = metadata["outputs"].as_array().unwrap();
    let names: Vec<_> = outputs.iter().map(|output| text(&output["name"])).collect();
    assert_eq!(names, ALL);
    let config = &told["config"];
    assert_eq!(config["max_batch_size"], 1024);
    assert_eq!(config["input"][0]["dims"], json!([bins]));
    assert_eq!(config["input"][0]["data_type"], "TYPE_FP32");
    assert_eq!(config["backend"], "onnxruntime");
    let labels = text(&config["parameters"]["labels"]["string_value"]);
    let labels: Vec<String> = serde_json::from_str(labels).unwrap();
    assert_eq!(labels, stage.labels);
}

/// The two most probable classes of each row as texts.
fn check_classification(stage: &Stage, told: &Value) {
    let rows = told.as_array().unwrap();
    assert_eq!(rows.len(), ROWS);
    for (row, probabilities) in rows.iter().zip(&stage.probabilities) {
        let mut order: Vec<_> = (0..probabilities.len()).collect();
        order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
        let best: Vec<_> = order[..2]
            .iter()
            .map(|class| format!("{}:{class}:{}", probabilities[*class], stage.labels[*class]))
            .collect();
        assert_eq!(*row, json!(best));
    }
}

fn check_stream(stage: &Stage, told: &Value) {
    assert_eq!(told[0]["id"], "0");
    assert!(
        text(&told[1]["error"]).contains("inputs[0].shape"),
        "{told}"
    );
    assert_eq!(told[2]["id"], "2");
    let mut hex = String::new();
    for answer in [0, 2] {
        assert_eq!(told[answer]["last"], true);
        hex += text(&told[answer]["tensors"]["logits"]["hex"]);
    }
    assert_eq!(hex, stage.tensors["logits"]);
}

fn check_refusals(told: &Value) {
    for (name, status, words) in [
        ("wrong_type", "INVALID_ARGUMENT", "inputs[0].datatype"),
        ("expired", "DEADLINE_EXCEEDED", ""),
        ("shared_memory", "UNIMPLEMENTED", "shares no memory"),
        ("traces", "UNIMPLEMENTED", "configuration"),
        ("logs", "UNIMPLEMENTED", "configuration"),
    ] {
        check_refusal(&told[name], status, words);
    }
}

#[track_caller]
fn check_refusal(told: &Value, status: &str, words: &str) {
    assert_eq!(told["status"], format!("StatusCode.{status}"), "{told}");
    assert!(text(&told["message"]).contains(words), "{told}");
}

fn check_repository(stage: &Stage, told: &Value) {
    let versions = |state: &str| json!({ format!("{MODEL}:{VERSION}"): state });
    assert_eq!(told["before"], versions("READY"));
    assert_eq!(told["unloaded"], versions("UNAVAILABLE"));
    assert_eq!(told["loaded"], versions("READY"));
    assert_eq!(
        (&told["ready_unloaded"], &told["ready_loaded"]),
        (&json!(false), &json!(true))
    );
    check_refusal(&told["refused"], "FAILED_PRECONDITION", "let go");
    check_refusal(&told["with_config"], "INVALID_ARGUMENT", "config");
    check_refusal(&told["nothing"], "NOT_FOUND", "nothing");
    stage.check_tensors(&told["tensors"], &["logits"]);
}

fn check_statistics(told: &Value) {
    let models = told["model_stats"].as_array().unwrap();
    assert_eq!(models.len(), 1);
    let model = &models[0];
    assert_eq!(
        (&model["name"], &model["version"]),
        (&json!(MODEL), &json!(VERSION))
    );
    let number = |value: &Value| -> u64 { text(value).parse().unwrap() };
    let times = &model["inference_stats"];
    let success = number(&times["success"]["count"]);
    assert!(success >= 8, "{model}");
    assert!(number(&times["fail"]["count"]) >= 2, "{model}");
    assert!(number(&times["compute_infer"]["ns"]) < number(&times["success"]["ns"]));
    // Vectors of this model are not cached: every request is computed.
    assert_eq!(number(&model["execution_count"]), success);
    assert!(number(&model["inference_count"]) > 2 * success, "{model}");
    let batches = model["batch_stats"].as_array().unwrap();
    let sizes: Vec<_> = batches
        .iter()
        .map(|batch| number(&batch["batch_size"]))
        .collect();
    assert_eq!(sizes, [1, 2, 3]);
}
