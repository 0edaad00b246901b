//! The recipes of models, by which spectra become the vectors that these models see.

use crate::IngestError;
use assay_api::WireError;
use assay_core::Digest;
use assay_pipeline::Bundle;
use assay_spectrum::Recipe;
use assay_store::{BundleFiles, BundleRegistry, ModelRef, StoreError, resolve_ref};
use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Finds recipes and remembers the latest.
pub(crate) struct Recipes {
    registry: Arc<dyn BundleRegistry>,
    latest: Mutex<VecDeque<(Digest, Arc<Recipe>)>>,
    most: usize,
}

impl Recipes {
    pub(crate) fn new(registry: Arc<dyn BundleRegistry>, most: usize) -> Self {
        let latest = Mutex::default();
        Self {
            registry,
            latest,
            most,
        }
    }

    /// The recipe of a model; the default recipe where none is named.
    pub(crate) async fn of(&self, model: &str) -> Result<Arc<Recipe>, IngestError> {
        if model.is_empty() {
            return Ok(Arc::default());
        }
        let named = ModelRef::parse(model, model).map_err(|error| match error {
            StoreError::Invalid { .. } => WireError::field("model", error).into(),
            other => IngestError::from(other),
        })?;
        let bundle = resolve_ref(self.registry.as_ref(), &named).await?.bundle();
        if let Some(recipe) = self.remembered(bundle) {
            return Ok(recipe);
        }
        let files = self.registry.files(bundle).await?;
        let recipe = tokio::task::spawn_blocking(move || read(bundle, files))
            .await
            .map_err(IngestError::defect)??;
        let recipe = Arc::new(recipe);
        self.remember(bundle, Arc::clone(&recipe));
        Ok(recipe)
    }

    fn remembered(&self, bundle: Digest) -> Option<Arc<Recipe>> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let found = latest.iter().find(|(known, _)| *known == bundle);
        found.map(|(_, recipe)| Arc::clone(recipe))
    }

    fn remember(&self, bundle: Digest, recipe: Arc<Recipe>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.truncate(self.most.saturating_sub(1));
        latest.push_front((bundle, recipe));
    }
}

fn read(expected: Digest, files: BundleFiles) -> Result<Recipe, IngestError> {
    let files = files
        .into_iter()
        .map(|(name, bytes)| (name, bytes.to_vec()))
        .collect();
    let origin = expected.to_string();
    let bundle =
        Bundle::from_files(files, Path::new(&origin)).map_err(|source| IngestError::Bundle {
            bundle: expected,
            source: Box::new(source),
        })?;
    let found = bundle.id();
    if found != expected {
        return Err(IngestError::OtherBundle { expected, found });
    }
    Ok(bundle.contents().recipe.clone())
}
