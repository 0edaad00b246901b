//! One IR node to its ONNX nodes.

use super::{
    build::{Builder, Setting},
    gramian,
};
use crate::{
    Activation, Graph, Landmark, NetworkError, Node, Op, Padding, Shape, ValueId, Weights,
    foreign::ForeignBase,
};

/// Name of an image within a model, with its channel axis.
pub(super) const INNER_IMAGE: &str = "image.channel";

/// Everything needed to emit the nodes of one graph.
pub(super) struct Emitter<'a> {
    pub(super) builder: Builder,
    pub(super) graph: &'a Graph,
    pub(super) weights: &'a Weights,
    pub(super) shapes: &'a [Shape],
    pub(super) foreign: Option<&'a ForeignBase>,
    /// Name of the value of each node emitted so far.
    pub(super) values: Vec<String>,
}

impl Emitter<'_> {
    /// Name of a node's value. The image is `[n, S, S]` outside and has a channel axis inside,
    /// so its inner value goes by another name.
    pub(super) fn value_name(graph: &Graph, index: usize) -> String {
        let name = &graph.nodes[index].name;
        match graph.landmark_of(ValueId(index)) {
            Some(Landmark::Image) => INNER_IMAGE.to_owned(),
            Some(landmark) => landmark.tensor_name().to_owned(),
            None if is_reserved(name) => format!("{name}.value"),
            None => name.clone(),
        }
    }

    /// Emits a node; the input is not a node in ONNX, but an image gets its channel axis.
    pub(super) fn emit(&mut self, index: usize) -> Result<(), NetworkError> {
        let node = &self.graph.nodes[index];
        let output = Self::value_name(self.graph, index);
        let inputs: Vec<String> = node
            .inputs
            .iter()
            .map(|i| self.values[i.0].clone())
            .collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        if matches!(node.op, Op::Input { .. }) {
            if self.graph.landmark_of(ValueId(index)) == Some(Landmark::Image) {
                let wire = Landmark::Image.tensor_name();
                self.builder.unsqueeze(wire, &[1], &output);
            }
        } else {
            self.layer(index, &inputs, &output)?;
        }
        self.values.push(output);
        Ok(())
    }

    fn layer(&mut self, index: usize, inputs: &[&str], output: &str) -> Result<(), NetworkError> {
        let node = &self.graph.nodes[index];
        let plain = |builder: &mut Builder, op: &str| {
            builder.node(op, inputs, output, Vec::new());
        };
        match &node.op {
            Op::GramianImage(layer) => {
                gramian::emit(&mut self.builder, layer, (&node.name, inputs[0]), output)?;
            }
            Op::AddChannelAxis => drop(self.builder.unsqueeze(inputs[0], &[1], output)),
            Op::Affine { scale, shift } => self.affine(node, (*scale, *shift), inputs[0], output),
            Op::RepeatChannel { count } => {
                let copies = vec![inputs[0]; *count];
                let settings = vec![("axis", Setting::Int(1))];
                self.builder.node("Concat", &copies, output, settings);
            }
            Op::Conv { .. } => self.conv(index, inputs[0], output)?,
            Op::BatchNorm { epsilon, .. } => {
                let parts = ["weight", "bias", "running_mean", "running_var"];
                let constants = self.constants(&node.name, &parts)?;
                let mut inputs = vec![inputs[0]];
                inputs.extend(constants.iter().map(String::as_str));
                let settings = vec![("epsilon", Setting::Float(*epsilon))];
                self.builder
                    .node("BatchNormalization", &inputs, output, settings);
            }
            Op::Activation(activation) => self.activation(*activation, inputs[0], output),
            Op::MaxPool { kernel, stride } => {
                let settings = vec![
                    ("kernel_shape", Setting::Ints(integers(kernel))),
                    ("strides", Setting::Ints(integers(stride))),
                ];
                self.builder.node("MaxPool", inputs, output, settings);
            }
            Op::GlobalAveragePool { keep_axes: true } => {
                plain(&mut self.builder, "GlobalAveragePool");
            }
            Op::GlobalAveragePool { keep_axes: false } => {
                let pooled = format!("{output}.pooled");
                self.builder
                    .node("GlobalAveragePool", inputs, &pooled, Vec::new());
                self.flatten(&pooled, output);
            }
            Op::Flatten => self.positions_first(index, inputs[0], output),
            Op::Dropout { .. } => plain(&mut self.builder, "Identity"),
            Op::Dense { .. } => {
                let constants = self.constants(&node.name, &["weight", "bias"])?;
                let inputs = [inputs[0], &constants[0], &constants[1]];
                self.builder.node("Gemm", &inputs, output, Vec::new());
            }
            Op::Add => plain(&mut self.builder, "Add"),
            Op::Multiply => plain(&mut self.builder, "Mul"),
            Op::Foreign { channels } => self.foreign(node, *channels, inputs[0], output)?,
            Op::Input { .. } => return Err(NetworkError::graph(&node.name, "a second input")),
        }
        Ok(())
    }

    fn constants(&mut self, node: &str, parts: &[&str]) -> Result<Vec<String>, NetworkError> {
        let mut names = Vec::with_capacity(parts.len());
        for part in parts {
            let name = format!("{node}.{part}");
            let tensor = self.weights.require(&name)?;
            names.push(self.builder.floats(&name, &tensor.shape, &tensor.data));
        }
        Ok(names)
    }

    fn affine(&mut self, node: &Node, (scale, shift): (f32, f32), input: &str, output: &str) {
        let mut value = input.to_owned();
        if scale != 1.0 {
            let factor = format!("{}.factor", node.name);
            let factor = self.builder.floats(&factor, &[], &[scale]);
            let scaled = if shift == 0.0 {
                output.to_owned()
            } else {
                format!("{output}.scaled")
            };
            value = self
                .builder
                .node("Mul", &[&value, &factor], &scaled, Vec::new());
        }
        if shift != 0.0 {
            let summand = format!("{}.summand", node.name);
            let summand = self.builder.floats(&summand, &[], &[shift]);
            value = self
                .builder
                .node("Add", &[&value, &summand], output, Vec::new());
        }
        if value == input {
            self.builder.node("Identity", &[input], output, Vec::new());
        }
    }

    fn conv(&mut self, index: usize, input: &str, output: &str) -> Result<(), NetworkError> {
        let node = &self.graph.nodes[index];
        let Op::Conv {
            kernel,
            stride,
            groups,
            padding,
            bias,
            ..
        } = &node.op
        else {
            return Err(NetworkError::graph(&node.name, "is no convolution"));
        };
        let mut settings = vec![("kernel_shape", Setting::Ints(integers(kernel)))];
        if stride.iter().any(|s| *s != 1) {
            settings.push(("strides", Setting::Ints(integers(stride))));
        }
        if *groups != 1 {
            settings.push(("group", Setting::Int(*groups as i64)));
        }
        let extents: Option<Vec<usize>> =
            self.shapes[node.inputs[0].0][1..].iter().copied().collect();
        match (padding, extents) {
            (Padding::Same, None) if kernel.iter().any(|k| *k != 1) => {
                settings.push(("auto_pad", Setting::Text("SAME_UPPER")));
            }
            (Padding::Same, None) => {}
            (_, extents) => {
                // Valid and explicit padding do not depend on the extents.
                let extents = extents.unwrap_or_else(|| vec![1; kernel.len()]);
                let axes = 0..kernel.len();
                let amounts: Vec<(usize, usize)> = axes
                    .map(|a| padding.amounts(a, extents[a], kernel[a], stride[a]))
                    .collect();
                if amounts.iter().any(|amount| *amount != (0, 0)) {
                    let (before, after): (Vec<usize>, Vec<usize>) = amounts.into_iter().unzip();
                    let pads = integers(&[before, after].concat());
                    settings.push(("pads", Setting::Ints(pads)));
                }
            }
        }
        let parts: &[&str] = if *bias {
            &["weight", "bias"]
        } else {
            &["weight"]
        };
        let constants = self.constants(&node.name, parts)?;
        let mut inputs = vec![input];
        inputs.extend(constants.iter().map(String::as_str));
        self.builder.node("Conv", &inputs, output, settings);
        Ok(())
    }

    fn activation(&mut self, activation: Activation, input: &str, output: &str) {
        let hard_sigmoid = || {
            vec![
                ("alpha", Setting::Float(1.0 / 6.0)),
                ("beta", Setting::Float(0.5)),
            ]
        };
        let builder = &mut self.builder;
        match activation {
            Activation::Relu => drop(builder.node("Relu", &[input], output, Vec::new())),
            Activation::Relu6 => {
                let low = builder.floats("relu6.low", &[], &[0.0]);
                let high = builder.floats("relu6.high", &[], &[6.0]);
                builder.node("Clip", &[input, &low, &high], output, Vec::new());
            }
            Activation::Elu => drop(builder.node("Elu", &[input], output, Vec::new())),
            Activation::HardSigmoid => {
                builder.node("HardSigmoid", &[input], output, hard_sigmoid());
            }
            Activation::HardSwish => {
                let gate = format!("{output}.gate");
                builder.node("HardSigmoid", &[input], &gate, hard_sigmoid());
                builder.node("Mul", &[input, &gate], output, Vec::new());
            }
        }
    }

    fn flatten(&mut self, input: &str, output: &str) {
        let settings = vec![("axis", Setting::Int(1))];
        self.builder.node("Flatten", &[input], output, settings);
    }

    /// Channels last, then flat. One position or one channel needs no transposition.
    fn positions_first(&mut self, index: usize, input: &str, output: &str) {
        let shape = &self.shapes[self.graph.nodes[index].inputs[0].0];
        if shape[0] == Some(1) || shape[1..].iter().all(|extent| *extent == Some(1)) {
            return self.flatten(input, output);
        }
        let mut order: Vec<i64> = std::iter::once(0).chain(2..=shape.len() as i64).collect();
        order.push(1);
        let transposed = format!("{output}.channels_last");
        let settings = vec![("perm", Setting::Ints(order))];
        self.builder
            .node("Transpose", &[input], &transposed, settings);
        self.flatten(&transposed, output);
    }

    fn foreign(
        &mut self,
        node: &Node,
        channels: usize,
        input: &str,
        output: &str,
    ) -> Result<(), NetworkError> {
        let base = self.foreign.ok_or_else(|| {
            NetworkError::graph(&node.name, "the foreign base is not given to the exporter")
        })?;
        if base.channels() != channels {
            let reason = format!("has {channels} channels, the file {}", base.channels());
            return Err(NetworkError::graph(&node.name, reason));
        }
        let size = self.shapes[node.inputs[0].0][1];
        base.inline(&mut self.builder, &node.name, (input, size), output)
    }
}

/// Names that only their own landmark may have.
fn is_reserved(name: &str) -> bool {
    [
        Landmark::Spectrum,
        Landmark::Image,
        Landmark::FeatureMap,
        Landmark::Features,
        Landmark::Logits,
    ]
    .iter()
    .any(|landmark| landmark.tensor_name() == name)
        || name == super::export::PROBABILITIES
}

fn integers(extents: &[usize]) -> Vec<i64> {
    extents.iter().map(|extent| *extent as i64).collect()
}
