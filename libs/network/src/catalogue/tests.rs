//! Parameter counts and shapes against the published numbers.

use super::*;
use crate::Activation;

fn parameters(graph: &Graph) -> usize {
    let shapes = graph.weight_shapes();
    shapes.values().map(|s| s.iter().product::<usize>()).sum()
}

fn tutorial(variant: TutorialVariant, bins: usize) -> Result<Graph, NetworkError> {
    let head = HeadSpec {
        classes: 10,
        dropout: 0.0,
    };
    Tutorial1d {
        variant,
        activation: Activation::Relu,
        bins,
        head,
    }
    .graph()
}

#[test]
fn tutorial_networks_have_the_published_number_of_parameters() {
    for (variant, expected, features) in [
        (TutorialVariant::Flatten, 592_794, 5120),
        (TutorialVariant::Gap, 546_714, 512),
        (TutorialVariant::SmallGap { pool: 8 }, 15_018, 32),
        (TutorialVariant::SmallGap { pool: 4 }, 15_018, 32),
    ] {
        let graph = tutorial(variant, 2631).unwrap();
        graph.validate().unwrap();
        assert_eq!(parameters(&graph), expected, "{variant:?}");
        let shapes = infer_shapes(&graph).unwrap();
        let value = graph.require(Landmark::Features).unwrap();
        assert_eq!(shapes[value.0], [Some(features)], "{variant:?}");
    }
    assert!(tutorial(TutorialVariant::Flatten, 3).is_err());
}

#[test]
fn bases_have_the_published_number_of_parameters() {
    // As Keras counts them without their top.
    for (name, expected) in [
        ("mobilenet-v1-0.25", 218_544),
        ("mobilenet-v1-1", 3_228_864),
        ("mobilenet-v3-small", 939_120),
    ] {
        let base: Base = name.parse().unwrap();
        assert_eq!(parameters(&base.graph(None)), expected, "{name}");
    }
}

#[test]
fn every_base_gives_its_feature_map() {
    for (name, channels, side) in [
        ("efficientnet-lite0", 1280, 16),
        ("efficientnet-lite1", 1280, 16),
        ("efficientnet-lite2", 1280, 16),
        ("mobilenet-v1-0.5", 512, 16),
        ("mobilenet-v3-small", 576, 16),
    ] {
        let base: Base = name.parse().unwrap();
        assert_eq!(base.to_string(), name);
        assert_eq!(base.descriptor().channels, channels);
        let graph = base.graph(Some(512));
        graph.validate().unwrap();
        let value = graph.require(Landmark::FeatureMap).unwrap();
        let shape = &infer_shapes(&graph).unwrap()[value.0];
        assert_eq!(*shape, [Some(channels), Some(side), Some(side)], "{name}");
    }
}

#[test]
fn an_unknown_base_is_refused_with_the_known_ones() {
    for name in [
        "resnet50",
        "mobilenet-v1-",
        "mobilenet-v1-NaN",
        "mobilenet-v1-0.001",
        "",
    ] {
        let message = name.parse::<Base>().unwrap_err().to_string();
        assert!(message.contains("efficientnet-lite0"), "{message}");
    }
}

#[test]
fn the_whole_way_has_all_landmarks() {
    let layer = ImageLayer {
        imaging: assay_gramian::Imaging::default(),
        bins: 2631,
    };
    let base = Base::MobileNetV3Small.graph(None);
    let head = HeadSpec {
        classes: 7,
        dropout: 0.2,
    };
    let graph = image_classifier(layer.clone(), &base, head).unwrap();
    graph.validate().unwrap();
    let all = [
        Landmark::Spectrum,
        Landmark::Image,
        Landmark::FeatureMap,
        Landmark::Features,
        Landmark::Logits,
    ];
    assert!(all.iter().all(|l| graph.landmark(*l).is_some()));
    let cut = graph.cut(Landmark::Image, Landmark::FeatureMap).unwrap();
    assert_eq!(
        cut.nodes[0].op,
        Base::MobileNetV3Small.graph(Some(512)).nodes[0].op
    );
    assert!(with_imaging(&graph, layer).is_err(), "an image comes once");
    let bad = HeadSpec {
        classes: 7,
        dropout: 1.0,
    };
    assert!(attach_head(&base, bad).is_err());
}
