//! From a request to a job: every field is checked, names become what they stand for now.

use crate::{
    ControlDeps, datasets,
    error::{ControlError, blocking},
    explaining, trainable,
};
use assay_api::{WireError, field, job, jobs::SubmitRequest};
use assay_core::Digest;
use assay_jobs::{BatchJob, JobError, JobRecord, Lane, NewJob, Submitted, TrainJob, submit};
use assay_runtime::access::{Caller, Role};
use assay_store::{ModelRef, check_name, resolve_ref};
use assay_training_spec::{Fault, TrainingSpec};
use serde_json::Value;
use std::sync::Arc;

/// The field of a specification.
const FIELD: &str = "specification_json";
const MAX_SPECIFICATION_BYTES: usize = 64 << 10;
const LONGEST_KEY: usize = 128;
const MOST_ATTEMPTS: u32 = 20;
const USUAL_ATTEMPTS: u32 = 5;

/// What is said about submissions.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) default_model: String,
    pub(crate) max_queued: u64,
    pub(crate) foreign_bases: Vec<String>,
}

/// A request whose fields are all right by themselves.
struct Wish {
    lane: Lane,
    dataset: Digest,
    model: String,
    specification: Specification,
    key: Option<String>,
    max_attempts: u32,
    promote: bool,
}

/// What a training or an explanation is to do: as it was asked for, which is what the record keeps;
/// that of a training also completed. Identifying has none.
#[derive(Default)]
struct Specification {
    asked: Option<Value>,
    training: Option<TrainingSpec>,
}

/// Takes a job of a caller.
pub(crate) async fn take(
    rules: &Arc<Rules>,
    deps: &ControlDeps,
    caller: &Caller,
    request: SubmitRequest,
    trace_parent: Option<String>,
) -> Result<Submitted, ControlError> {
    // The training would move the alias for whoever submits it.
    if request.promote && !caller.may(Role::Operator) {
        return Err(ControlError::Forbidden {
            who: caller.principal().to_owned(),
            what: "promotes a model when a training has ended (promote); submit without it",
        });
    }
    // A specification is read again for every field that is wrong in it.
    let checking = Arc::clone(rules);
    let wish = blocking(move || checked(&checking, &request)).await?;
    let dataset = datasets::take_up(&*deps.blobs, "dataset", wish.dataset).await?;
    let specification = match wish.lane {
        Lane::Train => {
            trainable::check(&dataset, wish.specification.training.as_ref())?;
            as_json(&train_job(&wish))?
        }
        Lane::Identify | Lane::Explain => {
            if dataset.list.rows().is_empty() {
                let reason = "has no rows; a batch needs at least one spectrum";
                return Err(ControlError::field("dataset", reason));
            }
            let model = ModelRef::parse(&wish.model, &rules.default_model)?;
            let bundle = resolve_ref(&*deps.registry, &model).await?.bundle();
            as_json(&BatchJob {
                dataset: wish.dataset,
                model: wish.model.clone(),
                bundle,
                explanation: wish.specification.asked.clone(),
            })?
        }
    };
    let job = NewJob {
        lane: wish.lane,
        specification,
        principal: caller.principal().to_owned(),
        idempotency_key: wish.key.clone(),
        max_attempts: wish.max_attempts,
        trace_parent,
    };
    match submit(&*deps.store, &*deps.queue, job, rules.max_queued).await {
        Err(JobError::KeyReused { key, job }) => {
            let record = deps.store.get(job).await?;
            if asks_the_same(&wish, &record) {
                return Ok(Submitted {
                    record,
                    created: false,
                });
            }
            Err(JobError::KeyReused { key, job }.into())
        }
        other => Ok(other?),
    }
}

/// Whether a batch was asked for in the same words. Its model may stand for another bundle by
/// now; a repeated request means the job that it made before.
fn asks_the_same(wish: &Wish, record: &JobRecord) -> bool {
    let before: Result<BatchJob, _> = serde_json::from_value(record.job.specification.clone());
    record.job.lane == wish.lane
        && before.is_ok_and(|job| {
            job.dataset == wish.dataset
                && job.model == wish.model
                && explaining::same(job.explanation.as_ref(), wish.specification.asked.as_ref())
        })
}

fn train_job(wish: &Wish) -> TrainJob {
    TrainJob {
        dataset: wish.dataset,
        model: wish.model.clone(),
        specification: wish.specification.asked.clone().unwrap_or_else(empty),
        promote: wish.promote,
    }
}

fn as_json(job: &impl serde::Serialize) -> Result<Value, ControlError> {
    serde_json::to_value(job).map_err(|error| ControlError::Defect(error.to_string()))
}

/// Collects what is wrong with the fields of a request.
#[derive(Default)]
struct Faults(Vec<(String, String)>);

