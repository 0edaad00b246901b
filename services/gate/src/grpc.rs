//! Answers over gRPC.

use assay_answering::Answerer;
use assay_api::{answer, gate as wire, question, status};
use assay_runtime::{Shutdown, request::time_left};
use futures::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::{Request, Response, Status, Streaming};

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
        let model = request.model.clone();
        let question = question::from_wire(request)?;
        let found = self.answerer.identify(&model, question, left).await;
        found
            .map(|found| answer::to_wire(&found))
            .map_err(|error| status::of(&error))
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
        let mut response = wire::IdentifyStreamResponse {
            request_id: item.request_id,
            ..Default::default()
        };
        match answer {
            Ok(answer) => response.response = Some(answer),
            Err(error) => {
                response.error_code = error.code() as u32;
                response.error_message = error.message().to_owned();
            }
        }
        response
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
        // After the signal nothing more is taken; what was taken is answered, and the client is
        // told that the rest belongs to another server.
        let ending = self.shutdown.begun().map(|()| {
            Err(status::unavailable(
                "the server shuts down; send what was not answered again",
            ))
        });
        let ending = stream::once(ending);
        let requests = request.into_inner().map(Some).chain(stream::iter([None]));
        let answers = stream::select(requests, ending.map(Some))
            .take_while(|item| std::future::ready(item.is_some()))
            .filter_map(std::future::ready)
            .scan(false, |over, item| {
                let stop = *over;
                *over = item.is_err();
                std::future::ready((!stop).then_some(item))
            })
            .map(move |item| {
                let service = service.clone();
                async move { Ok(service.streamed(item?, until).await) }
            })
            .buffered(self.stream_at_once);
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
