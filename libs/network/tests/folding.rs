//! A folded graph computes what the original computes, on networks with random weights.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod reference;

use assay_core::keyed_rng;
use assay_gramian::{Field, Imaging};
use assay_network::{
    Base, Graph, HeadSpec, ImageLayer, Landmark, Op, Padding, Tensor, Weights, catalogue,
    fold::{for_inference, keep_only},
};
use proptest::prelude::*;
use rand::Rng;
use reference::{Value, run};

/// Values in [-1, 1) from a keyed generator.
fn numbers(purpose: &str, counter: u64, count: usize) -> Vec<f64> {
    let mut rng = keyed_rng(7, purpose, &[counter]);
    let steps = (1_u64 << 52) as f64;
    (0..count)
        .map(|_| (rng.next_u64() >> 11) as f64 / steps - 1.0)
        .collect()
}

/// Weights that keep the size of values about constant from layer to layer.
fn random_weights(graph: &Graph) -> Weights {
    let shapes = graph.weight_shapes().into_iter().enumerate();
    let tensors = shapes.map(|(index, (name, shape))| {
        let count = shape.iter().product();
        let fan_in: usize = shape[1..].iter().product();
        let data = numbers("weights", index as u64, count);
        let data = data.into_iter().map(|x| match name.rsplit('.').next() {
            Some("running_var") => (1.2 + x) as f32,
            Some("weight") if shape.len() == 1 => (1.5 + x) as f32,
            Some("weight") => (x * (3.0 / fan_in as f64).sqrt()) as f32,
            _ => (0.3 * x) as f32,
        });
        let data = data.collect();
        (name, Tensor::new(shape, data).unwrap())
    });
    tensors.collect()
}

/// Within what rounding the weights of fifty layers to 32 bits can do.
fn agree(actual: &Value, expected: &Value) {
    assert_eq!(actual.shape, expected.shape);
    let largest = expected.data.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let pairs = actual.data.iter().zip(&expected.data);
    let worst = pairs.map(|(a, e)| (a - e).abs()).fold(0.0, f64::max);
    assert!(worst <= 1e-4 * largest, "{worst:e} of {largest}");
}

fn image_input(size: usize) -> Value {
    Value::new(vec![2, 1, size, size], numbers("image", 0, 2 * size * size))
}

#[test]
fn every_base_survives_folding() {
    for (name, extra) in [
        // The shift of EfficientNet-Lite stays, because its stem pads with zeros afterwards.
        (
            "efficientnet-lite0",
            Some(Op::Affine {
                scale: 1.0,
                shift: 0.5 / 127.5,
            }),
        ),
        ("mobilenet-v1-0.25", None),
        ("mobilenet-v3-small", None),
    ] {
        let base: Base = name.parse().unwrap();
        let graph = base.graph(Some(33));
        let weights = random_weights(&graph);
        let (folded, lean) = for_inference(&graph, &weights).unwrap();
        let affine = folded
            .nodes
            .iter()
            .find(|n| matches!(n.op, Op::Affine { .. }));
        assert_eq!(affine.map(|n| n.op.clone()), extra, "{name}");
        assert!(
            !folded
                .nodes
                .iter()
                .any(|n| matches!(n.op, Op::BatchNorm { .. } | Op::RepeatChannel { .. }))
        );
        assert_eq!(lean.get("stem.conv.weight").unwrap().shape[1], 1);
        let input = image_input(33);
        let expected = run(&graph, &weights, &input, Landmark::FeatureMap);
        agree(
            &run(&folded, &lean, &input, Landmark::FeatureMap),
            &expected,
        );
    }
}

#[test]
fn the_whole_way_survives_folding() {
    let layer = ImageLayer {
        imaging: Imaging {
            field: Field::Difference,
            size: 40,
            ..Imaging::default()
        },
        bins: 131,
    };
    let head = HeadSpec {
        classes: 5,
        dropout: 0.2,
    };
    let base = Base::MobileNetV1 { alpha: 0.25 }.graph(None);
    let graph = catalogue::image_classifier(layer, &base, head).unwrap();
    let weights = random_weights(&graph);
    let (folded, lean) = for_inference(&graph, &weights).unwrap();
    assert!(
        !folded
            .nodes
            .iter()
            .any(|n| matches!(n.op, Op::Dropout { .. }))
    );
    let input = Value::new(vec![2, 131], numbers("spectrum", 0, 262));
    for landmark in [Landmark::Image, Landmark::Features, Landmark::Logits] {
        let expected = run(&graph, &weights, &input, landmark);
        agree(&run(&folded, &lean, &input, landmark), &expected);
    }
    let features = keep_only(&folded, &[Landmark::Features]).unwrap();
    assert_eq!(features.landmark(Landmark::Logits), None);
    assert!(!features.weight_shapes().contains_key("head.weight"));
}

#[test]
fn a_value_with_a_name_is_not_folded_away() {
    let mut graph = Base::MobileNetV3Small.graph(Some(33));
    let conv = graph.find("top.conv").unwrap();
    graph.mark(Landmark::Features, conv);
    let (folded, _) = for_inference(&graph, &random_weights(&graph)).unwrap();
    assert!(folded.find("top.bn").is_some());
}

fn paddings() -> impl Strategy<Value = Padding> {
    prop_oneof![
        Just(Padding::Same),
        Just(Padding::Valid),
        (0usize..3, 0usize..3).prop_map(|(a, b)| Padding::Explicit(vec![(a, b), (b, a)])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn scaling_and_repetition_fold_under_any_padding(
        padding in paddings(),
        kernel in 1usize..4,
        stride in 1usize..3,
        first in (0.1f32..3.0, -2.0f32..2.0),
        second in (0.1f32..3.0, -2.0f32..2.0),
        size in 4usize..8,
    ) {
        let (mut graph, image) = Graph::with_input("image", vec![Some(1), Some(size), Some(size)]);
        graph.mark(Landmark::Image, image);
        let affine = |(scale, shift): (f32, f32)| Op::Affine { scale, shift };
        let mut v = graph.push("a", affine(first), &[image]);
        v = graph.push("r", Op::RepeatChannel { count: 3 }, &[v]);
        v = graph.push("b", affine(second), &[v]);
        let conv = Op::Conv {
            in_channels: 3,
            out_channels: 2,
            kernel: vec![kernel; 2],
            stride: vec![stride; 2],
            groups: 1,
            padding,
            bias: false,
        };
        v = graph.push("c", conv, &[v]);
        graph.mark(Landmark::FeatureMap, v);
        let weights = random_weights(&graph);
        let (folded, lean) = for_inference(&graph, &weights).unwrap();
        prop_assert!(folded.nodes.len() <= 3);
        let input = image_input(size);
        let expected = run(&graph, &weights, &input, Landmark::FeatureMap);
        let actual = run(&folded, &lean, &input, Landmark::FeatureMap);
        let largest = expected.data.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        for (a, e) in actual.data.iter().zip(&expected.data) {
            prop_assert!((a - e).abs() <= 2e-6 * largest, "{a} {e}");
        }
    }
}
