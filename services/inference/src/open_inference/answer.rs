//! One request from its message to its answer. The rows are computed and decided on the same way as
//! those of every other interface.

use super::{
    Service, faults,
    input::Input,
    output::{Output, Wanted},
    parameters::Parameters,
    statistics::{Running, Steps},
};
use crate::{answer_size::rows_that_fit, names::Served};
use assay_answering::AnswerError;
use assay_api::{
    WireError,
    open_inference::{
        InferParameter, ModelInferRequest, ModelInferResponse, infer_parameter::ParameterChoice,
    },
    status,
};
use std::{collections::BTreeMap, time::Instant};
use tonic::Status;

/// Longest id of a request; it comes back in the answer.
const LONGEST_ID_BYTES: usize = 1024;

/// The fields that name the model.
const NAMED: faults::Named = faults::Named {
    name: "model_name",
    version: "model_version",
};

/// A request as far as it can be read without the model.
struct Question {
    id: String,
    parameters: Parameters,
    input: Input,
    wanted: Vec<Wanted>,
}

impl Question {
    fn read(request: ModelInferRequest) -> Result<Self, WireError> {
        if request.id.len() > LONGEST_ID_BYTES {
            let found = request.id.len();
            return Err(WireError::field(
                "id",
                format!("has {found} bytes; at most {LONGEST_ID_BYTES} are allowed"),
            ));
        }
        Ok(Self {
            parameters: Parameters::read(&request.parameters)?,
            wanted: Wanted::read(request.outputs)?,
            input: Input::read(request.inputs, &request.raw_input_contents)?,
            id: request.id,
        })
    }
}

impl Service {
    /// Answers one request.
    pub(super) async fn infer(
        &self,
        request: ModelInferRequest,
        deadline: Option<Instant>,
    ) -> Result<ModelInferResponse, Status> {
        let arrived = Instant::now();
        let text = faults::reference(&request.model_name, &request.model_version, NAMED)?;
        let question = match Question::read(request) {
            Ok(question) => question,
            Err(error) => {
                // Nothing is loaded or looked up for what cannot be answered.
                if let Ok(Some((name, version))) = self.inference.names().in_memory(&text) {
                    drop(self.statistics.of(&name, &version).begin(arrived));
                }
                return Err(error.into());
            }
        };
        let steps = Steps {
            input: arrived.elapsed(),
            ..Steps::default()
        };
        let timeout = question.parameters.timeout;
        let limit = timeout.and_then(|timeout| arrived.checked_add(timeout));
        let deadline = deadline.into_iter().chain(limit).min();
        let served = self.served(&text, deadline, NAMED).await?;
        let record = self.statistics.of(&served.name, &served.version);
        let running = record.begin(arrived);
        self.answer(served, question, steps, running, deadline)
            .await
    }

    async fn answer(
        &self,
        served: Served,
        question: Question,
        mut steps: Steps,
        running: Running,
        deadline: Option<Instant>,
    ) -> Result<ModelInferResponse, Status> {
        self.check(&served, &question)?;
        let Question {
            id,
            parameters,
            input,
            wanted,
        } = question;
        let (field, raw) = (input.field(), parameters.raw.unwrap_or(input.raw));
        let rows = input.vectors.len();
        let found = self
            .inference
            .features_by(&served.model, input.vectors, deadline)
            .await;
        let found = found.map_err(|error| faults::status(error, NAMED, field))?;
        (steps.queue, steps.infer) = (found.queue, found.compute);
        let begun = Instant::now();
        let model = served.model;
        let bundle = model.bundle().id().to_string();
        // The head of a thousand rows is no work for the threads of requests.
        let write = move || Output::write(model.bundle(), &found.rows, &wanted, raw);
        let output = tokio::task::spawn_blocking(write)
            .await
            .unwrap_or_else(|error| Err(AnswerError::Defect(format!("outputs: {error}"))))
            .map_err(|error| faults::status(error, NAMED, field))?;
        steps.output = begun.elapsed();
        running.answered(steps, rows);
        Ok(ModelInferResponse {
            model_name: served.name,
            model_version: served.version,
            id,
            parameters: BTreeMap::from([(
                "bundle".to_owned(),
                parameter(ParameterChoice::StringParam(bundle)),
            )]),
            outputs: output.tensors,
            raw_output_contents: output.raw,
        })
    }

    /// What can be said once the model is known: the width of rows, and how many one answer holds.
    fn check(&self, served: &Served, question: &Question) -> Result<(), Status> {
        let shape = |reason: String| Err(status::invalid_field("inputs[0].shape", reason));
        let (bins, takes) = (question.input.bins, served.model.bins());
        if bins != takes {
            return shape(format!(
                "has rows of {bins} values, but the model takes {takes}"
            ));
        }
        let bundle = served.model.bundle();
        let wanted = question.wanted.iter();
        let row_bytes = wanted.map(|wanted| wanted.row_bytes(bundle)).sum();
        let most = rows_that_fit(row_bytes, self.inference.max_message_bytes());
        let rows = question.input.vectors.len();
        if rows > most {
            return shape(format!(
                "has {rows} rows, but one answer holds {most} with these outputs; send 1 to \
                 {most}, or ask for fewer outputs"
            ));
        }
        Ok(())
    }
}

/// A parameter of an answer.
pub(super) const fn parameter(value: ParameterChoice) -> InferParameter {
    InferParameter {
        parameter_choice: Some(value),
    }
}
