//! Which network.

use crate::failure::{Failure, Result};
use assay_gramian::{Field, Imaging};
use assay_network::{Activation, TutorialVariant};
use assay_pipeline::ModelSpec;
use clap::{Args, ValueEnum};

/// Kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelKind {
    /// Convolutions straight on the spectrum; all layers are trained
    Cnn1d,
    /// An image of the spectrum, a pretrained base that stays as it is, and a trained head
    Cnn2d,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FieldOption {
    Difference,
    Summation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VariantOption {
    /// The published network, with a dense layer on all positions
    Flatten,
    /// The same with global average pooling, for class-activation maps
    Gap,
    /// A small one with global average pooling
    SmallGap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ActivationOption {
    Relu,
    Elu,
}

/// Pixels per side, or a share of the spectrum's bins.
#[derive(Debug, Clone, Copy, PartialEq)]
enum ImageSize {
    Pixels(usize),
    Share(f64),
}

/// Options that say which network.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelOptions {
    /// Kind of network [default: cnn2d]
    #[arg(long, value_enum)]
    model: Option<ModelKind>,

    /// cnn2d: name of the pretrained base [default: efficientnet-lite0]
    #[arg(long, value_name = "NAME")]
    base: Option<String>,

    /// cnn2d: pixels per side of the image, or a share of the bins such as 0.25; larger images
    /// cost with the square and seldom help [default: 512]
    #[arg(long, value_name = "PIXELS", value_parser = image_size)]
    image_size: Option<ImageSize>,

    /// cnn2d: Gramian angular field [default: difference]
    #[arg(long, value_enum)]
    field: Option<FieldOption>,

    /// cnn2d: let the segments of bins that make a pixel overlap, all of one length
    #[arg(long)]
    overlapping: bool,

    /// cnn1d: layers [default: flatten]
    #[arg(long, value_enum)]
    variant: Option<VariantOption>,

    /// cnn1d: non-linearity after every convolution [default: relu]
    #[arg(long, value_enum)]
    activation: Option<ActivationOption>,

    /// Share of features zeroed in training [default: 0.2 for cnn2d, 0 for cnn1d]
    #[arg(long, value_name = "SHARE", value_parser = super::below_one)]
    dropout: Option<f32>,
}

impl ModelOptions {
    /// The kind asked for, or the default one.
    pub(crate) fn kind(&self) -> ModelKind {
        self.model.unwrap_or(ModelKind::Cnn2d)
    }

    /// The name given for the base.
    pub(crate) fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Whether any option but the kind is given.
    pub(crate) fn are_given(&self) -> bool {
        self.model.is_some()
            || self
                .image_options()
                .iter()
                .chain(&self.vector_options())
                .any(|o| o.1)
    }

    /// The network: `start` with the options given. `bins` is the length of the input vector.
    pub(crate) fn apply(&self, start: ModelSpec, bins: usize) -> Result<ModelSpec> {
        self.check()?;
        let mut model = start;
        match &mut model {
            ModelSpec::Cnn1d {
                variant,
                activation,
                dropout,
            } => {
                *variant = self.variant.map_or(*variant, VariantOption::variant);
                *activation = self.activation.map_or(*activation, |a| match a {
                    ActivationOption::Relu => Activation::Relu,
                    ActivationOption::Elu => Activation::Elu,
                });
                *dropout = self.dropout.unwrap_or(*dropout);
            }
            ModelSpec::Cnn2d {
                base,
                imaging,
                dropout,
            } => {
                if let Some(name) = &self.base {
                    base.clone_from(name);
                }
                *dropout = self.dropout.unwrap_or(*dropout);
                self.apply_imaging(imaging, bins)?;
            }
        }
        Ok(model)
    }

    fn apply_imaging(&self, imaging: &mut Imaging, bins: usize) -> Result {
        match self.image_size {
            Some(ImageSize::Pixels(pixels)) => imaging.size = pixels,
            Some(ImageSize::Share(share)) => imaging.size = Imaging::size_of_fraction(share, bins)?,
            None => {}
        }
        imaging.field = self.field.map_or(imaging.field, |field| match field {
            FieldOption::Difference => Field::Difference,
            FieldOption::Summation => Field::Summation,
        });
        imaging.overlapping |= self.overlapping;
        imaging.check(bins).map_err(Failure::from)
    }

    fn check(&self) -> Result {
        let (kind, foreign) = match self.kind() {
            ModelKind::Cnn1d => ("cnn2d", self.image_options().to_vec()),
            ModelKind::Cnn2d => ("cnn1d", self.vector_options().to_vec()),
        };
        match foreign.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((name, _)) => Err(Failure::usage(format!(
                "{name} belongs to --model {kind}; leave it out or choose that model"
            ))),
        }
    }

    const fn image_options(&self) -> [(&'static str, bool); 4] {
        [
            ("--base", self.base.is_some()),
            ("--image-size", self.image_size.is_some()),
            ("--field", self.field.is_some()),
            ("--overlapping", self.overlapping),
        ]
    }

    const fn vector_options(&self) -> [(&'static str, bool); 2] {
        [
            ("--variant", self.variant.is_some()),
            ("--activation", self.activation.is_some()),
        ]
    }
}

impl VariantOption {
    const fn variant(self) -> TutorialVariant {
        match self {
            Self::Flatten => TutorialVariant::Flatten,
            Self::Gap => TutorialVariant::Gap,
            Self::SmallGap => TutorialVariant::SmallGap { pool: 8 },
        }
    }
}

fn image_size(text: &str) -> Result<ImageSize, String> {
    if let Ok(pixels) = text.parse::<usize>() {
        return match pixels {
            0 | 1 => Err("2 pixels or more are needed".to_owned()),
            _ => Ok(ImageSize::Pixels(pixels)),
        };
    }
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(ImageSize::Share(share)),
        _ => Err(
            "a number of pixels, or a share of the bins above 0 and up to 1.0, is needed".into(),
        ),
    }
}
