//! Running models by name or digest: the source of features that gate and explainer share with
//! the gRPC service, in one process or several.

use crate::{
    MAX_ROWS,
    cached::Cached,
    config::InferenceConfig,
    measure,
    model::{Limits, Model, Task},
    names::{NamedStatus, Names},
    pool::{Pool, PoolSettings, Wanted},
};
use anyhow::Context;
use assay_answering::{
    AnswerError, Explaining, FeatureSource, Features, ImportanceRow, ServedModel, class_of,
};
use assay_api::MAX_MESSAGE_BYTES;
use assay_core::{Classified, Digest, ErrorKind};
use assay_infer::OnnxRuntime;
use assay_runtime::{Readiness, Shutdown};
use assay_store::{BundleRegistry, FeatureCache};
use assay_trace::{STEP, step};
use async_trait::async_trait;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinHandle};
use tracing::debug_span;

/// What running models needs.
#[derive(Clone)]
pub struct InferenceDeps {
    /// Where bundles come from.
    pub registry: Arc<dyn BundleRegistry>,
    /// Where features are kept.
    pub cache: Arc<dyn FeatureCache>,
}

/// Models that answer.
pub struct Inference {
    names: Arc<Names>,
    pool: Arc<Pool>,
    cached: Arc<Cached>,
    max_message_bytes: usize,
    shutdown: Shutdown,
    /// Follows the registry until the process ends.
    follower: Mutex<Option<JoinHandle<()>>>,
}

impl Inference {
    /// Loads the runtime library, begins to load the configured models, and follows the registry
    /// until `shutdown`. [`Inference::readiness`] tells when they answer. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// When the runtime library cannot be used, or a configured name is none.
    pub async fn start(
        config: InferenceConfig,
        deps: InferenceDeps,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Arc<Self>> {
        let library = config.runtime_library.clone();
        let load = move || OnnxRuntime::load(library.as_deref());
        let runtime = tokio::task::spawn_blocking(load)
            .await
            .context("loading the runtime library")??;
        let settings = PoolSettings {
            runtime,
            session: config.session(),
            limits: Limits {
                batch_pixels: config.batch_pixels,
                batch_rows: config.batch_rows,
                queue_rows: config.max_queue_rows,
            },
            places: config.max_loaded_models,
            refusal: config.refusal(),
        };
        let every = config.poll_interval();
        let max_message_bytes = config.max_message_bytes.unwrap_or(MAX_MESSAGE_BYTES);
        let cached = Arc::new(Cached::new(deps.cache, config.cache_timeout()));
        let pool = Pool::new(Arc::clone(&deps.registry), settings);
        let names = Names::new(deps.registry, Arc::clone(&pool), config)?;
        let follower = tokio::spawn(follow(Arc::clone(&names), every, shutdown.clone()));
        Ok(Arc::new(Self {
            names,
            pool,
            cached,
            max_message_bytes,
            shutdown: shutdown.clone(),
            follower: Mutex::new(Some(follower)),
        }))
    }

    /// Whether the configured models answer.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.names.readiness()
    }

    /// Reads the registry now, and returns when every name stands for the bundle it should, or
    /// that bundle was refused.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn refresh(&self) -> Result<(), AnswerError> {
        let begun = self.names.refresh().await?;
        begun.join_all().await;
        Ok(())
    }

    pub(crate) const fn max_message_bytes(&self) -> usize {
        self.max_message_bytes
    }

    /// How every model is served.
    pub(crate) fn status(&self) -> Vec<NamedStatus> {
        self.names.status()
    }

    /// Ends when the registry is no longer followed, after shutdown has begun.
    pub(crate) async fn ended(&self) -> anyhow::Result<()> {
        let follower = {
            let mut follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner);
            follower.take()
        };
        match follower {
            Some(follower) => follower.await.context("following the registry"),
            None => Ok(()),
        }
    }

    /// The model that a text stands for now.
    pub(crate) async fn named(&self, model: &str) -> Result<Arc<Model>, AnswerError> {
        Ok(self.names.resolve(model).await?.model)
    }

    /// What names stand for.
    pub(crate) const fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// The end of the process, for answers that go on.
    pub(crate) const fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    async fn by_digest(
        &self,
        bundle: Digest,
        deadline: Option<Instant>,
    ) -> Result<Arc<Model>, AnswerError> {
        self.pool.get(bundle, Wanted::default(), deadline).await
    }

    /// Features by a model that is at hand.
    pub(crate) async fn features_by(
        &self,
        model: &Arc<Model>,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Instant>,
    ) -> Result<Features, AnswerError> {
        check(model, &vectors)?;
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let doing = "the request was read";
            return Err(AnswerError::Deadline { doing });
        }
        let span = debug_span!(
            target: STEP, "inference.features", model.digest = %model.bundle().id(),
            rows = vectors.len()
        );
        let found = step(span, self.found(model, vectors, deadline)).await;
        let found = found.inspect_err(count_overload)?;
        if found.compute > Duration::ZERO {
            measure::queued(found.queue);
        }
        Ok(found)
    }

    async fn found(
        &self,
        model: &Arc<Model>,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Instant>,
    ) -> Result<Features, AnswerError> {
        if model.bundle().caches_features() {
            return self.cached.features(model, vectors, deadline).await;
        }
        let done = model.run(Task::Features, vectors, deadline).await?;
        Ok(Features {
            rows: done.rows.into_iter().map(|row| row.features).collect(),
            cached: 0,
            queue: done.queue,
            compute: done.compute,
        })
    }

    /// Importances by a model that is at hand.
    pub(crate) async fn importances_by(
        &self,
        model: &Arc<Model>,
        vector: Vec<f32>,
        asked: Explaining,
        deadline: Option<Instant>,
    ) -> Result<ImportanceRow, AnswerError> {
        let contents = model.bundle().contents();
        let class = asked
            .label
            .map(|label| class_of(model.bundle(), &label))
            .transpose()?;
        let vectors = vec![vector];
        check(model, &vectors)?;
        let task = Task::Importances(class, asked.cam);
        let done = model.run(task, vectors, deadline).await;
        let mut done = done.inspect_err(count_overload)?;
        measure::queued(done.queue);
        let row = done.rows.pop();
        let Some((features, explained)) = row.and_then(|row| Some((row.features, row.explained?)))
        else {
            return Err(AnswerError::Defect("importances are missing".to_owned()));
        };
        let recipe = &contents.recipe;
        Ok(ImportanceRow {
            label: contents.classes[explained.class].to_string(),
            energy_kev: (0..recipe.bins())
                .map(|bin| recipe.energy_kev(bin))
                .collect(),
            importance: explained.importance,
            features,
            map: explained.map,
        })
    }
}

