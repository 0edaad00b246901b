//! Values of masked images against the partition explainer of shap 0.45.1, with the network run
//! by ONNX Runtime.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use assay_golden::{Npz, assert_close, golden_json};
use assay_infer::{OnnxRuntime, Session, SessionOptions};
use assay_network::{
    Activation, ExportOptions, Graph, Head, Landmark, Op, Padding, Tensor, Weights, export_onnx,
    head::softmax,
};
use assay_shap::{
    BlurKernel, ImageBlock, ImageMasker, Outputs, Owen, OwenSettings, Query, ShapError, box_blur,
};
use ndarray::{Array2, Array3, ArrayD, Axis, Ix3, Ix4};
use std::ops::ControlFlow;

/// The model and the values of the reference are in single precision.
const TOLERANCE: f64 = 1e-4;
const SIZE: usize = 48;
const LAYERS: [(&str, usize, usize, usize); 3] =
    [("c1", 1, 8, 2), ("c2", 8, 12, 2), ("c3", 12, 16, 1)];

fn graph() -> Graph {
    let (mut graph, image) = Graph::with_input("image", vec![Some(1), Some(SIZE), Some(SIZE)]);
    graph.mark(Landmark::Image, image);
    let mut value = image;
    for (name, in_channels, out_channels, stride) in LAYERS {
        let conv = Op::Conv {
            in_channels,
            out_channels,
            kernel: vec![3, 3],
            stride: vec![stride; 2],
            groups: 1,
            padding: Padding::Same,
            bias: true,
        };
        value = graph.push(name, conv, &[value]);
        let relu = Op::Activation(Activation::Relu);
        value = graph.push(format!("{name}.act"), relu, &[value]);
    }
    graph.mark(Landmark::FeatureMap, value);
    let pool = Op::GlobalAveragePool { keep_axes: false };
    let features = graph.push("pool", pool, &[value]);
    graph.mark(Landmark::Features, features);
    graph
}

fn tensor(npz: &mut Npz, name: &str, axes: &[usize]) -> Tensor {
    let array = npz.f64(&format!("w/{name}")).permuted_axes(axes.to_vec());
    let data = array.iter().map(|value| *value as f32).collect();
    Tensor::new(array.shape().to_vec(), data).unwrap()
}

struct Network {
    session: Session,
    head: Head,
}

impl Network {
    fn read(npz: &mut Npz) -> Self {
        let mut weights = Weights::new();
        for (name, ..) in LAYERS {
            // Keras keeps kernels as [height, width, in, out].
            let kernel = tensor(npz, &format!("{name}/kernel"), &[3, 2, 0, 1]);
            weights.insert(format!("{name}.weight"), kernel);
            let bias = tensor(npz, &format!("{name}/bias"), &[0]);
            weights.insert(format!("{name}.bias"), bias);
        }
        let kernel = tensor(npz, "out/kernel", &[0, 1]);
        let bias = tensor(npz, "out/bias", &[0]);
        let options = ExportOptions {
            outputs: vec![Landmark::Features],
            ..ExportOptions::default()
        };
        let model = export_onnx(&graph(), &weights, &options).unwrap();
        let runtime = OnnxRuntime::load(None).unwrap();
        Self {
            session: Session::from_bytes(runtime, &model, &SessionOptions::default()).unwrap(),
            head: Head::new(kernel.data, bias.data).unwrap(),
        }
    }

    fn probabilities(&self, image: &Array3<f32>) -> Vec<f32> {
        let input = image.view().permuted_axes([2, 0, 1]).into_dyn();
        let outputs = self.session.run(input, &["features"]).unwrap();
        let features: Vec<f32> = outputs[0].iter().copied().collect();
        softmax(&self.head.logits(&features).unwrap()).unwrap()
    }
}

fn images(npz: &mut Npz) -> Vec<Array3<f32>> {
    let images = npz.f64("images").mapv(|value| value as f32);
    let images = images.into_dimensionality::<Ix4>().unwrap();
    images.axis_iter(Axis(0)).map(|i| i.to_owned()).collect()
}

fn wide<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<f64> {
    values.into_iter().copied().map(f64::from).collect()
}

