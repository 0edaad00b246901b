//! The gRPC service: messages to and from the domain, nothing else.

use crate::{
    Inference, MAX_ROWS,
    inference::moment,
    model::{Model, lowest_maximum},
    names::{NamedStatus, State},
};
use assay_answering::AnswerError;
use assay_api::{
    inference::{
        ClassifyRequest, ClassifyResponse, DescribeModelRequest, DescribeModelResponse,
        FeaturesRequest, FeaturesResponse, ImportancesRequest, ImportancesResponse,
        ListModelsRequest, ListModelsResponse, ModelState, ModelStatus, Vector,
        inference_service_server::InferenceService,
    },
    status,
};
use assay_network::head::softmax;
use assay_pipeline::PipelineError;
use assay_runtime::request::time_left;
use std::{sync::Arc, time::Instant};
use tonic::{Request, Response, Status};

/// The service over an [`Inference`].
pub(crate) struct Service(pub(crate) Arc<Inference>);

impl Service {
    async fn model(
        &self,
        name: &str,
        deadline: Option<Instant>,
    ) -> Result<Arc<Model>, AnswerError> {
        let resolving = self.0.named(name);
        crate::model::before(deadline, "the model was being loaded", resolving).await?
    }

    async fn features(
        &self,
        request: FeaturesRequest,
        deadline: Option<Instant>,
    ) -> Result<FeaturesResponse, AnswerError> {
        let vectors = rows(request.vectors)?;
        let model = self.model(&request.model, deadline).await?;
        let found = self.0.features_by(&model, vectors, deadline).await?;
        Ok(FeaturesResponse {
            bundle: model.bundle().id().to_string(),
            features: found.rows.into_iter().map(vector).collect(),
            cached: whole(found.cached),
            queue_s: found.queue.as_secs_f64(),
            compute_s: found.compute.as_secs_f64(),
        })
    }

    async fn classify(
        &self,
        request: ClassifyRequest,
        deadline: Option<Instant>,
    ) -> Result<ClassifyResponse, AnswerError> {
        let vectors = rows(request.vectors)?;
        let model = self.model(&request.model, deadline).await?;
        let found = self.0.features_by(&model, vectors, deadline).await?;
        let contents = model.bundle().contents();
        let mut answer = ClassifyResponse {
            bundle: model.bundle().id().to_string(),
            labels: contents.classes.iter().map(ToString::to_string).collect(),
            ..ClassifyResponse::default()
        };
        for features in found.rows {
            let logits = model.bundle().head().logits(&features);
            let logits = logits.map_err(PipelineError::from)?;
            let probabilities = softmax(&logits).map_err(PipelineError::from)?;
            answer.classes.push(whole(lowest_maximum(&logits)));
            answer.logits.push(vector(logits));
            answer.probabilities.push(vector(probabilities));
        }
        Ok(answer)
    }

    async fn importances(
        &self,
        request: ImportancesRequest,
        deadline: Option<Instant>,
    ) -> Result<ImportancesResponse, AnswerError> {
        let model = self.model(&request.model, deadline).await?;
        let values = request.vector.unwrap_or_default().values;
        let label = Some(request.label).filter(|label| !label.is_empty());
        let found = self.0.importances_by(&model, values, label, deadline).await;
        let found = found.map_err(of_one_vector)?;
        Ok(ImportancesResponse {
            bundle: model.bundle().id().to_string(),
            label: found.label,
            energy_kev: found.energy_kev,
            importance: found.importance,
            features: Some(vector(found.features)),
        })
    }

    async fn describe(
        &self,
        request: DescribeModelRequest,
        deadline: Option<Instant>,
    ) -> Result<DescribeModelResponse, AnswerError> {
        let model = self.model(&request.model, deadline).await?;
        let bundle = model.bundle();
        let classes = &bundle.contents().classes;
        Ok(DescribeModelResponse {
            bundle: bundle.id().to_string(),
            bins: whole(model.bins()),
            features: whole(bundle.head().features()),
            labels: classes.iter().map(ToString::to_string).collect(),
            cached: bundle.caches_features(),
            engine: model.engine().to_string(),
        })
    }
}

#[tonic::async_trait]
impl InferenceService for Service {
    async fn features(
        &self,
        request: Request<FeaturesRequest>,
    ) -> Result<Response<FeaturesResponse>, Status> {
        let deadline = moment(time_left(request.metadata()));
        reply(self.features(request.into_inner(), deadline).await)
    }

    async fn classify(
        &self,
        request: Request<ClassifyRequest>,
    ) -> Result<Response<ClassifyResponse>, Status> {
        let deadline = moment(time_left(request.metadata()));
        reply(self.classify(request.into_inner(), deadline).await)
    }

    async fn importances(
        &self,
        request: Request<ImportancesRequest>,
    ) -> Result<Response<ImportancesResponse>, Status> {
        let deadline = moment(time_left(request.metadata()));
        reply(self.importances(request.into_inner(), deadline).await)
    }

    async fn describe_model(
        &self,
        request: Request<DescribeModelRequest>,
    ) -> Result<Response<DescribeModelResponse>, Status> {
        let deadline = moment(time_left(request.metadata()));
        reply(self.describe(request.into_inner(), deadline).await)
    }

    async fn list_models(
        &self,
        _request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let models = self.0.status().into_iter().map(to_wire).collect();
        Ok(Response::new(ListModelsResponse { models }))
    }
}

fn reply<T>(answer: Result<T, AnswerError>) -> Result<Response<T>, Status> {
    match answer {
        Ok(answer) => Ok(Response::new(answer)),
        Err(error) => Err(status::of(&error)),
    }
}

/// The vectors of a request, not more than allowed.
fn rows(vectors: Vec<Vector>) -> Result<Vec<Vec<f32>>, AnswerError> {
    if vectors.len() > MAX_ROWS {
        let reason = format!("there are {}; send 1 to {MAX_ROWS}", vectors.len());
        let field = "vectors";
        return Err(AnswerError::Field { field, reason });
    }
    Ok(vectors.into_iter().map(|vector| vector.values).collect())
}

/// A request with one vector calls it so.
fn of_one_vector(error: AnswerError) -> AnswerError {
    match error {
        AnswerError::Field {
            field: "vectors",
            reason,
        } => AnswerError::Field {
            field: "vector",
            reason: reason.replacen("vectors[0]", "it", 1),
        },
        error => error,
    }
}

fn vector(values: Vec<f32>) -> Vector {
    Vector { values }
}

/// Counts here are bounded far below the range of the wire.
fn whole(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn to_wire(status: NamedStatus) -> ModelStatus {
    let state = match status.state {
        State::Loading => ModelState::Loading,
        State::Serving => ModelState::Serving,
        State::Draining => ModelState::Draining,
        State::Refused => ModelState::Refused,
    };
    ModelStatus {
        name: status.name,
        bundle: status.bundle.map(|b| b.to_string()).unwrap_or_default(),
        state: state.into(),
        reason: status.reason,
        in_flight: whole(status.in_flight),
    }
}
