//! Networks with seeded weights and vectors like logarithms of spectra, for the tests here.

use assay_core::keyed_rng;
use assay_gramian::Imaging;
use assay_network::{
    Base, Graph, HeadSpec, ImageLayer, Tensor, Weights, catalogue::image_classifier,
};
use ndarray::Array2;
use rand::RngExt;

/// Weights for every node of a graph, spread so that activations neither vanish nor explode.
pub(crate) fn weights(graph: &Graph) -> Weights {
    graph
        .weight_shapes()
        .into_iter()
        .enumerate()
        .map(|(index, (name, shape))| {
            let mut rng = keyed_rng(11, "seeded weights", &[index as u64]);
            let fan_in = shape.iter().skip(1).product::<usize>().max(1);
            let spread = (6.0 / fan_in as f32).sqrt().min(1.0);
            let mut draw = || {
                let value = rng.random_range(-spread..spread);
                if name.ends_with("running_var") {
                    0.5 + value.abs()
                } else {
                    value
                }
            };
            let data = (0..shape.iter().product()).map(|_| draw()).collect();
            (name, Tensor { shape, data })
        })
        .collect()
}

/// Falling continua with a few peaks, between the floor of the logarithm and about −3.
pub(crate) fn vectors(rows: usize, bins: usize) -> Array2<f32> {
    let mut rng = keyed_rng(12, "seeded vectors", &[bins as u64]);
    Array2::from_shape_fn((rows, bins), |(row, bin)| {
        let period = 37 + 11 * row;
        let peak = if bin % period < 3 { 3.0 } else { 0.0 };
        let noise: f32 = rng.random_range(-0.3..0.3);
        (-6.0 - 6.0 * bin as f32 / bins as f32 + peak + noise).max(-16.118_095)
    })
}

/// MobileNet v1 of a quarter width behind an image, with three classes.
pub(crate) fn classifier(imaging: Imaging, bins: usize) -> Graph {
    let base = Base::MobileNetV1 { alpha: 0.25 }.graph(None);
    let head = HeadSpec {
        classes: 3,
        dropout: 0.2,
    };
    image_classifier(ImageLayer { imaging, bins }, &base, head).unwrap()
}
