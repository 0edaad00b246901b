//! The models of the registry one by one: which are in memory, loading one by hand, letting go of
//! one. Letting go lasts as long as the process, through promotions too: who took a model out of
//! service does not get it back because somebody else promoted it.

use super::{
    Names,
    routes::{Route, let_go, model_name},
    stands::{Stands, Target, target_of},
};
use crate::{
    config::Asked,
    pool::{Presence, Wanted},
};
use assay_answering::AnswerError;
use assay_core::Digest;
use assay_runtime::Readiness;
use assay_store::{ModelEntry, ModelRef, StoreError, resolve_ref};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError},
};

/// How a version stands in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Loaded and tested.
    Ready,
    /// Being read, warmed up and tested.
    Loading,
    /// Neither.
    Unavailable,
}

/// A version of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Indexed {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) standing: Standing,
    /// Why it is not ready; may be empty.
    pub(crate) reason: String,
}

impl Names {
    pub(super) fn keep_listing(&self, entries: Arc<[ModelEntry]>) {
        *self.listing.lock().unwrap_or_else(PoisonError::into_inner) = entries;
    }

    fn listing(&self) -> Arc<[ModelEntry]> {
        let listing = self.listing.lock();
        Arc::clone(&listing.unwrap_or_else(PoisonError::into_inner))
    }

    /// What answers under a text by what is known without asking the registry: name and version of
    /// the model, and its bundle.
    fn known(&self, text: &str) -> Result<Option<(String, Target)>, AnswerError> {
        let (full, reference) = match self.config.parse(text)? {
            Asked::Bundle(digest) => (digest.to_string(), ModelRef::Digest(digest)),
            Asked::Named(full, reference) => (full, reference),
        };
        let routes = self.routes();
        if routes.is_unloaded(&reference) {
            return Ok(None);
        }
        let direct = routes.by_name.get(&full).and_then(|r| r.serving.clone());
        let serving = direct.or_else(|| routes.version_of(&reference));
        drop(routes);
        let target = serving.or_else(|| match target_of(&reference, &self.listing()) {
            Stands::For(target) => Some(target),
            Stands::Unreadable(_) | Stands::Nowhere => None,
        });
        Ok(target.map(|target| (model_name(&reference), target)))
    }

    /// Name and version of the model in memory that a text stands for.
    ///
    /// # Errors
    /// When the text is no reference to a model.
    pub(crate) fn in_memory(&self, text: &str) -> Result<Option<(String, String)>, AnswerError> {
        let known = self.known(text)?;
        let present = self.pool.present();
        Ok(known
            .filter(|(_, target)| matches!(present.get(&target.bundle), Some(Presence::Ready(_))))
            .map(|(name, target)| (name, target.version)))
    }

    /// Whether everything that is served can answer. What is not in memory because its place was
    /// needed is loaded when it is asked for.
    pub(crate) fn all_ready(&self) -> bool {
        if *self.ready.borrow() != Readiness::Ready {
            return false;
        }
        let present = self.pool.present();
        let lost = |route: &Route| {
            let presence = route.serving.as_ref().map(|t| present.get(&t.bundle));
            match presence {
                None | Some(Some(Presence::Ready(_) | Presence::Loading)) => false,
                Some(Some(Presence::Ended)) => true,
                Some(None) => route.trouble.is_some() && route.serving == route.wanted,
            }
        };
        !self.routes().by_name.values().any(lost)
    }

    /// The versions of a model by the last reading of the registry.
    pub(crate) fn versions(&self, name: &str) -> Vec<String> {
        let listing = self.listing();
        let entry = listing.iter().find(|entry| entry.name == name);
        let versions = entry.into_iter().flat_map(|entry| &entry.versions);
        versions.map(|version| version.version.clone()).collect()
    }

    /// Every model with its version that answers under a name.
    pub(crate) fn served(&self) -> BTreeSet<(String, String)> {
        let routes = self.routes();
        let served = routes.by_name.values().filter_map(|route| {
            let target = route.serving.as_ref()?;
            Some((model_name(&route.reference), target.version.clone()))
        });
        served.collect()
    }

