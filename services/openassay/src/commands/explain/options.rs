//! What is asked of an explanation.

use super::shapley::Over;
use crate::failure::{Failure, Result};
use assay_core::ErrorKind;
use assay_explain::{
    CamSettings, EvidenceSettings, ExplainError, HiddenPixels, ImageShapleySettings, Method,
    Outputs, Reduction, ShapleySettings,
};
use assay_pipeline::Judge;
use clap::{Args, ValueEnum};

/// How regions are explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodName {
    /// Class activation map, from the run of the network that answers
    Cam,
    /// Shapley values: parts of the spectrum or of its image are hidden, over many runs of the
    /// network
    Shap,
}

/// What is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverName {
    /// Ranges of energy, each behind its local background
    Energies,
    /// Blocks of pixels of the image that the model sees
    Image,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// HiResCAM: gradient times activation, position by position
    Hires,
    /// Grad-CAM: mean gradient times activation; refused for a head on all positions
    Grad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rows {
    /// The mean over the rows of the symmetric map
    Mean,
    /// The largest value over the rows
    Max,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Explanation")]
pub(crate) struct ExplainOptions {
    /// How regions of energy are explained
    #[arg(long, value_name = "METHOD", default_value = "cam")]
    method: MethodName,

    /// The class to explain [default: the most probable one, whether or not the gate accepts]
    #[arg(long, value_name = "LABEL")]
    class: Option<String>,

    /// Style of the class activation map
    #[arg(long, default_value = "hires")]
    style: Style,

    /// How the rows of the map of an image become one importance per energy
    #[arg(long, value_name = "HOW", default_value = "mean")]
    rows: Rows,

    /// Do not take out peaks one by one
    #[arg(long)]
    no_peaks: bool,

    /// Most peaks that are taken out, the most significant ones first
    #[arg(long, value_name = "N", default_value_t = EvidenceSettings::default().most_tested)]
    most_peaks: usize,

    /// With --method shap: runs of the network
    #[arg(long, value_name = "N", default_value_t = ShapleySettings::default().max_evals)]
    max_evals: usize,

    /// With --method shap: what is hidden
    #[arg(long, value_name = "WHAT", default_value = "energies")]
    over: OverName,

    /// With --over image: pixels are hidden behind the mean over a square of N pixels
    #[arg(long, value_name = "N", default_value_t = 64)]
    blur: usize,

    /// With --over image: pixels are hidden behind this value instead, -1 to 1
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    constant: Option<f32>,

    /// With --over energies: ranges, of equal width
    #[arg(long, value_name = "N", default_value_t = ShapleySettings::default().segments)]
    segments: usize,

    /// With --method shap: explain the N most probable classes side by side, 1 to 4
    #[arg(long, value_name = "N", default_value_t = 1)]
    top: usize,
}

/// The same, checked.
pub(super) struct Settings {
    pub(super) method: MethodName,
    pub(super) cam: CamSettings,
    pub(super) evidence: Option<EvidenceSettings>,
    shapley: Option<Asked>,
    class: Option<String>,
}

/// What is asked of Shapley values, but for the classes.
struct Asked {
    over: OverName,
    energies: ShapleySettings,
    image: ImageShapleySettings,
    top: usize,
}

/// Classes beside each other on a page.
const MOST_CLASSES: usize = assay_report::explanation::MAX_SHAP_CLASSES;

impl ExplainOptions {
    pub(super) fn settings(&self) -> Result<Settings> {
        let evidence = EvidenceSettings {
            most_tested: self.most_peaks,
            ..EvidenceSettings::default()
        };
        evidence.check()?;
        let settings = ShapleySettings {
            segments: self.segments,
            max_evals: self.max_evals,
            ..ShapleySettings::default()
        };
        settings.check()?;
        let image = ImageShapleySettings {
            max_evals: self.max_evals,
            hidden: match self.constant {
                Some(value) => HiddenPixels::Constant(value),
                None => HiddenPixels::Blur(self.blur),
            },
            ..ImageShapleySettings::default()
        };
        image.check()?;
        if !(1..=MOST_CLASSES).contains(&self.top) {
            return Err(Failure::from(ExplainError::Setting {
                name: "top",
                value: self.top.to_string(),
                allowed: "1 to 4",
            }));
        }
        Ok(Settings {
            method: self.method,
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
            evidence: (!self.no_peaks).then_some(evidence),
            shapley: (self.method == MethodName::Shap).then_some(Asked {
                over: self.over,
                energies: settings,
                image,
                top: self.top,
            }),
            class: self.class.clone(),
        })
    }
}

impl Settings {
    /// The class that was asked for.
    pub(super) fn class(&self, judge: &Judge) -> Result<Option<usize>> {
        let Some(asked) = &self.class else {
            return Ok(None);
        };
        let classes = &judge.bundle().contents().classes;
        let position = classes.iter().position(|class| class.as_str() == asked);
        if position.is_some() {
            return Ok(position);
        }
        let known: Vec<_> = classes.iter().map(ToString::to_string).collect();
        Err(Failure::new(
            ErrorKind::InvalidArgument,
            format!(
                "--class {asked:?}: the model has no such class; it has {}",
                known.join(", ")
            ),
        ))
    }

    /// Shapley values, if they are asked for. One class alone is the explained one; several are
    /// the most probable ones.
    pub(super) fn shapley(&self, class: usize) -> Option<Over> {
        let asked = self.shapley.as_ref()?;
        let classes = match asked.top {
            1 => Outputs::Chosen(vec![class]),
            top => Outputs::Highest(top),
        };
        Some(match asked.over {
            OverName::Energies => Over::Energies(ShapleySettings {
                classes,
                ..asked.energies.clone()
            }),
            OverName::Image => Over::Image(ImageShapleySettings {
                classes,
                ..asked.image.clone()
            }),
        })
    }
}
