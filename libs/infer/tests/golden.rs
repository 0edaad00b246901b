//! Networks written as ONNX and run by ONNX Runtime, against Keras and against the images in
//! double precision.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod seeded;

use assay_golden::{Npz, assert_close, golden_dir};
use assay_gramian::{Field, Imaging};
use assay_infer::{OnnxRuntime, Session, SessionOptions};
use assay_network::{Base, ExportOptions, Landmark, Weights, export_onnx, weights::convert_keras};
use ndarray::{Array2, ArrayD, Axis};

fn session(graph: &assay_network::Graph, weights: &Weights, output: Landmark) -> Session {
    let options = ExportOptions {
        outputs: vec![output],
        ..ExportOptions::default()
    };
    let model = export_onnx(graph, weights, &options).unwrap();
    let runtime = OnnxRuntime::load(None).unwrap();
    Session::from_bytes(runtime, &model, &SessionOptions::default()).unwrap()
}

fn channels_first(array: ArrayD<f64>) -> ArrayD<f64> {
    array.permuted_axes(vec![0, 3, 1, 2])
}

fn keras_base(test: &str, key: &str, base: Base) {
    let Some(dir) = golden_dir(test) else { return };
    let file = format!("{key}.npz");
    let arrays = Weights::from_npz(&std::fs::read(dir.join(&file)).unwrap()).unwrap();
    let weights = convert_keras(&arrays, base).unwrap();
    let Some(mut npz) = Npz::open(test, &file) else {
        return;
    };
    for size in [96, 83] {
        let input = channels_first(npz.f64(&format!("{key}/in{size}"))).mapv(|v| v as f32);
        let expected = channels_first(npz.f64(&format!("{key}/out{size}")));
        let graph = base.picture_graph(Some(size), Some(size));
        let session = session(&graph, &weights, Landmark::FeatureMap);
        let outputs = session.run(input.view(), &["feature_map"]).unwrap();
        assert_eq!(outputs[0].shape(), expected.shape());
        let largest = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let actual: Vec<f64> = outputs[0].iter().map(|v| f64::from(*v)).collect();
        let expected: Vec<f64> = expected.iter().copied().collect();
        let what = format!("{key} at {size}");
        assert_close(&what, &actual, &expected, 1e-4 * largest);
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

fn imagings() -> Vec<Imaging> {
    let usual = Imaging {
        size: 96,
        ..Imaging::default()
    };
    let summation = Imaging {
        field: Field::Summation,
        ..usual.clone()
    };
    let overlapping = Imaging {
        overlapping: true,
        size: 50,
        ..usual.clone()
    };
    let narrow = Imaging {
        sample_range: Some((-0.5, 0.25)),
        ..usual.clone()
    };
    let large = Imaging::default();
    vec![usual, summation, overlapping, narrow, large]
}

fn check_images(what: &str, vectors: &Array2<f32>, imaging: &Imaging) {
    let graph = seeded::classifier(imaging.clone(), vectors.ncols());
    let session = session(&graph, &seeded::weights(&graph), Landmark::Image);
    for (row, vector) in vectors.outer_iter().enumerate() {
        let input = vector.insert_axis(Axis(0)).into_dyn();
        let outputs = session.run(input, &["image"]).unwrap();
        assert_eq!(outputs[0].shape(), [1, imaging.size, imaging.size]);
        let wide: Vec<f64> = vector.iter().copied().map(f64::from).collect();
        let expected = imaging.image(&wide).unwrap();
        let actual: Vec<f64> = outputs[0].iter().copied().map(f64::from).collect();
        let expected: Vec<f64> = expected.iter().copied().collect();
        let what = format!("{what} row {row} {imaging:?}");
        assert_close(&what, &actual, &expected, 2e-6);
    }
}

#[test]
fn images_inside_the_graph_are_those_of_double_precision() {
    let mut vectors = seeded::vectors(3, 2631);
    vectors.row_mut(2).fill(-4.5);
    for imaging in imagings() {
        check_images("seeded", &vectors, &imaging);
    }
    let unscaled = Imaging {
        sample_range: None,
        size: 64,
        ..Imaging::default()
    };
    check_images("unscaled", &vectors.mapv(|v| (v / 3.0).sin()), &unscaled);
    let whole = Imaging {
        size: 700,
        ..Imaging::default()
    };
    check_images("without aggregation", &seeded::vectors(1, 700), &whole);
}

#[test]
fn images_of_measured_spectra_are_those_of_double_precision() {
    let test = "images_of_measured_spectra_are_those_of_double_precision";
    let Some(mut npz) = Npz::open(test, "preprocess.npz") else {
        return;
    };
    let vectors = npz.f64("prep_2631").mapv(|v| v as f32);
    let vectors: Array2<f32> = vectors.into_dimensionality().unwrap();
    check_images("measured", &vectors, &Imaging::default());
}
