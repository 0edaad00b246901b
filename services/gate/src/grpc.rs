//! Answers over gRPC.

use assay_answering::{AnswerError, Answerer};
use assay_api::{answer, gate as wire, question, status};
use assay_runtime::{Shutdown, request::time_left, stream::answers};
use futures::{StreamExt, stream::BoxStream};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument;

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) answerer: Arc<Answerer>,
    pub(crate) stream_at_once: usize,
    pub(crate) shutdown: Shutdown,
}

impl Service {
    async fn answer(
        &self,
        request: wire::IdentifyRequest,
        left: Option<Duration>,
    ) -> Result<wire::IdentifyResponse, Status> {
        let (model, field) = (request.model.clone(), question::field_of(&request));
        let question = question::from_wire(request)?;
        let found = self.answerer.identify(&model, question, left).await;
        found
            .map(|found| answer::to_wire(&found))
            .map_err(|error| question::status_of(&error, field))
    }

    async fn streamed(
        self,
        item: wire::IdentifyStreamRequest,
        until: Option<Instant>,
    ) -> wire::IdentifyStreamResponse {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let answer = match item.request {
            Some(request) => self.answer(request, left).await,
            None => Err(status::invalid_field("request", "is missing")),
        };
        item_of(item.request_id, answer)
    }

    /// Begins to answer in a task of its own, which ends with the future. A stream whose client
    /// does not read is not polled, and what its answers hold meanwhile, such as the lead in
    /// computing features or in loading a judge, others wait for.
    fn begun(
        self,
        item: wire::IdentifyStreamRequest,
        until: Option<Instant>,
        number: usize,
    ) -> impl Future<Output = wire::IdentifyStreamResponse> + Send {
        let request_id = item.request_id.clone();
        let work = self.streamed(item, until);
        let work = work.instrument(assay_trace::item(number)).in_current_span();
        let task = AbortOnDropHandle::new(tokio::spawn(work));
        async move {
            match task.await {
                Ok(response) => response,
                Err(error) => item_of(request_id, Err(status::defect(error))),
            }
        }
    }
}

/// One item of a stream of answers.
fn item_of(
    request_id: String,
    answer: Result<wire::IdentifyResponse, Status>,
) -> wire::IdentifyStreamResponse {
    let mut item = wire::IdentifyStreamResponse {
        request_id,
        ..Default::default()
    };
    match answer {
        Ok(answer) => item.response = Some(answer),
        Err(error) => {
            item.error_code = error.code() as u32;
            item.error_message = error.message().to_owned();
        }
    }
    item
}

/// Waits for the end of a stream whose client goes on, and says why it ends.
async fn end(shutdown: Shutdown, until: Option<Instant>) -> Status {
    let expired = async {
        match until {
            Some(until) => sleep_until(until).await,
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

#[tonic::async_trait]
impl wire::gate_service_server::GateService for Service {
    async fn identify(
        &self,
        request: Request<wire::IdentifyRequest>,
    ) -> Result<Response<wire::IdentifyResponse>, Status> {
        let left = time_left(request.metadata());
        self.answer(request.into_inner(), left)
            .await
            .map(Response::new)
    }

    type IdentifyStreamStream = BoxStream<'static, Result<wire::IdentifyStreamResponse, Status>>;

    async fn identify_stream(
        &self,
        request: Request<Streaming<wire::IdentifyStreamRequest>>,
    ) -> Result<Response<Self::IdentifyStreamStream>, Status> {
        let until = time_left(request.metadata()).and_then(|left| Instant::now().checked_add(left));
        let service = self.clone();
        let end = end(self.shutdown.clone(), until);
        let mut numbers = 1..;
        let answers = answers(
            request.into_inner(),
            end,
            self.stream_at_once,
            move |item| {
                let number = numbers.next().unwrap_or_default();
                service.clone().begun(item, until, number)
            },
        );
        Ok(Response::new(answers.boxed()))
    }

    async fn describe_gate(
        &self,
        request: Request<wire::DescribeGateRequest>,
    ) -> Result<Response<wire::DescribeGateResponse>, Status> {
        let left = time_left(request.metadata());
        let model = request.into_inner().model;
        let judge = self.answerer.describe(&model, left).await;
        let judge = judge.map_err(|error| status::of(&error))?;
        let bundle = judge.bundle();
        let contents = bundle.contents();
        let (energy_min_kev, energy_max_kev) = contents.recipe.energy_range_kev();
        Ok(Response::new(wire::DescribeGateResponse {
            bundle: bundle.id().to_string(),
            class_labels: contents.classes.iter().map(ToString::to_string).collect(),
            detector: contents.gate.detector.name().to_owned(),
            parameters_json: serde_json::to_string(&contents.gate.detector)
                .map_err(status::defect)?,
            threshold: contents.gate.threshold,
            alpha: contents.gate.alpha,
            training_scores: bundle.gate().calibration_scores().to_vec(),
            energy_min_kev,
            energy_max_kev,
        }))
    }
}
