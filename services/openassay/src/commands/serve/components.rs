//! Puts all services together over one set of stores: who asks whom within the process.

use super::settings::ServeSettings;
use anyhow::Result;
use assay_backends::{Jobs, Stores};
use assay_control::{ControlConfig, ControlDeps};
use assay_explainer::{ExplainerConfig, ExplainerDeps};
use assay_gate::{GateConfig, GateDeps};
use assay_inference::{Inference, InferenceConfig, InferenceDeps};
use assay_ingest::{IngestConfig, IngestDeps};
use assay_jobs::WorkSource;
use assay_runtime::{Component, Shutdown};
use std::sync::Arc;

/// Every service of this build.
pub(super) async fn build(settings: ServeSettings, shutdown: Shutdown) -> Result<Vec<Component>> {
    let storage = settings.storage.clone();
    let opened = tokio::task::spawn_blocking(move || Stores::open(&storage));
    let stores = opened.await??;
    let jobs = Jobs::open(&settings.storage).await?;
    let max_message_bytes = Some(settings.server.max_message_bytes);
    let work: Arc<dyn WorkSource> = Arc::new(jobs.work(&settings.storage));
    let inference = Inference::start(
        InferenceConfig {
            max_message_bytes,
            ..settings.inference.clone()
        },
        InferenceDeps {
            registry: Arc::clone(&stores.registry),
            cache: Arc::clone(&stores.cache),
        },
        &shutdown,
    )
    .await?;
    let gate = GateDeps {
        blobs: Arc::clone(&stores.blobs),
        registry: Arc::clone(&stores.registry),
        features: inference.clone(),
        work: Some(Arc::clone(&work)),
    };
    let explainer = ExplainerDeps {
        blobs: Arc::clone(&stores.blobs),
        registry: Arc::clone(&stores.registry),
        features: inference.clone(),
        work: Some(Arc::clone(&work)),
    };
    let gate_config = GateConfig {
        max_message_bytes,
        ..settings.gate.clone()
    };
    let explainer_config = ExplainerConfig {
        max_message_bytes,
        ..settings.explainer.clone()
    };
    let mut components = vec![
        assay_inference::component(inference),
        assay_gate::component(&gate_config, gate, &shutdown),
        assay_explainer::component(&explainer_config, explainer, &shutdown),
        ingest(&settings, &stores, &shutdown),
        control(&settings, &stores, jobs, &shutdown),
    ];
    components.extend(assay_console::component(&settings.console)?);
    components.extend(trainer(&settings, &stores, work, &shutdown)?);
    Ok(components)
}

fn ingest(settings: &ServeSettings, stores: &Stores, shutdown: &Shutdown) -> Component {
    let config = IngestConfig {
        max_message_bytes: Some(settings.server.max_message_bytes),
        ..settings.ingest.clone()
    };
    let deps = IngestDeps {
        blobs: Arc::clone(&stores.blobs),
        registry: Arc::clone(&stores.registry),
    };
    assay_ingest::component(config, deps, shutdown)
}

fn control(
    settings: &ServeSettings,
    stores: &Stores,
    jobs: Jobs,
    shutdown: &Shutdown,
) -> Component {
    let config = ControlConfig {
        max_message_bytes: Some(settings.server.max_message_bytes),
        ..settings.control.clone()
    };
    let deps = ControlDeps {
        store: jobs.store,
        queue: jobs.queue,
        blobs: Arc::clone(&stores.blobs),
        registry: Arc::clone(&stores.registry),
        lease: settings.storage.lease(),
    };
    assay_control::component(config, deps, shutdown)
}

#[cfg(feature = "train")]
fn trainer(
    settings: &ServeSettings,
    stores: &Stores,
    work: Arc<dyn WorkSource>,
    shutdown: &Shutdown,
) -> Result<Option<Component>> {
    let deps = assay_trainer::TrainerDeps {
        blobs: Arc::clone(&stores.blobs),
        registry: Arc::clone(&stores.registry),
        work,
        work_dir: settings.storage.data_dir.join("work"),
    };
    assay_trainer::component(&settings.trainer, deps, shutdown).map(Some)
}

#[cfg(not(feature = "train"))]
fn trainer(
    _settings: &ServeSettings,
    _stores: &Stores,
    _work: Arc<dyn WorkSource>,
    _shutdown: &Shutdown,
) -> Result<Option<Component>> {
    tracing::warn!(
        "this build has no trainer: jobs of the train lane wait for a trainer that runs elsewhere"
    );
    Ok(None)
}
