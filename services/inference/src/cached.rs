//! Features by way of the cache: known rows from it, every other row computed once, a few at a
//! time. The cache may lose or damage anything and may be away: then features are computed.

use crate::{
    flights::{Flights, Lead, Part, Wait},
    measure,
    model::{Done, Model, Task, before},
};
use assay_answering::{AnswerError, Features};
use assay_core::Digest;
use assay_pipeline::{decode_features, encode_features, feature_key};
use assay_store::{FeatureCache, StoreError};
use bytes::Bytes;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// Rows that a request takes upon itself at once: so long others wait for it, so much is lost when
/// it ends too early.
const PORTION_ROWS: usize = 16;

type Row = Arc<[f32]>;

/// The cache, and who is looking for what.
pub(crate) struct Cached {
    cache: Arc<dyn FeatureCache>,
    flights: Arc<Flights>,
    timeout: Duration,
    /// Whether the cache answered the last time.
    works: AtomicBool,
}

/// One request on its way: what is known of each different key.
struct Progress {
    /// The key of each row.
    keys: Vec<Digest>,
    /// A row of the request with that key.
    first: HashMap<Digest, usize>,
    known: HashMap<Digest, Row>,
    hits: HashSet<Digest>,
    /// Whether the cache answered this request so far.
    reachable: bool,
    queue: Duration,
    compute: Duration,
}

impl Cached {
    pub(crate) fn new(cache: Arc<dyn FeatureCache>, timeout: Duration) -> Self {
        Self {
            cache,
            flights: Arc::default(),
            timeout,
            works: AtomicBool::new(true),
        }
    }

    /// Features of vectors that have the right width and are finite. The work is a task of its
    /// own, which ends with this future: others wait for it, so that it must go on when nobody
    /// polls the one who asked first.
    pub(crate) async fn features(
        self: &Arc<Self>,
        model: &Arc<Model>,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Instant>,
    ) -> Result<Features, AnswerError> {
        let work = Arc::clone(self).find(Arc::clone(model), vectors, deadline);
        let task = tokio::spawn(work.in_current_span());
        let found = AbortOnDropHandle::new(task).await;
        found.unwrap_or_else(|error| Err(AnswerError::Defect(format!("features: {error}"))))
    }

    async fn find(
        self: Arc<Self>,
        model: Arc<Model>,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Instant>,
    ) -> Result<Features, AnswerError> {
        let vectors = Arc::new(vectors);
        let keys = keys(&model, &vectors).await?;
        let mut progress = Progress::new(keys);
        if progress.first.len() > PORTION_ROWS {
            self.recall(&model, &mut progress).await;
        }
        loop {
            let (leads, waits) = self.join(&progress);
            if leads.is_empty() && waits.is_empty() {
                break;
            }
            self.lead(&model, &vectors, leads, &mut progress, deadline)
                .await?;
            for (key, wait) in waits {
                let doing = "another request computed the same features";
                if let Some(row) = before(deadline, doing, wait.result()).await? {
                    measure::shared(1);
                    progress.known.insert(key, row);
                }
            }
        }
        Ok(progress.finish())
    }

    /// Takes from the cache what it has of a long request, in one call.
    async fn recall(&self, model: &Model, progress: &mut Progress) {
        let width = model.bundle().head().features();
        let keys: Vec<_> = progress.first.keys().copied().collect();
        let Some(stored) = self.get(&keys).await else {
            progress.reachable = false;
            return;
        };
        for (key, stored) in keys.into_iter().zip(stored) {
            if let Some(features) = stored.and_then(|bytes| decode_features(&bytes, width)) {
                progress.hits.insert(key);
                progress.known.insert(key, features.into());
            }
        }
        measure::cache(progress.hits.len(), 0);
    }

    /// Takes part in finding the first keys that are not known yet.
    fn join(&self, progress: &Progress) -> (Vec<Lead>, Vec<(Digest, Wait)>) {
        let (mut leads, mut waits) = (Vec::new(), Vec::new());
        let mut open: Vec<_> = progress
            .first
            .iter()
            .filter(|(key, _)| !progress.known.contains_key(*key))
            .collect();
        open.sort_by_key(|(_, row)| **row);
        for (key, _) in open.into_iter().take(PORTION_ROWS) {
            match self.flights.join(*key) {
                Part::Lead(lead) => leads.push(lead),
                Part::Wait(wait) => waits.push((*key, wait)),
            }
        }
        (leads, waits)
    }

