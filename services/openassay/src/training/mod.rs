//! What the commands that train have in common.

mod observer;

pub(crate) use observer::Watching;

use crate::{
    clock,
    context::Context,
    failure::Result,
    judgement,
    options::{ModelKind, SpecOptions},
};
use assay_pipeline::Dataset;
use assay_train::{Resources, TrainingData, TrainingSpec};
use std::path::{Path, PathBuf};

/// Everything a training command works with.
pub(crate) struct Work {
    pub(crate) dataset: Dataset,
    pub(crate) validation: Option<Dataset>,
    bases_dir: PathBuf,
}

impl Work {
    /// Finds the bases and reads the spectra.
    pub(crate) fn load(
        context: &Context,
        options: &SpecOptions,
        spec: &TrainingSpec,
        manifest: &Path,
    ) -> Result<Self> {
        let bases_dir = match options.model.kind() {
            ModelKind::Cnn1d => PathBuf::new(),
            ModelKind::Cnn2d => options.bases.find()?,
        };
        options.foreign.register(options.model.base(), &bases_dir)?;
        let watching = Watching::reading(context);
        let loaded = assay_train::load(manifest, &spec.validation, &watching);
        watching.finish();
        let (dataset, validation) = loaded?;
        judgement::tell(context, &dataset.warnings());
        Ok(Self {
            dataset,
            validation,
            bases_dir,
        })
    }

    /// What the trainer learns from.
    pub(crate) const fn data(&self) -> TrainingData<'_> {
        TrainingData {
            dataset: &self.dataset,
            validation: self.validation.as_ref(),
        }
    }

    /// What the trainer takes from its surroundings.
    pub(crate) fn resources(&self) -> Resources<'_> {
        Resources {
            bases_dir: &self.bases_dir,
            runtime_library: None,
            clock: Some(clock::since_start),
            wall_clock_s: Some(clock::wall_clock_s),
        }
    }
}
