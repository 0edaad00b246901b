//! A whole model: folding, nodes, inputs, outputs and metadata.

use super::{
    IR_VERSION, OPSET,
    build::{Builder, Setting, float_value},
    layers::Emitter,
    proto::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, ValueInfoProto},
};
use crate::{
    Graph, Landmark, NetworkError, Op, ValueId, Weights,
    fold::{for_inference, keep_only},
    foreign::ForeignBase,
    infer_shapes,
};
use prost::Message;
use std::sync::Arc;

/// Name of the output after the softmax.
pub(super) const PROBABILITIES: &str = "probabilities";

/// What the model has besides the network.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// Outputs, in this order; what none of them needs is left out.
    pub outputs: Vec<Landmark>,
    /// Add `probabilities`, the softmax of the logits, as the last output.
    pub probabilities: bool,
    /// Provenance, stored in the model as it is.
    pub metadata: Vec<(String, String)>,
    /// The file behind [`Op::Foreign`].
    pub foreign: Option<Arc<ForeignBase>>,
}

/// The bytes of an ONNX model. The batch axis is symbolic (`n`), the input has the name of the
/// landmark it stands at, and so have the outputs. Weights that the outputs do not need are
/// ignored.
///
/// # Shapes
/// `spectrum [n, bins]`, `image [n, S, S]`, `feature_map [n, C, h, w]` or `[n, C, l]`,
/// `features [n, F]`, `logits [n, K]`, `probabilities [n, K]`, all of 32-bit floats.
///
/// # Errors
/// When an output is missing, weights are missing or do not fit, or a foreign base does not fit.
pub fn export_onnx(
    graph: &Graph,
    weights: &Weights,
    options: &ExportOptions,
) -> Result<Vec<u8>, NetworkError> {
    let mut wanted = options.outputs.clone();
    if options.probabilities {
        wanted.push(Landmark::Logits);
    }
    if wanted.is_empty() {
        return Err(NetworkError::Parameter {
            name: "outputs",
            value: "none".to_owned(),
            allowed: "name at least one output".to_owned(),
        });
    }
    graph.validate()?;
    let graph = keep_only(graph, &wanted)?;
    let weights = weights.only_for(&graph)?;
    weights.check(&graph)?;
    let (graph, weights) = for_inference(&graph, &weights)?;
    let model = assemble(&graph, &weights, options)?;
    Ok(model.encode_to_vec())
}

fn assemble(
    graph: &Graph,
    weights: &Weights,
    options: &ExportOptions,
) -> Result<ModelProto, NetworkError> {
    let shapes = infer_shapes(graph)?;
    let needs_foreign = graph
        .nodes
        .iter()
        .any(|n| matches!(n.op, Op::Foreign { .. }));
    let foreign = options.foreign.as_deref().filter(|_| needs_foreign);
    let mut emitter = Emitter {
        builder: Builder::new(foreign.map_or(OPSET, ForeignBase::opset)),
        graph,
        weights,
        shapes: &shapes,
        foreign,
        values: Vec::new(),
    };
    for index in 0..graph.nodes.len() {
        emitter.emit(index)?;
    }
    let mut builder = emitter.builder;
    let input = input_of(graph)?;
    let mut outputs = Vec::new();
    for landmark in &options.outputs {
        let value = graph.require(*landmark)?;
        if value.0 == 0 {
            let reason = "the input cannot be an output too";
            return Err(NetworkError::graph(landmark.tensor_name(), reason));
        }
        if *landmark == Landmark::Image {
            let inner = Emitter::value_name(graph, value.0);
            builder.squeeze(&inner, &[1], landmark.tensor_name());
            outputs.push(float_value(landmark.tensor_name(), &shapes[value.0][1..]));
        } else {
            outputs.push(float_value(landmark.tensor_name(), &shapes[value.0]));
        }
    }
    if options.probabilities {
        let logits = graph.require(Landmark::Logits)?;
        let settings = vec![("axis", Setting::Int(-1))];
        let name = Landmark::Logits.tensor_name();
        builder.node("Softmax", &[name], PROBABILITIES, settings);
        outputs.push(float_value(PROBABILITIES, &shapes[logits.0]));
    }
    Ok(model(builder, vec![input], outputs, (options, foreign)))
}

/// The graph's input under the name of its landmark, or under its node's name.
fn input_of(graph: &Graph) -> Result<ValueInfoProto, NetworkError> {
    let node = graph.nodes.first();
    let Some((node, Op::Input { shape })) = node.map(|node| (node, &node.op)) else {
        return Err(NetworkError::graph("input", "the first node is no input"));
    };
    Ok(match graph.landmark_of(ValueId(0)) {
        Some(Landmark::Image) => float_value(Landmark::Image.tensor_name(), &shape[1..]),
        Some(landmark) => float_value(landmark.tensor_name(), shape),
        None => float_value(&node.name, shape),
    })
}

fn model(
    builder: Builder,
    input: Vec<ValueInfoProto>,
    output: Vec<ValueInfoProto>,
    (options, foreign): (&ExportOptions, Option<&ForeignBase>),
) -> ModelProto {
    let metadata = options.metadata.iter();
    let metadata_props = metadata.map(|(key, value)| StringStringEntryProto {
        key: key.clone(),
        value: value.clone(),
    });
    let mut opset_import = vec![OperatorSetIdProto {
        domain: String::new(),
        version: builder.opset,
    }];
    let mut functions = Vec::new();
    let mut ir_version = IR_VERSION;
    if let Some(base) = foreign {
        opset_import.extend(base.other_opsets());
        functions = base.functions();
        ir_version = ir_version.max(base.ir_version());
    }
    ModelProto {
        ir_version,
        producer_name: "openassay".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(GraphProto {
            node: builder.nodes,
            name: "openassay".to_owned(),
            initializer: builder.constants,
            input,
            output,
            ..GraphProto::default()
        }),
        opset_import,
        metadata_props: metadata_props.collect(),
        functions,
        ..ModelProto::default()
    }
}
