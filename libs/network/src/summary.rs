//! A network in words and numbers, layer by layer.

use crate::{Activation, Graph, NetworkError, Node, Op, Shape, catalogue::HEAD, infer_shapes};
use serde::Serialize;

/// What training changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trained {
    /// The last dense layer; everything before it is frozen.
    HeadOnly,
    /// Every weight except the statistics of batch normalisation.
    Everything,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerSummary {
    /// Name of the node.
    pub name: String,
    /// What it is, in a few words.
    pub kind: String,
    /// Shape without the batch axis; `None` depends on the image size.
    pub output_shape: Shape,
    /// Number of weights, statistics included.
    pub parameters: usize,
    /// Those that training changes.
    pub trainable: usize,
}

/// Sums over all layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Number of weights, statistics included.
    pub parameters: usize,
    /// Those that training changes.
    pub trainable: usize,
}

/// The layers of a graph in the order in which they are computed.
///
/// # Errors
/// When the graph is inconsistent.
pub fn summary(graph: &Graph, trained: Trained) -> Result<Vec<LayerSummary>, NetworkError> {
    let shapes = infer_shapes(graph)?;
    let weights = graph.weight_shapes();
    let layers = graph.nodes.iter().zip(shapes).map(|(node, output_shape)| {
        let count = |part: &str| {
            let shape = weights.get(&format!("{}.{part}", node.name));
            shape.map_or(0, |shape| shape.iter().product())
        };
        let learned = count("weight") + count("bias");
        let statistics = count("running_mean") + count("running_var");
        let trains = trained == Trained::Everything || node.name == HEAD;
        LayerSummary {
            name: node.name.clone(),
            kind: kind(node),
            output_shape,
            parameters: learned + statistics,
            trainable: if trains { learned } else { 0 },
        }
    });
    Ok(layers.collect())
}

/// Sums over the layers.
#[must_use]
pub fn totals(layers: &[LayerSummary]) -> Totals {
    Totals {
        parameters: layers.iter().map(|layer| layer.parameters).sum(),
        trainable: layers.iter().map(|layer| layer.trainable).sum(),
    }
}

fn kind(node: &Node) -> String {
    match &node.op {
        Op::Input { .. } => "input".to_owned(),
        Op::GramianImage(layer) => format!(
            "gramian {} field of {} bins",
            match layer.imaging.field {
                assay_gramian::Field::Difference => "difference",
                assay_gramian::Field::Summation => "summation",
            },
            layer.bins
        ),
        Op::AddChannelAxis => "add a channel axis".to_owned(),
        Op::Affine { scale, shift } => format!("scale by {scale}, add {shift}"),
        Op::RepeatChannel { count } => format!("repeat the channel {count} times"),
        Op::Conv {
            in_channels,
            kernel,
            stride,
            groups,
            ..
        } => format!(
            "{}convolution {}, stride {}",
            if *groups > 1 && groups == in_channels {
                "depthwise "
            } else {
                ""
            },
            product(kernel),
            product(stride)
        ),
        Op::BatchNorm { .. } => "batch normalisation".to_owned(),
        Op::Activation(activation) => match activation {
            Activation::Relu => "ReLU",
            Activation::Relu6 => "ReLU6",
            Activation::Elu => "ELU",
            Activation::HardSigmoid => "hard sigmoid",
            Activation::HardSwish => "hard swish",
        }
        .to_owned(),
        Op::MaxPool { kernel, stride } => {
            let (kernel, stride) = (product(kernel), product(stride));
            format!("maximum over {kernel}, stride {stride}")
        }
        Op::GlobalAveragePool { .. } => "global average pooling".to_owned(),
        Op::Flatten => "flatten".to_owned(),
        Op::Dropout { rate } => format!("dropout {rate}"),
        Op::Dense { .. } => "dense".to_owned(),
        Op::Add => "add".to_owned(),
        Op::Multiply => "multiply".to_owned(),
        Op::Foreign { .. } => "base from an ONNX file".to_owned(),
    }
}

fn product(extents: &[usize]) -> String {
    let texts: Vec<String> = extents.iter().map(ToString::to_string).collect();
    texts.join("×")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Base, HeadSpec, ImageLayer, Tutorial1d, TutorialVariant, catalogue};

    const HEAD_SPEC: HeadSpec = HeadSpec {
        classes: 10,
        dropout: 0.2,
    };

    #[test]
    fn a_frozen_base_leaves_the_head() {
        let layer = ImageLayer {
            imaging: assay_gramian::Imaging::default(),
            bins: 2631,
        };
        let base = Base::MobileNetV1 { alpha: 1.0 }.graph(None);
        let graph = catalogue::image_classifier(layer, &base, HEAD_SPEC).unwrap();
        let layers = summary(&graph, Trained::HeadOnly).unwrap();
        // 3,228,864 is Keras' count of MobileNet without its top, 21,888 of them statistics.
        let expected = Totals {
            parameters: 3_228_864 + 10_250,
            trainable: 10_250,
        };
        assert_eq!(totals(&layers), expected);
        let everything = totals(&summary(&graph, Trained::Everything).unwrap());
        assert_eq!(everything.parameters - everything.trainable, 21_888);
        let stem = layers
            .iter()
            .find(|layer| layer.name == "stem.conv")
            .unwrap();
        assert_eq!(stem.output_shape, [Some(32), Some(256), Some(256)]);
        assert_eq!(stem.kind, "convolution 3×3, stride 2×2");
        assert_eq!(stem.parameters, 864);
    }

    #[test]
    fn the_tutorial_trains_everything() {
        let network = Tutorial1d {
            variant: TutorialVariant::Flatten,
            activation: Activation::Elu,
            bins: 2631,
            head: HEAD_SPEC,
        };
        let layers = summary(&network.graph().unwrap(), Trained::Everything).unwrap();
        let expected = Totals {
            parameters: 592_794,
            trainable: 592_794,
        };
        assert_eq!(totals(&layers), expected);
    }
}
