//! What reflection tells somebody who has nothing of ours.

use crate::{stage::Stage, text};
use assay_e2e::foreign;
use serde_json::Value;

pub(crate) fn check(stage: &Stage) {
    let script = "open_inference_grpcurl.py";
    let printed = foreign::python(script, script, [&stage.address]).unwrap();
    let told: Value = serde_json::from_str(&printed.unwrap()).unwrap();
    let has = |list: &str, name: &str| {
        let list = told[list].as_array().unwrap();
        assert!(list.contains(&name.into()), "{name}: {list:?}");
    };
    has("services", "inference.GRPCInferenceService");
    has("services", "openassay.inference.v1.InferenceService");
    for method in [
        "ModelInfer",
        "ModelStreamInfer",
        "RepositoryModelLoad",
        "LogSettings",
    ] {
        has(
            "methods",
            &format!("inference.GRPCInferenceService.{method}"),
        );
    }
    let request = text(&told["request"]);
    assert!(
        request.contains("repeated bytes raw_input_contents = 7;"),
        "{request}"
    );
    let config = text(&told["config"]);
    assert!(config.contains("int32 max_batch_size = 4;"), "{config}");
    assert_eq!(told["metadata"]["name"], "openassay");
    assert_eq!(told["live"]["live"], true);
}
