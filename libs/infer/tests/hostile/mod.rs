//! Models that are damaged or lie about themselves: an error each time, never the end of the
//! process.

use crate::seeded;
use assay_core::keyed_rng;
use assay_infer::{FeatureExtractor, InferError, OnnxRuntime, Session, SessionOptions, Watch};
use assay_network::{
    Activation, ExportOptions, HeadSpec, Landmark, Tutorial1d, TutorialVariant, export_onnx,
};
use rand::RngExt;

const BINS: usize = 600;
const DAMAGED: usize = 300;

/// The smallest network of the catalogue, in 60 KB.
fn model() -> Vec<u8> {
    let network = Tutorial1d {
        variant: TutorialVariant::SmallGap { pool: 4 },
        activation: Activation::Elu,
        bins: BINS,
        head: HeadSpec {
            classes: 3,
            dropout: 0.0,
        },
    };
    let graph = network.graph().unwrap();
    let options = ExportOptions {
        outputs: vec![Landmark::FeatureMap, Landmark::Features, Landmark::Logits],
        probabilities: true,
        ..ExportOptions::default()
    };
    export_onnx(&graph, &seeded::weights(&graph), &options).unwrap()
}

#[test]
fn damaged_models_are_refused_or_run() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let whole = model();
    let vectors = seeded::vectors(1, BINS);
    let mut rng = keyed_rng(1, "damage", &[]);
    let (mut refused, mut ran) = (0, 0);
    for round in 0..DAMAGED {
        let mut bytes = whole.clone();
        // The structure lies in the first and last parts; weights fill the middle.
        let structure = 4000.min(bytes.len() / 2);
        for _ in 0..1 + round % 4 {
            let at = match rng.random_range(0..3) {
                0 => rng.random_range(0..structure),
                1 => bytes.len() - 1 - rng.random_range(0..structure),
                _ => rng.random_range(0..bytes.len()),
            };
            bytes[at] = rng.random();
        }
        if round % 7 == 0 {
            bytes.truncate(rng.random_range(0..bytes.len()));
        }
        match FeatureExtractor::from_model(runtime, &bytes, &SessionOptions::default()) {
            Err(_) => refused += 1,
            Ok(extractor) => {
                ran += 1;
                // Either is fine, as long as there is an answer.
                let _ = extractor.extract(vectors.view(), &Watch::none());
                let _ = extractor.extract_with_map(vectors.as_slice().unwrap());
            }
        }
    }
    assert!(refused > 0 && ran > 0, "{refused} refused, {ran} ran");
}

/// A field of a protobuf message: bytes, text or a message within.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 128 {
        bytes.push((length % 128) as u8 | 128);
        length /= 128;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(content);
    bytes
}

