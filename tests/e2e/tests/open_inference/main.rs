//! Other people's clients of the Open Inference Protocol against a real server: each finds the
//! interface that it was made for, and gets what our own interface gives, to the last bit.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod descriptors;
mod grpcurl;
mod plain;
mod stage;
mod triton;

use serde_json::Value;
use stage::Stage;

/// One server for all clients, each a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_clients_get_the_bits_of_our_own_interface() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path()).await;
    let Some(told) = stage.ask("open_inference_plain.py") else {
        return;
    };
    plain::check(&stage, &told);
    grpcurl::check(&stage);
    // The last one: it lets go of the model and loads it again.
    let told = stage.ask("open_inference_triton.py").unwrap();
    triton::check(&stage, &told);
    stage.check_metrics(&told);
    assert!(stage.server.terminate().unwrap().success());
}

/// A text of an answer in JSON.
#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