    /// Every version of the registry as it is now.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub(crate) async fn index(&self) -> Result<Vec<Indexed>, AnswerError> {
        let entries = self.registry.list().await?;
        let present = self.pool.present();
        let refused = self.pool.refused();
        let unloaded = self.routes().unloaded.clone();
        let mut all = Vec::new();
        for entry in entries {
            let let_go = unloaded.contains(&entry.name);
            for version in entry.versions {
                let (standing, reason) = if let_go {
                    (Standing::Unavailable, "it was let go of".to_owned())
                } else {
                    standing(version.bundle, &present, &refused)
                };
                all.push(Indexed {
                    name: version.name,
                    version: version.version,
                    standing,
                    reason,
                });
            }
            if !entry.unreadable.is_empty() {
                all.push(Indexed {
                    name: entry.name,
                    version: String::new(),
                    standing: Standing::Unavailable,
                    reason: entry.unreadable.join("; "),
                });
            }
        }
        Ok(all)
    }

    /// Loads what a text stands for in the registry now, and lets its name stand for it. One that
    /// was refused lately is tried again.
    ///
    /// # Errors
    /// When there is no such model, or it cannot be loaded; what answered before answers then.
    pub(crate) async fn load(self: Arc<Self>, text: String) -> Result<(), AnswerError> {
        let (full, reference) = match self.config.parse(&text)? {
            Asked::Bundle(digest) => {
                self.pool.forgive(digest);
                return self.model(digest).await.map(drop);
            }
            Asked::Named(full, reference) => (full, reference),
        };
        let target = Target::of(resolve_ref(&*self.registry, &reference).await?);
        let serving = self.routes().by_name.get(&full).cloned();
        let replaces = serving
            .and_then(|route| route.serving)
            .map(|serving| serving.bundle)
            .filter(|serving| *serving != target.bundle);
        self.pool.forgive(target.bundle);
        let wanted = Wanted { replaces };
        let model = self.pool.get(target.bundle, wanted, None).await?;
        {
            let mut routes = self.routes();
            routes.unloaded.remove(&model_name(&reference));
            let route = routes
                .by_name
                .entry(full)
                .or_insert_with(|| Route::new(reference, false));
            route.wanted = Some(target.clone());
            route.serving = Some(target);
            route.trouble = None;
        }
        self.routes_changed();
        drop(model);
        self.pool.trim();
        Ok(())
    }

    /// Lets go of a model: none of its names is served until it is loaded again.
    ///
    /// # Errors
    /// When there is no such model.
    pub(crate) async fn unload(&self, name: &str) -> Result<(), AnswerError> {
        let reference = match self.config.parse(name)? {
            Asked::Named(_, reference) if !name.contains(['@', ':']) => reference,
            _ => {
                let reason = format!(
                    "{name:?} is one bundle, but a model is let go of as a whole; name it without \
                     alias or version"
                );
                let field = "model_name";
                return Err(AnswerError::Field { field, reason });
            }
        };
        let name = model_name(&reference);
        let is_its = |route: &Route| model_name(&route.reference) == name;
        let served = self.routes().by_name.values().any(is_its);
        if !served && !self.registry.list().await?.iter().any(|e| e.name == name) {
            return Err(AnswerError::Store(StoreError::NotFound {
                what: "model",
                name,
                advice: "; RepositoryIndex tells what there is".to_owned(),
            }));
        }
        let mut bundles = Vec::new();
        {
            let mut routes = self.routes();
            routes.by_name.retain(|_, route| {
                let its = is_its(route);
                if its {
                    bundles.extend(route.serving.take().map(|target| target.bundle));
                    route.wanted = None;
                    route.trouble = Some(let_go(&reference).to_string());
                }
                !its || route.required
            });
            routes.unloaded.insert(name.clone());
        }
        tracing::info!(model.name = name, "model.let_go");
        self.routes_changed();
        self.pool.release(&bundles);
        Ok(())
    }
}

fn standing(
    bundle: Digest,
    present: &HashMap<Digest, Presence>,
    refused: &HashMap<Digest, String>,
) -> (Standing, String) {
    match (present.get(&bundle), refused.get(&bundle)) {
        (Some(Presence::Ready(_)), _) => (Standing::Ready, String::new()),
        (Some(Presence::Loading), _) => (Standing::Loading, String::new()),
        (Some(Presence::Ended), _) => {
            let reason = "its thread ended by a defect; it is loaded again";
            (Standing::Unavailable, reason.to_owned())
        }
        (None, Some(reason)) => (Standing::Unavailable, reason.clone()),
        (None, None) => {
            let reason = "not in memory; loaded when it is asked for";
            (Standing::Unavailable, reason.to_owned())
        }
    }
}
