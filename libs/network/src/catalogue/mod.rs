//! The architectures this program knows: image bases with their names, pixel ranges and sources,
//! and the tutorial's networks for spectra. Weights are not here.

mod base;
mod blocks;
mod efficientnet_lite;
mod mobilenet_v1;
mod mobilenet_v3;
mod tutorial;

pub use base::{Base, BaseDescriptor, LiteVariant};
pub use tutorial::{Tutorial1d, TutorialVariant};

use crate::{Graph, ImageLayer, Landmark, NetworkError, Op, infer_shapes};

/// The head's node; its weights are `head.weight` and `head.bias`.
pub const HEAD: &str = "head";

/// What stands behind a feature map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadSpec {
    /// Number of classes.
    pub classes: usize,
    /// Share of features zeroed in training, in `[0, 1)`; 0 leaves the layer out.
    pub dropout: f32,
}

impl HeadSpec {
    fn check(&self) -> Result<(), NetworkError> {
        if self.classes == 0 {
            return Err(NetworkError::Parameter {
                name: "number of classes",
                value: "0".to_owned(),
                allowed: "at least one is needed".to_owned(),
            });
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(NetworkError::Parameter {
                name: "dropout",
                value: self.dropout.to_string(),
                allowed: "0 <= dropout < 1".to_owned(),
            });
        }
        Ok(())
    }
}

/// Puts global average pooling, dropout and a dense layer behind the feature map of a base. The
/// features are the pooled values before the dropout.
///
/// # Errors
/// When the graph has no feature map, its channels are unknown or the head is impossible.
pub fn attach_head(base: &Graph, head: HeadSpec) -> Result<Graph, NetworkError> {
    head.check()?;
    let mut graph = base.clone();
    let feature_map = graph.require(Landmark::FeatureMap)?;
    let channels = infer_shapes(&graph)?[feature_map.0]
        .first()
        .copied()
        .flatten();
    let channels = channels.ok_or_else(|| {
        NetworkError::graph(
            "feature_map",
            "the number of channels must be known to attach a head",
        )
    })?;
    let pool = Op::GlobalAveragePool { keep_axes: false };
    let features = graph.push("pool", pool, &[feature_map]);
    graph.mark(Landmark::Features, features);
    push_dense(&mut graph, features, channels, head);
    Ok(graph)
}

fn push_dense(graph: &mut Graph, features: crate::ValueId, inputs: usize, head: HeadSpec) {
    let mut value = features;
    if head.dropout > 0.0 {
        let dropout = Op::Dropout { rate: head.dropout };
        value = graph.push("dropout", dropout, &[value]);
    }
    let dense = Op::Dense {
        inputs,
        outputs: head.classes,
    };
    let logits = graph.push(HEAD, dense, &[value]);
    graph.mark(Landmark::Logits, logits);
}

/// Puts the step from spectrum to image before a graph that starts at the image.
///
/// # Errors
/// When the imaging does not fit the number of bins or the graph does not start at an image.
pub fn with_imaging(graph: &Graph, layer: ImageLayer) -> Result<Graph, NetworkError> {
    layer.imaging.check(layer.bins)?;
    let image = graph.require(Landmark::Image)?;
    if image.0 != 0 {
        return Err(NetworkError::graph(
            "image",
            "the graph must start at the image to get an imaging layer",
        ));
    }
    let (mut whole, input) = Graph::with_input("spectrum", vec![Some(layer.bins)]);
    whole.mark(Landmark::Spectrum, input);
    whole.push("gramian", Op::GramianImage(layer), &[input]);
    for node in &graph.nodes[1..] {
        let inputs: Vec<_> = node
            .inputs
            .iter()
            .map(|i| crate::ValueId(i.0 + 1))
            .collect();
        whole.push(&node.name, node.op.clone(), &inputs);
    }
    for (landmark, value) in &graph.landmarks {
        whole.mark(*landmark, crate::ValueId(value.0 + 1));
    }
    whole.validate()?;
    Ok(whole)
}

/// The whole way from spectrum to logits over an image and a base.
///
/// # Errors
/// As [`with_imaging`] and [`attach_head`].
pub fn image_classifier(
    layer: ImageLayer,
    base: &Graph,
    head: HeadSpec,
) -> Result<Graph, NetworkError> {
    attach_head(&with_imaging(base, layer)?, head)
}

#[cfg(test)]
mod tests;
