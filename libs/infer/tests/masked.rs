//! Features of masked images, pieced together, against runs of the whole network.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use assay_core::{Classified, ErrorKind, KeyedRng, keyed_rng};
use assay_infer::{
    Mask, MaskedFeatures, MaskedNetwork, MaskedOptions, OnnxRuntime, Rectangle, Session,
    SessionOptions,
};
use assay_network::{
    Activation, Base, ExportOptions, Graph, HeadSpec, Landmark, Op, Padding, Tensor, Weights,
    catalogue::{LiteVariant, attach_head},
    export_onnx,
};
use ndarray::{Array2, Axis, s};
use rand::RngExt;

/// Against the largest feature: what differs is the order of sums in single precision.
const TOLERANCE: f32 = 1e-4;

const LITE0: Base = Base::EfficientNetLite(LiteVariant::Lite0);
const SMALL: Base = Base::MobileNetV1 { alpha: 0.25 };

fn classifier(base: Base, size: usize) -> Graph {
    let head = HeadSpec {
        classes: 3,
        dropout: 0.2,
    };
    attach_head(&base.graph(Some(size)), head).unwrap()
}

/// A convolution, a pool and a convolution, whose last window has no layer behind it; odd paddings
/// on purpose.
fn plain(size: usize) -> Graph {
    let (mut graph, image) = Graph::with_input("image", vec![Some(1), Some(size), Some(size)]);
    graph.mark(Landmark::Image, image);
    let conv = |channels: (usize, usize), kernel: [usize; 2], stride: usize, padding| Op::Conv {
        in_channels: channels.0,
        out_channels: channels.1,
        kernel: kernel.to_vec(),
        stride: vec![stride; 2],
        groups: 1,
        padding,
        bias: true,
    };
    let odd = Padding::Explicit(vec![(2, 0), (0, 3)]);
    let a = graph.push("a", conv((1, 5), [3, 4], 1, odd), &[image]);
    let a = graph.push("a.act", Op::Activation(Activation::Elu), &[a]);
    let pool = Op::MaxPool {
        kernel: vec![3, 2],
        stride: vec![2, 3],
    };
    let b = graph.push("b", pool, &[a]);
    let c = graph.push("c", conv((5, 6), [5, 3], 2, Padding::Same), &[b]);
    let d = graph.push("d", conv((6, 6), [3, 3], 1, Padding::Same), &[c]);
    let e = graph.push("e", Op::Add, &[c, d]);
    graph.mark(Landmark::FeatureMap, e);
    let pool = Op::GlobalAveragePool { keep_axes: false };
    let features = graph.push("pool", pool, &[e]);
    graph.mark(Landmark::Features, features);
    graph
}

/// Weights that carry a signal through all layers: of variance two over the number of inputs, with
/// normalisations near one.
fn weights(graph: &Graph) -> Weights {
    let shapes = graph.weight_shapes().into_iter().enumerate();
    let tensors = shapes.map(|(index, (name, shape))| {
        let mut rng = keyed_rng(9, "carrying weights", &[index as u64]);
        let (middle, spread) = match (name.rsplit('.').next(), shape.len()) {
            (Some("running_var"), _) => (1.0, 0.3),
            (Some("weight"), 1) => (1.0, 0.2),
            (Some("weight"), _) => {
                let inputs: usize = shape[1..].iter().product();
                (0.0, (6.0 / inputs as f32).sqrt())
            }
            _ => (0.0, 0.1),
        };
        let draw = || middle + rng.random_range(-spread..spread);
        let data = std::iter::repeat_with(draw).take(shape.iter().product());
        let data = data.collect();
        (name, Tensor { shape, data })
    });
    tensors.collect()
}

struct Case {
    network: MaskedNetwork,
    whole: Session,
    shown: Array2<f32>,
    hidden: Array2<f32>,
}

