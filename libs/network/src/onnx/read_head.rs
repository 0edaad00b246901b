//! Takes the head back out of a model that was written here: the weights that answers are computed
//! from are those that the model ships with.

use super::proto::{ModelProto, TensorProto, tensor_proto::DataType};
use crate::{Head, NetworkError, Tensor, Weights, head};
use prost::Message;

pub(super) const FORMAT: &str = "ONNX model";

/// The dense layer `head.weight`, `head.bias` of a model.
///
/// # Errors
/// When the bytes are no model, or the two constants are missing or no 32-bit floats.
pub fn head_of_onnx(model: &[u8]) -> Result<Head, NetworkError> {
    let model = ModelProto::decode(model)
        .map_err(|error| NetworkError::format(FORMAT, error.to_string()))?;
    let constants = model
        .graph
        .map(|graph| graph.initializer)
        .unwrap_or_default();
    let weights = [head::WEIGHT, head::BIAS]
        .into_iter()
        .filter_map(|name| constants.iter().find(|constant| constant.name == name))
        .map(|constant| Ok((constant.name.clone(), floats(constant)?)))
        .collect::<Result<Weights, NetworkError>>()?;
    Head::from_weights(&weights)
}

/// A constant of 32-bit floats as it was written.
pub(super) fn floats(constant: &TensorProto) -> Result<Tensor, NetworkError> {
    let name = &constant.name;
    let (values, rest) = constant.raw_data.as_chunks::<4>();
    if constant.data_type != DataType::Float as i32 || !rest.is_empty() {
        let reason = format!("{name} must hold 32-bit floats as raw data");
        return Err(NetworkError::format(FORMAT, reason));
    }
    let shape = constant.dims.iter().map(|&extent| {
        usize::try_from(extent)
            .map_err(|_| NetworkError::format(FORMAT, format!("{name} has extent {extent}")))
    });
    let data = values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    Tensor::new(shape.collect::<Result<_, _>>()?, data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExportOptions, HeadSpec, Landmark, Tutorial1d, TutorialVariant, export_onnx};

    #[test]
    fn the_head_comes_back_bit_for_bit() {
        let network = Tutorial1d {
            variant: TutorialVariant::SmallGap { pool: 8 },
            activation: crate::Activation::Relu,
            bins: 600,
            head: HeadSpec {
                classes: 3,
                dropout: 0.0,
            },
        };
        let graph = network.graph().unwrap();
        let mut number = 0.0;
        let weights: Weights = graph
            .weight_shapes()
            .into_iter()
            .map(|(name, shape)| {
                let count = shape.iter().product();
                let data = std::iter::repeat_with(|| {
                    number += 0.37;
                    f32::sin(number)
                });
                (
                    name,
                    Tensor {
                        shape,
                        data: data.take(count).collect(),
                    },
                )
            })
            .collect();
        let options = ExportOptions {
            outputs: vec![Landmark::Logits],
            ..ExportOptions::default()
        };
        let model = export_onnx(&graph, &weights, &options).unwrap();
        assert_eq!(
            head_of_onnx(&model).unwrap(),
            Head::from_weights(&weights).unwrap()
        );
    }

    #[test]
    fn what_is_no_model_or_has_no_head_is_refused() {
        for bytes in [&b""[..], b"not a model at all"] {
            assert!(head_of_onnx(bytes).is_err());
        }
    }
}
