//! A network of the intermediate representation as tensors of torch: forward passes on any
//! device, the parameters that train, and the way back to plain weights.

mod image;
mod operation;

use crate::{
    error::{Result, TrainError},
    sampler::StepKey,
    tensors,
};
use assay_network::{Graph, Landmark, Op, Weights};
use image::ImageTable;
use std::collections::BTreeMap;
use tch::{Device, Tensor};

/// Which weights train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainable {
    /// None: the network is only run.
    Nothing,
    /// The last dense layer.
    Head,
    /// Convolutions, dense layers and the scale and shift of batch normalisations. Their
    /// statistics stay as they are.
    All,
}

/// What a forward pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Dropout does nothing.
    Inference,
    /// Dropout zeroes features with masks of this key.
    Training(StepKey),
}

/// A network on a device.
#[derive(Debug)]
pub struct TchNetwork {
    graph: Graph,
    weights: BTreeMap<String, Tensor>,
    trainable: Vec<String>,
    images: BTreeMap<usize, ImageTable>,
    device: Device,
}

impl TchNetwork {
    /// Moves the weights of a graph to a device.
    ///
    /// # Errors
    /// When the weights do not fit the graph, or when it contains a foreign base, which torch
    /// cannot run.
    pub fn new(
        graph: &Graph,
        weights: &Weights,
        device: Device,
        trainable: Trainable,
    ) -> Result<Self> {
        graph.validate()?;
        let weights = weights.only_for(graph)?;
        weights.check(graph)?;
        let mut images = BTreeMap::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            match &node.op {
                Op::Foreign { .. } => {
                    return Err(TrainError::Untrainable(format!(
                        "node {:?} is a base read from an ONNX file: it cannot be trained in full, \
                         only its head",
                        node.name
                    )));
                }
                Op::GramianImage(layer) => {
                    images.insert(index, ImageTable::new(layer, device)?);
                }
                _ => {}
            }
        }
        let trainable = trainable_names(graph, trainable);
        let weights = weights
            .iter()
            .map(|(name, tensor)| {
                let moved = tensors::from_f32(&tensor.data, &tensor.shape, device)?;
                let trains = trainable.iter().any(|trained| trained == name);
                Ok((name.to_owned(), moved.f_set_requires_grad(trains)?))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            graph: graph.clone(),
            weights,
            trainable,
            images,
            device,
        })
    }

    /// Where the network lives.
    #[must_use]
    pub const fn device(&self) -> Device {
        self.device
    }

    /// Names of the weights that train, sorted.
    #[must_use]
    pub fn trainable(&self) -> &[String] {
        &self.trainable
    }

    /// The weights that train, in the order of [`Self::trainable`]. They share their memory with
    /// the network, so that an optimiser moves the network itself.
    #[must_use]
    pub fn parameters(&self) -> Vec<Tensor> {
        self.trainable
            .iter()
            .filter_map(|name| self.weights.get(name))
            .map(Tensor::shallow_clone)
            .collect()
    }

    /// Computes the value of a landmark.
    ///
    /// # Shapes
    /// `input` has the shape of the graph's input with the batch axis in front.
    ///
    /// # Errors
    /// When the graph lacks the landmark or a shape does not fit.
    pub fn forward(&self, input: &Tensor, to: Landmark, mode: Mode) -> Result<Tensor> {
        let target = self.graph.require(to)?.0;
        let last_use = self.last_uses(target);
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(target + 1);
        for (index, node) in self.graph.nodes.iter().take(target + 1).enumerate() {
            if last_use[index].is_none() {
                values.push(None);
                continue;
            }
            let inputs: Vec<&Tensor> = node
                .inputs
                .iter()
                .filter_map(|input| values.get(input.0)?.as_ref())
                .collect();
            let value = match &node.op {
                Op::Input { .. } => input.shallow_clone(),
                _ => self.compute(index, &inputs, mode)?,
            };
            values.push(Some(value));
            // Without this, a pass over an image of 2631² would hold every map at once.
            for input in &node.inputs {
                if last_use[input.0] == Some(index) && input.0 != target {
                    values[input.0] = None;
                }
            }
        }
        values.pop().flatten().ok_or_else(|| TrainError::Graph {
            node: to.tensor_name().to_owned(),
            reason: "has no value".to_owned(),
        })
    }

    /// All weights, moved back.
    ///
    /// # Errors
    /// When torch cannot copy them.
    pub fn export(&self) -> Result<Weights> {
        self.weights
            .iter()
            .map(|(name, tensor)| {
                let shape = tensors::shape_of(tensor);
                let data = tensors::to_f32(tensor)?;
                Ok((name.clone(), assay_network::Tensor { shape, data }))
            })
            .collect()
    }

    /// For every node up to `target`, the last node that reads it; `None` for nodes that the
    /// target does not depend on.
    fn last_uses(&self, target: usize) -> Vec<Option<usize>> {
        let mut last_use = vec![None; target + 1];
        last_use[target] = Some(target);
        for index in (0..=target).rev() {
            if last_use[index].is_some() {
                for input in &self.graph.nodes[index].inputs {
                    if last_use[input.0].is_none() {
                        last_use[input.0] = Some(index);
                    }
                }
            }
        }
        last_use
    }
}

/// Names of the weights that train, sorted.
fn trainable_names(graph: &Graph, trainable: Trainable) -> Vec<String> {
    let last_dense = graph
        .nodes
        .iter()
        .rposition(|node| matches!(node.op, Op::Dense { .. }));
    let mut names = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let trains = match trainable {
            Trainable::Nothing => false,
            Trainable::Head => Some(index) == last_dense,
            Trainable::All => true,
        };
        if !trains {
            continue;
        }
        let has_bias = match &node.op {
            Op::Conv { bias, .. } => *bias,
            Op::Dense { .. } | Op::BatchNorm { .. } => true,
            _ => continue,
        };
        names.push(format!("{}.weight", node.name));
        if has_bias {
            names.push(format!("{}.bias", node.name));
        }
    }
    names.sort_unstable();
    names
}
