//! Rewrites a graph for inference: what can be computed once from the weights is computed once.
//! The result gives the same feature map, up to the rounding of 32-bit weights.

use crate::{
    Graph, Landmark, NetworkError, Node, Op, Padding, Tensor, ValueId, Weights, infer_shapes,
};
use std::collections::BTreeMap;

/// A shift this small against values of magnitude one is the rounding of a scale that should
/// have cancelled, as in `(127.5·g + 127.5) / 127.5 − 1`.
const ROUNDING: f64 = 1e-7;

/// Removes dropout, folds batch normalisation into the convolution before it, and folds the
/// repetition and scaling of a single channel into the convolution behind it. The spatial
/// padding of that convolution is zeros *after* the scaling, so a shift is folded only where
/// nothing is padded; otherwise it stays as one addition on one channel.
///
/// # Errors
/// When the graph is inconsistent or a weight is missing.
pub fn for_inference(graph: &Graph, weights: &Weights) -> Result<(Graph, Weights), NetworkError> {
    infer_shapes(graph)?;
    let mut folder = Folder::new(graph, weights)?;
    folder.drop_dropout();
    folder.fold_batch_norm()?;
    folder.fold_single_channel()?;
    folder.finish()
}

/// A tensor in double precision, so that several steps round only once.
struct Wide {
    shape: Vec<usize>,
    data: Vec<f64>,
}

struct Folder {
    graph: Graph,
    tensors: BTreeMap<String, Wide>,
}

impl Folder {
    fn new(graph: &Graph, weights: &Weights) -> Result<Self, NetworkError> {
        let mut tensors = BTreeMap::new();
        for name in graph.weight_shapes().into_keys() {
            let tensor = weights.require(&name)?;
            let wide = Wide {
                shape: tensor.shape.clone(),
                data: tensor.data.iter().copied().map(f64::from).collect(),
            };
            tensors.insert(name, wide);
        }
        Ok(Self {
            graph: graph.clone(),
            tensors,
        })
    }

    fn finish(self) -> Result<(Graph, Weights), NetworkError> {
        let wanted = self.graph.weight_shapes();
        let mut tensors = self.tensors;
        tensors.retain(|name, _| wanted.contains_key(name));
        #[expect(clippy::cast_possible_truncation, reason = "weights are stored as f32")]
        let narrow = |wide: Wide| Tensor {
            shape: wide.shape,
            data: wide.data.into_iter().map(|value| value as f32).collect(),
        };
        let weights: Weights = tensors.into_iter().map(|(n, w)| (n, narrow(w))).collect();
        weights.check(&self.graph)?;
        Ok((self.graph, weights))
    }

    fn tensor(&self, node: &str, part: &str) -> Result<&Wide, NetworkError> {
        self.tensors
            .get(&format!("{node}.{part}"))
            .ok_or_else(|| NetworkError::graph(node, format!("has no {part}")))
    }

