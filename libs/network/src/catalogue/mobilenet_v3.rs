//! MobileNetV3-Small as in Keras, with its own rescaling of [0, 255].

use super::blocks::{Conv2d, round_channels};
use crate::{Activation, Graph, Op, ValueId};

/// Channels of the feature map.
pub(super) const TOP_CHANNELS: usize = 576;
const STEM_CHANNELS: usize = 16;

struct Block {
    expand: f64,
    channels: usize,
    kernel: usize,
    stride: usize,
    squeeze: bool,
    activation: Activation,
}

const fn block(
    (expand, channels): (f64, usize),
    (kernel, stride): (usize, usize),
    squeeze: bool,
    activation: Activation,
) -> Block {
    Block {
        expand,
        channels,
        kernel,
        stride,
        squeeze,
        activation,
    }
}

const BLOCKS: [Block; 11] = [
    block((1.0, 16), (3, 2), true, Activation::Relu),
    block((72.0 / 16.0, 24), (3, 2), false, Activation::Relu),
    block((88.0 / 24.0, 24), (3, 1), false, Activation::Relu),
    block((4.0, 40), (5, 2), true, Activation::HardSwish),
    block((6.0, 40), (5, 1), true, Activation::HardSwish),
    block((6.0, 40), (5, 1), true, Activation::HardSwish),
    block((3.0, 48), (5, 1), true, Activation::HardSwish),
    block((3.0, 48), (5, 1), true, Activation::HardSwish),
    block((6.0, 96), (5, 2), true, Activation::HardSwish),
    block((6.0, 96), (5, 1), true, Activation::HardSwish),
    block((6.0, 96), (5, 1), true, Activation::HardSwish),
];

/// Appends the network and returns the feature map.
///
/// # Source
/// Howard et al., arXiv:1905.02244, as `keras.applications.MobileNetV3Small` with its
/// preprocessing. Its explicit padding before a stride of 2 is 'SAME' for every size.
pub(super) fn append(graph: &mut Graph, input: ValueId) -> ValueId {
    let rescale = Op::Affine {
        scale: 1.0 / 127.5,
        shift: -1.0,
    };
    let value = graph.push("rescale", rescale, &[input]);
    let swish = Some(Activation::HardSwish);
    let stem = Conv2d::same((3, STEM_CHANNELS), 3, 2);
    let mut value = stem.push_normalised(graph, "stem", value, swish);
    let mut from = STEM_CHANNELS;
    for (index, block) in BLOCKS.iter().enumerate() {
        value = block.push(graph, &format!("blocks.{index}"), (value, from));
        from = block.channels;
    }
    Conv2d::same((from, TOP_CHANNELS), 1, 1).push_normalised(graph, "top", value, swish)
}

impl Block {
    fn push(&self, graph: &mut Graph, name: &str, (input, from): (ValueId, usize)) -> ValueId {
        let activation = Some(self.activation);
        let wide = round_channels(from as f64 * self.expand);
        let mut value = input;
        if self.expand > 1.0 {
            let expand = Conv2d::same((from, wide), 1, 1);
            value = expand.push_normalised(graph, &format!("{name}.expand"), value, activation);
        }
        let depthwise = Conv2d::depthwise(wide, self.kernel, self.stride);
        value = depthwise.push_normalised(graph, &format!("{name}.depthwise"), value, activation);
        if self.squeeze {
            value = squeeze_and_excite(graph, &format!("{name}.squeeze"), (value, wide));
        }
        let project = Conv2d::same((wide, self.channels), 1, 1);
        value = project.push_normalised(graph, &format!("{name}.project"), value, None);
        if self.stride == 1 && from == self.channels {
            value = graph.push(format!("{name}.add"), Op::Add, &[input, value]);
        }
        value
    }
}

fn squeeze_and_excite(
    graph: &mut Graph,
    name: &str,
    (input, channels): (ValueId, usize),
) -> ValueId {
    let narrow = round_channels(channels as f64 * 0.25);
    let pool = Op::GlobalAveragePool { keep_axes: true };
    let mut value = graph.push(format!("{name}.pool"), pool, &[input]);
    let reduce = Conv2d::same((channels, narrow), 1, 1).with_bias();
    value = reduce.push(graph, format!("{name}.reduce"), value);
    let relu = Op::Activation(Activation::Relu);
    value = graph.push(format!("{name}.relu"), relu, &[value]);
    let excite = Conv2d::same((narrow, channels), 1, 1).with_bias();
    value = excite.push(graph, format!("{name}.excite"), value);
    let gate = Op::Activation(Activation::HardSigmoid);
    value = graph.push(format!("{name}.gate"), gate, &[value]);
    graph.push(format!("{name}.multiply"), Op::Multiply, &[input, value])
}
