//! The same graph and weights in torch and in ONNX Runtime.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use assay_core::keyed_rng;
use assay_gramian::{Field, Imaging};
use assay_infer::{OnnxRuntime, Session, SessionOptions};
use assay_network::{
    Activation, Base, ExportOptions, Graph, HeadSpec, ImageLayer, Landmark, Op, Tutorial1d,
    TutorialVariant, Weights, bases, catalogue::image_classifier, export_onnx,
};
use assay_train::{
    DeviceChoice, FeatureSource, Mode, TchNetwork, TrainError, Trainable, Unobserved,
    compute_features, initial_weights, open_device,
};
use ndarray::Array2;
use rand::RngExt;
use std::path::Path;
use tch::{Device, Kind, Tensor, no_grad};

const HEAD: HeadSpec = HeadSpec {
    classes: 4,
    dropout: 0.2,
};

/// Starting weights with batch statistics and biases that are not those of an identity.
fn random_weights(graph: &Graph, seed: u64) -> Weights {
    let mut rng = keyed_rng(seed, "weights of a test", &[]);
    initial_weights(graph, seed)
        .unwrap()
        .iter()
        .map(|(name, tensor)| {
            let mut tensor = tensor.clone();
            let (low, high) = match name.rsplit_once('.').unwrap().1 {
                "bias" | "running_mean" => (-0.3, 0.3),
                "running_var" => (0.5, 1.5),
                _ if tensor.shape.len() == 1 => (0.7, 1.3),
                _ => return (name.to_owned(), tensor),
            };
            for value in &mut tensor.data {
                *value = rng.random_range(low..high);
            }
            (name.to_owned(), tensor)
        })
        .collect()
}

/// Logarithms of something like normalised counts; the last row is constant.
fn vectors(rows: usize, bins: usize) -> Array2<f32> {
    let mut rng = keyed_rng(1, "vectors of a test", &[]);
    Array2::from_shape_fn((rows, bins), |(row, bin)| {
        if row + 1 == rows {
            return -7.5;
        }
        let peak = if bin % (17 + row) == 0 { 4.0 } else { 0.0 };
        -12.0 + peak + rng.random_range(0.0..1.5)
    })
}

/// Largest difference relative to the largest value.
fn relative_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let worst = ours
        .iter()
        .zip(theirs)
        .fold(0.0_f32, |m, (a, b)| m.max((a - b).abs()));
    worst / scale
}

fn compare(what: &str, graph: &Graph, weights: &Weights, bins: usize) {
    let landmarks: Vec<Landmark> = [
        Landmark::Image,
        Landmark::FeatureMap,
        Landmark::Features,
        Landmark::Logits,
    ]
    .into_iter()
    .filter(|&landmark| graph.landmark(landmark).is_some())
    .collect();
    let options = ExportOptions {
        outputs: landmarks.clone(),
        ..ExportOptions::default()
    };
    let model = export_onnx(graph, weights, &options).unwrap();
    let runtime = OnnxRuntime::load(None).unwrap();
    let session = Session::from_bytes(runtime, &model, &SessionOptions::default()).unwrap();
    let input = vectors(4, bins);
    let names: Vec<&str> = landmarks.iter().map(|l| l.tensor_name()).collect();
    let expected = session.run(input.view().into_dyn(), &names).unwrap();

    let device = open_device(DeviceChoice::Auto).unwrap();
    let network = TchNetwork::new(graph, weights, device, Trainable::Nothing).unwrap();
    let rows = Tensor::from_slice(input.as_slice().unwrap())
        .reshape([4, -1])
        .to_device(device);
    for (landmark, expected) in landmarks.into_iter().zip(expected) {
        let found = no_grad(|| network.forward(&rows, landmark, Mode::Inference)).unwrap();
        let found = found
            .to_device(Device::Cpu)
            .to_kind(Kind::Float)
            .contiguous()
            .flatten(0, -1);
        let found = Vec::<f32>::try_from(found).unwrap();
        let expected: Vec<f32> = expected.iter().copied().collect();
        let difference = relative_difference(&found, &expected);
        assert!(difference < 1e-4, "{what}, {landmark:?}: {difference:e}");
    }
}

