//! Features: the same whatever stands beside a spectrum, and refusals in words.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod hostile;
mod seeded;

use assay_core::{Classified, ErrorKind};
use assay_gramian::Imaging;
use assay_infer::{FeatureExtractor, InferError, OnnxRuntime, Session, SessionOptions, Watch};
use assay_network::{ExportOptions, Graph, Head, Landmark, Weights, export_onnx};
use ndarray::{Array2, Axis, s};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

const BINS: usize = 600;

fn network() -> (Graph, Weights) {
    let imaging = Imaging {
        size: 96,
        ..Imaging::default()
    };
    let graph = seeded::classifier(imaging, BINS);
    let weights = seeded::weights(&graph);
    (graph, weights)
}

fn extractor() -> FeatureExtractor {
    let (graph, weights) = network();
    let runtime = OnnxRuntime::load(None).unwrap();
    FeatureExtractor::new(runtime, &graph, &weights, None, &SessionOptions::default()).unwrap()
}

fn whole_model() -> Vec<u8> {
    let (graph, weights) = network();
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
    export_onnx(&graph, &weights, &options).unwrap()
}

fn bits(features: &Array2<f32>) -> Vec<u32> {
    features.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_row_of_a_batch_equals_the_row_alone() {
    let extractor = extractor();
    let vectors = seeded::vectors(5, BINS);
    let batch = extractor.extract(vectors.view(), &Watch::none()).unwrap();
    assert_eq!(batch.dim(), (5, extractor.features()));
    for row in 0..5 {
        let alone = extractor
            .extract(vectors.slice(s![row..=row, ..]), &Watch::none())
            .unwrap();
        let of_batch = batch.slice(s![row..=row, ..]).to_owned();
        assert_eq!(bits(&alone), bits(&of_batch), "row {row}");
    }
    assert!(batch.row(0) != batch.row(1), "rows differ at all");
    let reversed = vectors
        .slice(s![.., ..;1])
        .select(Axis(0), &[4, 3, 2, 1, 0]);
    let reversed = extractor.extract(reversed.view(), &Watch::none()).unwrap();
    assert_eq!(
        bits(&reversed.select(Axis(0), &[4, 3, 2, 1, 0])),
        bits(&batch)
    );
}

#[test]
fn the_cut_network_and_the_whole_model_give_the_same_bits() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let options = SessionOptions::default();
    let whole = FeatureExtractor::from_model(runtime, &whole_model(), &options).unwrap();
    let vectors = seeded::vectors(4, BINS);
    let features = whole.extract(vectors.view(), &Watch::none()).unwrap();
    let cut = extractor().extract(vectors.view(), &Watch::none()).unwrap();
    assert_eq!(bits(&features), bits(&cut));
}

#[test]
fn outputs_of_the_whole_model_fit_each_other() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let session = Session::from_bytes(runtime, &whole_model(), &SessionOptions::default()).unwrap();
    let vectors = seeded::vectors(2, BINS);
    let names = [
        "features",
        "logits",
        "probabilities",
        "image",
        "feature_map",
    ];
    let outputs = session.run(vectors.view().into_dyn(), &names).unwrap();
    let shapes: Vec<_> = outputs
        .iter()
        .map(|output| output.shape().to_vec())
        .collect();
    let expected: [&[usize]; 5] = [&[2, 256], &[2, 3], &[2, 3], &[2, 96, 96], &[2, 256, 3, 3]];
    assert_eq!(shapes, expected);
    let head = Head::from_weights(&network().1).unwrap();
    for row in 0..2 {
        let of = |output: usize| -> Vec<f32> {
            outputs[output]
                .index_axis(Axis(0), row)
                .iter()
                .copied()
                .collect()
        };
        let logits = head.logits(&of(0)).unwrap();
        let scale = logits.iter().fold(1.0_f32, |m, v| m.max(v.abs()));
        for (ours, theirs) in logits.iter().zip(of(1)) {
            assert!((ours - theirs).abs() <= 1e-5 * scale, "{ours} and {theirs}");
        }
        let ours = assay_network::head::softmax(&logits).unwrap();
        for (ours, theirs) in ours.iter().zip(of(2)) {
            assert!((ours - theirs).abs() <= 1e-5, "{ours} and {theirs}");
        }
        let means = outputs[4]
            .index_axis(Axis(0), row)
            .mean_axis(Axis(2))
            .unwrap();
        let means = means.mean_axis(Axis(1)).unwrap();
        for (mean, feature) in means.iter().zip(of(0)) {
            assert!((mean - feature).abs() <= 1e-5, "{mean} and {feature}");
        }
    }
}

