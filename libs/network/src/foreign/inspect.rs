//! The checks when a foreign base is registered.

use super::{FORMAT, ForeignBase, ForeignSettings, Layout, inline};
use crate::{
    NetworkError,
    onnx::proto::{
        GraphProto, ModelProto, TensorProto, ValueInfoProto,
        tensor_proto::{DataLocation, DataType},
        tensor_shape_proto::dimension,
        type_proto,
    },
};
use prost::Message;
use std::collections::BTreeSet;

/// Operator sets that the imaging in front can be written for.
const OPSETS: std::ops::RangeInclusive<i64> = 13..=21;

pub(super) fn read(bytes: &[u8], settings: ForeignSettings) -> Result<ForeignBase, NetworkError> {
    let mut model = ModelProto::decode(bytes)
        .map_err(|e| NetworkError::format(FORMAT, format!("this is no ONNX file: {e}")))?;
    let opset = opset(&model)?;
    let graph = model
        .graph
        .take()
        .filter(|graph| !graph.node.is_empty())
        .ok_or_else(|| NetworkError::format(FORMAT, "the file has no graph"))?;
    refuse_outside_data(&graph)?;
    let picture = picture(&graph)?;
    let output = output(&graph, settings.output.as_deref())?;
    let (input_channels, height, width) = split(&picture.1, settings.layout);
    let input_channels = input_channels.ok_or_else(|| {
        NetworkError::format(
            FORMAT,
            format!(
                "input {:?} has an unknown number of channels (shape {}, layout {:?})",
                picture.0,
                shown(&picture.1),
                settings.layout
            ),
        )
    })?;
    let (channels, ..) = split(&output.1, settings.layout);
    let channels = channels.ok_or_else(|| {
        NetworkError::format(
            FORMAT,
            format!(
                "output {:?} has an unknown number of channels (shape {}, layout {:?})",
                output.0,
                shown(&output.1),
                settings.layout
            ),
        )
    })?;
    check_settings(&settings, input_channels)?;
    let digest = ForeignBase::digest_of(bytes, &settings, &output.0);
    model.graph = Some(inline::prune(graph, &output.0));
    Ok(ForeignBase {
        settings,
        model,
        input: picture.0,
        output: output.0,
        input_channels,
        channels,
        size: (height, width),
        opset,
        digest,
    })
}

