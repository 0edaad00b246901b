//! Every choice of a training run as one value, checked all at once before anything is read.

mod execution;
mod gate;
mod validation;

pub use execution::{CheckpointSettings, Execution};
pub use gate::{DetectorKind, GateSearch, GateSettings, ThresholdKind};
pub use validation::Validation;

use crate::{
    augment::Augmentation,
    clr::{ClrMode, RateBounds},
    error::{Result, TrainError},
    lr_finder::FinderSettings,
};
use assay_pipeline::ModelSpec;
use assay_spectrum::{CalibrationTerms, Recipe};
use serde::{Deserialize, Serialize};

/// Image size of the published way.
pub const PUBLISHED_IMAGE_SIZE: usize = 2631;

/// A published way of training, taken over with every choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reproduction {
    /// PyChemAuth's tutorial "Classifying 1D spectra with CNNs" and its image counterpart.
    Tutorial,
}

/// The learning-rate schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// How the amplitude changes from cycle to cycle.
    pub clr: ClrMode,
    /// Half a cycle in epochs.
    pub step_size: usize,
    /// Bounds; `None` leaves them to the learning-rate finder.
    pub bounds: Option<RateBounds>,
}

/// Everything that decides what a training run gives, and how it is executed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSpec {
    /// The network.
    pub model: ModelSpec,
    /// From spectrum to input vector.
    pub recipe: Recipe,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Rows per step.
    pub batch_size: usize,
    /// Learning rates.
    pub schedule: Schedule,
    /// The learning-rate finder.
    pub finder: FinderSettings,
    /// What the validation curves are made of.
    pub validation: Validation,
    /// The open-set gate.
    pub gate: GateSettings,
    /// Copies of the training spectra with fewer counts or another gain.
    pub augmentation: Augmentation,
    /// Train a network on input vectors in coordinates in which these have mean 0 and deviation
    /// 1. The network stays the same; it only learns faster and does not die.
    pub standardise: bool,
    /// Train the base too, instead of the head alone.
    pub fine_tune: bool,
    /// Seed of everything random.
    pub seed: u64,
    /// Which published way this is, if any.
    pub reproduces: Option<Reproduction>,
    /// Device, threads, checkpoints, logs.
    pub execution: Execution,
}

impl TrainingSpec {
    /// The defaults for a network on input vectors.
    #[must_use]
    pub fn cnn1d() -> Self {
        Self::of(ModelSpec::cnn1d(), 100, 0.5, ClrMode::Triangular)
    }

    /// The defaults for a network on images.
    #[must_use]
    pub fn cnn2d() -> Self {
        Self::of(ModelSpec::cnn2d(), 10, 0.9, ClrMode::Triangular2)
    }

    /// The defaults for a model.
    #[must_use]
    pub fn for_model(model: ModelSpec) -> Self {
        let defaults = match model {
            ModelSpec::Cnn1d { .. } => Self::cnn1d(),
            ModelSpec::Cnn2d { .. } => Self::cnn2d(),
        };
        Self { model, ..defaults }
    }

    fn of(model: ModelSpec, batch_size: usize, fraction: f64, clr: ClrMode) -> Self {
        Self {
            model,
            recipe: Recipe::default(),
            epochs: 60,
            batch_size,
            schedule: Schedule {
                clr,
                step_size: 10,
                bounds: None,
            },
            finder: FinderSettings {
                fraction,
                ..FinderSettings::default()
            },
            validation: Validation::default(),
            gate: GateSettings::default(),
            augmentation: Augmentation::default(),
            standardise: true,
            fine_tune: false,
            seed: 0,
            reproduces: None,
            execution: Execution::default(),
        }
    }

    /// Takes every choice of a published way; whatever is set afterwards departs from it. The
    /// validation stays as it is: the tutorial validates on its test spectra, so name them.
    #[must_use]
    pub fn reproducing(mut self, way: Reproduction) -> Self {
        let defaults = Self::for_model(self.model.clone());
        let Reproduction::Tutorial = way;
        if let ModelSpec::Cnn2d { imaging, .. } = &mut self.model {
            imaging.size = PUBLISHED_IMAGE_SIZE.min(self.recipe.bins());
        }
        self.recipe.calibration_terms = CalibrationTerms::Linear;
        self.gate.rule = ThresholdKind::InSample;
        self.gate.search = GateSearch::Teff;
        self.gate.k = None;
        self.augmentation = Augmentation::default();
        self.standardise = false;
        self.fine_tune = false;
        self.reproduces = Some(way);
        Self {
            epochs: defaults.epochs,
            batch_size: defaults.batch_size,
            schedule: defaults.schedule,
            finder: defaults.finder,
            ..self
        }
    }

