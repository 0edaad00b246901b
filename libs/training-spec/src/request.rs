//! From the JSON of a training job to a specification. A job names what it wants otherwise than
//! by default, and nothing about the machine that trains.

use crate::{Fault, SpecificationError, TrainingSpec, Validation};
use assay_pipeline::ModelSpec;
use serde_json::{Map, Value};

const LONGEST_SHOWN: usize = 80;
/// Faults that are looked for: each costs a reading of the whole, and nobody reads thousands.
const MOST_FAULTS: usize = 16;

impl TrainingSpec {
    /// The specification of a job: its own choices over the defaults of its model.
    ///
    /// # Errors
    /// With the fields that are unknown, of another type or out of range: the first 16, and one
    /// fault more that says so when there may be others.
    pub fn from_request(wanted: &Value) -> Result<Self, SpecificationError> {
        let none = Map::new();
        let wanted = match wanted {
            Value::Null => &none,
            Value::Object(fields) => fields,
            other => {
                let reason = format!("is {}: an object is required", shown(other));
                return Err(SpecificationError::one("", "", reason));
            }
        };
        let model = model(wanted.get("model"))?;
        let mut over = Over {
            value: to_value(&Self::for_model(model))?,
            faults: Vec::new(),
            stopped: false,
        };
        for (name, wanted) in wanted {
            if over.is_full() {
                break;
            }
            if name == "execution" {
                let reason = "(device, threads, checkpoints, logs) belongs to the trainer's own \
                              configuration: leave it out";
                over.faults.push(Fault::new(name, "", reason));
            } else {
                over.put(&[name], wanted);
            }
        }
        let Over {
            value,
            mut faults,
            stopped,
        } = over;
        let spec: Self = serde_json::from_value(value)
            .map_err(|error| SpecificationError::one("", "", error.to_string()))?;
        if let Validation::Manifest { .. } = spec.validation {
            let reason = "is by a manifest, which names a file that the trainer does not have: use \
                          {\"from\": \"fraction\", \"fraction\": 0.15} or {\"from\": \"none\"}";
            faults.push(Fault::new("validation", "", reason));
        }
        if let Err(SpecificationError(outside)) = spec.check() {
            faults.extend(outside);
        }
        if stopped || faults.len() > MOST_FAULTS {
            faults.truncate(MOST_FAULTS);
            let reason = format!("has {MOST_FAULTS} faults and more: mend these first");
            faults.push(Fault::new("", "", reason));
        }
        SpecificationError::unless_empty(faults)?;
        Ok(spec)
    }

    /// What a job sends of a specification: everything but the execution.
    ///
    /// # Errors
    /// Never in practice: every part of a specification can be written as JSON.
    pub fn to_request(&self) -> Result<Value, SpecificationError> {
        let mut value = to_value(self)?;
        if let Some(fields) = value.as_object_mut() {
            fields.remove("execution");
        }
        Ok(value)
    }
}

/// The defaults of the model that is meant: `{"kind": "cnn1d"}` is enough.
fn model(wanted: Option<&Value>) -> Result<ModelSpec, SpecificationError> {
    let Some(wanted) = wanted else {
        return Ok(ModelSpec::cnn2d());
    };
    let kind = wanted.get("kind");
    match kind.and_then(Value::as_str) {
        Some("cnn1d") => Ok(ModelSpec::cnn1d()),
        Some("cnn2d") => Ok(ModelSpec::cnn2d()),
        _ => {
            let (field, found) = match kind {
                Some(kind) => ("model.kind", kind),
                None => ("model", wanted),
            };
            let reason = format!(
                "is {}: an object with kind \"cnn1d\" or \"cnn2d\" is required",
                shown(found)
            );
            Err(SpecificationError::one(field, "--model", reason))
        }
    }
}

/// A specification over which wishes are laid, field by field, and the wishes that do not fit.
struct Over {
    value: Value,
    faults: Vec<Fault>,
    /// Whether wishes were left out because there were faults enough.
    stopped: bool,
}

impl Over {
    /// Whether there are faults enough; notes that a wish is left out for it.
    fn is_full(&mut self) -> bool {
        self.stopped |= self.faults.len() >= MOST_FAULTS;
        self.stopped
    }

