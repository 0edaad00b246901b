//! The gate's arrays as a safetensors file of 64-bit floats.

use crate::PipelineError;
use assay_openset::NamedArrays;
use ndarray::{ArrayD, IxDyn};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::path::Path;

pub(super) fn to_bytes(arrays: &NamedArrays, file: &Path) -> Result<Vec<u8>, PipelineError> {
    let invalid = |error: safetensors::SafeTensorError| PipelineError::BundleInvalid {
        file: file.to_path_buf(),
        reason: error.to_string(),
    };
    let data: Vec<(&String, Vec<usize>, Vec<u8>)> = arrays
        .iter()
        .map(|(name, array)| {
            let bytes = array.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, array.shape().to_vec(), bytes)
        })
        .collect();
    let views = data
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F64, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(invalid)?;
    safetensors::serialize(views, None).map_err(invalid)
}

pub(super) fn from_bytes(bytes: &[u8], file: &Path) -> Result<NamedArrays, PipelineError> {
    let invalid = |reason: String| PipelineError::BundleInvalid {
        file: file.to_path_buf(),
        reason,
    };
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| invalid(e.to_string()))?;
    tensors
        .iter()
        .map(|(name, view)| {
            if view.dtype() != Dtype::F64 {
                return Err(invalid(format!(
                    "array {name:?} has type {:?}; F64 is needed",
                    view.dtype()
                )));
            }
            let (values, _) = view.data().as_chunks::<8>();
            let values = values
                .iter()
                .map(|value| f64::from_le_bytes(*value))
                .collect();
            let array = ArrayD::from_shape_vec(IxDyn(view.shape()), values)
                .map_err(|e| invalid(format!("array {name:?}: {e}")))?;
            Ok((name.to_owned(), array))
        })
        .collect()
}