impl Case {
    fn new(graph: &Graph, size: usize, memory_bytes: usize) -> Self {
        let weights = weights(graph);
        let runtime = OnnxRuntime::load(None).unwrap();
        let options = MaskedOptions {
            memory_bytes,
            ..MaskedOptions::default()
        };
        let network = MaskedNetwork::new(runtime, graph, &weights, None, &options).unwrap();
        let export = ExportOptions {
            outputs: vec![Landmark::Features],
            ..ExportOptions::default()
        };
        let model = export_onnx(graph, &weights, &export).unwrap();
        let whole = Session::from_bytes(runtime, &model, &SessionOptions::default()).unwrap();
        let mut rng = keyed_rng(5, "masked pixels", &[size as u64]);
        let shown = Array2::from_shape_fn((size, size), |_| rng.random_range(-1.0..1.0));
        let hidden = shown.mapv(|pixel: f32| 0.3 * pixel.abs() - 0.2);
        Self {
            network,
            whole,
            shown,
            hidden,
        }
    }

    fn features(&self) -> MaskedFeatures<'_> {
        let images = (self.shown.view(), self.hidden.view());
        self.network.images(images.0, images.1).unwrap()
    }

    fn by_whole(&self, shown: &[Rectangle]) -> Vec<f32> {
        let mut image = self.hidden.clone();
        for r in shown {
            let window = s![r.top..r.bottom, r.left..r.right];
            image.slice_mut(window).assign(&self.shown.slice(window));
        }
        let input = image.view().insert_axis(Axis(0)).into_dyn();
        let outputs = self.whole.run(input, &["features"]).unwrap();
        outputs[0].iter().copied().collect()
    }

    fn check(&self, features: &mut MaskedFeatures<'_>, mask: &Mask) {
        let actual = features.features(mask).unwrap();
        let expected = self.by_whole(&mask.shown);
        assert_eq!(actual.len(), expected.len());
        let largest = expected.iter().fold(0.0_f32, |m, f| m.max(f.abs()));
        let worst = largest_difference(&actual, &expected);
        assert!(
            worst <= TOLERANCE * largest,
            "{worst:e} of {largest:e}: {mask:?}"
        );
        // A network that hardly looks at its image would agree with anything.
        let everything = largest_difference(&self.by_whole(&[self.all()]), &self.by_whole(&[]));
        assert!(
            everything > 30.0 * TOLERANCE * largest,
            "{everything:e} of {largest:e}"
        );
    }

    fn all(&self) -> Rectangle {
        Rectangle {
            top: 0,
            bottom: self.shown.nrows(),
            left: 0,
            right: self.shown.ncols(),
        }
    }
}

fn largest_difference(one: &[f32], other: &[f32]) -> f32 {
    let pairs = one.iter().zip(other);
    pairs.fold(0.0, |m, (a, b)| m.max((a - b).abs()))
}

fn halves(r: Rectangle) -> (Rectangle, Rectangle) {
    let (mut first, mut second) = (r, r);
    if r.bottom - r.top >= r.right - r.left {
        first.bottom = r.top + (r.bottom - r.top) / 2;
        second.top = first.bottom;
    } else {
        first.right = r.left + (r.right - r.left) / 2;
        second.left = first.right;
    }
    (first, second)
}

/// A way down the tree of halves, as an explanation takes it: every mask lies between two others.
fn descend(case: &Case, features: &mut MaskedFeatures<'_>, rng: &mut KeyedRng, depth: usize) {
    let (mut below, mut block, mut above) = (Vec::new(), case.all(), vec![case.all()]);
    for _ in 0..depth {
        let (first, second) = halves(block);
        let near = [below.clone(), above.clone()];
        let with = |half| {
            let shown = [&below[..], &[half]].concat();
            Mask {
                shown,
                near: near.clone(),
            }
        };
        let (one, other) = (with(first), with(second));
        case.check(features, &one);
        case.check(features, &other);
        let (chosen, with_chosen, with_rest) = match rng.random_range(0..2) {
            0 => (first, one.shown, other.shown),
            _ => (second, other.shown, one.shown),
        };
        block = chosen;
        match rng.random_range(0..2) {
            0 => above = with_chosen,
            _ => below = with_rest,
        }
    }
}

/// Masks from nowhere: a few rectangles that share no pixel.
fn scattered(size: usize, rng: &mut KeyedRng) -> Mask {
    let mut shown: Vec<Rectangle> = Vec::new();
    for _ in 0..5 {
        let mut span = || {
            let start = rng.random_range(0..size);
            (start, rng.random_range(start + 1..=size))
        };
        let ((top, bottom), (left, right)) = (span(), span());
        let apart = |r: &Rectangle| {
            r.bottom <= top || bottom <= r.top || r.right <= left || right <= r.left
        };
        if shown.iter().all(apart) {
            shown.push(Rectangle {
                top,
                bottom,
                left,
                right,
            });
        }
    }
    Mask {
        shown,
        ..Mask::default()
    }
}

