//! Tests of building, cutting and shape inference.

use super::*;
use crate::{Activation, Padding};

fn conv(kernel: &[usize], stride: &[usize], channels: (usize, usize)) -> Op {
    Op::Conv {
        in_channels: channels.0,
        out_channels: channels.1,
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        groups: 1,
        padding: Padding::Same,
        bias: true,
    }
}

fn small() -> Graph {
    let (mut graph, input) = Graph::with_input("image", vec![Some(1), Some(9), Some(9)]);
    graph.mark(Landmark::Image, input);
    let a = graph.push("a", conv(&[3, 3], &[2, 2], (1, 4)), &[input]);
    let b = graph.push("b", Op::Activation(Activation::Relu), &[a]);
    let c = graph.push("c", conv(&[1, 1], &[1, 1], (4, 4)), &[b]);
    let d = graph.push("d", Op::Add, &[c, b]);
    graph.mark(Landmark::FeatureMap, d);
    let e = graph.push("e", Op::GlobalAveragePool { keep_axes: false }, &[d]);
    graph.mark(Landmark::Features, e);
    let dense = Op::Dense {
        inputs: 4,
        outputs: 3,
    };
    let f = graph.push("head", dense, &[e]);
    graph.mark(Landmark::Logits, f);
    graph
}

#[test]
fn infers_shapes_and_weights() {
    let graph = small();
    graph.validate().unwrap();
    let shapes = infer_shapes(&graph).unwrap();
    assert_eq!(shapes[4], [Some(4), Some(5), Some(5)]);
    assert_eq!(shapes[6], [Some(3)]);
    assert_eq!(graph.weight_shapes()["a.weight"], [4, 1, 3, 3]);
    assert_eq!(graph.weight_shapes()["head.weight"], [4, 3]);
}

#[test]
fn cuts_between_landmarks() {
    let graph = small();
    let base = graph.cut(Landmark::Image, Landmark::FeatureMap).unwrap();
    assert_eq!(base.nodes, graph.nodes[..5]);
    let head = graph.cut(Landmark::FeatureMap, Landmark::Logits).unwrap();
    head.validate().unwrap();
    assert_eq!(head.nodes[0].name, "feature_map");
    assert_eq!(head.nodes[1].inputs, [ValueId(0)]);
    assert_eq!(head.landmark(Landmark::Logits), Some(ValueId(2)));
    assert_eq!(head.landmark(Landmark::Image), None);
    assert_eq!(graph.cut(Landmark::Image, Landmark::Logits).unwrap(), graph);
}

#[test]
fn cuts_between_values() {
    let graph = small();
    let inner = graph
        .between((ValueId(1), "from"), (ValueId(4), "to"))
        .unwrap();
    let names: Vec<&str> = inner.nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["from", "b", "c", "d"]);
    assert_eq!(inner.nodes[3].inputs, [ValueId(2), ValueId(1)]);
    assert_eq!(inner.landmarks, [(Landmark::FeatureMap, ValueId(3))]);
    inner.validate().unwrap();
    // The sum reads what stands before its first operand.
    let torn = graph.between((ValueId(3), "from"), (ValueId(4), "to"));
    assert!(torn.unwrap_err().to_string().contains("\"from\""));
    let beyond = graph.between((ValueId(1), "from"), (ValueId(99), "to"));
    assert!(beyond.is_err());
}

#[test]
fn refuses_a_cut_that_leaves_an_input_behind() {
    let mut graph = small();
    graph.mark(Landmark::FeatureMap, ValueId(3));
    assert!(graph.cut(Landmark::FeatureMap, Landmark::Features).is_err());
    assert!(graph.cut(Landmark::Logits, Landmark::Features).is_err());
    assert!(graph.cut(Landmark::Spectrum, Landmark::Features).is_err());
}

#[test]
fn same_padding_puts_the_odd_zero_at_the_end() {
    assert_eq!(Padding::Same.amounts(0, 224, 3, 2), (0, 1));
    assert_eq!(Padding::Same.amounts(0, 225, 3, 2), (1, 1));
    assert_eq!(Padding::Same.amounts(0, 2631, 16, 8), (4, 5));
    assert_eq!(Padding::Same.amounts(0, 5, 1, 2), (0, 0));
}

#[test]
fn names_the_node_that_is_wrong() {
    let mut graph = small();
    graph.nodes[3].op = conv(&[1, 1], &[1, 1], (5, 4));
    let message = graph.validate().unwrap_err().to_string();
    assert!(
        message.contains("\"c\"") && message.contains('5'),
        "{message}"
    );
    let mut graph = small();
    graph.nodes[2].name = "a".to_owned();
    assert!(graph.validate().is_err());
    let mut graph = small();
    graph.nodes[1].inputs = vec![ValueId(3)];
    assert!(graph.validate().is_err());
}
