//! Small makers for the messages of the format, and the list of nodes that grows with them.

use super::proto::{
    AttributeProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    attribute_proto::AttributeType,
    tensor_proto::DataType,
    tensor_shape_proto::{Dimension, dimension},
    type_proto,
};
use std::collections::BTreeSet;

/// A graph under construction.
pub(crate) struct Builder {
    pub(crate) nodes: Vec<NodeProto>,
    pub(crate) constants: Vec<TensorProto>,
    known: BTreeSet<String>,
    /// Version of the standard operators to write for.
    pub(crate) opset: i64,
}

/// An operator's setting.
pub(crate) enum Setting {
    Int(i64),
    Float(f32),
    Ints(Vec<i64>),
    Text(&'static str),
}

impl Builder {
    pub(crate) const fn new(opset: i64) -> Self {
        Self {
            nodes: Vec::new(),
            constants: Vec::new(),
            known: BTreeSet::new(),
            opset,
        }
    }

    /// Appends a node with one output, which has the node's name, and returns that name.
    pub(crate) fn node(
        &mut self,
        op: &str,
        inputs: &[&str],
        output: &str,
        settings: Vec<(&str, Setting)>,
    ) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: output.to_owned(),
            op_type: op.to_owned(),
            attribute: settings.into_iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        output.to_owned()
    }

    /// Adds a constant once; the same name always means the same content.
    pub(crate) fn constant(&mut self, tensor: TensorProto) -> String {
        let name = tensor.name.clone();
        if self.known.insert(name.clone()) {
            self.constants.push(tensor);
        }
        name
    }

    pub(crate) fn floats(&mut self, name: &str, shape: &[usize], data: &[f32]) -> String {
        let raw = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(tensor(name, shape, DataType::Float, raw))
    }

    pub(crate) fn doubles(&mut self, name: &str, shape: &[usize], data: &[f64]) -> String {
        let raw = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(tensor(name, shape, DataType::Double, raw))
    }

    pub(crate) fn integers(&mut self, name: &str, shape: &[usize], data: &[i64]) -> String {
        let raw = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(tensor(name, shape, DataType::Int64, raw))
    }

    /// Inserts axes of extent one.
    pub(crate) fn unsqueeze(&mut self, input: &str, axes: &[i64], output: &str) -> String {
        let axes = self.axes(axes);
        self.node("Unsqueeze", &[input, &axes], output, Vec::new())
    }

    /// Removes axes of extent one.
    pub(crate) fn squeeze(&mut self, input: &str, axes: &[i64], output: &str) -> String {
        let axes = self.axes(axes);
        self.node("Squeeze", &[input, &axes], output, Vec::new())
    }

    /// `ReduceMin` or `ReduceMax` over one axis, which stays with extent one. The axes became an
    /// input in operator set 18.
    pub(crate) fn extreme(&mut self, op: &str, input: &str, axis: i64, output: &str) -> String {
        if self.opset < 18 {
            let settings = vec![("axes", Setting::Ints(vec![axis]))];
            return self.node(op, &[input], output, settings);
        }
        let axes = self.axes(&[axis]);
        self.node(op, &[input, &axes], output, Vec::new())
    }

    pub(crate) fn axes(&mut self, axes: &[i64]) -> String {
        let digits: Vec<String> = axes.iter().map(ToString::to_string).collect();
        let name = format!("axes.{}", digits.join("_"));
        self.integers(&name, &[axes.len()], axes)
    }
}

fn tensor(name: &str, shape: &[usize], data_type: DataType, raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|extent| *extent as i64).collect(),
        data_type: data_type as i32,
        name: name.to_owned(),
        raw_data,
        ..TensorProto::default()
    }
}

fn attribute((name, setting): (&str, Setting)) -> AttributeProto {
    let mut attribute = AttributeProto {
        name: name.to_owned(),
        ..AttributeProto::default()
    };
    let kind = match setting {
        Setting::Int(value) => {
            attribute.i = Some(value);
            AttributeType::Int
        }
        Setting::Float(value) => {
            attribute.f = Some(value);
            AttributeType::Float
        }
        Setting::Ints(values) => {
            attribute.ints = values;
            AttributeType::Ints
        }
        Setting::Text(text) => {
            attribute.s = Some(text.as_bytes().to_vec());
            AttributeType::String
        }
    };
    attribute.set_type(kind);
    attribute
}

/// A named value of 32-bit floats; the first axis is the batch, and open extents get names.
pub(crate) fn float_value(name: &str, extents: &[Option<usize>]) -> ValueInfoProto {
    let named = |index: usize| format!("{name}_{index}");
    let dimension = |value| Dimension {
        value: Some(value),
        denotation: String::new(),
    };
    let mut dim = vec![dimension(dimension::Value::DimParam("n".to_owned()))];
    dim.extend(extents.iter().enumerate().map(|(index, extent)| {
        dimension(match extent {
            Some(extent) => dimension::Value::DimValue(*extent as i64),
            None => dimension::Value::DimParam(named(index + 1)),
        })
    }));
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto { dim }),
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            denotation: String::new(),
        }),
        ..ValueInfoProto::default()
    }
}
