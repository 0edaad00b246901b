//! Every choice of a training run as one value, checked all at once before anything is read.

use crate::{
    Augmentation, ClrMode, Execution, FinderSettings, GateSearch, GateSettings, Schedule,
    SpecificationError, ThresholdKind, Validation,
    fault::{Fault, Faults},
};
use assay_network::Base;
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
    pub fn check(&self) -> Result<(), SpecificationError> {
        let mut faults = Faults::default();
        let &Self {
            epochs, batch_size, ..
        } = self;
        faults.require(epochs > 0, "epochs", "--epochs", || {
            "is 0: at least 1 is required".to_owned()
        });
        faults.require(batch_size > 0, "batch_size", "--batch-size", || {
            "is 0: at least 1 is required".to_owned()
        });
        let dropout = dropout_of(&self.model);
        faults.require(
            (0.0..1.0).contains(&dropout),
            "model.dropout",
            "--dropout",
            || format!("is {dropout}: [0, 1) is required"),
        );
        faults.require(
            !(self.fine_tune && matches!(self.model, ModelSpec::Cnn1d { .. })),
            "fine_tune",
            "--fine-tune",
            || "is for models with a base; a cnn1d is always trained whole".to_owned(),
        );
        faults.require(
            self.reproduces.is_none() || matches!(self.validation, Validation::Manifest { .. }),
            "reproduces",
            "--reproduce",
            || {
                "tutorial needs --validation manifest:FILE with the test spectra, which the \
                 tutorial validates on"
                    .to_owned()
            },
        );
        if let Err(error) = self.recipe.check() {
            faults
                .0
                .push(Fault::new("recipe", "", format!("cannot be used: {error}")));
        } else if let Some(imaging) = self.model.imaging()
            && let Err(error) = imaging.check(self.recipe.bins())
        {
            let reason = format!("cannot be used: {error}");
            faults.0.push(Fault::new("model.imaging", "", reason));
        }
        self.schedule.check(&mut faults);
        self.finder.check(&mut faults);
        self.validation.check(&mut faults);
        self.gate.check(&mut faults);
        self.augmentation.check(&mut faults);
        self.execution.check(&mut faults);
        SpecificationError::unless_empty(faults.0)
    }

    /// What is wrong with the base, if it is neither one of the catalogue nor among the foreign
    /// ones named here. Whether its weights are there, the machine that trains finds out.
    #[must_use]
    pub fn base_fault(&self, foreign: &[String]) -> Option<Fault> {
        let base = self.model.base()?;
        if foreign.iter().any(|name| name == base) {
            return None;
        }
        if base.parse::<Base>().is_ok() {
            return None;
        }
        let reason = format!(
            "is {base:?}: {} or another width after mobilenet-v1- is required",
            Base::names().join(", ")
        );
        Some(Fault::new("model.base", "--base", reason))
    }

    /// The choices that belong to the model, without where and on what it was trained.
    ///
    /// # Errors
    /// Never in practice: every part of a specification can be written as JSON.
    pub fn recorded(&self) -> Result<serde_json::Value, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
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
    use crate::RateBounds;
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
    fn a_base_is_of_the_catalogue_or_a_foreign_one_that_is_known() {
        let of = |base: &str| {
            let mut model = ModelSpec::cnn2d();
            if let ModelSpec::Cnn2d { base: name, .. } = &mut model {
                base.clone_into(name);
            }
            TrainingSpec::for_model(model)
        };
        assert_eq!(of("mobilenet-v1-0.25").base_fault(&[]), None);
        assert_eq!(TrainingSpec::cnn1d().base_fault(&[]), None);
        assert_eq!(of("ours").base_fault(&["ours".to_owned()]), None);
        let fault = of("ours").base_fault(&[]).unwrap();
        assert_eq!(fault.field, "model.base");
        assert!(fault.reason.contains("efficientnet-lite0"), "{fault}");
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
