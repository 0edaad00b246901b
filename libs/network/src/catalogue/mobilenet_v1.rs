//! MobileNet v1 as in Keras: thirteen depthwise-separable blocks.

use super::blocks::Conv2d;
use crate::{Activation, Graph, Padding, ValueId};

/// Channels and stride of each block at full width.
const BLOCKS: [(usize, usize); 13] = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
];

/// Channels at a width: cut off, not rounded.
pub(super) fn channels(full: usize, alpha: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number; Keras cuts it off"
    )]
    let scaled = (full as f64 * alpha) as usize;
    scaled
}

/// Appends the network and returns the feature map.
///
/// # Source
/// Howard et al., arXiv:1704.04861, as `keras.applications.MobileNet`: a depthwise convolution of
/// stride 2 pads one row and one column at the end, whatever the size.
pub(super) fn append(graph: &mut Graph, input: ValueId, alpha: f64) -> ValueId {
    let relu6 = Some(Activation::Relu6);
    let mut from = channels(32, alpha);
    let stem = Conv2d::same((3, from), 3, 2);
    let mut value = stem.push_normalised(graph, "stem", input, relu6);
    for (block, (full, stride)) in BLOCKS.into_iter().enumerate() {
        let to = channels(full, alpha);
        let mut depthwise = Conv2d::depthwise(from, 3, stride);
        if stride == 2 {
            depthwise = depthwise.with_padding(Padding::Explicit(vec![(0, 1); 2]));
        }
        let name = format!("blocks.{block}.depthwise");
        value = depthwise.push_normalised(graph, &name, value, relu6);
        let pointwise = Conv2d::same((from, to), 1, 1);
        let name = format!("blocks.{block}.pointwise");
        value = pointwise.push_normalised(graph, &name, value, relu6);
        from = to;
    }
    value
}