    /// Drops the nodes that have an alias and lets their readers read that instead.
    fn compact(&mut self, aliases: &BTreeMap<ValueId, ValueId>) {
        let mut compacted = Graph {
            nodes: Vec::new(),
            landmarks: Vec::new(),
        };
        let mut moved: Vec<ValueId> = Vec::with_capacity(self.graph.nodes.len());
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let value = match aliases.get(&ValueId(index)) {
                Some(alias) => moved[alias.0],
                None => {
                    let inputs: Vec<ValueId> = node.inputs.iter().map(|i| moved[i.0]).collect();
                    compacted.push(&node.name, node.op.clone(), &inputs)
                }
            };
            moved.push(value);
        }
        for (landmark, value) in &self.graph.landmarks {
            compacted.mark(*landmark, moved[value.0]);
        }
        self.graph = compacted;
    }

    fn drop_dropout(&mut self) {
        let nodes = self.graph.nodes.iter().enumerate();
        let dropouts = nodes.filter_map(|(index, node)| match node.op {
            Op::Dropout { .. } => Some((ValueId(index), *node.inputs.first()?)),
            _ => None,
        });
        let aliases = dropouts.collect();
        self.compact(&aliases);
    }

    /// Whether a value is read once and is no landmark, so that it may change.
    fn is_private(&self, value: ValueId) -> bool {
        self.graph.readers(value).count() == 1 && self.graph.landmark_of(value).is_none()
    }

    fn fold_batch_norm(&mut self) -> Result<(), NetworkError> {
        let mut aliases = BTreeMap::new();
        for index in 0..self.graph.nodes.len() {
            let Node {
                name: norm,
                op: Op::BatchNorm { epsilon, .. },
                inputs,
            } = self.graph.nodes[index].clone()
            else {
                continue;
            };
            let Some(&producer) = inputs.first() else {
                continue;
            };
            let conv = self.graph.nodes[producer.0].name.clone();
            if !self.is_private(producer) {
                continue;
            }
            if let Op::Conv { bias, .. } = &mut self.graph.nodes[producer.0].op {
                let had_bias = std::mem::replace(bias, true);
                self.scale_outputs(&conv, had_bias, (&norm, f64::from(epsilon)))?;
                aliases.insert(ValueId(index), producer);
            }
        }
        self.compact(&aliases);
        Ok(())
    }

    fn scale_outputs(
        &mut self,
        conv: &str,
        had_bias: bool,
        (norm, epsilon): (&str, f64),
    ) -> Result<(), NetworkError> {
        let part = |part| self.tensor(norm, part).map(|wide| wide.data.clone());
        let (gamma, beta) = (part("weight")?, part("bias")?);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
        let factors: Vec<f64> = gamma
            .iter()
            .zip(&variance)
            .map(|(gamma, variance)| gamma / (variance + epsilon).sqrt())
            .collect();
        let mut bias = match had_bias {
            true => self.tensor(conv, "bias")?.data.clone(),
            false => vec![0.0; factors.len()],
        };
        for (channel, value) in bias.iter_mut().enumerate() {
            *value = (*value - mean[channel]) * factors[channel] + beta[channel];
        }
        let shape = vec![bias.len()];
        self.tensors
            .insert(format!("{conv}.bias"), Wide { shape, data: bias });
        let weight = self
            .tensors
            .get_mut(&format!("{conv}.weight"))
            .ok_or_else(|| NetworkError::graph(conv, "has no weight"))?;
        let per_channel = weight.data.len() / factors.len().max(1);
        let rows = weight.data.chunks_exact_mut(per_channel.max(1));
        for (row, factor) in rows.zip(&factors) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
        Ok(())
    }

    fn fold_single_channel(&mut self) -> Result<(), NetworkError> {
        let mut aliases = BTreeMap::new();
        for index in 0..self.graph.nodes.len() {
            if matches!(self.graph.nodes[index].op, Op::Conv { groups: 1, .. }) {
                self.fold_before(index, &mut aliases)?;
            }
        }
        self.compact(&aliases);
        Ok(())
    }

    /// Folds the chain of scalings and at most one repetition before a convolution.
    fn fold_before(
        &mut self,
        index: usize,
        aliases: &mut BTreeMap<ValueId, ValueId>,
    ) -> Result<(), NetworkError> {
        let mut chain = Vec::new();
        let mut value = self.graph.nodes[index].inputs[0];
        while self.is_private(value)
            && matches!(
                self.graph.nodes[value.0].op,
                Op::Affine { .. } | Op::RepeatChannel { .. }
            )
        {
            chain.push(value);
            value = self.graph.nodes[value.0].inputs[0];
        }
        let Some(&first) = chain.last() else {
            return Ok(());
        };
        let (mut scale, mut shift, mut repeats) = (1.0, 0.0, false);
        for link in chain.iter().rev() {
            match self.graph.nodes[link.0].op {
                Op::Affine { scale: s, shift: t } => {
                    scale *= f64::from(s);
                    shift = shift * f64::from(s) + f64::from(t);
                }
                _ => repeats = true,
            }
        }
        if scale == 0.0 {
            return Ok(());
        }
        let conv = self.graph.nodes[index].name.clone();
        if repeats {
            self.sum_inputs(&conv)?;
        }
        let padded = pads(&self.graph.nodes[index].op);
        if !padded && shift != 0.0 {
            self.shift_into_bias(&conv, index, shift)?;
            shift = 0.0;
        }
        if let Some(weight) = self.tensors.get_mut(&format!("{conv}.weight")) {
            weight.data.iter_mut().for_each(|value| *value *= scale);
        }
        if let (true, Op::Conv { in_channels, .. }) = (repeats, &mut self.graph.nodes[index].op) {
            *in_channels = 1;
        }
        shift /= scale;
        for link in &chain {
            aliases.insert(*link, self.graph.nodes[link.0].inputs[0]);
        }
        if shift.abs() > ROUNDING {
            #[expect(clippy::cast_possible_truncation, reason = "operations are in f32")]
            let shift = shift as f32;
            let kept = &mut self.graph.nodes[first.0];
            kept.name = format!("{conv}.shift");
            kept.op = Op::Affine { scale: 1.0, shift };
            aliases.remove(&first);
        }
        Ok(())
    }

    /// `[out, in, …]` → `[out, 1, …]`: the weights of equal channels add up.
    fn sum_inputs(&mut self, conv: &str) -> Result<(), NetworkError> {
        let weight = self.tensor(conv, "weight")?;
        let positions: usize = weight.shape[2..].iter().product();
        let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
        let mut data = Vec::with_capacity(outputs * positions);
        for row in weight.data.chunks_exact(inputs * positions) {
            data.extend((0..positions).map(|p| {
                let column = row.iter().skip(p).step_by(positions);
                column.sum::<f64>()
            }));
        }
        let mut shape = weight.shape.clone();
        shape[1] = 1;
        self.tensors
            .insert(format!("{conv}.weight"), Wide { shape, data });
        Ok(())
    }

    fn shift_into_bias(
        &mut self,
        conv: &str,
        index: usize,
        shift: f64,
    ) -> Result<(), NetworkError> {
        let weight = self.tensor(conv, "weight")?;
        let outputs = weight.shape[0].max(1);
        let rows = weight
            .data
            .chunks_exact((weight.data.len() / outputs).max(1));
        let mut data: Vec<f64> = rows.map(|row| shift * row.iter().sum::<f64>()).collect();
        if let Ok(bias) = self.tensor(conv, "bias") {
            data.iter_mut().zip(&bias.data).for_each(|(d, b)| *d += b);
        }
        let shape = vec![data.len()];
        self.tensors
            .insert(format!("{conv}.bias"), Wide { shape, data });
        if let Op::Conv { bias, .. } = &mut self.graph.nodes[index].op {
            *bias = true;
        }
        Ok(())
    }
}