#[test]
fn a_map_comes_with_the_very_same_features() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let options = SessionOptions::default();
    let extractor = FeatureExtractor::from_model(runtime, &whole_model(), &options).unwrap();
    assert!(extractor.has_map());
    let vectors = seeded::vectors(2, BINS);
    let features = extractor.extract(vectors.view(), &Watch::none()).unwrap();
    for (vector, features) in vectors.outer_iter().zip(features.outer_iter()) {
        let mapped = extractor
            .extract_with_map(vector.as_slice().unwrap())
            .unwrap();
        assert_eq!(mapped.map.shape(), [256, 3, 3]);
        assert_eq!(mapped.features.len(), extractor.features());
        for (channel, (map, feature)) in mapped.map.outer_iter().zip(features).enumerate() {
            assert_eq!(mapped.features[channel].to_bits(), feature.to_bits());
            assert!((map.mean().unwrap() - feature).abs() <= 1e-5, "{channel}");
        }
    }
    let mut wrong = vectors.row(0).to_vec();
    wrong[17] = f32::NAN;
    let shown = extractor.extract_with_map(&wrong).unwrap_err().to_string();
    assert!(shown.contains("position 17"), "{shown}");
    wrong.pop();
    let shown = extractor.extract_with_map(&wrong).unwrap_err().to_string();
    assert!(shown.contains("[1, 599]"), "{shown}");
}

#[test]
fn a_network_cut_to_its_features_has_no_map() {
    let extractor = extractor();
    assert!(!extractor.has_map());
    let vector = seeded::vectors(1, BINS).into_raw_vec_and_offset().0;
    let error = extractor.extract_with_map(&vector).unwrap_err().to_string();
    assert!(error.contains("no output \"feature_map\""), "{error}");
}

#[test]
fn threads_do_not_change_the_bits() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let vectors = seeded::vectors(2, BINS);
    let of = |threads| {
        let options = SessionOptions {
            threads: std::num::NonZeroUsize::new(threads),
            ..SessionOptions::default()
        };
        let extractor = FeatureExtractor::from_model(runtime, &whole_model(), &options).unwrap();
        bits(&extractor.extract(vectors.view(), &Watch::none()).unwrap())
    };
    assert_eq!(of(1), of(2));
    assert_eq!(of(1), of(3));
}

