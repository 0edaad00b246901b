//! Features from an inference service elsewhere.

use super::{ClientOptions, Link, Traced, link};
use crate::{
    Limited, WireError, class_map, field,
    inference::{self as wire, Vector, inference_service_client::InferenceServiceClient},
    status,
};
use assay_answering::{
    AnswerError, Explaining, FeatureSource, Features, ImportanceRow, ServedModel,
};
use assay_core::{Digest, ErrorKind};
use async_trait::async_trait;
use std::{
    future::Future,
    time::{Duration, Instant},
};
use tonic::{Request, Response, Status};

/// Most rows of one request, by the interface.
const MOST_ROWS: usize = 1024;

/// [`FeatureSource`] by way of an `InferenceService`.
#[derive(Debug, Clone)]
pub struct RemoteFeatures {
    client: InferenceServiceClient<Traced<Link>>,
    max_message_bytes: usize,
}

impl RemoteFeatures {
    /// A client of the service at `url`; it connects at the first request. Must be called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(url: &str, options: &ClientOptions) -> Result<Self, WireError> {
        let client = InferenceServiceClient::new(Traced(link(url, options)?));
        Ok(Self {
            client: client.limited(options.max_message_bytes),
            max_message_bytes: options.max_message_bytes,
        })
    }

    /// Rows that fit into one message.
    fn rows_per_request(&self, vectors: &[Vec<f32>]) -> usize {
        let longest = vectors.iter().map(Vec::len).max().unwrap_or(0);
        // Four bytes a value, and some for the lengths around them.
        let row_bytes = 4 * longest + 16;
        (self.max_message_bytes / row_bytes).clamp(1, MOST_ROWS)
    }

    async fn some_features(
        &self,
        bundle: Digest,
        vectors: Vec<Vec<f32>>,
        deadline: Deadline,
    ) -> Result<Features, AnswerError> {
        let rows = vectors.len();
        let request = wire::FeaturesRequest {
            model: bundle.to_string(),
            vectors: vectors
                .into_iter()
                .map(|values| Vector { values })
                .collect(),
        };
        let mut client = self.client.clone();
        let answer = deadline
            .call(
                request,
                |request| async move { client.features(request).await },
            )
            .await?;
        same_bundle(bundle, &answer.bundle)?;
        if answer.features.len() != rows {
            let found = answer.features.len();
            return Err(nonsense(format!(
                "{found} rows of features for {rows} vectors"
            )));
        }
        Ok(Features {
            rows: answer.features.into_iter().map(|row| row.values).collect(),
            cached: answer.cached as usize,
            queue: seconds("queue_s", answer.queue_s)?,
            compute: seconds("compute_s", answer.compute_s)?,
        })
    }
}

#[async_trait]
impl FeatureSource for RemoteFeatures {
    async fn resolve(&self, model: &str) -> Result<ServedModel, AnswerError> {
        let request = wire::DescribeModelRequest {
            model: model.to_owned(),
        };
        let mut client = self.client.clone();
        let answer = Deadline::of(None)
            .call(request, |request| async move {
                client.describe_model(request).await
            })
            .await?;
        Ok(ServedModel {
            bundle: field::digest("bundle", &answer.bundle).map_err(nonsense)?,
            bins: answer.bins as usize,
            features: answer.features as usize,
        })
    }

    async fn features(
        &self,
        bundle: Digest,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Duration>,
    ) -> Result<Features, AnswerError> {
        let deadline = Deadline::of(deadline);
        let most = self.rows_per_request(&vectors);
        let mut rest = vectors;
        let mut all: Option<Features> = None;
        loop {
            let later = rest.split_off(rest.len().min(most));
            let some = self.some_features(bundle, rest, deadline).await?;
            let whole = match all.take() {
                None => some,
                Some(mut whole) => {
                    whole.rows.extend(some.rows);
                    whole.cached += some.cached;
                    whole.queue += some.queue;
                    whole.compute += some.compute;
                    whole
                }
            };
            if later.is_empty() {
                return Ok(whole);
            }
            all = Some(whole);
            rest = later;
        }
    }

    async fn importances(
        &self,
        bundle: Digest,
        vector: Vec<f32>,
        asked: Explaining,
        deadline: Option<Duration>,
    ) -> Result<ImportanceRow, AnswerError> {
        let bins = vector.len();
        let (style, reduction) = class_map::settings_to_wire(asked.cam);
        let request = wire::ImportancesRequest {
            model: bundle.to_string(),
            vector: Some(Vector { values: vector }),
            label: asked.label.unwrap_or_default(),
            style: style.into(),
            reduction: reduction.into(),
        };
        let mut client = self.client.clone();
        let answer = Deadline::of(deadline)
            .call(request, |request| async move {
                client.importances(request).await
            })
            .await?;
        same_bundle(bundle, &answer.bundle)?;
        let lengths = (answer.energy_kev.len(), answer.importance.len());
        if lengths != (bins, bins) {
            return Err(nonsense(format!(
                "{} energies and {} importances for {bins} bins",
                lengths.0, lengths.1
            )));
        }
        Ok(ImportanceRow {
            label: answer.label,
            energy_kev: answer.energy_kev,
            importance: answer.importance,
            features: answer.features.unwrap_or_default().values,
            map: class_map::from_wire(answer.map.unwrap_or_default()).map_err(nonsense)?,
        })
    }
}

/// When the caller's time is over.
#[derive(Clone, Copy)]
struct Deadline(Option<Instant>);

impl Deadline {
    fn of(left: Option<Duration>) -> Self {
        Self(left.and_then(|left| Instant::now().checked_add(left)))
    }

    /// Calls the service, which is told the time that is left and held to it.
    async fn call<T, A, F>(
        self,
        message: T,
        call: impl FnOnce(Request<T>) -> F,
    ) -> Result<A, AnswerError>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let over = AnswerError::Deadline {
            doing: "waiting for the inference service",
        };
        let mut request = Request::new(message);
        let answer = match self.0 {
            None => call(request).await,
            Some(end) => {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(over);
                }
                request.set_timeout(left);
                match tokio::time::timeout(left, call(request)).await {
                    // The transport has a clock of its own for the same deadline.
                    Ok(Err(_)) if Instant::now() >= end => return Err(over),
                    Ok(answer) => answer,
                    Err(_) => return Err(over),
                }
            }
        };
        answer.map(Response::into_inner).map_err(|status| {
            if !status::is_connection_lost(&status) {
                return status::answer_error(&status);
            }
            AnswerError::Unavailable(format!(
                "the inference service cannot be reached: {}",
                status.message()
            ))
        })
    }
}

fn same_bundle(expected: Digest, found: &str) -> Result<(), AnswerError> {
    if found == expected.to_string() {
        return Ok(());
    }
    Err(nonsense(format!(
        "an answer of bundle {found} for {expected}"
    )))
}

fn seconds(field: &str, value: f64) -> Result<Duration, AnswerError> {
    Duration::try_from_secs_f64(value).map_err(|error| nonsense(format!("{field}: {error}")))
}

/// The service does not keep to the interface.
fn nonsense(what: impl std::fmt::Display) -> AnswerError {
    AnswerError::Remote {
        kind: ErrorKind::Internal,
        message: format!("the inference service sent {what}; run services of one version"),
    }
}