    /// Lays a wish over the place of this path. What does not fit is looked for as deep as it can
    /// be named.
    fn put(&mut self, path: &[&str], wanted: &Value) {
        let mut tried = self.value.clone();
        if let Some(place) = self::place(&mut tried, path) {
            merge(place, wanted);
        }
        let error = match serde_json::from_value::<TrainingSpec>(tried.clone()) {
            Ok(_) => {
                self.value = tried;
                return;
            }
            Err(error) => error,
        };
        let before = self.faults.len();
        if let (Some(Value::Object(fields)), Value::Object(inner)) =
            (place(&mut self.value.clone(), path), wanted)
            && !changes_kind(fields, inner)
        {
            for (name, wanted) in inner {
                if self.is_full() {
                    return;
                }
                self.put(&[path, &[name]].concat(), wanted);
            }
        }
        if self.faults.len() == before {
            let message = error.to_string();
            let reason = match message.starts_with("unknown field") {
                true => message,
                false => format!("is {}: {}", shown(wanted), in_words(&message)),
            };
            self.faults.push(Fault::new(path.join("."), "", reason));
        }
    }
}

/// The place of a path, made where it is missing; `None` where no object is.
fn place<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, name| {
        Some(value.as_object_mut()?.entry(*name).or_insert(Value::Null))
    })
}

