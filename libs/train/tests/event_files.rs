//! Event files as TensorBoard's own reader sees them.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use assay_train::EventWriter;
use serde_json::{Value, json};
use std::{env, path::Path, process::Command};

const PACKAGES: &str = "OPENASSAY_TEST_PYTHONPATH";

const SCRIPT: &str = "
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1])
events.Reload()
print(json.dumps({tag: [[e.step, e.wall_time, e.value] for e in events.Scalars(tag)]
                  for tag in events.Tags()['scalars']}))
";

/// What TensorBoard reads, or `None` after saying that it is not there.
fn read(folder: &Path) -> Option<Value> {
    let Some(packages) = env::var_os(PACKAGES) else {
        eprintln!("SKIPPED event_files: {PACKAGES} is not set; `cargo xtask test` sets it");
        return None;
    };
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(folder)
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn tensorboard_reads_every_value_with_its_step_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path(), 1_700_000_000.0).unwrap();
    for (step, loss) in [(0, 2.5), (1, 0.5), (7, 0.125)] {
        let values = [("epoch_loss", loss), ("epoch_accuracy", 1.0 - loss / 4.0)];
        let time = 1_700_000_000.25 + loss;
        writer.scalars(step, time, &values).unwrap();
    }
    let Some(read) = read(folder.path()) else {
        return;
    };
    let expected = json!({
        "epoch_loss": [[0, 1_700_000_002.75, 2.5], [1, 1_700_000_000.75, 0.5],
                       [7, 1_700_000_000.375, 0.125]],
        "epoch_accuracy": [[0, 1_700_000_002.75, 0.375], [1, 1_700_000_000.75, 0.875],
                           [7, 1_700_000_000.375, 0.968_75]],
    });
    assert_eq!(read, expected);
}