#[test]
fn progress_is_told_and_cancelling_stops() {
    let extractor = extractor();
    let vectors = seeded::vectors(4, BINS);
    let (seen, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let progress = |done: usize, total: usize| {
        seen.lock().unwrap().push((done, total));
        stop.store(done == 2, Ordering::Relaxed);
    };
    let watch = Watch::none()
        .with_progress(&progress)
        .with_cancellation(&stop);
    let error = extractor.extract(vectors.view(), &watch).unwrap_err();
    assert!(
        matches!(error, InferError::Cancelled { done: 2, total: 4 }),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(*seen.lock().unwrap(), [(1, 4), (2, 4)]);
    let none = extractor
        .extract(Array2::zeros((0, BINS)).view(), &Watch::none())
        .unwrap();
    assert_eq!(none.dim(), (0, extractor.features()));
}

#[test]
fn wrong_input_is_refused_by_row_and_value() {
    let extractor = extractor();
    let narrow = extractor.extract(seeded::vectors(2, BINS - 1).view(), &Watch::none());
    let shown = narrow.unwrap_err().to_string();
    assert!(
        shown.contains("[1, 599]") && shown.contains("[n, 600]"),
        "{shown}"
    );
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut vectors = seeded::vectors(3, BINS);
        vectors[[2, 17]] = value;
        let error = extractor
            .extract(vectors.view(), &Watch::none())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let shown = error.to_string();
        assert!(
            shown.contains("row 2") && shown.contains("position 17"),
            "{shown}"
        );
    }
    let runtime = OnnxRuntime::load(None).unwrap();
    let session = Session::from_bytes(runtime, &whole_model(), &SessionOptions::default()).unwrap();
    let vectors = seeded::vectors(1, BINS);
    let error = session
        .run(vectors.view().into_dyn(), &["depth"])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("\"depth\"") && error.contains("probabilities"),
        "{error}"
    );
    let flat = vectors.row(0).into_dyn();
    assert!(matches!(
        session.run(flat, &["logits"]),
        Err(InferError::InputShape { .. })
    ));
    let none = Array2::zeros((0, BINS));
    let refused = session.run(none.view().into_dyn(), &["logits"]);
    assert!(matches!(refused, Err(InferError::InputShape { .. })));
}

#[test]
fn values_that_overflow_inside_the_model_are_an_error() {
    let (graph, mut weights) = network();
    let mut head = weights.remove("head.weight").unwrap();
    head.data.fill(f32::MAX);
    weights.insert("head.weight", head);
    let options = ExportOptions {
        outputs: vec![Landmark::Logits],
        ..ExportOptions::default()
    };
    let model = export_onnx(&graph, &weights, &options).unwrap();
    let runtime = OnnxRuntime::load(None).unwrap();
    let session = Session::from_bytes(runtime, &model, &SessionOptions::default()).unwrap();
    let vectors = seeded::vectors(1, BINS);
    let error = session
        .run(vectors.view().into_dyn(), &["logits"])
        .unwrap_err();
    assert!(
        matches!(error, InferError::OutputNotFinite { row: 0, .. }),
        "{error}"
    );
}

#[test]
fn what_is_no_usable_model_is_refused() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let options = SessionOptions::default();
    for bytes in [&b""[..], b"no model", &whole_model()[..5000]] {
        let error = Session::from_bytes(runtime, bytes, &options).unwrap_err();
        assert!(matches!(error, InferError::ModelRefused { .. }), "{error}");
    }
    let (graph, weights) = network();
    let export = |graph: &Graph, output: Landmark| {
        let options = ExportOptions {
            outputs: vec![output],
            ..ExportOptions::default()
        };
        export_onnx(graph, &weights, &options).unwrap()
    };
    let featureless = export(&graph, Landmark::FeatureMap);
    let error = FeatureExtractor::from_model(runtime, &featureless, &options).unwrap_err();
    assert!(
        error.to_string().contains("no output \"features\""),
        "{error}"
    );
    let from_image = graph.cut(Landmark::Image, Landmark::Features).unwrap();
    let model = export(&from_image, Landmark::Features);
    let error = FeatureExtractor::from_model(runtime, &model, &options).unwrap_err();
    assert!(error.to_string().contains("\"spectrum\""), "{error}");
}

#[test]
fn one_session_serves_many_threads() {
    let extractor = extractor();
    let vectors = seeded::vectors(4, BINS);
    let alone = extractor.extract(vectors.view(), &Watch::none()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let features = extractor.extract(vectors.view(), &Watch::none()).unwrap();
                assert_eq!(bits(&features), bits(&alone));
            });
        }
    });
    assert_eq!(extractor.engine().name, "onnxruntime");
    assert!(
        extractor.engine().to_string().ends_with(" cpu f32"),
        "{}",
        extractor.engine()
    );
}
