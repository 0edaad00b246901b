//! The models in memory, by the digest of their bundle: loaded when first asked for, no more than
//! a number of them, those that nobody uses unloaded first. Names are not known here.

mod failure;

pub(crate) use failure::LoadFailure;

use crate::{
    measure,
    model::{Limits, Load, Model, before},
};
use assay_answering::AnswerError;
use assay_core::Digest;
use assay_infer::{OnnxRuntime, SessionOptions};
use assay_store::BundleRegistry;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, watch};

/// Models that are loaded at the same time: loading takes all cores.
const LOADING_AT_ONCE: usize = 2;

/// When it is worth trying again while every place is taken.
const RETRY_PLACES: Duration = Duration::from_secs(1);

/// How models are loaded and how many.
pub(crate) struct PoolSettings {
    pub(crate) runtime: &'static OnnxRuntime,
    pub(crate) session: SessionOptions,
    pub(crate) limits: Limits,
    /// Most models.
    pub(crate) places: usize,
    /// How long a refused bundle is not tried again.
    pub(crate) refusal: Duration,
}

pub(crate) struct Pool {
    registry: Arc<dyn BundleRegistry>,
    settings: PoolSettings,
    state: Mutex<State>,
    loading: Semaphore,
}

#[derive(Default)]
struct State {
    slots: HashMap<Digest, Slot>,
    refused: HashMap<Digest, (Instant, LoadFailure)>,
    /// Bundles that a name stands for: they are unloaded last.
    named: HashSet<Digest>,
    /// Counts uses, as the time of "least recently used".
    uses: u64,
    /// Threads of all models, joined at the end.
    threads: Vec<JoinHandle<()>>,
}

/// What came of a loading. It does not hold the model, which would count as one more use of it.
type Outcome = Option<Result<Weak<Model>, LoadFailure>>;

enum Slot {
    Loading(watch::Receiver<Outcome>),
    Ready { model: Arc<Model>, used: u64 },
}

/// How a bundle stands in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Loading,
    /// Loaded, with the number of requests that use it now.
    Ready(usize),
    /// Its thread ended by a defect; it is loaded again when it is asked for.
    Ended,
}

/// Who asks for a model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// The model that this one is to replace, which stays loaded meanwhile.
    pub(crate) replaces: Option<Digest>,
}

