//! Networks against Keras: the reference vectors, computed by the plain interpreter.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod reference;

use assay_golden::{Npz, assert_close, golden_dir};
use assay_network::{
    Activation, Base, Graph, HeadSpec, Landmark, Op, Padding, Tensor, Weights, bases, catalogue,
    fold::for_inference,
    weights::{convert_keras, from_keras},
};
use reference::{Value, positions, run};

fn value(npz: &mut Npz, array: &str) -> Value {
    let array = npz.f64(array);
    Value::new(array.shape().to_vec(), array.iter().copied().collect())
}

/// `[n, h, w, c]` to `[n, c, h, w]`.
fn channels_first(value: &Value) -> Value {
    let [n, h, w, c] = value.shape[..] else {
        panic!("{:?}", value.shape)
    };
    let at = |p: Vec<usize>| value.data[((p[0] * h + p[2]) * w + p[3]) * c + p[1]];
    let data = positions(&[n, c, h, w]).map(at).collect();
    Value::new(vec![n, c, h, w], data)
}

/// Largest deviation allowed, relative to the largest value.
fn close(what: &str, actual: &Value, expected: &Value, relative: f64) {
    assert_eq!(actual.shape, expected.shape, "{what}");
    let largest = expected.data.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    assert!(largest > 0.0, "{what} is all zeros");
    assert_close(what, &actual.data, &expected.data, relative * largest);
}

fn archive(test: &str, file: &str) -> Option<Weights> {
    let bytes = std::fs::read(golden_dir(test)?.join(file)).unwrap();
    Some(Weights::from_npz(&bytes).unwrap())
}

fn keras_base(test: &str, key: &str, base: Base) {
    let file = format!("{key}.npz");
    let Some(arrays) = archive(test, &file) else {
        return;
    };
    let mut npz = Npz::open(test, &file).unwrap();
    let weights = convert_keras(&arrays, base).unwrap();
    for size in [96, 83] {
        let input = channels_first(&value(&mut npz, &format!("{key}/in{size}")));
        let expected = channels_first(&value(&mut npz, &format!("{key}/out{size}")));
        let graph = base.picture_graph(Some(size), Some(size));
        let actual = run(&graph, &weights, &input, Landmark::FeatureMap);
        close(&format!("{key} at {size}"), &actual, &expected, 1e-5);
        let (graph, folded) = for_inference(&graph, &weights).unwrap();
        assert!(
            !graph
                .nodes
                .iter()
                .any(|n| matches!(n.op, Op::BatchNorm { .. }))
        );
        let actual = run(&graph, &folded, &input, Landmark::FeatureMap);
        close(&format!("{key} folded at {size}"), &actual, &expected, 1e-5);
    }
}

#[test]
fn mobilenet_v1_is_that_of_keras() {
    let base = Base::MobileNetV1 { alpha: 0.25 };
    keras_base("mobilenet_v1_is_that_of_keras", "mobilenet025", base);
}

#[test]
fn mobilenet_v3_small_is_that_of_keras() {
    let base = Base::MobileNetV3Small;
    keras_base("mobilenet_v3_small_is_that_of_keras", "mnv3small", base);
}

#[test]
fn weights_of_another_width_are_refused() {
    let Some(arrays) = archive("weights_of_another_width_are_refused", "mobilenet025.npz") else {
        return;
    };
    let base = Base::MobileNetV1 { alpha: 0.5 };
    let message = convert_keras(&arrays, base).unwrap_err().to_string();
    assert!(message.contains("is expected"), "{message}");
}

#[test]
fn an_archive_becomes_a_base() {
    let Some(dir) = golden_dir("an_archive_becomes_a_base") else {
        return;
    };
    let bytes = std::fs::read(dir.join("mnv3small.npz")).unwrap();
    let file = bases::convert(&bytes, "mobilenet-v3-small").unwrap();
    let base = bases::decode(Base::MobileNetV3Small, &file).unwrap();
    assert_eq!(base.descriptor.channels, 576);
}

fn convolution(channels: (usize, usize), kernel: &[usize], stride: usize) -> Op {
    Op::Conv {
        in_channels: channels.0,
        out_channels: channels.1,
        kernel: kernel.to_vec(),
        stride: vec![stride; kernel.len()],
        groups: 1,
        padding: Padding::Same,
        bias: true,
    }
}

/// The small networks of the class-activation vectors, with the names of their Keras layers.
fn finish(mut graph: Graph, style: &str) -> Graph {
    let head = HeadSpec {
        classes: 4,
        dropout: 0.3,
    };
    if style != "flat" {
        return catalogue::attach_head(&graph, head).unwrap();
    }
    let map = graph.require(Landmark::FeatureMap).unwrap();
    let features = graph.push("flatten", Op::Flatten, &[map]);
    graph.mark(Landmark::Features, features);
    let length = assay_network::infer_shapes(&graph).unwrap()[features.0][0].unwrap();
    let dense = Op::Dense {
        inputs: length,
        outputs: 4,
    };
    let logits = graph.push(catalogue::HEAD, dense, &[features]);
    graph.mark(Landmark::Logits, logits);
    graph
}