impl Faults {
    fn take<T>(&mut self, checked: Result<T, WireError>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(WireError::Field { field, reason }) => {
                self.0.push((field, reason));
                None
            }
            Err(error) => {
                self.0.push(("request".to_owned(), error.to_string()));
                None
            }
        }
    }
}

fn checked(rules: &Rules, request: &SubmitRequest) -> Result<Wish, ControlError> {
    let mut faults = Faults::default();
    let lane = faults.take(job::lane_from_wire(request.lane));
    let dataset = faults.take(field::digest("dataset", &request.dataset));
    let key = faults.take(key(&request.idempotency_key));
    let max_attempts = faults.take(attempts(request.max_attempts));
    let training = lane == Some(Lane::Train);
    let specification = lane.and_then(|lane| {
        let checked = specification(rules, &request.specification_json, lane);
        checked.map_err(|wrong| faults.0.extend(wrong)).ok()
    });
    if lane.is_some() {
        faults.take(model(rules, &request.model, training));
        if request.promote && !training {
            let reason = "is true; only a training makes a version that can be promoted";
            faults.0.push(("promote".to_owned(), reason.to_owned()));
        }
    }
    match (lane, dataset, key, max_attempts, specification) {
        (Some(lane), Some(dataset), Some(key), Some(max_attempts), Some(specification))
            if faults.0.is_empty() =>
        {
            Ok(Wish {
                lane,
                dataset,
                model: request.model.clone(),
                specification,
                key,
                max_attempts,
                promote: request.promote,
            })
        }
        _ => Err(ControlError::Fields(faults.0)),
    }
}

fn model(rules: &Rules, model: &str, training: bool) -> Result<(), WireError> {
    let checked = if training {
        check_name("model", model)
    } else {
        ModelRef::parse(model, &rules.default_model).map(drop)
    };
    checked.map_err(|error| WireError::field("model", error))
}

fn key(key: &str) -> Result<Option<String>, WireError> {
    if key.len() <= LONGEST_KEY && key.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok((!key.is_empty()).then(|| key.to_owned()));
    }
    let reason = format!(
        "has {} bytes; allowed: at most {LONGEST_KEY} printable ASCII characters",
        key.len()
    );
    Err(WireError::field("idempotency_key", reason))
}

fn attempts(attempts: u32) -> Result<u32, WireError> {
    match attempts {
        0 => Ok(USUAL_ATTEMPTS),
        1..=MOST_ATTEMPTS => Ok(attempts),
        _ => {
            let reason =
                format!("is {attempts}; allowed: 1 to {MOST_ATTEMPTS}, 0 for {USUAL_ATTEMPTS}");
            Err(WireError::field("max_attempts", reason))
        }
    }
}

/// Checks a specification field by field, so that a job never fails at its worker for what could be
/// told here.
fn specification(
    rules: &Rules,
    text: &str,
    lane: Lane,
) -> Result<Specification, Vec<(String, String)>> {
    let refuse = |reason: String| Err(vec![(FIELD.to_owned(), reason)]);
    if lane == Lane::Identify {
        if text.is_empty() {
            return Ok(Specification::default());
        }
        return refuse("is not empty; only a training and an explanation have one".to_owned());
    }
    if text.len() > MAX_SPECIFICATION_BYTES {
        let found = text.len();
        return refuse(format!(
            "has {found} bytes; at most {MAX_SPECIFICATION_BYTES} are allowed"
        ));
    }
    let asked = match text {
        "" => None,
        text => match serde_json::from_str(text) {
            Ok(asked @ Value::Object(_)) => Some(asked),
            Ok(_) => {
                return refuse("is no JSON object; write {\"name\": value, …}".to_owned());
            }
            Err(error) => return refuse(format!("is no JSON: {error}")),
        },
    };
    if lane == Lane::Explain {
        explaining::check(FIELD, asked.as_ref())?;
        return Ok(Specification {
            asked,
            training: None,
        });
    }
    training(rules, asked)
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

fn training(rules: &Rules, asked: Option<Value>) -> Result<Specification, Vec<(String, String)>> {
    let in_request = |fault: Fault| match &*fault.field {
        "" => (FIELD.to_owned(), fault.reason),
        field => (format!("{FIELD}.{field}"), fault.reason),
    };
    let asked = asked.unwrap_or_else(empty);
    let spec = TrainingSpec::from_request(&asked)
        .map_err(|error| error.0.into_iter().map(in_request).collect::<Vec<_>>())?;
    match spec.base_fault(&rules.foreign_bases) {
        Some(fault) => {
            let (field, reason) = in_request(fault);
            let advice = "or one of control.foreign_bases";
            Err(vec![(field, format!("{reason}, {advice}"))])
        }
        None => Ok(Specification {
            asked: Some(asked),
            training: Some(spec),
        }),
    }
}