#[test]
fn blurred_images_are_those_of_opencv() {
    let test = "blurred_images_are_those_of_opencv";
    let Some(mut npz) = Npz::open(test, "shap.npz") else {
        return;
    };
    for side in [12, 4] {
        let expected = npz.f64(&format!("blurred{side}"));
        let expected = expected.into_dimensionality::<Ix3>().unwrap();
        for (image, expected) in images(&mut npz).iter().zip(expected.outer_iter()) {
            let blurred = box_blur(image.view(), BlurKernel::square(side)).unwrap();
            let expected: Vec<f64> = expected.iter().copied().collect();
            assert_close(&format!("blur {side}"), &wide(&blurred), &expected, 1e-6);
        }
    }
}

#[test]
fn the_network_is_that_of_the_reference() {
    let test = "the_network_is_that_of_the_reference";
    let Some(mut npz) = Npz::open(test, "shap.npz") else {
        return;
    };
    let network = Network::read(&mut npz);
    let expected = npz.f64("probs");
    for (image, expected) in images(&mut npz).iter().zip(expected.outer_iter()) {
        let expected: Vec<f64> = expected.iter().copied().collect();
        let actual = wide(&network.probabilities(image));
        assert_close("probabilities", &actual, &expected, 2e-6);
    }
}

#[test]
fn values_of_images_are_those_of_the_reference() {
    let test = "values_of_images_are_those_of_the_reference";
    let Some(mut npz) = Npz::open(test, "shap.npz") else {
        return;
    };
    let json = golden_json(test, "golden.json").unwrap();
    let cases = json["shap.npz"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    let network = Network::read(&mut npz);
    let images = images(&mut npz);
    for case in cases {
        let key = case["key"].as_str().unwrap();
        let number = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        let kernel = BlurKernel {
            width: number(&case["blur"][0]),
            height: number(&case["blur"][1]),
        };
        let settings = OwenSettings {
            max_evals: number(&case["max_evals"]),
            outputs: Outputs::Highest(3),
            ..OwenSettings::default()
        };
        let expected = npz.f64(&format!("{key}_values"));
        let base = npz.f64(&format!("{key}_base"));
        let mut rows = 0;
        for (index, image) in images.iter().enumerate() {
            let masker = ImageMasker::blurred(image.view(), kernel).unwrap();
            let mut game = |queries: &[Query<ImageBlock>]| -> Result<Array2<f64>, ShapError> {
                rows += queries.len();
                let outputs = queries.iter().map(|query| {
                    let image = masker.masked(&query.present).unwrap();
                    wide(&network.probabilities(&image))
                });
                let outputs: Vec<f64> = outputs.flatten().collect();
                Ok(Array2::from_shape_vec((queries.len(), 4), outputs).unwrap())
            };
            let partition = masker.partition();
            let mut owen = Owen::start(partition, &mut game, settings.clone()).unwrap();
            let mut watch = |_: &Owen<ImageBlock>| ControlFlow::Continue(());
            owen.run(partition, &mut game, &mut watch).unwrap();
            let result = owen.finish(partition).unwrap();
            let what = format!("{key} image {index}");
            check(
                &what,
                &result.values,
                &expected.index_axis(Axis(0), index).to_owned(),
            );
            let base: Vec<f64> = base.index_axis(Axis(0), index).iter().copied().collect();
            assert_close(&what, &result.base, &base, 2e-6);
        }
        assert_eq!(rows, number(&case["model_rows"]), "{key}: model rows");
    }
}

fn check(what: &str, values: &Array2<f64>, expected: &ArrayD<f64>) {
    let expected: Vec<f64> = expected.iter().copied().collect();
    let values: Vec<f64> = values.iter().copied().collect();
    let pairs = values.iter().zip(&expected);
    let worst = pairs.map(|(v, e)| (v - e).abs()).fold(0.0, f64::max);
    let largest = expected.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
    eprintln!("{what}: largest value {largest:e}, worst difference {worst:e}");
    assert_close(what, &values, &expected, TOLERANCE);
    // A value of one pixel is often below the tolerance, so the differences must also be small
    // against the values themselves.
    assert!(
        worst <= TOLERANCE * largest,
        "{what}: off by {worst:e} of {largest:e}"
    );
}