/// A field of a protobuf message: a number below 128.
fn number(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

/// `ValueInfoProto` of a tensor; an axis is a length, or free where it is 0.
fn value(name: &str, element: u8, axes: Option<&[u8]>) -> Vec<u8> {
    let shape = axes.map(|axes| {
        let dimensions = axes.iter().map(|&axis| match axis {
            0 => field(1, &field(2, b"n")),
            length => field(1, &number(1, length)),
        });
        field(2, &dimensions.flatten().collect::<Vec<_>>())
    });
    let tensor = [number(1, element), shape.unwrap_or_default()].concat();
    [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
}

/// A model of operations with one input and one output each, `(operation, from, to)`.
fn model_of(nodes: &[(&str, &str, &str)], inputs: &[Vec<u8>], outputs: &[Vec<u8>]) -> Vec<u8> {
    let nodes = nodes.iter().flat_map(|(operation, from, to)| {
        let node = [
            field(1, from.as_bytes()),
            field(2, to.as_bytes()),
            field(4, operation.as_bytes()),
        ];
        field(1, &node.concat())
    });
    let mut graph: Vec<u8> = nodes.collect();
    graph.extend(field(2, b"g"));
    graph.extend(inputs.iter().flat_map(|input| field(11, input)));
    graph.extend(outputs.iter().flat_map(|output| field(12, output)));
    let opset = field(8, &[field(1, b""), number(2, 18)].concat());
    [number(1, 9), field(7, &graph), opset].concat()
}

const FLOAT: u8 = 1;
const TEXT: u8 = 8;

fn spectrum() -> Vec<u8> {
    value("spectrum", FLOAT, Some(&[0, 4]))
}

#[test]
fn models_that_lie_about_their_shapes_are_refused() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let options = SessionOptions::default();
    let load = |model: &[u8]| FeatureExtractor::from_model(runtime, model, &options);
    let honest = model_of(
        &[("Neg", "spectrum", "features")],
        &[spectrum()],
        &[value("features", FLOAT, Some(&[0, 4]))],
    );
    let extractor = load(&honest).unwrap();
    let features = extractor
        .extract(ndarray::aview2(&[[1.0, 2.0, 3.0, 4.0]]), &Watch::none())
        .unwrap();
    assert_eq!(features.as_slice().unwrap(), [-1.0, -2.0, -3.0, -4.0]);
    assert!(!extractor.has_map());
    let error = extractor.extract_with_map(&[1.0; 4]).unwrap_err();
    assert!(error.to_string().contains("\"feature_map\""), "{error}");

    let scalar = [("ReduceSum", "spectrum", "features")];
    for outputs in [
        value("features", FLOAT, Some(&[])),
        value("features", FLOAT, None),
        value("features", FLOAT, Some(&[0, 4])),
        value("features", TEXT, Some(&[0, 4])),
    ] {
        let outcome = load(&model_of(&scalar, &[spectrum()], &[outputs]))
            .and_then(|extractor| extractor.extract(ndarray::aview2(&[[1.0; 4]]), &Watch::none()));
        let error = outcome.unwrap_err();
        let named = error.to_string().contains("features")
            || matches!(error, InferError::ModelRefused { .. });
        assert!(named, "{error}");
    }
    let flat_map = [
        ("Neg", "spectrum", "features"),
        ("Abs", "spectrum", "feature_map"),
    ];
    let outputs = ["features", "feature_map"].map(|name| value(name, FLOAT, Some(&[0, 4])));
    let error = load(&model_of(&flat_map, &[spectrum()], &outputs)).unwrap_err();
    assert!(error.to_string().contains("\"feature_map\""), "{error}");
}

#[test]
fn a_value_without_axes_is_looked_at_too() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let operations = [("ReduceSum", "spectrum", "sum"), ("Log", "sum", "log")];
    let output = value("log", FLOAT, None);
    let model = model_of(&operations, &[spectrum()], &[output]);
    let Ok(session) = Session::from_bytes(runtime, &model, &SessionOptions::default()) else {
        return;
    };
    let row = |values: [f32; 4]| session.run(ndarray::aview2(&[values]).into_dyn(), &["log"]);
    assert_eq!(row([0.25; 4]).unwrap()[0].iter().sum::<f32>(), 0.0);
    let error = row([-1.0; 4]).unwrap_err();
    assert!(
        matches!(error, InferError::OutputNotFinite { .. }),
        "{error}"
    );
}

#[test]
fn inputs_that_are_no_spectra_are_refused() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let output = || value("features", FLOAT, Some(&[0, 4]));
    let node = [("Neg", "spectrum", "features")];
    let cases = [
        vec![],
        vec![spectrum(), value("mask", FLOAT, Some(&[0, 4]))],
        vec![value("spectrum", TEXT, Some(&[0, 4]))],
        vec![value("spectrum", FLOAT, None)],
        vec![value("spectrum", FLOAT, Some(&[0, 4, 1]))],
    ];
    for inputs in cases {
        let model = model_of(&node, &inputs, &[output()]);
        let loaded = FeatureExtractor::from_model(runtime, &model, &SessionOptions::default());
        assert!(loaded.is_err(), "{inputs:?}");
    }
}
