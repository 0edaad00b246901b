//! What is asked of an explanation, of one spectrum here or of many on a server.

use crate::failure::Result;
use assay_explain::{
    CamSettings, ExplainError, ExplanationMethod, ExplanationSpec, Hidden, HiddenPixels,
    MOST_CLASSES, Method, Over, Reduction, ShapleySpec,
};
use clap::{Args, ValueEnum};

/// How regions are explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodName {
    /// Class activation map, from the run of the network that answers
    Cam,
    /// Shapley values: parts of the spectrum or of its image are hidden, over many runs of the
    /// network
    Shap,
}

/// What is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OverName {
    /// Ranges of energy
    Energies,
    /// Blocks of pixels of the image that the model sees
    Image,
}

/// What stands where a range of energy is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum HiddenName {
    /// The local background of the spectrum itself: its peaks go, its continuum stays
    Background,
    /// The mean of the spectra that the model was trained on
    TrainingMean,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    /// HiResCAM: gradient times activation, position by position
    Hires,
    /// Grad-CAM: mean gradient times activation; refused for a head on all positions
    Grad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// The mean over the rows of the symmetric map
    Mean,
    /// The largest value over the rows
    Max,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Explanation")]
pub(crate) struct ReasonOptions {
    /// How regions of energy are explained
    #[arg(long, value_name = "METHOD", default_value = "cam")]
    method: MethodName,

    /// The class to explain [default: the most probable one, whether or not the gate accepts]
    #[arg(long, value_name = "LABEL", conflicts_with = "top")]
    class: Option<String>,

    /// Style of the class activation map
    #[arg(long, default_value = "hires")]
    style: Style,

    /// How the rows of the map of an image become one importance per energy
    #[arg(long, value_name = "HOW", default_value = "mean")]
    rows: Rows,

    /// With --method shap: runs of the network
    #[arg(long, value_name = "N", default_value_t = ShapleySpec::default().max_evals)]
    max_evals: usize,

    /// With --method shap: explain the N most probable classes side by side, 1 to 4
    #[arg(long, value_name = "N", default_value_t = 1)]
    top: usize,

    /// With --method shap: what is hidden
    #[arg(long, value_name = "WHAT", default_value = "energies")]
    over: OverName,

    /// With --over energies: ranges, of equal width
    #[arg(long, value_name = "N", default_value_t = ShapleySpec::default().segments)]
    segments: usize,

    /// With --over energies: what stands where a range is hidden
    #[arg(long, value_name = "WHAT", default_value = "background")]
    hidden: HiddenName,

    /// With --over image: pixels are hidden behind the mean over a square of N pixels
    #[arg(long, value_name = "N", default_value_t = 64)]
    blur: usize,

    /// With --over image: pixels are hidden behind this value instead, -1 to 1
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    constant: Option<f32>,
}

impl ReasonOptions {
    /// What is asked for, checked as far as that does not depend on the model.
    pub(crate) fn spec(&self) -> Result<ExplanationSpec> {
        if !(1..=MOST_CLASSES).contains(&self.top) {
            return Err(ExplainError::Setting {
                name: "top",
                value: self.top.to_string(),
                allowed: "1 to 4",
            }
            .into());
        }
        let spec = ExplanationSpec {
            method: match self.method {
                MethodName::Cam => ExplanationMethod::Cam,
                MethodName::Shap => ExplanationMethod::Shap,
            },
            label: self.class.clone(),
            cam: CamSettings {
                method: match self.style {
                    Style::Hires => Method::HiRes,
                    Style::Grad => Method::Grad,
                },
                reduction: match self.rows {
                    Rows::Mean => Reduction::Mean,
                    Rows::Max => Reduction::Max,
                },
            },
            shap: ShapleySpec {
                over: match self.over {
                    OverName::Energies => Over::Energies,
                    OverName::Image => Over::Image,
                },
                // One class alone is the explained one; several are the most probable ones.
                top_classes: if self.top > 1 { self.top } else { 0 },
                max_evals: self.max_evals,
                segments: self.segments,
                hidden: match self.hidden {
                    HiddenName::Background => Hidden::LocalBackground,
                    HiddenName::TrainingMean => Hidden::TrainingMean,
                },
                pixels: match self.constant {
                    Some(value) => HiddenPixels::Constant(value),
                    None => HiddenPixels::Blur(self.blur),
                },
            },
        };
        spec.check()?;
        Ok(spec)
    }
}
