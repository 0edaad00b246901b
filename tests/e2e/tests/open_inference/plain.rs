//! What the client of the protocol's working group got.

use crate::{
    stage::{Stage, VERSION},
    text,
};
use serde_json::{Value, json};

pub(crate) fn check(stage: &Stage, told: &Value) {
    for answer in ["live", "ready", "model_ready", "typed_is_typed"] {
        assert_eq!(told[answer], true, "{answer}");
    }
    assert_eq!(told["server"], "openassay");
    assert_eq!(
        told["inputs"],
        json!([["spectrum", "FP32", [-1, stage.bins]]])
    );
    let labels: Vec<String> = serde_json::from_str(text(&told["properties"]["labels"])).unwrap();
    assert_eq!(labels, stage.labels);
    assert_eq!(told["properties"]["bundle"], stage.bundle.as_str());
    assert_eq!(told["properties"]["version"], VERSION);
    assert_eq!(told["ids"], json!(["typed", "raw"]));
    for answer in ["typed", "raw", "of_version"] {
        stage.check_tensors(&told[answer], &["features", "logits", "probabilities"]);
    }
    assert_eq!(told["nothing"]["code"], "NOT_FOUND");
}