#[async_trait]
impl FeatureSource for Inference {
    async fn resolve(&self, model: &str) -> Result<ServedModel, AnswerError> {
        let model = self.named(model).await?;
        Ok(ServedModel {
            bundle: model.bundle().id(),
            bins: model.bins(),
            features: model.bundle().head().features(),
        })
    }

    async fn features(
        &self,
        bundle: Digest,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Duration>,
    ) -> Result<Features, AnswerError> {
        let deadline = moment(deadline);
        let model = self.by_digest(bundle, deadline).await?;
        // Longer lists than one request may have come in pieces, as they do over the network.
        let mut whole: Option<Features> = None;
        let mut rest = vectors;
        loop {
            let later = rest.split_off(rest.len().min(MAX_ROWS));
            let part = self.features_by(&model, rest, deadline).await?;
            let so_far = match whole {
                None => part,
                Some(mut whole) => {
                    whole.rows.extend(part.rows);
                    whole.cached += part.cached;
                    whole.queue += part.queue;
                    whole.compute += part.compute;
                    whole
                }
            };
            if later.is_empty() {
                return Ok(so_far);
            }
            (whole, rest) = (Some(so_far), later);
        }
    }

    async fn importances(
        &self,
        bundle: Digest,
        vector: Vec<f32>,
        asked: Explaining,
        deadline: Option<Duration>,
    ) -> Result<ImportanceRow, AnswerError> {
        let deadline = moment(deadline);
        let model = self.by_digest(bundle, deadline).await?;
        self.importances_by(&model, vector, asked, deadline).await
    }
}

/// Asks the registry again and again until the process ends.
async fn follow(names: Arc<Names>, every: Duration, shutdown: Shutdown) {
    let mut reachable = true;
    let mut turn = tokio::time::interval(every);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let begun = shutdown.begun();
    tokio::pin!(begun);
    loop {
        tokio::select! {
            () = &mut begun => return,
            _ = turn.tick() => {}
        }
        let refreshed = tokio::select! {
            () = &mut begun => return,
            refreshed = names.refresh() => refreshed,
        };
        match refreshed {
            Ok(mut tasks) => {
                tasks.detach_all();
                if !reachable {
                    tracing::info!("registry.available");
                }
                reachable = true;
            }
            Err(error) => {
                if reachable {
                    tracing::warn!(reason = %error, "registry.unavailable");
                }
                reachable = false;
            }
        }
    }
}

/// When the time of a request is over; never, where that is beyond all clocks.
pub(crate) fn moment(left: Option<Duration>) -> Option<Instant> {
    left.and_then(|left| Instant::now().checked_add(left))
}

fn count_overload(error: &AnswerError) {
    if error.kind() == ErrorKind::ResourceExhausted {
        measure::refused_for_overload();
    }
}

/// Checks that there are rows, and that each has the model's width and finite values.
fn check(model: &Model, vectors: &[Vec<f32>]) -> Result<(), AnswerError> {
    let refuse = |reason: String| AnswerError::Field {
        field: "vectors",
        reason,
    };
    if vectors.is_empty() {
        return Err(refuse(format!("there is none; send 1 to {MAX_ROWS}")));
    }
    let bins = model.bins();
    for (index, vector) in vectors.iter().enumerate() {
        if vector.len() != bins {
            return Err(refuse(format!(
                "vectors[{index}] has {} values, but the model takes {bins}",
                vector.len()
            )));
        }
        if let Some(bin) = vector.iter().position(|value| !value.is_finite()) {
            return Err(refuse(format!(
                "vectors[{index}] has {} at bin {bin}; every value must be finite",
                vector[bin]
            )));
        }
    }
    Ok(())
}