impl Pool {
    pub(crate) fn new(registry: Arc<dyn BundleRegistry>, settings: PoolSettings) -> Arc<Self> {
        Arc::new(Self {
            registry,
            settings,
            state: Mutex::default(),
            loading: Semaphore::new(LOADING_AT_ONCE),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model of a bundle, loaded if it is not; those who ask meanwhile wait for the same
    /// loading, which goes on when they leave.
    pub(crate) async fn get(
        self: &Arc<Self>,
        digest: Digest,
        wanted: Wanted,
        deadline: Option<Instant>,
    ) -> Result<Arc<Model>, AnswerError> {
        loop {
            let held = self.state().find(digest, self.settings.refusal)?;
            let found = match held {
                Some(found) => found,
                None => {
                    self.look_up(digest, deadline).await?;
                    self.find_or_begin(digest, &wanted)?
                }
            };
            let mut outcome = match found {
                Found::Model(model) => return Ok(model),
                Found::Loading(outcome) => outcome,
            };
            let done = before(
                deadline,
                "the model was being loaded",
                outcome.wait_for(Option::is_some),
            )
            .await?;
            match done.as_deref() {
                // One that made room for another already is loaded again.
                Ok(Some(Ok(model))) => {
                    if let Some(model) = model.upgrade() {
                        return Ok(model);
                    }
                }
                Ok(Some(Err(failure))) => return Err(failure.to_error(digest)),
                _ => {
                    return Err(AnswerError::Unavailable(
                        "the loading of the model was broken off; try again".to_owned(),
                    ));
                }
            }
        }
    }

    /// Asks whether there is such a bundle: no model has to go for one that does not exist.
    async fn look_up(&self, digest: Digest, deadline: Option<Instant>) -> Result<(), AnswerError> {
        let doing = "the registry was asked for the model";
        let there = before(deadline, doing, self.registry.has(digest)).await?;
        let failure = match there {
            Ok(true) => return Ok(()),
            Ok(false) => LoadFailure::NotFound(format!("bundle {digest} is not in the registry")),
            Err(error) => error.into(),
        };
        Err(failure.to_error(digest))
    }

    fn find_or_begin(
        self: &Arc<Self>,
        digest: Digest,
        wanted: &Wanted,
    ) -> Result<Found, AnswerError> {
        let mut state = self.state();
        if let Some(found) = state.find(digest, self.settings.refusal)? {
            return Ok(found);
        }
        let extra = usize::from(wanted.replaces.is_some());
        state.make_room(self.settings.places + extra, wanted.replaces)?;
        let (report, outcome) = watch::channel(None);
        state.slots.insert(digest, Slot::Loading(outcome.clone()));
        let probes = state.probes(wanted.replaces);
        tokio::spawn(Arc::clone(self).load(digest, probes, report));
        Ok(Found::Loading(outcome))
    }

    async fn load(
        self: Arc<Self>,
        digest: Digest,
        probes: Vec<Vec<f32>>,
        report: watch::Sender<Outcome>,
    ) {
        let started = Instant::now();
        let loaded = self.try_load(digest, probes).await;
        let outcome = {
            let mut state = self.state();
            match loaded {
                Ok((model, thread)) => {
                    state.uses += 1;
                    let (model, used) = (Arc::new(model), state.uses);
                    let loaded = Arc::downgrade(&model);
                    state.slots.insert(digest, Slot::Ready { model, used });
                    state.threads.retain(|thread| !thread.is_finished());
                    state.threads.push(thread);
                    let seconds = started.elapsed().as_secs_f64();
                    tracing::info!(model.digest = %digest, load_s = seconds, "model.loaded");
                    Ok(loaded)
                }
                Err(failure) => {
                    state.slots.remove(&digest);
                    if failure.is_refusal() {
                        let entry = (Instant::now(), failure.clone());
                        state.refused.insert(digest, entry);
                    }
                    tracing::warn!(model.digest = %digest, reason = %failure, "model.not_loaded");
                    Err(failure)
                }
            }
        };
        measure::loaded_models(self.ready_models());
        // Those who waited may all have left.
        report.send_replace(Some(outcome));
    }

    async fn try_load(
        &self,
        digest: Digest,
        probes: Vec<Vec<f32>>,
    ) -> Result<(Model, JoinHandle<()>), LoadFailure> {
        let _turn = self.loading.acquire().await;
        let files = self.registry.files(digest).await?;
        let load = Load {
            digest,
            files,
            runtime: self.settings.runtime,
            session: self.settings.session.clone(),
            limits: self.settings.limits,
            probes,
        };
        Model::load(load).await
    }

    /// Which bundles a name stands for now.
    pub(crate) fn set_named(&self, named: HashSet<Digest>) {
        self.state().named = named;
    }

    /// Unloads bundles that no name stands for now; those who use one get their answers.
    pub(crate) fn release(&self, bundles: &[Digest]) {
        let mut state = self.state();
        for digest in bundles {
            let ready = matches!(state.slots.get(digest), Some(Slot::Ready { .. }));
            if ready && !state.named.contains(digest) {
                tracing::info!(model.digest = %digest, "model.unloaded");
                state.slots.remove(digest);
            }
        }
        drop(state);
        measure::loaded_models(self.ready_models());
    }

    /// Lets a bundle that was refused be tried again at once.
    pub(crate) fn forgive(&self, bundle: Digest) {
        self.state().refused.remove(&bundle);
    }

    /// Unloads models that nobody uses until no more than the allowed number is left.
    pub(crate) fn trim(&self) {
        // Where all are in use, the next call finds some that are not.
        let _ = self.state().make_room(self.settings.places + 1, None);
        measure::loaded_models(self.ready_models());
    }

    /// Every bundle in memory.
    pub(crate) fn present(&self) -> HashMap<Digest, Presence> {
        let state = self.state();
        let presence = state.slots.iter().map(|(digest, slot)| {
            let presence = match slot {
                Slot::Loading(_) => Presence::Loading,
                Slot::Ready { model, .. } if !model.is_alive() => Presence::Ended,
                Slot::Ready { model, .. } => Presence::Ready(Arc::strong_count(model) - 1),
            };
            (*digest, presence)
        });
        presence.collect()
    }

    /// Bundles that were refused lately, and why.
    pub(crate) fn refused(&self) -> HashMap<Digest, String> {
        let state = self.state();
        let refused = state.refused.iter();
        refused
            .map(|(digest, (_, failure))| (*digest, failure.to_string()))
            .collect()
    }

    /// Whether a bundle was refused so lately that it is not tried again yet.
    pub(crate) fn is_refused(&self, digest: Digest) -> bool {
        let state = self.state();
        let refusal = state.refused.get(&digest);
        refusal.is_some_and(|(at, _)| at.elapsed() < self.settings.refusal)
    }

    fn ready_models(&self) -> usize {
        let state = self.state();
        let ready = |slot: &&Slot| matches!(slot, Slot::Ready { model, .. } if model.is_alive());
        state.slots.values().filter(ready).count()
    }
}

impl Drop for Pool {
    /// Waits for the models' threads: none may use the runtime library while the process ends.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.slots.clear();
        for thread in state.threads.drain(..) {
            // A thread that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

enum Found {
    Model(Arc<Model>),
    Loading(watch::Receiver<Outcome>),
}

impl State {
    /// The model, or its loading, if there is one.
    ///
    /// # Errors
    /// When the bundle was refused lately.
    fn find(&mut self, digest: Digest, refusal: Duration) -> Result<Option<Found>, AnswerError> {
        self.uses += 1;
        let now = self.uses;
        match self.slots.get_mut(&digest) {
            Some(Slot::Ready { model, used }) if model.is_alive() => {
                *used = now;
                return Ok(Some(Found::Model(Arc::clone(model))));
            }
            // A loading without an outcome whose task is gone was broken off.
            Some(Slot::Loading(outcome))
                if outcome.has_changed().is_ok() || outcome.borrow().is_some() =>
            {
                return Ok(Some(Found::Loading(outcome.clone())));
            }
            _ => drop(self.slots.remove(&digest)),
        }
        self.refused.retain(|_, (at, _)| at.elapsed() < refusal);
        match self.refused.get(&digest) {
            Some((_, failure)) => Err(failure.to_error(digest)),
            None => Ok(None),
        }
    }

    /// Unloads models until there is a place, except `spared` and those in use.
    fn make_room(&mut self, places: usize, spared: Option<Digest>) -> Result<(), AnswerError> {
        while self.slots.len() >= places.max(1) {
            let idle = self.slots.iter().filter_map(|(digest, slot)| match slot {
                Slot::Ready { model, used }
                    if Arc::strong_count(model) == 1 && Some(*digest) != spared =>
                {
                    Some((self.named.contains(digest), *used, *digest))
                }
                _ => None,
            });
            let Some((_, _, digest)) = idle.min() else {
                return Err(AnswerError::Overloaded {
                    what: format!("all {places} places for models are in use"),
                    retry_after: RETRY_PLACES,
                });
            };
            tracing::info!(model.digest = %digest, "model.unloaded");
            self.slots.remove(&digest);
        }
        Ok(())
    }

    /// Input vectors that another model computed lately.
    fn probes(&self, of: Option<Digest>) -> Vec<Vec<f32>> {
        match of.and_then(|digest| self.slots.get(&digest)) {
            Some(Slot::Ready { model, .. }) => model.recent_vectors(),
            _ => Vec::new(),
        }
    }
}
