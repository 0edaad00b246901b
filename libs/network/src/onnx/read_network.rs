//! Takes a network back out of a model that was written here: as it runs, with what was folded
//! folded, and with the very weights that the model ships with.

use super::{
    proto::{ModelProto, TensorProto},
    read_head::{FORMAT, floats},
};
use crate::{
    Graph, Landmark, NetworkError, Tensor, Weights,
    fold::{for_inference, keep_only},
};
use prost::Message;
use std::collections::HashMap;

/// The part of a graph up to its features as it stands in a model that was exported from it, and
/// its weights. The graph says what the model's nodes mean, the model what the weights are: a base
/// that was trained further comes back as it is.
///
/// # Errors
/// When the bytes are no model, or it does not hold exactly such weights as the graph needs.
pub fn network_of_onnx(model: &[u8], graph: &Graph) -> Result<(Graph, Weights), NetworkError> {
    let model = ModelProto::decode(model)
        .map_err(|error| NetworkError::format(FORMAT, error.to_string()))?;
    let constants = model.graph.unwrap_or_default().initializer;
    let constants: HashMap<&str, &TensorProto> = constants
        .iter()
        .map(|constant| (constant.name.as_str(), constant))
        .collect();
    let graph = keep_only(graph, &[Landmark::Features])?;
    // What is folded depends on the graph alone; with which weights, does not matter.
    let (folded, _) = for_inference(&graph, &zeros(&graph))?;
    let weights = folded
        .weight_shapes()
        .into_keys()
        .map(|name| {
            let constant = constants.get(name.as_str()).ok_or_else(|| {
                let reason = format!("it has no {name}, so it is another network than it is said");
                NetworkError::format(FORMAT, reason)
            })?;
            let tensor = floats(constant)?;
            Ok((name, tensor))
        })
        .collect::<Result<Weights, NetworkError>>()?;
    weights.check(&folded)?;
    Ok((folded, weights))
}

fn zeros(graph: &Graph) -> Weights {
    let shapes = graph.weight_shapes().into_iter();
    shapes
        .map(|(name, shape)| {
            let data = vec![0.0; shape.iter().product()];
            (name, Tensor { shape, data })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Base, ExportOptions, HeadSpec, ImageLayer, catalogue, export_onnx};

    fn graph(base: &str) -> Graph {
        let base: Base = base.parse().unwrap();
        let imaging = assay_gramian::Imaging {
            size: 64,
            ..assay_gramian::Imaging::default()
        };
        let layer = ImageLayer { imaging, bins: 300 };
        let head = HeadSpec {
            classes: 3,
            dropout: 0.2,
        };
        catalogue::image_classifier(layer, &base.graph(None), head).unwrap()
    }

    fn seeded(graph: &Graph) -> Weights {
        let mut number = 0.0_f32;
        let shapes = graph.weight_shapes().into_iter();
        shapes
            .map(|(name, shape)| {
                // A variance is positive.
                let data = std::iter::repeat_with(|| {
                    number += 0.37;
                    0.6 + 0.4 * number.sin()
                });
                let data = data.take(shape.iter().product()).collect();
                (name, Tensor { shape, data })
            })
            .collect()
    }

    fn model(graph: &Graph, weights: &Weights) -> Vec<u8> {
        let options = ExportOptions {
            outputs: vec![
                Landmark::Image,
                Landmark::FeatureMap,
                Landmark::Features,
                Landmark::Logits,
            ],
            probabilities: true,
            ..ExportOptions::default()
        };
        export_onnx(graph, weights, &options).unwrap()
    }

    #[test]
    fn every_base_comes_back_bit_for_bit() {
        for base in Base::names() {
            let graph = graph(&base);
            let weights = seeded(&graph);
            let (folded, found) = network_of_onnx(&model(&graph, &weights), &graph).unwrap();
            let kept = keep_only(&graph, &[Landmark::Features]).unwrap();
            let expected = for_inference(&kept, &weights.only_for(&kept).unwrap()).unwrap();
            assert_eq!((folded, found), expected, "{base}");
        }
    }

    #[test]
    fn another_network_is_refused() {
        let small = graph("mobilenet-v1-0.25");
        let model = model(&small, &seeded(&small));
        for other in ["mobilenet-v1-0.5", "efficientnet-lite0"] {
            let error = network_of_onnx(&model, &graph(other))
                .unwrap_err()
                .to_string();
            let told = error.contains("has shape") || error.contains("another network");
            assert!(told, "{error}");
        }
        assert!(network_of_onnx(b"not a model at all", &small).is_err());
    }
}
