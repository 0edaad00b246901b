//! What a finished training leaves: its report, its outcome, and a version in the registry.

use crate::TrainerError;
use assay_core::Digest;
use assay_jobs::{JobId, JobResult, TrainJob};
use assay_pipeline::{Bundle, Dataset};
use assay_report::render_html;
use assay_reporting::utc;
use assay_store::{BlobStore, BundleFiles, BundleRegistry, PRODUCTION, VersionOrigin};
use assay_train::{Trained, TrainingSpec};
use assay_training_report::training_report;
use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

/// The files of a training, in memory.
pub(crate) struct Files {
    named: Vec<(&'static str, Vec<u8>)>,
}

impl Files {
    /// Writes report and outcome.
    pub(crate) fn of(
        trained: &Trained,
        spec: &TrainingSpec,
        dataset: &Dataset,
    ) -> Result<Self, TrainerError> {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_secs());
        let report = training_report(trained, spec, dataset, &utc(seconds))?;
        let outcome = serde_json::to_vec_pretty(&trained.outcome)
            .map_err(|error| TrainerError::Defect(error.to_string()))?;
        Ok(Self {
            named: vec![
                ("report.html", render_html(&report)?.into_bytes()),
                ("report.json", report.to_json()?.into_bytes()),
                ("outcome.json", outcome),
                ("card.md", trained.bundle.card().into_owned().into_bytes()),
            ],
        })
    }

    /// Keeps them as blobs.
    pub(crate) async fn keep(
        self,
        blobs: &dyn BlobStore,
    ) -> Result<BTreeMap<String, Digest>, TrainerError> {
        let mut kept = BTreeMap::new();
        for (name, bytes) in self.named {
            kept.insert(name.to_owned(), blobs.put(bytes.into()).await?);
        }
        Ok(kept)
    }
}

/// Registers the bundle under the job's id: a repeat finds the same version.
pub(crate) async fn register(
    registry: &dyn BundleRegistry,
    bundle: &Bundle,
    job: JobId,
    asked: &TrainJob,
    principal: &str,
) -> Result<(), TrainerError> {
    let files: BundleFiles = bundle
        .files()
        .into_iter()
        .map(|(name, bytes)| (name.to_string(), bytes.to_vec().into()))
        .collect();
    let version = job.to_string();
    let origin = VersionOrigin {
        job: Some(version.clone()),
        principal: principal.to_owned(),
    };
    registry
        .put(&asked.model, &version, bundle.id(), files, origin)
        .await?;
    let promoted = match registry.resolve(&asked.model, PRODUCTION).await {
        Ok(current) => current.version == version,
        Err(assay_store::StoreError::NotFound { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    if asked.promote && !promoted {
        registry
            .promote(&asked.model, PRODUCTION, &version, None, principal)
            .await?;
    }
    Ok(())
}

/// The result of the job.
pub(crate) fn result(
    artefacts: BTreeMap<String, Digest>,
    trained: &Trained,
    asked: &TrainJob,
    job: JobId,
) -> JobResult {
    let outcome = &trained.outcome;
    let last = outcome.history.last();
    let summary = serde_json::json!({
        "model": asked.model,
        "version": job.to_string(),
        "bundle": trained.bundle.id().to_string(),
        "promoted": asked.promote,
        "classes": outcome.classes,
        "epochs": outcome.history.len(),
        "loss": last.map(|epoch| epoch.loss),
        "accuracy": last.map(|epoch| epoch.accuracy),
        "gate": outcome.gate.record,
        "device": outcome.device,
    });
    JobResult { artefacts, summary }
}