/// Whether a convolution may see zeros beyond the border.
fn pads(op: &Op) -> bool {
    match op {
        Op::Conv {
            padding, kernel, ..
        } => match padding {
            Padding::Valid => false,
            Padding::Same => kernel.iter().any(|k| *k > 1),
            Padding::Explicit(amounts) => amounts.iter().any(|amount| *amount != (0, 0)),
        },
        _ => true,
    }
}

/// Leaves out every node that no wanted landmark needs.
///
/// # Errors
/// When a landmark is missing.
pub fn keep_only(graph: &Graph, wanted: &[Landmark]) -> Result<Graph, NetworkError> {
    let mut needed = vec![false; graph.nodes.len()];
    for landmark in wanted {
        needed[graph.require(*landmark)?.0] = true;
    }
    for index in (0..graph.nodes.len()).rev() {
        if needed[index] {
            for input in &graph.nodes[index].inputs {
                needed[input.0] = true;
            }
        }
    }
    let mut kept = Graph {
        nodes: Vec::new(),
        landmarks: Vec::new(),
    };
    let mut moved = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate().filter(|(i, _)| needed[*i]) {
        let inputs: Vec<ValueId> = node
            .inputs
            .iter()
            .filter_map(|i| moved.get(i).copied())
            .collect();
        moved.insert(
            ValueId(index),
            kept.push(&node.name, node.op.clone(), &inputs),
        );
    }
    for (landmark, value) in &graph.landmarks {
        if let Some(value) = moved.get(value) {
            kept.mark(*landmark, *value);
        }
    }
    Ok(kept)
}