    /// Checks every choice that can be checked without data.
    ///
    /// # Errors
    /// With all faults, each naming the option, its value and what is allowed.
    pub fn check(&self) -> Result<()> {
        let mut faults = Vec::new();
        let mut require = |holds: bool, text: &dyn Fn() -> String| {
            if !holds {
                faults.push(text());
            }
        };
        require(self.epochs > 0, &|| {
            "--epochs is 0: at least 1 is required".to_owned()
        });
        require(self.batch_size > 0, &|| {
            "--batch-size is 0: at least 1 is required".to_owned()
        });
        require(self.schedule.step_size > 0, &|| {
            "--step-size is 0: at least 1 epoch is required".to_owned()
        });
        if let ClrMode::ExpRange { gamma } = self.schedule.clr {
            require(gamma > 0.0 && gamma <= 1.0, &|| {
                format!("gamma of --clr exp_range is {gamma}: (0, 1] is required")
            });
        }
        let dropout = dropout_of(&self.model);
        require((0.0..1.0).contains(&dropout), &|| {
            format!("--dropout is {dropout}: [0, 1) is required")
        });
        require(
            !(self.fine_tune && matches!(self.model, ModelSpec::Cnn1d { .. })),
            &|| "--fine-tune is for models with a base; a cnn1d is always trained whole".to_owned(),
        );
        require(
            self.reproduces.is_none() || matches!(self.validation, Validation::Manifest { .. }),
            &|| {
                "--reproduce tutorial needs --validation manifest:FILE with the test spectra, \
                 which the tutorial validates on"
                    .to_owned()
            },
        );
        if let Some(Err(TrainError::Specification(bounds))) =
            self.schedule.bounds.map(|bounds| bounds.check())
        {
            faults.extend(bounds);
        }
        if let Err(error) = self.recipe.check() {
            faults.push(error.to_string());
        } else if let Some(imaging) = self.model.imaging()
            && let Err(error) = imaging.check(self.recipe.bins())
        {
            faults.push(error.to_string());
        }
        faults.extend(self.finder.faults());
        faults.extend(self.validation.faults());
        faults.extend(self.gate.faults());
        faults.extend(self.augmentation.faults());
        faults.extend(self.execution.faults());
        if faults.is_empty() {
            Ok(())
        } else {
            Err(TrainError::Specification(faults))
        }
    }

    /// The choices that belong to the model, without where and on what it was trained.
    ///
    /// # Errors
    /// Never in practice: every part of a specification can be written as JSON.
    pub fn recorded(&self) -> Result<serde_json::Value> {
        let mut value = serde_json::to_value(self).map_err(|e| TrainError::Data(e.to_string()))?;
        if let Some(fields) = value.as_object_mut() {
            for stored_elsewhere in ["execution", "model", "recipe"] {
                fields.remove(stored_elsewhere);
            }
            fields.insert("validation".to_owned(), self.validation.recorded());
        }
        Ok(value)
    }
}

fn dropout_of(model: &ModelSpec) -> f32 {
    match model {
        ModelSpec::Cnn1d { dropout, .. } | ModelSpec::Cnn2d { dropout, .. } => *dropout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn defaults_are_those_of_the_reference_and_pass() {
        let (one, two) = (TrainingSpec::cnn1d(), TrainingSpec::cnn2d());
        assert_eq!(
            (one.epochs, one.batch_size, one.finder.fraction),
            (60, 100, 0.5)
        );
        assert_eq!(
            (two.epochs, two.batch_size, two.finder.fraction),
            (60, 10, 0.9)
        );
        assert_eq!(one.schedule.clr, ClrMode::Triangular);
        assert_eq!(two.schedule.clr, ClrMode::Triangular2);
        assert_eq!((one.schedule.step_size, two.schedule.step_size), (10, 10));
        assert_eq!(dropout_of(&two.model), 0.2);
        assert_eq!(two.gate.alpha, 0.02);
        one.check().unwrap();
        two.check().unwrap();
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let mut spec = TrainingSpec::cnn1d();
        spec.epochs = 0;
        spec.batch_size = 0;
        spec.schedule.step_size = 0;
        spec.fine_tune = true;
        spec.gate.alpha = 1.0;
        spec.gate.k = Some(0);
        spec.validation = Validation::Fraction { fraction: 1.5 };
        spec.schedule.bounds = Some(RateBounds {
            base: 1.0,
            max: 0.1,
        });
        let text = spec.check().unwrap_err().to_string();
        for part in [
            "8 fault(s)",
            "--epochs",
            "--batch-size",
            "--step-size",
            "--fine-tune",
            "--alpha",
            "--k",
            "--validation",
            "--lr-bounds",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_reproduction_takes_every_published_choice_and_needs_the_test_spectra() {
        let spec = TrainingSpec::cnn2d().reproducing(Reproduction::Tutorial);
        assert_eq!(spec.model.imaging().unwrap().size, 2631);
        assert_eq!(spec.recipe.calibration_terms, CalibrationTerms::Linear);
        assert_eq!(spec.gate.search, GateSearch::Teff);
        assert!(!spec.standardise);
        assert_eq!(spec.gate.rule, ThresholdKind::InSample);
        assert!(
            spec.check()
                .unwrap_err()
                .to_string()
                .contains("manifest:FILE")
        );
        let validation = Validation::Manifest {
            file: PathBuf::from("test.csv"),
        };
        TrainingSpec { validation, ..spec }.check().unwrap();
    }

    #[test]
    fn what_is_recorded_has_no_path_and_no_machine_in_it() {
        let mut spec = TrainingSpec::cnn2d();
        spec.validation = Validation::Manifest {
            file: PathBuf::from("/secret/test.csv"),
        };
        spec.execution.tensorboard = Some(PathBuf::from("/secret/logs"));
        let text = spec.recorded().unwrap().to_string();
        assert!(!text.contains("secret"), "{text}");
        let whole = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<TrainingSpec>(&whole).unwrap(), spec);
    }
}
