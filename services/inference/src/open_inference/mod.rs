//! The Open Inference Protocol (KServe, Triton) over the same models, threads and cache as the
//! service of our own interface. Messages to and from the domain, nothing else.

mod answer;
mod calls;
mod describe;
mod faults;
mod half;
mod input;
mod output;
mod parameters;
mod repository;
mod statistics;

use crate::{Inference, inference::moment, model::before, names::Served};
use assay_answering::AnswerError;
use assay_api::{
    open_inference::{
        ModelInferRequest, ModelInferResponse, ModelStreamInferResponse,
        infer_parameter::ParameterChoice,
    },
    status,
};
use assay_runtime::{Shutdown, request::time_left};
use faults::Named;
use statistics::Statistics;
use std::{sync::Arc, time::Instant};
use tokio::time::sleep_until;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Request, Status};
use tracing::Instrument;

/// The fields of most requests that name a model.
const NAMED: Named = Named {
    name: "name",
    version: "version",
};

/// The service over an [`Inference`].
#[derive(Clone)]
pub(crate) struct Service {
    inference: Arc<Inference>,
    statistics: Arc<Statistics>,
}

impl Service {
    pub(crate) fn new(inference: Arc<Inference>) -> Self {
        Self {
            inference,
            statistics: Arc::default(),
        }
    }

    /// The model that a text stands for, loaded if it is not.
    async fn served(
        &self,
        text: &str,
        deadline: Option<Instant>,
        named: Named,
    ) -> Result<Served, Status> {
        let resolving = self.inference.names().resolve(text);
        let resolved = before(deadline, "the model was being loaded", resolving).await;
        resolved
            .and_then(|resolved| resolved)
            .map_err(|error| faults::status(error, named, "inputs"))
    }

    /// The model of a name and a version.
    async fn named<T>(
        &self,
        name: &str,
        version: &str,
        request: &Request<T>,
    ) -> Result<Served, Status> {
        let deadline = moment(time_left(request.metadata()));
        let text = faults::reference(name, version, NAMED)?;
        self.served(&text, deadline, NAMED).await
    }

    /// Begins to answer one request of a stream, in a task of its own that ends with the future: a
    /// stream whose client does not read is not polled, and others may wait for what it computes.
    fn begun(
        self,
        request: ModelInferRequest,
        until: Option<Instant>,
    ) -> impl Future<Output = ModelStreamInferResponse> + Send {
        let id = request.id.clone();
        let work = async move { self.infer(request, until).await }.in_current_span();
        let task = AbortOnDropHandle::new(tokio::spawn(work));
        async move {
            let answer = task.await;
            item_of(
                id,
                answer.unwrap_or_else(|error| Err(status::defect(error))),
            )
        }
    }
}

/// Waits for the end of a stream whose client goes on, and says why it ends.
async fn end(shutdown: Shutdown, until: Option<Instant>) -> Status {
    let expired = async {
        match until {
            Some(until) => sleep_until(until.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = shutdown.begun() => {
            status::unavailable("the server shuts down; send what was not answered again")
        }
        () = expired => status::of(&AnswerError::Deadline {
            doing: "the stream was open",
        }),
    }
}

/// One item of a stream of answers.
fn item_of(id: String, answer: Result<ModelInferResponse, Status>) -> ModelStreamInferResponse {
    match answer {
        Ok(mut answer) => {
            let last = answer::parameter(ParameterChoice::BoolParam(true));
            let name = "triton_final_response".to_owned();
            answer.parameters.insert(name, last);
            ModelStreamInferResponse {
                error_message: String::new(),
                infer_response: Some(answer),
            }
        }
        Err(error) => ModelStreamInferResponse {
            error_message: error.message().to_owned(),
            infer_response: Some(ModelInferResponse {
                id,
                ..ModelInferResponse::default()
            }),
        },
    }
}

/// The start of a text of a caller, for a message.
fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start:?}")
}
