//! The part of a model from its image to its features, as a model of its own.

use super::{
    build::{Builder, float_value},
    layers::INNER_IMAGE,
    proto::{GraphProto, ModelProto, NodeProto, ValueInfoProto},
    read_head::FORMAT,
};
use crate::{Landmark, NetworkError};
use prost::Message;
use std::collections::HashSet;

/// A model that was written here, without the step from spectrum to image: it maps `image [n, S,
/// S]` to `features`, whatever stands between the two.
///
/// # Errors
/// When the bytes are no model, when it makes no image, or when its features do not come from the
/// image alone.
pub fn from_image_of_onnx(model: &[u8], size: usize) -> Result<Vec<u8>, NetworkError> {
    let refuse = |reason: &str| NetworkError::format(FORMAT, reason.to_owned());
    let mut model = ModelProto::decode(model)
        .map_err(|error| NetworkError::format(FORMAT, error.to_string()))?;
    let mut graph = model.graph.take().unwrap_or_default();
    let features = Landmark::Features.tensor_name();
    let (nodes, read) = behind_image(&graph, features);
    if !read.contains(INNER_IMAGE) {
        return Err(refuse("its features do not come from an image"));
    }
    if graph.input.iter().any(|input| read.contains(&input.name)) {
        return Err(refuse(
            "its features come from its input by a way beside the image",
        ));
    }
    let opset = model.opset_import.iter().find(|set| set.domain.is_empty());
    let mut builder = Builder::new(opset.map_or(super::OPSET, |set| set.version));
    let image = Landmark::Image.tensor_name();
    builder.unsqueeze(image, &[1], INNER_IMAGE);
    graph
        .initializer
        .retain(|constant| read.contains(&constant.name));
    let known: HashSet<String> = graph.initializer.iter().map(|c| c.name.clone()).collect();
    let new = builder.constants.into_iter();
    graph
        .initializer
        .extend(new.filter(|c| !known.contains(&c.name)));
    graph.node = builder.nodes.into_iter().chain(nodes).collect();
    graph.input = vec![float_value(image, &[Some(size), Some(size)])];
    let is_features = |output: &ValueInfoProto| output.name == features;
    graph.output.retain(is_features);
    graph.value_info.clear();
    model.graph = Some(graph);
    Ok(model.encode_to_vec())
}

/// The nodes that lead from the image to a tensor, in their order, and everything that they read.
fn behind_image(graph: &GraphProto, wanted: &str) -> (Vec<NodeProto>, HashSet<String>) {
    let mut read = HashSet::from([wanted.to_owned()]);
    let mut nodes = Vec::new();
    for node in graph.node.iter().rev() {
        let makes = |name: &String| read.contains(name) && name != INNER_IMAGE;
        if node.output.iter().any(makes) {
            read_by(node, &mut read);
            nodes.push(node.clone());
        }
    }
    nodes.reverse();
    (nodes, read)
}

/// Everything that a node reads, and the graphs within it.
fn read_by(node: &NodeProto, read: &mut HashSet<String>) {
    read.extend(node.input.iter().cloned());
    for attribute in &node.attribute {
        for graph in attribute.g.iter().chain(&attribute.graphs) {
            graph.node.iter().for_each(|node| read_by(node, read));
            read.extend(graph.output.iter().map(|output| output.name.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Base, ExportOptions, HeadSpec, ImageLayer, Tensor, Tutorial1d, TutorialVariant, Weights,
        catalogue, export_onnx,
    };

    fn model(graph: &crate::Graph, outputs: &[Landmark]) -> Vec<u8> {
        let shapes = graph.weight_shapes().into_iter();
        let weights: Weights = shapes
            .map(|(name, shape)| {
                let data = vec![0.5; shape.iter().product()];
                (name, Tensor { shape, data })
            })
            .collect();
        let options = ExportOptions {
            outputs: outputs.to_vec(),
            probabilities: true,
            ..ExportOptions::default()
        };
        export_onnx(graph, &weights, &options).unwrap()
    }

    const HEAD: HeadSpec = HeadSpec {
        classes: 3,
        dropout: 0.0,
    };

    #[test]
    fn what_makes_the_image_and_what_reads_the_features_is_left_out() {
        let imaging = assay_gramian::Imaging {
            size: 64,
            ..assay_gramian::Imaging::default()
        };
        let layer = ImageLayer { imaging, bins: 300 };
        let base = Base::MobileNetV1 { alpha: 0.25 }.graph(None);
        let graph = catalogue::image_classifier(layer, &base, HEAD).unwrap();
        let outputs = [Landmark::Image, Landmark::Features, Landmark::Logits];
        let part = from_image_of_onnx(&model(&graph, &outputs), 64).unwrap();
        let part = ModelProto::decode(part.as_slice()).unwrap().graph.unwrap();
        let names = |values: &[ValueInfoProto]| -> Vec<String> {
            values.iter().map(|value| value.name.clone()).collect()
        };
        assert_eq!(names(&part.input), ["image"]);
        assert_eq!(names(&part.output), ["features"]);
        let mut known: HashSet<&str> = HashSet::from(["image"]);
        known.extend(part.initializer.iter().map(|constant| &*constant.name));
        assert_eq!(known.len(), part.initializer.len() + 1, "each name once");
        for node in &part.node {
            for input in &node.input {
                assert!(known.contains(&**input), "{input} is unknown");
            }
            known.extend(node.output.iter().map(|output| &**output));
        }
        assert!(!known.contains("logits") && !known.contains("spectrum"));
        assert!(!known.contains("head.weight"));
    }

    #[test]
    fn a_model_without_an_image_is_refused() {
        let network = Tutorial1d {
            variant: TutorialVariant::SmallGap { pool: 8 },
            activation: crate::Activation::Relu,
            bins: 600,
            head: HEAD,
        };
        let graph = network.graph().unwrap();
        let model = model(&graph, &[Landmark::Features]);
        let error = from_image_of_onnx(&model, 64).unwrap_err().to_string();
        assert!(error.contains("do not come from an image"), "{error}");
        assert!(from_image_of_onnx(b"not a model at all", 64).is_err());
    }
}
