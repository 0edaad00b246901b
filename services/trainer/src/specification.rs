//! From the JSON of a job to a training specification. A job names what it wants otherwise than
//! by default, and nothing about the machine that trains.

use crate::{TrainerConfig, TrainerError};
use assay_pipeline::ModelSpec;
use assay_train::{CheckpointSettings, Execution, TrainingSpec, Validation};
use serde_json::{Map, Value};
use std::path::Path;

/// The specification of a job: its own choices over the defaults of its model.
///
/// # Errors
/// When a field is unknown or out of range; the message names all faults that can be told at once.
pub fn complete(wanted: &Value) -> Result<TrainingSpec, TrainerError> {
    let wanted = match wanted {
        Value::Null => &Map::new(),
        Value::Object(fields) => fields,
        other => return Err(refused(format!("it is {other}, but an object is required"))),
    };
    if wanted.contains_key("execution") {
        return Err(refused(
            "the field execution (device, threads, checkpoints, logs) belongs to the trainer's \
             own configuration; leave it out"
                .to_owned(),
        ));
    }
    let mut spec = to_value(&TrainingSpec::for_model(model(wanted.get("model"))?))?;
    merge(&mut spec, &Value::Object(wanted.clone()));
    let spec: TrainingSpec =
        serde_json::from_value(spec).map_err(|error| refused(error.to_string()))?;
    if let Validation::Manifest { .. } = spec.validation {
        return Err(refused(
            "validation by a manifest names a file, which the trainer does not have; use \
             {\"from\": \"fraction\", \"fraction\": 0.15} or {\"from\": \"none\"}"
                .to_owned(),
        ));
    }
    spec.check()?;
    Ok(spec)
}

/// What a job sends of a specification: everything but the execution.
///
/// # Errors
/// Never in practice: every part of a specification can be written as JSON.
pub fn for_a_job(spec: &TrainingSpec) -> Result<Value, TrainerError> {
    let mut value = to_value(spec)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("execution");
    }
    Ok(value)
}

/// How this machine executes a run.
pub(crate) fn execution(config: &TrainerConfig, checkpoints: &Path) -> Execution {
    Execution {
        device: config.device,
        threads: config.threads,
        checkpoints: Some(CheckpointSettings {
            folder: checkpoints.to_path_buf(),
            every_steps: config.checkpoint_every_steps,
        }),
        tensorboard: None,
    }
}

/// The model with its defaults: `{"kind": "cnn1d"}` is enough.
fn model(wanted: Option<&Value>) -> Result<ModelSpec, TrainerError> {
    let Some(wanted) = wanted else {
        return Ok(ModelSpec::cnn2d());
    };
    let mut model = match wanted.get("kind").and_then(Value::as_str) {
        Some("cnn1d") => to_value(&ModelSpec::cnn1d())?,
        Some("cnn2d") => to_value(&ModelSpec::cnn2d())?,
        _ => {
            return Err(refused(format!(
                "model is {wanted}; its field kind must be \"cnn1d\" or \"cnn2d\""
            )));
        }
    };
    merge(&mut model, wanted);
    serde_json::from_value(model).map_err(|error| refused(format!("model: {error}")))
}

/// Puts the fields of `over` in place of those of `value`, object by object; where the kind of a
/// tagged object changes, the whole of it is replaced.
fn merge(value: &mut Value, over: &Value) {
    let (Value::Object(fields), Value::Object(wanted)) = (&mut *value, over) else {
        *value = over.clone();
        return;
    };
    let changes = |tag: &str| {
        wanted
            .get(tag)
            .is_some_and(|new| fields.get(tag).is_some_and(|old| old != new))
    };
    if changes("kind") || changes("from") {
        *value = over.clone();
        return;
    }
    for (name, wanted) in wanted {
        match fields.get_mut(name) {
            Some(field) => merge(field, wanted),
            None => {
                fields.insert(name.clone(), wanted.clone());
            }
        }
    }
}

fn to_value<T: serde::Serialize>(value: &T) -> Result<Value, TrainerError> {
    serde_json::to_value(value).map_err(|error| refused(error.to_string()))
}

const fn refused(reason: String) -> TrainerError {
    TrainerError::Specification(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(complete(&json!(null)).unwrap(), TrainingSpec::cnn2d());
        assert_eq!(complete(&json!({})).unwrap(), TrainingSpec::cnn2d());
        let spec = complete(&json!({"model": {"kind": "cnn1d"}, "epochs": 7})).unwrap();
        let mut expected = TrainingSpec::cnn1d();
        expected.epochs = 7;
        assert_eq!(spec, expected);
        let spec = complete(&json!({
            "model": {"kind": "cnn2d", "imaging": {"size": 224}},
            "gate": {"alpha": 0.05},
            "validation": {"from": "none"},
        }))
        .unwrap();
        assert_eq!(spec.model.imaging().map(|imaging| imaging.size), Some(224));
        assert_eq!((spec.gate.alpha, spec.validation), (0.05, Validation::None));
    }

    #[test]
    fn a_whole_specification_comes_back() {
        for spec in [TrainingSpec::cnn1d(), TrainingSpec::cnn2d()] {
            assert_eq!(complete(&for_a_job(&spec).unwrap()).unwrap(), spec);
        }
    }

    #[test]
    fn what_does_not_belong_there_is_refused_by_name() {
        for (wanted, word) in [
            (json!(3), "object"),
            (json!({"model": "cnn1d"}), "kind"),
            (json!({"model": {"kind": "cnn3d"}}), "kind"),
            (json!({"epoch": 3}), "epoch"),
            (json!({"epochs": -3}), "-3"),
            (json!({"epochs": 0}), "--epochs is 0"),
            (json!({"execution": {"threads": 1}}), "execution"),
            (
                json!({"validation": {"from": "manifest", "file": "/etc/passwd"}}),
                "manifest",
            ),
            (json!({"gate": {"alpha": 2.0}}), "alpha"),
        ] {
            let message = complete(&wanted).unwrap_err().to_string();
            assert!(message.contains(word), "{wanted}: {message}");
        }
    }
}
