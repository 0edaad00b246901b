//! Weights as the bytes of a safetensors file and back. The writer is our own because the same
//! weights and metadata must always give the same bytes.

use super::{Tensor, Weights};
use crate::{NetworkError, head::check_finite};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const FORMAT: &str = "safetensors";

impl Weights {
    /// The bytes of a safetensors file with a metadata map; the same content gives the same
    /// bytes.
    ///
    /// # Errors
    /// When a tensor's shape and data disagree or a number is not finite.
    pub fn to_safetensors(
        &self,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, NetworkError> {
        let mut header = Map::new();
        if !metadata.is_empty() {
            header.insert("__metadata__".to_owned(), json!(metadata));
        }
        let mut end = 0_usize;
        for (name, tensor) in self.iter() {
            check_finite(name, &tensor.data)?;
            if tensor.shape.iter().product::<usize>() != tensor.data.len() {
                return Err(NetworkError::Weights(format!(
                    "{name} has shape {:?} but {} values",
                    tensor.shape,
                    tensor.data.len()
                )));
            }
            let start = end;
            end += 4 * tensor.data.len();
            let entry =
                json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end]});
            header.insert(name.to_owned(), entry);
        }
        let mut text = Value::Object(header).to_string().into_bytes();
        text.resize(text.len().next_multiple_of(8), b' ');
        let mut bytes = Vec::with_capacity(8 + text.len() + end);
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text);
        for (_, tensor) in self.iter() {
            bytes.extend(tensor.data.iter().flat_map(|v| v.to_le_bytes()));
        }
        Ok(bytes)
    }

    /// Weights and metadata of a safetensors file; only 32-bit floats are accepted.
    ///
    /// # Errors
    /// When the file is damaged, has another element type or a number that is not finite.
    pub fn from_safetensors(
        bytes: &[u8],
    ) -> Result<(Self, BTreeMap<String, String>), NetworkError> {
        let broken = |e: safetensors::SafeTensorError| NetworkError::format(FORMAT, e.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let mut weights = Self::new();
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                return Err(NetworkError::format(
                    FORMAT,
                    format!("{name} is {:?}: only F32 is read", view.dtype()),
                ));
            }
            let values = view.data().as_chunks::<4>().0.iter();
            let data: Vec<f32> = values.map(|b| f32::from_le_bytes(*b)).collect();
            check_finite(name, &data)?;
            weights.insert(name, Tensor::new(view.shape().to_vec(), data)?);
        }
        Ok((weights, metadata.into_iter().collect()))
    }
}