fn keras_layer(node: &str) -> Option<String> {
    Some(if node == catalogue::HEAD { "out" } else { node }.to_owned())
}

/// The weights of one of the networks in an archive, under the names of their Keras layers.
fn style_arrays(npz: &mut Npz, style: &str) -> Weights {
    let prefix = format!("{style}/w/");
    let names = npz.names().into_iter();
    names
        .filter_map(|name| Some((name.strip_prefix(&prefix)?.to_owned(), name)))
        .map(|(short, name)| {
            let array = npz.typed::<f32>(&name);
            let data = array.iter().copied().collect();
            (short, Tensor::new(array.shape().to_vec(), data).unwrap())
        })
        .collect()
}

#[test]
fn one_axis_networks_are_those_of_keras() {
    let test = "one_axis_networks_are_those_of_keras";
    let Some(mut npz) = Npz::open(test, "cam1d.npz") else {
        return;
    };
    let series = value(&mut npz, "series");
    for style in ["gap", "flat"] {
        let arrays = style_arrays(&mut npz, style);
        let (mut graph, input) = Graph::with_input("spectrum", vec![Some(128)]);
        let mut v = graph.push("channel", Op::AddChannelAxis, &[input]);
        v = graph.push("c1", convolution((1, 8), &[16], 4), &[v]);
        v = graph.push("a1", Op::Activation(Activation::Elu), &[v]);
        let pool = Op::MaxPool {
            kernel: vec![2],
            stride: vec![2],
        };
        v = graph.push("p1", pool, &[v]);
        v = graph.push("c2", convolution((8, 16), &[8], 2), &[v]);
        v = graph.push("a2", Op::Activation(Activation::Relu), &[v]);
        graph.mark(Landmark::FeatureMap, v);
        let graph = finish(graph, style);
        let weights = from_keras(&arrays, &graph, keras_layer).unwrap();
        for row in 0..2 {
            let input = series.data[row * 128..(row + 1) * 128].to_vec();
            let input = Value::new(vec![1, 128], input);
            let map = run(&graph, &weights, &input, Landmark::FeatureMap);
            let expected = value(&mut npz, &format!("{style}/feat/{row}"));
            let transposed: Vec<f64> = (0..16)
                .flat_map(|c| (0..8).map(move |p| p * 16 + c))
                .map(|at| expected.data[at])
                .collect();
            let expected = Value::new(vec![1, 16, 8], transposed);
            close(&format!("{style} feature map {row}"), &map, &expected, 1e-5);
            let logits = run(&graph, &weights, &input, Landmark::Logits);
            let expected = value(&mut npz, &format!("{style}/hires/{row}/logits"));
            let expected = Value::new(vec![1, 4], expected.data);
            close(&format!("{style} logits {row}"), &logits, &expected, 1e-5);
            let narrow: Vec<f32> = logits.data.iter().map(|x| *x as f32).collect();
            let probabilities = assay_network::head::softmax(&narrow).unwrap();
            let expected = value(&mut npz, &format!("{style}/probs/{row}"));
            let probabilities: Vec<f64> = probabilities.into_iter().map(f64::from).collect();
            assert_close("probabilities", &probabilities, &expected.data, 1e-6);
        }
    }
}

#[test]
fn two_axis_networks_are_those_of_keras() {
    let test = "two_axis_networks_are_those_of_keras";
    let Some(mut npz) = Npz::open(test, "cam2d.npz") else {
        return;
    };
    let images = value(&mut npz, "images");
    for style in ["gap", "flat", "pool"] {
        let arrays = style_arrays(&mut npz, style);
        let (mut graph, mut v) = Graph::with_input("image", vec![Some(1), Some(48), Some(48)]);
        graph.mark(Landmark::Image, v);
        for (name, channels, stride) in [("c1", (1, 8), 2), ("c2", (8, 12), 2), ("c3", (12, 16), 1)]
        {
            v = graph.push(name, convolution(channels, &[3, 3], stride), &[v]);
            let relu = Op::Activation(Activation::Relu);
            v = graph.push(format!("{name}.relu"), relu, &[v]);
        }
        if style == "pool" {
            let pool = Op::MaxPool {
                kernel: vec![2, 2],
                stride: vec![2, 2],
            };
            v = graph.push("p3", pool, &[v]);
        }
        graph.mark(Landmark::FeatureMap, v);
        let graph = finish(graph, style);
        let weights = from_keras(&arrays, &graph, keras_layer).unwrap();
        for row in 0..3 {
            let input = images.data[row * 2304..(row + 1) * 2304].to_vec();
            let input = Value::new(vec![1, 1, 48, 48], input);
            let map = run(&graph, &weights, &input, Landmark::FeatureMap);
            let mut expected = value(&mut npz, &format!("{style}/feat/{row}"));
            expected.shape.insert(0, 1);
            let expected = channels_first(&expected);
            close(&format!("{style} feature map {row}"), &map, &expected, 1e-5);
            let logits = run(&graph, &weights, &input, Landmark::Logits);
            let expected = value(&mut npz, &format!("{style}/logits/{row}"));
            let expected = Value::new(vec![1, 4], expected.data);
            close(&format!("{style} logits {row}"), &logits, &expected, 1e-5);
        }
    }
}
