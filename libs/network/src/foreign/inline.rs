//! How the nodes of a foreign base become part of an exported model: every name gets a prefix,
//! and scaling and layout stand around it.

use super::{FORMAT, ForeignBase, Layout};
use crate::{
    NetworkError,
    onnx::{
        build::{Builder, Setting},
        proto::{GraphProto, NodeProto},
    },
};
use std::collections::{BTreeMap, BTreeSet};

impl ForeignBase {
    /// Emits the base between a one-channel image and a channels-first feature map.
    pub(crate) fn inline(
        &self,
        builder: &mut Builder,
        prefix: &str,
        (image, size): (&str, Option<usize>),
        output: &str,
    ) -> Result<(), NetworkError> {
        for wanted in [self.size.0, self.size.1].into_iter().flatten() {
            if size.is_some_and(|size| size != wanted) {
                return Err(NetworkError::Parameter {
                    name: "image size",
                    value: size.unwrap_or_default().to_string(),
                    allowed: format!("base {:?} takes {wanted} only", self.settings.name),
                });
            }
        }
        let mut value = self.scaled(builder, prefix, image);
        if self.settings.layout == Layout::Nhwc {
            let name = format!("{prefix}.channels_last");
            let order = vec![("perm", Setting::Ints(vec![0, 2, 3, 1]))];
            value = builder.node("Transpose", &[&value], &name, order);
        }
        let graph = self.model.graph.as_ref();
        let graph = graph.ok_or_else(|| NetworkError::format(FORMAT, "the file has no graph"))?;
        let last = match self.settings.layout {
            Layout::Nchw => output.to_owned(),
            Layout::Nhwc => format!("{prefix}.feature_map_channels_last"),
        };
        let fixed = BTreeMap::from([
            (self.input.clone(), value),
            (self.output.clone(), last.clone()),
        ]);
        let renaming = Renaming { prefix, fixed };
        for constant in &graph.initializer {
            let mut constant = constant.clone();
            constant.name = renaming.of(&constant.name);
            builder.constants.push(constant);
        }
        builder
            .nodes
            .extend(graph.node.iter().map(|node| renaming.node(node)));
        if self.settings.layout == Layout::Nhwc {
            let order = vec![("perm", Setting::Ints(vec![0, 3, 1, 2]))];
            builder.node("Transpose", &[&last], output, order);
        }
        Ok(())
    }

    /// `[n, 1, S, S]` in [-1, 1] to `[n, channels, S, S]` in the base's range; the constants have
    /// one entry per channel, so multiplying also repeats.
    fn scaled(&self, builder: &mut Builder, prefix: &str, image: &str) -> String {
        let (scale, shift) = self.pixel_affine();
        let shape = [1, self.input_channels, 1, 1];
        let factor = builder.floats(&format!("{prefix}.scale"), &shape, &scale);
        let name = format!("{prefix}.scaled");
        let mut value = builder.node("Mul", &[image, &factor], &name, Vec::new());
        if shift.iter().any(|s| *s != 0.0) {
            let summand = builder.floats(&format!("{prefix}.shift"), &shape, &shift);
            let name = format!("{prefix}.pixels");
            value = builder.node("Add", &[&value, &summand], &name, Vec::new());
        }
        value
    }
}

/// New names for all values of the foreign graph.
struct Renaming<'a> {
    prefix: &'a str,
    fixed: BTreeMap<String, String>,
}

impl Renaming<'_> {
    fn of(&self, name: &str) -> String {
        match self.fixed.get(name) {
            Some(fixed) => fixed.clone(),
            // An empty name is an optional input that is left out.
            None if name.is_empty() => String::new(),
            None => format!("{}/{name}", self.prefix),
        }
    }

    fn node(&self, node: &NodeProto) -> NodeProto {
        let mut node = node.clone();
        let names = node.input.iter_mut().chain(&mut node.output);
        names.for_each(|name| *name = self.of(name));
        if !node.name.is_empty() {
            node.name = format!("{}/{}", self.prefix, node.name);
        }
        for attribute in &mut node.attribute {
            let graphs = attribute.g.iter_mut().chain(&mut attribute.graphs);
            graphs.for_each(|graph| self.graph(graph));
        }
        node
    }

    /// Inner graphs see the values around them, so all their names change alike.
    fn graph(&self, graph: &mut GraphProto) {
        for value in graph
            .input
            .iter_mut()
            .chain(&mut graph.output)
            .chain(&mut graph.value_info)
        {
            value.name = self.of(&value.name);
        }
        for constant in &mut graph.initializer {
            constant.name = self.of(&constant.name);
        }
        for sparse in &mut graph.sparse_initializer {
            if let Some(values) = &mut sparse.values {
                values.name = self.of(&values.name);
            }
        }
        for node in &mut graph.node {
            *node = self.node(node);
        }
    }
}

/// Keeps the nodes and constants that a value needs.
pub(super) fn prune(graph: GraphProto, output: &str) -> GraphProto {
    let mut needed = BTreeSet::from([output.to_owned()]);
    let mut nodes: Vec<NodeProto> = Vec::new();
    for node in graph.node.into_iter().rev() {
        if node.output.iter().any(|name| needed.contains(name)) {
            mark(&node, &mut needed);
            nodes.push(node);
        }
    }
    nodes.reverse();
    let mut initializer = graph.initializer;
    initializer.retain(|constant| needed.contains(&constant.name));
    GraphProto {
        node: nodes,
        initializer,
        ..GraphProto::default()
    }
}

/// Everything that a node or a graph inside it reads.
fn mark(node: &NodeProto, needed: &mut BTreeSet<String>) {
    needed.extend(node.input.iter().cloned());
    for attribute in &node.attribute {
        for graph in attribute.g.iter().chain(&attribute.graphs) {
            needed.extend(graph.output.iter().map(|value| value.name.clone()));
            graph.node.iter().for_each(|node| mark(node, needed));
        }
    }
}
