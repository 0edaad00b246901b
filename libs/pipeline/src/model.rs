//! Which network a model uses, as a value that is stored and from which its graph is built.

use crate::{PipelineError, bases::load_base, bundle::BaseRecord};
use assay_gramian::Imaging;
use assay_network::{
    Activation, Base, ForeignBase, Graph, HeadSpec, ImageLayer, Tutorial1d, TutorialVariant,
    bases::LoadedBase, catalogue::image_classifier,
};
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::Arc};

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
    /// The base; every weight of the graph that is not its own must be trained. A foreign base
    /// has no weights here.
    pub base: Option<LoadedBase>,
    /// The file behind a foreign base, which exporting the graph needs.
    pub foreign: Option<Arc<ForeignBase>>,
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
/// classes. The base is read from `bases_dir`: one of the catalogue, or a foreign one that was
/// registered there.
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
    let head = |dropout: &f32| HeadSpec {
        classes,
        dropout: *dropout,
    };
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
                head: head(dropout),
            };
            Ok(BuiltModel {
                graph: network.graph()?,
                base: None,
                foreign: None,
            })
        }
        ModelSpec::Cnn2d {
            base,
            imaging,
            dropout,
        } => {
            imaging.check(bins)?;
            let (base, foreign) = load_base(base, imaging.size, bases_dir)?;
            Ok(BuiltModel {
                graph: image_classifier(layer(imaging, bins), &base.graph, head(dropout))?,
                base: Some(base),
                foreign,
            })
        }
    }
}

/// The network on images of a specification whose base is one of the catalogue; `None` for other
/// specifications. No weights are read: a bundle has its own.
///
/// # Errors
/// When the imaging does not fit the bins, or a number is outside its range.
pub fn catalogue_graph(
    spec: &ModelSpec,
    bins: usize,
    classes: usize,
) -> Result<Option<Graph>, PipelineError> {
    let ModelSpec::Cnn2d {
        base,
        imaging,
        dropout,
    } = spec
    else {
        return Ok(None);
    };
    let Ok(base) = base.parse::<Base>() else {
        return Ok(None);
    };
    let head = HeadSpec {
        classes,
        dropout: *dropout,
    };
    let graph = image_classifier(layer(imaging, bins), &base.graph(None), head)?;
    Ok(Some(graph))
}

fn layer(imaging: &Imaging, bins: usize) -> ImageLayer {
    ImageLayer {
        imaging: imaging.clone(),
        bins,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_are_stored_under_stable_names() {
        let text = serde_json::to_string(&ModelSpec::cnn2d()).unwrap();
        assert_eq!(
            text,
            r#"{"kind":"cnn2d","base":"efficientnet-lite0","imaging":{"field":"difference","size":512,"overlapping":false,"sample_range":[-1.0,1.0]},"dropout":0.2}"#
        );
        for spec in [ModelSpec::cnn1d(), ModelSpec::cnn2d()] {
            let text = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<ModelSpec>(&text).unwrap(), spec);
        }
    }

    #[test]
    fn the_published_network_has_its_published_size() {
        let built = build_graph(&ModelSpec::cnn1d(), 2631, 10, Path::new("")).unwrap();
        let shapes = built.graph.weight_shapes();
        let count: usize = shapes
            .values()
            .map(|shape| shape.iter().product::<usize>())
            .sum();
        assert_eq!(count, 592_794);
        assert!(built.base_record().is_none());
    }

    #[test]
    fn an_image_larger_than_the_spectrum_is_refused_before_the_base_is_read() {
        let error = build_graph(&ModelSpec::cnn2d(), 300, 10, Path::new("/nowhere")).unwrap_err();
        assert!(error.to_string().contains("512"), "{error}");
    }
}