/// Puts the fields of `over` in place of those of `value`, object by object; where the kind of a
/// tagged object changes, the whole of it is replaced.
fn merge(value: &mut Value, over: &Value) {
    let (Value::Object(fields), Value::Object(wanted)) = (&mut *value, over) else {
        *value = over.clone();
        return;
    };
    if changes_kind(fields, wanted) {
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

fn changes_kind(fields: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    ["kind", "from", "mode"].into_iter().any(|tag| {
        let new = wanted.get(tag);
        new.is_some_and(|new| fields.get(tag).is_some_and(|old| old != new))
    })
}

/// The start of a value, for a message.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A message of the JSON reader without the names of Rust's types.
fn in_words(message: &str) -> String {
    let types = [
        ("expected usize", "a whole number of 0 or more is required"),
        ("expected u64", "a whole number of 0 or more is required"),
        ("expected f64", "a number is required"),
        ("expected f32", "a number is required"),
    ];
    let found = types.iter().find(|(name, _)| message.ends_with(name));
    found.map_or_else(|| message.to_owned(), |(_, words)| (*words).to_owned())
}

fn to_value(spec: &TrainingSpec) -> Result<Value, SpecificationError> {
    serde_json::to_value(spec).map_err(|error| SpecificationError::one("", "", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(
            TrainingSpec::from_request(&json!(null)).unwrap(),
            TrainingSpec::cnn2d()
        );
        assert_eq!(
            TrainingSpec::from_request(&json!({})).unwrap(),
            TrainingSpec::cnn2d()
        );
        let spec =
            TrainingSpec::from_request(&json!({"model": {"kind": "cnn1d"}, "epochs": 7})).unwrap();
        let mut expected = TrainingSpec::cnn1d();
        expected.epochs = 7;
        assert_eq!(spec, expected);
        let spec = TrainingSpec::from_request(&json!({
            "model": {"kind": "cnn2d", "imaging": {"size": 224}},
            "gate": {"alpha": 0.05},
            "schedule": {"clr": {"mode": "exp_range", "gamma": 0.9}},
            "validation": {"from": "none"},
        }))
        .unwrap();
        assert_eq!(spec.model.imaging().map(|imaging| imaging.size), Some(224));
        assert_eq!((spec.gate.alpha, spec.validation), (0.05, Validation::None));
        let expected = crate::ClrMode::ExpRange { gamma: 0.9 };
        assert_eq!((spec.schedule.clr, spec.schedule.step_size), (expected, 10));
    }

    #[test]
    fn a_whole_specification_comes_back() {
        for spec in [TrainingSpec::cnn1d(), TrainingSpec::cnn2d()] {
            assert_eq!(
                TrainingSpec::from_request(&spec.to_request().unwrap()).unwrap(),
                spec
            );
        }
    }

    #[test]
    fn what_does_not_belong_there_is_refused_by_its_path() {
        let manifest = json!({"from": "manifest", "file": "/etc/passwd"});
        for (wanted, field, words) in [
            (json!(3), "", "object is required"),
            (
                json!({"model": "cnn1d"}),
                "model",
                "is \"cnn1d\": an object with kind",
            ),
            (json!({"model": {"cnn1d": {}}}), "model", "kind"),
            (
                json!({"model": {"kind": "cnn3d"}}),
                "model.kind",
                "\"cnn2d\"",
            ),
            (
                json!({"model": {"kind": "cnn1d", "imaging": {}}}),
                "model.imaging",
                "unknown field",
            ),
            (json!({"epoch": 3}), "epoch", "expected one of"),
            (json!({"epochs": -3}), "epochs", "is -3: a whole number"),
            (json!({"epochs": 0}), "epochs", "is 0: at least 1"),
            (
                json!({"execution": {"threads": 1}}),
                "execution",
                "configuration",
            ),
            (json!({"validation": manifest}), "validation", "manifest"),
            (
                json!({"validation": {"fraction": 1.5}}),
                "validation.fraction",
                "(0, 1) is required",
            ),
            (
                json!({"gate": {"alpha": 2.0}}),
                "gate.alpha",
                "is 2: (0, 1)",
            ),
            (
                json!({"gate": {"alpha": "x"}}),
                "gate.alpha",
                "a number is required",
            ),
            (
                json!({"gate": {"candidates": [5, 0]}}),
                "gate.candidates",
                "[5, 0]: one or more positive",
            ),
            (
                json!({"schedule": {"clr": {"mode": "sine"}}}),
                "schedule.clr",
                "unknown variant",
            ),
        ] {
            let SpecificationError(faults) = TrainingSpec::from_request(&wanted).unwrap_err();
            let [fault] = &faults[..] else {
                panic!("{wanted}: {faults:?}");
            };
            assert_eq!(fault.field, field, "{wanted}: {fault:?}");
            assert!(fault.reason.contains(words), "{wanted}: {fault:?}");
        }
    }

    #[test]
    fn faults_of_types_and_of_ranges_are_told_together() {
        let wanted = json!({
            "model": {"kind": "cnn1d", "dropout": 1.0, "depth": 3},
            "epochs": 1.5,
            "finder": {"updates": 3, "skip": 1},
            "gate": {"folds": 1, "colour": "red"},
        });
        let SpecificationError(faults) = TrainingSpec::from_request(&wanted).unwrap_err();
        let mut fields: Vec<_> = faults.iter().map(|fault| &*fault.field).collect();
        fields.sort_unstable();
        let expected = [
            "epochs",
            "finder.updates",
            "gate.colour",
            "gate.folds",
            "model.depth",
            "model.dropout",
        ];
        assert_eq!(fields, expected, "{faults:?}");
    }

    #[test]
    fn the_search_for_faults_ends_after_sixteen() {
        let unknown = |n: usize| (0..n).map(|at| (format!("f{at}"), json!(at)));
        let all = Value::Object(unknown(5_000).collect());
        let gate = json!({"gate": Value::Object(unknown(5_000).collect())});
        for wanted in [all, gate] {
            let SpecificationError(faults) = TrainingSpec::from_request(&wanted).unwrap_err();
            assert_eq!(faults.len(), MOST_FAULTS + 1);
            let last = faults.last().unwrap();
            assert_eq!(last.field, "");
            assert!(last.reason.contains("and more"), "{last}");
        }
        let just = Value::Object(unknown(MOST_FAULTS).collect());
        let SpecificationError(faults) = TrainingSpec::from_request(&just).unwrap_err();
        assert_eq!(faults.len(), MOST_FAULTS);
        assert!(faults.iter().all(|fault| fault.reason.contains("unknown")));
    }

    #[test]
    fn a_list_too_long_is_refused_by_its_length() {
        for (list, wanted) in [
            (
                "gate.candidates",
                json!({"gate": {"candidates": vec![0; 1001]}}),
            ),
            (
                "augmentation.thin_to_counts",
                json!({"augmentation": {"thin_to_counts": vec![1; 1001]}}),
            ),
        ] {
            let SpecificationError(faults) = TrainingSpec::from_request(&wanted).unwrap_err();
            let [fault] = &faults[..] else {
                panic!("{faults:?}");
            };
            assert_eq!(fault.field, list);
            assert!(fault.reason.contains("has 1001 entries"), "{fault}");
        }
        let most = json!({"gate": {"candidates": vec![1; 1000]}});
        assert!(TrainingSpec::from_request(&most).is_ok());
    }
}