#[test]
fn networks_for_spectra() {
    for variant in [
        TutorialVariant::Flatten,
        TutorialVariant::Gap,
        TutorialVariant::SmallGap { pool: 8 },
        TutorialVariant::SmallGap { pool: 4 },
    ] {
        for (activation, bins) in [(Activation::Relu, 2631), (Activation::Elu, 1000)] {
            let network = Tutorial1d {
                variant,
                activation,
                bins,
                head: HEAD,
            };
            let graph = network.graph().unwrap();
            let what = format!("{variant:?} {activation:?}");
            compare(&what, &graph, &random_weights(&graph, 3), bins);
        }
    }
}

fn image_network(name: &str, imaging: Imaging, bins: usize) -> Graph {
    let base: Base = name.parse().unwrap();
    image_classifier(ImageLayer { imaging, bins }, &base.graph(None), HEAD).unwrap()
}

fn imaging(size: usize) -> Imaging {
    Imaging {
        size,
        ..Imaging::default()
    }
}

#[test]
fn bases_on_images_of_even_and_odd_size() {
    for (name, size) in [
        ("mobilenet-v1-0.25", 96),
        ("mobilenet-v3-small", 83),
        ("efficientnet-lite0", 75),
    ] {
        let graph = image_network(name, imaging(size), 300);
        compare(name, &graph, &random_weights(&graph, 5), 300);
    }
}

#[test]
fn every_imaging_rule() {
    for rule in [
        imaging(300),
        imaging(64),
        Imaging {
            field: Field::Summation,
            overlapping: true,
            ..imaging(64)
        },
        Imaging {
            sample_range: Some((0.0, 1.0)),
            ..imaging(70)
        },
        Imaging {
            sample_range: Some((-0.25, 0.5)),
            field: Field::Summation,
            ..imaging(33)
        },
    ] {
        let what = format!("{rule:?}");
        let graph = image_network("mobilenet-v1-0.25", rule, 300);
        compare(&what, &graph, &random_weights(&graph, 7), 300);
    }
}

/// The weights of ImageNet, where set-up has brought them.
#[test]
fn the_pretrained_base() {
    let Some(folder) = std::env::var_os("OPENASSAY_BASES_DIR") else {
        eprintln!("SKIPPED the_pretrained_base: OPENASSAY_BASES_DIR is not set");
        return;
    };
    let base = bases::load("efficientnet-lite0", Path::new(&folder)).unwrap();
    let imaging = imaging(224);
    let layer = ImageLayer {
        imaging,
        bins: 2631,
    };
    let graph = image_classifier(layer, &base.graph, HEAD).unwrap();
    let mut weights = random_weights(&graph, 9);
    weights.extend(base.weights);
    compare(
        "efficientnet-lite0 with ImageNet weights",
        &graph,
        &weights,
        2631,
    );
}

#[test]
fn a_foreign_base_is_refused_in_words() {
    let (mut graph, image) = Graph::with_input("image", vec![Some(1), Some(8), Some(8)]);
    graph.mark(Landmark::Image, image);
    let map = graph.push("foreign", Op::Foreign { channels: 3 }, &[image]);
    graph.mark(Landmark::FeatureMap, map);
    let refused = TchNetwork::new(&graph, &Weights::new(), Device::Cpu, Trainable::All);
    match refused {
        Err(error @ TrainError::Untrainable(_)) => {
            assert!(error.to_string().contains("only its head"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn kept_features_are_taken_again_only_for_the_same_input() {
    let network = Tutorial1d {
        variant: TutorialVariant::SmallGap { pool: 8 },
        activation: Activation::Relu,
        bins: 1000,
        head: HEAD,
    };
    let graph = network.graph().unwrap();
    let weights = random_weights(&graph, 3);
    let folder = tempfile::tempdir().unwrap();
    let source = FeatureSource {
        graph: &graph,
        weights: &weights,
        foreign: None,
        device: Device::Cpu,
        threads: 1,
        runtime_library: None,
        keep_in: Some(folder.path()),
    };
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let mut input = vectors(5, 1000);
    let first = compute_features(&source, input.view(), &Unobserved).unwrap();
    assert_eq!(files(), 1);
    let second = compute_features(&source, input.view(), &Unobserved).unwrap();
    assert_eq!(first.values, second.values);
    assert_eq!(files(), 1);
    input[[2, 40]] += 1.0;
    let third = compute_features(&source, input.view(), &Unobserved).unwrap();
    assert_ne!(first.values, third.values);
    assert_eq!(files(), 2);
}
