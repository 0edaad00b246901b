//! What can be asked of a graph without running it: building, look-up, cutting, the shapes of
//! its values and of its weights.

use crate::{Graph, Landmark, NetworkError, Node, Op, ValueId};
use std::collections::{BTreeMap, BTreeSet};

mod shapes;

pub use shapes::{Shape, infer_shapes};

impl Graph {
    /// A graph with nothing but its input.
    #[must_use]
    pub fn with_input(name: &str, shape: Shape) -> (Self, ValueId) {
        let mut graph = Self {
            nodes: Vec::new(),
            landmarks: Vec::new(),
        };
        let input = graph.push(name, Op::Input { shape }, &[]);
        (graph, input)
    }

    /// Appends a node and returns its value.
    pub fn push(&mut self, name: impl Into<String>, op: Op, inputs: &[ValueId]) -> ValueId {
        self.nodes.push(Node {
            name: name.into(),
            op,
            inputs: inputs.to_vec(),
        });
        ValueId(self.nodes.len() - 1)
    }

    /// Gives a value a name; a former value of that name loses it.
    pub fn mark(&mut self, landmark: Landmark, value: ValueId) {
        self.landmarks.retain(|(known, _)| *known != landmark);
        self.landmarks.push((landmark, value));
        self.landmarks.sort_unstable();
    }

    /// The value of a landmark.
    #[must_use]
    pub fn landmark(&self, landmark: Landmark) -> Option<ValueId> {
        let found = self.landmarks.iter().find(|(known, _)| *known == landmark);
        found.map(|(_, value)| *value)
    }

    /// The value of a landmark that must be there.
    ///
    /// # Errors
    /// When the graph does not have it.
    pub fn require(&self, landmark: Landmark) -> Result<ValueId, NetworkError> {
        self.landmark(landmark)
            .ok_or(NetworkError::NoLandmark(landmark.tensor_name()))
    }

    /// The node that produces a value.
    #[must_use]
    pub fn node(&self, value: ValueId) -> Option<&Node> {
        self.nodes.get(value.0)
    }

    /// A node by its name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ValueId> {
        let position = self.nodes.iter().position(|node| node.name == name);
        position.map(ValueId)
    }

    /// The nodes that read a value.
    pub fn readers(&self, value: ValueId) -> impl Iterator<Item = ValueId> {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(move |(_, node)| node.inputs.contains(&value))
            .map(|(index, _)| ValueId(index))
    }

    /// Landmark of a value, if it has one.
    #[must_use]
    pub fn landmark_of(&self, value: ValueId) -> Option<Landmark> {
        let found = self.landmarks.iter().find(|(_, marked)| *marked == value);
        found.map(|(landmark, _)| *landmark)
    }

    /// Names and shapes of all weights that the graph needs.
    #[must_use]
    pub fn weight_shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let nodes = self.nodes.iter();
        nodes
            .flat_map(|node| {
                weight_shapes_of(&node.op)
                    .into_iter()
                    .map(|(part, shape)| (format!("{}.{part}", node.name), shape))
            })
            .collect()
    }

    /// Checks names, order, number of inputs, landmarks and shapes.
    ///
    /// # Errors
    /// Names the first node that is wrong.
    pub fn validate(&self) -> Result<(), NetworkError> {
        let mut names = BTreeSet::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if !names.insert(&node.name) {
                return Err(NetworkError::graph(&node.name, "the name is used twice"));
            }
            if matches!(node.op, Op::Input { .. }) != (index == 0) {
                let reason = "the input must be the first node and no other";
                return Err(NetworkError::graph(&node.name, reason));
            }
            if node.inputs.iter().any(|input| input.0 >= index) {
                let reason = "an input does not stand before the node";
                return Err(NetworkError::graph(&node.name, reason));
            }
        }
        if let Some((landmark, _)) = self
            .landmarks
            .iter()
            .find(|(_, value)| value.0 >= self.nodes.len())
        {
            let reason = "the landmark points to no node";
            return Err(NetworkError::graph(landmark.tensor_name(), reason));
        }
        infer_shapes(self).map(drop)
    }

    /// The part of the graph between two landmarks; its input has the shape of `from`.
    ///
    /// # Errors
    /// When a landmark is missing, or `to` needs a value from before `from`.
    pub fn cut(&self, from: Landmark, to: Landmark) -> Result<Self, NetworkError> {
        let (start, end) = (self.require(from)?, self.require(to)?);
        let name = match &self.nodes[start.0] {
            Node {
                name,
                op: Op::Input { .. },
                ..
            } => name.clone(),
            _ => from.tensor_name().to_owned(),
        };
        self.between((start, &name), (end, to.tensor_name()))
    }

    /// The part of the graph between two values, each with the name that it goes by: the first
    /// becomes the input of that name, the second is named in errors. Landmarks move along.
    ///
    /// # Errors
    /// When a value does not exist, or `end` needs one from before `start`.
    pub fn between(
        &self,
        (start, from): (ValueId, &str),
        (end, to): (ValueId, &str),
    ) -> Result<Self, NetworkError> {
        let shapes = infer_shapes(self)?;
        if let Some((_, name)) = [(start, from), (end, to)]
            .into_iter()
            .find(|(value, _)| value.0 >= self.nodes.len())
        {
            return Err(NetworkError::graph(name, "is no value of this graph"));
        }
        let mut needed = vec![false; self.nodes.len()];
        needed[end.0] = true;
        for index in (start.0 + 1..=end.0).rev() {
            if needed[index] {
                for input in &self.nodes[index].inputs {
                    needed[input.0] = true;
                }
            }
        }
        let misplaced = needed[..start.0].iter().any(|used| *used);
        if misplaced || !needed[start.0] {
            let reason = format!("cannot be computed from {from:?} alone");
            return Err(NetworkError::graph(to, reason));
        }
        let (mut cut, input) = Self::with_input(from, shapes[start.0].clone());
        let mut moved = BTreeMap::from([(start, input)]);
        for index in (start.0 + 1..=end.0).filter(|i| needed[*i]) {
            let node = &self.nodes[index];
            let inputs: Option<Vec<ValueId>> =
                node.inputs.iter().map(|i| moved.get(i).copied()).collect();
            let inputs = inputs.ok_or_else(|| NetworkError::graph(&node.name, "is cut in two"))?;
            moved.insert(
                ValueId(index),
                cut.push(&node.name, node.op.clone(), &inputs),
            );
        }
        for (landmark, value) in &self.landmarks {
            if let Some(value) = moved.get(value) {
                cut.mark(*landmark, *value);
            }
        }
        Ok(cut)
    }
}

/// Parts and shapes of the weights of one operation.
fn weight_shapes_of(op: &Op) -> Vec<(&'static str, Vec<usize>)> {
    match op {
        Op::Conv {
            in_channels,
            out_channels,
            kernel,
            groups,
            bias,
            ..
        } => {
            let mut shape = vec![*out_channels, in_channels / (*groups).max(1)];
            shape.extend(kernel);
            let mut parts = vec![("weight", shape)];
            if *bias {
                parts.push(("bias", vec![*out_channels]));
            }
            parts
        }
        Op::BatchNorm { channels, .. } => ["weight", "bias", "running_mean", "running_var"]
            .map(|part| (part, vec![*channels]))
            .to_vec(),
        Op::Dense { inputs, outputs } => {
            vec![
                ("weight", vec![*inputs, *outputs]),
                ("bias", vec![*outputs]),
            ]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
