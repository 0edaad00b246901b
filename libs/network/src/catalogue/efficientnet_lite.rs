//! EfficientNet-Lite: inverted residual blocks without squeeze-and-excite, with ReLU6.

use super::{
    LiteVariant,
    blocks::{Conv2d, round_channels},
};
use crate::{Activation, Graph, Op, ValueId};

/// Channels of the feature map; not scaled with the width in the Lite family.
pub(super) const TOP_CHANNELS: usize = 1280;
/// Channels of the stem; not scaled either.
const STEM_CHANNELS: usize = 32;

struct Stage {
    repeats: usize,
    kernel: usize,
    stride: usize,
    expand: usize,
    channels: usize,
}

const fn stage(v: [usize; 5]) -> Stage {
    Stage {
        repeats: v[0],
        kernel: v[1],
        stride: v[2],
        expand: v[3],
        channels: v[4],
    }
}

const STAGES: [Stage; 7] = [
    stage([1, 3, 1, 1, 16]),
    stage([2, 3, 2, 6, 24]),
    stage([2, 5, 2, 6, 40]),
    stage([3, 3, 2, 6, 80]),
    stage([3, 5, 1, 6, 112]),
    stage([4, 5, 2, 6, 192]),
    stage([1, 3, 1, 6, 320]),
];

/// Appends stem, blocks and top convolution and returns the feature map.
///
/// # Source
/// Tan and Le, arXiv:1905.11946, in the Lite form of the TensorFlow TPU repository: repeats of
/// the first and the last stage and the channels of stem and top are not scaled.
pub(super) fn append(graph: &mut Graph, input: ValueId, variant: LiteVariant) -> ValueId {
    let (width, depth) = match variant {
        LiteVariant::Lite0 => (1.0, 1.0),
        LiteVariant::Lite1 => (1.0, 1.1),
        LiteVariant::Lite2 => (1.1, 1.2),
    };
    let relu6 = Some(Activation::Relu6);
    let stem = Conv2d::same((3, STEM_CHANNELS), 3, 2);
    let mut value = stem.push_normalised(graph, "stem", input, relu6);
    let mut channels = STEM_CHANNELS;
    let mut block = 0;
    for (index, stage) in STAGES.iter().enumerate() {
        let out = round_channels(width * stage.channels as f64);
        for repeat in 0..repeats(stage, index, depth) {
            let shape = Block {
                channels: (channels, out),
                kernel: stage.kernel,
                stride: if repeat == 0 { stage.stride } else { 1 },
                expand: stage.expand,
            };
            value = shape.push(graph, &format!("blocks.{block}"), value);
            channels = out;
            block += 1;
        }
    }
    Conv2d::same((channels, TOP_CHANNELS), 1, 1).push_normalised(graph, "top", value, relu6)
}

fn repeats(stage: &Stage, index: usize, depth: f64) -> usize {
    if index == 0 || index == STAGES.len() - 1 {
        return stage.repeats;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive whole number"
    )]
    let scaled = (depth * stage.repeats as f64).ceil() as usize;
    scaled
}

struct Block {
    channels: (usize, usize),
    kernel: usize,
    stride: usize,
    expand: usize,
}

impl Block {
    fn push(&self, graph: &mut Graph, name: &str, input: ValueId) -> ValueId {
        let relu6 = Some(Activation::Relu6);
        let (from, to) = self.channels;
        let wide = from * self.expand;
        let mut value = input;
        if self.expand != 1 {
            let expand = Conv2d::same((from, wide), 1, 1);
            value = expand.push_normalised(graph, &format!("{name}.expand"), value, relu6);
        }
        let depthwise = Conv2d::depthwise(wide, self.kernel, self.stride);
        value = depthwise.push_normalised(graph, &format!("{name}.depthwise"), value, relu6);
        let project = Conv2d::same((wide, to), 1, 1);
        value = project.push_normalised(graph, &format!("{name}.project"), value, None);
        if self.stride == 1 && from == to {
            value = graph.push(format!("{name}.add"), Op::Add, &[value, input]);
        }
        value
    }
}
