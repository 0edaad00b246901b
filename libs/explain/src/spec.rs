//! What an explanation is asked for, as a value that requests carry and jobs store.

use crate::{
    CamSettings, ExplainError, Hidden, HiddenPixels, ImageShapleySettings, Outputs, ShapleySettings,
};
use assay_pipeline::Bundle;
use serde::{Deserialize, Serialize};

/// Classes that can be explained beside each other.
pub const MOST_CLASSES: usize = 4;

/// How regions are explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExplanationMethod {
    /// A class activation map, from the run of the network that answers.
    #[default]
    Cam,
    /// Shapley values, over many runs of the network.
    Shap,
}

/// What is asked for. Everything that is left out has its usual value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExplanationSpec {
    /// How regions are explained.
    pub method: ExplanationMethod,
    /// The class; `None` for the most probable one.
    pub label: Option<String>,
    /// For the method cam: style and reduction.
    pub cam: CamSettings,
    /// For the method shap: what is hidden, and how often.
    pub shap: ShapleySpec,
}

/// What is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Ranges of energy of the spectrum.
    #[default]
    Energies,
    /// Blocks of pixels of the image that the model sees.
    Image,
}

/// Which Shapley values are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShapleySpec {
    /// What is hidden.
    pub over: Over,
    /// As many of the most probable classes are explained side by side, at most [`MOST_CLASSES`];
    /// 0 explains the one class that the explanation is about.
    pub top_classes: usize,
    /// Runs of the network, 4 to 1,000,000.
    pub max_evals: usize,
    /// Over energies: ranges of equal width, 2 to the model's bins.
    pub segments: usize,
    /// Over energies: what stands where a range is hidden.
    pub hidden: Hidden,
    /// Over an image: what stands where pixels are hidden.
    pub pixels: HiddenPixels,
}

impl ExplanationSpec {
    /// Checks what does not depend on the model.
    ///
    /// # Errors
    /// The first field that cannot be used, with its value and what is allowed.
    pub fn check(&self) -> Result<(), ExplainError> {
        self.shap.check()?;
        match &self.label {
            Some(label) if self.method == ExplanationMethod::Shap && self.shap.top_classes > 0 => {
                Err(ExplainError::Setting {
                    name: "label",
                    value: format!("{label:?}"),
                    allowed: "none beside top_classes, which asks for the most probable classes",
                })
            }
            _ => Ok(()),
        }
    }
}

impl Default for ShapleySpec {
    fn default() -> Self {
        let (energies, image) = (ShapleySettings::default(), ImageShapleySettings::default());
        Self {
            over: Over::default(),
            top_classes: 0,
            max_evals: energies.max_evals,
            segments: energies.segments,
            hidden: energies.hidden,
            pixels: image.hidden,
        }
    }
}

impl ShapleySpec {
    /// Checks what does not depend on the model.
    ///
    /// # Errors
    /// The first field out of its range, with its value and the range.
    pub fn check(&self) -> Result<(), ExplainError> {
        if self.top_classes > MOST_CLASSES {
            return Err(ExplainError::Setting {
                name: "top_classes",
                value: self.top_classes.to_string(),
                allowed: "0 to 4",
            });
        }
        self.energies(None).check()?;
        self.image(None).check()
    }

    /// Checks everything, the model included.
    ///
    /// # Errors
    /// As [`ShapleySpec::check`]; when the model has not so many bins or classes, makes no image, or
    /// keeps no mean of its training spectra.
    pub fn check_for(&self, bundle: &Bundle) -> Result<(), ExplainError> {
        self.check()?;
        let contents = bundle.contents();
        let (bins, classes) = (contents.recipe.bins(), contents.classes.len());
        let exceeds = |name, value, most, what| {
            Err(ExplainError::Exceeds {
                name,
                value,
                most,
                what,
            })
        };
        match (self.over, self.hidden) {
            (Over::Energies, _) if self.segments > bins => {
                exceeds("segments", self.segments, bins, "bins")
            }
            _ if self.top_classes > classes => {
                exceeds("top_classes", self.top_classes, classes, "classes")
            }
            (Over::Energies, Hidden::TrainingMean) if bundle.training_mean().is_none() => {
                Err(ExplainError::NoTrainingMean)
            }
            (Over::Image, _) if contents.model.imaging().is_none() => Err(ExplainError::NoImage),
            _ => Ok(()),
        }
    }

