//! Which bundle each name stands for: follows the registry, and lets a name move only to a bundle
//! that is loaded and tested. A bundle that is refused changes nothing but its own status.

mod repository;
mod routes;
mod stands;
mod status;

pub(crate) use repository::{Indexed, Standing};
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
use routes::{Route, Routes, let_go, model_name, readiness};
use stands::{Stands, Target, target_of};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::watch, task::JoinSet};

pub(crate) struct Names {
    registry: Arc<dyn BundleRegistry>,
    pool: Arc<Pool>,
    config: InferenceConfig,
    routes: Mutex<Routes>,
    /// The registry as it was read the last time.
    listing: Mutex<Arc<[ModelEntry]>>,
    /// Why the registry could not be read the last time.
    registry_trouble: Mutex<Option<String>>,
    ready: watch::Sender<Readiness>,
}

/// A model, and as what it answers.
pub(crate) struct Served {
    /// Name of the model; the digest of a bundle that was asked for by it.
    pub(crate) name: String,
    /// Its version; empty for a bundle that was asked for by its digest.
    pub(crate) version: String,
    pub(crate) model: Arc<Model>,
}

impl Names {
    pub(crate) fn new(
        registry: Arc<dyn BundleRegistry>,
        pool: Arc<Pool>,
        config: InferenceConfig,
    ) -> Result<Arc<Self>, StoreError> {
        let mut routes = Routes::default();
        for text in &config.models {
            let (name, reference) = match config.parse(text)? {
                Asked::Named(name, reference) => (name, reference),
                Asked::Bundle(digest) => (digest.to_string(), ModelRef::Digest(digest)),
            };
            routes.by_name.insert(name, Route::new(reference, true));
        }
        let waiting = Readiness::NotReady("the registry was not read yet".to_owned());
        Ok(Arc::new(Self {
            registry,
            pool,
            config,
            routes: Mutex::new(routes),
            listing: Mutex::new(Arc::new([])),
            registry_trouble: Mutex::default(),
            ready: watch::channel(waiting).0,
        }))
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn readiness(&self) -> watch::Receiver<Readiness> {
        self.ready.subscribe()
    }

    /// The model that a text stands for at this moment. A name that is asked for the first time
    /// is looked up in the registry at once and followed from then on.
    pub(crate) async fn resolve(&self, text: &str) -> Result<Served, AnswerError> {
        let (name, reference) = match self.config.parse(text)? {
            Asked::Bundle(digest) => {
                return Ok(Served {
                    name: digest.to_string(),
                    version: String::new(),
                    model: self.model(digest).await?,
                });
            }
            Asked::Named(name, reference) => (name, reference),
        };
        let serving = {
            let routes = self.routes();
            if routes.is_unloaded(&reference) {
                return Err(let_go(&reference));
            }
            routes.by_name.get(&name).and_then(|r| r.serving.clone())
        };
        let (target, model) = match serving {
            Some(target) => {
                let model = self.model(target.bundle).await?;
                (target, model)
            }
            None => self.begin_to_serve(name, &reference).await?,
        };
        Ok(Served {
            name: model_name(&reference),
            version: target.version,
            model,
        })
    }

    /// Loads what a name stands for that is asked for the first time; gives what answers under it
    /// then.
    async fn begin_to_serve(
        &self,
        name: String,
        reference: &ModelRef,
    ) -> Result<(Target, Arc<Model>), AnswerError> {
        let found = Target::of(resolve_ref(&*self.registry, reference).await?);
        let digest = found.bundle;
        let model = self.model(digest).await?;
        let first = {
            let mut routes = self.routes();
            if routes.is_unloaded(reference) {
                return Err(let_go(reference));
            }
            let route = routes
                .by_name
                .entry(name)
                .or_insert_with(|| Route::new(reference.clone(), false));
            route.wanted.get_or_insert_with(|| found.clone());
            route.serving.get_or_insert(found).clone()
        };
        self.routes_changed();
        if first.bundle == digest {
            return Ok((first, model));
        }
        let model = self.model(first.bundle).await?;
        Ok((first, model))
    }

    async fn model(&self, digest: Digest) -> Result<Arc<Model>, AnswerError> {
        self.pool.get(digest, Wanted::default(), None).await
    }

    /// Reads the registry and begins to load what names have moved to. The tasks end when all of
    /// it is served or refused; nobody has to wait for them.
    pub(crate) async fn refresh(self: &Arc<Self>) -> Result<JoinSet<()>, AnswerError> {
        let entries: Arc<[ModelEntry]> = match self.registry.list().await {
            Ok(entries) => Arc::from(entries),
            Err(error) => {
                self.registry_answered(Some(error.to_string()));
                return Err(error.into());
            }
        };
        self.registry_answered(None);
        self.keep_listing(Arc::clone(&entries));
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
        let Routes { by_name, unloaded } = &mut *routes;
        let mut moves = Vec::new();
        let mut gone = Vec::new();
        let present = self.pool.present();
        for (name, route) in by_name.iter_mut() {
            if unloaded.contains(&model_name(&route.reference)) {
                continue;
            }
            let target = match target_of(&route.reference, entries) {
                Stands::For(target) => target,
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
            let digest = target.bundle;
            let tried = route.wants(digest);
            let refused = self.pool.is_refused(digest);
            if route.serves(digest) {
                // The same bundle may have got another version's name.
                route.serving = Some(target.clone());
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
                let replaces = route.serving.as_ref().map(|target| target.bundle);
                moves.push((name.clone(), digest, replaces));
            }
            route.wanted = Some(target);
        }
        for name in gone {
            by_name.remove(&name);
        }
        moves
    }

    /// Without configured names, every name with the alias production is served: those of the
    /// first reading at once, as many as there are places, the default model first.
    fn add_found(&self, routes: &mut Routes, entries: &[ModelEntry]) {
        if !self.config.models.is_empty() {
            return;
        }
        let first_reading = matches!(&*self.ready.borrow(), Readiness::NotReady(_));
        let mut found: Vec<_> = entries
            .iter()
            .filter(|entry| entry.aliases.contains_key(PRODUCTION))
            .filter(|entry| !routes.unloaded.contains(&entry.name))
            .map(|entry| entry.name.as_str())
            .collect();
        found.sort_by_key(|name| (*name != self.config.default_model, *name));
        let routes = &mut routes.by_name;
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
            let route = routes.by_name.get_mut(&name);
            let Some(route) = route.filter(|route| route.wants(digest)) else {
                return;
            };
            restored = route.serves(digest);
            match &loaded {
                Ok(_) => {
                    route.serving.clone_from(&route.wanted);
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
        let serving = routes.by_name.values().filter_map(|r| r.serving.as_ref());
        let named: HashSet<_> = serving.map(|target| target.bundle).collect();
        let readiness = readiness(routes.by_name.values());
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
        let routes = self.routes().by_name.clone();
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

#[cfg(test)]
mod tests;
