//! Where known networks are cut, and what they read and cost by what is published of them.

use super::*;
use assay_network::{
    Base, HeadSpec, Tensor,
    catalogue::{LiteVariant, attach_head},
};

fn classifier(base: Base, size: usize) -> Graph {
    let head = HeadSpec {
        classes: 3,
        dropout: 0.0,
    };
    attach_head(&base.graph(Some(size)), head).unwrap()
}

fn ones(graph: &Graph) -> Weights {
    let shapes = graph.weight_shapes().into_iter();
    shapes
        .map(|(name, shape)| {
            let data = vec![1.0; shape.iter().product()];
            (name, Tensor { shape, data })
        })
        .collect()
}

fn planned(base: Base, size: usize) -> Option<Vec<Piece>> {
    let graph = classifier(base, size);
    pieces(&graph, &ones(&graph)).unwrap()
}

#[test]
fn efficientnet_lite0_is_cut_at_its_blocks_and_sees_851_pixels() {
    let base = Base::EfficientNetLite(LiteVariant::Lite0);
    let pieces = planned(base, 224).unwrap();
    // Stem and first block together, fifteen more blocks, the last convolution.
    let channels: Vec<usize> = pieces.iter().map(|piece| piece.channels).collect();
    let blocks = [
        16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192, 320, 1280,
    ];
    assert_eq!(channels, blocks);
    assert!(pieces[..16].iter().all(|piece| !piece.is_pointwise()));
    assert!(pieces[16].is_pointwise());
    let whole = pieces
        .iter()
        .fold(Window::POINT, |window, piece| window.then(piece.windows[0]));
    assert_eq!(whole.stride, 32);
    assert_eq!(whole.before + whole.after + 1, 851);
    // Published: 407 million multiplications, of which a third of the stem is saved here
    // because the three channels are one, and the classifier has 1.3 million.
    let work = pieces
        .iter()
        .map(|p| p.work * (p.extent[0] * p.extent[1]) as f64);
    let work: f64 = work.sum();
    assert!((3.6e8..4.1e8).contains(&work), "{work}");
}

#[test]
fn a_network_that_looks_at_the_whole_image_is_not_cut() {
    assert!(planned(Base::MobileNetV3Small, 96).is_none());
    assert!(planned(Base::MobileNetV1 { alpha: 0.25 }, 96).is_some());
    let open = Base::MobileNetV1 { alpha: 0.25 }.graph(None);
    assert!(pieces(&open, &ones(&open)).unwrap().is_none());
}
