//! The tutorial's networks for spectra: one-dimensional convolutions straight on the bins.

use super::{HeadSpec, attach_head, push_dense};
use crate::{Activation, Graph, Landmark, NetworkError, Op, Padding, ValueId, infer_shapes};
use serde::{Deserialize, Serialize};

/// Which of the tutorial's networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TutorialVariant {
    /// Three convolutions of 16, 128 and 512 channels and a dense layer on all positions.
    Flatten,
    /// The same convolutions with global average pooling, for class-activation maps.
    Gap,
    /// Four convolutions of 16, 16, 32 and 32 channels with global average pooling.
    SmallGap {
        /// Extent of the pooling windows between the second and the third convolution, 8 or 4.
        pool: usize,
    },
}

/// A network for spectra.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tutorial1d {
    /// Layers.
    pub variant: TutorialVariant,
    /// Non-linearity after every convolution: [`Activation::Relu`] or [`Activation::Elu`].
    pub activation: Activation,
    /// Length of the input vector.
    pub bins: usize,
    /// Classes and dropout before the dense layer (the tutorial has none).
    pub head: HeadSpec,
}

impl Tutorial1d {
    /// The graph from spectrum to logits.
    ///
    /// # Errors
    /// When the vector is too short for the layers or the head is impossible.
    ///
    /// # Source
    /// PyChemAuth, tutorial "Classifying 1D spectra with CNNs".
    pub fn graph(&self) -> Result<Graph, NetworkError> {
        self.head.check()?;
        let (mut graph, spectrum) = Graph::with_input("spectrum", vec![Some(self.bins)]);
        graph.mark(Landmark::Spectrum, spectrum);
        let mut value = graph.push("channel", Op::AddChannelAxis, &[spectrum]);
        let mut stack = Stack {
            graph: &mut graph,
            channels: 1,
            activation: self.activation,
        };
        match self.variant {
            TutorialVariant::Flatten | TutorialVariant::Gap => {
                value = stack.conv("conv1", value, [16, 16, 8]);
                value = stack.pool("pool1", value, 2);
                value = stack.conv("conv2", value, [128, 8, 4]);
                value = stack.pool("pool2", value, 2);
                value = stack.conv("conv3", value, [512, 8, 2]);
            }
            TutorialVariant::SmallGap { pool } => {
                value = stack.conv("conv1", value, [16, 16, 8]);
                value = stack.conv("conv2", value, [16, 8, 4]);
                value = stack.pool("pool1", value, pool);
                value = stack.conv("conv3", value, [32, 8, 1]);
                value = stack.conv("conv4", value, [32, 8, 1]);
            }
        }
        graph.mark(Landmark::FeatureMap, value);
        if self.variant != TutorialVariant::Flatten {
            return attach_head(&graph, self.head);
        }
        let features = graph.push("flatten", Op::Flatten, &[value]);
        graph.mark(Landmark::Features, features);
        let length = infer_shapes(&graph)?[features.0][0];
        let length = length.ok_or_else(|| NetworkError::graph("flatten", "unknown length"))?;
        push_dense(&mut graph, features, length, self.head);
        Ok(graph)
    }
}

struct Stack<'a> {
    graph: &'a mut Graph,
    channels: usize,
    activation: Activation,
}

impl Stack<'_> {
    fn conv(&mut self, name: &str, input: ValueId, [out, kernel, stride]: [usize; 3]) -> ValueId {
        let op = Op::Conv {
            in_channels: self.channels,
            out_channels: out,
            kernel: vec![kernel],
            stride: vec![stride],
            groups: 1,
            padding: Padding::Same,
            bias: true,
        };
        self.channels = out;
        let value = self.graph.push(name, op, &[input]);
        let activation = Op::Activation(self.activation);
        self.graph.push(format!("{name}.act"), activation, &[value])
    }

    fn pool(&mut self, name: &str, input: ValueId, extent: usize) -> ValueId {
        let op = Op::MaxPool {
            kernel: vec![extent],
            stride: vec![extent],
        };
        self.graph.push(name, op, &[input])
    }
}
