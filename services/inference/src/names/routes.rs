//! What each name stands for, and which models are not to be served at all.

use super::stands::Target;
use assay_answering::AnswerError;
use assay_core::Digest;
use assay_runtime::Readiness;
use assay_store::{ModelRef, Selector};
use std::collections::{BTreeMap, BTreeSet};

/// Names that are served.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// By their full names.
    pub(super) by_name: BTreeMap<String, Route>,
    /// Models that were let go of: none of their names is served until they are loaded again.
    pub(super) unloaded: BTreeSet<String>,
}

impl Routes {
    /// Whether the model of a reference was let go of.
    pub(super) fn is_unloaded(&self, reference: &ModelRef) -> bool {
        match reference {
            ModelRef::Digest(_) => false,
            ModelRef::Named { name, .. } => self.unloaded.contains(name),
        }
    }

    /// A version that answers under an alias of its model.
    pub(super) fn version_of(&self, reference: &ModelRef) -> Option<Target> {
        let ModelRef::Named {
            name,
            selector: Selector::Version(version),
        } = reference
        else {
            return None;
        };
        let of_model = |route: &&Route| model_name(&route.reference) == *name;
        let routes = self.by_name.values().filter(of_model);
        let mut serving = routes.filter_map(|route| route.serving.clone());
        serving.find(|target| target.version == *version)
    }
}

/// What one name stands for, written in full (`name@alias`, `name:version`).
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) reference: ModelRef,
    /// What answers; `None` until the first bundle is loaded.
    pub(super) serving: Option<Target>,
    /// What the registry says.
    pub(super) wanted: Option<Target>,
    /// Why `wanted` is not served.
    pub(super) trouble: Option<String>,
    /// Whether readiness waits for it.
    pub(super) required: bool,
}

impl Route {
    pub(super) const fn new(reference: ModelRef, required: bool) -> Self {
        Self {
            reference,
            serving: None,
            wanted: None,
            trouble: None,
            required,
        }
    }

    pub(super) fn serves(&self, bundle: Digest) -> bool {
        self.serving.as_ref().is_some_and(|t| t.bundle == bundle)
    }

    pub(super) fn wants(&self, bundle: Digest) -> bool {
        self.wanted.as_ref().is_some_and(|t| t.bundle == bundle)
    }
}

/// The name of the model of a reference; a digest is its own.
pub(super) fn model_name(reference: &ModelRef) -> String {
    match reference {
        ModelRef::Digest(digest) => digest.to_string(),
        ModelRef::Named { name, .. } => name.clone(),
    }
}

/// Why a name of a model that was let go of is not served.
pub(super) fn let_go(reference: &ModelRef) -> AnswerError {
    AnswerError::NotPossible(format!(
        "model {} was let go of by RepositoryModelUnload; load it again with RepositoryModelLoad",
        model_name(reference)
    ))
}

/// Not ready while a model that was to be served has neither been loaded nor refused, and while
/// none of them could be loaded.
pub(super) fn readiness<'a>(routes: impl Iterator<Item = &'a Route>) -> Readiness {
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
