//! What the features of a model are computed from: all of it but the head, so that models which
//! differ in their last layer alone are known to have the same features.

use super::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};
use crate::{Landmark, head};
use assay_core::Digest;
use prost::Message;
use std::collections::HashSet;

/// Digest of everything that the features of a model can depend on: the whole file without the
/// constants of the head, the outputs that these lead to, and the metadata. `None` where that
/// cannot be told apart: the file holds something that is not known here, the head's constants are
/// not there exactly once, or the features depend on them.
#[must_use]
pub fn trunk_digest(model: &[u8]) -> Option<Digest> {
    let mut trunk = ModelProto::decode(model).ok()?;
    // What is not known here is lost in decoding, and might change the features.
    if trunk.encoded_len() != model.len() || trunk.encode_to_vec() != model {
        return None;
    }
    let graph = trunk.graph.as_mut()?;
    let of_head = |constant: &TensorProto| [head::WEIGHT, head::BIAS].contains(&&*constant.name);
    let after_head = after_head(graph);
    if graph.initializer.iter().filter(|c| of_head(c)).count() != 2
        || after_head.contains(Landmark::Features.tensor_name())
    {
        return None;
    }
    graph.initializer.retain(|constant| !of_head(constant));
    let depends = |value: &ValueInfoProto| after_head.contains(&value.name);
    graph.output.retain(|output| !depends(output));
    graph.metadata_props.clear();
    graph.doc_string.clear();
    trunk.producer_name.clear();
    trunk.producer_version.clear();
    trunk.doc_string.clear();
    trunk.metadata_props.clear();
    Some(Digest::of(&trunk.encode_to_vec()))
}

/// The names of all tensors that depend on the head's constants, and those of the constants.
fn after_head(graph: &GraphProto) -> HashSet<String> {
    let mut found = HashSet::from([head::WEIGHT, head::BIAS].map(str::to_owned));
    // One pass is enough where the nodes are sorted, as they should be.
    loop {
        let before = found.len();
        for node in &graph.node {
            if reads(node, &found) {
                found.extend(node.output.iter().cloned());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Whether a node, or a graph within it, names one of these tensors.
fn reads(node: &NodeProto, names: &HashSet<String>) -> bool {
    let inner = |attribute: &AttributeProto| {
        let mut graphs = attribute.g.iter().chain(&attribute.graphs);
        graphs.any(|graph| {
            graph.node.iter().any(|node| reads(node, names))
                || graph.output.iter().any(|o| names.contains(&o.name))
        })
    };
    node.input.iter().any(|input| names.contains(input)) || node.attribute.iter().any(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Activation, ExportOptions, HeadSpec, Tensor, Tutorial1d, TutorialVariant, Weights,
        export_onnx,
    };

    fn model(classes: usize, metadata: &str, change: impl Fn(&str, &mut Tensor)) -> ModelProto {
        let network = Tutorial1d {
            variant: TutorialVariant::SmallGap { pool: 8 },
            activation: Activation::Relu,
            bins: 600,
            head: HeadSpec {
                classes,
                dropout: 0.0,
            },
        };
        let graph = network.graph().unwrap();
        let shapes = graph.weight_shapes().into_iter();
        let weights: Weights = shapes
            .map(|(name, shape)| {
                let count: usize = shape.iter().product();
                let data = (0..count).map(|i| 1.0 / (i + 2) as f32).collect();
                let mut tensor = Tensor { shape, data };
                change(&name, &mut tensor);
                (name, tensor)
            })
            .collect();
        let options = ExportOptions {
            outputs: vec![Landmark::Features, Landmark::Logits],
            probabilities: true,
            metadata: vec![("trained".to_owned(), metadata.to_owned())],
            ..ExportOptions::default()
        };
        let bytes = export_onnx(&graph, &weights, &options).unwrap();
        ModelProto::decode(bytes.as_slice()).unwrap()
    }

    fn digest(model: &ModelProto) -> Option<Digest> {
        trunk_digest(&model.encode_to_vec())
    }

    fn last_bit(tensor: &mut Tensor) {
        let value = tensor.data.last_mut().unwrap();
        *value = f32::from_bits(value.to_bits() ^ 1);
    }

    #[test]
    fn the_head_and_the_metadata_do_not_count_and_every_other_weight_does() {
        let usual = digest(&model(3, "monday", |_, _| ())).unwrap();
        let other_head = |name: &str, tensor: &mut Tensor| {
            if name.starts_with("head.") {
                last_bit(tensor);
            }
        };
        assert_eq!(digest(&model(3, "monday", other_head)), Some(usual));
        assert_eq!(digest(&model(5, "friday", |_, _| ())), Some(usual));
        let whole = model(3, "monday", |_, _| ());
        let graph = whole.graph.as_ref().unwrap();
        let trunk = graph.initializer.iter().enumerate();
        let trunk = trunk.filter(|(_, constant)| !constant.name.starts_with("head."));
        let mut changed = 0;
        for (index, constant) in trunk.filter(|(_, c)| !c.raw_data.is_empty()) {
            let mut other = whole.clone();
            let constants = &mut other.graph.as_mut().unwrap().initializer;
            *constants[index].raw_data.last_mut().unwrap() ^= 1;
            assert_ne!(digest(&other), Some(usual), "{}", constant.name);
            changed += 1;
        }
        assert!(changed > 1);
        let mut other = whole.clone();
        other.graph.as_mut().unwrap().node[0].op_type.push('2');
        assert_ne!(digest(&other), Some(usual));
    }

    #[test]
    fn a_model_whose_features_depend_on_the_head_has_no_trunk() {
        let usual = model(3, "", |_, _| ());
        let mut direct = usual.clone();
        direct.graph.as_mut().unwrap().node[0]
            .input
            .push(head::BIAS.to_owned());
        assert_eq!(digest(&direct), None);
        let mut within = usual.clone();
        let inner = GraphProto {
            node: vec![NodeProto {
                input: vec![head::WEIGHT.to_owned()],
                ..NodeProto::default()
            }],
            ..GraphProto::default()
        };
        within.graph.as_mut().unwrap().node[0]
            .attribute
            .push(AttributeProto {
                g: Some(inner),
                ..AttributeProto::default()
            });
        assert_eq!(digest(&within), None);
        let mut twice = usual;
        let constants = &mut twice.graph.as_mut().unwrap().initializer;
        let bias = constants.iter().find(|c| c.name == head::BIAS).unwrap();
        constants.push(bias.clone());
        assert_eq!(digest(&twice), None);
    }

    #[test]
    fn what_is_not_known_here_is_not_passed_over() {
        let mut bytes = model(3, "", |_, _| ()).encode_to_vec();
        assert!(trunk_digest(&bytes).is_some());
        // Field 20 with two bytes.
        bytes.extend([0xa2, 0x01, 2, 0x0a, 0x00]);
        assert_eq!(trunk_digest(&bytes), None);
        assert_eq!(trunk_digest(b"not a model at all"), None);
    }
}
