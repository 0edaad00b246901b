//! The gRPC service: messages to and from the domain, nothing else.

use crate::{
    Inference, MAX_ROWS,
    answer_size::rows_that_fit,
    closed_set::closed_set,
    inference::moment,
    model::{Model, lowest_maximum},
    names::{NamedStatus, State},
};
use assay_answering::{AnswerError, Explaining};
use assay_api::{
    class_map,
    inference::{
        ClassifyRequest, ClassifyResponse, DescribeModelRequest, DescribeModelResponse,
        FeaturesRequest, FeaturesResponse, ImportancesRequest, ImportancesResponse,
        ListModelsRequest, ListModelsResponse, ModelState, ModelStatus, Vector,
        inference_service_server::InferenceService,
    },
    status,
};
use assay_explain::CamSettings;
use assay_pipeline::Bundle;
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
        let width = model.bundle().head().features();
        fit(vectors.len(), width, self.0.max_message_bytes())?;
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
        // The head of a thousand rows is no work for the threads of requests.
        tokio::task::spawn_blocking(move || classes(model.bundle(), found.rows))
            .await
            .map_err(|error| AnswerError::Defect(format!("classes: {error}")))?
    }

    async fn importances(
        &self,
        request: ImportancesRequest,
        cam: CamSettings,
        deadline: Option<Instant>,
    ) -> Result<ImportancesResponse, AnswerError> {
        let model = self.model(&request.model, deadline).await?;
        let values = request.vector.unwrap_or_default().values;
        let asked = Explaining {
            label: Some(request.label).filter(|label| !label.is_empty()),
            cam,
        };
        let found = self.0.importances_by(&model, values, asked, deadline).await;
        let found = found.map_err(of_one_vector)?;
        Ok(ImportancesResponse {
            bundle: model.bundle().id().to_string(),
            label: found.label,
            energy_kev: found.energy_kev,
            importance: found.importance,
            features: Some(vector(found.features)),
            map: Some(class_map::to_wire(&found.map)),
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
        let request = request.into_inner();
        let cam = class_map::settings_from_wire(request.style, request.reduction)?;
        reply(self.importances(request, cam, deadline).await)
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

/// The classes of rows of features.
fn classes(bundle: &Bundle, rows: Vec<Vec<f32>>) -> Result<ClassifyResponse, AnswerError> {
    let labels = bundle.contents().classes.iter();
    let mut answer = ClassifyResponse {
        bundle: bundle.id().to_string(),
        labels: labels.map(ToString::to_string).collect(),
        ..ClassifyResponse::default()
    };
    for features in rows {
        let found = closed_set(bundle, &features)?;
        answer.classes.push(whole(lowest_maximum(&found.logits)));
        answer.logits.push(vector(found.logits));
        answer.probabilities.push(vector(found.probabilities));
    }
    Ok(answer)
}

/// Refuses rows whose features no message can hold, before they are computed.
fn fit(rows: usize, features: usize, max_message_bytes: usize) -> Result<(), AnswerError> {
    let most = most_rows(features, max_message_bytes);
    if rows <= most {
        return Ok(());
    }
    let reason = format!(
        "there are {rows}, but one answer holds {most} rows of {features} features; send 1 to {most}"
    );
    let field = "vectors";
    Err(AnswerError::Field { field, reason })
}

/// Rows of features that one answer holds.
fn most_rows(features: usize, max_message_bytes: usize) -> usize {
    // Field numbers and lengths of a row and of its values.
    const ROW_BYTES: usize = 12;
    rows_that_fit(4 * features + ROW_BYTES, max_message_bytes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use assay_api::MAX_MESSAGE_BYTES;
    use prost::Message;

    #[test]
    fn rows_are_refused_before_they_are_computed_where_no_answer_holds_them() {
        let most = most_rows(5120, MAX_MESSAGE_BYTES);
        assert!(fit(most, 5120, MAX_MESSAGE_BYTES).is_ok());
        let error = fit(MAX_ROWS, 5120, MAX_MESSAGE_BYTES).unwrap_err();
        let AnswerError::Field { field, reason } = error else {
            panic!("{error}");
        };
        assert_eq!(field, "vectors");
        assert!(
            reason.contains("1024") && reason.contains(&most.to_string()),
            "{reason}"
        );
        assert_eq!(most_rows(256, MAX_MESSAGE_BYTES), MAX_ROWS);
    }

    #[test]
    fn what_is_let_through_fits_a_message() {
        for (features, limit) in [(1, 4096), (31, 8192), (5120, 1 << 20), (5120, 16 << 20)] {
            let rows = most_rows(features, limit);
            let answer = FeaturesResponse {
                bundle: "f".repeat(64),
                features: vec![vector(vec![1.0; features]); rows],
                cached: u32::MAX,
                queue_s: 1.0,
                compute_s: 1.0,
            };
            assert!(answer.encoded_len() <= limit, "{features} {limit}");
            assert!(rows > limit / (4 * features + 13) * 9 / 10, "{rows}");
        }
    }
}
