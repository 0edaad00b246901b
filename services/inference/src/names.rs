//! Which bundle each name stands for: follows the registry, and lets a name move only to a bundle
//! that is loaded and tested. A bundle that is refused changes nothing but its own status.

mod stands;
mod status;

pub(crate) use status::{NamedStatus, State};

use crate::{
    config::{Asked, InferenceConfig},
    measure,
    model::Model,
    pool::{Pool, Presence, Wanted},
};
use assay_answering::AnswerError;
use assay_core::{Classified, Digest};
use assay_runtime::Readiness;
use assay_store::{
    BundleRegistry, ModelEntry, ModelRef, PRODUCTION, Selector, StoreError, resolve_ref,
};
use stands::{Stands, bundle_of};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::watch, task::JoinSet};

pub(crate) struct Names {
    registry: Arc<dyn BundleRegistry>,
    pool: Arc<Pool>,
    config: InferenceConfig,
    routes: Mutex<BTreeMap<String, Route>>,
    /// Why the registry could not be read the last time.
    registry_trouble: Mutex<Option<String>>,
    ready: watch::Sender<Readiness>,
}

/// What one name stands for, written in full (`name@alias`, `name:version`).
#[derive(Debug, Clone)]
struct Route {
    reference: ModelRef,
    /// The bundle that answers; `None` until the first one is loaded.
    serving: Option<Digest>,
    /// The bundle that the registry says.
    wanted: Option<Digest>,
    /// Why `wanted` is not served.
    trouble: Option<String>,
    /// Whether readiness waits for it.
    required: bool,
}

impl Route {
    const fn new(reference: ModelRef, required: bool) -> Self {
        Self {
            reference,
            serving: None,
            wanted: None,
            trouble: None,
            required,
        }
    }
}

impl Names {
    pub(crate) fn new(
        registry: Arc<dyn BundleRegistry>,
        pool: Arc<Pool>,
        config: InferenceConfig,
    ) -> Result<Arc<Self>, StoreError> {
        let mut routes = BTreeMap::new();
        for text in &config.models {
            let (name, reference) = match config.parse(text)? {
                Asked::Named(name, reference) => (name, reference),
                Asked::Bundle(digest) => (digest.to_string(), ModelRef::Digest(digest)),
            };
            routes.insert(name, Route::new(reference, true));
        }
        let waiting = Readiness::NotReady("the registry was not read yet".to_owned());
        Ok(Arc::new(Self {
            registry,
            pool,
            config,
            routes: Mutex::new(routes),
            registry_trouble: Mutex::default(),
            ready: watch::channel(waiting).0,
        }))
    }

