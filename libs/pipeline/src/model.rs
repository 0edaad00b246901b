//! Which network a model uses, as a value that is stored and from which its graph is built.

use crate::{PipelineError, bundle::BaseRecord};
use assay_gramian::Imaging;
use assay_network::{
    Activation, Graph, HeadSpec, ImageLayer, Tutorial1d, TutorialVariant, bases, bases::LoadedBase,
    catalogue::image_classifier,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A network, up to the number of its input bins and of its classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSpec {
    /// Convolutions straight on the input vector; every weight is trained.
    Cnn1d {
        /// Layers.
        variant: TutorialVariant,
        /// Non-linearity after every convolution, relu or elu.
        activation: Activation,
        /// Share of features zeroed in training.
        dropout: f32,
    },
    /// An image of the input vector, a pretrained base, and a head.
    Cnn2d {
        /// Name of the base.
        base: String,
        /// How the image is made.
        imaging: Imaging,
        /// Share of features zeroed in training.
        dropout: f32,
    },
}

impl ModelSpec {
    /// The default network on input vectors.
    #[must_use]
    pub const fn cnn1d() -> Self {
        Self::Cnn1d {
            variant: TutorialVariant::Flatten,
            activation: Activation::Relu,
            dropout: 0.0,
        }
    }

    /// The default network on images.
    #[must_use]
    pub fn cnn2d() -> Self {
        Self::Cnn2d {
            base: "efficientnet-lite0".to_owned(),
            imaging: Imaging::default(),
            dropout: 0.2,
        }
    }

    /// How the image is made, where there is one.
    #[must_use]
    pub const fn imaging(&self) -> Option<&Imaging> {
        match self {
            Self::Cnn1d { .. } => None,
            Self::Cnn2d { imaging, .. } => Some(imaging),
        }
    }

    /// Name of the base, where there is one.
    #[must_use]
    pub fn base(&self) -> Option<&str> {
        match self {
            Self::Cnn1d { .. } => None,
            Self::Cnn2d { base, .. } => Some(base),
        }
    }

    /// A short name, such as `cnn2d`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cnn1d { .. } => "cnn1d",
            Self::Cnn2d { .. } => "cnn2d",
        }
    }
}

/// A network with its size, and the pretrained part of its weights.
#[derive(Debug, Clone)]
pub struct BuiltModel {
    /// From spectrum to logits.
    pub graph: Graph,
    /// The base; every weight of the graph that is not its own must be trained.
    pub base: Option<LoadedBase>,
}

impl BuiltModel {
    /// Where the base comes from, for the bundle.
    #[must_use]
    pub fn base_record(&self) -> Option<BaseRecord> {
        self.base.as_ref().map(|base| BaseRecord {
            name: base.descriptor.name.clone(),
            digest: base.digest,
            licence: base.descriptor.licence.clone(),
            source: base.descriptor.source.clone(),
        })
    }
}

/// Builds the network of a specification for input vectors of `bins` values and a number of
/// classes. The base is read from `bases_dir`.
///
/// # Errors
/// When the base is unknown or its weights are missing or damaged, when the imaging does not fit
/// the bins, or when a number is outside its range.
pub fn build_graph(
    spec: &ModelSpec,
    bins: usize,
    classes: usize,
    bases_dir: &Path,
) -> Result<BuiltModel, PipelineError> {
    match spec {
        ModelSpec::Cnn1d {
            variant,
            activation,
            dropout,
        } => {
            let network = Tutorial1d {
                variant: *variant,
                activation: *activation,
                bins,
                head: HeadSpec {
                    classes,
                    dropout: *dropout,
                },
            };
            Ok(BuiltModel {
                graph: network.graph()?,
                base: None,
            })
        }
        ModelSpec::Cnn2d {
            base,
            imaging,
            dropout,
        } => {
            imaging.check(bins)?;
            let base = bases::load(base, bases_dir)?;
            let layer = ImageLayer {
                imaging: imaging.clone(),
                bins,
            };
            let head = HeadSpec {
                classes,
                dropout: *dropout,
            };
            Ok(BuiltModel {
                graph: image_classifier(layer, &base.graph, head)?,
                base: Some(base),
            })
        }
    }
}
