//! A training run from files to files.

use super::{Resources, Trained, TrainingData, train};
use crate::{
    error::Result,
    observer::{Observer, Stage},
};
use assay_pipeline::{Dataset, Manifest, Watch, bundle::Existing};
use assay_training_spec::{TrainingSpec, Validation};
use std::path::{Path, PathBuf};

/// Where a run reads from and writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingJob {
    /// The manifest.
    pub manifest: PathBuf,
    /// The bundle to be written.
    pub bundle: PathBuf,
    /// What to do where a bundle stands already.
    pub existing: Existing,
}

/// Reads the spectra of a manifest, and those of the validation manifest if there is one.
///
/// # Errors
/// With every file that cannot be used, or on cancellation.
pub fn load(
    manifest: &Path,
    validation: &Validation,
    observer: &dyn Observer,
) -> Result<(Dataset, Option<Dataset>)> {
    observer.stage(Stage::Load);
    let read = |path: &Path| -> Result<Dataset> {
        let progress = |done, total| observer.progress(done, total);
        let mut watch = Watch::none().with_progress(&progress);
        if let Some(flag) = observer.cancellation() {
            watch = watch.with_cancellation(flag);
        }
        let dataset = Dataset::load(&Manifest::read(path)?, &watch)?;
        for warning in dataset.warnings() {
            observer.warning(&format!(
                "{}, line {}: {}: {}",
                path.display(),
                warning.line,
                warning.file,
                warning.message
            ));
        }
        Ok(dataset)
    };
    let dataset = read(manifest)?;
    let validation = match validation {
        Validation::Manifest { file } => Some(read(file)?),
        _ => None,
    };
    Ok((dataset, validation))
}

/// Reads, trains and writes the bundle, as a whole or not at all.
///
/// # Errors
/// As [`load`] and [`train`]; when the bundle cannot be written.
pub fn run(
    job: &TrainingJob,
    spec: &TrainingSpec,
    resources: &Resources<'_>,
    observer: &dyn Observer,
) -> Result<Trained> {
    spec.check()?;
    let (dataset, validation) = load(&job.manifest, &spec.validation, observer)?;
    let data = TrainingData {
        dataset: &dataset,
        validation: validation.as_ref(),
    };
    let trained = train(data, spec, resources, observer)?;
    trained.bundle.write(&job.bundle, job.existing)?;
    Ok(trained)
}