    /// Settings where ranges of energy are hidden. `class` is the one that the explanation is
    /// about, `None` the most probable one.
    #[must_use]
    pub fn energies(&self, class: Option<usize>) -> ShapleySettings {
        ShapleySettings {
            segments: self.segments,
            max_evals: self.max_evals,
            classes: self.classes(class),
            hidden: self.hidden,
        }
    }

    /// Settings where pixels are hidden.
    #[must_use]
    pub fn image(&self, class: Option<usize>) -> ImageShapleySettings {
        ImageShapleySettings {
            max_evals: self.max_evals,
            classes: self.classes(class),
            hidden: self.pixels,
        }
    }

    fn classes(&self, class: Option<usize>) -> Outputs {
        match (self.top_classes, class) {
            (0, Some(class)) => Outputs::Chosen(vec![class]),
            (0, None) => Outputs::Highest(1),
            (top, _) => Outputs::Highest(top),
        }
    }

    /// How the values are made, in words for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        let behind = match (self.over, self.hidden, self.pixels) {
            (Over::Energies, Hidden::LocalBackground, _) => "their local background".to_owned(),
            (Over::Energies, Hidden::TrainingMean, _) => {
                "the mean of the training spectra".to_owned()
            }
            (Over::Image, _, HiddenPixels::Blur(side)) => {
                format!("their mean over {side} × {side}")
            }
            (Over::Image, _, HiddenPixels::Constant(value)) => value.to_string(),
        };
        let what = match self.over {
            Over::Energies => format!("{} ranges of energy", self.segments),
            Over::Image => "pixels".to_owned(),
        };
        format!("partition explainer, {what} hidden behind {behind}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ExplanationSpec, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_usual() {
        assert_eq!(read("{}"), Ok(ExplanationSpec::default()));
        let text = r#"{"method": "shap", "shap": {"over": "image", "pixels": {"constant": 0.0}}}"#;
        let read = read(text).unwrap();
        assert_eq!(read.shap.pixels, HiddenPixels::Constant(0.0));
        assert_eq!(read.shap.max_evals, 500);
        let again = serde_json::to_string(&read).unwrap();
        assert_eq!(
            serde_json::from_str::<ExplanationSpec>(&again).unwrap(),
            read
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            r#"{"methods": "shap"}"#,
            r#"{"method": "lime"}"#,
            r#"{"shap": {"hidden": "zeros"}}"#,
            r#"{"shap": {"pixels": {"blurred": 3}}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_class_or_the_most_probable_ones() {
        let one = ShapleySpec::default();
        assert_eq!(one.energies(Some(2)).classes, Outputs::Chosen(vec![2]));
        assert_eq!(one.image(None).classes, Outputs::Highest(1));
        let top = ShapleySpec {
            top_classes: 3,
            ..one
        };
        assert_eq!(top.image(Some(2)).classes, Outputs::Highest(3));
    }

    #[test]
    fn a_class_and_the_most_probable_ones_exclude_each_other() {
        let text = r#"{"method": "shap", "label": "Coal", "shap": {"top_classes": 2}}"#;
        let error = read(text).unwrap().check().unwrap_err().to_string();
        assert!(
            error.contains("label is \"Coal\"; allowed: none"),
            "{error}"
        );
        for text in [
            r#"{"label": "Coal", "shap": {"top_classes": 2}}"#,
            r#"{"method": "shap", "label": "Coal"}"#,
            r#"{"method": "shap", "shap": {"top_classes": 2}}"#,
        ] {
            assert!(read(text).unwrap().check().is_ok(), "{text}");
        }
    }

    #[test]
    fn every_range_is_checked() {
        let usual = ShapleySpec::default();
        assert!(usual.check().is_ok());
        for (spec, told) in [
            (
                ShapleySpec {
                    top_classes: 5,
                    ..usual.clone()
                },
                "top_classes is 5; allowed: 0 to 4",
            ),
            (
                ShapleySpec {
                    max_evals: 3,
                    ..usual.clone()
                },
                "max_evals is 3; allowed: 4 to",
            ),
            (
                ShapleySpec {
                    segments: 1,
                    ..usual.clone()
                },
                "segments is 1; allowed: 2 to",
            ),
            (
                ShapleySpec {
                    pixels: HiddenPixels::Blur(0),
                    ..usual.clone()
                },
                "blur is 0",
            ),
            (
                ShapleySpec {
                    pixels: HiddenPixels::Blur(20_000),
                    ..usual.clone()
                },
                "blur is 20000; allowed: 1 to 16384",
            ),
            (
                ShapleySpec {
                    pixels: HiddenPixels::Constant(f32::NAN),
                    ..usual
                },
                "constant is NaN",
            ),
        ] {
            let error = spec.check().unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
