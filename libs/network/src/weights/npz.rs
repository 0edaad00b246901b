//! Arrays of 32-bit floats in a NumPy archive.

use super::{Tensor, Weights};
use crate::NetworkError;
use ndarray::{ArrayViewD, IxDyn};
use ndarray_npy::ViewNpyExt;
use std::io::{Cursor, Read};

const FORMAT: &str = "npz";

/// No base has so many weights; a damaged archive may claim any size.
const LARGEST_BYTES: u64 = 1 << 30;

impl Weights {
    /// The arrays of an `.npz` archive under their own names.
    ///
    /// # Errors
    /// When the archive is damaged, an array is not of 32-bit floats or the archive unpacks to
    /// more than a gibibyte.
    pub fn from_npz(bytes: &[u8]) -> Result<Self, NetworkError> {
        let broken = |e: zip::result::ZipError| NetworkError::format(FORMAT, e.to_string());
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        let mut weights = Self::new();
        let mut left = LARGEST_BYTES;
        for index in 0..archive.len() {
            let file = archive.by_index(index).map_err(broken)?;
            let name = file.name().trim_end_matches(".npy").to_owned();
            let wrong = |e: &dyn std::fmt::Display| {
                NetworkError::format(FORMAT, format!("array {name:?}: {e}"))
            };
            let mut entry = Vec::new();
            file.take(left + 1)
                .read_to_end(&mut entry)
                .map_err(|e| wrong(&e))?;
            left = left
                .checked_sub(entry.len() as u64)
                .ok_or_else(|| wrong(&"the archive unpacks to more than a gibibyte"))?;
            // A view checks the shape in the header against the bytes before it trusts it.
            let view: ArrayViewD<'_, f32> =
                ArrayViewD::<f32>::view_npy(&entry).map_err(|e| wrong(&e))?;
            let view = view.into_dimensionality::<IxDyn>().map_err(|e| wrong(&e))?;
            let tensor = Tensor::new(view.shape().to_vec(), view.iter().copied().collect())?;
            weights.insert(name, tensor);
        }
        Ok(weights)
    }
}