    fn routes(&self) -> MutexGuard<'_, BTreeMap<String, Route>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn readiness(&self) -> watch::Receiver<Readiness> {
        self.ready.subscribe()
    }

    /// The model that a text stands for at this moment. A name that is asked for the first time
    /// is looked up in the registry at once and followed from then on.
    pub(crate) async fn resolve(&self, text: &str) -> Result<Arc<Model>, AnswerError> {
        let (name, reference) = match self.config.parse(text)? {
            Asked::Bundle(digest) => return self.model(digest).await,
            Asked::Named(name, reference) => (name, reference),
        };
        let serving = self.routes().get(&name).and_then(|route| route.serving);
        if let Some(digest) = serving {
            return self.model(digest).await;
        }
        let digest = resolve_ref(&*self.registry, &reference).await?.bundle();
        let model = self.model(digest).await?;
        let first = {
            let mut routes = self.routes();
            let route = routes
                .entry(name)
                .or_insert_with(|| Route::new(reference, false));
            route.wanted = route.wanted.or(Some(digest));
            *route.serving.get_or_insert(digest)
        };
        self.routes_changed();
        if first == digest {
            return Ok(model);
        }
        self.model(first).await
    }

    async fn model(&self, digest: Digest) -> Result<Arc<Model>, AnswerError> {
        self.pool.get(digest, Wanted::default(), None).await
    }

    /// Reads the registry and begins to load what names have moved to. The tasks end when all of
    /// it is served or refused; nobody has to wait for them.
    pub(crate) async fn refresh(self: &Arc<Self>) -> Result<JoinSet<()>, AnswerError> {
        let entries = match self.registry.list().await {
            Ok(entries) => entries,
            Err(error) => {
                self.registry_answered(Some(error.to_string()));
                return Err(error.into());
            }
        };
        self.registry_answered(None);
        let mut begun = JoinSet::new();
        for (name, digest, replaces) in self.moved(&entries) {
            begun.spawn(Arc::clone(self).follow(name, digest, replaces));
        }
        self.pool.trim();
        self.routes_changed();
        Ok(begun)
    }

    /// Remembers how the registry answered; until it first did, nothing can be ready.
    fn registry_answered(&self, trouble: Option<String>) {
        measure::registry(trouble.is_none());
        if let Some(reason) = &trouble {
            self.ready.send_if_modified(|ready| {
                let waits = matches!(ready, Readiness::NotReady(_));
                if waits {
                    *ready = Readiness::NotReady(format!("the registry cannot be read: {reason}"));
                }
                waits
            });
        }
        *self.trouble() = trouble;
    }

    fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        let trouble = self.registry_trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares what names stand for with the registry; gives the moves that are to be tried.
    fn moved(&self, entries: &[ModelEntry]) -> Vec<(String, Digest, Option<Digest>)> {
        let mut routes = self.routes();
        self.add_found(&mut routes, entries);
        let mut moves = Vec::new();
        let mut gone = Vec::new();
        let present = self.pool.present();
        for (name, route) in routes.iter_mut() {
            let digest = match bundle_of(&route.reference, entries) {
                Stands::For(digest) => digest,
                Stands::Unreadable(reason) => {
                    // It stays what it was.
                    if route.trouble.as_ref() != Some(&reason) {
                        tracing::warn!(model.name = name, reason, "model.unreadable");
                    }
                    route.trouble = Some(reason);
                    continue;
                }
                Stands::Nowhere => {
                    let removed = format!("{name} is not in the registry");
                    if route.wanted.take().is_some() && !route.required {
                        gone.push(name.clone());
                    }
                    route.serving = None;
                    route.trouble = Some(removed);
                    continue;
                }
            };
            let tried = route.wanted == Some(digest);
            route.wanted = Some(digest);
            let refused = self.pool.is_refused(digest);
            if route.serving == Some(digest) {
                let lost = match present.get(&digest) {
                    Some(Presence::Ended) => true,
                    None => route.trouble.is_some(),
                    Some(Presence::Loading | Presence::Ready(_)) => false,
                };
                if !lost {
                    // Perhaps moved back before the other was served.
                    route.trouble = None;
                } else if !refused {
                    moves.push((name.clone(), digest, None));
                }
            } else if !tried || (route.trouble.is_some() && !refused) {
                route.trouble = None;
                moves.push((name.clone(), digest, route.serving));
            }
        }
        for name in gone {
            routes.remove(&name);
        }
        moves
    }

    /// Without configured names, every name with the alias production is served: those of the
    /// first reading at once, as many as there are places, the default model first.
    fn add_found(&self, routes: &mut BTreeMap<String, Route>, entries: &[ModelEntry]) {
        if !self.config.models.is_empty() {
            return;
        }
        let first_reading = matches!(&*self.ready.borrow(), Readiness::NotReady(_));
        let mut found: Vec<_> = entries
            .iter()
            .filter(|entry| entry.aliases.contains_key(PRODUCTION))
            .map(|entry| entry.name.as_str())
            .collect();
        found.sort_by_key(|name| (*name != self.config.default_model, *name));
        for name in found {
            let reference = ModelRef::Named {
                name: name.to_owned(),
                selector: Selector::Alias(PRODUCTION.to_owned()),
            };
            let known = reference.to_string();
            if routes.len() < self.config.max_loaded_models && !routes.contains_key(&known) {
                routes.insert(known, Route::new(reference, first_reading));
            }
        }
    }

    /// Loads and tests a bundle, and lets a name stand for it if the registry still says so.
    async fn follow(self: Arc<Self>, name: String, digest: Digest, replaces: Option<Digest>) {
        let loaded = self.pool.get(digest, Wanted { replaces }, None).await;
        let restored;
        {
            let mut routes = self.routes();
            let route = routes.get_mut(&name);
            let Some(route) = route.filter(|route| route.wanted == Some(digest)) else {
                return;
            };
            restored = route.serving == Some(digest);
            match &loaded {
                Ok(_) => {
                    route.serving = Some(digest);
                    route.trouble = None;
                    tracing::info!(model.name = name, model.digest = %digest, "model.served");
                }
                Err(error) => {
                    tracing::warn!(
                        model.name = name,
                        model.digest = %digest,
                        reason = %error,
                        "model.refused"
                    );
                    route.trouble = Some(error.to_string());
                }
            }
        }
        measure::reload(match &loaded {
            Ok(_) if restored => "restored",
            Ok(_) => "swapped",
            Err(error) if matches!(error.kind(), assay_core::ErrorKind::FailedPrecondition) => {
                "refused"
            }
            Err(_) => "unavailable",
        });
        drop(loaded);
        self.routes_changed();
        self.pool.trim();
    }

    /// Tells the pool which bundles have names, and everyone whether requests can be answered.
    fn routes_changed(&self) {
        let routes = self.routes();
        let named: HashSet<_> = routes.values().filter_map(|route| route.serving).collect();
        let readiness = readiness(routes.values());
        drop(routes);
        self.pool.set_named(named);
        self.ready.send_if_modified(|ready| {
            // Once ready, the process answers with what it has.
            let change = *ready != Readiness::Ready && *ready != readiness;
            if change {
                *ready = readiness;
            }
            change
        });
    }

    /// How every name and every other bundle in memory is served.
    pub(crate) fn status(&self) -> Vec<NamedStatus> {
        let routes = self.routes().clone();
        let mut all = status::all(&routes, &self.pool.present(), &self.pool.refused());
        if let Some(trouble) = &*self.trouble() {
            let known = all.iter_mut().filter(|row| !row.name.is_empty());
            for row in known.filter(|row| row.reason.is_empty()) {
                row.reason = format!(
                    "answers as before; where its name points now is not known, since the \
                     registry cannot be read: {trouble}"
                );
            }
        }
        all
    }
}

/// Not ready while a model that was to be served has neither been loaded nor refused, and while
/// none of them could be loaded.
fn readiness<'a>(routes: impl Iterator<Item = &'a Route>) -> Readiness {
    let required: Vec<_> = routes.filter(|route| route.required).collect();
    let pending = |route: &&&Route| route.serving.is_none() && route.trouble.is_none();
    if let Some(route) = required.iter().find(pending) {
        return Readiness::NotReady(format!("{} is being loaded", route.reference));
    }
    if required.is_empty() || required.iter().any(|route| route.serving.is_some()) {
        return Readiness::Ready;
    }
    let reasons: Vec<_> = required
        .iter()
        .filter_map(|route| route.trouble.as_deref())
        .collect();
    Readiness::NotReady(format!("no model can be served: {}", reasons.join("; ")))
}

#[cfg(test)]
mod tests;
