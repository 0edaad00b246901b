//! The building blocks that the bases share.

use crate::{Activation, Graph, Op, Padding, ValueId};

/// Added to the variance in every batch normalisation of the catalogue's bases.
pub(super) const EPSILON: f32 = 1e-3;

/// A square convolution over two axes.
pub(super) struct Conv2d {
    pub(super) channels: (usize, usize),
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) groups: usize,
    pub(super) padding: Padding,
    pub(super) bias: bool,
}

impl Conv2d {
    /// A convolution with 'SAME' padding and no bias.
    pub(super) const fn same(channels: (usize, usize), kernel: usize, stride: usize) -> Self {
        Self {
            channels,
            kernel,
            stride,
            groups: 1,
            padding: Padding::Same,
            bias: false,
        }
    }

    /// A depthwise convolution with 'SAME' padding and no bias.
    pub(super) fn depthwise(channels: usize, kernel: usize, stride: usize) -> Self {
        Self {
            groups: channels,
            ..Self::same((channels, channels), kernel, stride)
        }
    }

    pub(super) fn with_padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    pub(super) const fn with_bias(mut self) -> Self {
        self.bias = true;
        self
    }

    pub(super) fn push(self, graph: &mut Graph, name: String, input: ValueId) -> ValueId {
        let op = Op::Conv {
            in_channels: self.channels.0,
            out_channels: self.channels.1,
            kernel: vec![self.kernel; 2],
            stride: vec![self.stride; 2],
            groups: self.groups,
            padding: self.padding,
            bias: self.bias,
        };
        graph.push(name, op, &[input])
    }

    /// `<name>.conv`, `<name>.bn` and, where there is one, the activation `<name>.act`.
    pub(super) fn push_normalised(
        self,
        graph: &mut Graph,
        name: &str,
        input: ValueId,
        activation: Option<Activation>,
    ) -> ValueId {
        let channels = self.channels.1;
        let value = self.push(graph, format!("{name}.conv"), input);
        let norm = Op::BatchNorm {
            channels,
            epsilon: EPSILON,
        };
        let value = graph.push(format!("{name}.bn"), norm, &[value]);
        match activation {
            Some(activation) => {
                graph.push(format!("{name}.act"), Op::Activation(activation), &[value])
            }
            None => value,
        }
    }
}

/// The nearest multiple of eight that is not more than a tenth smaller: how all bases of this
/// family round scaled numbers of channels.
///
/// # Source
/// Howard et al., arXiv:1704.04861, reference code `make_divisible`.
pub(super) fn round_channels(wanted: f64) -> usize {
    let rounded = (((wanted + 4.0) / 8.0).floor() * 8.0).max(8.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive whole number"
    )]
    let channels = rounded as usize;
    if rounded < 0.9 * wanted {
        channels + 8
    } else {
        channels
    }
}
