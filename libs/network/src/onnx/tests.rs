//! Tests of what an exported model looks like; that it computes the right thing is tested where
//! there is a runtime, and before by the folding tests.

use super::{proto::ModelProto, *};
use crate::{
    Activation, Base, Graph, HeadSpec, ImageLayer, Landmark, Tensor, Tutorial1d, TutorialVariant,
    Weights, catalogue,
};
use prost::Message;
use std::collections::BTreeSet;

fn ones(graph: &Graph) -> Weights {
    let shapes = graph.weight_shapes().into_iter();
    shapes
        .map(|(name, shape)| {
            let data = vec![1.0; shape.iter().product()];
            (name, Tensor::new(shape, data).unwrap())
        })
        .collect()
}

const HEAD: HeadSpec = HeadSpec {
    classes: 3,
    dropout: 0.2,
};

fn whole() -> Graph {
    let layer = ImageLayer {
        imaging: assay_gramian::Imaging {
            size: 64,
            ..assay_gramian::Imaging::default()
        },
        bins: 200,
    };
    catalogue::image_classifier(layer, &Base::MobileNetV3Small.graph(None), HEAD).unwrap()
}

fn export(graph: &Graph, outputs: &[Landmark], probabilities: bool) -> ModelProto {
    let options = ExportOptions {
        outputs: outputs.to_vec(),
        probabilities,
        metadata: vec![("base".to_owned(), "theirs".to_owned())],
        foreign: None,
    };
    let bytes = export_onnx(graph, &ones(graph), &options).unwrap();
    ModelProto::decode(bytes.as_slice()).unwrap()
}

fn names(values: &[proto::ValueInfoProto]) -> Vec<&str> {
    values.iter().map(|value| value.name.as_str()).collect()
}

/// Every value is made once and before it is read, and every constant is read.
fn assert_sound(model: &ModelProto) {
    let graph = model.graph.as_ref().unwrap();
    let mut known: BTreeSet<&str> = graph.input.iter().map(|v| v.name.as_str()).collect();
    for constant in &graph.initializer {
        assert!(known.insert(&constant.name), "{} twice", constant.name);
    }
    let mut read = BTreeSet::new();
    for node in &graph.node {
        for input in &node.input {
            assert!(known.contains(input.as_str()), "{input} is unknown");
            read.insert(input.as_str());
        }
        for output in &node.output {
            assert!(known.insert(output), "{output} twice");
        }
    }
    assert!(graph.output.iter().all(|v| known.contains(v.name.as_str())));
    for constant in &graph.initializer {
        assert!(read.contains(constant.name.as_str()), "{}", constant.name);
    }
}

#[test]
fn the_contract_holds() {
    let all = [
        Landmark::Image,
        Landmark::FeatureMap,
        Landmark::Features,
        Landmark::Logits,
    ];
    let model = export(&whole(), &all, true);
    assert_sound(&model);
    assert_eq!((model.ir_version, model.opset_import[0].version), (10, 17));
    assert_eq!(model.metadata_props[0].value, "theirs");
    let graph = model.graph.unwrap();
    assert_eq!(names(&graph.input), ["spectrum"]);
    let expected = [
        "image",
        "feature_map",
        "features",
        "logits",
        "probabilities",
    ];
    assert_eq!(names(&graph.output), expected);
    let weight = graph.initializer.iter().find(|t| t.name == "head.weight");
    assert_eq!(weight.unwrap().dims, [576, 3]);
    let ops: BTreeSet<&str> = graph.node.iter().map(|n| n.op_type.as_str()).collect();
    for gone in [
        "BatchNormalization",
        "Dropout",
        "Identity",
        "Concat",
        "Expand",
    ] {
        assert!(!ops.contains(gone), "{gone}");
    }
}

#[test]
fn what_no_output_needs_is_left_out() {
    let model = export(&whole(), &[Landmark::Features], false);
    assert_sound(&model);
    let graph = model.graph.unwrap();
    assert_eq!(names(&graph.output), ["features"]);
    assert!(!graph.initializer.iter().any(|t| t.name.starts_with("head")));
    assert!(!graph.node.iter().any(|n| n.op_type == "Squeeze"));
}

#[test]
fn cut_graphs_start_at_their_landmark() {
    let graph = whole();
    let cut = graph.cut(Landmark::Image, Landmark::FeatureMap).unwrap();
    let model = export(&cut, &[Landmark::FeatureMap], false);
    assert_sound(&model);
    let model = model.graph.unwrap();
    assert_eq!(names(&model.input), ["image"]);
    let cut = graph.cut(Landmark::FeatureMap, Landmark::Logits).unwrap();
    let model = export(&cut, &[Landmark::Logits], true);
    assert_sound(&model);
    assert_eq!(names(&model.graph.unwrap().input), ["feature_map"]);
}

#[test]
fn one_axis_networks_flatten_positions_first() {
    let network = Tutorial1d {
        variant: TutorialVariant::Flatten,
        activation: Activation::Elu,
        bins: 600,
        head: HEAD,
    };
    let model = export(&network.graph().unwrap(), &[Landmark::Features], true);
    assert_sound(&model);
    let graph = model.graph.unwrap();
    let order = graph
        .node
        .iter()
        .find(|n| n.op_type == "Transpose")
        .unwrap();
    assert_eq!(order.attribute[0].ints, [0, 2, 1]);
    let conv = graph.node.iter().find(|n| n.op_type == "Conv").unwrap();
    let pads = conv.attribute.iter().find(|a| a.name == "pads").unwrap();
    // 600 / 8 = 75 windows of 16 need 608 values.
    assert_eq!(pads.ints, [4, 4]);
}

#[test]
fn an_open_size_pads_at_run_time() {
    let base = Base::MobileNetV3Small;
    let model = export(
        &base.picture_graph(None, None),
        &[Landmark::FeatureMap],
        false,
    );
    assert_sound(&model);
    let graph = model.graph.unwrap();
    let conv = graph.node.iter().find(|n| n.op_type == "Conv").unwrap();
    let pad = conv
        .attribute
        .iter()
        .find(|a| a.name == "auto_pad")
        .unwrap();
    assert_eq!(pad.s.as_deref(), Some(b"SAME_UPPER".as_slice()));
}

#[test]
fn impossible_wishes_are_refused() {
    let graph = whole();
    let weights = ones(&graph);
    let export = |outputs: &[Landmark], weights: &Weights| {
        let options = ExportOptions {
            outputs: outputs.to_vec(),
            ..ExportOptions::default()
        };
        export_onnx(&graph, weights, &options)
    };
    assert!(export(&[], &weights).is_err());
    assert!(export(&[Landmark::Spectrum], &weights).is_err());
    assert!(export(&[Landmark::Logits], &Weights::new()).is_err());
    assert!(
        export(&[Landmark::Image], &Weights::new()).is_ok(),
        "has no weights"
    );
}