/// The two names of the standard operators.
pub(super) fn is_standard(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

fn opset(model: &ModelProto) -> Result<i64, NetworkError> {
    let mut sets = model.opset_import.iter();
    let version = sets.find(|set| is_standard(&set.domain)).map(|s| s.version);
    match version {
        Some(version) if OPSETS.contains(&version) => Ok(version),
        version => Err(NetworkError::format(
            FORMAT,
            format!(
                "operator set {}: {} to {} are allowed (onnx.version_converter changes it)",
                version.map_or_else(|| "none".to_owned(), |v| v.to_string()),
                OPSETS.start(),
                OPSETS.end()
            ),
        )),
    }
}

fn refuse_outside_data(graph: &GraphProto) -> Result<(), NetworkError> {
    let outside = |tensor: &&TensorProto| tensor.data_location() == DataLocation::External;
    match graph.initializer.iter().find(outside) {
        None => Ok(()),
        Some(tensor) => Err(NetworkError::format(
            FORMAT,
            format!(
                "constant {:?} lies in another file: save the model as one file",
                tensor.name
            ),
        )),
    }
}

type Extents = Vec<Option<usize>>;

/// The one input that is no constant.
fn picture(graph: &GraphProto) -> Result<(String, Extents), NetworkError> {
    let constants: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let mut inputs = graph.input.iter();
    let open: Vec<&ValueInfoProto> = inputs
        .by_ref()
        .filter(|input| !constants.contains(input.name.as_str()))
        .collect();
    let [input] = open.as_slice() else {
        let names: Vec<&str> = open.iter().map(|input| input.name.as_str()).collect();
        return Err(NetworkError::format(
            FORMAT,
            format!("the file has inputs {names:?}: exactly one picture is needed"),
        ));
    };
    Ok((input.name.clone(), four_axes(input)?))
}

fn output(graph: &GraphProto, wanted: Option<&str>) -> Result<(String, Extents), NetworkError> {
    if let Some(name) = wanted {
        let mut values = graph.output.iter().chain(&graph.value_info);
        let value = values.find(|value| value.name == name).ok_or_else(|| {
            let names: Vec<&str> = graph.output.iter().map(|o| o.name.as_str()).collect();
            NetworkError::format(
                FORMAT,
                format!(
                    "there is no output {name:?}: the outputs are {names:?} (an inner value needs \
                     a known shape)"
                ),
            )
        })?;
        return Ok((name.to_owned(), four_axes(value)?));
    }
    let maps: Vec<(String, Extents)> = graph
        .output
        .iter()
        .filter_map(|output| Some((output.name.clone(), four_axes(output).ok()?)))
        .collect();
    match maps.as_slice() {
        [map] => Ok(map.clone()),
        _ => {
            let names: Vec<&str> = maps.iter().map(|(name, _)| name.as_str()).collect();
            Err(NetworkError::format(
                FORMAT,
                format!(
                    "outputs {names:?} have four axes: exactly one is needed, or name the feature \
                     map"
                ),
            ))
        }
    }
}

/// The extents of a value of 32-bit floats with four axes.
fn four_axes(value: &ValueInfoProto) -> Result<Extents, NetworkError> {
    let wrong =
        |reason: String| NetworkError::format(FORMAT, format!("value {:?}: {reason}", value.name));
    let Some(type_proto::Value::TensorType(tensor)) =
        value.r#type.as_ref().and_then(|t| t.value.as_ref())
    else {
        return Err(wrong("its type is unknown".to_owned()));
    };
    if tensor.elem_type != DataType::Float as i32 {
        return Err(wrong(format!(
            "element type {}: 32-bit floats (1) are needed",
            tensor.elem_type
        )));
    }
    let shape = tensor.shape.as_ref();
    let shape = shape.ok_or_else(|| wrong("its shape is unknown".to_owned()))?;
    let extents: Extents = shape
        .dim
        .iter()
        .map(|dim| match dim.value {
            Some(dimension::Value::DimValue(extent)) => {
                usize::try_from(extent).ok().filter(|extent| *extent > 0)
            }
            _ => None,
        })
        .collect();
    if extents.len() != 4 {
        return Err(wrong(format!("{} axes: four are needed", extents.len())));
    }
    Ok(extents)
}

/// Channels, height and width.
fn split(
    extents: &[Option<usize>],
    layout: Layout,
) -> (Option<usize>, Option<usize>, Option<usize>) {
    match layout {
        Layout::Nchw => (extents[1], extents[2], extents[3]),
        Layout::Nhwc => (extents[3], extents[1], extents[2]),
    }
}

fn shown(extents: &[Option<usize>]) -> String {
    let extents = extents.iter();
    let texts: Vec<String> = extents
        .map(|extent| extent.map_or_else(|| "?".to_owned(), |e| e.to_string()))
        .collect();
    format!("[{}]", texts.join(", "))
}

fn check_settings(settings: &ForeignSettings, channels: usize) -> Result<(), NetworkError> {
    let wrong = |name, value: String, allowed: String| {
        Err(NetworkError::Parameter {
            name,
            value,
            allowed,
        })
    };
    let (low, high) = settings.range;
    if !(low.is_finite() && high.is_finite() && low < high) {
        let value = format!("({low}, {high})");
        return wrong("range", value, "finite, and black below white".to_owned());
    }
    for (name, values) in [("mean", &settings.mean), ("deviation", &settings.deviation)] {
        let fits = values.is_empty() || values.len() == channels;
        let usable = |v: &f32| v.is_finite() && (name == "mean" || *v > 0.0);
        if !fits || !values.iter().all(usable) {
            let allowed = format!("none or {channels} finite numbers, deviations above 0");
            return wrong(name, format!("{values:?}"), allowed);
        }
    }
    if !(1..=4).contains(&channels) {
        let allowed = "1 to 4 channels (is the layout right?)".to_owned();
        return wrong("number of input channels", channels.to_string(), allowed);
    }
    Ok(())
}
