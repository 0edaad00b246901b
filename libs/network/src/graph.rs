//! The one description of a network: nodes in topological order, and the names of the values
//! that other crates rely on. The ONNX exporter here and the tch builder in `assay-train` both
//! read this and nothing else, so the two can only differ in arithmetic.

use crate::imaging::ImageLayer;
use serde::{Deserialize, Serialize};

/// Index of the node that produces a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ValueId(pub usize);

/// One step: an operation, where its inputs come from, and the prefix of its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique name; weights are called `<name>.weight`, `<name>.bias`, …
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// Producers of the inputs, in the operation's order.
    pub inputs: Vec<ValueId>,
}

/// An operation. Feature maps are `[n, channels, height, width]` or `[n, channels, length]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// The graph's input. A spectrum is `[n, bins]`; a cut graph may start at any landmark.
    Input {
        /// Shape without the batch axis; `None` is a dimension known only at run time.
        shape: Vec<Option<usize>>,
    },
    /// `[n, bins]` → `[n, 1, S, S]`: aggregation, min-max scaling and Gramian angular field.
    GramianImage(ImageLayer),
    /// `[n, bins]` → `[n, 1, bins]`.
    AddChannelAxis,
    /// `scale·x + shift`, element by element.
    Affine {
        /// Factor.
        scale: f32,
        /// Summand.
        shift: f32,
    },
    /// `[n, 1, h, w]` → `[n, count, h, w]`, every channel the same.
    RepeatChannel {
        /// Number of channels afterwards.
        count: usize,
    },
    /// Cross-correlation over one or two spatial axes. Weight `[out, in/groups, kernel…]`.
    Conv {
        /// Channels of the input.
        in_channels: usize,
        /// Channels of the output.
        out_channels: usize,
        /// Kernel extent per spatial axis (one or two entries).
        kernel: Vec<usize>,
        /// Stride per spatial axis.
        stride: Vec<usize>,
        /// Groups; equal to `in_channels` for a depthwise convolution.
        groups: usize,
        /// Border treatment.
        padding: Padding,
        /// Whether there is a bias `[out]`.
        bias: bool,
    },
    /// Batch normalisation with fixed statistics (frozen bases are always in inference mode).
    /// Weights `weight`, `bias`, `running_mean`, `running_var`, each `[channels]`.
    BatchNorm {
        /// Channels of input and output.
        channels: usize,
        /// Added to the variance.
        epsilon: f32,
    },
    /// An element-wise non-linearity.
    Activation(Activation),
    /// Maximum over windows, one or two spatial axes; windows that do not fit are dropped.
    MaxPool {
        /// Window extent per spatial axis.
        kernel: Vec<usize>,
        /// Stride per spatial axis.
        stride: Vec<usize>,
    },
    /// Mean over all spatial axes.
    GlobalAveragePool {
        /// Keep the spatial axes with extent 1 (squeeze-and-excite) or drop them (GAP head).
        keep_axes: bool,
    },
    /// `[n, c, l…]` → `[n, l·…·c]`, positions slowest and channels fastest, as Keras does.
    Flatten,
    /// Randomly zeroes features in training and does nothing otherwise.
    Dropout {
        /// Probability of zeroing, in `[0, 1)`.
        rate: f32,
    },
    /// `x·W + b` with weight `[inputs, outputs]` and bias `[outputs]`.
    Dense {
        /// Length of the input vector.
        inputs: usize,
        /// Length of the output vector.
        outputs: usize,
    },
    /// Sum of two values of one shape.
    Add,
    /// Product of two values; the second may have extent 1 on the spatial axes.
    Multiply,
    /// A base read from an ONNX file, opaque to everything but the exporter:
    /// `[n, c, h, w]` → `[n, C, h', w']`.
    Foreign {
        /// Channels of the feature map.
        channels: usize,
    },
}

/// How a convolution treats the border.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Output extent = ceil(input / stride), the odd zero at the end (TensorFlow's 'SAME').
    Same,
    /// Only whole windows.
    Valid,
    /// Zeros before and after, per spatial axis.
    Explicit(Vec<(usize, usize)>),
}

/// Element-wise non-linearities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x for x > 0, exp(x) − 1 otherwise.
    Elu,
    /// min(max(x + 3, 0), 6) / 6.
    HardSigmoid,
    /// x · hard sigmoid(x).
    HardSwish,
}

/// Values with a name that is part of the contract with the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Landmark {
    /// Input vectors `[n, bins]`.
    Spectrum,
    /// Gramian angular field `[n, S, S]` on the wire, `[n, 1, S, S]` inside the graph.
    Image,
    /// Last feature map of the base, `[n, C, h, w]` or `[n, C, l]`.
    FeatureMap,
    /// Input of the last dense layer, `[n, F]`.
    Features,
    /// Output of the last dense layer, `[n, K]`.
    Logits,
}

impl Landmark {
    /// Name of the tensor in an ONNX graph.
    #[must_use]
    pub const fn tensor_name(self) -> &'static str {
        match self {
            Self::Spectrum => "spectrum",
            Self::Image => "image",
            Self::FeatureMap => "feature_map",
            Self::Features => "features",
            Self::Logits => "logits",
        }
    }
}

/// Nodes in topological order: every input of a node stands before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// The nodes; the first one is the only [`Op::Input`].
    pub nodes: Vec<Node>,
    /// Named values, sorted.
    pub landmarks: Vec<(Landmark, ValueId)>,
}