    /// Finds what this request leads: first in the cache, then by computing.
    async fn lead(
        &self,
        model: &Arc<Model>,
        vectors: &[Vec<f32>],
        leads: Vec<Lead>,
        progress: &mut Progress,
        deadline: Option<Instant>,
    ) -> Result<(), AnswerError> {
        if leads.is_empty() {
            return Ok(());
        }
        let width = model.bundle().head().features();
        let keys: Vec<_> = leads.iter().map(Lead::key).collect();
        let stored = match progress.reachable {
            true => self.get(&keys).await,
            // It was waited for once already.
            false => None,
        };
        progress.reachable = stored.is_some();
        let stored = stored.unwrap_or_else(|| vec![None; leads.len()]);
        let asked = leads.len();
        let mut misses = Vec::new();
        for (lead, stored) in leads.into_iter().zip(stored) {
            match stored.and_then(|bytes| decode_features(&bytes, width)) {
                None => misses.push(lead),
                Some(features) => {
                    let row: Row = features.into();
                    lead.found(Arc::clone(&row));
                    progress.hits.insert(lead.key());
                    progress.known.insert(lead.key(), row);
                }
            }
        }
        measure::cache(asked - misses.len(), misses.len());
        if misses.is_empty() {
            return Ok(());
        }
        let missing = misses.iter().map(|lead| progress.first[&lead.key()]);
        let missing = missing.map(|row| vectors[row].clone()).collect();
        let begun = progress.compute > Duration::ZERO;
        let done = computed(model, missing, begun, deadline).await?;
        progress.queue += done.queue;
        progress.compute += done.compute;
        let mut entries = Vec::with_capacity(misses.len());
        for (lead, row) in misses.iter().zip(done.rows) {
            entries.push((lead.key(), Bytes::from(encode_features(&row.features))));
            let row: Row = row.features.into();
            lead.found(Arc::clone(&row));
            progress.known.insert(lead.key(), row);
        }
        if progress.reachable {
            // Those who wait have the features already. The leads are kept until the cache has
            // them too, so that nobody computes them in between.
            progress.reachable = self.in_time(self.cache.put(entries)).await.is_some();
        }
        Ok(())
    }

    /// What the cache has; `None` where it fails.
    async fn get(&self, keys: &[Digest]) -> Option<Vec<Option<Bytes>>> {
        let stored = self.in_time(self.cache.get(keys)).await?;
        (stored.len() == keys.len()).then_some(stored)
    }

    /// The cache's answer, if there is one in time; says once when it stops or begins to work.
    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        let late = |_| {
            Err(StoreError::Unavailable {
                reason: format!("no answer within {} ms", self.timeout.as_millis()),
            })
        };
        let begun = Instant::now();
        let answer = tokio::time::timeout(self.timeout, asked).await;
        measure::stage("cache", begun.elapsed());
        let answer = answer.unwrap_or_else(late);
        let worked = self.works.swap(answer.is_ok(), Ordering::Relaxed);
        match answer {
            Ok(answer) => {
                if !worked {
                    tracing::info!("cache.available");
                }
                Some(answer)
            }
            Err(error) => {
                measure::cache_failure();
                if worked {
                    tracing::warn!(reason = %error, "cache.unavailable");
                }
                None
            }
        }
    }
}

impl Progress {
    fn new(keys: Vec<Digest>) -> Self {
        let mut first = HashMap::new();
        for (row, key) in keys.iter().enumerate() {
            first.entry(*key).or_insert(row);
        }
        Self {
            keys,
            first,
            known: HashMap::new(),
            hits: HashSet::new(),
            reachable: true,
            queue: Duration::ZERO,
            compute: Duration::ZERO,
        }
    }

    /// Every key is known by now.
    fn finish(self) -> Features {
        let rows = self.keys.iter().filter_map(|key| self.known.get(key));
        let cached = self.keys.iter().filter(|key| self.hits.contains(*key));
        Features {
            rows: rows.map(|row| row.to_vec()).collect(),
            cached: cached.count(),
            queue: self.queue,
            compute: self.compute,
        }
    }
}

/// Computes a portion of a request. One of which a portion is computed already is not refused any
/// more: it waits until the queue has room again.
async fn computed(
    model: &Model,
    vectors: Vec<Vec<f32>>,
    begun: bool,
    deadline: Option<Instant>,
) -> Result<Done, AnswerError> {
    loop {
        match model.run(Task::Features, vectors.clone(), deadline).await {
            Err(AnswerError::Overloaded { retry_after, .. }) if begun => {
                let doing = "the request waited for the model";
                before(deadline, doing, tokio::time::sleep(retry_after)).await?;
            }
            done => return done,
        }
    }
}

/// The keys of vectors. Hashing megabytes does not belong on the threads of requests.
async fn keys(
    model: &Arc<Model>,
    vectors: &Arc<Vec<Vec<f32>>>,
) -> Result<Vec<Digest>, AnswerError> {
    let (model, vectors) = (Arc::clone(model), Arc::clone(vectors));
    let key_all = move || {
        let keys = vectors
            .iter()
            .map(|vector| feature_key(model.bundle(), model.engine(), vector));
        keys.collect()
    };
    tokio::task::spawn_blocking(key_all)
        .await
        .map_err(|error| AnswerError::Defect(format!("keys of features: {error}")))
}