fn check_network(graph: &Graph, size: usize, memory_bytes: usize, ways: usize) {
    let case = Case::new(graph, size, memory_bytes);
    assert!(case.network.reuses());
    let mut features = case.features();
    let mut rng = keyed_rng(6, "masks", &[size as u64]);
    for _ in 0..ways {
        descend(&case, &mut features, &mut rng, 6);
        case.check(&mut features, &scattered(size, &mut rng));
    }
    let all = Mask {
        shown: vec![case.all()],
        ..Mask::default()
    };
    case.check(&mut features, &all);
    case.check(&mut features, &Mask::default());
    let work = features.work().unwrap();
    eprintln!("size {size}: {:.3} of the work", work.done / work.whole);
}

#[test]
fn efficientnet_at_odd_and_even_sizes() {
    for size in [131, 160, 263] {
        check_network(&classifier(LITE0, size), size, 1 << 30, 2);
    }
}

#[test]
fn a_smaller_network_at_every_parity() {
    for size in [33, 64, 97, 98, 99, 100, 131, 223, 352] {
        check_network(&classifier(SMALL, size), size, 1 << 30, 2);
    }
}

#[test]
fn a_network_with_odd_paddings_and_a_pool() {
    for size in 40..52 {
        check_network(&plain(size), size, 1 << 20, 3);
    }
}

#[test]
fn little_memory_or_none_changes_nothing() {
    for memory_bytes in [0, 30_000, 600_000] {
        check_network(&classifier(SMALL, 131), 131, memory_bytes, 2);
    }
}

#[test]
fn without_memory_features_depend_on_the_mask_alone() {
    let size = 131;
    let case = Case::new(&classifier(SMALL, size), size, 0);
    let mut rng = keyed_rng(10, "masks", &[]);
    let masks: Vec<Mask> = (0..4).map(|_| scattered(size, &mut rng)).collect();
    let (mut onwards, mut backwards) = (case.features(), case.features());
    let first: Vec<_> = masks.iter().map(|m| onwards.features(m).unwrap()).collect();
    let second = masks.iter().rev().map(|mask| {
        let near = [masks[0].shown.clone(), masks[1].shown.clone()];
        let mask = Mask {
            near,
            ..mask.clone()
        };
        backwards.features(&mask).unwrap()
    });
    let mut second: Vec<_> = second.collect();
    second.reverse();
    assert_eq!(first, second);
}

#[test]
fn an_image_of_every_bin() {
    let size = 2631;
    let case = Case::new(&classifier(SMALL, size), size, 1 << 28);
    let mut features = case.features();
    let mut rng = keyed_rng(7, "masks", &[]);
    descend(&case, &mut features, &mut rng, 4);
    let work = features.work().unwrap();
    assert!(work.done < work.whole);
}

#[test]
fn a_network_that_looks_at_the_whole_image_is_run_as_a_whole() {
    let size = 64;
    let case = Case::new(&classifier(Base::MobileNetV3Small, size), size, 1 << 20);
    assert!(!case.network.reuses());
    let mut features = case.features();
    let mut rng = keyed_rng(8, "masks", &[]);
    case.check(&mut features, &scattered(size, &mut rng));
    assert_eq!(features.work(), None);
}

#[test]
fn masks_and_images_that_do_not_fit_are_refused() {
    let case = Case::new(&classifier(SMALL, 64), 64, 1 << 20);
    let mut features = case.features();
    let r = |top, bottom, left, right| Rectangle {
        top,
        bottom,
        left,
        right,
    };
    for shown in [
        vec![r(0, 65, 0, 3)],
        vec![r(5, 5, 0, 3)],
        vec![r(0, 5, 0, 5), r(4, 6, 4, 6)],
    ] {
        let mask = Mask {
            shown,
            ..Mask::default()
        };
        let error = features.features(&mask).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    let small = Array2::zeros((63, 64));
    assert!(case.network.images(small.view(), small.view()).is_err());
}
